import type { IceCandidate, LocalCandidate } from './candidate.ts'
import type { PairHistoryEntry } from './pair-history.ts'

/** RFC 8445 §6.1.2.6. */
export type CandidatePairState = 'frozen' | 'waiting' | 'in-progress' | 'succeeded' | 'failed'

/** Why the latest check of a pair did not lead to a valid pair, or why it is no longer valid. */
export type CheckFailure =
  | 'timed-out'
  | 'asymmetric-response'
  | 'unusable-response'
  | 'role-conflict-unresolved'
  | 'nomination-unanswered'
  | 'consent-expired'
  | 'consent-revoked'
  /** The address that it is based on is no more: an interface has vanished, or an allocation was lost. */
  | 'local-address-lost'
  /** Nothing can be sent there: a connection was refused, or broke. */
  | 'unreachable'
  /** Our TURN server does not relay to this peer. */
  | 'peer-refused'
  /** The layer above wants it no more. */
  | 'removed'
  | `error-${number}`

/** The pair that carries data. The same object for as long as that is so. */
export interface SelectedPair {
  readonly local: LocalCandidate
  readonly remote: IceCandidate
  /** Smoothed. */
  readonly roundTripMs: number | undefined
}

/** A pair, as the layer above names it to the agent; the same object for as long as there is the pair. */
export interface PairReference {
  /** The candidate that checks leave from. */
  readonly local: LocalCandidate
  readonly remote: IceCandidate
  /** The pair as the peer sees it, once it is valid. */
  readonly selectedView: SelectedPair
  /** What is known of it now. */
  view(selected: boolean): CandidatePairView
}

/** Counts of what went over a pair. */
export interface PairCounters {
  /** Checks, not counting retransmissions and consent requests. */
  requestsSent: number
  retransmissionsSent: number
  consentRequestsSent: number
  responsesReceived: number
  /** Authenticated error responses among them. */
  errorsReceived: number
  requestsReceived: number
  responsesSent: number
}

/** What is known of a pair, for statistics and for the question why there is no connection. */
export interface CandidatePairView extends Readonly<PairCounters> {
  readonly id: number
  readonly local: LocalCandidate
  readonly remote: IceCandidate
  readonly state: CandidatePairState
  /** RFC 8445 §6.1.2.3. */
  readonly priority: bigint
  readonly nominated: boolean
  readonly selected: boolean
  readonly lastFailure?: CheckFailure
  /** The latest measurement; absent before the first. */
  readonly roundTripMs?: number
  /** The sum of all measurements. */
  readonly totalRoundTripMs: number
  /** What happened to it, oldest first; bounded. */
  readonly history: readonly PairHistoryEntry[]
}
