import { isDeepStrictEqual } from 'node:util'
import type { Environment } from '../base/environment.ts'
import type { CryptoProvider, KeyLog } from '../dtls/index.ts'
import type { IceParameters } from '../ice/index.ts'
import { type CompleteConfiguration, checkModification, validateIceServers } from './configuration.ts'
import { ConnectionProgress } from './connection-progress.ts'
import { DataChannels } from './data-channels.ts'
import { createDefaultCertificate } from './default-certificate.ts'
import type { DtlsChoices } from './dtls-link.ts'
import { dispatch, RTCDataChannelEvent } from './events.ts'
import { CandidatePool } from './gathering/candidate-pool.ts'
import type { HostOptions } from './gathering/host-options.ts'
import type { IcePort } from './gathering/ice-port.ts'
import { serverTargets } from './gathering/server-list.ts'
import { sdpFingerprints } from './identities.ts'
import { ConnectionIdentity } from './identity/connection-identity.ts'
import { confinementOf, type MediaStreamTrack } from './media/media-stream-track.ts'
import { createTransceiverHost } from './negotiation/transceiver-host.ts'
import { Negotiator, readableSdp } from './negotiator.ts'
import { OperationsChain } from './operations-chain.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import type { RTCIceCandidateInit } from './rtc-ice-candidate.ts'
import { createEncoding, createTransceiver } from './rtp/create-transceiver.ts'
import { RTCTrackEvent } from './rtp/events.ts'
import type { TransceiverSlots } from './rtp/slots.ts'
import { Transceivers } from './rtp/transceivers.ts'
import type { SdpType } from './signaling.ts'
import { type StatsSelector, selectorOf } from './stats/selection.ts'
import { StatsCollector } from './stats/stats-collector.ts'
import type { RTCStatsReport } from './stats.ts'

/** The SCTP port that every WebRTC endpoint names; any would do, since DTLS carries just one association. */
const sctpPort = 5000

/** RFC 7022 §5: at least 96 bits. */
const cnameBytes = 12

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
  /** What identity providers are told that the connection belongs to. */
  readonly origin: string
}

/**
 * The internal slots of an RTCPeerConnection and the algorithms that work on them.
 *
 * The public class converts arguments and calls this; this fires the events, at the public object. Each event comes
 * from a task of its own, never from inside a call of the application.
 */
export class Connection {
  readonly channels: DataChannels
  readonly negotiator: Negotiator
  readonly pool: CandidatePool
  /** What the transports make of the connection. */
  readonly progress: ConnectionProgress
  /** RFC 7022 §4.2: one for all RTP sessions of this connection, and for no other. */
  readonly cname: string
  /** Who the two ends are, and who says so. */
  readonly identity: ConnectionIdentity
  readonly transceivers: Transceivers
  readonly #target: EventTarget
  readonly #options: ConnectionOptions
  readonly #chain: OperationsChain
  readonly #stats: StatsCollector
  #configuration: CompleteConfiguration
  #certificates: readonly RTCCertificate[] | undefined
  #negotiationNeeded = false
  #updateNegotiationNeededOnEmptyChain = false
  #localDescriptionSet = false
  #dataChannelsCreated = false
  #closed = false

