import type { CandidatePair } from './candidate-pair.ts'
import { conclude, type NominationParts } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'

/**
 * Notices when the nominated pair is lost, and when it is back.
 *
 * RFC 8445 knows no way from there but a restart, which takes signalling and may come late. Here both ends look for
 * another pair on their own: while the nominated one is silent, or gone with its interface, all others are checked
 * again, and new candidates too. The controlling end nominates what answers first; the checks of a controlled end whose
 * interface has vanished tell the controlling one that something is wrong, well before its consent is in doubt.
 */
export class Recovery {
  readonly #parts: NominationParts
  readonly #searchMs: number

  /** @param searchMs how long another pair is looked for before the agent fails: as long as consent lasts */
  constructor(parts: NominationParts, searchMs: number) {
    this.#parts = parts
    this.#searchMs = searchMs
  }

  /** @param nominating another pair was nominated, and the answer is on its way: there is no return */
  update(session: IceSession, nominating: boolean, now: number): void {
    if (session.consentLost || !session.wasNominated) return
    const { nominated } = session
    if (nominated === undefined || nominated.silent) {
      if (session.lostAt === undefined) this.#begin(session, nominated, now)
    } else if (session.lostAt !== undefined && !nominating) {
      session.lostAt = undefined
      conclude(session, nominated, this.#parts.checks)
    }
  }

  #begin(session: IceSession, lost: CandidatePair | undefined, now: number): void {
    const { roles, checks } = this.#parts
    const next = roles.role === 'controlled' && lost !== undefined ? nominatedAfter(lost, session) : undefined
    if (next !== undefined) {
      session.nominated = next
      conclude(session, next, checks)
      return
    }
    session.lostAt = now
    session.recoveryEndsAt = now + this.#searchMs
    if (!session.isLite) checks.forget(session.reopen(roles.role))
  }
}

/** The pair that the peer has nominated since it last nominated the one that is lost. */
function nominatedAfter(lost: CandidatePair, session: IceSession): CandidatePair | undefined {
  let latest = lost
  for (const pair of session.checklist.pairs) {
    if (pair.valid && !pair.silent && (pair.nominatedAt ?? 0) > (latest.nominatedAt ?? 0)) latest = pair
  }
  return latest === lost ? undefined : latest
}
