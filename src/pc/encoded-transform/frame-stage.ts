import type { RtpPacket } from '../../rtp/packet.ts'
import type { StreamContext, TrackConsumer } from '../media/track-signal.ts'
import { isBeside } from './frame-formats.ts'
import type { FrameOrigin } from './frame-metadata.ts'
import { type StageHost, StageStream } from './stage-stream.ts'

/** Streams of one track whose frames are put together at the same time; with one more, the oldest is forgotten. */
export const maxStageStreams = 32

export interface FrameStageOptions extends StageHost {
  /** What a packet is in the terms that were negotiated; undefined if it is nothing. */
  describe(packet: RtpPacket, context: StreamContext): FrameOrigin | undefined
}

/** Stands between the packets of a track and whoever takes them: gives a transform frames, and makes packets of what it gives. */
export class FrameStage implements TrackConsumer {
  readonly #options: FrameStageOptions
  /** By what stands for their numbering, in the order in which they came up. */
  readonly #streams = new Map<object, StageStream>()

  constructor(options: FrameStageOptions) {
    this.#options = options
  }

  packet(packet: RtpPacket, context: StreamContext): boolean {
    const origin = this.#options.describe(packet, context)
    if (origin === undefined) {
      this.#options.counters.droppedPackets.unsupported++
      return false
    }
    const key = context.numbering ?? context
    const stream = this.#streams.get(key) ?? this.#add(key)
    return isBeside(origin.codec) ? stream.beside(packet, context, origin) : stream.packet(packet, context, origin)
  }

  /** Frames that are with the transform yet are given on no longer. */
  close(): void {
    for (const stream of this.#streams.values()) stream.close()
    this.#streams.clear()
  }

  #add(key: object): StageStream {
    const [oldest] = this.#streams
    if (oldest && this.#streams.size >= maxStageStreams) {
      oldest[1].close()
      this.#streams.delete(oldest[0])
    }
    const stream = new StageStream(this.#options)
    this.#streams.set(key, stream)
    return stream
  }
}
