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
}

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

export interface Resolver {
  /** Resolves a multicast DNS name (`….local`). Empty if nobody answers within the resolver's own limit; never rejects. */
  resolveMdns(name: string): Promise<readonly string[]>
}
