import type { TransportAddress } from '../base/address.ts'
import { earliest } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import type { SansIo, Transmit } from '../base/machine.ts'
import { Queue } from '../base/queue.ts'
import type { CandidateComponent, IceCandidate, LocalCandidate } from './candidate.ts'
import { CheckResults } from './check-results.ts'
import { defaultMaxPairs } from './checklist.ts'
import { ConnectivityChecks } from './connectivity-checks.ts'
import { DataSources } from './data-sources.ts'
import type { IceEvent } from './events.ts'
import type { IceSession } from './ice-session.ts'
import { deriveState, type IceState } from './ice-state.ts'
import { givenRole, pairOfLiteAgents } from './lite.ts'
import { MovedPeer } from './moved-peer.ts'
import { Nomination } from './nomination.ts'
import { PairControl } from './pair-control.ts'
import type { CandidatePairView, PairReference, SelectedPair } from './pair-view.ts'
import { type IceParameters, type IceRole, sameParameters, validateRemoteIceParameters } from './parameters.ts'
import { PeerChecks } from './peer-checks.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import { Recovery } from './recovery.ts'
import { RoleKeeper } from './role.ts'
import { PairSelection } from './selection.ts'
import { Sessions } from './sessions.ts'
import { decodeMessage, stunMethod } from './stun/message.ts'
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
  /**
   * RFC 8445 §2.5: it answers checks, sends none, and takes the pair that the peer nominates. For hosts with a public
   * address only: other candidates than those of the host are ignored.
   */
  readonly lite?: boolean
  /**
   * Lets a nomination move to a better pair, if the peer does too: draft-thatcher-ice-renomination-01. To be signalled
   * as `ice-options:renomination`.
   */
  readonly renomination?: boolean
  /**
   * Tells of every pair, and nominates none that {@link IceAgent.decideNomination} has not approved of: for who wants to
   * choose, as webrtc-extensions §9 has it.
   */
  readonly supervised?: boolean
}

/**
 * An ICE agent for one component of one data stream: RFC 8445, full or lite, over UDP and TCP (RFC 6544), with trickle
 * (RFC 8838), consent (RFC 7675) and patience (RFC 8863).
 *
 * It takes its own candidates as they are gathered, the peer's as they are signalled, and every STUN datagram that
 * arrives on a base of one of its candidates. The addresses in what it transmits are those very objects that its
 * candidates came with.
 */
export class IceAgent implements SansIo<IceEvent> {
  readonly #timing: IceTiming
  readonly #component: CandidateComponent
  readonly #transmits = new Queue<Transmit>()
  readonly #events = new Queue<IceEvent>()
  readonly #roles: RoleKeeper
  readonly #checks: ConnectivityChecks
  readonly #selection: PairSelection
  readonly #nomination: Nomination
  readonly #peerChecks: PeerChecks
  readonly #movedPeer: MovedPeer
  readonly #results: CheckResults
  readonly #control: PairControl
  readonly #recovery: Recovery
  readonly #sessions: Sessions
  readonly #sources = new DataSources()
  #state: IceState = 'new'
  /** When the wait for a pair is over: see {@link deriveState}. */
  #patienceEndsAt: number | undefined
  #announced: SelectedPair | undefined

