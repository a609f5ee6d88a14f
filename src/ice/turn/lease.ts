import { StunError } from '../errors.ts'
import type { StunAttributes } from '../stun/attributes.ts'
import { stunMethod } from '../stun/message.ts'
import { grantedLifetimeMs } from './allocation.ts'
import type { TurnOutcome, TurnRequests } from './purpose.ts'
import { maxRefreshAttempts, refreshDelayMs, refusalMs } from './timing.ts'

export interface LeaseOptions {
  readonly requests: TurnRequests
  /** Of a Refresh request. */
  readonly attributes: StunAttributes
  /** How long a request waits for its answer. */
  readonly timeoutMs: number
}

/** The time for which a server has granted an allocation, and how it is prolonged. RFC 8656 §8. */
export class Lease {
  readonly #options: LeaseOptions
  #expiresAt = 0
  /** Infinite while a refresh is on its way, or has no point. */
  #refreshAt = 0
  /** Why the last refresh was not granted. */
  #failure: StunError | undefined

  /** @param sentAt when the request for it first left: the server's clock has run since then, or later */
  constructor(options: LeaseOptions, lifetimeMs: number, sentAt: number) {
    this.#options = options
    this.#prolong(lifetimeMs, sentAt)
  }

  /** When to call {@link poll}. */
  get deadline(): number {
    return Math.min(this.#expiresAt, this.#refreshAt)
  }

  /** Refreshes when it is time to. Returns why the allocation is gone, once it is. */
  poll(now: number): StunError | undefined {
    if (now >= this.#expiresAt) return this.#failure ?? new StunError('timeout')
    if (now >= this.#refreshAt) this.#refresh(1, now)
    return undefined
  }

  /** Takes the end of a Refresh request. Returns why the allocation is gone, if it is. RFC 8656 §8.3. */
  refreshSettled(attempt: number, outcome: TurnOutcome, now: number): StunError | undefined {
    if (outcome.kind === 'success') {
      const lifetimeMs = grantedLifetimeMs(outcome.response.attributes)
      if (lifetimeMs === 0) return new StunError('malformed')
      this.#prolong(lifetimeMs, outcome.sentAt)
      return undefined
    }
    const { error } = outcome
    this.#failure = error
    if (error.code !== 'timeout') {
      // What was granted lasts until it expires. RFC 8656 §7.4: credentials that were not accepted are not sent again
      if (error.code !== 'unauthorized') this.#refreshAt = now + refusalMs
      return undefined
    }
    if (attempt >= maxRefreshAttempts) return error
    this.#refresh(attempt + 1, now)
    return undefined
  }

  /**
   * Takes the failure of another request. After silence, or 400 to a request that was right, it is found out at once whether
   * the server still knows the allocation. One that was started anew may say 400 where RFC 8656 §5 has 437, but to Refresh
   * it says the latter.
   */
  suspect({ code, errorCode }: StunError, now: number): void {
    const isOdd = code === 'timeout' || errorCode === badRequest
    if (isOdd && Number.isFinite(this.#refreshAt)) this.#refresh(1, now)
  }

  /** Finds out at once whether the server still knows the allocation. One request without an answer is enough to say no. */
  verify(now: number): void {
    if (Number.isFinite(this.#refreshAt)) this.#refresh(maxRefreshAttempts, now)
  }

  #prolong(lifetimeMs: number, sentAt: number): void {
    this.#expiresAt = sentAt + lifetimeMs
    this.#refreshAt = sentAt + refreshDelayMs(lifetimeMs, this.#options.timeoutMs)
    this.#failure = undefined
  }

  #refresh(attempt: number, now: number): void {
    this.#refreshAt = Number.POSITIVE_INFINITY
    const { requests, attributes } = this.#options
    requests.send({ kind: 'refresh', attempt }, stunMethod.refresh, attributes, now)
  }
}

/** RFC 8489 §14.8. */
const badRequest = 400
