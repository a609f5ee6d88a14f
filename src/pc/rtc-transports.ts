import { dispatch, type RTCErrorEvent } from './events.ts'
import type { RTCIceCandidate } from './rtc-ice-candidate.ts'
import { type RTCIceCandidatePair, type RTCIceCandidatePairEvent, toCandidatePair } from './rtc-ice-candidate-pair.ts'
import {
  constructorToken,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  requireArguments,
  requireToken,
  setEventHandler,
  TypedEventTarget,
} from './webidl.ts'

export type RTCIceRole = 'unknown' | 'controlling' | 'controlled'
export type RTCIceComponent = 'rtp' | 'rtcp'
export type RTCIceTransportState = 'new' | 'checking' | 'connected' | 'completed' | 'disconnected' | 'failed' | 'closed'
export type RTCIceGathererState = 'new' | 'gathering' | 'complete'
export type RTCDtlsTransportState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'
export type RTCSctpTransportState = 'connecting' | 'connected' | 'closed'

export interface RTCIceParameters {
  usernameFragment: string
  password: string
}

export interface RTCIceTransportEventMap {
  statechange: Event
  gatheringstatechange: Event
  selectedcandidatepairchange: Event
  icecandidatepairadd: RTCIceCandidatePairEvent
  icecandidatepairremove: RTCIceCandidatePairEvent
  icecandidatepairnominate: RTCIceCandidatePairEvent
}

export interface RTCDtlsTransportEventMap {
  statechange: Event
  error: RTCErrorEvent
}

export interface RTCSctpTransportEventMap {
  statechange: Event
}

/** The internal slots of an RTCIceTransport; the connection writes them, the object shows them. */
export interface IceTransportSlots {
  readonly component: RTCIceComponent
  role: RTCIceRole
  state: RTCIceTransportState
  gatheringState: RTCIceGathererState
  localCandidates: RTCIceCandidate[]
  remoteCandidates: RTCIceCandidate[]
  selectedPair: RTCIceCandidatePair | null
  localParameters: RTCIceParameters | null
  remoteParameters: RTCIceParameters | null
}

/** The internal slots of an RTCDtlsTransport. */
export interface DtlsTransportSlots {
  state: RTCDtlsTransportState
  remoteCertificates: readonly Uint8Array[]
}

/** The internal slots of an RTCSctpTransport. */
export interface SctpTransportSlots {
  /** Another one once the section of data is bundled. */
  transport: RTCDtlsTransport
  state: RTCSctpTransportState
  maxMessageSize: number | null
  maxChannels: number | null
}

/** What may be done with the pairs of a transport. */
export interface CandidatePairControl {
  /** [[ProposalPending]] */
  readonly isProposalPending: boolean
  /** Whether the pair is in [[CandidatePairs]]. */
  has(pair: RTCIceCandidatePair): boolean
  select(pair: RTCIceCandidatePair): Promise<void>
  remove(pair: RTCIceCandidatePair): Promise<void>
}

/** webrtc-pc §5.6: what an application may know of the ICE transport packets travel on. */
export class RTCIceTransport extends TypedEventTarget<RTCIceTransportEventMap> {
  static {
    exposeInterface(RTCIceTransport, 'RTCIceTransport', {
      constructorLength: 0,
      implementedBy: value => #slots in value,
    })
  }

