import type { CancelTimer, Environment } from '../base/environment.ts'
import { assertNever } from '../base/errors.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsError } from '../dtls/errors.ts'
import type { DtlsSession } from '../dtls/index.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type {
  CandidateComponent,
  IceCandidate,
  IceEvent,
  IceParameters,
  IceRole,
  IceTiming,
  LocalCandidate,
} from '../ice/index.ts'
import type { SctpEvent } from '../sctp/index.ts'
import { type SdpCandidate, serializeCandidate } from '../sdp/index.ts'
import { CandidateDescriber } from './candidate-description.ts'
import { CandidatePairs } from './candidate-pairs.ts'
import type { DtlsChoices } from './dtls-link.ts'
import type { GatheredCandidate } from './gathering/candidate-socket.ts'
import type { Gatherer, GathererListener } from './gathering/gatherer.ts'
import type { ServerFailure } from './gathering/server-failure.ts'
import { RTCIceCandidate } from './rtc-ice-candidate.ts'
import { RTCIceCandidatePair } from './rtc-ice-candidate-pair.ts'
import {
  createTransportObjects,
  type DtlsTransportSlots,
  fire,
  type IceTransportSlots,
  type RTCDtlsTransport,
  type RTCIceTransport,
} from './rtc-transports.ts'
import { Transport, type TransportListener } from './transport.ts'
import { constructorToken } from './webidl.ts'

/** What a transport tells its connection, each at the top of a turn. */
export interface PeerTransportObserver {
  localCandidate(candidate: LocalCandidateText): void
  endOfLocalCandidates(): void
  serverFailed(url: string, failure: ServerFailure): void
  /** The states of the transport have changed and its own events have yet to be fired: derive, then call `fireAll`. */
  iceStateChanged(fireAll: () => void): void
  /** The gathering state is about to change: from a task, call `apply`, derive, then call `fireAll`. */
  gatheringStateChanged(apply: () => void, fireAll: () => void): void
  dtlsStateChanged(error: DtlsError | undefined, fireAll: () => void): void
  sctpEvent(event: SctpEvent): void
}

/** A local candidate as it is signalled, and what only this end knows of it. */
export interface LocalCandidateText {
  readonly sdp: SdpCandidate
  readonly url: string | undefined
  readonly relayProtocol: LocalCandidate['relayProtocol']
}

export interface PeerTransportOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
  readonly role: IceRole
  readonly iceParameters: IceParameters
  readonly gatherer: Gatherer
  readonly observer: PeerTransportObserver
  /** 2 for RTCP, if that has a transport of its own. */
  readonly component: CandidateComponent
  /** The section that its candidates are told for. */
  readonly mid: string | undefined
  readonly mLineIndex: number
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  readonly iceTiming: Partial<IceTiming>
}

/** What the DTLS handshake came to. */
export interface DtlsOutcome {
  readonly session: DtlsSession
  /** The certificates that the ends have shown to each other, DER, that of the key first. */
  readonly localCertificates: readonly Uint8Array[]
  readonly remoteCertificates: readonly Uint8Array[]
}

/** How long sockets of the generation before stay open when another path is in use: browsers take seconds to follow. */
export const retiredLifetimeMs = 10_000

/** What belongs to one generation of ICE, to go back to. */
interface Generation {
  readonly gatherer: Gatherer
  readonly describer: CandidateDescriber
  readonly sdpCandidates: SdpCandidate[]
  readonly slots: Readonly<IceTransportSlots>
}

/** One transport of a connection as the W3C shows it: driver, gatherer, RTCIceTransport and RTCDtlsTransport. */
export class PeerTransport implements TransportListener {
  readonly driver: Transport
  readonly ice: RTCIceTransport
  readonly dtls: RTCDtlsTransport
  readonly #iceSlots: IceTransportSlots
  readonly #dtlsSlots: DtlsTransportSlots = { state: 'new', remoteCertificates: [] }
  readonly #pairs: CandidatePairs
  readonly #environment: Environment
  readonly #observer: PeerTransportObserver
  #mid: string | undefined
  #mLineIndex: number
  #hasEnded = false
  #gatherer: Gatherer
  /** Of the generations before: their sockets carry data until the new one has a path. */
  readonly #retired = new Map<Gatherer, CancelTimer | undefined>()
  #describer: CandidateDescriber
  #negotiated: DtlsOutcome | undefined
  #failure: DtlsError | undefined
  #beforeRestart: Generation | undefined
  #sdpCandidates: SdpCandidate[] = []
  #closed = false