  /** @throws {IceError} `invalid-parameters` */
  constructor(options: IceAgentOptions) {
    this.#timing = { ...defaultIceTiming, ...options.timing }
    this.#component = options.component ?? 1
    const { random, supervised = false, maxPairs = defaultMaxPairs } = options
    const [transmits, events] = [this.#transmits, this.#events]
    this.#sessions = new Sessions(options.local, options, maxPairs, supervised ? events : undefined)
    const roles = new RoleKeeper(options.role, random, events)
    const checks = new ConnectivityChecks(this.#timing, random, roles, transmits)
    const selection = new PairSelection(this.#timing, random)
    this.#roles = roles
    this.#checks = checks
    this.#selection = selection
    this.#nomination = new Nomination(this.#timing, supervised)
    const parts = { roles, checks, selection }
    this.#peerChecks = new PeerChecks({ ...parts, transmits, events })
    this.#movedPeer = new MovedPeer(parts, events)
    this.#results = new CheckResults(parts)
    this.#control = new PairControl(parts, this.#nomination)
    this.#recovery = new Recovery(parts, this.#timing.consentTimeoutMs)
  }

  get role(): IceRole {
    return this.#roles.role
  }

  get state(): IceState {
    return this.#state
  }

  /** With what the options say of the agent. */
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

  /** The same as a pair of the session. */
  get selectedReference(): PairReference | undefined {
    return this.#selection.pair
  }

  /** Of the selected pair, smoothed. */
  get roundTripMs(): number | undefined {
    return this.#selection.pair?.roundTrip.smoothedMs
  }

  /** Those of the current session, paired or not. */
  get candidates(): Pick<IceSession, 'localCandidates' | 'remoteCandidates'> {
    return this.#session
  }

  /** Every pair of the current session, best first. */
  pairs(): readonly CandidatePairView[] {
    return this.#session.checklist.pairs.map(pair => pair.view(pair === this.#selection.pair))
  }

  /**
   * Sets the role that signalling gives; conflicts with the peer's are settled later, by checks. Between a full and a
   * lite agent there is nothing to give.
   */
  setRole(role: IceRole): void {
    if (givenRole(this.#session.local, this.#session.remote) !== undefined) return
    this.#roles.set(role, this.#session.checklist)
  }

  /**
   * Sets the peer's credentials; checks begin. Setting the same again does nothing; setting others without a restart of
   * our own forgets the peer's candidates.
   *
   * @param isOther they are of another peer than before: the path to that one is given up, nothing is taken from there
   * @throws {IceError} `invalid-parameters`
   */
  setRemoteParameters(remote: IceParameters, now: number, isOther = false): void {
    if (this.#state === 'closed') return
    validateRemoteIceParameters(remote)
    const known = this.#session.remote
    if (known !== undefined && sameParameters(known, remote)) return
    if (known !== undefined) {
      const before = this.#session
      this.#sessions.turnToOtherPeer(this.role)
      this.#leave(before)
    }
    if (isOther) this.#abandonPath(now)
    this.#sources.forget()
    this.#roles.switchTo(givenRole(this.#session.local, remote) ?? this.role, this.#session.checklist)
    this.#session.patienceEndsAt = now + this.#timing.patienceMs
    for (const early of this.#session.setRemote(remote)) this.#peerChecks.handle(this.#session, early, now)
    this.#settle(now)
  }

  /** Adds a candidate whose base is open to receive. After a restart the candidates are to be added again. */
  addLocalCandidate(candidate: LocalCandidate, now: number): void {
    if (this.#state === 'closed' || candidate.component !== this.#component) return
    // RFC 8445 §5.2
    if (this.#session.isLite && candidate.type !== 'host') return
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
    const removed = this.#session.addRemote(candidate, this.role)
    if (removed === undefined) return false
    this.#checks.forget(removed)
    this.#settle(now)
    return true
  }

  /**
   * An address of ours is no more: its interface has vanished, or the allocation on its server was lost. Its candidates
   * go and their pairs fail; if the pair in use is one of them, another is looked for.
   *
   * @param base of the candidates
   */
  removeLocalCandidates(base: TransportAddress, now: number): void {
    if (this.#state === 'closed') return
    for (const session of this.#allSessions()) this.#checks.forget(session.removeLocal(base, now))
    this.#sources.forget()
    this.#settle(now)
  }

  /**
   * Nothing can be sent from a base to a remote address: the connection was refused or is broken, or the relay does not
   * serve this peer. The pair fails at once, without waiting for answers.
   */
  unreachable(
    base: TransportAddress,
    remote: TransportAddress,
    now: number,
    reason: 'unreachable' | 'peer-refused' = 'unreachable',
  ): void {
    if (this.#state === 'closed') return
    for (const session of this.#allSessions()) {
      const pair = session.checklist.find(base, remote)
      if (pair === undefined || pair.state === 'failed') continue
      pair.fail(reason, now)
      this.#checks.forget([pair])
    }
    this.#settle(now)
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
        ? this.#peerChecks.receive(this.#session, message, local, remote, now)
        : this.#results.receive(this.#session, message, local, remote, now)
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
    return this.#state !== 'closed' && this.#sources.has(this.#session, this.#selection.previous, local, remote)
  }

  /** Whether an address is that of somebody who knows our password, but is not the peer that was signalled: another answers. */
  hasHeardOther(local: TransportAddress, remote: TransportAddress): boolean {
    const [session, previous] = [this.#session, this.#selection.previous]
    const isPeer = session.hasHeardPeer(local, remote) || previous?.hasHeardPeer(local, remote) === true
    return this.#state !== 'closed' && !isPeer && session.hasHeardEarly(local, remote)
  }

  /**
   * Something came from an address without a check that only the peer can have made, and made last: its NAT may have given
   * it another. It is checked, and used if the pair in use does not answer any more.
   */
  heardFrom(local: TransportAddress, remote: TransportAddress, now: number): void {
    if (this.#state === 'closed') return
    this.#movedPeer.heard(this.#session, local, remote, now)
    this.#settle(now)
  }

  /**
   * Begins a new session with other credentials. The selected pair, if there is one, carries data until the new session
   * has its own. Local candidates, remote parameters and remote candidates are to be given anew.
   *
   * @throws {IceError} `invalid-parameters`, `credentials-unchanged`
   */
  restart(local: IceParameters, now: number): void {
    if (this.#state === 'closed') return
    const before = this.#session
    this.#sessions.restart(local)
    this.#leave(before)
    // Checks from new addresses that come before they are signalled make peer-reflexive candidates of them; libwebrtc
    // discards those while the old path works, and never checks them. The peer controls: it may begin.
    if (this.role === 'controlled' && this.#selection.pair?.silent === false) {
      this.#checks.hold(now + this.#timing.restartPatienceMs)
    }
    this.#settle(now)
  }

  /**
   * Undoes the last restart, as the rollback of a description does: parameters, candidates and pairs are again those of
   * before.
   *
   * @returns false if there is nothing to undo, or if a pair of the new session carries data already
   */
  rollbackRestart(now: number): boolean {
    if (this.#state === 'closed' || !this.#sessions.rollback()) return false
    const session = this.#session
    this.#selection.restore(session)
    session.checklist.resume(this.role)
    if (session.patienceEndsAt !== undefined) session.patienceEndsAt = now + this.#timing.patienceMs
    this.#nomination.reset()
    this.#checks.forgetAllBut(this.#selection.pair)
    this.#settle(now)
    return true
  }

  /** Answers an event `nomination` of a supervised agent. A pair that is refused is not proposed again before it is selected. */
  decideNomination(pair: PairReference, isApproved: boolean, now: number): void {
    this.#nomination.settle(pair, isApproved)
    this.#settle(now)
  }

  /**
   * Sends data on a pair, once it is known to work, and until one is nominated; then it is to be nominated.
   *
   * @returns false if it is not one of the session, or another was nominated: that is for good (RFC 8445 §8.1.1). If it turns
   *   out not to work, a supervised agent has an event `selection-failed`.
   */
  selectPair(pair: PairReference, now: number): boolean {
    const isPossible = this.#state !== 'closed' && this.#control.select(this.#session, pair, now)
    this.#settle(now)
    return isPossible
  }

  /** Sends and answers no more checks on a pair, and no data. @returns false if it is not one of the session */
  removePair(pair: PairReference, now: number): boolean {
    const isPossible = this.#state !== 'closed' && this.#control.remove(this.#session, pair, now)
    if (isPossible) this.#sources.forget()
    this.#settle(now)
    return isPossible
  }

  /** Falls silent for good. */
  close(_now: number): void {
    if (this.#state === 'closed') return
    this.#sources.forget()
    this.#selection.clear()
    this.#nomination.reset()
    this.#patienceEndsAt = undefined
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
      earliest(this.#patienceEndsAt, this.#checks.deadline),
      earliest(this.#selection.deadline, this.#nomination.deadline),
    )
  }

  /** Brings everything in line after an input: selection, nomination, checks, timers, state. */
  #settle(now: number): void {
    if (this.#state === 'closed') return
    const session = this.#session
    if (session.isLite) this.#pairLiteAgents(now)
    this.#select(now)
    // A nomination that is decided at once comes before any other check.
    if (!this.#nominate(now)) this.#checks.run(session, now)
    this.#control.noteFailure(session)
    const patienceEndsAt = session.lostAt === undefined ? session.patienceEndsAt : session.recoveryEndsAt
    const isWaiting = this.#selection.pair === undefined && patienceEndsAt !== undefined && now < patienceEndsAt
    this.#patienceEndsAt = isWaiting ? patienceEndsAt : undefined
    this.#setState(deriveState(session, this.#selection, now))
  }

  #select(now: number): void {
    const session = this.#session
    const { isAttempting } = this.#nomination
    this.#recovery.update(session, isAttempting, now)
    while (this.#selection.update(session, now)) {
      this.#pollConsent(now)
      this.#recovery.update(session, isAttempting, now)
    }
    if (this.#selection.pair !== undefined && !this.#selection.isReplaced) this.#sessions.commit()
    const pair = this.selectedPair
    const reference = this.#selection.pair
    if (pair !== undefined && reference !== undefined && pair !== this.#announced) {
      this.#events.push({ type: 'selected-pair', pair, reference })
    }
    this.#announced = pair
  }

  /** @returns whether the layer above is being asked */
  #nominate(now: number): boolean {
    const session = this.#session
    if (this.role !== 'controlling' || session.isLite || session.consentLost) {
      this.#nomination.reset()
      return false
    }
    const pair = this.#nomination.decide(session, now)
    if (pair !== undefined) this.#checks.nominate(session, pair, this.#nomination.count, now)
    const reference = this.#nomination.takeProposal()
    if (reference !== undefined) this.#events.push({ type: 'nomination', reference })
    return reference !== undefined
  }

  #pairLiteAgents(now: number): void {
    const pair = pairOfLiteAgents(this.#session, this.role)
    if (pair === undefined) return
    pair.succeed(pair.local, now)
    pair.nominate(0, now)
    this.#session.nominated = pair
  }

  #pollConsent(now: number): void {
    const { pair, previous, isReplaced } = this.#selection
    if (pair === undefined) return
    const session = isReplaced && previous !== undefined ? previous : this.#session
    for (let due = this.#selection.pollConsent(now); due !== undefined; due = this.#selection.pollConsent(now)) {
      if (due === 'expired') {
        this.#results.revoke(this.#session, pair, 'consent-expired', now)
        return
      }
      if (due === 'request') this.#checks.requestConsent(session, pair, now)
      else this.#checks.probe(session, pair, now)
    }
  }

  /** Another session has begun; the pair in use carries on. */
  #leave(before: IceSession): void {
    this.#selection.replace(before)
    this.#roles.forgive()
    this.#nomination.reset()
    this.#checks.forgetAllBut(this.#selection.pair)
  }

  /** There is no way back from a peer that another has taken the place of. */
  #abandonPath(now: number): void {
    const pair = this.#selection.abandon(now)
    if (pair !== undefined) this.#checks.forget([pair])
    this.#sessions.commit()
  }

  get #session(): IceSession {
    return this.#sessions.current
  }

  /** The current one, and those before it that are still of use. */
  #allSessions(): ReadonlySet<IceSession> {
    const before = [this.#selection.previous, this.#sessions.beforeRestart]
    return new Set([this.#session, ...before.filter(session => session !== undefined)])
  }

  #setState(state: IceState): void {
    if (state === this.#state) return
    this.#state = state
    this.#events.push({ type: 'state', state })
  }
}
