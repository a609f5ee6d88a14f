import { type RtpPacket, serializeRtp } from '../../rtp/packet.ts'
import {
  type Converter,
  dictionary,
  domString,
  enforceRange,
  exposeInterface,
  instance,
  requireArguments,
  withDefault,
} from '../webidl.ts'
import type { ItemQueue } from './item-queue.ts'
import { isMediaStreamTrack, type MediaStreamTrack, observeTrack, readableSourceOf } from './media-stream-track.ts'
import { SinkOutlets } from './sink-outlets.ts'
import type { MediaCodec, StreamContext, TrackConsumer, TrackSource } from './track-signal.ts'

export interface RtpTrackSinkOptions {
  /** Packets that an async iterator keeps at most; the oldest ones give way. 1024 if not given. */
  queueLimit?: number
}

/** A packet of a track. */
export interface SinkPacket {
  /** The whole packet, as bytes. They must not be changed. */
  readonly data: Uint8Array
  readonly packet: RtpPacket
  /**
   * It has no payload: senders probe the path with such packets. They are given like others, since their numbers are part of
   * the sequence; who records or plays what packets hold leaves them out.
   */
  readonly isPadding: boolean
  /** Of a simulcast: which encoding it belongs to. */
  readonly rid: string | undefined
  readonly codec: MediaCodec | undefined
}

export interface RtpTrackSinkStats {
  readonly packets: number
  /** Packets that async iterators threw away, because they were not read in time. */
  readonly dropped: number
}

/** RTP packets that an async iterator keeps at most, in bytes of payload. */
export const maxQueuedPacketBytes: number = 8 * 1024 * 1024

const toTrack: Converter<MediaStreamTrack> = instance('MediaStreamTrack', isMediaStreamTrack)
const toOptions: Converter<Required<RtpTrackSinkOptions>> = dictionary('RtpTrackSinkOptions', {
  queueLimit: withDefault(enforceRange.unsignedLong, 1_024),
})

/**
 * The RTP packets of a track, as they come: in the order of their arrival, without those that were lost.
 *
 * `onpacket` is called for each; `for await (const { data } of sink)` gives those that come from then on.
 */
export class RtpTrackSink implements AsyncIterable<SinkPacket> {
  static {
    exposeInterface(RtpTrackSink, 'RtpTrackSink', { implementedBy: value => #source in value })
  }

  readonly #source: TrackSource
  readonly #outlets: SinkOutlets<SinkPacket>
  readonly #release: () => void
  #packets = 0

  /**
   * @throws {TypeError} if it is not given a track
   * @throws {DOMException} SecurityError for a track that is isolated
   */
  constructor(track: MediaStreamTrack, options: RtpTrackSinkOptions = {}) {
    const context = 'RtpTrackSink constructor'
    requireArguments(arguments.length, 1, context)
    const source = readableSourceOf(toTrack(track, `${context}: argument 1`))
    const { queueLimit } = toOptions(options, `${context}: argument 2`)
    const bounds = { maxItems: Math.max(1, queueLimit), maxBytes: maxQueuedPacketBytes }
    this.#source = source
    const outlets = new SinkOutlets<SinkPacket>(bounds, ({ packet }) => packet.payload.length)
    this.#outlets = outlets
    const consumer: TrackConsumer = {
      packet: (packet, stream, raw) => {
        // Made for a sender, in a size of its own.
        if (stream.madeFor) return true
        this.#packets++
        outlets.give(new ReceivedRtp(packet, stream, raw))
        return true
      },
    }
    const unsubscribe = source.subscribe(consumer)
    const unobserve = observeTrack(track, { ended: () => this.close() })
    this.#release = () => {
      unsubscribe()
      unobserve()
    }
    if (track.readyState === 'ended') this.close()
  }

  /** Called with each packet, at once: what takes long belongs elsewhere. */
  get onpacket(): ((packet: SinkPacket) => unknown) | null {
    return this.#outlets.handler
  }

  set onpacket(handler: ((packet: SinkPacket) => unknown) | null) {
    this.#outlets.handler = typeof handler === 'function' ? handler : null
  }

  get stats(): RtpTrackSinkStats {
    return { packets: this.#packets, dropped: this.#outlets.dropped }
  }

  /** Asks the sender for a keyframe; often is as good as once. */
  requestKeyframe(rid?: string): void {
    this.#source.requestKeyframe(rid === undefined ? undefined : domString(rid, 'RtpTrackSink.requestKeyframe: rid'))
  }

  /** Takes no more packets. Async iterators end when they have given what they hold. So they do when the track ends. */
  close(): void {
    this.#release()
    this.#outlets.end()
  }

  [Symbol.asyncIterator](): ItemQueue<SinkPacket> {
    return this.#outlets.iterate()
  }
}

class ReceivedRtp implements SinkPacket {
  readonly packet: RtpPacket
  readonly #context: StreamContext
  #raw: Uint8Array | undefined

  constructor(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined) {
    this.packet = packet
    this.#context = context
    this.#raw = raw
  }

  get data(): Uint8Array {
    this.#raw ??= serializeRtp(this.packet)
    return this.#raw
  }

  get isPadding(): boolean {
    return this.packet.payload.length === 0
  }

  get rid(): string | undefined {
    return this.#context.rid
  }

  get codec(): MediaCodec | undefined {
    return this.#context.codec
  }
}
