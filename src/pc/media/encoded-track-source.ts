import { defaultMaxPayloadBytes, maxFrameBytes, type PacketizedPayload, PayloadError } from '../../rtp/payload/frame.ts'
import {
  type Converter,
  dictionary,
  domString,
  enforceRange,
  exposeInterface,
  optional,
  requireArguments,
  required,
  withDefault,
} from '../webidl.ts'
import { viewBytes } from './buffer-source.ts'
import { toMediaCodec, toMediaKind } from './codec-argument.ts'
import { type ConvertedFrame, toWrittenFrame, type WrittenFrame } from './frame-argument.ts'
import { FrameStream } from './frame-stream.ts'
import { type AvcDescription, annexBOf, parseAvcDescription } from './h264-avc.ts'
import { type MediaEnvironment, systemMediaEnvironment } from './media-environment.ts'
import { type PayloadFormat, payloadFormat } from './payload-formats.ts'
import { maxStreams } from './source-core.ts'
import type { MediaCodec, MediaKind } from './track-signal.ts'
import { WrittenTrack, WrittenTrackSource } from './written-track-source.ts'

export interface EncodedTrackSourceOptions {
  /** `'video/VP8'`, or with its parameters. Opus, PCMU, PCMA, VP8, VP9 and H.264 can be packetised. */
  codec: string | MediaCodec
  /** H.264 of an MP4 file: its avcC record (WebCodecs: `decoderConfig.description`), where frames come without parameter sets. */
  description?: Uint8Array | ArrayBuffer | ArrayBufferView
  label?: string
  /** The longest payload of a packet, in bytes. 1200 if not given. */
  maxPayloadBytes?: number
  /** Clock, timers and randomness; the system's if not given. */
  environment?: MediaEnvironment
}

/**
 * Why a frame was not passed on.
 *
 * - `malformed`: it is none of the codec, or cannot be cut into packets
 * - `unused`: nobody takes packets of the track, or it is disabled
 * - `awaitsKeyframe`: it is not the keyframe with which those who listen have to begin
 * - `tooManyStreams`: one of too many encodings
 * - `closed`: the source is closed, or its tracks are stopped
 */
export type EncodedTrackSourceDrop = 'malformed' | 'unused' | 'awaitsKeyframe' | 'tooManyStreams' | 'closed'

export interface EncodedTrackSourceStats {
  /** Calls of write(). */
  readonly written: number
  /** Frames that were passed on; some of their packets may have been `refused`. */
  readonly frames: number
  readonly keyframes: number
  readonly packets: number
  readonly bytes: number
  /** Packets that somebody took no more of: too much waits to be sent. */
  readonly refused: number
  readonly keyframeRequests: number
  readonly dropped: Readonly<Record<EncodedTrackSourceDrop, number>>
}

type ConvertedOptions = {
  codec: string | MediaCodec
  description?: Uint8Array
  label: string
  maxPayloadBytes: number
}

const toOptions: Converter<ConvertedOptions> = dictionary('EncodedTrackSourceOptions', {
  codec: required((value: unknown, context: string) =>
    typeof value === 'string' ? value : toMediaCodec(value, context),
  ),
  description: optional(viewBytes),
  label: withDefault(domString, ''),
  maxPayloadBytes: withDefault(enforceRange.unsignedShort, defaultMaxPayloadBytes),
})

/** The shortest payload that packetizers are asked for. */
const minPayloadBytes = 64

