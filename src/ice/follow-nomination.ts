import type { CandidatePair } from './candidate-pair.ts'
import type { ConnectivityChecks } from './connectivity-checks.ts'
import type { IceSession } from './ice-session.ts'
import { yieldsTo } from './nomination.ts'
import type { PairSelection } from './selection.ts'

/**
 * A valid pair is nominated: by the answer to our nomination (RFC 8445 §7.2.5.3.4), or by the peer (§7.3.1.5).
 *
 * Of several nominated pairs it is the best that is used, unless the peer has moved on: RFC 8445 §8.1.1.
 */
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
  if (current !== undefined && !lost && !yieldsTo(current, pair, now)) return
  session.nominated = pair
  // RFC 8445 §8.1.2: the checks of all others end
  session.checklist.conclude()
  checks.cancelWhere(other => other !== pair && !other.nominationPending)
}
