import type { RtpPacket } from '../../rtp/packet.ts'
import type { ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { MediaCodec, MediaKind } from '../media/track-signal.ts'
import { type MarkReader, markReader } from './picture-marks.ts'
import { ReceivedPictures } from './received-pictures.ts'
import { SampleMeter } from './sample-meter.ts'

/** What the packets of a stream that is received tell of its media. */
export class ReceivedMedia {
  /** Of video. */
  readonly pictures: ReceivedPictures | undefined
  /** Of audio. */
  readonly samples: SampleMeter | undefined
  /** The last packet of audio, as {@link ReceivedPictures.last} is the last picture. */
  #lastSamples: ReceivedPictures['last']
  #codec: MediaCodec | undefined
  #reader: MarkReader | undefined

  constructor(kind: MediaKind) {
    this.pictures = kind === 'video' ? new ReceivedPictures() : undefined
    this.samples = kind === 'audio' ? new SampleMeter() : undefined
  }

  /** What could be played last, and when. */
  get last(): ReceivedPictures['last'] {
    return this.pictures?.last ?? this.#lastSamples
  }

  /** Of the packet that came last. */
  get isReadable(): boolean {
    return this.#reader !== undefined
  }

  /** @param level as RFC 6464 has it; undefined if the packet does not tell */
  packet(packet: RtpPacket, codec: MediaCodec, level: number | undefined, now: number): void {
    if (this.pictures !== undefined) {
      if (codec !== this.#codec) {
        this.#codec = codec
        this.#reader = markReader(codec.mimeType)
      }
      this.pictures.packet(packet, this.#reader, now)
    } else if (packet.payload.length > 0) {
      this.samples?.packet(packet.payload, codec, level)
      this.#lastSamples = { timestamp: packet.timestamp, at: now }
    }
  }
}

const media = new WeakMap<ReceiveStream, ReceivedMedia>()

/** The one of each stream. */
export function receivedMediaOf(stream: ReceiveStream, kind: MediaKind): ReceivedMedia {
  let found = media.get(stream)
  if (found === undefined) {
    found = new ReceivedMedia(kind)
    media.set(stream, found)
  }
  return found
}
