import { assertNever } from '../../base/errors.ts'
import type { ReceivedPacket, ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { RtpSessionEvent } from '../../rtp/session/rtp-session.ts'
import type { SdpDirection, SdpMedia, SdpSession } from '../../sdp/index.ts'
import type { MediaStream } from '../media/media-stream.ts'
import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type { AppliedMedia, MediaNegotiation, OfferedSection, OfferLayout } from '../negotiation/media-negotiation.ts'
import { allocatorOf } from './bitrate-allocator.ts'
import { answerSection } from './negotiate/answer-section.ts'
import { type ApplyEffects, applyDescription } from './negotiate/apply-description.ts'
import { checkContinuity } from './negotiate/check-continuity.ts'
import { checkDescription } from './negotiate/check-description.ts'
import { Connections } from './negotiate/connect.ts'
import { isNegotiationNeeded } from './negotiate/is-needed.ts'
import { layOutOffer } from './negotiate/lay-out-offer.ts'
import { inheritedExtensions, MediaState, type TransceiverRecord } from './negotiate/media-state.ts'
import { rollBack } from './negotiate/rollback.ts'
import { defaultEncoding, validSendEncodings } from './negotiate/send-encodings.ts'
import { stopTransceiver } from './negotiate/stop-transceiver.ts'
import type { RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability, RTCRtpTransceiverInit } from './parameters.ts'
import type { RTCRtpSender } from './rtc-rtp-sender.ts'
import type {
  EncodingSlots,
  MediaTransport,
  ReceiverSlots,
  SenderSlots,
  TransceiverHost,
  TransceiverSlots,
} from './slots.ts'

/** What a transceiver is made of. */
export interface TransceiverParts {
  readonly kind: MediaKind
  readonly direction: SdpDirection
  readonly track: MediaStreamTrack | null
  readonly streamIds: readonly string[]
  /** Validated; at least one. */
  readonly encodings: readonly RTCRtpEncodingParameters[]
  readonly addedByTrack: boolean
  /** Undefined: all that there are. */
  readonly headerExtensionsToNegotiate: readonly RTCRtpHeaderExtensionCapability[] | undefined
  readonly host: TransceiverHost
}

/** Makes a transceiver with its sender and receiver. */
export type CreateTransceiver = (parts: TransceiverParts) => TransceiverSlots

export interface TransceiversOptions {
  readonly host: TransceiverHost
  readonly createTransceiver: CreateTransceiver
  /** Makes an encoding with SSRCs of its own. */
  readonly createEncoding: (
    parameters: RTCRtpEncodingParameters,
    kind: MediaKind,
    host: TransceiverHost,
  ) => EncodingSlots
  /** Fires `track` at the connection; called from a task. */
  readonly fireTrack: (transceiver: TransceiverSlots) => void
}

/** The transceivers of a connection: webrtc-pc §5.1, and how descriptions lead them. */
export class Transceivers implements MediaNegotiation {
  readonly #state: MediaState
  readonly #create: CreateTransceiver
  readonly #effects: ApplyEffects
  readonly #connections: Connections = new Connections()
  /** Senders that were made here, those of transceivers that are gone included. */
  readonly #senders = new WeakSet<RTCRtpSender>()
  /** Where the packets of a stream go; found once for each. */
  #receivers = new WeakMap<ReceiveStream, ReceiverSlots>()

  constructor(options: TransceiversOptions) {
    const { host, fireTrack } = options
    this.#state = new MediaState(host)
    this.#create = parts => {
      const slots = options.createTransceiver(parts)
      this.#senders.add(slots.sender.object)
      return slots
    }
    this.#effects = {
      createTransceiver: this.#create,
      createEncoding: (kind, parameters) => options.createEncoding(parameters, kind, host),
      fireTrack,
    }
  }

  /** webrtc-pc §5.1: CollectTransceivers. */
  get all(): readonly TransceiverSlots[] {
    return this.#state.records.map(({ slots }) => slots)
  }

  /** webrtc-pc §5.1: CollectSenders. */
  get senders(): readonly SenderSlots[] {
    return this.all.filter(({ stopped }) => !stopped).map(({ sender }) => sender)
  }

  /** webrtc-pc §5.1 getReceivers. */
  get receivers(): readonly ReceiverSlots[] {
    return this.all.filter(({ stopped }) => !stopped).map(({ receiver }) => receiver)
  }

  /**
   * webrtc-pc §5.1 addTrack.
   *
   * @throws {DOMException} InvalidStateError if the connection is closed, InvalidAccessError if the track has a sender
   */
  addTrack(track: MediaStreamTrack, streams: readonly MediaStream[]): SenderSlots {
    const kind = kindOf(track.kind)
    // Step 5
    this.#requireOpen('addTrack')
    // Step 6
    if (this.senders.some(sender => sender.track === track)) {
      throw new DOMException('RTCPeerConnection.addTrack: the track has a sender already', 'InvalidAccessError')
    }
    const streamIds = idsOf(streams)
    // Step 7
    const record = this.#state.records.find(each => isUnused(each, kind))
    // Steps 8 and 9
    const { sender } = record === undefined ? this.#addWithTrack(track, streamIds) : reuse(record, track, streamIds)
    // Step 11
    this.#state.host.updateNegotiationNeeded()
    return sender
  }

  /**
   * webrtc-pc §5.1 removeTrack.
   *
   * @throws {DOMException} InvalidStateError if the connection is closed, InvalidAccessError for a sender of another one
   */
  removeTrack(sender: RTCRtpSender): void {
    // Step 3
    this.#requireOpen('removeTrack')
    // Step 4
    if (!this.#senders.has(sender)) {
      throw new DOMException('RTCPeerConnection.removeTrack: a sender of another connection', 'InvalidAccessError')
    }
    // Steps 5 to 9
    const slots = this.all.find(each => each.sender.object === sender)
    if (slots === undefined || slots.stopping || slots.stopped || slots.sender.track === null) return
    // Step 10
    slots.sender.track = null
    // Steps 11 and 12
    if (slots.direction === 'sendrecv') slots.direction = 'recvonly'
    else if (slots.direction === 'sendonly') slots.direction = 'inactive'
    // Step 13
    this.#state.host.updateNegotiationNeeded()
  }

  /**
   * webrtc-pc §5.1 addTransceiver.
   *
   * @throws {TypeError} for a kind that is none, for the direction `stopped`, and for rids that are malformed or ambiguous
   * @throws {RangeError} for an encoding that would be enlarged, or would have no frames
   * @throws {DOMException} InvalidStateError if the connection is closed, OperationError for a codec that cannot be sent
   */
  addTransceiver(trackOrKind: MediaStreamTrack | string, init: RTCRtpTransceiverInit = {}): TransceiverSlots {
    const slots = this.#addTransceiver(trackOrKind, init)
    // Step 13
    this.#state.host.updateNegotiationNeeded()
    return slots
  }

  /**
   * webrtc-pc §4.4.3.2: the options `offerToReceiveAudio` and `offerToReceiveVideo` of createOffer; undefined: not given.
   */
  offerToReceive(options: { readonly audio?: boolean | undefined; readonly video?: boolean | undefined }): void {
    for (const kind of ['audio', 'video'] as const) {
      const wanted = options[kind]
      if (wanted === undefined) continue
      const own = this.all.filter(slots => slots.kind === kind && !slots.stopping && !slots.stopped)
      // Step 3.1
      if (!wanted) own.forEach(stopAskingToReceive)
      // Steps 3.2 to 3.5
      else if (!own.some(({ direction }) => direction === 'sendrecv' || direction === 'recvonly')) {
        this.#addTransceiver(kind, { direction: 'recvonly' })
      }
    }
  }

  isNeeded(currentLocal: SdpSession | undefined, currentRemote: SdpSession | undefined): boolean {
    return isNegotiationNeeded(this.#state, currentLocal, currentRemote)
  }

  layOutOffer(layout: OfferLayout): readonly OfferedSection[] {
    return layOutOffer(this.#state, layout)
  }

  answerSection(offer: SdpSession, index: number): SdpMedia | undefined {
    return answerSection(this.#state, offer, index)
  }

  check(applied: AppliedMedia): void {
    checkDescription(applied)
    checkContinuity(applied, this.#state.current)
  }

  apply(applied: AppliedMedia): void {
    applyDescription(this.#state, applied, this.#effects)
  }

  connect(transportOf: (mid: string, mLineIndex?: number) => MediaTransport | undefined): void {
    this.#receivers = new WeakMap()
    this.#connections.connect(this.#state, transportOf)
  }

  rollback(): void {
    rollBack(this.#state, this.#effects.fireTrack)
  }

  takeEvents(): readonly (() => void)[] {
    return this.#state.events.take()
  }

  /** A packet that a session has received: for the receiver of its section. */
  rtpReceived(received: ReceivedPacket, now: number): void {
    const { stream } = received
    let receiver = this.#receivers.get(stream)
    if (receiver === undefined) {
      receiver = this.all.find(({ mid, stopping }) => mid === stream.mid && !stopping)?.receiver
      if (receiver === undefined) return
      this.#receivers.set(stream, receiver)
    }
    receiver.received(received, now)
  }

  /** What a session says about streams: for the senders and receivers that have them. */
  rtpEvent(event: RtpSessionEvent): void {
    switch (event.type) {
      case 'keyframe-request':
        this.#senderOf(event.ssrc)?.keyframeRequested(event.ssrc)
        return
      case 'own-collision':
        this.#senderOf(event.ssrc)?.ssrcReplaced(event.ssrc, event.replacement)
        return
      // Those who have not received the stream take no notice.
      case 'stream-ended':
        for (const receiver of this.receivers) receiver.streamEnded(event.ssrc)
        return
      case 'writable':
        for (const sender of this.senders) sender.writable()
        return
      case 'target-bitrate':
        for (const transport of new Set(this.senders.map(sender => sender.transport))) {
          if (transport !== undefined) allocatorOf(transport).settle()
        }
        return
      default:
        assertNever(event)
    }
  }

  /** webrtc-pc §4.4.2, close the connection, step 4. */
  close(): void {
    // What has not been fired by now never is.
    this.#state.events.take()
    for (const { slots } of this.#state.records) {
      if (!slots.stopped) stopTransceiver(this.#state, slots)
    }
    this.#state.events.take()
    // The tracks end with the connection, not in a task of it: there are none any more.
    for (const { slots } of this.#state.records) {
      if (slots.receiver.track.readyState === 'live') slots.receiver.end()
    }
  }

  #senderOf(ssrc: number): SenderSlots | undefined {
    return this.senders.find(({ encodings }) => encodings.some(each => each.ssrc === ssrc))
  }

  /** webrtc-pc §5.1 addTransceiver, steps 5 to 12. */
  #addTransceiver(trackOrKind: MediaStreamTrack | string, init: RTCRtpTransceiverInit): TransceiverSlots {
    const { direction = 'sendrecv', streams = [], sendEncodings = [] } = init
    // Steps 5 and 6
    const track = typeof trackOrKind === 'string' ? null : trackOrKind
    const kind = kindOf(track === null ? trackOrKind : track.kind)
    // Not in the text, but what its tests ask for: a transceiver is not made to be stopped.
    if (direction === 'stopped') throw new TypeError('RTCPeerConnection.addTransceiver: the direction is stopped')
    // Step 7
    this.#requireOpen('addTransceiver')
    // Step 8
    const encodings = validSendEncodings(kind, sendEncodings)
    // Steps 9 to 12
    const slots = this.#create({
      kind,
      direction,
      track,
      streamIds: idsOf(streams),
      encodings,
      addedByTrack: false,
      ...inheritedExtensions(this.#state, kind),
      host: this.#state.host,
    })
    this.#state.add(slots, { hasTrack: false, isProvisional: false })
    return slots
  }

  /** webrtc-pc §5.1 addTrack, step 9. */
  #addWithTrack(track: MediaStreamTrack, streamIds: readonly string[]): TransceiverSlots {
    const { host } = this.#state
    const kind = kindOf(track.kind)
    const slots = this.#create({
      kind,
      direction: 'sendrecv',
      track,
      streamIds,
      encodings: [defaultEncoding(kind)],
      addedByTrack: true,
      ...inheritedExtensions(this.#state, kind),
      host,
    })
    this.#state.add(slots, { hasTrack: true, isProvisional: false })
    return slots
  }

  #requireOpen(method: string): void {
    if (this.#state.host.isClosed) {
      throw new DOMException(`RTCPeerConnection.${method}: the connection is closed`, 'InvalidStateError')
    }
  }
}

