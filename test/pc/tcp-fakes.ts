import type { TransportAddress } from '../../src/base/address.ts'
import type { Network, TcpConnection, TcpConnectOptions, TcpHandler } from '../../src/base/environment.ts'
import { frame } from '../../src/ice/tcp-framing.ts'
import type { VirtualTime } from '../sim/virtual-time.ts'

export const localAddress = '192.0.2.1'
/** A STUN Binding request, success and error response, as far as a socket looks at them; and a DTLS record. */
export const request: Uint8Array = Uint8Array.of(0x00, 0x01, 1)
export const success: Uint8Array = Uint8Array.of(0x01, 0x01, 2)
export const errorResponse: Uint8Array = Uint8Array.of(0x01, 0x11, 3)
export const record: Uint8Array = Uint8Array.of(22, 0xfe, 0xfd)

export function peerAddress(port: number, address = '198.51.100.1'): TransportAddress {
  return { address, port, family: address.includes(':') ? 6 : 4 }
}

/** A connection of which the test is the other end. */
export class FakeConnection implements TcpConnection {
  readonly local: TransportAddress = peerAddress(0, localAddress)
  readonly remote: TransportAddress
  readonly options: TcpConnectOptions
  readonly written: Uint8Array[] = []
  bufferedBytes = 0
  isClosed = false
  handler: TcpHandler | undefined

  constructor(to: TransportAddress, options: TcpConnectOptions = {}) {
    this.remote = to
    this.options = options
  }

  write(data: Uint8Array): void {
    this.written.push(Uint8Array.from(data))
  }

  close(): void {
    this.isClosed = true
  }

  /** What the other end sends. */
  deliver(...datagrams: Uint8Array[]): void {
    for (const datagram of datagrams) if (!this.isClosed) this.handler?.receive(frame(datagram))
  }

  connect(): void {
    this.handler?.connected?.()
  }

  end(code?: string): void {
    this.handler?.closed(code === undefined ? undefined : { code, message: code })
  }
}

/** A network of which the test is all the rest. Ports are shared as on Linux, unless it is told otherwise. */
export class FakeNetwork implements Pick<Network, 'connectTcp' | 'listenTcp'> {
  /** Connections to others than this host. */
  readonly opened: FakeConnection[] = []
  sharesPorts = true
  /** How often a port has begun to listen. */
  listens = 0
  readonly #listening = new Set<number>()
  /** Ports that connections were opened from. */
  readonly #connected = new Set<number>()
  #nextPort = 50_000
  #accept: ((connection: TcpConnection) => TcpHandler) | undefined

  get isListening(): boolean {
    return this.#listening.size > 0
  }

  connectTcp(to: TransportAddress, handler: TcpHandler, options: TcpConnectOptions = {}): TcpConnection {
    const connection = new FakeConnection(to, options)
    connection.handler = handler
    const { localPort } = options
    if (localPort !== undefined && this.#listening.has(localPort)) queueMicrotask(() => connection.end('EADDRINUSE'))
    else if (localPort !== undefined) this.#connected.add(localPort)
    if (to.address === localAddress) queueMicrotask(() => connection.connect())
    else this.opened.push(connection)
    return connection
  }

  async listenTcp(
    address: string,
    port: number,
    accept: (connection: TcpConnection) => TcpHandler,
  ): ReturnType<Network['listenTcp']> {
    const isTaken = this.#listening.has(port) || (this.#connected.has(port) && !this.sharesPorts)
    if (isTaken) throw Object.assign(new Error('EADDRINUSE'), { code: 'EADDRINUSE' })
    const local = peerAddress(port === 0 ? this.#nextPort++ : port, address)
    this.#accept = accept
    this.#listening.add(local.port)
    this.listens++
    return { local, close: () => this.#listening.delete(local.port) }
  }

  /** A peer connects to whom has listened last. */
  dial(from: TransportAddress): FakeConnection {
    const connection = new FakeConnection(from)
    connection.handler = this.#accept?.(connection)
    return connection
  }
}

/** Lets virtual time pass. */
export function advance(time: VirtualTime, ms: number): void {
  const end = time.now() + ms
  for (let next = time.next(); next !== undefined && next <= end; next = time.next()) time.step()
  time.advanceTo(end)
}

/** What the connection carries. */
export function framed(...datagrams: Uint8Array[]): Uint8Array[] {
  return datagrams.map(datagram => Uint8Array.from(frame(datagram)))
}
