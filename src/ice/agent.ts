import type { TransportAddress } from '../base/address.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import type { SansIo, Transmit } from '../base/machine.ts'
import { Queue } from '../base/queue.ts'
import type { CandidateComponent, IceCandidate, LocalCandidate } from './candidate.ts'
import type { CandidatePair, CandidatePairView, SelectedPair } from './candidate-pair.ts'
import { type Check, concernsConsent, judgeResponse } from './check-client.ts'
import { encodeError, encodeSuccess, errorCode } from './check-messages.ts'
import { judgeRequest, type RequestVerdict, StrangerLimit } from './check-server.ts'
import { defaultMaxPairs } from './checklist.ts'
import { ConnectivityChecks } from './connectivity-checks.ts'
import { IceError } from './errors.ts'
import { type EarlyCheck, IceSession } from './ice-session.ts'
import { deriveState, type IceState } from './ice-state.ts'
import { Nomination, yieldsTo } from './nomination.ts'
import { type IceParameters, type IceRole, sameParameters, validateIceParameters } from './parameters.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import { RoleKeeper } from './role.ts'
import { PairSelection } from './selection.ts'
import { decodeMessage, type ReceivedStunMessage, stunMethod } from './stun/message.ts'
import { transactionKey } from './stun/transaction.ts'
import { defaultIceTiming, type IceTiming } from './timing.ts'

export interface IceAgentOptions {
  readonly role: IceRole
  /** A CSPRNG: tie-breakers and transaction IDs come from it. */
  readonly random: RandomSource
  readonly local: IceParameters
  /** 1 if absent. */
  readonly component?: CandidateComponent
  readonly timing?: Partial<IceTiming>
  /** RFC 8445 §6.1.2.5: 100 if absent. */
  readonly maxPairs?: number
}

export type IceEvent =
  | { readonly type: 'state'; readonly state: IceState }
  /** Another pair carries data, or the remote candidate of the one that does is now known better. */
  | { readonly type: 'selected-pair'; readonly pair: SelectedPair }
  /** A role conflict was resolved against us. */
  | { readonly type: 'role'; readonly role: IceRole }
  /** A peer-reflexive candidate of the peer was found. */
  | { readonly type: 'remote-candidate'; readonly candidate: IceCandidate }

/**
 * An ICE agent for one component of one data stream: RFC 8445 as a full implementation, with trickle (RFC 8838),
 * consent (RFC 7675) and patience (RFC 8863).
 *
 * It takes its own candidates as they are gathered, the peer's as they are signalled, and every STUN datagram that
 * arrives on a base of one of its candidates. The addresses in what it transmits are those very objects that its
 * candidates came with.
 */
export class IceAgent implements SansIo<IceEvent> {
  readonly #timing: IceTiming
  readonly #component: CandidateComponent
  readonly #maxPairs: number
  readonly #transmits = new Queue<Transmit>()
  readonly #events = new Queue<IceEvent>()
  readonly #deadlines = new Deadlines<'patience'>()
  readonly #roles: RoleKeeper
  readonly #checks: ConnectivityChecks
  readonly #selection: PairSelection
  readonly #nomination: Nomination
  readonly #strangers = new StrangerLimit()
  #state: IceState = 'new'
  #session: IceSession
  #validatedLocal: TransportAddress | undefined
  #validatedRemote: TransportAddress | undefined

  /** @throws {IceError} `invalid-parameters` */
  constructor(options: IceAgentOptions) {
    validateIceParameters(options.local)
    this.#timing = { ...defaultIceTiming, ...options.timing }
    this.#component = options.component ?? 1
    this.#maxPairs = options.maxPairs ?? defaultMaxPairs
    this.#roles = new RoleKeeper(options.role, options.random)
    this.#checks = new ConnectivityChecks(this.#timing, options.random, this.#roles, this.#transmits)
    this.#selection = new PairSelection(this.#timing, options.random)
    this.#nomination = new Nomination(this.#timing)
    this.#session = new IceSession(options.local, this.#maxPairs)
  }

