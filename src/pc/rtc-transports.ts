import { dispatch, type RTCErrorEvent } from './events.ts'
import type { RTCIceCandidate } from './rtc-ice-candidate.ts'
import {
  constructorToken,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
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

/** webrtc-pc §5.6.2 */
export class RTCIceCandidatePair {
  static {
    exposeInterface(RTCIceCandidatePair, 'RTCIceCandidatePair', {
      constructorLength: 0,
      implementedBy: value => #local in value,
    })
  }

  readonly #local: RTCIceCandidate
  readonly #remote: RTCIceCandidate

  /** @internal Not constructible by applications. */
  constructor(token: symbol, local: RTCIceCandidate, remote: RTCIceCandidate) {
    requireToken(token)
    this.#local = local
    this.#remote = remote
  }

  get local(): RTCIceCandidate {
    return this.#local
  }

  get remote(): RTCIceCandidate {
    return this.#remote
  }
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

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: IceTransportSlots) {
    requireToken(token)
    super()
    this.#slots = slots
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
): { ice: RTCIceTransport; dtls: RTCDtlsTransport } {
  const iceTransport = new RTCIceTransport(constructorToken, ice)
  return { ice: iceTransport, dtls: new RTCDtlsTransport(constructorToken, dtls, iceTransport) }
}

/** Fires a plain event. */
export function fire(target: EventTarget, type: string): void {
  dispatch(target, new Event(type))
}
