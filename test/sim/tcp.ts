import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type {
  TcpConnection,
  TcpConnectOptions,
  TcpFailure,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
} from '../../src/base/environment.ts'
import { Chunker } from './chunker.ts'
import type { SimHost } from './sim-host.ts'
import { type Segment, TcpPipe } from './tcp-pipe.ts'
import { tlsClient, tlsServer } from './tls.ts'

/** How long a connection is tried for. Linux gives up after 127 s. */
export const tcpConnectLimitMs = 127_000

/** How long bytes that nothing takes hold a connection open. */
export const tcpGiveUpMs = 60_000

/** The same after `close`. */
const closingLimitMs = 5_000

/** What the operating system takes of what was written. */
const sendBufferBytes = 65_536

type Accept = (connection: TcpConnection) => TcpHandler

/** TCP on one host. */
export class SimTcp {
  readonly #host: SimHost
  readonly #listeners = new Map<string, Accept>()
  readonly #connections = new Map<string, SimTcpConnection>()

  constructor(host: SimHost) {
    this.#host = host
  }

  connect(to: TransportAddress, handler: TcpHandler, options: TcpConnectOptions): TcpConnection {
    if (options.tls !== undefined) {
      const { tls, ...plain } = options
      return tlsClient(tls, handler, inner => this.connect(to, inner, plain))
    }
    const connection = new SimTcpConnection(this.#host, to, handler)
    // What goes wrong is never told before `connect` has returned.
    this.#host.router.time.set(0, () => this.#open(connection, options))
    return connection
  }

  listen(address: string, port: number, accept: Accept, options: TcpListenOptions): TcpListener {
    const local = this.#host.localEndpoint(address, port, endpoint => this.#listeners.has(addressKey(endpoint)))
    const { tls } = options
    this.#listeners.set(addressKey(local), tls === undefined ? accept : tlsServer(tls.certificate, accept))
    return { local, close: () => this.#listeners.delete(addressKey(local)) }
  }

  /** Takes what has arrived for an address of this host. */
  take(segment: Segment | { readonly kind: 'reset' }, from: TransportAddress, to: TransportAddress): void {
    const connection = this.#connections.get(connectionKey(to, from))
    if (connection !== undefined) connection.take(segment)
    else if (segment.kind === 'open') this.#accept(from, to)
    else if (segment.kind !== 'reset') this.#reset(to, from)
  }

  forget(connection: SimTcpConnection): void {
    const key = connectionKey(connection.local, connection.remote)
    if (this.#connections.get(key) === connection) this.#connections.delete(key)
  }

  #open(connection: SimTcpConnection, options: TcpConnectOptions): void {
    if (connection.isClosed) return
    const { remote } = connection
    const address = options.localAddress ?? this.#defaultAddress(remote.family)
    if (address === undefined) {
      connection.fail({ code: 'ENETUNREACH', message: `connect ENETUNREACH ${addressKey(remote)}` })
      return
    }
    try {
      // As on Linux with SO_REUSEADDR: a port that listens cannot be connected from, one that was connected from may listen.
      const local = this.#host.localEndpoint(
        address,
        options.localPort ?? 0,
        endpoint => this.#connections.has(connectionKey(endpoint, remote)) || this.#listeners.has(addressKey(endpoint)),
      )
      this.#connections.set(connectionKey(local, remote), connection)
      connection.open(local)
    } catch (error) {
      connection.fail({ code: (error as { code?: string }).code ?? 'EINVAL', message: (error as Error).message })
    }
  }

  #accept(remote: TransportAddress, local: TransportAddress): void {
    const accept = this.#listeners.get(addressKey(local))
    if (accept === undefined) {
      this.#reset(local, remote)
      return
    }
    const connection = new SimTcpConnection(this.#host, remote, undefined)
    this.#connections.set(connectionKey(local, remote), connection)
    connection.accepted(local, accept)
  }

  /** Tells whoever believes in a connection that there is none. */
  #reset(from: TransportAddress, to: TransportAddress): void {
    this.#host.router.route(
      {
        protocol: 'tcp',
        size: 0,
        arrived: (host, source, target) => host.tcp.take({ kind: 'reset' }, source, target),
        lost: () => {},
      },
      this.#host,
      from,
      to,
    )
  }

  #defaultAddress(family: 4 | 6): string | undefined {
    return this.#host.interfaces().find(entry => entry.family === family && !entry.internal)?.address
  }
}

