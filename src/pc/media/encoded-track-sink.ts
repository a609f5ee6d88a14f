import type { CancelTimer } from '../../base/environment.ts'
import { longestDelayMs } from '../../rtp/jitter-buffer.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
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
import { FrameReader, type FrameReaderEvents, type ReceivedFrame } from './frame-reader.ts'
import type { ItemQueue } from './item-queue.ts'
import { type MediaEnvironment, systemMediaEnvironment } from './media-environment.ts'
import { isMediaStreamTrack, type MediaStreamTrack, observeTrack, readableSourceOf } from './media-stream-track.ts'
import { payloadFormat } from './payload-formats.ts'
import { SinkOutlets } from './sink-outlets.ts'
import { maxStreams } from './source-core.ts'
import type { StreamContext, TrackConsumer, TrackSource } from './track-signal.ts'

export interface EncodedTrackSinkOptions {
  /** The least that frames are held back, in milliseconds. 20 if not given. */
  minDelayMs?: number
  /** The most that a whole frame is held back, in milliseconds. 500 if not given, 4000 at most. */
  maxDelayMs?: number
  /** Frames that an async iterator keeps at most; the oldest ones give way. 128 if not given. */
  queueLimit?: number
  /** Clock and timers; the system's if not given. */
  environment?: MediaEnvironment
}

export interface EncodedTrackSinkStats {
  readonly frames: number
  readonly keyframes: number
  readonly bytes: number
  readonly packets: number
  readonly lostPackets: number
  /** Packets that came when their frame had been given up. */
  readonly latePackets: number
  readonly repeatedPackets: number
  /** Packets that are not as their payload format has it, or parts of frames that were not whole. */
  readonly refusedPackets: number
  /** Packets of a codec that frames cannot be made of, or of one that is not known. */
  readonly unsupportedPackets: number
  /** Frames that were whole, but useless because of others that were not. */
  readonly undecodableFrames: number
  readonly keyframeRequests: number
  /** Frames that async iterators threw away, because they were not read in time. */
  readonly dropped: number
  /** How long frames are held back now; the longest of all streams. */
  readonly targetDelayMs: number
}

/** Bytes of frames that an async iterator keeps at most. */
export const maxQueuedFrameBytes: number = 32 * 1024 * 1024

const toTrack: Converter<MediaStreamTrack> = instance('MediaStreamTrack', isMediaStreamTrack)
const toOptions: Converter<{ minDelayMs: number; maxDelayMs: number; queueLimit: number }> = dictionary(
  'EncodedTrackSinkOptions',
  {
    maxDelayMs: withDefault(enforceRange.unsignedShort, 500),
    minDelayMs: withDefault(enforceRange.unsignedShort, 20),
    queueLimit: withDefault(enforceRange.unsignedLong, 128),
  },
)

/** RFC 4733, RFC 3389: what comes between the packets of an audio codec, numbered with them. */
const betweenAudio = /^audio\/(telephone-event|CN)$/i

const noCounts = {
  frames: 0,
  keyframes: 0,
  bytes: 0,
  lostPackets: 0,
  latePackets: 0,
  repeatedPackets: 0,
  refusedPayloads: 0,
  undecodableFrames: 0,
}
type Counts = typeof noCounts

/**
 * The encoded frames of a track, in order, each held back until nearly all packets that are on their way will be there.
 *
 * `onframe` is called for each; `for await (const { data } of sink)` gives those that come from then on. Opus, PCMU, PCMA,
 * VP8, VP9 and H.264; the packets of other codecs are counted.
 */