  get role(): IceRole {
    return this.#roles.role
  }

  get state(): IceState {
    return this.#state
  }

  get localParameters(): IceParameters {
    return this.#session.local
  }

  get remoteParameters(): IceParameters | undefined {
    return this.#session.remote
  }

  /** The pair to send data on: the nominated one, or the best valid one before. Undefined: nothing may be sent. */
  get selectedPair(): SelectedPair | undefined {
    return this.#selection.pair?.selectedView
  }

  /** Of the selected pair, smoothed. */
  get roundTripMs(): number | undefined {
    return this.#selection.pair?.roundTrip.smoothedMs
  }

  /** Every pair of the current session, best first. */
  pairs(): readonly CandidatePairView[] {
    return this.#session.checklist.pairs.map(pair => pair.view(pair === this.#selection.pair))
  }

  /** Sets the role that signalling gives; conflicts with the peer's are settled later, by checks. */
  setRole(role: IceRole): void {
    if (!this.#roles.set(role)) return
    this.#nomination.reset()
    this.#session.checklist.setRole(role)
  }

  /**
   * Sets the peer's credentials; checks begin. Setting the same again does nothing; setting others without a restart of
   * our own forgets the peer's candidates.
   *
   * @throws {IceError} `invalid-parameters`
   */
  setRemoteParameters(remote: IceParameters, now: number): void {
    if (this.#state === 'closed') return
    validateIceParameters(remote)
    const known = this.#session.remote
    if (known !== undefined && sameParameters(known, remote)) return
    if (known !== undefined) this.#replaceSession(this.#session.forOtherPeer(this.role))
    // RFC 8445 §6.1.1: the full agent controls a lite one
    if (remote.lite) this.#switchRole('controlling')
    this.#session.patienceEndsAt = now + this.#timing.patienceMs
    for (const early of this.#session.setRemote(remote)) this.#handlePeerCheck(early, now)
    this.#settle(now)
  }

  /** Adds a candidate whose base is open to receive. After a restart the candidates are to be added again. */
  addLocalCandidate(candidate: LocalCandidate, now: number): void {
    if (this.#state === 'closed' || candidate.component !== this.#component) return
    this.#checks.forget(this.#session.addLocal(candidate, this.role))
    this.#settle(now)
  }

  /**
   * Adds a candidate that the peer has signalled.
   *
   * @returns false if it was ignored: another component, no address of a single host, known already, beyond
   * {@link maxRemoteCandidates}, or after the end of candidates
   */
  addRemoteCandidate(candidate: IceCandidate, now: number): boolean {
    if (this.#state === 'closed' || candidate.component !== this.#component) return false
    const remoteBefore = this.#selection.pair?.remote
    const removed = this.#session.addRemote(candidate, this.role)
    if (removed === undefined) return false
    this.#checks.forget(removed)
    if (this.#selection.pair?.remote !== remoteBefore) this.#announceSelected()
    this.#settle(now)
    return true
  }

  /** No more local candidates will be added to this session. */
  endOfLocalCandidates(now: number): void {
    this.#session.localEnded = true
    this.#settle(now)
  }

  /** The peer has signalled its last candidate of this session. */
  endOfRemoteCandidates(now: number): void {
    this.#session.remoteEnded = true
    this.#settle(now)
  }

  /**
   * Takes a STUN datagram.
   *
   * @param local the base it arrived on
   * @param remote where it came from
   */
  receive(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): IceReceived {
    if (this.#state === 'closed') return dropped.closed
    const message = decodeMessage(data)
    if (message === undefined) return dropped.malformed
    // RFC 8445 §7.2.4, §7.3: checks and their answers use FINGERPRINT
    if (!message.hasFingerprint) return dropped['no-fingerprint']
    if (message.method !== stunMethod.binding) return dropped['unsupported-method']
    // RFC 8445 §11: an indication keeps bindings alive, and nothing else
    if (message.class === 'indication') return handled
    const received =
      message.class === 'request'
        ? this.#receiveRequest(message, local, remote, now)
        : this.#receiveResponse(message, local, remote, now)
    this.#settle(now)
    return received
  }

  /**
   * Whether data may be taken from an address.
   *
   * RFC 8445 §12.2: data may come on any candidate, before a pair is selected, but it is taken only from where the peer
   * has shown that it knows one of the passwords: it answered a check of ours, or we answered one of its own, in this
   * session or the one before. An off-path sender cannot show that, so it cannot race the peer's first ClientHello.
   */
  isValidated(local: TransportAddress, remote: TransportAddress): boolean {
    if (remote === this.#validatedRemote && local === this.#validatedLocal) return true
    if (this.#state === 'closed') return false
    if (!this.#session.hasHeardFrom(local, remote) && !this.#selection.previous?.hasHeardFrom(local, remote))
      return false
    this.#validatedLocal = local
    this.#validatedRemote = remote
    return true
  }

  /**
   * Begins a new session with other credentials. The selected pair, if there is one, carries data until the new session
   * has its own. Local candidates, remote parameters and remote candidates are to be given anew.
   *
   * @throws {IceError} `invalid-parameters`, `credentials-unchanged`
   */
  restart(local: IceParameters, now: number): void {
    if (this.#state === 'closed') return
    validateIceParameters(local)
    const { usernameFragment, password } = this.#session.local
    // RFC 8445 §9: both must change
    if (local.usernameFragment === usernameFragment || local.password === password) {
      throw new IceError('credentials-unchanged', 'a restart needs another user name fragment and another password')
    }
    this.#replaceSession(new IceSession(local, this.#maxPairs))
    this.#settle(now)
  }

  /** Falls silent for good. */
  close(_now: number): void {
    if (this.#state === 'closed') return
    this.#validatedLocal = undefined
    this.#validatedRemote = undefined
    this.#selection.clear()
    this.#nomination.reset()
    this.#deadlines.clearAll()
    this.#checks.forgetAllBut(undefined)
    this.#transmits.clear()
    this.#setState('closed')
  }

  handleTimeout(now: number): void {
    if (this.#state === 'closed') return
    this.#checks.poll(now)
    this.#pollConsent(now)
    this.#settle(now)
  }

  pollTransmit(): Transmit | undefined {
    return this.#transmits.shift()
  }

  pollEvent(): IceEvent | undefined {
    return this.#events.shift()
  }

  /** In a quiet connection, the next consent request alone: every few seconds. */
  pollTimeout(): number | undefined {
    return earliest(
      earliest(this.#deadlines.next(), this.#checks.deadline),
      earliest(this.#selection.deadline, this.#nomination.deadline),
    )
  }

  #receiveRequest(
    request: ReceivedStunMessage,
    receivedOn: TransportAddress,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const local = this.#session.localAt(receivedOn) ?? this.#selection.previous?.localAt(receivedOn)
    if (local === undefined) return dropped['unknown-local']
    const verdict = judgeRequest(request, {
      sessions: this.#selection.previous === undefined ? [this.#session] : [this.#session, this.#selection.previous],
      role: this.role,
      tieBreaker: this.#roles.tieBreaker,
    })
    switch (verdict.kind) {
      case 'unauthenticated':
        if (this.#strangers.take(now)) this.#transmit(encodeError(request, verdict.code, undefined), local, remote)
        return dropped.unauthenticated
      case 'refused':
        this.#transmit(encodeError(request, verdict.code, verdict.session.localKey), local, remote)
        return verdict.code === errorCode.roleConflict ? handled : dropped.refused
      case 'accepted':
        return this.#acceptRequest(request, verdict, local, remote, now)
    }
  }

  #acceptRequest(
    request: ReceivedStunMessage,
    verdict: RequestVerdict & { readonly kind: 'accepted' },
    local: LocalCandidate,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const { session } = verdict
    // RFC 7675 §5.1: when consent has expired, transmission on that 5-tuple ceases
    if (session.consentLost || session.checklist.find(local.base, remote)?.consentLost) return dropped['consent-lost']
    this.#transmit(encodeSuccess(request, remote, session.localKey), local, remote)
    const { priority, useCandidate, remoteFragment } = verdict
    // RFC 8445 §11: a check of the session before is answered, without impact on ICE processing
    if (session !== this.#session) return handled
    this.#switchRole(verdict.role)
    const check = { local, remote, remoteFragment, priority, useCandidate }
    // RFC 8445 §7.3: before the peer's parameters are here it is answered; the rest follows when they come
    if (session.remote?.usernameFragment !== remoteFragment) session.rememberEarly(check)
    else this.#handlePeerCheck(check, now, transactionKey(request.transactionId))
    return handled
  }

  /** RFC 8445 §7.3.1.3 to §7.3.1.5: what a check of the peer, once answered, means for our own. */
  #handlePeerCheck(check: EarlyCheck, now: number, transaction = ''): void {
    const session = this.#session
    const { checklist } = session
    const { pair, learned, removed } = session.pairForRequest(check.local, check.remote, check.priority, this.role)
    if (removed !== undefined) this.#checks.forget([removed])
    if (learned !== undefined) this.#events.push({ type: 'remote-candidate', candidate: learned })
    if (pair === undefined) return
    const isNew = pair.noteRequest(transaction)
    pair.counters.responsesSent++
    const nominates = check.useCandidate && this.role === 'controlled'
    if (pair.state === 'succeeded' && this.#selection.isUsable(pair, now)) {
      if (nominates) this.#followNomination(pair, now)
      return
    }
    if (nominates) pair.nominateWhenValid()
    // RFC 8445 §8.1.2: after a nomination no checks are made, save for a pair that the nomination moves to
    if (checklist.concluded && !pair.nominationPending) return
    // RFC 8489 §6.3.1: a retransmitted request leaves things as the first one did
    if (!isNew && pair.state !== 'failed') return
    this.#checks.cancel(pair)
    checklist.trigger(pair)
  }

  #receiveResponse(
    response: ReceivedStunMessage,
    local: TransportAddress,
    remote: TransportAddress,
    now: number,
  ): IceReceived {
    const check = this.#checks.find(response)
    if (check === undefined) return dropped['unknown-transaction']
    const verdict = judgeResponse(response, check, local, remote)
    if (verdict.kind === 'dropped') return dropped[verdict.reason]
    const { pair } = check
    this.#checks.answered(check, verdict.kind === 'succeeded', now)
    pair.counters.responsesReceived++
    if (response.class === 'error') pair.counters.errorsReceived++
    switch (verdict.kind) {
      case 'succeeded':
        this.#handleSuccess(check, verdict.mapped, now)
        break
      case 'role-conflict':
        this.#handleRoleConflict(check)
        break
      case 'failed':
        // RFC 7675 §5.2: 403 revokes consent at once
        if (!concernsConsent(check)) {
          if (!check.cancelled) pair.fail(verdict.reason)
        } else if (verdict.code === errorCode.forbidden) this.#revoke(pair, 'consent-revoked')
        break
    }
    return handled
  }

  /** RFC 8445 §7.2.5.3. */
  #handleSuccess(check: Check, mapped: TransportAddress, now: number): void {
    const { pair, kind } = check
    this.#selection.confirm(pair)
    if (concernsConsent(check)) {
      pair.confirm(now)
      return
    }
    pair.succeed(this.#session.localSeenAs(mapped, pair), now)
    this.#session.checklist.succeeded(pair)
    // RFC 8445 §7.2.5.3.4: the nomination of the controlling agent, then that of the controlled one
    if (kind === 'nomination' && check.role === this.role) {
      pair.nominate(now)
      this.#conclude(pair)
    } else if (pair.nominationPending && this.role === 'controlled') this.#followNomination(pair, now)
  }

  /** RFC 8445 §7.2.5.1. */
  #handleRoleConflict(check: Check): void {
    const { pair, session } = check
    // Sent in a role that we have given up since: the answer is about that role, and changes nothing.
    const late = check.role !== this.role
    const role = late || session.remote?.lite ? undefined : this.#roles.yield()
    if (role !== undefined) this.#switchRole(role)
    if (concernsConsent(check) || session.checklist.concluded) return
    if (late || role !== undefined) session.checklist.trigger(pair)
    else pair.fail('role-conflict-unresolved')
  }

  /** RFC 8445 §7.3.1.5 and §8.1.1: of several nominated pairs the best, unless the peer has moved on. */
  #followNomination(pair: CandidatePair, now: number): void {
    const current = this.#session.nominated
    pair.nominate(now)
    const lost = current === this.#selection.pair && this.#selection.isMissing
    if (current !== undefined && !lost && !yieldsTo(current, pair, now)) return
    this.#conclude(pair)
  }

  #conclude(nominated: CandidatePair): void {
    this.#session.nominated = nominated
    this.#nomination.reset()
    for (const pair of this.#session.checklist.conclude()) this.#checks.cancel(pair)
  }

  /** Brings everything in line after an input: selection, nomination, checks, timers, state. */
  #settle(now: number): void {
    if (this.#state === 'closed') return
    const session = this.#session
    if (this.#selection.update(session, now)) {
      this.#announceSelected()
      this.#pollConsent(now)
    }
    this.#nominate(now)
    this.#checks.run(session, now)
    const { patienceEndsAt } = session
    const waiting = this.#selection.pair === undefined && patienceEndsAt !== undefined && now < patienceEndsAt
    if (waiting) this.#deadlines.set('patience', patienceEndsAt)
    else this.#deadlines.clear('patience')
    this.#setState(deriveState(session, this.#selection, now))
  }

  #nominate(now: number): void {
    const session = this.#session
    if (this.role !== 'controlling' || session.nominated !== undefined || session.consentLost) return
    const pair = this.#nomination.decide(session.checklist, session.localEnded && session.remoteEnded, now)
    if (pair !== undefined) this.#checks.nominate(session, pair, now)
  }

  #pollConsent(now: number): void {
    const { pair, previous, isReplaced } = this.#selection
    if (pair === undefined) return
    const session = isReplaced && previous !== undefined ? previous : this.#session
    for (let due = this.#selection.pollConsent(now); due !== undefined; due = this.#selection.pollConsent(now)) {
      if (due === 'expired') {
        this.#revoke(pair, 'consent-expired')
        return
      }
      if (due === 'request') this.#checks.requestConsent(session, pair, now)
      else this.#checks.probe(session, pair, now)
    }
  }

  #revoke(pair: CandidatePair, reason: 'consent-expired' | 'consent-revoked'): void {
    this.#selection.revoke(this.#session, pair, reason)
    this.#checks.forget([pair])
  }

  /** Takes another role because the peer, or the kind of peer, asks for it. */
  #switchRole(role: IceRole): void {
    if (role === this.role) return
    this.setRole(role)
    this.#events.push({ type: 'role', role })
  }

  #replaceSession(next: IceSession): void {
    this.#selection.replace(this.#session)
    this.#session = next
    this.#roles.forgive()
    this.#nomination.reset()
    this.#checks.forgetAllBut(this.#selection.pair)
  }

  #transmit(data: Uint8Array, local: LocalCandidate, remote: TransportAddress): void {
    this.#transmits.push({ data, local: local.base, remote })
  }

  #announceSelected(): void {
    const pair = this.selectedPair
    if (pair !== undefined) this.#events.push({ type: 'selected-pair', pair })
  }

  #setState(state: IceState): void {
    if (state === this.#state) return
    this.#state = state
    this.#events.push({ type: 'state', state })
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a
}