class SimTcpConnection implements TcpConnection {
  readonly remote: TransportAddress
  isClosed = false
  readonly #host: SimHost
  readonly #chunker: Chunker
  #local: TransportAddress
  #handler: TcpHandler | undefined
  #pipe: TcpPipe | undefined
  #isConnected = false
  #early: Uint8Array[] = []

  constructor(host: SimHost, remote: TransportAddress, handler: TcpHandler | undefined) {
    this.#host = host
    this.remote = remote
    this.#handler = handler
    this.#local = { address: remote.family === 4 ? '0.0.0.0' : '::', port: 0, family: remote.family }
    this.#chunker = new Chunker(host.router, data => {
      if (data === undefined) this.#end(undefined)
      else this.#handler?.receive(data)
    })
  }

  get local(): TransportAddress {
    return this.#local
  }

  get bufferedBytes(): number {
    const early = this.#early.reduce((sum, data) => sum + data.length, 0)
    return early + Math.max(0, (this.#pipe?.outstandingBytes ?? 0) - sendBufferBytes)
  }

  write(data: Uint8Array): void {
    if (this.isClosed || data.length === 0) return
    const copy = Uint8Array.from(data)
    if (this.#isConnected) this.#pipe?.put({ kind: 'bytes', data: copy })
    else this.#early.push(copy)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#handler = undefined
    this.#chunker.stop()
    if (!this.#isConnected) {
      this.#forget()
      return
    }
    this.#pipe?.put({ kind: 'end' })
    this.#host.router.time.set(closingLimitMs, () => this.#forget())
  }

  /** The client's part: asks for the connection. */
  open(local: TransportAddress): void {
    this.#local = local
    this.#pipe = new TcpPipe(this.#host, local, this.remote, tcpConnectLimitMs, () => this.#timedOut())
    this.#pipe.put({ kind: 'open' })
    // The answer may be lost for good where the question is not.
    this.#host.router.time.set(tcpConnectLimitMs, () => {
      if (!this.#isConnected) this.#timedOut()
    })
  }

  /** The server's part: grants it. */
  accepted(local: TransportAddress, accept: Accept): void {
    this.#local = local
    this.#isConnected = true
    this.#pipe = new TcpPipe(this.#host, local, this.remote, tcpGiveUpMs, () => this.#timedOut())
    this.#pipe.put({ kind: 'accepted' })
    const handler = accept(this)
    if (!this.isClosed) this.#handler = handler
  }

  take(segment: Segment | { readonly kind: 'reset' }): void {
    switch (segment.kind) {
      case 'open':
        // RFC 9293 §3.5: both ask for it at the same time, and both get it
        this.#connected(true)
        return
      case 'accepted':
        this.#connected(false)
        return
      case 'bytes':
        this.#chunker.push(segment.data)
        return
      case 'end':
        this.#chunker.end()
        return
      case 'reset': {
        const code = this.#isConnected ? 'ECONNRESET' : 'ECONNREFUSED'
        this.fail({ code, message: `${code} ${addressKey(this.remote)}` })
        return
      }
    }
  }

  fail(failure: TcpFailure): void {
    this.#end(failure)
  }

  #connected(isSimultaneous: boolean): void {
    if (this.isClosed || this.#isConnected) return
    this.#isConnected = true
    const early = this.#early
    this.#early = []
    this.#pipe?.close()
    this.#pipe = new TcpPipe(this.#host, this.#local, this.remote, tcpGiveUpMs, () => this.#timedOut())
    if (isSimultaneous) this.#pipe.put({ kind: 'accepted' })
    for (const data of early) this.#pipe.put({ kind: 'bytes', data })
    this.#handler?.connected?.()
  }

  #timedOut(): void {
    this.fail({ code: 'ETIMEDOUT', message: `ETIMEDOUT ${addressKey(this.remote)}` })
  }

  #end(failure: TcpFailure | undefined): void {
    const handler = this.#handler
    this.#handler = undefined
    this.isClosed = true
    this.#forget()
    handler?.closed(failure)
  }

  #forget(): void {
    this.#pipe?.close()
    this.#chunker.stop()
    this.#host.tcp.forget(this)
  }
}

function connectionKey(local: TransportAddress, remote: TransportAddress): string {
  return `${addressKey(local)} ${addressKey(remote)}`
}
