import type { Environment } from '../base/environment.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsError } from '../dtls/errors.ts'
import type { IceCandidate, IceEvent, IceParameters, IceRole, SelectedPair } from '../ice/index.ts'
import type { SctpEvent } from '../sctp/index.ts'
import { type SdpCandidate, serializeCandidate } from '../sdp/index.ts'
import type { GatheredCandidate, Gatherer } from './gatherer.ts'
import { RTCIceCandidate } from './rtc-ice-candidate.ts'
import {
  createTransportObjects,
  type DtlsTransportSlots,
  fire,
  type IceTransportSlots,
  type RTCDtlsTransport,
  RTCIceCandidatePair,
  type RTCIceTransport,
} from './rtc-transports.ts'
import { Transport, type TransportListener } from './transport.ts'
import { constructorToken } from './webidl.ts'

/** What a transport tells its connection, each at the top of a turn. */
export interface PeerTransportObserver {
  localCandidate(candidate: SdpCandidate): void
  endOfLocalCandidates(): void
  /** The states of the transport have changed and its own events have yet to be fired: derive, then call `fireAll`. */
  iceStateChanged(fireAll: () => void): void
  /** The gathering state is about to change: from a task, call `apply`, derive, then call `fireAll`. */
  gatheringStateChanged(apply: () => void, fireAll: () => void): void
  dtlsStateChanged(error: DtlsError | undefined, fireAll: () => void): void
  sctpEvent(event: SctpEvent): void
}

export interface PeerTransportOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly role: IceRole
  readonly iceParameters: IceParameters
  readonly gatherer: Gatherer
  readonly observer: PeerTransportObserver
  readonly mid: string | undefined
  readonly mLineIndex: number
}

/** One transport of a connection as the W3C shows it: driver, gatherer, RTCIceTransport and RTCDtlsTransport. */
export class PeerTransport implements TransportListener {
  readonly driver: Transport
  readonly ice: RTCIceTransport
  readonly dtls: RTCDtlsTransport
  readonly mid: string | undefined
  readonly mLineIndex: number
  readonly #iceSlots: IceTransportSlots
  readonly #dtlsSlots: DtlsTransportSlots = { state: 'new', remoteCertificates: [] }
  readonly #observer: PeerTransportObserver
  readonly #gatherer: Gatherer
  #sdpCandidates: SdpCandidate[] = []
  #closed = false

