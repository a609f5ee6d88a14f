import type { RtpPacket } from '../../rtp/packet.ts'
import type { RtpSendStream } from '../../rtp/session/send-stream.ts'
import type { MediaCodec, MediaKind } from '../media/track-signal.ts'
import type { SenderSlots } from '../rtp/slots.ts'
import type { RTCQualityLimitationReason } from './dictionaries.ts'
import { type MarkReader, markReader } from './picture-marks.ts'
import { QualityLimitation } from './quality-limitation.ts'
import { SampleMeter } from './sample-meter.ts'
import { SentPictures } from './sent-pictures.ts'

/** Encodings of a source whose pictures are counted apart; what it gives beyond that is not looked at. */
export const maxSourceEncodings = 32

/** What an encoding is given. */
export interface EncodingAllotment {
  readonly ssrc: number
  /** Bits per second. */
  readonly bitrate: number
  readonly limitation: RTCQualityLimitationReason
}

/** An encoding that is sent. */
export class SentEncoding {
  readonly ssrc: number
  readonly pictures: SentPictures = new SentPictures()
  readonly limitation: QualityLimitation
  /** Bits per second; undefined if nothing is sent of it. */
  target: number | undefined

  constructor(ssrc: number, now: number) {
    this.ssrc = ssrc
    this.limitation = new QualityLimitation(now)
  }
}

/** What the packets of a track tell, as its source gives them. */
export class SourceMedia {
  readonly samples: SampleMeter = new SampleMeter()
  /** By rid: the same pictures in several sizes. */
  readonly #pictures = new Map<string | undefined, SentPictures>()
  #since: number | undefined

  packet(
    packet: RtpPacket,
    rid: string | undefined,
    codec: MediaCodec,
    reader: MarkReader | undefined,
    now: number,
  ): void {
    this.#since ??= now
    let pictures = this.#pictures.get(rid)
    if (pictures === undefined) {
      if (this.#pictures.size >= maxSourceEncodings) return
      pictures = new SentPictures()
      this.#pictures.set(rid, pictures)
    }
    pictures.packet(packet, reader, codec.clockRate, undefined, now)
  }

  get frames(): number {
    return Math.max(0, ...[...this.#pictures.values()].map(({ frames }) => frames))
  }

  /** Of the largest encoding. */
  get size(): SentPictures['size'] {
    const sizes = [...this.#pictures.values()].map(({ size }) => size).filter(size => size !== undefined)
    return sizes.sort((a, b) => b.width * b.height - a.width * a.height)[0]
  }

  /** webrtc-stats §8.13, framesPerSecond: not in the first second. */
  framesPerSecond(now: number): number | undefined {
    if (this.#since === undefined || now - this.#since < 1_000) return undefined
    return Math.max(0, ...[...this.#pictures.values()].map(({ rate }) => rate.framesPerSecond(now)))
  }
}

/** What a sender's packets tell of its media, before they go through its transform. */
export class SentMedia {
  readonly #kind: MediaKind
  readonly #encodings = new Map<number, SentEncoding>()
  #source = new SourceMedia()
  #codec: MediaCodec | undefined
  #reader: MarkReader | undefined

  constructor(kind: MediaKind) {
    this.#kind = kind
  }

  get source(): SourceMedia {
    return this.#source
  }

  /** Another track is sent: webrtc-stats §8.11, its counters begin anew. */
  replaced(): void {
    this.#source = new SourceMedia()
  }

  encoding(ssrc: number): SentEncoding | undefined {
    return this.#encodings.get(ssrc)
  }

  /** What is sent from now on; what is not among it any more may be again. */
  allotted(allotments: readonly EncodingAllotment[], now: number): void {
    for (const encoding of this.#encodings.values()) encoding.target = undefined
    for (const { ssrc, bitrate, limitation } of allotments) {
      const encoding = this.#encodingOf(ssrc, now)
      encoding.target = bitrate
      encoding.limitation.become(limitation, now)
    }
  }

  /** The encodings are these: what was told of others is forgotten. */
  keep(ssrcs: readonly number[]): void {
    for (const ssrc of this.#encodings.keys()) if (!ssrcs.includes(ssrc)) this.#encodings.delete(ssrc)
  }

  /**
   * A packet as the source gives it.
   *
   * @param stream that it is sent in; undefined if it is not
   * @param level as RFC 6464 has it; undefined if the packet does not tell
   */
  packet(
    packet: RtpPacket,
    rid: string | undefined,
    codec: MediaCodec,
    stream: RtpSendStream | undefined,
    level: number | undefined,
    now: number,
  ): void {
    if (this.#kind === 'audio') {
      this.#source.samples.packet(packet.payload, codec, level)
      return
    }
    if (codec !== this.#codec) {
      this.#codec = codec
      this.#reader = markReader(codec.mimeType)
    }
    this.#source.packet(packet, rid, codec, this.#reader, now)
    if (stream === undefined) return
    const encoding = this.#encodingOf(stream.ssrc, now)
    if (encoding.pictures.packet(packet, this.#reader, codec.clockRate, encoding.target, now)) {
      encoding.limitation.resized()
    }
  }

  #encodingOf(ssrc: number, now: number): SentEncoding {
    let encoding = this.#encodings.get(ssrc)
    if (encoding === undefined) {
      encoding = new SentEncoding(ssrc, now)
      this.#encodings.set(ssrc, encoding)
    }
    return encoding
  }
}

const media = new WeakMap<object, SentMedia>()

/** The one of each sender. */
export function sentMediaOf(sender: Pick<SenderSlots, 'kind'>): SentMedia {
  let found = media.get(sender)
  if (found === undefined) {
    found = new SentMedia(sender.kind)
    media.set(sender, found)
  }
  return found
}
