import type { CandidatePair } from './candidate-pair.ts'
import type { IceSession } from './ice-session.ts'
import type { PairReference } from './pair-view.ts'
import type { IceTiming } from './timing.ts'

/**
 * The controlling agent's choice: which valid pair to nominate, and when.
 *
 * RFC 8445 §8.1.1 leaves both open. A pair that nothing better can follow is nominated at once, any other after a wait
 * for better ones; data flows on the best valid pair meanwhile.
 */
export class Nomination {
  readonly #timing: IceTiming
  #firstValidAt: number | undefined
  #attempt: { readonly pair: CandidatePair; readonly number: number; readonly startedAt: number } | undefined
  #deadline: number | undefined
  #count = 0
  readonly #isSupervised: boolean
  /** Pairs that are to be nominated, or not, as the layer above has decided. */
  #approved: CandidatePair | undefined
  #refused = new WeakSet<CandidatePair>()
  /** The pair that the layer above is to decide about, and whether it was told. */
  #proposal: CandidatePair | undefined
  #isProposalTold = false

  /** @param isSupervised nothing is nominated that the layer above has not approved of */
  constructor(timing: IceTiming, isSupervised: boolean) {
    this.#timing = timing
    this.#isSupervised = isSupervised
  }

  /** When to call {@link decide} again, if nothing happens before. */
  get deadline(): number | undefined {
    return this.#deadline
  }

  /** A nomination is on its way and not answered yet. */
  get isAttempting(): boolean {
    return this.#attempt !== undefined
  }

  /** The number of the latest nomination, counted over all sessions: draft-thatcher-ice-renomination-01 §4. */
  get count(): number {
    return this.#count
  }

  /** Forgets everything: a pair was nominated, the role has changed, or a new session has begun. */
  reset(): void {
    this.#firstValidAt = undefined
    this.#attempt = undefined
    this.#deadline = undefined
    this.#approved = undefined
    this.#proposal = undefined
  }

  /** The pair that the layer above is to decide about with {@link settle}; told once. */
  takeProposal(): CandidatePair | undefined {
    if (this.#isProposalTold) return undefined
    this.#isProposalTold = true
    return this.#proposal
  }

  /** webrtc-extensions §9: the decision; one that comes too late means nothing. */
  settle(pair: PairReference, isApproved: boolean): void {
    const proposal = this.#proposal
    if (proposal === undefined || proposal !== pair) return
    this.#proposal = undefined
    if (isApproved) this.#approved = proposal
    else this.#refused.add(proposal)
  }

  /** A pair that was refused may be proposed again. */
  reconsider(pair: CandidatePair): void {
    this.#refused.delete(pair)
  }

  /** The pair to nominate now, told once. */
  decide(session: IceSession, now: number): CandidatePair | undefined {
    this.#deadline = undefined
    const { nominated } = session
    const attempt = this.#attempt
    const wasAnswered = attempt !== undefined && attempt.pair === nominated && attempt.number === nominated.nomination
    const pairs = eligiblePairs(session, now - this.#timing.consentTimeoutMs)
    if (wasAnswered || pairs === undefined) this.reset()
    if (this.#isAwaitingAnswer(pairs ?? [], now)) return undefined
    // The peer may have followed a nomination that we gave up: it is told again which pair counts.
    if (nominated !== undefined && !nominated.silent && nominated.nomination < session.ownNomination) {
      return this.#begin(nominated, now)
    }
    if (pairs === undefined) return undefined
    const { chosen } = session
    const isChosen = chosen !== undefined && pairs.includes(chosen)
    const best = isChosen ? chosen : bestValidPair(pairs)
    if (best === undefined) {
      this.#firstValidAt = undefined
      return undefined
    }
    this.#firstValidAt ??= now
    const patienceEndsAt = this.#firstValidAt + this.#patienceMs(best)
    if (!isChosen && now < patienceEndsAt && !isBestHope(best, session)) {
      this.#deadline = patienceEndsAt
      return undefined
    }
    if (this.#isSupervised && this.#approved !== best) {
      this.#propose(best)
      return undefined
    }
    return this.#begin(best, now)
  }

  #propose(pair: CandidatePair): void {
    if (this.#proposal === pair || this.#refused.has(pair)) return
    this.#proposal = pair
    this.#isProposalTold = false
  }

  #begin(pair: CandidatePair, now: number): CandidatePair {
    // After a change of roles the numbers go on where the peer's have ended.
    this.#count = Math.max(this.#count, pair.nomination) + 1
    this.#approved = undefined
    this.#attempt = { pair, number: this.#count, startedAt: now }
    this.#deadline = now + this.#timeoutMs(pair)
    return pair
  }

  #patienceMs({ local, remote }: CandidatePair): number {
    const isLastResort = local.type === 'relay' || remote.type === 'relay' || local.protocol === 'tcp'
    return isLastResort ? this.#timing.relayedPatienceMs : this.#timing.nominationPatienceMs
  }

  #timeoutMs(pair: CandidatePair): number {
    return Math.max(this.#timing.nominationTimeoutMs, 4 * (pair.roundTrip.expectedMs ?? 0))
  }

  /** A nomination that goes unanswered for long is given up for another valid pair, as soon as there is one. */
  #isAwaitingAnswer(pairs: readonly CandidatePair[], now: number): boolean {
    const attempt = this.#attempt
    if (attempt === undefined) return false
    const timeOutAt = attempt.startedAt + this.#timeoutMs(attempt.pair)
    if (attempt.pair.valid && now < timeOutAt) {
      this.#deadline = timeOutAt
      return true
    }
    if (attempt.pair.valid && !pairs.some(pair => pair !== attempt.pair)) return true
    if (attempt.pair.valid) attempt.pair.fail('nomination-unanswered', now)
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

/**
 * The valid pairs that could be nominated, or undefined if that is settled.
 *
 * While a nominated pair is lost, only those that have answered since then; while one is in use, only better ones, and
 * only where the peer lets a nomination move.
 *
 * @param since what was not heard of since then is of no use
 */
function eligiblePairs(session: IceSession, since: number): readonly CandidatePair[] | undefined {
  const { nominated, lostAt, checklist } = session
  const settled = nominated !== undefined && lostAt === undefined
  if (settled && !session.renominates) return undefined
  return checklist.pairs.filter(pair => {
    if (!pair.valid || pair.silent || pair === nominated) return false
    if (!settled) return lostAt === undefined || pair.confirmedAt >= lostAt
    return pair.validPriority > nominated.validPriority && pair.confirmedAt > since
  })
}

/** Whether no better pair is being checked, and none is likely to come: nothing beats two host candidates. */
function isBestHope(best: CandidatePair, { checklist, localEnded, remoteEnded, lostAt = 0 }: IceSession): boolean {
  const { local, remote } = best.selectedView
  const ended = localEnded && remoteEnded
  const areHosts = local.type === 'host' && remote.type === 'host' && local.protocol === 'udp'
  if (!ended && !areHosts) return false
  const isHope = (pair: CandidatePair) =>
    pair.state === 'succeeded' ? pair.confirmedAt < lostAt && !pair.silent : pair.state !== 'failed'
  return !checklist.pairs.some(pair => isHope(pair) && pair.priority > best.validPriority)
}
