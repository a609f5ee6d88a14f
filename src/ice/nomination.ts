import type { CandidatePair } from './candidate-pair.ts'
import type { Checklist } from './checklist.ts'
import type { IceTiming } from './timing.ts'

/**
 * The controlling agent's choice: which valid pair to nominate, and when.
 *
 * RFC 8445 §8.1.1 leaves both open. A pair that nothing better can follow is nominated at once, any other after a short
 * wait for better ones; data flows on the best valid pair meanwhile.
 */
export class Nomination {
  readonly #timing: IceTiming
  #firstValidAt: number | undefined
  #attempt: { readonly pair: CandidatePair; readonly startedAt: number } | undefined
  #deadline: number | undefined

  constructor(timing: IceTiming) {
    this.#timing = timing
  }

  /** When to call {@link decide} again, if nothing happens before. */
  get deadline(): number | undefined {
    return this.#deadline
  }

  /** Forgets everything: a pair was nominated, the role has changed, or a new session has begun. */
  reset(): void {
    this.#firstValidAt = undefined
    this.#attempt = undefined
    this.#deadline = undefined
  }

  /**
   * The pair to nominate now, told once.
   *
   * @param ended no more candidates of either side will come
   */
  decide(checklist: Checklist, ended: boolean, now: number): CandidatePair | undefined {
    this.#deadline = undefined
    if (this.#isAwaitingAnswer(checklist, now)) return undefined
    const best = bestValidPair(checklist.pairs)
    if (best === undefined) {
      this.#firstValidAt = undefined
      return undefined
    }
    this.#firstValidAt ??= now
    const patienceEndsAt = this.#firstValidAt + this.#timing.nominationPatienceMs
    if (now < patienceEndsAt && !isBestHope(best, checklist, ended)) {
      this.#deadline = patienceEndsAt
      return undefined
    }
    this.#attempt = { pair: best, startedAt: now }
    this.#deadline = now + this.#timeoutMs(best)
    return best
  }

  #timeoutMs(pair: CandidatePair): number {
    return Math.max(this.#timing.nominationTimeoutMs, 4 * (pair.roundTrip.expectedMs ?? 0))
  }

  /** A nomination that goes unanswered for long is given up for another valid pair, as soon as there is one. */
  #isAwaitingAnswer(checklist: Checklist, now: number): boolean {
    const attempt = this.#attempt
    if (attempt === undefined) return false
    const timeOutAt = attempt.startedAt + this.#timeoutMs(attempt.pair)
    if (attempt.pair.valid && now < timeOutAt) {
      this.#deadline = timeOutAt
      return true
    }
    if (attempt.pair.valid && !checklist.pairs.some(pair => pair.valid && pair !== attempt.pair)) return true
    if (attempt.pair.valid) attempt.pair.fail('nomination-unanswered')
    this.#attempt = undefined
    return false
  }
}

/**
 * A controlling agent that does not follow RFC 8445 §8.1.1 may nominate several pairs (RFC 5245 §8.1.1.2), or move its
 * nomination later. Within this time of its last nomination a pair gives way only to one with a higher priority.
 */
export const nominationMemoryMs = 3_000

/** Whether a nominated pair gives way to another that the peer has nominated now. */
export function yieldsTo(current: CandidatePair, nominated: CandidatePair, now: number): boolean {
  // RFC 8445 §8.1.1: of several nominated pairs the one with the highest priority is used
  if (current === nominated || nominated.validPriority > current.validPriority) return true
  return now - (current.nominatedAt ?? now) > nominationMemoryMs
}

/** RFC 8445 §7.2.5.3.2: the valid pair with the highest priority. */
export function bestValidPair(pairs: readonly CandidatePair[]): CandidatePair | undefined {
  let best: CandidatePair | undefined
  for (const pair of pairs) {
    if (pair.valid && (best === undefined || pair.validPriority > best.validPriority)) best = pair
  }
  return best
}

/** Whether no better pair is being checked, and none is likely to come: nothing beats two host candidates. */
function isBestHope(best: CandidatePair, checklist: Checklist, ended: boolean): boolean {
  const { local, remote } = best.selectedView
  if (!ended && !(local.type === 'host' && remote.type === 'host')) return false
  return !checklist.pairs.some(
    pair => pair.state !== 'succeeded' && pair.state !== 'failed' && pair.priority > best.validPriority,
  )
}
