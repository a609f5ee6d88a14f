import type { RandomSource } from '../../base/environment.ts'
import { randomUint32 } from '../../base/random.ts'
import { HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
import type { PacketizedPayload, Packetizer } from '../../rtp/payload/frame.ts'
import type { ConvertedFrame } from './frame-argument.ts'
import type { PayloadFormat } from './payload-formats.ts'
import type { MediaCodec, StreamContext } from './track-signal.ts'

const noExtensions = new HeaderExtensionMap()
const noCsrcs: readonly number[] = Object.freeze([])

export interface FrameStreamOptions {
  readonly format: PayloadFormat
  readonly codec: MediaCodec
  readonly rid: string | undefined
  /** See {@link StreamContext}. */
  readonly madeFor?: object | null
  readonly maxPayloadBytes: number
  readonly random: RandomSource
}

type FrameMarks = Pick<ConvertedFrame, 'dependency' | 'startsTalkspurt'>

/** The RTP stream that the frames of one encoding become. */
export class FrameStream {
  readonly context: StreamContext
  /** What comes before the first keyframe that somebody gets is of no use to anybody. */
  awaitsKeyframe = true
  readonly #format: PayloadFormat
  readonly #clockRate: number
  readonly #packetizer: Packetizer
  readonly #ssrc: number
  #sequenceNumber: number
  /** Where the last frame ends, in units of the clock. */
  #next = 0

  constructor({ format, codec, rid, madeFor, maxPayloadBytes, random }: FrameStreamOptions) {
    // An audio encoder gives a packet at a time, and those do not wait behind pictures.
    this.context = { codec, rid, extensions: noExtensions, paced: format.kind === 'video', madeFor }
    this.#format = format
    this.#clockRate = codec.clockRate
    this.#packetizer = format.packetizer(codec, maxPayloadBytes)
    this.#ssrc = randomUint32(random)
    // RFC 3550 §5.1: the initial value is random.
    this.#sequenceNumber = randomUint32(random) & 0xffff
  }

  /**
   * The payloads of a frame.
   *
   * @throws {PayloadError} if it is not one of this codec
   */
  packetize(data: Uint8Array, { dependency, startsTalkspurt }: FrameMarks = {}): readonly PacketizedPayload[] {
    return this.#packetizer.packetize({ data, dependency, startsTalkspurt })
  }

  /**
   * The time of a frame, in units of the clock; the next one without a time of its own follows when this one is over.
   *
   * @throws {TypeError} if nothing tells it
   */
  timeOf(data: Uint8Array, { timestamp, timestampMs, durationMs }: ConvertedFrame): number {
    const duration = durationMs === undefined ? this.#format.duration(data) : this.#ticks(durationMs)
    const given = timestamp ?? (timestampMs === undefined ? undefined : this.#ticks(timestampMs))
    if (given === undefined && duration === undefined) {
      throw new TypeError('EncodedTrackSource.write: a timestamp, timestampMs or durationMs is required')
    }
    const at = given ?? this.#next
    this.#next = at + (duration ?? 0)
    return toUint32(Math.round(at))
  }

  packet(payload: PacketizedPayload, timestamp: number): RtpPacket {
    const sequenceNumber = this.#sequenceNumber
    this.#sequenceNumber = (sequenceNumber + 1) & 0xffff
    return {
      payloadType: this.#format.payloadType,
      sequenceNumber,
      timestamp: toUint32(timestamp + payload.timestampOffset),
      ssrc: this.#ssrc,
      marker: payload.marker,
      csrcs: noCsrcs,
      extension: undefined,
      payload: payload.payload,
      paddingLength: 0,
    }
  }

  #ticks(milliseconds: number): number {
    return (milliseconds * this.#clockRate) / 1_000
  }
}

/** Modulo 2^32, also of what is far beyond. */
function toUint32(value: number): number {
  return value >>> 0
}
