import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { type Check, concernsConsent, judgeResponse } from './check-client.ts'
import { errorCode } from './check-messages.ts'
import { followNomination, type NominationParts } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import type { ReceivedStunMessage } from './stun/message.ts'

/** Takes the answers to our checks, and what follows from them: RFC 8445 §7.2.5. */
export class CheckResults {
  /** What the outcome of a check can have an effect on. */
  readonly #parts: NominationParts

  constructor(parts: NominationParts) {
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
        this.#resolveConflict(check, now)
        break
      case 'failed':
        if (!concernsConsent(check)) {
          if (!check.cancelled) pair.fail(verdict.reason, now)
        } else if (verdict.code === errorCode.forbidden) {
          // RFC 7675 §5.2: 403 revokes consent at once
          this.revoke(session, pair, 'consent-revoked', now)
        }
        break
    }
    return handled
  }

  /** The peer no longer consents to data on the pair. */
  revoke(session: IceSession, pair: CandidatePair, reason: 'consent-expired' | 'consent-revoked', now: number): void {
    const { selection, checks } = this.#parts
    selection.revoke(session, pair, reason, now)
    // RFC 7675 §5.1: outstanding transactions are discarded; those of other pairs too, if the session is over
    if (session.consentLost) checks.forgetAllBut(undefined)
    else checks.forget([pair])
  }

  /** RFC 8445 §7.2.5.3. */
  #succeed(session: IceSession, check: Check, mapped: TransportAddress, now: number): void {
    const { roles, selection } = this.#parts
    const { pair, kind } = check
    selection.confirm(pair)
    if (concernsConsent(check)) {
      pair.confirm(now)
      if (pair.validLocal !== undefined && !sameAddress(pair.validLocal.address, mapped)) {
        pair.remap(check.session.localSeenAs(mapped, pair))
      }
    } else {
      pair.succeed(session.localSeenAs(mapped, pair), now)
      session.checklist.succeeded(pair)
    }
    if (check.session !== session) return
    // RFC 8445 §7.2.5.3.4: a nomination by the controlling agent, or one that the controlled agent has been told of
    const isLatest = kind === 'nomination' && check.nomination === session.ownNomination
    const own = isLatest ? check.nomination : undefined
    const nomination = roles.role === 'controlling' ? own : pair.pendingNomination
    if (nomination !== undefined) followNomination(this.#parts, session, pair, nomination, now)
  }

  /** RFC 8445 §7.2.5.1. */
  #resolveConflict(check: Check, now: number): void {
    const { roles } = this.#parts
    const { pair, session } = check
    const { checklist } = session
    // Sent in a role that we have given up since: the answer is about that role, and changes nothing.
    const late = check.role !== roles.role
    const role = late || session.remote?.lite ? undefined : roles.yield()
    if (role !== undefined) roles.switchTo(role, checklist)
    if (concernsConsent(check) || checklist.concluded) return
    if (late || role !== undefined) checklist.trigger(pair)
    else pair.fail('role-conflict-unresolved', now)
  }
}
