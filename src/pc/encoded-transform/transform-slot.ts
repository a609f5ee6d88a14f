import type { RtpPacket } from '../../rtp/packet.ts'
import type { MediaKind, StreamContext, TrackConsumer } from '../media/track-signal.ts'
import { implementsInterface } from '../webidl.ts'
import { createCounters, type TransformStatistics } from './counters.ts'
import type { FrameChannel, TransformSide } from './frame-channel.ts'
import { FrameExchange } from './frame-exchange.ts'
import type { FrameOrigin } from './frame-metadata.ts'
import { FrameStage } from './frame-stage.ts'
import { LocalChannel, type RTCEncodedStreams } from './local-channel.ts'
import { claimTransform, RTCRtpScriptTransform, transformOwner } from './script-transform.ts'

/** The sender or receiver that a transform works for. */
export interface TransformOwner {
  readonly kind: MediaKind
  readonly side: TransformSide
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallTime(): number
  /** Calls back once, later; the result cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void
  /**
   * Has a keyframe sent: by the source of the track, or by the peer. Asked as often as one likes.
   *
   * @param ssrc of the stream that is received; undefined: of all
   */
  requestKeyframe(rid: string | undefined, ssrc: number | undefined): void
  /** The RIDs of what is sent: of encodings that are active, while the track is live. Without a simulcast that is one, undefined. */
  activeLayers(): readonly (string | undefined)[]
  /** What a packet is in the terms that were negotiated; undefined if it is nothing, and is dropped. */
  describe(packet: RtpPacket, context: StreamContext): FrameOrigin | undefined
  /** The timestamp on the wire of what has a timestamp here. @param context of the packets behind the transform */
  timestampOf(timestamp: number, context: StreamContext): number
}

/** Takes the packets of a track before a transform. */
export interface AttachedConsumer extends TrackConsumer {
  /** Whether there is a transform now. */
  readonly transforms?: boolean
  /** Nothing comes any more. */
  detach(): void
}

/** [[transform]] of a sender or receiver and all that belongs to it: webrtc-encoded-transform §2.2. */
export class TransformSlot {
  readonly #owner: TransformOwner
  readonly #counters = createCounters()
  readonly #attachments = new Set<Attachment>()
  #transform: RTCRtpScriptTransform | null = null
  #exchange: FrameExchange | undefined
  #hasStreams = false
  #closed = false

  constructor(owner: TransformOwner) {
    this.#owner = owner
  }

  get transform(): RTCRtpScriptTransform | null {
    return this.#transform
  }

