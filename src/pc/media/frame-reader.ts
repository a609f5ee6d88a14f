import { JitterBuffer, type JitterStatistics } from '../../rtp/jitter-buffer.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
import type { EncodedFrame, FrameDependency } from '../../rtp/payload/frame.ts'
import { payloadFormat } from './payload-formats.ts'
import type { MediaCodec, StreamContext } from './track-signal.ts'

/** A frame of a track, whole. */
export interface ReceivedFrame {
  /** H.264 as a byte stream (annex B). Must not be changed. */
  readonly data: Uint8Array
  /** 32 bits, in units of the codec's clock. */
  readonly timestamp: number
  /** Can be decoded without any other. Audio always can. */
  readonly keyframe: boolean
  readonly codec: MediaCodec
  /** Of a simulcast: which encoding it belongs to. */
  readonly rid: string | undefined
  /** When the last of its packets came, in milliseconds of `performance.now()`. */
  readonly receivedAt: number
  /** Packets before it are missing, and with them frames. */
  readonly afterLoss: boolean
  /** What the payload descriptor of VP8 and VP9 tells of it. */
  readonly dependency: FrameDependency | undefined
}

export interface FrameReaderOptions {
  readonly minDelayMs: number
  readonly maxDelayMs: number
}

/** Whom a reader tells what came of its packets. */
export interface FrameReaderEvents {
  frame(frame: ReceivedFrame): void
  keyframeNeeded(rid: string | undefined): void
}

/** Frames whose arrival is remembered until they are given. */
const maxArrivals = 2_048
/** Longer than anything is waited for in a buffer. */
const flushMs = 60_000
const noPayload = new Uint8Array(0)

/** Puts the packets of one stream into order, and frames together. */
export class FrameReader {
  #context: StreamContext
  #codec: MediaCodec
  readonly #buffer: JitterBuffer
  readonly #events: FrameReaderEvents
  /** By timestamp: when the last packet came. */
  readonly #arrivals = new Map<number, number>()
  #keyframes = 0
  #bytes = 0

  private constructor(context: StreamContext, codec: MediaCodec, buffer: JitterBuffer, events: FrameReaderEvents) {
    this.#context = context
    this.#codec = codec
    this.#buffer = buffer
    this.#events = events
  }

  /** Undefined if the codec is one that frames cannot be made of. */
  static of(context: StreamContext, options: FrameReaderOptions, events: FrameReaderEvents): FrameReader | undefined {
    const { codec } = context
    const format = codec && payloadFormat(codec.mimeType)
    if (codec === undefined || format === undefined || codec.clockRate === 0) return undefined
    const depacketizer = format.depacketizer(codec)
    const video = format.kind === 'video'
    return new FrameReader(
      context,
      codec,
      new JitterBuffer({ ...options, depacketizer, clockRate: codec.clockRate, video }),
      events,
    )
  }

  get statistics(): JitterStatistics & { readonly keyframes: number; readonly bytes: number } {
    return { ...this.#buffer.statistics, keyframes: this.#keyframes, bytes: this.#bytes }
  }

  /** What the packets have in common that come now. */
  get context(): StreamContext {
    return this.#context
  }

  /** Whether packets with that context are numbered together with those of this stream. */
  sharesNumbering({ numbering }: StreamContext): boolean {
    return numbering !== undefined && numbering === this.#context.numbering
  }

  /** Goes on with another context, if what comes is the same stream in the same codec. */
  adopt(context: StreamContext): boolean {
    const { codec } = context
    if (codec === undefined || !this.sharesNumbering(context) || context.rid !== this.#context.rid) return false
    if (codec.mimeType.toLowerCase() !== this.#codec.mimeType.toLowerCase()) return false
    if (codec.clockRate !== this.#codec.clockRate) return false
    this.#context = context
    this.#codec = codec
    return true
  }

  /** How long frames are to be held back, in milliseconds; undefined: as its options have it. */
  setTarget(targetMs: number | undefined): void {
    this.#buffer.setTarget(targetMs)
  }

  receive(packet: RtpPacket, now: number): void {
    if (packet.payload.length === 0) {
      this.pass(packet, now)
      return
    }
    if (this.#arrivals.size >= maxArrivals) this.#arrivals.clear()
    if (this.#buffer.receive(packet, now) === undefined) this.#arrivals.set(packet.timestamp, now)
    this.poll(now)
  }

  /** A packet of the same stream that is part of no frame: its number is not missing. */
  pass({ sequenceNumber, timestamp, marker }: RtpPacket, now: number): void {
    this.#buffer.receive({ sequenceNumber, timestamp, marker, payload: noPayload }, now)
    this.poll(now)
  }

  /** Gives what is due. */
  poll(now: number): void {
    for (let event = this.#buffer.poll(now); event !== undefined; event = this.#buffer.poll(now)) {
      if (event.kind === 'frame') this.#give(event.frame, now)
      else if (event.kind === 'keyframe-needed') this.#events.keyframeNeeded(this.#context.rid)
    }
  }

  /** Gives what is there of a stream that is over. */
  flush(now: number): void {
    const later = now + flushMs
    for (let event = this.#buffer.poll(later); event !== undefined; event = this.#buffer.poll(later)) {
      if (event.kind === 'frame') this.#give(event.frame, now)
    }
  }

  pollTimeout(): number | undefined {
    return this.#buffer.pollTimeout()
  }

  #give({ data, timestamp, keyframe, afterLoss, dependency }: EncodedFrame, now: number): void {
    const receivedAt = this.#arrivals.get(timestamp) ?? now
    this.#arrivals.delete(timestamp)
    this.#bytes += data.length
    if (keyframe) this.#keyframes++
    const { rid } = this.#context
    this.#events.frame({ data, timestamp, keyframe, codec: this.#codec, rid, receivedAt, afterLoss, dependency })
  }
}
