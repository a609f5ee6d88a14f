import type { IceCandidate, LocalCandidate } from './candidate.ts'
import type { IceRole } from './parameters.ts'
import { RoundTrip } from './round-trip.ts'

/** RFC 8445 §6.1.2.6. */
export type CandidatePairState = 'frozen' | 'waiting' | 'in-progress' | 'succeeded' | 'failed'

/** Why the latest check of a pair did not lead to a valid pair. */
export type CheckFailure =
  | 'timed-out'
  | 'asymmetric-response'
  | 'unusable-response'
  | 'role-conflict-unresolved'
  | 'nomination-unanswered'
  | 'consent-expired'
  | 'consent-revoked'
  | `error-${number}`

/** The pair that carries data. The same object for as long as that is so. */
export interface SelectedPair {
  readonly local: LocalCandidate
  readonly remote: IceCandidate
  /** Smoothed. */
  readonly roundTripMs: number | undefined
}

/** What is known of a pair, for statistics and for the question why there is no connection. */
export interface CandidatePairView {
  readonly id: number
  readonly local: LocalCandidate
  readonly remote: IceCandidate
  readonly state: CandidatePairState
  /** RFC 8445 §6.1.2.3. */
  readonly priority: bigint
  readonly nominated: boolean
  readonly selected: boolean
  /** Checks, not counting retransmissions and consent requests. */
  readonly requestsSent: number
  readonly retransmissionsSent: number
  readonly consentRequestsSent: number
  readonly responsesReceived: number
  /** Authenticated error responses among them. */
  readonly errorsReceived: number
  readonly requestsReceived: number
  readonly responsesSent: number
  readonly lastFailure?: CheckFailure
  /** The latest measurement; absent before the first. */
  readonly roundTripMs?: number
  /** The sum of all measurements. */
  readonly totalRoundTripMs: number
}

/** Counts of what went over a pair; see {@link CandidatePairView}. */
export interface PairCounters {
  requestsSent: number
  retransmissionsSent: number
  consentRequestsSent: number
  responsesReceived: number
  errorsReceived: number
  requestsReceived: number
  responsesSent: number
}

/**
 * A local and a remote candidate, and how far their check has come.
 *
 * Where a NAT maps our address, RFC 8445 §7.2.5.3.2 makes a second, valid pair of the mapped address. It differs in the
 * local candidate alone and shares the base, so here it is one pair that keeps that candidate as well.
 */
export class CandidatePair {
  readonly id: number
  readonly counters: PairCounters = {
    requestsSent: 0,
    retransmissionsSent: 0,
    consentRequestsSent: 0,
    responsesReceived: 0,
    errorsReceived: 0,
    requestsReceived: 0,
    responsesSent: 0,
  }
  readonly roundTrip: RoundTrip = new RoundTrip()
  #local: LocalCandidate
  #remote: IceCandidate
  #role: IceRole
  #foundation = ''
  #priority = 0n
  #state: CandidatePairState = 'frozen'
  #validLocal: LocalCandidate | undefined
  #confirmedAt = Number.NEGATIVE_INFINITY
  #nominatedAt: number | undefined
  #nominationPending = false
  #overdue = false
  #silent = false
  #consentLost = false
  #lastFailure: CheckFailure | undefined
  #lastRequest: string | undefined
  #selectedView: SelectedPair | undefined

  constructor(id: number, local: LocalCandidate, remote: IceCandidate, role: IceRole) {
    this.id = id
    this.#local = local
    this.#remote = remote
    this.#role = role
    this.#recompute()
  }

  /** The candidate whose base checks leave from. */
  get local(): LocalCandidate {
    return this.#local
  }

  get remote(): IceCandidate {
    return this.#remote
  }

  get state(): CandidatePairState {
    return this.#state
  }

  get priority(): bigint {
    return this.#priority
  }

  /** RFC 8445 §6.1.2.6: the combination of both candidates' foundations. */
  get foundation(): string {
    return this.#foundation
  }

  /** Whether it is on the valid list: a check of it was answered, and it has not failed since. */
  get valid(): boolean {
    return this.#validLocal !== undefined
  }

  /** The local candidate as the peer sees it, once the pair is valid. */
  get validLocal(): LocalCandidate | undefined {
    return this.#validLocal
  }

