import type { IceCandidate, LocalCandidate } from './candidate.ts'
import { PairHistory } from './pair-history.ts'
import type { CandidatePairState, CandidatePairView, CheckFailure, PairCounters, SelectedPair } from './pair-view.ts'
import type { IceRole } from './parameters.ts'
import { RoundTrip } from './round-trip.ts'

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
  readonly history: PairHistory = new PairHistory()
  #local: LocalCandidate
  #remote: IceCandidate
  #role: IceRole
  #foundation = ''
  #priority = 0n
  #state: CandidatePairState = 'frozen'
  #validLocal: LocalCandidate | undefined
  #confirmedAt = Number.NEGATIVE_INFINITY
  #nominatedAt: number | undefined
  #nomination = 0
  #pendingNomination: number | undefined
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

  /** The number of its latest nomination; 0 if nominations are not numbered. */
  get nomination(): number {
    return this.#nomination
  }

  /** The peer nominated it before we knew it to be valid. */
  get nominationPending(): boolean {
    return this.#pendingNomination !== undefined
  }

  /** The number of the nomination that waits for the pair to be valid. */
  get pendingNomination(): number | undefined {
    return this.#pendingNomination
  }

  /** Its check is in progress and was lost at least once. */
  get overdue(): boolean {
    return this.#overdue
  }

  get lastFailure(): CheckFailure | undefined {
    return this.#lastFailure
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
    this.history.note('answered', now)
  }

  /** The peer answered; nothing else changes. */
  confirm(now: number): void {
    this.#confirmedAt = now
    this.#silent = false
  }

  markSilent(now: number): void {
    if (!this.#silent) this.history.note('silent', now)
    this.#silent = true
  }

  /** The peer sees us at another address than before: a NAT has changed its mind. */
  remap(local: LocalCandidate): void {
    this.#validLocal = local
    this.#selectedView = undefined
  }

  /** RFC 8445 §7.2.5.2: also leaves the valid list. */
  fail(reason: CheckFailure, now: number): void {
    this.#state = 'failed'
    this.#lastFailure = reason
    this.#validLocal = undefined
    this.#nominatedAt = undefined
    this.#pendingNomination = undefined
    this.history.note(`failed: ${reason}`, now)
  }

  loseConsent(reason: 'consent-expired' | 'consent-revoked', now: number): void {
    this.fail(reason, now)
    this.#consentLost = true
  }

  /** @param nomination its number, 0 if it has none */
  nominate(nomination: number, now: number): void {
    if (this.#nominatedAt === undefined) this.history.note('nominated', now)
    this.#nominatedAt = now
    this.#nomination = Math.max(nomination, this.#nomination)
    this.#pendingNomination = undefined
  }

  nominateWhenValid(nomination: number): void {
    this.#pendingNomination = Math.max(nomination, this.#pendingNomination ?? 0)
  }

  /** Counts a request of the peer. False if it is a retransmission of the last one. */
  noteRequest(transaction: string, now: number): boolean {
    if (this.counters.requestsReceived++ === 0) this.history.note('peer-check', now)
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
      history: this.history.entries(),
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
