import { sameAddress, type TransportAddress } from '../base/address.ts'
import type { Queue } from '../base/queue.ts'
import { type IceCandidate, type LocalCandidate, localPeerReflexive, remotePeerReflexive } from './candidate.ts'
import { CandidatePair } from './candidate-pair.ts'
import { Checklist } from './checklist.ts'
import { EarlyChecks, type PeerCheck } from './early-checks.ts'
import type { IceEvent } from './events.ts'
import { canPair, isChecked, isRedundant, usableRemoteCandidate } from './pairing-rules.ts'
import type { IceParameters, IceRole } from './parameters.ts'
import { shortTermKey } from './stun/integrity.ts'

/** Signalled remote candidates beyond this number are ignored. RFC 8445 §19.5.1 allows a limit. */
export const maxRemoteCandidates = 100

/** So many pairs that the layer above has removed are remembered, so that nobody brings them back; the latest. */
export const maxRemovedPairs = 100

/** What became of a candidate or pair, and the pair that was dropped to make room for it. */
interface Pairing {
  readonly pair?: CandidatePair
  readonly removed?: CandidatePair
}

/**
 * What lasts from one ICE restart to the next: credentials, candidates, pairs. RFC 8445 §9.
 *
 * It holds no policy: which pair is checked, nominated and selected when is the agent's business.
 */
export class IceSession {
  readonly local: IceParameters
  /** What requests to us are authenticated with. */
  readonly localKey: Uint8Array
  readonly checklist: Checklist
  /** A pair that was once selected for good lost consent: RFC 7675 §5.1 ends this session's use of it. */
  consentLost = false
  localEnded = false
  remoteEnded = false
  /** RFC 8863 §4: when the patience for the peer's checks ends; known once both ends' parameters are. */
  patienceEndsAt: number | undefined
  /** When the nominated pair was lost: it is silent or gone, and no other has taken its place yet. */
  lostAt: number | undefined
  /** When the search for another pair ends. */
  recoveryEndsAt: number = Number.POSITIVE_INFINITY
  /** The greatest number of a nomination by the peer that was followed; 0 before. */
  greatestNomination = 0
  /** The number of our latest nomination; 0 before. */
  ownNomination = 0
  readonly earlyChecks: EarlyChecks = new EarlyChecks()
  /** The pair that the layer above wants data to be sent on, as long as none is nominated. */
  chosen: CandidatePair | undefined
  /** Told of pairs that come and go. */
  readonly #changes: Queue<IceEvent> | undefined
  /** Between which addresses there is to be no pair. */
  #removed: readonly CandidatePair[] = []
  #remote: IceParameters | undefined
  #remoteKey: Uint8Array = new Uint8Array()
  #localCandidates: LocalCandidate[] = []
  #remoteCandidates: IceCandidate[] = []
  #nominated: CandidatePair | undefined
  /** Shared by the sessions of an agent: the pair of one has not the number of another's. */
  readonly #pairIds: { next: number }
  #peerReflexiveCount = 0
  #signalledCount = 0

  /**
   * @param changes told of pairs that come and go
   * @param pairIds of the sessions before
   */
  constructor(local: IceParameters, maxPairs: number, changes?: Queue<IceEvent>, pairIds = { next: 1 }) {
    this.#changes = changes
    this.#pairIds = pairIds
    this.local = local
    this.localKey = shortTermKey(local.password)
    this.checklist = new Checklist(maxPairs)
  }

