import type { TransportAddress } from '../base/address.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { type Check, concernsConsent, judgeResponse } from './check-client.ts'
import { errorCode } from './check-messages.ts'
import type { ConnectivityChecks } from './connectivity-checks.ts'
import { followNomination } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import type { RoleKeeper } from './role.ts'
import type { PairSelection } from './selection.ts'
import type { ReceivedStunMessage } from './stun/message.ts'

/** The parts of an agent that the outcome of a check can have an effect on. */
export interface CheckResultParts {
  readonly roles: RoleKeeper
  readonly checks: ConnectivityChecks
  readonly selection: PairSelection
}

/** Takes the answers to our checks, and what follows from them: RFC 8445 §7.2.5. */
export class CheckResults {
  readonly #parts: CheckResultParts

  constructor(parts: CheckResultParts) {
    this.#parts = parts
  }

  /** Takes a success or error response. */
  receive(
    session: IceSession,
    response: ReceivedStunMessage,
    local: TransportAddress,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const { checks } = this.#parts
    const check = checks.find(response)
    if (check === undefined) return dropped['unknown-transaction']
    const verdict = judgeResponse(response, check, local, remote)
    if (verdict.kind === 'dropped') return dropped[verdict.reason]
    const { pair } = check
    checks.answered(check, verdict.kind === 'succeeded', now)
    pair.counters.responsesReceived++
    if (response.class === 'error') pair.counters.errorsReceived++
    switch (verdict.kind) {
      case 'succeeded':
        this.#succeed(session, check, verdict.mapped, now)
        break
      case 'role-conflict':
        this.#resolveConflict(check)
        break
      case 'failed':
        if (!concernsConsent(check)) {
          if (!check.cancelled) pair.fail(verdict.reason)
        } else if (verdict.code === errorCode.forbidden) {
          // RFC 7675 §5.2: 403 revokes consent at once
          this.revoke(session, pair, 'consent-revoked')
        }
        break
    }
    return handled
  }

  /** The peer no longer consents to data on the pair. */
  revoke(session: IceSession, pair: CandidatePair, reason: 'consent-expired' | 'consent-revoked'): void {
    const { selection, checks } = this.#parts
    selection.revoke(session, pair, reason)
    // RFC 7675 §5.1: outstanding transactions are discarded; those of other pairs too, if the session is over
    if (session.consentLost) checks.forgetAllBut(undefined)
    else checks.forget([pair])
  }

  /** RFC 8445 §7.2.5.3. */
  #succeed(session: IceSession, check: Check, mapped: TransportAddress, now: number): void {
    const { roles, checks, selection } = this.#parts
    const { pair, kind } = check
    selection.confirm(pair)
    if (concernsConsent(check)) {
      pair.confirm(now)
      return
    }
    pair.succeed(session.localSeenAs(mapped, pair), now)
    session.checklist.succeeded(pair)
    // RFC 8445 §7.2.5.3.4: a nomination by the controlling agent, or one that the controlled agent has been told of
    const nominated = roles.role === 'controlling' ? kind === 'nomination' : pair.nominationPending
    if (nominated) followNomination(session, pair, selection, checks, now)
  }

  /** RFC 8445 §7.2.5.1. */
  #resolveConflict(check: Check): void {
    const { roles } = this.#parts
    const { pair, session } = check
    const { checklist } = session
    // Sent in a role that we have given up since: the answer is about that role, and changes nothing.
    const late = check.role !== roles.role
    const role = late || session.remote?.lite ? undefined : roles.yield()
    if (role !== undefined) roles.switchTo(role, checklist)
    if (concernsConsent(check) || checklist.concluded) return
    if (late || role !== undefined) checklist.trigger(pair)
    else pair.fail('role-conflict-unresolved')
  }
}