  constructor(options: PeerTransportOptions) {
    this.mid = options.mid
    this.mLineIndex = options.mLineIndex
    this.#observer = options.observer
    this.#iceSlots = {
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
    this.#gatherer.attach(this.driver.receive)
    const objects = createTransportObjects(this.#iceSlots, this.#dtlsSlots)
    this.ice = objects.ice
    this.dtls = objects.dtls
  }

  get iceParameters(): IceParameters {
    return this.driver.ice.localParameters
  }

  /** The candidates of the current generation, as they go into a description. */
  get localCandidates(): readonly SdpCandidate[] {
    return this.#sdpCandidates
  }

  /** Gathers local candidates; a second call begins a new generation on the same sockets. */
  async gather(): Promise<void> {
    this.#setGatheringState('gathering')
    await this.#gatherer.gather(gathered => this.#addLocalCandidate(gathered))
    if (this.#closed) return
    this.driver.endOfLocalCandidates()
    this.#observer.endOfLocalCandidates()
    this.#setGatheringState('complete')
  }

  /** Begins a new ICE generation; `gather` must follow. */
  restart(parameters: IceParameters): void {
    this.#sdpCandidates = []
    this.#iceSlots.localCandidates = []
    this.#iceSlots.remoteCandidates = []
    this.#iceSlots.remoteParameters = null
    this.#iceSlots.localParameters = shown(parameters)
    this.driver.restartIce(parameters)
  }

  setRemoteIce(parameters: IceParameters): void {
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

  /** The W3C object for a local candidate of this transport. */
  toRtcCandidate(candidate: SdpCandidate | undefined): RTCIceCandidate {
    return new RTCIceCandidate({
      candidate: candidate === undefined ? '' : serializeCandidate(candidate),
      sdpMid: this.mid ?? null,
      sdpMLineIndex: this.mLineIndex,
      usernameFragment: this.iceParameters.usernameFragment,
    })
  }

  close(): void {
    this.#closed = true
    this.driver.close()
    this.#gatherer.close()
    // webrtc-pc §4.4.2 close, steps 7 to 9: no event is fired
    this.#iceSlots.state = 'closed'
    this.#dtlsSlots.state = 'closed'
  }

  iceEvent(event: IceEvent): void {
    switch (event.type) {
      case 'role':
        this.#iceSlots.role = event.role
        return
      case 'selected-pair':
        this.#iceSlots.selectedPair = this.#toRtcPair(event.pair)
        this.#observer.iceStateChanged(() => fire(this.ice, 'selectedcandidatepairchange'))
        return
      case 'state':
        this.#iceSlots.state = event.state
        this.#observer.iceStateChanged(() => fire(this.ice, 'statechange'))
        return
      case 'remote-candidate':
        // A peer-reflexive candidate was not signalled: it shows in the statistics, not in getRemoteCandidates().
        return
    }
  }

  dtlsStateChanged(error?: DtlsError): void {
    this.#dtlsSlots.state = this.driver.dtlsState
    if (this.driver.dtlsState === 'connected') {
      this.#dtlsSlots.remoteCertificates = this.driver.dtls?.remoteCertificates ?? []
    }
    this.#observer.dtlsStateChanged(error, () => fire(this.dtls, 'statechange'))
  }

  sctpEvent(event: SctpEvent): void {
    this.#observer.sctpEvent(event)
  }

  #addLocalCandidate({ candidate, socket }: GatheredCandidate): void {
    if (this.#closed) return
    this.driver.addLocalCandidate(candidate, socket)
    const described = toSdpCandidate(candidate)
    this.#sdpCandidates.push(described)
    this.#iceSlots.localCandidates.push(this.toRtcCandidate(described))
    this.#observer.localCandidate(described)
  }

  #setGatheringState(state: 'gathering' | 'complete'): void {
    this.#observer.gatheringStateChanged(
      () => {
        this.#iceSlots.gatheringState = state
      },
      () => fire(this.ice, 'gatheringstatechange'),
    )
  }

  #toRtcPair(pair: SelectedPair): RTCIceCandidatePair {
    const remote = this.#toRemoteRtcCandidate(toSdpCandidate(pair.remote))
    return new RTCIceCandidatePair(constructorToken, this.toRtcCandidate(toSdpCandidate(pair.local)), remote)
  }

  #toRemoteRtcCandidate(candidate: SdpCandidate): RTCIceCandidate {
    return new RTCIceCandidate({
      candidate: serializeCandidate(candidate),
      sdpMid: this.mid ?? null,
      sdpMLineIndex: this.mLineIndex,
      usernameFragment: this.driver.ice.remoteParameters?.usernameFragment ?? null,
    })
  }
}

/** RFC 8839 §5.1: a candidate as an a=candidate line has it. */
export function toSdpCandidate(candidate: IceCandidate): SdpCandidate {
  return {
    foundation: candidate.foundation,
    component: candidate.component,
    protocol: candidate.protocol,
    priority: candidate.priority,
    address: candidate.address.address,
    port: candidate.address.port,
    type: candidate.type,
    ...(candidate.relatedAddress === undefined ? {} : { relatedAddress: candidate.relatedAddress }),
    ...(candidate.relatedPort === undefined ? {} : { relatedPort: candidate.relatedPort }),
    ...(candidate.tcpType === undefined ? {} : { tcpType: candidate.tcpType }),
    extensions: [],
  }
}

function shown(parameters: IceParameters): { usernameFragment: string; password: string } {
  return { usernameFragment: parameters.usernameFragment, password: parameters.password }
}