  /**
   * The session with another peer: same credentials and candidates of ours, nothing of the first peer.
   *
   * RFC 8445 §7.3.1.4 speaks of forking, where more than one answers.
   */
  forOtherPeer(role: IceRole): IceSession {
    const session = new IceSession(this.local, this.checklist.maxPairs, this.#changes, this.#pairIds)
    for (const candidate of this.#localCandidates) session.addLocal(candidate, role)
    for (const check of this.earlyChecks.all()) session.earlyChecks.remember(check)
    session.localEnded = this.localEnded
    return session
  }

  get remote(): IceParameters | undefined {
    return this.#remote
  }

  /** What requests to the peer, and its responses, are authenticated with. */
  get remoteKey(): Uint8Array {
    return this.#remoteKey
  }

  get localCandidates(): readonly LocalCandidate[] {
    return this.#localCandidates
  }

  get remoteCandidates(): readonly IceCandidate[] {
    return this.#remoteCandidates
  }

  /** Whether both ends have said that a nomination may move: draft-thatcher-ice-renomination-01 §3. */
  get renominates(): boolean {
    return this.local.renomination === true && this.#remote?.renomination === true
  }

  /** Whether checks are never sent: RFC 8445 §6.2. */
  get isLite(): boolean {
    return this.local.lite === true
  }

  /** Whether a pair was nominated at some time. */
  get wasNominated(): boolean {
    return this.#nominated !== undefined
  }

  /** The pair that the controlling agent nominated, and that both are to use. */
  get nominated(): CandidatePair | undefined {
    return this.#nominated?.nominated ? this.#nominated : undefined
  }

  set nominated(pair: CandidatePair) {
    this.#nominated = pair
    this.lostAt = undefined
  }

  /** Sets the peer's parameters and takes the early checks that were made with them. */
  setRemote(remote: IceParameters): readonly PeerCheck[] {
    this.#remote = remote
    this.#remoteKey = shortTermKey(remote.password)
    return this.earlyChecks.takeFrom(remote.usernameFragment)
  }

  /** RFC 8445 §6.1.2.2 and RFC 8838 §10: adds a candidate and pairs it with the remote ones. */
  addLocal(candidate: LocalCandidate, role: IceRole): readonly CandidatePair[] {
    const known = this.#localCandidates.findIndex(other => isRedundant(candidate, other))
    if (known < 0) this.#localCandidates.push(candidate)
    // RFC 8445 §5.1.3: of redundant candidates the one with the higher priority stays
    else if ((this.#localCandidates[known]?.priority ?? 0) < candidate.priority)
      this.#localCandidates[known] = candidate
    return this.#pairAll(
      this.#remoteCandidates.map(remote => ({ local: candidate, remote })),
      role,
    )
  }

  /**
   * RFC 8838 §11: adds a candidate that the peer has signalled and pairs it with the local ones.
   *
   * @returns the pairs that were dropped to make room, or undefined if the candidate was ignored
   */
  addRemote(signalled: IceCandidate, role: IceRole): readonly CandidatePair[] | undefined {
    const candidate = usableRemoteCandidate(signalled)
    // RFC 8838 §14: after an end-of-candidates indication new candidates are ignored
    if (candidate === undefined || this.remoteEnded) return undefined
    const known = this.remoteAt(candidate.address, candidate.protocol)
    if (known !== undefined) return known.type === 'prflx' ? this.#signalPeerReflexive(known, candidate) : undefined
    if (this.#signalledCount >= maxRemoteCandidates) return undefined
    this.#signalledCount++
    this.#remoteCandidates.push(candidate)
    return this.#pairAll(
      this.#localCandidates.map(local => ({ local, remote: candidate })),
      role,
    )
  }

  /** The local candidate that sends from an address: where several share it, the best. */
  localAt(base: TransportAddress): LocalCandidate | undefined {
    let best: LocalCandidate | undefined
    for (const candidate of this.#localCandidates) {
      if (!sameAddress(candidate.base, base)) continue
      const isBase = candidate.base === base
      // A UDP and a TCP socket may share an address and port: the very object tells them apart.
      if (best === undefined || (isBase && best.base !== base)) best = candidate
      else if (candidate.priority > best.priority && (isBase || best.base !== base)) best = candidate
    }
    return best
  }

  remoteAt(address: TransportAddress, protocol: 'udp' | 'tcp'): IceCandidate | undefined {
    return this.#remoteCandidates.find(
      candidate => candidate.protocol === protocol && sameAddress(candidate.address, address),
    )
  }

  /**
   * Removes the candidates of a base that is no more. Their pairs fail; they stay on the list to be looked at.
   *
   * @returns the pairs that have failed
   */
  removeLocal(base: TransportAddress, now: number): readonly CandidatePair[] {
    const local = this.localAt(base)
    if (local === undefined) return []
    this.#localCandidates = this.#localCandidates.filter(candidate => !isOnBase(candidate, local))
    this.earlyChecks.removeFrom(base)
    const lost = this.checklist.pairs.filter(pair => isOnBase(pair.local, local))
    for (const pair of lost) {
      if (pair.lastFailure === 'local-address-lost') continue
      pair.fail('local-address-lost', now)
      this.tell('pair-removed', pair)
    }
    return lost
  }

  /** webrtc-extensions §9.2 removeCandidatePair: no checks go there or are answered, and the pair is not formed again. */
  removePair(pair: CandidatePair, now: number): void {
    if (this.chosen === pair) this.chosen = undefined
    pair.fail('removed', now)
    this.checklist.remove(pair)
    this.#forgetPeerReflexive(pair)
    this.#removed = [...this.#removed.slice(1 - maxRemovedPairs), pair]
    this.tell('pair-removed', pair)
  }

  /** Whether the layer above has removed the pair between two addresses. */
  isRemoved(local: LocalCandidate, remote: TransportAddress): boolean {
    return this.#removed.some(pair => isOnBase(pair.local, local) && sameAddress(pair.remote.address, remote))
  }

  /** Another session takes the place of this one, or it is the current one again. */
  tellOfAll(type: 'pair-added' | 'pair-removed'): void {
    for (const pair of this.checklist.pairs) if (pair.lastFailure !== 'local-address-lost') this.tell(type, pair)
  }

  tell(type: 'pair-added' | 'pair-removed' | 'selection-failed', reference: CandidatePair): void {
    this.#changes?.push({ type, reference })
  }

  /**
   * The nominated pair is lost: all others are checked again, with those that were not even formed while it was in use.
   *
   * @returns the pairs that were dropped to make room
   */
  reopen(role: IceRole): readonly CandidatePair[] {
    this.checklist.reopen(this.nominated)
    const remotes = this.#remoteCandidates
    return this.#pairAll(
      this.#localCandidates.flatMap(local => remotes.map(remote => ({ local, remote }))),
      role,
    )
  }

  /**
   * The local candidate that the peer sees behind a check.
   *
   * RFC 8445 §7.2.5.3.1. Candidates on other bases don't count, even at the same address: data will leave from this one.
   */
  localSeenAs(mapped: TransportAddress, pair: CandidatePair): LocalCandidate {
    const { local, validLocal } = pair
    if (validLocal !== undefined && sameAddress(validLocal.address, mapped)) return validLocal
    if (sameAddress(local.address, mapped)) return local
    const known = this.#localCandidates.find(
      candidate => sameAddress(candidate.address, mapped) && isOnBase(candidate, local),
    )
    return known ?? localPeerReflexive(local, mapped)
  }

