import type { CandidatePair } from './candidate-pair.ts'
import type { ConnectivityChecks } from './connectivity-checks.ts'
import type { IceSession } from './ice-session.ts'
import { yieldsTo } from './nomination.ts'
import type { RoleKeeper } from './role.ts'
import type { PairSelection } from './selection.ts'

export interface NominationParts {
  readonly roles: RoleKeeper
  readonly checks: ConnectivityChecks
  readonly selection: PairSelection
}

/**
 * A valid pair is nominated: by the answer to our nomination (RFC 8445 §7.2.5.3.4), or by the peer (§7.3.1.5).
 *
 * @param nomination its number, 0 if it has none
 */
export function followNomination(
  { roles, checks, selection }: NominationParts,
  session: IceSession,
  pair: CandidatePair,
  nomination: number,
  now: number,
): void {
  const current = session.nominated
  if (roles.role === 'controlled' && current !== undefined && current !== pair) {
    // draft-thatcher-ice-renomination-01 §4: the greatest number counts, and any number more than none
    if (nomination < session.greatestNomination) return
    const overrules = nomination > session.greatestNomination
    if (!overrules && !current.silent && !yieldsTo(current, pair, now)) {
      pair.nominate(nomination, now)
      // Perhaps the peer has lost the better one. If so, it does not answer there any more.
      selection.suspect(current, now)
      return
    }
  }
  if (roles.role === 'controlled') session.greatestNomination = Math.max(nomination, session.greatestNomination)
  pair.nominate(nomination, now)
  session.nominated = pair
  conclude(session, pair, checks)
}

/** RFC 8445 §8.1.2: the checks of all others end, but for better ones where the nomination may move to them. */
export function conclude(session: IceSession, pair: CandidatePair, checks: ConnectivityChecks): void {
  const { checklist } = session
  checklist.conclude(session.renominates ? pair.validPriority : 'all')
  checks.cancelWhere(other => other !== pair && !other.nominationPending && !checklist.isOpen(other))
}
