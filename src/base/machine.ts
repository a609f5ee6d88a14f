import type { TransportAddress } from './address.ts'

/** A datagram to send: from the socket bound to `local`, to `remote`. */
export interface Transmit {
  readonly data: Uint8Array
  readonly local: TransportAddress
  readonly remote: TransportAddress
}

/**
 * The contract of every protocol core: synchronous, told the time, without socket, timer, clock or random source.
 *
 * A core queues and never calls up. After any call into it, the driver polls `pollEvent` and `pollTransmit` until they
 * return undefined, then arms one timer at `pollTimeout`. Times are monotonic milliseconds.
 */
export interface SansIo<Event, Output = Transmit> {
  /** Tells the core that a deadline has passed. Harmless if none has. */
  handleTimeout(now: number): void
  /** The next thing to send. */
  pollTransmit(now: number): Output | undefined
  /** The next thing to tell the layer above: a discriminated union. */
  pollEvent(): Event | undefined
  /** The next deadline, or undefined if nothing is pending. */
  pollTimeout(): number | undefined
}