  /** RFC 8445 §7.2.5.3.2: as {@link priority}, but with the local candidate that the peer sees. */
  get validPriority(): bigint {
    return pairPriority(this.#validLocal ?? this.#local, this.#remote, this.#role)
  }

  /** When the peer last answered on this pair. */
  get confirmedAt(): number {
    return this.#confirmedAt
  }

  get nominated(): boolean {
    return this.#nominatedAt !== undefined
  }

  /** It was in use, and stopped answering. */
  get silent(): boolean {
    return this.#silent
  }

  /** When it was last nominated. */
  get nominatedAt(): number | undefined {
    return this.#nominatedAt
  }

  /** The peer nominated it before we knew it to be valid. */
  get nominationPending(): boolean {
    return this.#nominationPending
  }

  /** Its check is in progress and was lost at least once. */
  get overdue(): boolean {
    return this.#overdue
  }

  /** RFC 7675 §5.1: these credentials must not be used on it again. */
  get consentLost(): boolean {
    return this.#consentLost
  }

  /** Whether anything authenticated has come from its remote address. */
  get authenticated(): boolean {
    return this.#confirmedAt !== Number.NEGATIVE_INFINITY || this.counters.requestsReceived > 0
  }

  get selectedView(): SelectedPair {
    if (this.#selectedView === undefined) {
      const { roundTrip } = this
      this.#selectedView = {
        local: this.#validLocal ?? this.#local,
        remote: this.#remote,
        get roundTripMs() {
          return roundTrip.smoothedMs
        },
      }
    }
    return this.#selectedView
  }

  /** A role switch turns priorities round. */
  setRole(role: IceRole): void {
    this.#role = role
    this.#recompute()
  }

  /** A better local candidate on the same base. */
  setLocal(local: LocalCandidate): void {
    this.#local = local
    this.#recompute()
  }

  /** The same address, now as the peer has signalled it. */
  setRemote(remote: IceCandidate): void {
    this.#remote = remote
    this.#selectedView = undefined
    this.#recompute()
  }

  wait(): void {
    this.#state = 'waiting'
    this.#overdue = false
  }

  begin(): void {
    this.#state = 'in-progress'
    this.#overdue = false
  }

  markOverdue(): void {
    this.#overdue = true
  }

  /** @param local our address as the peer sees it */
  succeed(local: LocalCandidate, now: number): void {
    this.#state = 'succeeded'
    this.#lastFailure = undefined
    if (this.#validLocal !== local) this.#selectedView = undefined
    this.#validLocal = local
    this.confirm(now)
  }

  /** The peer answered; nothing else changes. */
  confirm(now: number): void {
    this.#confirmedAt = now
    this.#silent = false
  }

  markSilent(): void {
    this.#silent = true
  }

  /** RFC 8445 §7.2.5.2: also leaves the valid list. */
  fail(reason: CheckFailure): void {
    this.#state = 'failed'
    this.#lastFailure = reason
    this.#validLocal = undefined
    this.#nominatedAt = undefined
    this.#nominationPending = false
  }

  loseConsent(reason: 'consent-expired' | 'consent-revoked'): void {
    this.fail(reason)
    this.#consentLost = true
  }

  nominate(now: number): void {
    this.#nominatedAt = now
    this.#nominationPending = false
  }

  nominateWhenValid(): void {
    this.#nominationPending = true
  }

  /** Counts a request of the peer. False if it is a retransmission of the last one. */
  noteRequest(transaction: string): boolean {
    this.counters.requestsReceived++
    if (this.#lastRequest === transaction) return false
    this.#lastRequest = transaction
    return true
  }

  view(selected: boolean): CandidatePairView {
    const roundTripMs = this.roundTrip.latestMs
    return {
      id: this.id,
      local: this.#validLocal ?? this.#local,
      remote: this.#remote,
      state: this.#state,
      priority: this.#priority,
      nominated: this.nominated,
      selected,
      ...this.counters,
      totalRoundTripMs: this.roundTrip.totalMs,
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
    }
  }

  #recompute(): void {
    this.#foundation = `${this.#local.foundation} ${this.#remote.foundation}`
    this.#priority = pairPriority(this.#local, this.#remote, this.#role)
  }
}

/** RFC 8445 §6.1.2.3: 2^32 * MIN(G,D) + 2 * MAX(G,D) + (G > D ? 1 : 0), with G the controlling agent's priority. */
export function pairPriority(local: IceCandidate, remote: IceCandidate, role: IceRole): bigint {
  const [g, d] = role === 'controlling' ? [local.priority, remote.priority] : [remote.priority, local.priority]
  return (BigInt(Math.min(g, d)) << 32n) + 2n * BigInt(Math.max(g, d)) + (g > d ? 1n : 0n)
}
