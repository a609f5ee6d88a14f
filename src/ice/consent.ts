import type { RandomSource } from '../base/environment.ts'
import type { CandidatePair } from './candidate-pair.ts'
import type { IceTiming } from './timing.ts'

/** How long a request may be on its way before it counts as unanswered: this, or two round trips if they take longer. */
const answerTimeMs = 500

/** A suspicion is looked into so long after the last answer, not sooner: those that cause them can cause many. */
export const suspicionRestMs = 1_000

/**
 * Consent to send on the selected pair: asked for every few seconds, and gone 30 s after the last answer.
 *
 * RFC 7675 §5.1. The requests also keep NAT bindings alive (RFC 7675 §4), so that there are no other keepalives. As each
 * is sent only once, one that is not answered is followed by a probe: a connectivity check, which is sent again and
 * again, and tells the loss of a packet from the loss of the path.
 */
export class Consent {
  readonly #timing: IceTiming
  readonly #random: RandomSource
  #pair: CandidatePair | undefined
  #asks = true
  #nextRequestAt = 0
  #unansweredSince: number | undefined
  #suspectedAt: number | undefined
  #probing = false

  constructor(timing: IceTiming, random: RandomSource) {
    this.#timing = timing
    this.#random = random
  }

  /** When to call {@link poll} again. */
  get deadline(): number | undefined {
    const pair = this.#pair
    if (pair === undefined) return undefined
    const silentAt = pair.silent ? Number.POSITIVE_INFINITY : this.#silentAt
    if (!this.#asks) return silentAt === Number.POSITIVE_INFINITY ? undefined : silentAt
    const probeAt = this.#probing ? Number.POSITIVE_INFINITY : this.#probeAt
    return Math.min(this.#nextRequestAt, this.#expiresAt, probeAt, silentAt)
  }

  /**
   * Watches over another pair, or over none.
   *
   * @param listensOnly the pair of a lite agent, which RFC 7675 §1 does not let ask for consent: what it knows is how
   * long ago the peer asked for its own
   */
  watch(pair: CandidatePair | undefined, now: number, listensOnly: boolean): void {
    this.#pair = pair
    this.#asks = !listensOnly
    this.confirm()
    if (pair !== undefined) this.#nextRequestAt = Math.max(now, pair.confirmedAt + this.#interval())
  }

  /** The peer has answered on the watched pair. */
  confirm(): void {
    this.#unansweredSince = undefined
    this.#suspectedAt = undefined
    this.#probing = false
  }

  /** The pair may be gone: it is asked out of turn, and has less time to answer. */
  suspect(now: number): void {
    const pair = this.#pair
    if (pair === undefined || pair.silent || !this.#asks) return
    this.#suspectedAt ??= Math.max(now, pair.confirmedAt + suspicionRestMs)
  }

  /**
   * What is due. After `request` or `probe` the caller sends one, and calls again until nothing is due.
   *
   * A pair that has not answered for too long is marked silent on the way.
   */
  poll(now: number): 'request' | 'probe' | 'expired' | undefined {
    const pair = this.#pair
    if (pair === undefined) return undefined
    if (this.#asks && now >= this.#expiresAt) return 'expired'
    if (now >= this.#silentAt) pair.markSilent(now)
    if (!this.#asks) return undefined
    if (now >= this.#nextRequestAt) {
      this.#unansweredSince ??= now
      this.#nextRequestAt = now + this.#interval()
      return 'request'
    }
    if (this.#probing || now < this.#probeAt) return undefined
    this.#probing = true
    return 'probe'
  }

  get #expiresAt(): number {
    return (this.#pair?.confirmedAt ?? 0) + this.#timing.consentTimeoutMs
  }

  get #expectedMs(): number {
    return this.#pair?.roundTrip.expectedMs ?? 0
  }

  get #probeAt(): number {
    const dueAt = (this.#unansweredSince ?? Number.POSITIVE_INFINITY) + Math.max(answerTimeMs, 2 * this.#expectedMs)
    return Math.min(dueAt, this.#suspectedAt ?? Number.POSITIVE_INFINITY)
  }

  get #silentAt(): number {
    const { consentIntervalMs, disconnectedAfterMs, suspicionMs } = this.#timing
    if (!this.#asks) {
      // RFC 7675 §5.1: the peer asks at intervals of up to 1.2 times the period, if it asks at all
      const isAsked = (this.#pair?.counters.requestsReceived ?? 0) > 0
      return isAsked
        ? (this.#pair?.confirmedAt ?? 0) + 1.2 * consentIntervalMs + disconnectedAfterMs
        : Number.POSITIVE_INFINITY
    }
    const silentAt = (this.#unansweredSince ?? Number.POSITIVE_INFINITY) + disconnectedAfterMs
    if (this.#suspectedAt === undefined) return silentAt
    return Math.min(silentAt, this.#suspectedAt + Math.max(suspicionMs, 4 * this.#expectedMs))
  }

  /** RFC 7675 §5.1: randomised between 0.8 and 1.2 times the basic period. */
  #interval(): number {
    const bytes = this.#random(2)
    const fraction = (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) / 0xffff
    return this.#timing.consentIntervalMs * (0.8 + 0.4 * fraction)
  }
}
