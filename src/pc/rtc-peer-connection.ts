import type { Environment } from '../base/environment.ts'
import {
  type CompleteConfiguration,
  convertConfiguration,
  type HeldConfiguration,
  type RTCConfiguration,
  validateIceServers,
} from './configuration.ts'
import { Connection } from './connection.ts'
import { type ConnectionExtensions, toConnectionOptions } from './connection-extensions.ts'
import type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './connection-states.ts'
import { type RTCDataChannelInit, toDataChannelInit } from './data-channel-init.ts'
import type { RTCDataChannelEvent, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from './events.ts'
import { type RTCIdentityProviderOptions, toProviderOptions } from './identity/identity-provider.ts'
import type { RTCIdentityAssertion } from './identity/rtc-identity-assertion.ts'
import {
  type LegacyCallbacks,
  type RTCPeerConnectionErrorCallback,
  tellCallbacks,
  toLegacyCallbacks,
} from './legacy-callbacks.ts'
import { isMediaStream, type MediaStream } from './media/media-stream.ts'
import { isMediaStreamTrack, type MediaStreamTrack } from './media/media-stream-track.ts'
import {
  createAnswer,
  createOffer,
  type RTCAnswerOptions,
  type RTCOfferOptions,
  toAnswerOptions,
  toOfferOptions,
} from './offer-options.ts'
import { generateCertificate, type RTCCertificate, type RTCKeygenAlgorithm } from './rtc-certificate.ts'
import type { RTCDataChannel } from './rtc-data-channel.ts'
import { type RTCIceCandidateInit, toIceCandidateInit } from './rtc-ice-candidate.ts'
import {
  type RTCLocalSessionDescriptionInit,
  type RTCSessionDescription,
  type RTCSessionDescriptionInit,
  toLocalSessionDescriptionInit,
  toSessionDescriptionInit,
} from './rtc-session-description.ts'
import type { RTCSctpTransport } from './rtc-transports.ts'
import type { RTCTrackEvent } from './rtp/events.ts'
import { type RTCRtpTransceiverInit, transceiverInit } from './rtp/parameters.ts'
import type { RTCRtpReceiver } from './rtp/rtc-rtp-receiver.ts'
import { RTCRtpSender } from './rtp/rtc-rtp-sender.ts'
import type { RTCRtpTransceiver } from './rtp/rtc-rtp-transceiver.ts'
import type { SignalingState } from './signaling.ts'
import type { RTCStatsReport } from './stats.ts'
import {
  domString,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  implementsInterface,
  instance,
  requireArguments,
  setEventHandler,
  TypedEventTarget,
  usvString,
} from './webidl.ts'

export type { RTCAnswerOptions, RTCOfferOptions } from './offer-options.ts'

/** webrtc-pc §4.4.3.1 */
export type RTCSessionDescriptionCallback = (description: RTCSessionDescriptionInit) => void

const toTrack = instance('MediaStreamTrack', isMediaStreamTrack)
const toStream = instance('MediaStream', isMediaStream)
const toSender = instance('RTCRtpSender', (value): value is RTCRtpSender => implementsInterface(RTCRtpSender, value))
const toTransceiverInit = transceiverInit(toStream)

/** The events of a connection, by type. */
export interface RTCPeerConnectionEventMap {
  negotiationneeded: Event
  icecandidate: RTCPeerConnectionIceEvent
  icecandidateerror: RTCPeerConnectionIceErrorEvent
  signalingstatechange: Event
  iceconnectionstatechange: Event
  icegatheringstatechange: Event
  connectionstatechange: Event
  datachannel: RTCDataChannelEvent
  track: RTCTrackEvent
}

type Handler<E extends Event = Event> = EventHandler<RTCPeerConnection, E>

let reveal: (peer: RTCPeerConnection) => Connection

/** What is behind the public object, for the functions of this package that are not of the standard. */
export function connectionOf(peer: RTCPeerConnection): Connection {
  return reveal(peer)
}

/**
 * A connection between this process and a remote peer: webrtc-pc §4.4.
 *
 * This class is the WebIDL shell: it converts arguments, and what goes wrong in a method that returns a promise
 * rejects it. What the methods do is in `connection.ts` and `negotiator.ts`.
 */
export class RTCPeerConnection extends TypedEventTarget<RTCPeerConnectionEventMap> {
  static {
    exposeInterface(RTCPeerConnection, 'RTCPeerConnection', { implementedBy: value => #connection in value })
    reveal = peer => peer.#connection
  }

  readonly #connection: Connection

  /** @throws {TypeError | DOMException} as webrtc-pc §4.4.1.1 and §4.4.1.5 say */
  constructor(configuration: RTCConfiguration = {}, extensions: ConnectionExtensions = {}) {
    super()
    const complete = convertConfiguration(configuration)
    const options = toConnectionOptions(extensions, complete)
    // webrtc-pc §4.4.1.1, step 5
    checkExpiry(complete, options.environment)
    // webrtc-pc §4.4.1.1, step 8
    validateIceServers(complete)
    this.#connection = new Connection(this, complete, options)
  }

  /** webrtc-pc §4.9 */
  static async generateCertificate(keygenAlgorithm: string | RTCKeygenAlgorithm): Promise<RTCCertificate> {
    requireArguments(arguments.length, 1, 'RTCPeerConnection.generateCertificate')
    return await generateCertificate(keygenAlgorithm)
  }

  get localDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.local?.object ?? null
  }

  get currentLocalDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.currentLocal?.object ?? null
  }

  get pendingLocalDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.pendingLocal?.object ?? null
  }

  get remoteDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.remote?.object ?? null
  }

  get currentRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.currentRemote?.object ?? null
  }

  get pendingRemoteDescription(): RTCSessionDescription | null {
    return this.#connection.negotiator.signaling.pendingRemote?.object ?? null
  }

  get signalingState(): SignalingState {
    return this.#connection.negotiator.signaling.state
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#connection.progress.iceGatheringState
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#connection.progress.iceConnectionState
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#connection.progress.connectionState
  }

  get canTrickleIceCandidates(): boolean | null {
    return this.#connection.negotiator.canTrickle
  }

  get sctp(): RTCSctpTransport | null {
    return this.#connection.negotiator.sctp
  }

  createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit>
  /** webrtc-pc §4.4.3.1 */
  createOffer(
    successCallback: RTCSessionDescriptionCallback,
    failureCallback: RTCPeerConnectionErrorCallback,
    options?: RTCOfferOptions,
  ): Promise<void>
  async createOffer(...given: readonly unknown[]): Promise<unknown> {
    const connection = this.#connection
    const context = 'RTCPeerConnection.createOffer'
    if (given.length < 2) return createOffer(connection, toOfferOptions(given[0], `${context}: argument 1`))
    const callbacks = toLegacyCallbacks(given, 0, context)
    const options = toOfferOptions(given[2], `${context}: argument 3`)
    return tellCallbacks(createOffer(connection, options), callbacks)
  }

  createAnswer(options?: RTCAnswerOptions): Promise<RTCSessionDescriptionInit>
  /** webrtc-pc §4.4.3.1 */
  createAnswer(
    successCallback: RTCSessionDescriptionCallback,
    failureCallback: RTCPeerConnectionErrorCallback,
  ): Promise<void>
  async createAnswer(...given: readonly unknown[]): Promise<unknown> {
    const connection = this.#connection
    const context = 'RTCPeerConnection.createAnswer'
    if (given.length < 2) {
      toAnswerOptions(given[0], `${context}: argument 1`)
      return createAnswer(connection)
    }
    const callbacks = toLegacyCallbacks(given, 0, context)
    return tellCallbacks(createAnswer(connection), callbacks)
  }

  setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void>
  /** webrtc-pc §4.4.3.1 */
  setLocalDescription(
    description: RTCLocalSessionDescriptionInit,
    successCallback: () => void,
    failureCallback: RTCPeerConnectionErrorCallback,
  ): Promise<void>
  async setLocalDescription(...given: readonly unknown[]): Promise<void> {
    const connection = this.#connection
    const context = 'RTCPeerConnection.setLocalDescription'
    const { type, sdp } = toLocalSessionDescriptionInit(given[0], `${context}: argument 1`)
    if (given.length < 2) return connection.setLocalDescription(type, sdp)
    const callbacks = legacyCallbacks(given, context)
    return tellCallbacks(connection.setLocalDescription(type, sdp), callbacks)
  }

  setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void>
  /** webrtc-pc §4.4.3.1 */
  setRemoteDescription(
    description: RTCSessionDescriptionInit,
    successCallback: () => void,
    failureCallback: RTCPeerConnectionErrorCallback,
  ): Promise<void>
  async setRemoteDescription(description: RTCSessionDescriptionInit, ...rest: readonly unknown[]): Promise<void> {
    const connection = this.#connection
    const context = 'RTCPeerConnection.setRemoteDescription'
    requireArguments(arguments.length, 1, context)
    const { type, sdp } = toSessionDescriptionInit(description, `${context}: argument 1`)
    if (rest.length === 0) return connection.setRemoteDescription(type, sdp)
    const callbacks = legacyCallbacks([description, ...rest], context)
    return tellCallbacks(connection.setRemoteDescription(type, sdp), callbacks)
  }

  addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void>
  /** webrtc-pc §4.4.3.1 */
  addIceCandidate(
    candidate: RTCIceCandidateInit,
    successCallback: () => void,
    failureCallback: RTCPeerConnectionErrorCallback,
  ): Promise<void>
  async addIceCandidate(...given: readonly unknown[]): Promise<void> {
    const connection = this.#connection
    const context = 'RTCPeerConnection.addIceCandidate'
    const init = toIceCandidateInit(given[0], `${context}: argument 1`)
    if (given.length < 2) return addIceCandidate(connection, init)
    const callbacks = legacyCallbacks(given, context)
    return tellCallbacks(addIceCandidate(connection, init), callbacks)
  }

  restartIce(): void {
    this.#connection.restartIce()
  }

  getConfiguration(): HeldConfiguration {
    const { certificates, iceServers, ...rest } = this.#connection.configuration
    const servers = iceServers.map(server => ({ ...server, urls: [...server.urls] }))
    return { ...rest, certificates: [...certificates], iceServers: servers }
  }

  setConfiguration(configuration: RTCConfiguration = {}): void {
    const connection = this.#connection
    const converted = convertConfiguration(configuration)
    // webrtc-pc §4.4.2 setConfiguration, step 2
    if (connection.isClosed) throw closedError()
    connection.setConfiguration(converted)
  }

  /** webrtc-pc §6.1 */
  createDataChannel(label: string, dataChannelDict: RTCDataChannelInit = {}): RTCDataChannel {
    const connection = this.#connection
    requireArguments(arguments.length, 1, 'RTCPeerConnection.createDataChannel')
    const name = usvString(label, 'RTCPeerConnection.createDataChannel: argument 1')
    const init = toDataChannelInit(dataChannelDict)
    if (connection.isClosed) throw closedError()
    const channel = connection.channels.create(name, init)
    connection.dataChannelCreated()
    return channel
  }

  /** webrtc-pc §5.1 */
  getSenders(): RTCRtpSender[] {
    return this.#connection.transceivers.senders.map(({ object }) => object)
  }

  /** webrtc-pc §5.1 */
  getReceivers(): RTCRtpReceiver[] {
    return this.#connection.transceivers.receivers.map(({ object }) => object)
  }

  /** webrtc-pc §5.1 */
  getTransceivers(): RTCRtpTransceiver[] {
    return this.#connection.transceivers.all.map(({ object }) => object)
  }

  /** webrtc-pc §5.1 */
  addTrack(track: MediaStreamTrack, ...streams: readonly MediaStream[]): RTCRtpSender {
    requireArguments(arguments.length, 1, 'RTCPeerConnection.addTrack')
    const own = toTrack(track, 'RTCPeerConnection.addTrack: argument 1')
    const given = streams.map((stream, at) => toStream(stream, `RTCPeerConnection.addTrack: argument ${at + 2}`))
    return this.#connection.transceivers.addTrack(own, given).object
  }

  /** webrtc-pc §5.1 */
  removeTrack(sender: RTCRtpSender): void {
    requireArguments(arguments.length, 1, 'RTCPeerConnection.removeTrack')
    this.#connection.transceivers.removeTrack(toSender(sender, 'RTCPeerConnection.removeTrack: argument 1'))
  }

  /** webrtc-pc §5.1 */
  addTransceiver(trackOrKind: MediaStreamTrack | string, init: RTCRtpTransceiverInit = {}): RTCRtpTransceiver {
    const { transceivers } = this.#connection
    requireArguments(arguments.length, 1, 'RTCPeerConnection.addTransceiver')
    const isTrack = isMediaStreamTrack(trackOrKind)
    const what = isTrack ? trackOrKind : domString(trackOrKind, 'RTCPeerConnection.addTransceiver: argument 1')
    const given = toTransceiverInit(init, 'RTCPeerConnection.addTransceiver: argument 2')
    return transceivers.addTransceiver(what, given).object
  }

  /**
   * webrtc-pc §8.2 getStats: of a track that is sent or received here, or of the whole connection. Its `length` is 0, which
   * is how some applications tell it is promised.
   *
   * @throws {TypeError} (the promise) for what is no track
   * @throws {DOMException} (the promise) InvalidAccessError if the track is sent or received by none here, or by several
   */
  async getStats(...[selector]: readonly [selector?: MediaStreamTrack | null]): Promise<RTCStatsReport> {
    if (selector === undefined || selector === null) return this.#connection.collectStats(null)
    return this.#connection.collectStatsOf(toTrack(selector, 'RTCPeerConnection.getStats: argument 1'))
  }

  /** webrtc-identity §9: who is asked to say in offers and answers who this end is. Nothing is asked yet. */
  setIdentityProvider(provider: string, options: RTCIdentityProviderOptions = {}): void {
    const connection = this.#connection
    requireArguments(arguments.length, 1, 'RTCPeerConnection.setIdentityProvider')
    const domain = domString(provider, 'RTCPeerConnection.setIdentityProvider: argument 1')
    const converted = toProviderOptions(options, 'RTCPeerConnection.setIdentityProvider: argument 2')
    // webrtc-identity §9 setIdentityProvider, step 1
    if (connection.isClosed) throw closedError()
    connection.identity.setProvider(domain, converted)
  }

  /** webrtc-identity §9: what the offers and answers of this connection have as `a=identity`. */
  async getIdentityAssertion(): Promise<string> {
    return this.#connection.getIdentityAssertion()
  }

  /** webrtc-identity §9: who the peer is, once an identity provider has confirmed it. */
  get peerIdentity(): Promise<RTCIdentityAssertion> {
    // WebIDL §3.7.6: an attribute that is a promise rejects
    if (!implementsInterface(RTCPeerConnection, this))
      return Promise.reject(new TypeError('RTCPeerConnection.peerIdentity: Illegal invocation'))
    return this.#connection.identity.peerIdentity
  }

  /** webrtc-identity §9: where the user can log in, if the identity provider asks for that. */
  get idpLoginUrl(): string | null {
    return this.#connection.identity.idpLoginUrl
  }

  /** webrtc-identity §9: what the identity provider says of its last failure. */
  get idpErrorInfo(): string | null {
    return this.#connection.identity.idpErrorInfo
  }

  close(): void {
    this.#connection.close()
  }

  get onnegotiationneeded(): HeldEventHandler {
    return getEventHandler(this, 'negotiationneeded')
  }

  set onnegotiationneeded(handler: Handler) {
    setEventHandler(this, 'negotiationneeded', handler)
  }

  get onicecandidate(): HeldEventHandler {
    return getEventHandler(this, 'icecandidate')
  }

  set onicecandidate(handler: Handler<RTCPeerConnectionIceEvent>) {
    setEventHandler(this, 'icecandidate', handler)
  }

  get onicecandidateerror(): HeldEventHandler {
    return getEventHandler(this, 'icecandidateerror')
  }

  set onicecandidateerror(handler: Handler<RTCPeerConnectionIceErrorEvent>) {
    setEventHandler(this, 'icecandidateerror', handler)
  }

  get onsignalingstatechange(): HeldEventHandler {
    return getEventHandler(this, 'signalingstatechange')
  }

  set onsignalingstatechange(handler: Handler) {
    setEventHandler(this, 'signalingstatechange', handler)
  }

  get oniceconnectionstatechange(): HeldEventHandler {
    return getEventHandler(this, 'iceconnectionstatechange')
  }

  set oniceconnectionstatechange(handler: Handler) {
    setEventHandler(this, 'iceconnectionstatechange', handler)
  }

  get onicegatheringstatechange(): HeldEventHandler {
    return getEventHandler(this, 'icegatheringstatechange')
  }

  set onicegatheringstatechange(handler: Handler) {
    setEventHandler(this, 'icegatheringstatechange', handler)
  }

  get onconnectionstatechange(): HeldEventHandler {
    return getEventHandler(this, 'connectionstatechange')
  }

  set onconnectionstatechange(handler: Handler) {
    setEventHandler(this, 'connectionstatechange', handler)
  }

  get ondatachannel(): HeldEventHandler {
    return getEventHandler(this, 'datachannel')
  }

  set ondatachannel(handler: Handler<RTCDataChannelEvent>) {
    setEventHandler(this, 'datachannel', handler)
  }

  get ontrack(): HeldEventHandler {
    return getEventHandler(this, 'track')
  }

  set ontrack(handler: Handler<RTCTrackEvent>) {
    setEventHandler(this, 'track', handler)
  }
}

async function addIceCandidate(connection: Connection, init: Required<RTCIceCandidateInit>): Promise<void> {
  // webrtc-pc §4.4.2 addIceCandidate, step 3
  if (init.candidate !== '' && init.sdpMid === null && init.sdpMLineIndex === null) {
    throw new TypeError('RTCPeerConnection.addIceCandidate: needs sdpMid or sdpMLineIndex')
  }
  return connection.addIceCandidate(init)
}

/** WebIDL §3.6: there is no form with one callback. */
function legacyCallbacks(given: readonly unknown[], context: string): LegacyCallbacks {
  requireArguments(given.length, 3, context)
  return toLegacyCallbacks(given, 1, context)
}

/** webrtc-pc §4.4.1.1, step 5.1 */
function checkExpiry({ certificates }: CompleteConfiguration, environment: Environment): void {
  if (certificates.some(certificate => certificate.expires < environment.clock.wallTime())) {
    throw new DOMException('a certificate has expired', 'InvalidAccessError')
  }
}

function closedError(): DOMException {
  return new DOMException('the connection is closed', 'InvalidStateError')
}
