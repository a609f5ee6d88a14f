import type { HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import type { RtpPacket } from '../../rtp/packet.ts'

export type MediaKind = 'audio' | 'video'

/** A codec as tracks know it: without the payload type, which each connection has its own of. */
export interface MediaCodec {
  /** `video/VP8` */
  readonly mimeType: string
  /** Hertz. */
  readonly clockRate: number
  /** Of audio. */
  readonly channels?: number
  readonly sdpFmtpLine?: string
}

/**
 * What the packets of one stream of a track have in common. The same object for all of them: another one means another
 * stream, whose sequence numbers and timestamps do not continue those of before.
 */
export interface StreamContext {
  /** Undefined: whatever the sender prefers; the application writes what was negotiated. */
  readonly codec: MediaCodec | undefined
  /** Of a simulcast: which encoding it is. */
  readonly rid: string | undefined
  /** The identifiers of the header extensions that its packets carry. */
  readonly extensions: HeaderExtensionMap
  /** It comes in bursts, a frame at a time, and is to leave evenly. False: it has a pace of its own already. */
  readonly paced: boolean
  /**
   * What stands for the numbering of the packets, where several contexts share it (the payload types of one received
   * stream); each context has its own if not given.
   */
  readonly numbering?: object
  /**
   * Where a source makes packets for each of those who take them: for whom, as it calls itself in
   * {@link TrackSource.encodingTargets}; null: for all who do not say what they would have. Undefined: the packets are for all.
   */
  readonly madeFor?: object | null | undefined
}

/** How an encoding is to be produced: webrtc-pc §5.2.5. */
export interface TargetEncoding {
  /** False: nobody takes it. */
  readonly active: boolean
  /** Bits per second. */
  readonly maxBitrate?: number | undefined
  /** Pictures a second. */
  readonly maxFramerate?: number | undefined
  readonly scaleResolutionDownBy?: number | undefined
  /** webrtc-extensions §6.1: the largest picture, in place of the above. */
  readonly scaleResolutionDownTo?: { readonly maxWidth?: number; readonly maxHeight?: number } | undefined
  /** webrtc-svc §5 */
  readonly scalabilityMode?: string | undefined
  /** Milliseconds of sound in a packet. */
  readonly ptime?: number | undefined
  readonly adaptivePtime?: boolean | undefined
  /** mst-content-hint: what is to stay as it is where there is not enough room. */
  readonly degradationPreference?: string | undefined
  readonly codec?: MediaCodec | undefined
}

/** What a consumer would have of an encoding. */
export interface EncodingTarget extends TargetEncoding {
  /** Undefined where there is no simulcast. */
  readonly rid: string | undefined
  /** Bits per second of RTP packets that the path has room for; 0 if it is not active. */
  readonly bitrate: number
}

/** Who takes the packets of a track: a sender, a sink. */
export interface TrackConsumer {
  /** It says what it would have by {@link TrackSource.encodingTargets}: of what is made for others it takes nothing. */
  readonly saysTargets?: boolean
  /**
   * Takes a packet, at once. It may keep views of it and must not change them.
   *
   * @param raw the whole packet as bytes, where it is at hand
   * @returns false if it could not be taken, or if no more should come for a while
   */
  packet(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean
}

/** What is behind a MediaStreamTrack: where its packets come from. */
export interface TrackSource {
  readonly kind: MediaKind
  /** Every packet from now on, until the result is called. */
  subscribe(consumer: TrackConsumer): () => void
  /** A consumer cannot go on without a keyframe. Asked as often as one likes: the source asks the sender at a bearable rate. */
  requestKeyframe(rid?: string): void
  /** A consumer that took no more takes packets again. Need not be told: the source tries again after a while. */
  drained?(): void
  /**
   * What a consumer would have of each encoding from now on; none: it takes no packets any more. Sources that produce
   * nothing themselves, like the track of a receiver, leave it out: what others send cannot be chosen here.
   *
   * @param consumer stands for it, from call to call
   */
  encodingTargets?(consumer: object, targets: readonly EncodingTarget[]): void
  /**
   * Milliseconds of media that whoever puts packets into order is to hold: webrtc-pc §5.3 jitterBufferTarget. Null or
   * undefined: it is up to them.
   */
  readonly jitterBufferTarget?: number | null | undefined
}
