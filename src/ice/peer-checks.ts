import type { TransportAddress } from '../base/address.ts'
import type { Transmit } from '../base/machine.ts'
import { PerSecond } from '../base/per-second.ts'
import type { Queue } from '../base/queue.ts'
import type { LocalCandidate } from './candidate.ts'
import type { CandidatePair } from './candidate-pair.ts'
import { encodeError, encodeSuccess, errorCode } from './check-messages.ts'
import { judgeRequest, maxUnauthenticatedAnswersPerSecond, type RequestVerdict } from './check-server.ts'
import type { PeerCheck } from './early-checks.ts'
import type { IceEvent } from './events.ts'
import { followNomination, type NominationParts } from './follow-nomination.ts'
import type { IceSession } from './ice-session.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import type { ReceivedStunMessage } from './stun/message.ts'
import { transactionKey } from './stun/transaction.ts'

/**
 * Each check of the peer starts ours anew (RFC 8445 §7.3.1.4), but not if so many are unanswered. On a long path the answers
 * to the first ones are still on their way: those are not forgotten for later ones.
 */
export const maxChecksPerPair = 10

/** The parts of an agent that a check of the peer can have an effect on. */
export interface PeerCheckParts extends NominationParts {
  readonly transmits: Queue<Transmit>
  readonly events: Queue<IceEvent>
}

/** Answers the peer's checks, and draws conclusions for our own: RFC 8445 §7.3. */
export class PeerChecks {
  readonly #parts: PeerCheckParts
  readonly #strangers = new PerSecond(maxUnauthenticatedAnswersPerSecond)

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
  handle(session: IceSession, check: PeerCheck, now: number, transaction = ''): void {
    const { roles, checks, selection, events } = this.#parts
    checks.release()
    const { checklist } = session
    const { pair, learned, removed } = session.pairForRequest(check.local, check.remote, check.priority, roles.role)
    if (removed !== undefined) checks.forget([removed])
    if (learned !== undefined) events.push({ type: 'remote-candidate', candidate: learned })
    if (pair === undefined) return
    const isNew = pair.noteRequest(transaction, now)
    pair.counters.responsesSent++
    if (session.isLite) {
      this.#handleAsLite(session, pair, check, now)
      return
    }
    const nomination = roles.role === 'controlled' ? check.nomination : undefined
    if (nomination === undefined) this.#suspectOther(session, pair, now)
    if (pair.state === 'succeeded' && !pair.silent && selection.isUsable(pair, now)) {
      if (nomination !== undefined) followNomination(this.#parts, session, pair, nomination, now)
      return
    }
    // In use, but silent: it is being asked already.
    if (pair === selection.pair && pair === session.nominated) return
    if (nomination !== undefined) pair.nominateWhenValid(nomination)
    // RFC 8445 §8.1.2: after a nomination no checks are made, save for a pair that the nomination moves to
    if (!checklist.isOpen(pair) && !pair.nominationPending) return
    // RFC 8489 §6.3.1: a retransmitted request leaves things as the first one did
    if (!isNew && pair.state !== 'failed') return
    if (checks.countOf(pair) >= maxChecksPerPair) return
    if (pair.state === 'succeeded') {
      checklist.recheck(pair)
      return
    }
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
    const { session, priority, nomination, remoteFragment } = verdict
    // RFC 7675 §5.1: when consent has expired, transmission on that 5-tuple ceases
    if (session.consentLost || session.checklist.find(local.base, remote)?.consentLost) return dropped['consent-lost']
    // webrtc-extensions §9.2 removeCandidatePair
    if (session.isRemoved(local, remote)) return dropped['removed-pair']
    const isStranger = session.remote?.usernameFragment !== remoteFragment
    // A controlling peer that restarts may check our addresses of before from its new ones. Were that answered, it might
    // nominate the pair; libwebrtc does, and looks at the pairs of the new session no more.
    if (isStranger && session.wasNominated && this.#parts.roles.role === 'controlled') return dropped.unauthenticated
    this.#answer(encodeSuccess(request, remote, session.localKey), local, remote)
    const check = { local, remote, remoteFragment, priority, nomination }
    if (session !== current) {
      // RFC 8445 §11: a check of the session before is answered, without impact on ICE processing. But the answer lets the
      // peer send data from there: its own restart may be ahead of ours.
      session.earlyChecks.remember(check)
      return handled
    }
    this.#parts.roles.switchTo(verdict.role, session.checklist)
    // RFC 8445 §7.3: before the peer's parameters are here it is answered; the rest follows when they come
    if (isStranger) session.earlyChecks.remember(check)
    else this.handle(session, check, now, transactionKey(request.transactionId))
    return handled
  }

  /** RFC 8445 §7.3.2: a lite agent takes the peer's word that a pair works. */
  #handleAsLite(session: IceSession, pair: CandidatePair, { local, nomination }: PeerCheck, now: number): void {
    if (pair.state === 'succeeded') pair.confirm(now)
    if (nomination === undefined) return
    if (pair.state !== 'succeeded') pair.succeed(local, now)
    followNomination(this.#parts, session, pair, nomination, now)
  }

  /**
   * After a nomination a controlled peer has no reason to check another pair, unless the nominated one is lost at its
   * end, where only we can nominate another.
   */
  #suspectOther(session: IceSession, pair: CandidatePair, now: number): void {
    const { roles, selection } = this.#parts
    const { nominated } = session
    if (roles.role !== 'controlling' || nominated === undefined || nominated === pair) return
    selection.suspect(nominated, now)
  }

  #answer(data: Uint8Array, local: LocalCandidate, remote: TransportAddress): void {
    this.#parts.transmits.push({ data, local: local.base, remote })
  }
}