export class EncodedTrackSink implements AsyncIterable<ReceivedFrame> {
  static {
    exposeInterface(EncodedTrackSink, 'EncodedTrackSink', { implementedBy: value => #source in value })
  }

  readonly #environment: MediaEnvironment
  readonly #source: TrackSource
  readonly #outlets: SinkOutlets<ReceivedFrame>
  readonly #delays: { readonly minDelayMs: number; readonly maxDelayMs: number }
  readonly #readers = new Map<string | undefined, FrameReader>()
  readonly #events: FrameReaderEvents
  readonly #release: () => void
  /** The one of the last packet. */
  #reader: FrameReader | undefined
  /** Milliseconds: what the receiver of the track is to hold. */
  #target: number | undefined
  /** Of readers whose streams are over. */
  #past: Counts = noCounts
  #packets = 0
  #unsupportedPackets = 0
  #keyframeRequests = 0
  #timer: { readonly dueAt: number; readonly cancel: CancelTimer } | undefined
  #closed = false

  /**
   * @throws {TypeError} if it is not given a track, or delays that make no sense
   * @throws {DOMException} SecurityError for a track that is isolated
   */
  constructor(track: MediaStreamTrack, options: EncodedTrackSinkOptions = {}) {
    const context = 'EncodedTrackSink constructor'
    requireArguments(arguments.length, 1, context)
    this.#source = readableSourceOf(toTrack(track, `${context}: argument 1`))
    const { minDelayMs, maxDelayMs, queueLimit } = toOptions(options, `${context}: argument 2`)
    if (minDelayMs > maxDelayMs || maxDelayMs > longestDelayMs) {
      throw new TypeError(`${context}: delays from ${minDelayMs} to ${maxDelayMs} ms`)
    }
    this.#environment = options?.environment ?? systemMediaEnvironment
    this.#delays = { minDelayMs, maxDelayMs }
    const bounds = { maxItems: Math.max(1, queueLimit), maxBytes: maxQueuedFrameBytes }
    this.#outlets = new SinkOutlets<ReceivedFrame>(bounds, ({ data }) => data.length)
    this.#events = {
      frame: frame => this.#outlets.give(frame),
      keyframeNeeded: rid => this.#askForKeyframe(rid),
    }
    const consumer: TrackConsumer = { packet: (packet, stream) => this.#receive(packet, stream) }
    const unsubscribe = this.#source.subscribe(consumer)
    const unobserve = observeTrack(track, { ended: () => this.#finish() })
    this.#release = () => {
      unsubscribe()
      unobserve()
    }
    if (track.readyState === 'ended') this.close()
    else if (track.kind === 'video') this.#askForKeyframe(undefined)
  }

  /** Called with each frame, at its time. */
  get onframe(): ((frame: ReceivedFrame) => unknown) | null {
    return this.#outlets.handler
  }

  set onframe(handler: ((frame: ReceivedFrame) => unknown) | null) {
    this.#outlets.handler = typeof handler === 'function' ? handler : null
  }

  get stats(): EncodedTrackSinkStats {
    const counts = [...this.#readers.values()].reduce((sum, reader) => plus(sum, reader.statistics), this.#past)
    const { refusedPayloads, ...common } = counts
    const delays = [...this.#readers.values()].map(reader => reader.statistics.targetDelayMs)
    return {
      ...common,
      packets: this.#packets,
      refusedPackets: refusedPayloads,
      unsupportedPackets: this.#unsupportedPackets,
      keyframeRequests: this.#keyframeRequests,
      dropped: this.#outlets.dropped,
      targetDelayMs: Math.max(0, ...delays),
    }
  }

  /** Asks the sender for a keyframe; often is as good as once. The sink does so itself where it needs one. */
  requestKeyframe(rid?: string): void {
    this.#askForKeyframe(rid === undefined ? undefined : domString(rid, 'EncodedTrackSink.requestKeyframe: rid'))
  }

  /** Gives no more frames; async iterators end when they have given what they hold. The end of the track does that too. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
    this.#timer?.cancel()
    this.#timer = undefined
    this.#outlets.end()
    for (const reader of [...this.#readers.values()]) this.#retire(reader)
    this.#reader = undefined
  }

  /** The track has ended: what has come by then is given. */
  #finish(): void {
    const now = this.#environment.clock.now()
    for (const reader of [...this.#readers.values()]) reader.flush(now)
    this.close()
  }

  [Symbol.asyncIterator](): ItemQueue<ReceivedFrame> {
    return this.#outlets.iterate()
  }

  #receive(packet: RtpPacket, context: StreamContext): boolean {
    // Made for a sender, in a size of its own.
    if (context.madeFor) return true
    this.#packets++
    const now = this.#environment.clock.now()
    const target = this.#source.jitterBufferTarget ?? undefined
    if (target !== this.#target) this.#aimAt(target, now)
    const known = this.#reader?.context === context ? this.#reader : this.#readers.get(context.rid)
    const reader = known?.context === context ? known : this.#switch(packet, context, known, now)
    if (reader === undefined) return true
    this.#reader = reader
    reader.receive(packet, now)
    this.#arm(reader, now)
    return true
  }

  /** A packet of a stream that its encoding did not have before. */
  #switch(
    packet: RtpPacket,
    context: StreamContext,
    before: FrameReader | undefined,
    now: number,
  ): FrameReader | undefined {
    if (before?.adopt(context)) return before
    if (before !== undefined && isBetween(packet, context, before)) {
      before.pass(packet, now)
      this.#arm(before, now)
      return undefined
    }
    const reader = FrameReader.of(context, this.#delays, this.#events)
    if (reader === undefined || (before === undefined && this.#readers.size >= maxStreams)) {
      this.#unsupportedPackets++
      return undefined
    }
    if (before !== undefined) {
      before.flush(now)
      this.#retire(before)
    }
    reader.setTarget(this.#target)
    this.#readers.set(context.rid, reader)
    return reader
  }

  /** webrtc-pc §5.3 jitterBufferTarget, step 6: the receiver of the track has another one. */
  #aimAt(target: number | undefined, now: number): void {
    this.#target = target
    for (const reader of this.#readers.values()) {
      reader.setTarget(target)
      this.#arm(reader, now)
    }
  }

  #retire(reader: FrameReader): void {
    this.#readers.delete(reader.context.rid)
    this.#past = plus(this.#past, reader.statistics)
  }

  #askForKeyframe(rid: string | undefined): void {
    if (this.#closed) return
    this.#keyframeRequests++
    this.#source.requestKeyframe(rid)
  }

  /** One timer, at the earliest time that something is due; what is due of a stream changes with its packets alone. */
  #arm(reader: FrameReader, now: number): void {
    const dueAt = reader.pollTimeout()
    if (dueAt === undefined || this.#closed || dueAt >= (this.#timer?.dueAt ?? Number.POSITIVE_INFINITY)) return
    this.#timer?.cancel()
    const cancel = this.#environment.timers.set(Math.max(0, dueAt - now), () => this.#due())
    this.#timer = { dueAt, cancel }
  }

  #due(): void {
    this.#timer = undefined
    const now = this.#environment.clock.now()
    for (const reader of [...this.#readers.values()]) {
      reader.poll(now)
      this.#arm(reader, now)
    }
  }
}

/** Whether a packet is numbered with those of a stream, and part of no frame of it. */
function isBetween(packet: RtpPacket, context: StreamContext, stream: FrameReader): boolean {
  const mimeType = context.codec?.mimeType ?? ''
  if (betweenAudio.test(mimeType)) return true
  return stream.sharesNumbering(context) && (packet.payload.length === 0 || payloadFormat(mimeType) === undefined)
}

function plus(a: Counts, b: Counts): Counts {
  return {
    frames: a.frames + b.frames,
    keyframes: a.keyframes + b.keyframes,
    bytes: a.bytes + b.bytes,
    lostPackets: a.lostPackets + b.lostPackets,
    latePackets: a.latePackets + b.latePackets,
    repeatedPackets: a.repeatedPackets + b.repeatedPackets,
    refusedPayloads: a.refusedPayloads + b.refusedPayloads,
    undecodableFrames: a.undecodableFrames + b.undecodableFrames,
  }
}
