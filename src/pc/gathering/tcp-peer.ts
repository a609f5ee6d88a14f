import type { TransportAddress } from '../../base/address.ts'
import type { TcpConnection } from '../../base/environment.ts'
import { classOf, isStun } from '../../ice/stun/header.ts'
import { FramedStream, frame, maxFrameSize } from '../../ice/tcp-framing.ts'

/** Datagrams kept until a connection is there and of use: the latest, for ICE repeats itself. */
export const maxWaitingDatagrams = 4

/** What a connection may hold back before datagrams to it are dropped: what a congested link does with them. */
export const maxTcpBacklog: number = 1024 * 1024

/** An accepted connection is closed if the peer has not proved itself in this time, or has sent more than this. */
export const unprovenLimitMs = 10_000
export const maxUnprovenBytes: number = 16 * 1024

/**
 * RFC 6544 §8: connections that are not those of the selected pair are closed. Nothing is sent on them: they are idle.
 * (Consent checks go over the selected pair every few seconds.)
 */
export const idleLimitMs = 60_000

/** A peer is connected to again no sooner than this after the last time. */
export const reconnectDelayMs = 1_000

/** A peer of a TCP candidate, and the connection to it. */
export class TcpPeer {
  readonly remote: TransportAddress
  readonly openedAt: number
  /** The one in use, or the latest that was tried. */
  connection: TcpConnection | undefined
  #stream = new FramedStream()
  #state: 'connecting' | 'open' | 'ended'
  /** What was sent while nothing has come: sent when the connection is there, and on the next one if that is of no use. */
  #waiting: Uint8Array[] = []
  #lastUsedAt: number
  #unprovenBytes = 0
  #isProven: boolean
  #hasReceived = false
  #isRefused = false

  /** @param accepted a connection that the peer has opened; it has to prove first that it is one */
  constructor(remote: TransportAddress, now: number, accepted?: TcpConnection) {
    this.remote = remote
    this.openedAt = now
    this.connection = accepted
    this.#lastUsedAt = now
    this.#isProven = accepted === undefined
    this.#state = accepted === undefined ? 'connecting' : 'open'
  }

  get isOpen(): boolean {
    return this.#state !== 'ended'
  }

  get isConnecting(): boolean {
    return this.#state === 'connecting'
  }

  get isProven(): boolean {
    return this.#isProven
  }

  get hasReceived(): boolean {
    return this.#hasReceived
  }

  /** Whether it sends what a peer does not. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  send(data: Uint8Array, now: number): void {
    this.#lastUsedAt = now
    // We answer requests with an error only until one is authentic.
    if (!isStun(data) || classOf(data) !== 'error') this.#isProven = true
    if (this.#state === 'open') this.#write(data)
    if (this.#state === 'ended' || this.#hasReceived) return
    if (this.#waiting.length >= maxWaitingDatagrams) this.#waiting.shift()
    this.#waiting.push(data)
  }

  connected(now: number): void {
    this.#state = 'open'
    this.#lastUsedAt = now
    for (const data of this.#waiting) this.#write(data)
  }

  /** The connection was of no use, and another is tried. */
  reconnects(): void {
    this.#state = 'connecting'
    this.#stream = new FramedStream()
  }

  push(data: Uint8Array, now: number): void {
    this.#lastUsedAt = now
    if (!this.#isProven) {
      this.#unprovenBytes += data.length
      if (this.#unprovenBytes > maxUnprovenBytes) this.#isRefused = true
    }
    if (!this.#isRefused) this.#stream.push(data)
  }

  next(): Uint8Array | undefined {
    if (this.#isRefused || this.#state !== 'open') return undefined
    const datagram = this.#stream.next()
    if (datagram === undefined || (this.#hasReceived && this.#isProven)) return datagram
    // RFC 6544 §7.1: if the first answer is no STUN message, this is no address of the peer
    if (!isStun(datagram)) {
      this.#isRefused = true
      return undefined
    }
    this.#hasReceived = true
    this.#waiting = []
    return datagram
  }

  /** Whether the connection, or the memory that it failed, is of no more use. */
  isOver(now: number): boolean {
    if (this.#state === 'ended') return now >= this.openedAt + reconnectDelayMs
    if (!this.#isProven && now >= this.openedAt + unprovenLimitMs) return true
    return now >= this.#lastUsedAt + idleLimitMs
  }

  /** The connection has closed, by the peer or by a failure. */
  ended(): void {
    this.#state = 'ended'
    this.#waiting = []
  }

  close(): void {
    this.ended()
    this.connection?.close()
  }

  #write(data: Uint8Array): void {
    const { connection } = this
    if (connection === undefined || connection.bufferedBytes > maxTcpBacklog || data.length > maxFrameSize) return
    connection.write(frame(data))
  }
}