/** webrtc-pc §5.1 addTrack, step 7: whether a sender can be taken for another track. */
function isUnused({ slots, hasSent }: TransceiverRecord, kind: MediaKind): boolean {
  return slots.sender.track === null && slots.kind === kind && !slots.stopping && !slots.stopped && !hasSent
}

/** webrtc-pc §5.1 addTrack, step 8. */
function reuse(record: TransceiverRecord, track: MediaStreamTrack, streamIds: readonly string[]): TransceiverSlots {
  const { slots } = record
  slots.sender.track = track
  slots.sender.streamIds = streamIds
  if (slots.direction === 'recvonly') slots.direction = 'sendrecv'
  else if (slots.direction === 'inactive') slots.direction = 'sendonly'
  record.hasTrack = true
  return slots
}

/** webrtc-pc §4.4.3.2, step 3.1. */
function stopAskingToReceive(slots: TransceiverSlots): void {
  if (slots.direction === 'sendrecv') slots.direction = 'sendonly'
  else if (slots.direction === 'recvonly') slots.direction = 'inactive'
}

function idsOf(streams: readonly MediaStream[]): readonly string[] {
  return [...new Set(streams.map(({ id }) => id))]
}

/** @throws {TypeError} webrtc-pc §5.1 addTransceiver, step 5.1 */
function kindOf(kind: unknown): MediaKind {
  if (kind !== 'audio' && kind !== 'video') throw new TypeError(`'${String(kind)}' is neither audio nor video`)
  return kind
}
