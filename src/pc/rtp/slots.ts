import type { ReceivedPacket } from '../../rtp/session/receive-stream.ts'
import type { RtpSession } from '../../rtp/session/rtp-session.ts'
import type { SessionSection } from '../../rtp/session/types.ts'
import type { SdpDirection, SdpRtpMedia } from '../../sdp/index.ts'
import type { Isolation } from '../identity/isolation.ts'
import type { MediaStream } from '../media/media-stream.ts'
import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { RTCStatsReport } from '../stats.ts'
import type {
  RTCDegradationPreference,
  RTCRtpCodec,
  RTCRtpEncodingParameters,
  RTCRtpHeaderExtensionCapability,
  RTCRtpHeaderExtensionParameters,
} from './parameters.ts'
import type { RTCRtpReceiver } from './rtc-rtp-receiver.ts'
import type { RTCRtpSender } from './rtc-rtp-sender.ts'
import type { RTCRtpTransceiver } from './rtc-rtp-transceiver.ts'

export type RTCRtpTransceiverDirection = SdpDirection | 'stopped'

/** The transport that a section is on: what the W3C shows of it, and the RTP session that runs there. */
export interface MediaTransport {
  readonly dtls: RTCDtlsTransport
  readonly session: RtpSession
  /** Whether header extensions leave enciphered: RFC 9335. */
  readonly encryptsHeaders: boolean
  /** webrtc-identity §11.1.2; absent: nothing was agreed on. */
  readonly isolation?: Isolation
  /** Something was queued in the session: it leaves at the end of this turn. */
  schedule(): void
  now(): number
}

/** What a section came to, once offer and answer were applied. */
export interface NegotiatedSection {
  readonly mid: string
  readonly rtp: SessionSection
  /** As our last description and the peer's have it. */
  readonly local: SdpRtpMedia
  readonly remote: SdpRtpMedia
  /** Bits per second of RTP that the peer takes in this section at most: RFC 8829 §5.10, b=TIAS and b=AS. */
  readonly maxBitrate?: number
  /** The same of all sections together: RFC 8829 §5.10, b=CT of the session. */
  readonly maxTotalBitrate?: number
}

/** The internal slots of an RTCRtpTransceiver: webrtc-pc §5.4. */
export interface TransceiverSlots {
  readonly kind: MediaKind
  /** [[Mid]]: once associated with an m= section. */
  mid: string | null
  /** [[JsepMid]], RFC 8829: what createOffer has promised; becomes `mid` when that offer is applied. */
  jsepMid: string | null
  /** The m= section that it is associated with, by index; RFC 8829 §4.1 */
  mLineIndex: number | undefined
  direction: RTCRtpTransceiverDirection
  /** [[CurrentDirection]] */
  currentDirection: RTCRtpTransceiverDirection | null
  /** [[FiredDirection]] */
  firedDirection: SdpDirection | null
  /** [[Receptive]] */
  receptive: boolean
  stopping: boolean
  stopped: boolean
  /** [[PreferredCodecs]] */
  preferredCodecs: readonly RTCRtpCodec[]
  /** Created by addTrack() and not by addTransceiver(): RFC 8829 §5.10, it may be taken for a remote offer's section. */
  addedByTrack: boolean
  /** Undefined until a section was negotiated. */
  negotiated: NegotiatedSection | undefined
  /** [[HeaderExtensionsToNegotiate]]: webrtc-extensions §5.1. */
  headerExtensionsToNegotiate: readonly RTCRtpHeaderExtensionCapability[]
  /** [[NegotiatedHeaderExtensions]] */
  negotiatedHeaderExtensions: readonly RTCRtpHeaderExtensionCapability[]
  readonly sender: SenderSlots
  readonly receiver: ReceiverSlots
  readonly object: RTCRtpTransceiver
}

/** The internal slots of an RTCRtpSender: webrtc-pc §5.2. */
export interface SenderSlots {
  readonly kind: MediaKind
  track: MediaStreamTrack | null
  transport: MediaTransport | undefined
  /** [[AssociatedMediaStreamIds]] */
  streamIds: readonly string[]
  /** [[SendEncodings]] */
  encodings: EncodingSlots[]
  /** [[SendCodecs]]: what the last negotiation permits; in order of preference. */
  codecs: readonly RTCRtpCodec[]
  headerExtensions: readonly RTCRtpHeaderExtensionParameters[]
  /** [[LastReturnedParameters]]: its transaction; null if setParameters() is not due. */
  transactionId: string | null
  /** mst-content-hint: what the encoder is to spare when there is not enough room. */
  readonly degradationPreference: RTCDegradationPreference | undefined
  readonly object: RTCRtpSender
  /** Takes what was negotiated, or that nothing is sent any more. */
  negotiated(section: NegotiatedSection | undefined): void
  /** The peer cannot go on without a keyframe of one of the encodings. */
  keyframeRequested(ssrc: number): void
  /** The session has given one of the encodings another SSRC. */
  ssrcReplaced(ssrc: number, replacement: number): void
  /** The session of the transport takes packets that it refused before. */
  writable(): void
  /** Nothing leaves any more, for good. */
  stopSending(): void
}

/** An encoding and what only this end knows of it. */
export interface EncodingSlots {
  parameters: RTCRtpEncodingParameters
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
}

/** The internal slots of an RTCRtpReceiver: webrtc-pc §5.3. */
export interface ReceiverSlots {
  readonly kind: MediaKind
  readonly track: MediaStreamTrack
  transport: MediaTransport | undefined
  /** [[AssociatedRemoteMediaStreams]] */
  streams: readonly MediaStream[]
  readonly object: RTCRtpReceiver
  negotiated(section: NegotiatedSection | undefined): void
  /** [[ReceiverTrack]] becomes muted or not. The event is fired at once: call it from a task. */
  setMuted(muted: boolean): void
  /** webrtc-identity §11.1.2: the track is isolated, if its transport has agreed on that. Call it from a task. */
  isolateIfConfidential(): void
  /** The track ends; from a task. */
  end(): void
  /** A packet of this section. */
  received(received: ReceivedPacket, now: number): void
  /** The peer has said BYE for a stream; one that was not received here means nothing. */
  streamEnded(ssrc: number): void
  /** Nothing is taken any more, for good. */
  stopReceiving(): void
}

/** What transceivers need of their connection. */
export interface TransceiverHost {
  readonly isClosed: boolean
  /** RFC 7022: the name of this end in RTCP and in a=ssrc lines. */
  readonly cname: string
  /** Whether connectionState is `connected`. */
  readonly isConnected: boolean
  random(length: number): Uint8Array
  now(): number
  /** Milliseconds since 1970. */
  wallTime(): number
  /** Runs a step in a task of its own, unless the connection is closed by then. */
  queueTask(step: () => void): void
  /** Calls back once, later; the result cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void
  /** webrtc-pc §4.7.3 */
  updateNegotiationNeeded(): void
  /** Runs an operation on the operations chain of the connection: webrtc-pc §4.4.1.2. */
  chain<T>(operation: () => Promise<T>): Promise<T>
  /** webrtc-pc §8.5, the stats selection algorithm. */
  collectStats(selector: RTCRtpSender | RTCRtpReceiver): Promise<RTCStatsReport>
}
