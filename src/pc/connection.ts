import type { Environment } from '../base/environment.ts'
import type { DtlsError } from '../dtls/errors.ts'
import type { CryptoProvider } from '../dtls/index.ts'
import type { SdpCandidate } from '../sdp/index.ts'
import { CandidatePool } from './candidate-pool.ts'
import { type CompleteConfiguration, checkModification } from './configuration.ts'
import {
  deriveConnectionState,
  deriveGatheringState,
  deriveIceConnectionState,
  type RTCIceConnectionState,
  type RTCIceGatheringState,
  type RTCPeerConnectionState,
} from './connection-states.ts'
import { DataChannels } from './data-channels.ts'
import type { DataSession, DataSessionObserver } from './data-session.ts'
import { createDefaultCertificate } from './default-certificate.ts'
import {
  dispatch,
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from './events.ts'
import { Negotiator } from './negotiator.ts'
import { OperationsChain } from './operations-chain.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { toRTCError } from './rtc-error.ts'
import type { RTCIceCandidateInit } from './rtc-ice-candidate.ts'
import { fire } from './rtc-transports.ts'
import type { SdpType } from './signaling.ts'
import { collectStats, type RTCStats } from './stats.ts'

/** The SCTP port that every WebRTC endpoint names; any would do, since DTLS carries just one association. */
const sctpPort = 5000

// webrtc-pc §4.8.3: the code of a server that could not be reached
const serverNotReachable = 701

export interface ConnectionOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly gatherLoopback: boolean
  readonly maxMessageSize: number
}

/**
 * The internal slots of an RTCPeerConnection and the algorithms that work on them.
 *
 * The public class converts arguments and calls this; this fires the events, at the public object. Each event comes
 * from a task of its own, never from inside a call of the application.
 */
export class Connection implements DataSessionObserver {
  readonly channels: DataChannels
  readonly negotiator: Negotiator
  readonly pool: CandidatePool
  readonly #target: EventTarget
  readonly #options: ConnectionOptions
  readonly #chain: OperationsChain
  #configuration: CompleteConfiguration
  #certificates: readonly RTCCertificate[] | undefined
  #iceConnectionState: RTCIceConnectionState = 'new'
  #iceGatheringState: RTCIceGatheringState = 'new'
  #connectionState: RTCPeerConnectionState = 'new'
  #negotiationNeeded = false
  #updateNegotiationNeededOnEmptyChain = false
  #localDescriptionSet = false
  #dataChannelsCreated = false
  #closed = false

  constructor(target: EventTarget, configuration: CompleteConfiguration, options: ConnectionOptions) {
    this.#target = target
    this.#configuration = configuration
    this.#options = options
    this.#chain = new OperationsChain(() => this.#onEmptyChain())
    this.pool = new CandidatePool(() => ({
      environment: options.environment,
      gatherLoopback: options.gatherLoopback,
      // webrtc-pc §4.2.3: under the policy `relay` no host address is used, and none is told
      hostCandidates: this.#configuration.iceTransportPolicy === 'all',
    }))
    this.pool.resize(configuration.iceCandidatePoolSize)
    this.channels = new DataChannels({
      announce: channel => dispatch(target, new RTCDataChannelEvent('datachannel', { channel })),
      maxMessageSize: () => this.negotiator.session?.remoteMaxMessageSize ?? Number.POSITIVE_INFINITY,
      schedule: () => this.negotiator.session?.transport.driver.schedule(),
      now: () => options.environment.clock.now(),
    })
    this.negotiator = new Negotiator({
      ...options,
      certificates: () => this.certificates,
      channels: this.channels,
      pool: this.pool,
      localData: { sctpPort, maxMessageSize: options.maxMessageSize },
      wantsData: () => this.#dataChannelsCreated,
      observer: this,
    })
  }

  /** The configured certificates, or one of this connection alone, made when it is first asked for. */
  get certificates(): readonly RTCCertificate[] {
    this.#certificates ??= this.#obtainCertificates()
    return this.#certificates
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#closed ? 'closed' : this.#iceConnectionState
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#iceGatheringState
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#closed ? 'closed' : this.#connectionState
  }