  constructor(options: PeerTransportOptions) {
    this.#mid = options.mid
    this.#mLineIndex = options.mLineIndex
    this.#environment = options.environment
    this.#observer = options.observer
    this.#iceSlots = {
      component: options.component === 1 ? 'rtp' : 'rtcp',
      role: options.role,
      state: 'new',
      gatheringState: 'new',
      localCandidates: [],
      remoteCandidates: [],
      selectedPair: null,
      localParameters: shown(options.iceParameters),
      remoteParameters: null,
    }
    this.driver = new Transport({ ...options, listener: this })
    this.#gatherer = options.gatherer
    this.#describer = describerFor(options.gatherer)
    this.#pairs = this.#createPairs()
    const objects = createTransportObjects(this.#iceSlots, this.#dtlsSlots, this.#pairs)
    this.ice = objects.ice
    this.dtls = objects.dtls
  }

  /** Kept when the connection ends: statistics still tell it. */
  get negotiated(): DtlsOutcome | undefined {
    return this.#negotiated
  }

  /** Why DTLS has failed. */
  get failure(): DtlsError | undefined {
    return this.#failure
  }

  get iceParameters(): IceParameters {
    return this.driver.ice.localParameters
  }

  /** The candidates of the current generation, as they go into a description. */
  get localCandidates(): readonly SdpCandidate[] {
    return this.#sdpCandidates
  }

  /** All candidates that can be gathered now have been told. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** From now on its candidates are told for this section. */
  place(mid: string | undefined, mLineIndex: number): void {
    this.#mid = mid
    this.#mLineIndex = mLineIndex
  }

  /** Gathers the candidates of the current generation. */
  gather(): void {
    this.#gatherer.gather(this.#listener())
  }

  get gatherer(): Gatherer {
    return this.#gatherer
  }

  /** Begins a new ICE generation with a gatherer of its own; `gather` must follow. */
  restart(parameters: IceParameters, gatherer: Gatherer): void {
    this.#beforeRestart = {
      gatherer: this.#gatherer,
      describer: this.#describer,
      sdpCandidates: this.#sdpCandidates,
      slots: { ...this.#iceSlots },
    }
    this.#closeRetired()
    this.#gatherer.retire()
    this.#retired.set(this.#gatherer, undefined)
    this.#gatherer = gatherer
    this.#describer = describerFor(gatherer)
    this.#sdpCandidates = []
    this.#hasEnded = false
    this.#iceSlots.localCandidates = []
    this.#iceSlots.remoteCandidates = []
    this.#iceSlots.remoteParameters = null
    this.#iceSlots.localParameters = shown(parameters)
    this.driver.restartIce(parameters)
  }