  /**
   * @throws {TypeError} for anything but a transform or null
   * @throws {DOMException} `InvalidStateError` for a transform that is or was in use elsewhere, and after createEncodedStreams()
   */
  set transform(value: RTCRtpScriptTransform | null) {
    const transform = toTransform(value)
    if (this.#hasStreams) throw new DOMException('the frames go through encoded streams', 'InvalidStateError')
    // As browsers have it, and the text does not: what it has already, it may be given again.
    if (transform !== null && transform === this.#transform) return
    // webrtc-encoded-transform §2.2, the transform setter, step 3
    if (transform !== null && transformOwner(transform) !== null) {
      throw new DOMException('the transform is in use, or was', 'InvalidStateError')
    }
    // webrtc-encoded-transform §2.2, the transform setter, steps 6 to 12
    this.#use(transform === null ? undefined : claimTransform(transform, this))
    this.#transform = transform
  }

  /**
   * The frames as streams on this thread: an extension, as Chromium had it before there were transforms.
   *
   * @throws {DOMException} `InvalidStateError` the second time, and where there is a transform
   */
  createEncodedStreams(): RTCEncodedStreams {
    if (this.#hasStreams) throw new DOMException('there are encoded streams already', 'InvalidStateError')
    if (this.#transform !== null) throw new DOMException('there is a transform', 'InvalidStateError')
    this.#hasStreams = true
    const channel = new LocalChannel()
    this.#use(channel)
    return channel.streams
  }

  /** All transforms that there were. */
  get statistics(): TransformStatistics {
    return structuredClone(this.#counters)
  }

  /** Who gives packets gives them to the result. Without a transform they go right on to `next`. */
  attach(next: TrackConsumer): AttachedConsumer {
    const attachment: Attachment = new Attachment(
      next,
      () => this.#createStage(next),
      () => this.#attachments.delete(attachment),
    )
    attachment.transforms = this.#exchange !== undefined
    this.#attachments.add(attachment)
    return attachment
  }

  /**
   * Somebody who receives what is sent asks for a keyframe.
   *
   * @returns false if no transform sees to it, and the source of the track has to be asked
   */
  keyframeRequested(rid: string | undefined): boolean {
    return this.#exchange?.keyframeRequested(rid) ?? false
  }

  /** The sender or receiver has stopped: the streams of the transform end. */
  close(): void {
    this.#closed = true
    this.#exchange?.close()
    for (const attachment of this.#attachments) attachment.detach()
  }

  #use(channel: FrameChannel | undefined): void {
    const { side, kind } = this.#owner
    this.#exchange?.close()
    this.#exchange = channel
      ? new FrameExchange({
          channel,
          side,
          kind,
          counters: this.#counters,
          activeLayers: () => this.#owner.activeLayers(),
          requestKeyframe: rid => this.#owner.requestKeyframe(rid, undefined),
        })
      : undefined
    if (this.#closed) this.#exchange?.close()
    for (const attachment of this.#attachments) attachment.transforms = this.#exchange !== undefined
  }

  #createStage(next: TrackConsumer): FrameStage {
    const owner = this.#owner
    return new FrameStage({
      side: owner.side,
      kind: owner.kind,
      counters: this.#counters,
      next,
      now: () => owner.now(),
      wallTime: () => owner.wallTime(),
      setTimer: (delayMs, callback) => owner.setTimer(delayMs, callback),
      requestKeyframe: (rid, ssrc) => owner.requestKeyframe(rid, ssrc),
      // The transform may be another one by the time that a frame is whole.
      offer: (contents, ticket) => (this.#exchange ? this.#exchange.offer(contents, ticket) : 'ended'),
      hasEnded: () => this.#exchange?.hasEnded ?? true,
      describe: (packet, context) => owner.describe(packet, context),
      timestampOf: (timestamp, context) => owner.timestampOf(timestamp, context),
    })
  }
}

class Attachment implements AttachedConsumer {
  readonly #next: TrackConsumer
  readonly #createStage: () => FrameStage
  readonly #detached: () => void
  #stage: FrameStage | undefined
  #state: 'direct' | 'transforms' | 'detached' = 'direct'

  constructor(next: TrackConsumer, createStage: () => FrameStage, detached: () => void) {
    this.#next = next
    this.#createStage = createStage
    this.#detached = detached
  }

  get transforms(): boolean {
    return this.#state === 'transforms'
  }

  set transforms(transforms: boolean) {
    if (this.#state === 'detached') return
    this.#state = transforms ? 'transforms' : 'direct'
    if (transforms) return
    this.#stage?.close()
    this.#stage = undefined
  }

  packet(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean {
    if (this.#state === 'direct') return this.#next.packet(packet, context, raw)
    if (this.#state === 'detached') return false
    this.#stage ??= this.#createStage()
    return this.#stage.packet(packet, context)
  }

  detach(): void {
    this.transforms = false
    this.#state = 'detached'
    this.#detached()
  }
}

/** RTCRtpTransform?, as far as it is implemented: SFrame is not. */
function toTransform(value: unknown): RTCRtpScriptTransform | null {
  if (value === null || value === undefined) return null
  if (implementsInterface(RTCRtpScriptTransform, value)) return value
  throw new TypeError("transform is not of type 'RTCRtpScriptTransform'")
}
