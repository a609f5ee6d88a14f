import type { CandidatePair } from './candidate-pair.ts'
import type { ConnectivityChecks } from './connectivity-checks.ts'
import type { IceSession } from './ice-session.ts'
import { yieldsTo } from './nomination.ts'
import type { PairSelection } from './selection.ts'

/** RFC 8445 §8.1.2: a pair is nominated; the checks of all others end. */
export function conclude(session: IceSession, nominated: CandidatePair, checks: ConnectivityChecks): void {
  session.nominated = nominated
  for (const pair of session.checklist.conclude()) checks.cancel(pair)
}

/** RFC 8445 §7.3.1.5 and §8.1.1: the peer nominates a valid pair. Of several it is the best, unless the peer has moved on. */
export function followNomination(
  session: IceSession,
  pair: CandidatePair,
  selection: PairSelection,
  checks: ConnectivityChecks,
  now: number,
): void {
  const current = session.nominated
  pair.nominate(now)
  const lost = current === selection.pair && selection.isMissing
  if (current === undefined || lost || yieldsTo(current, pair, now)) conclude(session, pair, checks)
}