  /** The description that began the generation was rolled back. @returns false if its path is in use already */
  rollbackRestart(): boolean {
    const before = this.#beforeRestart
    if (before === undefined || !this.driver.rollbackRestart()) return false
    this.#beforeRestart = undefined
    this.#gatherer.close()
    this.#gatherer = before.gatherer
    this.#retired.get(before.gatherer)?.()
    this.#retired.delete(before.gatherer)
    this.#gatherer.resume(this.#listener())
    this.#describer = before.describer
    this.#sdpCandidates = before.sdpCandidates
    this.#hasEnded = before.slots.gatheringState === 'complete'
    const { localCandidates, remoteCandidates, localParameters, remoteParameters } = before.slots
    Object.assign(this.#iceSlots, { localCandidates, remoteCandidates, localParameters, remoteParameters })
    return true
  }

  setRemoteIce(parameters: IceParameters): void {
    // Those of a peer that another one has answered in place of.
    if (this.#iceSlots.remoteParameters !== null) this.#iceSlots.remoteCandidates = []
    this.#iceSlots.remoteParameters = shown(parameters)
    this.driver.setRemoteIce(parameters)
  }

  addRemoteCandidate(candidate: IceCandidate): void {
    this.driver.addRemoteCandidate(candidate)
  }

  /** webrtc-pc §5.6, getRemoteCandidates(): what the peer has signalled, whether it can be used or not. */
  rememberRemoteCandidate(candidate: SdpCandidate): void {
    this.#iceSlots.remoteCandidates.push(this.#toRemoteRtcCandidate(candidate))
  }

  /** What may be told of a candidate, ours or the peer's. */
  get describer(): CandidateDescriber {
    return this.#describer
  }

  /** The W3C object for a local candidate of this transport. */
  toRtcCandidate(candidate: LocalCandidateText | undefined): RTCIceCandidate {
    return new RTCIceCandidate({
      candidate: candidate === undefined ? '' : serializeCandidate(candidate.sdp),
      sdpMid: this.#mid ?? null,
      sdpMLineIndex: this.#mLineIndex,
      usernameFragment: this.iceParameters.usernameFragment,
      url: candidate?.url ?? null,
      relayProtocol: candidate?.relayProtocol ?? null,
    })
  }

  close(): void {
    this.#closed = true
    this.driver.close()
    this.#pairs.close()
    for (const cancel of this.#retired.values()) cancel?.()
    for (const gatherer of [this.#gatherer, ...this.#retired.keys()]) gatherer.close()
    // webrtc-pc §4.4.2 close, steps 7 to 9: no event is fired
    this.#iceSlots.state = 'closed'
    this.#dtlsSlots.state = 'closed'
  }

  iceEvent(event: IceEvent): void {
    if (this.#closed) return
    switch (event.type) {
      case 'role':
        this.#iceSlots.role = event.role
        return
      case 'selected-pair':
        this.#select(this.#pairs.selected(event.reference, event.pair))
        this.#pairs.settleSelection(event.reference)
        return
      case 'state':
        this.#iceSlots.state = event.state
        if (event.state === 'disconnected') this.#gatherer.verify()
        this.#observer.iceStateChanged(() => fire(this.ice, 'statechange'))
        return
      case 'remote-candidate':
        // A peer-reflexive candidate was not signalled: it shows in the statistics, not in getRemoteCandidates().
        return
      case 'pair-added':
        this.#pairs.added(event.reference)
        return
      case 'pair-removed':
        this.#pairs.removed(event.reference)
        this.#noteLoss()
        return
      case 'nomination':
        this.#pairs.nominate(event.reference)
        return
      case 'selection-failed':
        this.#pairs.selectionFailed(event.reference)
        return
      default:
        assertNever(event)
    }
  }

  /** webrtc-pc §5.6, change the selected candidate pair and state */
  #select(pair: RTCIceCandidatePair | null): void {
    if (this.#closed) return
    this.#iceSlots.selectedPair = pair
    if (pair !== null) this.#closeRetired()
    this.#observer.iceStateChanged(() => fire(this.ice, 'selectedcandidatepairchange'))
  }

  /** The pair that was removed may have been the one in use, and there may be no other. */
  #noteLoss(): void {
    const { selectedPair } = this.#iceSlots
    if (selectedPair !== null && !this.#pairs.has(selectedPair) && this.driver.ice.selectedPair === undefined) {
      this.#select(null)
    }
  }

  dtlsStateChanged(error?: DtlsError): void {
    this.#dtlsSlots.state = this.driver.dtlsState
    this.#failure = error
    const isReplaced = this.driver.dtlsState === 'new'
    if (isReplaced) {
      // webrtc-pc §5.5: a new association is represented by the same object
      this.#negotiated = undefined
      this.#dtlsSlots.remoteCertificates = []
    }
    const { session, localCertificates = [], remoteCertificates = [] } = this.driver.dtls ?? {}
    if (session !== undefined) {
      this.#negotiated = { session, localCertificates, remoteCertificates }
      this.#dtlsSlots.remoteCertificates = remoteCertificates
    }
    this.#observer.dtlsStateChanged(error, () => fire(this.dtls, 'statechange'))
    // The path to the peer of before was given up with it.
    if (isReplaced) this.#noteLoss()
  }

  sctpEvent(event: SctpEvent): void {
    this.#observer.sctpEvent(event)
  }

  #listener(): GathererListener {
    return {
      component: this.driver.component,
      receive: this.driver.receive,
      usernameFragment: this.iceParameters.usernameFragment,
      candidate: gathered => this.#addLocalCandidate(gathered),
      removed: base => this.driver.removeLocalCandidates(base),
      unreachable: (peer, socket, reason) => this.driver.unreachable(socket.local, peer, reason),
      serverFailed: (url, failure) => this.#observer.serverFailed(url, failure),
      gatheringChanged: state => this.#onGathering(state),
    }
  }

  #addLocalCandidate({ candidate, socket, shownAddress }: GatheredCandidate): void {
    if (this.#closed) return
    if (shownAddress !== undefined) this.#describer.hide(candidate.address.address, shownAddress)
    this.driver.addLocalCandidate(candidate, socket)
    const text = this.#toText(candidate)
    this.#sdpCandidates.push(text.sdp)
    this.#iceSlots.localCandidates.push(this.toRtcCandidate(text))
    this.#observer.localCandidate(text)
  }

  #onGathering(state: 'gathering' | 'complete'): void {
    if (this.#closed) return
    this.#hasEnded = state === 'complete'
    if (this.#hasEnded) {
      this.driver.endOfLocalCandidates()
      this.#observer.endOfLocalCandidates()
    }
    this.#setGatheringState(state)
  }

  /**
   * RFC 8445 §9: the path of before carries data until the new one is there; other sockets of before are soon of no use.
   * §8.3.1: but the peer may still send to them for a while.
   */
  #closeRetired(): void {
    const base = this.driver.ice.selectedPair?.local.base
    for (const [gatherer, cancel] of this.#retired) {
      cancel?.()
      const isInUse = gatherer.candidates.some(({ candidate }) => candidate.base === base)
      this.#retired.set(gatherer, isInUse ? undefined : this.#closeLater(gatherer))
    }
  }

  #closeLater(gatherer: Gatherer): CancelTimer {
    const wasDirect = gatherer.options.policy === 'all' && this.#gatherer.options.policy === 'relay'
    // From now on nothing may leave but to a relay: not even an answer.
    const delayMs = wasDirect ? 0 : retiredLifetimeMs
    return this.#environment.timers.set(delayMs, () => {
      this.#retired.delete(gatherer)
      gatherer.close()
    })
  }

