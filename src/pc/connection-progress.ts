import type { TransportAddress } from '../base/address.ts'
import type { DtlsError } from '../dtls/errors.ts'
import {
  deriveConnectionState,
  deriveGatheringState,
  deriveIceConnectionState,
  type RTCIceConnectionState,
  type RTCIceGatheringState,
  type RTCPeerConnectionState,
} from './connection-states.ts'
import { dispatch, RTCErrorEvent, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from './events.ts'
import type { ServerFailure } from './gathering/server-failure.ts'
import type { SectionTransport, SectionTransportObserver } from './negotiation/section-transport.ts'
import type { Negotiator } from './negotiator.ts'
import type { LocalCandidateText, PeerTransport } from './peer-transport.ts'
import { toRTCError } from './rtc-error.ts'
import type { RTCDtlsTransport } from './rtc-transports.ts'

/** Failures of servers that are remembered for reports; each was told by an event as well. */
const maxServerFailures = 64

/** A server that was of no use, as webrtc-pc §4.8.3 tells it. */
export interface ReportedServerFailure {
  readonly url: string
  readonly errorCode: number
  readonly errorText: string
}

/** What this needs of its connection. */
export interface ConnectionProgressOptions {
  /** Fires at the connection, unless that is closed. */
  readonly dispatch: (event: Event) => void
  /** Runs a step from a task of its own, unless the connection is closed by then. */
  readonly queueTask: (step: () => void) => void
  readonly negotiator: () => Negotiator
  /** A DTLS association is there. */
  readonly dtlsConnected: () => void
}

/**
 * How far a connection has come: the states that its transports give it, the candidates they find and the failures they
 * meet, each with its events. webrtc-pc §4.3, §5.5 and §5.6.
 */
export class ConnectionProgress implements SectionTransportObserver {
  readonly #options: ConnectionProgressOptions
  readonly #serverFailures: ReportedServerFailure[] = []
  #iceConnectionState: RTCIceConnectionState = 'new'
  #iceGatheringState: RTCIceGatheringState = 'new'
  #connectionState: RTCPeerConnectionState = 'new'

  constructor(options: ConnectionProgressOptions) {
    this.#options = options
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#iceConnectionState
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#iceGatheringState
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#connectionState
  }

  /** What was told of servers that were of no use: the latest. */
  get serverFailures(): readonly ReportedServerFailure[] {
    return this.#serverFailures
  }

  /** webrtc-pc §4.4.2 close, steps 10 and 11: nothing is fired. */
  close(): void {
    this.#iceConnectionState = 'closed'
    this.#connectionState = 'closed'
  }

  /**
   * A description was applied: webrtc-pc §4.4.1.4, step 4.6.14.1. What follows for the state of ICE comes in a task of its own;
   * that nothing is gathered any more can be seen at once, as in browsers.
   */
  transportsChanged(): void {
    this.#options.queueTask(() => this.iceStateChanged(nothing))
    if (!this.#awaitsNoCandidates) return
    const before = this.#iceGatheringState
    this.#deriveGatheringState()
    if (before !== this.#iceGatheringState) this.#options.queueTask(() => this.#fireGatheringState())
  }

  localCandidate(transport: SectionTransport, candidate: LocalCandidateText): void {
    this.#options.queueTask(() => {
      if (!this.#options.negotiator().candidates.addLocal(transport, candidate.sdp)) return
      this.#fireCandidate(transport.rtp.toRtcCandidate(candidate))
    })
  }

  endOfLocalCandidates(transport: SectionTransport): void {
    this.#options.queueTask(() => {
      if (!this.#options.negotiator().candidates.endLocal(transport)) return
      this.#fireCandidate(transport.rtp.toRtcCandidate(undefined))
    })
  }

  /** webrtc-pc §4.8.3: a server was of no use */
  serverFailed(url: string, { errorCode, errorText, local }: ServerFailure): void {
    if (this.#serverFailures.length >= maxServerFailures) this.#serverFailures.shift()
    this.#serverFailures.push({ url, errorCode, errorText })
    this.#options.queueTask(() => {
      // webrtc-pc §4.8.3: the address is told only where a candidate has told it already
      const shown = local === undefined ? undefined : this.#exposedLocal(local)
      const [address, port] = shown === undefined ? [null, null] : [shown.address, shown.port]
      const init = { address, port, url, errorCode, errorText }
      this.#options.dispatch(new RTCPeerConnectionIceErrorEvent('icecandidateerror', init))
    })
  }

  /** webrtc-pc §5.6: the gathering state of the transport has changed */
  gatheringStateChanged(apply: () => void, fireAll: () => void): void {
    this.#options.queueTask(() => {
      const before = this.#iceGatheringState
      apply()
      this.#deriveGatheringState()
      fireAll()
      if (before !== this.#iceGatheringState) this.#fireGatheringState()
    })
  }

  #deriveGatheringState(): void {
    this.#iceGatheringState = deriveGatheringState(this.#transports.map(({ ice }) => ice.gatheringState))
  }

  #fireGatheringState(): void {
    this.#options.dispatch(new Event('icegatheringstatechange'))
    if (this.#iceGatheringState === 'complete') this.#fireCandidate(null)
  }

  /** webrtc-pc §5.6: change the selected candidate pair and state */
  iceStateChanged(fireAll: () => void): void {
    if (this.#isClosed) return
    const before = this.#iceConnectionState
    this.#iceConnectionState = deriveIceConnectionState(this.#transports.map(({ ice }) => ice.state))
    const connectionChanged = this.#deriveConnectionState()
    fireAll()
    if (before !== this.#iceConnectionState) this.#options.dispatch(new Event('iceconnectionstatechange'))
    if (connectionChanged) this.#options.dispatch(new Event('connectionstatechange'))
  }

  /** webrtc-pc §4.4.1.3 and §5.5 */
  dtlsStateChanged(dtls: RTCDtlsTransport, error: DtlsError | undefined, fireAll: () => void): void {
    if (this.#isClosed) return
    if (dtls.state === 'connected') this.#options.dtlsConnected()
    const connectionChanged = this.#deriveConnectionState()
    if (error !== undefined) dispatch(dtls, new RTCErrorEvent('error', { error: toRTCError(error) }))
    fireAll()
    if (connectionChanged) this.#options.dispatch(new Event('connectionstatechange'))
  }

  #fireCandidate(candidate: ReturnType<PeerTransport['toRtcCandidate']> | null): void {
    this.#options.dispatch(new RTCPeerConnectionIceEvent('icecandidate', { candidate }))
  }

  #exposedLocal(local: TransportAddress): TransportAddress | undefined {
    const exposed = this.#transports.some(({ localCandidates }) =>
      localCandidates.some(({ address, port }) => address === local.address && port === local.port),
    )
    return exposed ? local : undefined
  }

  get #isClosed(): boolean {
    return this.#connectionState === 'closed'
  }

  /** webrtc-pc §4.3: those that the states of the connection are derived from; RTCP that has its own is needed as well. */
  get #transports(): readonly PeerTransport[] {
    return this.#options.negotiator().transports.all.flatMap(({ components }) => components)
  }

  /** Transports that were released may have been the ones whose candidates were awaited, or the last: webrtc-pc §4.3.2. */
  get #awaitsNoCandidates(): boolean {
    if (this.#iceGatheringState === 'complete') return this.#transports.length === 0
    return this.#iceGatheringState === 'gathering'
  }

  /** webrtc-pc §4.4.1.3; true if the state changed */
  #deriveConnectionState(): boolean {
    const before = this.#connectionState
    const dtls = this.#transports.map(transport => transport.dtls.state)
    this.#connectionState = deriveConnectionState(this.#iceConnectionState, dtls)
    return before !== this.#connectionState
  }
}

function nothing(): void {
  // For steps that have nothing to apply, or to fire, of their own.
}
