import { equalBytes } from '../base/bytes.ts'
import type { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import { heartbeatIntervalMs } from './limits.ts'
import type { PacketWriter } from './packet.ts'
import { encodeParameter } from './parameters.ts'
import { ChunkType, ParameterType } from './protocol.ts'
import type { RoundTrip } from './round-trip.ts'
import type { SctpTimer } from './timers.ts'

/** Asks an idle peer now and then whether the association still exists for it (RFC 9260 §8.3). */
export class Heartbeat {
  readonly #random: RandomSource
  readonly #roundTrip: RoundTrip
  readonly #deadlines: Deadlines<SctpTimer>
  #due = false
  #pending: { readonly info: Uint8Array; readonly sentAt: number } | undefined

  constructor(random: RandomSource, roundTrip: RoundTrip, deadlines: Deadlines<SctpTimer>) {
    this.#random = random
    this.#roundTrip = roundTrip
    this.#deadlines = deadlines
  }

  get isDue(): boolean {
    return this.#due
  }

  start(now: number): void {
    this.#deadlines.set('heartbeat', now + heartbeatIntervalMs)
  }

  stop(): void {
    this.#due = false
    this.#deadlines.clear('heartbeat')
  }

  /**
   * It is time, if nothing was sent since.
   *
   * @param lastSentAt when DATA was sent last
   * @returns whether the peer left the last one unanswered
   */
  onTimeout(lastSentAt: number, now: number): boolean {
    this.#deadlines.set('heartbeat', now + heartbeatIntervalMs)
    if (now - lastSentAt < heartbeatIntervalMs) return false
    this.#due = true
    return this.#pending !== undefined
  }

  write(writer: PacketWriter, now: number): void {
    this.#due = false
    // RFC 9260 §3.3.5: the information is opaque to the peer. A random one cannot be answered without having come.
    const info = encodeParameter(ParameterType.heartbeatInfo, this.#random(8))
    this.#pending = { info, sentAt: now }
    writer.chunk(ChunkType.heartbeat, 0, info)
  }

  /** @returns whether this answers the last one sent */
  onAck(value: Uint8Array, now: number): boolean {
    const pending = this.#pending
    if (pending === undefined || !equalBytes(value, pending.info)) return false
    this.#pending = undefined
    this.#roundTrip.measured(now - pending.sentAt)
    return true
  }
}