  #toText(candidate: LocalCandidate): LocalCandidateText {
    return {
      sdp: this.#describer.describe(candidate),
      url: candidate.url,
      relayProtocol: candidate.relayProtocol,
    }
  }

  #setGatheringState(state: 'gathering' | 'complete'): void {
    this.#observer.gatheringStateChanged(
      () => {
        this.#iceSlots.gatheringState = state
      },
      () => fire(this.ice, 'gatheringstatechange'),
    )
  }

  #createPairs(): CandidatePairs {
    const { driver } = this
    const { clock, timers } = this.#environment
    return new CandidatePairs({
      target: () => this.ice,
      create: (local, remote) => this.#toRtcPair(local, remote),
      agent: {
        get selectedReference() {
          return driver.ice.selectedReference
        },
        select: reference => {
          const isPossible = driver.ice.selectPair(reference, clock.now())
          driver.schedule()
          return isPossible
        },
        remove: reference => {
          driver.ice.removePair(reference, clock.now())
          driver.schedule()
        },
        // The driver is about to send what comes of it.
        decideNomination: (reference, isApproved) => driver.ice.decideNomination(reference, isApproved, clock.now()),
      },
      queueTask: step => timers.endOfTurn(step),
    })
  }

  #toRtcPair(local: LocalCandidate, remote: IceCandidate): RTCIceCandidatePair {
    const shown = this.#toRemoteRtcCandidate(this.#describer.describe(remote))
    return new RTCIceCandidatePair(constructorToken, this.toRtcCandidate(this.#toText(local)), shown)
  }

  #toRemoteRtcCandidate(candidate: SdpCandidate): RTCIceCandidate {
    return new RTCIceCandidate({
      candidate: serializeCandidate(candidate),
      sdpMid: this.#mid ?? null,
      sdpMLineIndex: this.#mLineIndex,
      usernameFragment: this.driver.ice.remoteParameters?.usernameFragment ?? null,
    })
  }
}

function describerFor({ options }: Gatherer): CandidateDescriber {
  return new CandidateDescriber(options.policy === 'relay' || options.host.hideHostAddresses)
}

function shown(parameters: IceParameters): { usernameFragment: string; password: string } {
  return { usernameFragment: parameters.usernameFragment, password: parameters.password }
}