  readonly #slots: IceTransportSlots
  readonly #pairs: CandidatePairControl | undefined

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: IceTransportSlots, pairs?: CandidatePairControl) {
    requireToken(token)
    super()
    this.#slots = slots
    this.#pairs = pairs
  }

  get role(): RTCIceRole {
    return this.#slots.role
  }

  get component(): RTCIceComponent {
    return this.#slots.component
  }

  get state(): RTCIceTransportState {
    return this.#slots.state
  }

  get gatheringState(): RTCIceGathererState {
    return this.#slots.gatheringState
  }

  getLocalCandidates(): RTCIceCandidate[] {
    return [...this.#slots.localCandidates]
  }

  getRemoteCandidates(): RTCIceCandidate[] {
    return [...this.#slots.remoteCandidates]
  }

  getSelectedCandidatePair(): RTCIceCandidatePair | null {
    return this.#slots.selectedPair
  }

  getLocalParameters(): RTCIceParameters | null {
    return this.#slots.localParameters && { ...this.#slots.localParameters }
  }

  getRemoteParameters(): RTCIceParameters | null {
    return this.#slots.remoteParameters && { ...this.#slots.remoteParameters }
  }

  /**
   * webrtc-extensions §9.2: sends data over another pair, as long as none was nominated.
   *
   * @param candidatePair one that an event or {@link getSelectedCandidatePair} has told
   * @returns a promise that is rejected with InvalidStateError where there is nothing to choose or a nomination is being
   *   decided, NotFoundError for a pair that is no more, OperationError for one that turns out not to work
   */
  async selectCandidatePair(candidatePair: RTCIceCandidatePair): Promise<void> {
    return this.#controlling('selectCandidatePair', arguments.length, candidatePair, (pairs, pair) =>
      pairs.select(pair),
    )
  }

  /**
   * webrtc-extensions §9.2: gives up a pair: nothing is sent there, no checks are answered.
   *
   * @returns a promise that is rejected as {@link selectCandidatePair} has it
   */
  async removeCandidatePair(candidatePair: RTCIceCandidatePair): Promise<void> {
    return this.#controlling('removeCandidatePair', arguments.length, candidatePair, (pairs, pair) =>
      pairs.remove(pair),
    )
  }

  /** webrtc-extensions §9.2, steps 1 to 6 of both methods */
  #controlling(
    method: string,
    count: number,
    candidatePair: RTCIceCandidatePair,
    steps: (pairs: CandidatePairControl, pair: RTCIceCandidatePair) => Promise<void>,
  ): Promise<void> {
    const { state } = this.#slots
    requireArguments(count, 1, `RTCIceTransport.${method}`)
    const pair = toCandidatePair(candidatePair, `RTCIceTransport.${method}: argument 1`)
    const pairs = this.#pairs
    if (state === 'closed' || state === 'new' || state === 'failed') {
      throw new DOMException(`the transport is ${state}`, 'InvalidStateError')
    }
    if (pairs?.isProposalPending) throw new DOMException('a nomination is being decided', 'InvalidStateError')
    if (pairs === undefined || !pairs.has(pair)) throw new DOMException('there is no such pair', 'NotFoundError')
    return steps(pairs, pair)
  }

  get onicecandidatepairadd(): HeldEventHandler {
    return getEventHandler(this, 'icecandidatepairadd')
  }

  set onicecandidatepairadd(handler: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>) {
    setEventHandler(this, 'icecandidatepairadd', handler)
  }

  get onicecandidatepairremove(): HeldEventHandler {
    return getEventHandler(this, 'icecandidatepairremove')
  }

  set onicecandidatepairremove(handler: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>) {
    setEventHandler(this, 'icecandidatepairremove', handler)
  }

  get onicecandidatepairnominate(): HeldEventHandler {
    return getEventHandler(this, 'icecandidatepairnominate')
  }

  set onicecandidatepairnominate(handler: EventHandler<RTCIceTransport, RTCIceCandidatePairEvent>) {
    setEventHandler(this, 'icecandidatepairnominate', handler)
  }

  get onstatechange(): HeldEventHandler {
    return getEventHandler(this, 'statechange')
  }

  set onstatechange(handler: EventHandler<RTCIceTransport>) {
    setEventHandler(this, 'statechange', handler)
  }

  get ongatheringstatechange(): HeldEventHandler {
    return getEventHandler(this, 'gatheringstatechange')
  }

  set ongatheringstatechange(handler: EventHandler<RTCIceTransport>) {
    setEventHandler(this, 'gatheringstatechange', handler)
  }

  get onselectedcandidatepairchange(): HeldEventHandler {
    return getEventHandler(this, 'selectedcandidatepairchange')
  }

  set onselectedcandidatepairchange(handler: EventHandler<RTCIceTransport>) {
    setEventHandler(this, 'selectedcandidatepairchange', handler)
  }
}

