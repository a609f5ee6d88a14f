import type { Socket } from 'node:net'
import { connect as connectSocket, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls } from 'node:tls'
import type { TransportAddress } from '../base/address.ts'
import type { TcpConnection, TcpConnectOptions, TcpFailure, TcpHandler, TlsClientOptions } from '../base/environment.ts'
import { transportAddress } from './remote-addresses.ts'

/** How long a connection may take until it can be used, TLS handshake included; operating systems try for minutes. */
export const connectLimitMs = 15_000

/** How long a closed connection may go on sending what was written, and wait for the other end to close too. */
export const closeLimitMs = 3_000

/**
 * Bytes that may wait for the operating system. Who writes is to look at `bufferedBytes` long before; this is the end for a
 * peer that stays connected and takes nothing.
 */
export const maxBufferedBytes: number = 16 * 1024 * 1024

/**
 * Opens a TCP connection, with TLS on it if asked for: the server must then prove the name with a certificate that is
 * trusted.
 *
 * An open connection keeps the process alive, until it is closed.
 */
export function connectTcp(to: TransportAddress, handler: TcpHandler, options: TcpConnectOptions = {}): TcpConnection {
  const local = unspecified(to.family)
  try {
    const socket = options.tls === undefined ? openPlain(to, options) : openTls(to, options, options.tls)
    return new OutgoingConnection(socket, local, to, handler, options.tls === undefined ? 'connect' : 'secureConnect')
  } catch (error) {
    // Node answers some mistakes (a port or a certificate that is none) with an exception.
    const failure = failureOf(error)
    return new UnopenedConnection(local, to, handler, failure)
  }
}

function openPlain(to: TransportAddress, options: TcpConnectOptions): Socket {
  return connectSocket(socketOptions(to, options))
}

function openTls(to: TransportAddress, options: TcpConnectOptions, tls: TlsClientOptions): Socket {
  const { serverName, ca } = tls
  return connectTls({
    ...socketOptions(to, options),
    // RFC 6066 §3: literal IP addresses are not permitted as a server name
    servername: isIP(serverName) === 0 ? serverName : '',
    // Node would compare with the address that it connects to.
    checkServerIdentity: (_name, certificate) => checkServerIdentity(serverName, certificate),
    rejectUnauthorized: true,
    // RFC 8996 §4, §5: TLS 1.0 and 1.1 must not be used
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
  })
}

function socketOptions(to: TransportAddress, options: TcpConnectOptions): SocketOptions {
  return {
    host: to.address,
    port: to.port,
    // What is written is a datagram or a request: it is not to wait for more.
    noDelay: true,
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    ...(options.localPort === undefined ? {} : { localPort: options.localPort }),
  }
}

interface SocketOptions {
  readonly host: string
  readonly port: number
  readonly noDelay: boolean
  readonly localAddress?: string
  readonly localPort?: number
}

/** What an open, or opening, connection is in both directions. */
export class SocketConnection implements TcpConnection {
  local: TransportAddress
  readonly remote: TransportAddress
  protected readonly socket: Socket
  #handler: TcpHandler | undefined
  #isClosed = false
  #corked = false
  #closeTimer: NodeJS.Timeout | undefined

