import type { TransportAddress } from '../base/address.ts'
import type { Transmit } from '../base/machine.ts'
import type { Queue } from '../base/queue.ts'
import type { LocalCandidate } from './candidate.ts'
import { encodeError, encodeSuccess, errorCode } from './check-messages.ts'
import { judgeRequest, type RequestVerdict, StrangerLimit } from './check-server.ts'
import type { ConnectivityChecks } from './connectivity-checks.ts'
import type { IceEvent } from './events.ts'
import { followNomination } from './follow-nomination.ts'
import type { EarlyCheck, IceSession } from './ice-session.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import type { RoleKeeper } from './role.ts'
import type { PairSelection } from './selection.ts'
import type { ReceivedStunMessage } from './stun/message.ts'
import { transactionKey } from './stun/transaction.ts'

/**
 * Each check of the peer starts ours anew (RFC 8445 §7.3.1.4), but not if so many are unanswered. On a long path the answers
 * to the first ones are still on their way: those are not forgotten for later ones.
 */
export const maxChecksPerPair = 10

/** The parts of an agent that a check of the peer can have an effect on. */
export interface PeerCheckParts {
  readonly roles: RoleKeeper
  readonly checks: ConnectivityChecks
  readonly selection: PairSelection
  readonly transmits: Queue<Transmit>
  readonly events: Queue<IceEvent>
}

/** Answers the peer's checks, and draws conclusions for our own: RFC 8445 §7.3. */
export class PeerChecks {
  readonly #parts: PeerCheckParts
  readonly #strangers = new StrangerLimit()

  constructor(parts: PeerCheckParts) {
    this.#parts = parts
  }

  /** Takes a Binding request. */
  receive(
    session: IceSession,
    request: ReceivedStunMessage,
    receivedOn: TransportAddress,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const { roles, selection } = this.#parts
    const { previous } = selection
    const local = session.localAt(receivedOn) ?? previous?.localAt(receivedOn)
    if (local === undefined) return dropped['unknown-local']
    const sessions = previous === undefined ? [session] : [session, previous]
    const verdict = judgeRequest(request, { sessions, role: roles.role, tieBreaker: roles.tieBreaker })
    switch (verdict.kind) {
      case 'unauthenticated':
        if (this.#strangers.take(now)) this.#answer(encodeError(request, verdict.code, undefined), local, remote)
        return dropped.unauthenticated
      case 'refused':
        this.#answer(encodeError(request, verdict.code, verdict.session.localKey), local, remote)
        return verdict.code === errorCode.roleConflict ? handled : dropped.refused
      case 'accepted':
        return this.#accept(session, request, verdict, local, remote, now)
    }
  }

  /** What a check of the peer, once answered, means for our own: RFC 8445 §7.3.1.3 to §7.3.1.5. */
  handle(session: IceSession, check: EarlyCheck, now: number, transaction = ''): void {
    const { roles, checks, selection, events } = this.#parts
    const { checklist } = session
    const { pair, learned, removed } = session.pairForRequest(check.local, check.remote, check.priority, roles.role)
    if (removed !== undefined) checks.forget([removed])
    if (learned !== undefined) events.push({ type: 'remote-candidate', candidate: learned })
    if (pair === undefined) return
    const isNew = pair.noteRequest(transaction)
    pair.counters.responsesSent++
    const nominates = check.useCandidate && roles.role === 'controlled'
    if (pair.state === 'succeeded' && selection.isUsable(pair, now)) {
      if (nominates) followNomination(session, pair, selection, checks, now)
      return
    }
    if (nominates) pair.nominateWhenValid()
    // RFC 8445 §8.1.2: after a nomination no checks are made, save for a pair that the nomination moves to
    if (checklist.concluded && !pair.nominationPending) return
    // RFC 8489 §6.3.1: a retransmitted request leaves things as the first one did
    if (!isNew && pair.state !== 'failed') return
    if (checks.countOf(pair) >= maxChecksPerPair) return
    // RFC 8445 §7.3.1.4: the check in progress is cancelled for a new one, which may get through where it did not
    checks.cancelWhere(other => other === pair)
    checklist.trigger(pair)
  }

  #accept(
    current: IceSession,
    request: ReceivedStunMessage,
    verdict: RequestVerdict & { readonly kind: 'accepted' },
    local: LocalCandidate,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const { session, priority, useCandidate, remoteFragment } = verdict
    // RFC 7675 §5.1: when consent has expired, transmission on that 5-tuple ceases
    if (session.consentLost || session.checklist.find(local.base, remote)?.consentLost) return dropped['consent-lost']
    this.#answer(encodeSuccess(request, remote, session.localKey), local, remote)
    // RFC 8445 §11: a check of the session before is answered, without impact on ICE processing
    if (session !== current) return handled
    this.#parts.roles.switchTo(verdict.role, session.checklist)
    const check = { local, remote, remoteFragment, priority, useCandidate }
    // RFC 8445 §7.3: before the peer's parameters are here it is answered; the rest follows when they come
    if (session.remote?.usernameFragment !== remoteFragment) session.rememberEarly(check)
    else this.handle(session, check, now, transactionKey(request.transactionId))
    return handled
  }

  #answer(data: Uint8Array, local: LocalCandidate, remote: TransportAddress): void {
    this.#parts.transmits.push({ data, local: local.base, remote })
  }
}