  /**
   * The pair that a request of the peer came over; made if need be, with a peer-reflexive remote candidate if need be.
   *
   * RFC 8445 §7.3.1.3 and §7.3.1.4. No pair if the two cannot be paired, or the checklist is full of better ones.
   */
  pairForRequest(
    local: LocalCandidate,
    remote: TransportAddress,
    priority: number,
    role: IceRole,
  ): Pairing & { readonly learned?: IceCandidate } {
    const known = this.checklist.find(local.base, remote, local.protocol)
    if (known !== undefined) return { pair: known }
    if (this.isRemoved(local, remote)) return {}
    const signalled = this.remoteAt(remote, local.protocol)
    const candidate = signalled ?? this.#peerReflexive(local, remote, priority)
    if (!canPair(local, candidate)) return {}
    const pairing = this.#add(local, candidate, role)
    if (pairing.pair === undefined || signalled !== undefined) return pairing
    this.#remoteCandidates.push(candidate)
    return { ...pairing, learned: candidate }
  }

  /** The pair with the highest priority of all candidates, made if need be: for agents that check nothing. */
  bestUnchecked(role: IceRole): CandidatePair | undefined {
    let best: CandidatePair | undefined
    for (const local of this.#localCandidates) {
      for (const remote of this.#remoteCandidates) {
        if (!canPair(local, remote)) continue
        const pair = new CandidatePair(0, local, remote, role)
        if (best === undefined || pair.priority > best.priority) best = pair
      }
    }
    return best === undefined ? undefined : this.#add(best.local, best.remote, role).pair
  }

