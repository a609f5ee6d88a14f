import { isDeepStrictEqual } from 'node:util'
import type { TransportAddress } from '../base/address.ts'
import type { Environment } from '../base/environment.ts'
import type { DtlsError } from '../dtls/errors.ts'
import type { CryptoProvider, KeyLog } from '../dtls/index.ts'
import type { IceParameters } from '../ice/index.ts'
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
import { CandidatePool } from './gathering/candidate-pool.ts'
import type { HostOptions } from './gathering/host-options.ts'
import type { IcePort } from './gathering/ice-port.ts'
import type { ServerFailure } from './gathering/server-failure.ts'
import { serverTargets } from './gathering/server-list.ts'
import { Negotiator } from './negotiator.ts'
import { OperationsChain } from './operations-chain.ts'
import type { LocalCandidateText } from './peer-transport.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { toRTCError } from './rtc-error.ts'
import type { RTCIceCandidateInit } from './rtc-ice-candidate.ts'
import { fire } from './rtc-transports.ts'
import type { SdpType } from './signaling.ts'
import { collectStats, type RTCStats } from './stats.ts'
import type { DtlsChoices } from './transport.ts'

/** The SCTP port that every WebRTC endpoint names; any would do, since DTLS carries just one association. */
const sctpPort = 5000

/** Failures of servers that are remembered for reports; each was told by an event as well. */
export const maxServerFailures = 64

export interface ConnectionOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
  readonly maxMessageSize: number
  readonly host: HostOptions
  readonly tlsCa: string | undefined
  readonly icePort: IcePort | undefined
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  /** The credentials of the first generation; random ones if absent. */
  readonly iceParameters: IceParameters | undefined
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
  readonly #serverFailures: { readonly url: string; readonly errorCode: number; readonly errorText: string }[] = []
  #closed = false

  constructor(target: EventTarget, configuration: CompleteConfiguration, options: ConnectionOptions) {
    this.#target = target
    this.#configuration = configuration
    this.#options = options
    this.#chain = new OperationsChain(() => this.#onEmptyChain())
    this.pool = new CandidatePool(() => ({
      environment: options.environment,
      policy: this.#configuration.iceTransportPolicy,
      servers: serverTargets(this.#configuration.iceServers),
      host: options.host,
      tlsCa: options.tlsCa,
      icePort: options.icePort,
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
      resolvesNames: () => this.#configuration.iceTransportPolicy === 'all',
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

  /** What was told of servers that were of no use: the latest. */
  get serverFailures(): readonly { readonly url: string; readonly errorCode: number; readonly errorText: string }[] {
    return this.#serverFailures
  }

  get configuration(): CompleteConfiguration {
    return this.#configuration
  }

  /** webrtc-pc §4.4.1.5 */
  setConfiguration(configuration: CompleteConfiguration): void {
    checkModification(this.#configuration, configuration, this.#localDescriptionSet)
    const before = this.#configuration
    this.#configuration = configuration
    this.pool.resize(configuration.iceCandidatePoolSize)
    // webrtc-pc §4.4.1.5, steps 7 and 9: what was gathered under other rules is discarded
    const sameServers = isDeepStrictEqual(before.iceServers, configuration.iceServers)
    if (!sameServers || before.iceTransportPolicy !== configuration.iceTransportPolicy) this.pool.refresh()
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
      pool: this.pool.entries,
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

  localCandidate(session: DataSession, candidate: LocalCandidateText): void {
    this.#queueTask(() => {
      if (!this.negotiator.addLocalCandidate(session, candidate.sdp)) return
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

  /** webrtc-pc §4.8.3: a server was of no use */
  serverFailed(url: string, { errorCode, errorText, local }: ServerFailure): void {
    if (this.#serverFailures.length >= maxServerFailures) this.#serverFailures.shift()
    this.#serverFailures.push({ url, errorCode, errorText })
    this.#queueTask(() => {
      // webrtc-pc §4.8.3: the address is told only where a candidate has told it already
      const shown = local === undefined ? undefined : this.#exposedLocal(local)
      const [address, port] = shown === undefined ? [null, null] : [shown.address, shown.port]
      const init = { address, port, url, errorCode, errorText }
      dispatch(this.#target, new RTCPeerConnectionIceErrorEvent('icecandidateerror', init))
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

  #exposedLocal(local: TransportAddress): TransportAddress | undefined {
    const exposed = this.#sessions().some(({ localCandidates }) =>
      localCandidates.some(({ address, port }) => address === local.address && port === local.port),
    )
    return exposed ? local : undefined
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

  #gather(): void {
    const { session } = this.negotiator
    if (session?.takeGathering() === true) session.gather()
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