/** webrtc-pc §5.5: what an application may know of the DTLS association on an ICE transport. */
export class RTCDtlsTransport extends TypedEventTarget<RTCDtlsTransportEventMap> {
  static {
    exposeInterface(RTCDtlsTransport, 'RTCDtlsTransport', {
      constructorLength: 0,
      implementedBy: value => #slots in value,
    })
  }

  readonly #slots: DtlsTransportSlots
  readonly #iceTransport: RTCIceTransport

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: DtlsTransportSlots, iceTransport: RTCIceTransport) {
    requireToken(token)
    super()
    this.#slots = slots
    this.#iceTransport = iceTransport
  }

  get iceTransport(): RTCIceTransport {
    return this.#iceTransport
  }

  get state(): RTCDtlsTransportState {
    return this.#slots.state
  }

  /** The peer's certificate chain, DER, leaf first; empty until the handshake has shown it. */
  getRemoteCertificates(): ArrayBuffer[] {
    return this.#slots.remoteCertificates.map(der => Uint8Array.from(der).buffer)
  }

  get onstatechange(): HeldEventHandler {
    return getEventHandler(this, 'statechange')
  }

  set onstatechange(handler: EventHandler<RTCDtlsTransport>) {
    setEventHandler(this, 'statechange', handler)
  }

  get onerror(): HeldEventHandler {
    return getEventHandler(this, 'error')
  }

  set onerror(handler: EventHandler<RTCDtlsTransport, RTCErrorEvent>) {
    setEventHandler(this, 'error', handler)
  }
}

/** webrtc-pc §6.1.1: what an application may know of the SCTP association that carries its data channels. */
export class RTCSctpTransport extends TypedEventTarget<RTCSctpTransportEventMap> {
  static {
    exposeInterface(RTCSctpTransport, 'RTCSctpTransport', {
      constructorLength: 0,
      implementedBy: value => #slots in value,
    })
  }

  readonly #slots: SctpTransportSlots

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: SctpTransportSlots) {
    requireToken(token)
    super()
    this.#slots = slots
  }

  get transport(): RTCDtlsTransport {
    return this.#slots.transport
  }

  get state(): RTCSctpTransportState {
    return this.#slots.state
  }

  /** The largest message `send()` takes, in bytes; Infinity if the peer sets no limit. */
  get maxMessageSize(): number {
    // webrtc-pc §6.1.1: null until the peer has said. TypeScript's lib.dom knows only the number, and where it is asked for
    // an RTCPeerConnection must take ours.
    return this.#slots.maxMessageSize as number
  }

  get maxChannels(): number | null {
    return this.#slots.maxChannels
  }

  get onstatechange(): HeldEventHandler {
    return getEventHandler(this, 'statechange')
  }

  set onstatechange(handler: EventHandler<RTCSctpTransport>) {
    setEventHandler(this, 'statechange', handler)
  }
}

/** Makes the pair of facades that every transport shows. */
export function createTransportObjects(
  ice: IceTransportSlots,
  dtls: DtlsTransportSlots,
  pairs?: CandidatePairControl,
): { ice: RTCIceTransport; dtls: RTCDtlsTransport } {
  const iceTransport = new RTCIceTransport(constructorToken, ice, pairs)
  return { ice: iceTransport, dtls: new RTCDtlsTransport(constructorToken, dtls, iceTransport) }
}

/** Fires a plain event. */
export function fire(target: EventTarget, type: string): void {
  dispatch(target, new Event(type))
}