  /** Whether the peer has proven, with our password or its own, that it is at this address. */
  hasHeardPeer(local: TransportAddress, remote: TransportAddress): boolean {
    return this.checklist.find(local, remote)?.authenticated === true
  }

  /** Whether somebody has shown at this address to know our password, but not to be the peer that was signalled. */
  hasHeardEarly(local: TransportAddress, remote: TransportAddress): boolean {
    return this.earlyChecks.has(local, remote)
  }

  #peerReflexive(local: LocalCandidate, address: TransportAddress, priority: number): IceCandidate {
    this.#peerReflexiveCount++
    return remotePeerReflexive({ address, receivedOn: local, priority, ordinal: this.#peerReflexiveCount })
  }

  /**
   * RFC 8445 §7.3.1.3: a signalled candidate tells the real properties of one that was found by its checks. Both ends
   * then agree on priorities again (RFC 8838 §11).
   */
  #signalPeerReflexive(known: IceCandidate, candidate: IceCandidate): readonly CandidatePair[] {
    this.#remoteCandidates = this.#remoteCandidates.map(other => (other === known ? candidate : other))
    for (const pair of this.checklist.pairs) if (pair.remote === known) pair.setRemote(candidate)
    this.checklist.sort()
    return []
  }

  #pairAll(
    combinations: readonly { readonly local: LocalCandidate; readonly remote: IceCandidate }[],
    role: IceRole,
  ): readonly CandidatePair[] {
    // RFC 8445 §6.2: an agent that sends no checks has no use for pairs
    if (this.isLite) return []
    const removed: CandidatePair[] = []
    for (const { local, remote } of combinations) {
      if (!isChecked(local, remote) || this.isRemoved(local, remote.address)) continue
      const existing = this.checklist.find(local.base, remote.address, local.protocol)
      if (existing?.lastFailure === 'local-address-lost') this.checklist.remove(existing)
      else if (existing !== undefined) {
        this.#prune(existing, local)
        continue
      }
      // RFC 8445 §8.1.2: once a pair is nominated no others are checked, unless it may give way to a better one
      if (!this.checklist.isOpen(new CandidatePair(0, local, remote, role))) continue
      const pairing = this.#add(local, remote, role)
      if (pairing.removed !== undefined) removed.push(pairing.removed)
    }
    return removed
  }

  /** RFC 8445 §6.1.2.4: of two pairs with the same base and remote candidate, the one with the higher priority stays. */
  #prune(existing: CandidatePair, local: LocalCandidate): void {
    const untouched = existing.state === 'frozen' || existing.state === 'waiting'
    if (!untouched || local.priority <= existing.local.priority) return
    existing.setLocal(local)
    this.checklist.sort()
  }

  #add(local: LocalCandidate, remote: IceCandidate, role: IceRole): Pairing {
    const pair = new CandidatePair(this.#pairIds.next, local, remote, role)
    const { added, removed } = this.checklist.add(pair)
    if (!added) return {}
    this.#pairIds.next++
    if (removed !== undefined) this.tell('pair-removed', removed)
    this.tell('pair-added', pair)
    if (removed === undefined) return { pair }
    this.#forgetPeerReflexive(removed)
    return { pair, removed }
  }

  /** A peer-reflexive candidate lives in its pairs alone. */
  #forgetPeerReflexive({ remote }: CandidatePair): void {
    if (remote.type !== 'prflx' || this.checklist.pairs.some(other => other.remote === remote)) return
    this.#remoteCandidates = this.#remoteCandidates.filter(candidate => candidate !== remote)
  }
}

function isOnBase(candidate: LocalCandidate, other: LocalCandidate): boolean {
  return candidate.protocol === other.protocol && sameAddress(candidate.base, other.base)
}