  get configuration(): CompleteConfiguration {
    return this.#configuration
  }

  /** webrtc-pc §4.4.1.5 */
  setConfiguration(configuration: CompleteConfiguration): void {
    checkModification(this.#configuration, configuration, this.#localDescriptionSet)
    const policyChanged = configuration.iceTransportPolicy !== this.#configuration.iceTransportPolicy
    this.#configuration = configuration
    this.pool.resize(configuration.iceCandidatePoolSize)
    if (policyChanged) this.pool.refresh()
  }

  createOffer(iceRestart: boolean): Promise<string> {
    return this.#operation(() => this.negotiator.createOffer(iceRestart))
  }

  createAnswer(): Promise<string> {
    return this.#operation(() => this.negotiator.createAnswer())
  }

  setLocalDescription(type: SdpType | undefined, sdp: string): Promise<void> {
    // webrtc-pc §4.4.1.5, step 3.6: the size of the pool is final as soon as this is called
    this.#localDescriptionSet = true
    return this.#operation(async () => {
      await this.#describe(() => this.negotiator.setLocal(type, sdp))
      this.pool.freeze()
      this.pool.resize(0)
      this.#queueTask(() => this.#gather())
    })
  }

  setRemoteDescription(type: SdpType, sdp: string): Promise<void> {
    return this.#operation(() => this.#describe(() => this.negotiator.setRemote(type, sdp)))
  }

  addIceCandidate(init: RTCIceCandidateInit): Promise<void> {
    return this.#operation(async () => this.negotiator.addRemoteCandidate(init))
  }

  restartIce(): void {
    this.negotiator.restartIce()
    this.updateNegotiationNeeded()
  }

  /** webrtc-pc §6.1 createDataChannel, step 20 */
  dataChannelCreated(): void {
    if (this.#dataChannelsCreated) return
    this.#dataChannelsCreated = true
    this.updateNegotiationNeeded()
  }

  /** webrtc-pc §4.7.3 */
  updateNegotiationNeeded(): void {
    if (!this.#chain.isEmpty) {
      this.#updateNegotiationNeededOnEmptyChain = true
      return
    }
    this.#queueTask(() => {
      if (!this.#chain.isEmpty) {
        this.#updateNegotiationNeededOnEmptyChain = true
        return
      }
      if (this.negotiator.signaling.state !== 'stable') return
      const needed = this.negotiator.isNeeded
      const news = needed && !this.#negotiationNeeded
      this.#negotiationNeeded = needed
      if (news) fire(this.#target, 'negotiationneeded')
    })
  }

  collectStats(): RTCStats[] {
    return collectStats({
      timestamp: this.#options.environment.clock.wallTime(),
      channels: this.channels,
      session: this.negotiator.session,
      certificates: this.certificates,
    })
  }

  /** webrtc-pc §4.4.2 close: nothing is fired, no promise settles any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#chain.close()
    this.channels.close()
    this.negotiator.close()
    this.pool.close()
  }

  localCandidate(session: DataSession, candidate: SdpCandidate): void {
    this.#queueTask(() => {
      if (!this.negotiator.addLocalCandidate(session, candidate)) return
      const shown = session.transport.toRtcCandidate(candidate)
      dispatch(this.#target, new RTCPeerConnectionIceEvent('icecandidate', { candidate: shown }))
    })
  }

  endOfLocalCandidates(session: DataSession): void {
    this.#queueTask(() => {
      if (!this.negotiator.endLocalCandidates(session)) return
      const end = session.transport.toRtcCandidate(undefined)
      dispatch(this.#target, new RTCPeerConnectionIceEvent('icecandidate', { candidate: end }))
    })
  }

  /** webrtc-pc §5.6: the gathering state of the transport has changed */
  gatheringStateChanged(apply: () => void, fireAll: () => void): void {
    this.#queueTask(() => {
      const before = this.#iceGatheringState
      apply()
      this.#iceGatheringState = deriveGatheringState(
        this.#sessions().map(({ transport }) => transport.ice.gatheringState),
      )
      fireAll()
      if (before === this.#iceGatheringState) return
      fire(this.#target, 'icegatheringstatechange')
      if (this.#iceGatheringState === 'complete') {
        dispatch(this.#target, new RTCPeerConnectionIceEvent('icecandidate', { candidate: null }))
      }
    })
  }

  /** webrtc-pc §5.6: change the selected candidate pair and state */
  iceStateChanged(fireAll: () => void): void {
    if (this.#closed) return
    const before = this.#iceConnectionState
    this.#iceConnectionState = deriveIceConnectionState(this.#sessions().map(({ transport }) => transport.ice.state))
    const connectionChanged = this.#deriveConnectionState()
    fireAll()
    if (before !== this.#iceConnectionState) fire(this.#target, 'iceconnectionstatechange')
    if (connectionChanged) fire(this.#target, 'connectionstatechange')
  }

  /** webrtc-pc §4.4.1.3 and §5.5 */
  dtlsStateChanged(error: DtlsError | undefined, fireAll: () => void): void {
    if (this.#closed) return
    const connectionChanged = this.#deriveConnectionState()
    const dtls = this.negotiator.session?.transport.dtls
    if (error !== undefined && dtls !== undefined) {
      dispatch(dtls, new RTCErrorEvent('error', { error: toRTCError(error) }))
    }
    fireAll()
    if (connectionChanged) fire(this.#target, 'connectionstatechange')
  }

  #sessions(): readonly DataSession[] {
    const { session } = this.negotiator
    return session === undefined ? [] : [session]
  }

  /** webrtc-pc §4.4.1.3; true if the state changed */
  #deriveConnectionState(): boolean {
    const before = this.#connectionState
    const dtls = this.#sessions().map(({ transport }) => transport.dtls.state)
    this.#connectionState = deriveConnectionState(this.#iceConnectionState, dtls)
    return before !== this.#connectionState
  }

  #operation<T>(operation: () => Promise<T>): Promise<T> {
    // webrtc-pc §4.4.1.2, step 2
    if (this.#closed) return Promise.reject(new DOMException('the connection is closed', 'InvalidStateError'))
    return this.#chain.chain(operation)
  }

  /** Applies a description in a task of its own and fires what follows from it. */
  async #describe(apply: () => Promise<void>): Promise<void> {
    await this.#task()
    const before = this.negotiator.signaling.state
    await apply()
    if (this.#closed) return
    const { state } = this.negotiator.signaling
    // webrtc-pc §4.4.1.4, step 4.6.14.3
    if (state === 'stable') {
      this.#negotiationNeeded = false
      this.updateNegotiationNeeded()
    }
    this.iceStateChanged(() => undefined)
    if (state !== before) fire(this.#target, 'signalingstatechange')
  }

  async #gather(): Promise<void> {
    const { session } = this.negotiator
    if (session?.takeGathering() !== true) return
    this.#reportServers()
    await session.gather()
  }

  /** Servers are not asked by this version; whoever configured them is told so, for each. */
  #reportServers(): void {
    for (const url of this.#configuration.iceServers.flatMap(server => server.urls)) {
      const errorText = 'STUN and TURN servers are not used by this version'
      const event = new RTCPeerConnectionIceErrorEvent('icecandidateerror', {
        address: null,
        port: null,
        url,
        errorCode: serverNotReachable,
        errorText,
      })
      this.#queueTask(() => dispatch(this.#target, event))
    }
  }

  #onEmptyChain(): void {
    // webrtc-pc §4.4.1.2, steps 7.4.4 to 7.4.6
    if (!this.#updateNegotiationNeededOnEmptyChain) return
    this.#updateNegotiationNeededOnEmptyChain = false
    this.updateNegotiationNeeded()
  }

  #obtainCertificates(): readonly RTCCertificate[] {
    const configured = this.#configuration.certificates
    if (configured.length > 0) return configured
    return [createDefaultCertificate(this.#options.environment)]
  }

  #task(): Promise<void> {
    return new Promise(resolve => this.#options.environment.timers.endOfTurn(resolve))
  }

  /** Runs a step of an algorithm from a task of its own, unless the connection is closed by then. */
  #queueTask(step: () => void | Promise<void>): void {
    this.#options.environment.timers.endOfTurn(() => {
      if (!this.#closed) void step()
    })
  }
}