  constructor(socket: Socket, local: TransportAddress, remote: TransportAddress) {
    this.socket = socket
    this.local = local
    this.remote = remote
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    // It stays for ever: an error that nobody listens for would end the process.
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  get bufferedBytes(): number {
    return this.socket.writableLength
  }

  /** Names who is told what happens; in the turn that it is created. */
  attach(handler: TcpHandler): void {
    if (!this.#isClosed) this.#handler = handler
  }

  write(data: Uint8Array): void {
    if (this.#isClosed) return
    if (this.socket.writableLength + data.length > maxBufferedBytes) {
      this.fail({ code: 'ENOBUFS', message: 'the other end does not take what is sent' })
      return
    }
    // What is written in one turn leaves with one call into the operating system.
    if (!this.#corked) {
      this.#corked = true
      this.socket.cork()
      process.nextTick(this.#uncork)
    }
    this.socket.write(data)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#handler = undefined
    this.#linger()
  }

  /** Ends the connection at once and tells so. */
  protected fail(failure: TcpFailure): void {
    this.socket.destroy()
    this.#tellClosed(failure)
  }

  protected get handler(): TcpHandler | undefined {
    return this.#handler
  }

  /** Ends our direction, and waits a little: closing with unread data in the socket would make the other end lose ours. */
  #linger(): void {
    if (this.socket.destroyed || this.#closeTimer !== undefined) return
    if (this.socket.connecting && this.socket.writableLength === 0) {
      this.socket.destroy()
      return
    }
    this.socket.end()
    // When all is sent, the rest is the operating system's.
    this.socket.once('finish', () => this.socket.unref())
    this.#closeTimer = setTimeout(() => this.socket.destroy(), closeLimitMs).unref()
  }

  #tellClosed(failure?: TcpFailure): void {
    this.#isClosed = true
    const handler = this.#handler
    this.#handler = undefined
    handler?.closed(failure)
  }

  readonly #uncork = (): void => {
    this.#corked = false
    this.socket.uncork()
  }

  readonly #onData = (data: Uint8Array): void => {
    this.#handler?.receive(data)
  }

  readonly #onEnd = (): void => {
    this.#linger()
    this.#tellClosed()
  }

  readonly #onError = (error: Error): void => {
    this.#tellClosed(failureOf(error))
  }

  readonly #onClose = (): void => {
    clearTimeout(this.#closeTimer)
    this.#tellClosed()
  }
}

class OutgoingConnection extends SocketConnection {
  readonly #limit: NodeJS.Timeout

  constructor(
    socket: Socket,
    local: TransportAddress,
    remote: TransportAddress,
    handler: TcpHandler,
    ready: 'connect' | 'secureConnect',
  ) {
    super(socket, local, remote)
    this.attach(handler)
    this.#limit = setTimeout(() => this.fail({ code: 'ETIMEDOUT', message: 'connect ETIMEDOUT' }), connectLimitMs)
    socket.once(ready, () => this.#onReady())
    socket.once('close', () => clearTimeout(this.#limit))
  }

  #onReady(): void {
    clearTimeout(this.#limit)
    this.local = localAddress(this.socket) ?? this.local
    this.handler?.connected?.()
  }
}

/** A connection that could not even be tried. */
class UnopenedConnection implements TcpConnection {
  readonly local: TransportAddress
  readonly remote: TransportAddress
  readonly bufferedBytes = 0
  #handler: TcpHandler | undefined

  constructor(local: TransportAddress, remote: TransportAddress, handler: TcpHandler, failure: TcpFailure) {
    this.local = local
    this.remote = remote
    this.#handler = handler
    // Not from within the call that opens it: the caller does not have the connection yet.
    process.nextTick(() => this.#handler?.closed(failure))
  }

  write(): void {}

  close(): void {
    this.#handler = undefined
  }
}

export function localAddress(socket: Socket): TransportAddress | undefined {
  const { localAddress: address, localPort: port } = socket
  return address === undefined || port === undefined ? undefined : transportAddress({ address, port })
}

function unspecified(family: 4 | 6): TransportAddress {
  return { address: family === 6 ? '::' : '0.0.0.0', port: 0, family }
}

/** Names what went wrong, without the addresses that Node writes into its messages. */
function failureOf(error: unknown): TcpFailure {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', message: 'unknown failure' }
  const { code = 'UNKNOWN', syscall } = error as NodeJS.ErrnoException
  if (syscall !== undefined) return { code, message: `${syscall} ${code}` }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return { code, message: 'the certificate is for another name' }
  return { code, message: error.message }
}
