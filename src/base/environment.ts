import type { TransportAddress } from './address.ts'

/**
 * Everything that comes from outside the process: clock, timers, randomness, network and names.
 *
 * It enters once, at the facade. The real one is `net/system-environment.ts`; the simulator brings one on a virtual
 * clock, so that the same seed gives the same bytes.
 */
export interface Environment {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: RandomSource
  readonly network: Network
  readonly resolver: Resolver
}

export interface Clock {
  /** Monotonic milliseconds from an arbitrary start; may have a fraction. */
  now(): number
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wallTime(): number
}

export interface Timers {
  /** Calls back once, not before `delayMs` milliseconds; the result cancels it. A timer does not keep the process alive on its own. */
  set(delayMs: number, callback: () => void): CancelTimer
  /** Calls back once after the datagrams that have arrived by now were delivered. */
  endOfTurn(callback: () => void): void
}

export type CancelTimer = () => void

/** Fills and returns a new array of `length` unpredictable bytes. */
export type RandomSource = (length: number) => Uint8Array

export interface NetworkInterface {
  readonly name: string
  readonly address: string
  readonly family: 4 | 6
  /** Loopback, 127.0.0.0/8 or ::1. */
  readonly internal: boolean
}

export interface Network {
  /** The addresses of this host that a peer could be reached from; link-local IPv6 is left out. */
  interfaces(): readonly NetworkInterface[]
  /**
   * Opens a UDP socket.
   *
   * @param address a local address, from {@link interfaces}
   * @param port 0 for any
   * @throws {Error} with the operating system's `code` if the address cannot be bound
   */
  bindUdp(address: string, port: number, receive: DatagramHandler): Promise<UdpSocket>
  /** Opens a TCP connection, with TLS on it if asked for. Never throws: what goes wrong is told to `handler.closed`. */
  connectTcp(to: TransportAddress, handler: TcpHandler, options?: TcpConnectOptions): TcpConnection
  /**
   * Takes TCP connections on a local address.
   *
   * @param port 0 for any
   * @param accept told each connection once it is ready to use (with TLS: after its handshake); says who handles it
   * @throws {Error} with the operating system's `code` if the address cannot be bound
   */
  listenTcp(
    address: string,
    port: number,
    accept: (connection: TcpConnection) => TcpHandler,
    options?: TcpListenOptions,
  ): Promise<TcpListener>
  /** Calls back each time that {@link interfaces} has changed; the result ends it. It does not keep the process alive. */
  watchInterfaces(changed: () => void): CancelWatch
}

export type CancelWatch = () => void

/** Takes a datagram. `data` is a view that the callee must not keep unless it is the last to use it. */
export type DatagramHandler = (data: Uint8Array, from: TransportAddress, socket: UdpSocket) => void

export interface UdpSocket {
  readonly local: TransportAddress
  /** Sends at once. Errors of the network (unreachable, no buffers) are counted, never thrown: a datagram may always be lost. The data belongs to the socket from then on. */
  send(data: Uint8Array, to: TransportAddress): void
  close(): void
  /** Datagrams that the operating system refused to send. */
  readonly sendErrors: number
}

export interface TcpConnectOptions {
  /** The local address to connect from; any if absent. */
  readonly localAddress?: string
  /** The local port to connect from; any if absent. */
  readonly localPort?: number
  /** TLS on top, with the server's certificate verified. */
  readonly tls?: TlsClientOptions
}

export interface TlsClientOptions {
  /** The name (or IP address) that the server's certificate must be for. */
  readonly serverName: string
  /** Certificates (PEM) to trust instead of those that Node trusts. */
  readonly ca?: string
}

export interface TcpListenOptions {
  /** TLS on every connection; certificate chain and key as PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

/** Who is told what happens on a TCP connection. Nothing is told any more after `closed`, or after `close()` was called. */
export interface TcpHandler {
  /** The connection can be used: with TLS, after its handshake. Not called for accepted ones. */
  connected?(): void
  /** Some bytes of the stream, in order. `data` is the handler's to keep. */
  receive(data: Uint8Array): void
  /** The other end has closed it, or it has failed. */
  closed(failure?: TcpFailure): void
}

export interface TcpFailure {
  /** What the operating system or TLS calls it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly code: string
  readonly message: string
}

export interface TcpConnection {
  /** Unspecified, with port 0, until it is connected. */
  readonly local: TransportAddress
  readonly remote: TransportAddress
  /** Sends after all that was written before; kept until the connection is there. Ignored after close. */
  write(data: Uint8Array): void
  /** Bytes written that the operating system has not taken yet: who writes more than can leave is to look here. */
  readonly bufferedBytes: number
  /** Closes it after what was written has left; a peer that takes nothing does not hold it open for long. */
  close(): void
}

export interface TcpListener {
  readonly local: TransportAddress
  /** Takes no more connections; those that were accepted stay. */
  close(): void
}

export interface Resolver {
  /** The IP addresses of a host name, of both families, best first. Empty if there are none or nobody answers in time; never rejects. */
  resolveHost(name: string): Promise<readonly string[]>
  /** Resolves a multicast DNS name (`….local`). Empty if nobody answers within the resolver's own limit; never rejects. */
  resolveMdns(name: string): Promise<readonly string[]>
  /** Takes a fresh multicast DNS name for an address of this host and answers for it until it is released. Undefined if that cannot be done here; never rejects. */
  registerMdns(address: string): Promise<MdnsRegistration | undefined>
}

export interface MdnsRegistration {
  /** A random UUID in `.local`. */
  readonly name: string
  /** Says goodbye to the name. */
  release(): void
}