  constructor(target: EventTarget, configuration: CompleteConfiguration, options: ConnectionOptions) {
    this.#target = target
    this.#configuration = configuration
    this.#options = options
    this.#stats = new StatsCollector(options.environment)
    this.#chain = new OperationsChain(() => this.#onEmptyChain())
    this.cname = Buffer.from(options.environment.random(cnameBytes)).toString('base64')
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
      announce: channel => this.#dispatch(new RTCDataChannelEvent('datachannel', { channel })),
      maxMessageSize: () => this.negotiator.data?.remoteMaxMessageSize ?? Number.POSITIVE_INFINITY,
      schedule: () => this.negotiator.data?.transport.rtp.driver.schedule(),
      now: () => options.environment.clock.now(),
    })
    this.identity = new ConnectionIdentity({
      ...options,
      target: configuration.peerIdentity,
      fingerprints: () => sdpFingerprints(this.certificates),
      paths: () => this.negotiator.transports.all.flatMap(({ securedPaths }) => securedPaths),
    })
    this.progress = new ConnectionProgress({
      dispatch: event => this.#dispatch(event),
      queueTask: step => this.queueTask(step),
      negotiator: () => this.negotiator,
      dtlsConnected: () => this.#isolateTracks(),
    })
    const transceivers = this.#createTransceivers()
    this.transceivers = transceivers
    this.negotiator = new Negotiator({
      ...options,
      isPortShared: options.icePort !== undefined,
      bundlePolicy: configuration.bundlePolicy,
      rtcpMuxPolicy: configuration.rtcpMuxPolicy,
      mediaNegotiation: transceivers,
      media: {
        cname: this.cname,
        isPeer: name => this.identity.peer.isEstablished(name),
        listener: {
          rtpReceived: (received, now) => transceivers.rtpReceived(received, now),
          rtpEvent: event => transceivers.rtpEvent(event),
        },
      },
      certificates: () => this.certificates,
      channels: this.channels,
      pool: this.pool,
      localData: { sctpPort, maxMessageSize: options.maxMessageSize },
      wantsData: () => this.#dataChannelsCreated,
      targetLatency: () => this.#configuration.targetLatency,
      headerEncryption: () => this.#configuration.rtpHeaderEncryptionPolicy,
      alwaysNegotiatesData: () => this.#configuration.alwaysNegotiateDataChannels,
      isStopped: index => transceivers.all.some(({ stopped, mLineIndex }) => stopped && mLineIndex === index),
      needsConfidentiality: () => transceivers.all.some(({ sender }) => confinementOf(sender.track) !== undefined),
      resolvesNames: () => this.#configuration.iceTransportPolicy === 'all',
      observer: this.progress,
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

  get configuration(): CompleteConfiguration {
    return this.#configuration
  }

  /** webrtc-pc §4.4.1.5 */
  setConfiguration(configuration: CompleteConfiguration): void {
    // webrtc-identity §9.4, step 2
    this.identity.checkTarget(configuration.peerIdentity)
    // Step 3
    checkModification(this.#configuration, configuration, this.#localDescriptionSet)
    // Step 6
    validateIceServers(configuration)
    const before = this.#configuration
    this.#configuration = configuration
    this.pool.resize(configuration.iceCandidatePoolSize)
    // webrtc-pc §4.4.1.5, steps 7 and 9: what was gathered under other rules is discarded
    const sameServers = isDeepStrictEqual(before.iceServers, configuration.iceServers)
    if (!sameServers || before.iceTransportPolicy !== configuration.iceTransportPolicy) this.pool.refresh()
  }

  createOffer(iceRestart: boolean): Promise<string> {
    return this.chain(() => this.#create('offer', identity => this.negotiator.createOffer(iceRestart, identity)))
  }

  createAnswer(): Promise<string> {
    return this.chain(() => this.#create('answer', identity => this.negotiator.createAnswer(identity)))
  }

  setLocalDescription(type: SdpType | undefined, sdp: string): Promise<void> {
    // webrtc-pc §4.4.1.5, step 3.6: the size of the pool is final as soon as this is called
    this.#localDescriptionSet = true
    return this.chain(async () => {
      // webrtc-pc §4.4.2 setLocalDescription, step 4.1
      const actual = type ?? this.negotiator.implicitType
      if (actual === 'rollback') await this.#rollBack('local')
      else await this.#setLocal(actual, sdp)
      this.pool.freeze()
      this.pool.resize(0)
      this.queueTask(() => this.#gather())
    })
  }

  setRemoteDescription(type: SdpType, sdp: string): Promise<void> {
    return this.chain(async () => {
      if (type === 'rollback') {
        await this.#rollBack('remote')
        return
      }
      // webrtc-pc §4.4.2 setRemoteDescription, step 3.1: what is rolled back stays so if the offer is no good
      if (type === 'offer' && !this.negotiator.signaling.permits('remote', 'offer')) await this.#rollBack('local')
      await this.#setRemote(type, sdp)
    })
  }

  addIceCandidate(init: RTCIceCandidateInit): Promise<void> {
    return this.chain(async () => {
      const finish = this.negotiator.candidates.hearRemote(init)
      // webrtc-pc §4.4.2 addIceCandidate, steps 4.7.1 and 4.7.2
      await this.#task()
      finish()
    })
  }

  /** webrtc-identity §9 getIdentityAssertion: in a task, step 1 as well. */
  getIdentityAssertion(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#options.environment.timers.endOfTurn(() => {
        if (this.#closed) reject(new DOMException('the connection is closed', 'InvalidStateError'))
        else this.identity.assertion().then(resolve, reject)
      })
    })
  }

  restartIce(): void {
    this.negotiator.restartIce()
    this.updateNegotiationNeeded()
  }

  /** webrtc-pc §6.1 createDataChannel, step 20 */
  dataChannelCreated(): void {
    if (this.#dataChannelsCreated) return
    this.#dataChannelsCreated = true
    // webrtc-extensions §15.2
    if (this.negotiator.sctp === null) this.updateNegotiationNeeded()
  }

  /** webrtc-pc §4.7.3 */
  updateNegotiationNeeded(): void {
    if (!this.#chain.isEmpty) {
      this.#updateNegotiationNeededOnEmptyChain = true
      return
    }
    this.queueTask(() => {
      if (!this.#chain.isEmpty) {
        this.#updateNegotiationNeededOnEmptyChain = true
        return
      }
      if (this.negotiator.signaling.state !== 'stable') return
      const needed = this.negotiator.isNeeded
      const news = needed && !this.#negotiationNeeded
      this.#negotiationNeeded = needed
      if (news) this.#fire('negotiationneeded')
    })
  }

  /** webrtc-pc §8.5, the stats selection algorithm; §8.2 getStats, step 6: in a task, also of a closed connection. */
  async collectStats(selector: StatsSelector): Promise<RTCStatsReport> {
    await new Promise<void>(resolve => this.#options.environment.timers.endOfTurn(resolve))
    return this.#stats.collect(
      {
        channels: this.channels,
        transports: this.negotiator.transports.all,
        certificates: this.certificates,
        transceivers: this.transceivers.all,
        pool: this.pool.entries,
      },
      selector,
    )
  }

  /** webrtc-pc §8.2 getStats, step 4. @throws {DOMException} InvalidAccessError */
  collectStatsOf(track: MediaStreamTrack): Promise<RTCStatsReport> {
    return this.collectStats(selectorOf(track, this.transceivers))
  }

  /** webrtc-pc §4.4.2 close: nothing is fired, no promise settles any more. */
  close(): void {
    if (this.#closed) return
    // Step 2
    this.#closed = true
    this.#chain.close()
    this.identity.close()
    // Step 3, before the tracks end, whose listeners look at it
    this.negotiator.signaling.close()
    // Steps 4 to 9
    this.transceivers.close()
    this.channels.close()
    this.negotiator.close()
    this.pool.close()
    // Steps 10 and 11
    this.progress.close()
  }

  #createTransceivers(): Transceivers {
    return new Transceivers({
      host: createTransceiverHost(this, this.#options.environment),
      createTransceiver,
      createEncoding,
      fireTrack: transceiver => this.#fireTrack(transceiver),
    })
  }

  /** webrtc-pc §4.4.1.4, step 4.6.20 */
  #fireTrack({ object: transceiver, receiver }: TransceiverSlots): void {
    const { object, track, streams } = receiver
    this.#dispatch(new RTCTrackEvent('track', { receiver: object, track, streams: [...streams], transceiver }))
  }

  /** webrtc-pc §4.4.1.2 */
  chain<T>(operation: () => Promise<T>): Promise<T> {
    // webrtc-pc §4.4.1.2, step 2
    if (this.#closed) return Promise.reject(new DOMException('the connection is closed', 'InvalidStateError'))
    return this.#chain.chain(operation)
  }

  /** webrtc-pc §4.4.2, create an offer or an answer: in a task, with the connection as it is by then; step 1 at once. */
  async #create(type: 'offer' | 'answer', make: (identity: string | undefined) => string): Promise<string> {
    this.negotiator.checkMayCreate(type)
    // webrtc-identity §9.5 and §9.6, the in-parallel steps, step 3
    const identity = this.identity.asserts ? await this.identity.assertionForDescription() : undefined
    await this.#task()
    return make(identity)
  }

  /** webrtc-pc §4.4.2 setLocalDescription, steps 4.2 to 4.6 */
  async #setLocal(type: 'offer' | 'answer' | 'pranswer', sdp: string): Promise<void> {
    this.negotiator.checkIsCreated(type, sdp)
    const kind = type === 'offer' ? type : 'answer'
    const text = sdp || (await this.#create(kind, identity => this.negotiator.currentOrNew(kind, identity)))
    await this.#describe(() => this.negotiator.setLocal(type, text))
  }

  /** webrtc-identity §9.7: nothing of a description is applied before its sender is known to be the one it has to be. */
  async #setRemote(type: 'offer' | 'answer' | 'pranswer', sdp: string): Promise<void> {
    const { signaling } = this.negotiator
    const isGuarded = this.identity.peer.guards && signaling.permits('remote', type)
    if (isGuarded) await this.identity.admit(readableSdp(sdp))
    await this.#describe(() => {
      this.negotiator.setRemote(type, sdp)
      if (signaling.remote !== undefined) this.identity.peer.applied(signaling.remote.session)
    })
  }

  async #rollBack(side: 'local' | 'remote'): Promise<void> {
    // webrtc-pc §4.4.1.4, step 2: at once
    this.negotiator.checkMayRollBack(side)
    await this.#describe(() => this.negotiator.rollback())
  }

  /** Applies a description in a task of its own and fires what follows from it. */
  async #describe(apply: () => void): Promise<void> {
    await this.#task()
    const before = this.negotiator.signaling.state
    apply()
    const { state } = this.negotiator.signaling
    // webrtc-pc §4.4.1.4, step 4.6.14.3
    if (state === 'stable') {
      this.#negotiationNeeded = false
      this.updateNegotiationNeeded()
    }
    // webrtc-pc §4.4.1.4, step 4.6.14.1: what follows for transports and their states comes in tasks of its own
    this.progress.transportsChanged()
    // webrtc-pc §4.4.1.4, step 4.6.15
    if (state !== before) this.#fire('signalingstatechange')
    // webrtc-pc §4.4.1.4, steps 4.6.17 to 4.6.20; §4.4.4: a connection that a listener has closed fires nothing more
    for (const fireNext of this.transceivers.takeEvents()) if (!this.#closed) fireNext()
    this.#isolateTracks()
  }

  /** webrtc-identity §11.1.2: of what is received over a path that is confidential. */
  #isolateTracks(): void {
    for (const { receiver } of this.transceivers.all) receiver.isolateIfConfidential()
  }

  #gather(): void {
    for (const transport of this.negotiator.transports.takeGathering()) transport.gather()
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

  #fire(type: string): void {
    this.#dispatch(new Event(type))
  }

  #dispatch(event: Event): void {
    if (!this.#closed) dispatch(this.#target, event)
  }

  /** The next task; it never comes once the connection is closed. */
  #task(): Promise<void> {
    return new Promise(resolve => this.queueTask(resolve))
  }

  /** Runs a step of an algorithm from a task of its own, unless the connection is closed by then. */
  queueTask(step: () => void | Promise<void>): void {
    this.#options.environment.timers.endOfTurn(() => {
      if (!this.#closed) void step()
    })
  }
}
