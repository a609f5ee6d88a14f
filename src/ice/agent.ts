import type { TransportAddress } from '../base/address.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import type { SansIo, Transmit } from '../base/machine.ts'
import { Queue } from '../base/queue.ts'
import type { CandidateComponent, IceCandidate, LocalCandidate } from './candidate.ts'
import type { CandidatePairView, SelectedPair } from './candidate-pair.ts'
import { CheckResults } from './check-results.ts'
import { defaultMaxPairs } from './checklist.ts'
import { ConnectivityChecks } from './connectivity-checks.ts'
import { IceError } from './errors.ts'
import type { IceEvent } from './events.ts'
import { IceSession } from './ice-session.ts'
import { deriveState, type IceState } from './ice-state.ts'
import { Nomination } from './nomination.ts'
import { type IceParameters, type IceRole, sameParameters, validateIceParameters } from './parameters.ts'
import { PeerChecks } from './peer-checks.ts'
import { dropped, handled, type IceReceived } from './received.ts'
import { RoleKeeper } from './role.ts'
import { PairSelection } from './selection.ts'
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
}

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
  readonly #peerChecks: PeerChecks
  readonly #results: CheckResults
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
    const { random } = options
    const [transmits, events] = [this.#transmits, this.#events]
    const roles = new RoleKeeper(options.role, random, events)
    const checks = new ConnectivityChecks(this.#timing, random, roles, transmits)
    const selection = new PairSelection(this.#timing, random)
    this.#roles = roles
    this.#checks = checks
    this.#selection = selection
    this.#nomination = new Nomination(this.#timing)
    this.#peerChecks = new PeerChecks({ roles, checks, selection, transmits, events })
    this.#results = new CheckResults({ roles, checks, selection })
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
    this.#roles.set(role, this.#session.checklist)
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
    if (remote.lite) this.#roles.switchTo('controlling', this.#session.checklist)
    this.#session.patienceEndsAt = now + this.#timing.patienceMs
    for (const early of this.#session.setRemote(remote)) this.#peerChecks.handle(this.#session, early, now)
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
    if (this.role !== 'controlling' || session.nominated !== undefined || session.consentLost) {
      this.#nomination.reset()
      return
    }
    const pair = this.#nomination.decide(session.checklist, session.localEnded && session.remoteEnded, now)
    if (pair !== undefined) this.#checks.nominate(session, pair, now)
  }

  #pollConsent(now: number): void {
    const { pair, previous, isReplaced } = this.#selection
    if (pair === undefined) return
    const session = isReplaced && previous !== undefined ? previous : this.#session
    for (let due = this.#selection.pollConsent(now); due !== undefined; due = this.#selection.pollConsent(now)) {
      if (due === 'expired') {
        this.#results.revoke(this.#session, pair, 'consent-expired')
        return
      }
      if (due === 'request') this.#checks.requestConsent(session, pair, now)
      else this.#checks.probe(session, pair, now)
    }
  }

  #replaceSession(next: IceSession): void {
    this.#selection.replace(this.#session)
    this.#session = next
    this.#roles.forgive()
    this.#nomination.reset()
    this.#checks.forgetAllBut(this.#selection.pair)
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