/** Frames of an encoder, or of a file, as a track. Each is cut into packets once, for all connections that send it. */
export class EncodedTrackSource extends WrittenTrackSource {
  static {
    exposeInterface(EncodedTrackSource, 'EncodedTrackSource', { implementedBy: value => #written in value })
  }

  readonly #written: WrittenTrack
  readonly #environment: MediaEnvironment
  readonly #format: PayloadFormat
  readonly #codec: MediaCodec
  readonly #description: AvcDescription | undefined
  readonly #maxPayloadBytes: number
  readonly #streams: Map<string | undefined, FrameStream>
  readonly #dropped = { malformed: 0, unused: 0, awaitsKeyframe: 0, tooManyStreams: 0, closed: 0 }
  #writes = 0
  #frames = 0
  #keyframes = 0
  #packets = 0
  #bytes = 0
  #refused = 0

  /**
   * @throws {TypeError} if a kind or option is none
   * @throws {DOMException} NotSupportedError for a codec whose frames cannot be put into packets, AV1 among them
   */
  constructor(kind: MediaKind, options: EncodedTrackSourceOptions) {
    requireArguments(arguments.length, 2, 'EncodedTrackSource constructor')
    const trackKind = toMediaKind(kind, 'EncodedTrackSource constructor: argument 1')
    const context = 'EncodedTrackSource constructor: argument 2'
    const { codec, description, label, maxPayloadBytes } = toOptions(options, context)
    if (maxPayloadBytes < minPayloadBytes) throw new TypeError(`payloads of ${maxPayloadBytes} bytes`)
    const format = supportedFormat(trackKind, typeof codec === 'string' ? codec : codec.mimeType)
    const avc = description && parseAvcDescription(description, `${context}: description`)
    const environment = options.environment ?? systemMediaEnvironment
    const streams = new Map<string | undefined, FrameStream>()
    const written = new WrittenTrack({
      kind: trackKind,
      label,
      environment,
      started: () => {
        for (const stream of streams.values()) stream.awaitsKeyframe = true
        written.core.requestKeyframe()
      },
    })
    super(written)
    this.#written = written
    this.#streams = streams
    this.#format = format
    this.#codec = typeof codec === 'string' ? format.codec : codec
    this.#description = avc
    this.#maxPayloadBytes = maxPayloadBytes
    this.#environment = environment
  }

  get codec(): MediaCodec {
    return this.#codec
  }

  get stats(): EncodedTrackSourceStats {
    return {
      written: this.#writes,
      frames: this.#frames,
      keyframes: this.#keyframes,
      packets: this.#packets,
      bytes: this.#bytes,
      refused: this.#refused,
      keyframeRequests: this.#written.keyframeRequests,
      dropped: { ...this.#dropped },
    }
  }

  /**
   * Gives a frame to all who take the track now. H.264 may be a byte stream (annex B) or have lengths (AVC).
   *
   * @returns false if it was dropped, or if it is time to write less ({@link ready}); {@link stats} counts why
   * @throws {TypeError} if a member is not of its type, or nothing tells the time of the frame
   */
  write(frame: WrittenFrame): boolean {
    const converted = toWrittenFrame(frame, 'EncodedTrackSource.write: argument 1')
    this.#writes++
    if (this.#written.core.closed) return this.#drop('closed')
    const stream = this.#streamOf(converted.rid)
    if (stream === undefined) return this.#drop('tooManyStreams')
    const timestamp = stream.timeOf(converted.data, converted)
    if (!this.#written.core.hasConsumers) {
      this.#written.readiness.pause()
      return this.#drop('unused')
    }
    const isH264 = this.#format.codec.mimeType === 'video/H264'
    const data = isH264 ? annexBOf(converted.data, this.#description) : converted.data
    const keyframe = converted.keyframe ?? this.#format.isKeyframe(data)
    if (stream.awaitsKeyframe && !keyframe) return this.#drop('awaitsKeyframe')
    const payloads = packetize(stream, data, converted)
    if (payloads.length === 0) return this.#drop('malformed')
    if (keyframe) {
      stream.awaitsKeyframe = false
      this.#keyframes++
    }
    this.#frames++
    return this.#deliver(stream, payloads, timestamp)
  }

  /** All packets of it, even if some are refused: those who take them get a whole frame. */
  #deliver(stream: FrameStream, payloads: readonly PacketizedPayload[], timestamp: number): boolean {
    let taken = true
    for (const payload of payloads) {
      this.#packets++
      this.#bytes += payload.payload.length
      if (this.#written.core.deliver(stream.packet(payload, timestamp), stream.context, undefined)) continue
      taken = false
      this.#refused++
    }
    if (!taken) this.#written.readiness.hold()
    return taken
  }

  #drop(reason: EncodedTrackSourceDrop): false {
    this.#dropped[reason]++
    return false
  }

  #streamOf(rid: string | undefined): FrameStream | undefined {
    const known = this.#streams.get(rid)
    if (known !== undefined) return known
    if (this.#streams.size >= maxStreams) return undefined
    const stream = new FrameStream({
      format: this.#format,
      codec: this.#codec,
      rid,
      maxPayloadBytes: this.#maxPayloadBytes,
      random: this.#environment.random,
    })
    this.#streams.set(rid, stream)
    return stream
  }
}

function supportedFormat(kind: MediaKind, mimeType: string): PayloadFormat {
  const format = payloadFormat(mimeType)
  if (format === undefined) throw new DOMException(`no packetizer for ${mimeType.slice(0, 40)}`, 'NotSupportedError')
  if (format.kind !== kind) throw new TypeError(`${format.codec.mimeType} is not ${kind}`)
  return format
}

/** The payloads of a frame; none if it is not one of its codec. */
function packetize(stream: FrameStream, data: Uint8Array, frame: ConvertedFrame): readonly PacketizedPayload[] {
  if (data.length > maxFrameBytes) return []
  try {
    return stream.packetize(data, frame)
  } catch (error) {
    if (error instanceof PayloadError) return []
    throw error
  }
}
