import type { RtpPacket } from '../../rtp/packet.ts'
import {
  type Depacketized,
  type Depacketizer,
  type EncodedFrame,
  type FrameDependency,
  isPayloadDropped,
  type PayloadPacket,
} from '../../rtp/payload/index.ts'
import type { StreamContext } from '../media/track-signal.ts'
import type { FrameOrigin } from './frame-metadata.ts'

/** A packet that came, and when. */
export class ArrivedPacket implements PayloadPacket {
  readonly packet: RtpPacket
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
  readonly context: StreamContext
  readonly origin: FrameOrigin
  /** Monotonic milliseconds. */
  readonly arrivedAt: number

  /** @param payload another one than that of the packet: empty, where it only takes its place in the sequence */
  constructor(
    packet: RtpPacket,
    context: StreamContext,
    origin: FrameOrigin,
    arrivedAt: number,
    payload: Uint8Array = packet.payload,
  ) {
    this.packet = packet
    this.context = context
    this.origin = origin
    this.sequenceNumber = packet.sequenceNumber
    this.timestamp = packet.timestamp
    this.marker = packet.marker
    this.payload = payload
    this.arrivedAt = arrivedAt
  }
}

/** A frame and the packets that it came in. */
export class RecordedFrame implements EncodedFrame {
  readonly data: Uint8Array
  readonly timestamp: number
  readonly keyframe: boolean
  readonly afterLoss: boolean
  readonly dependency: FrameDependency | undefined
  readonly first: RtpPacket
  readonly last: RtpPacket
  /** Of the first packet. */
  readonly context: StreamContext
  readonly origin: FrameOrigin
  /** When the last of them came. */
  readonly arrivedAt: number

  constructor(frame: EncodedFrame, { first, last, arrivedAt }: Span) {
    this.data = frame.data
    this.timestamp = frame.timestamp
    this.keyframe = frame.keyframe
    this.afterLoss = frame.afterLoss
    this.dependency = frame.dependency
    this.first = first.packet
    this.context = first.context
    this.origin = first.origin
    this.last = last
    this.arrivedAt = arrivedAt
  }
}

/** The packets of one timestamp, so far. */
interface Span {
  readonly first: ArrivedPacket
  last: RtpPacket
  arrivedAt: number
}

/** A depacketizer of {@link ArrivedPacket}s whose frames are {@link RecordedFrame}s. */
export class FrameRecorder implements Depacketizer {
  readonly #inner: Depacketizer
  readonly #refused: () => void
  #current: Span | undefined
  #frames = 0

  /** @param refused called for each packet that the inner one does not take */
  constructor(inner: Depacketizer, refused: () => void) {
    this.#inner = inner
    this.#refused = refused
  }

  /** Those that there were. */
  get frames(): number {
    return this.#frames
  }

  push(packet: PayloadPacket): Depacketized {
    const before = this.#current
    const result = this.#inner.push(packet)
    if (isPayloadDropped(result)) this.#refused()
    if (!(packet instanceof ArrivedPacket) || packet.payload.length === 0) return result
    const current = this.#extend(packet)
    if (isPayloadDropped(result)) return result
    this.#frames += result.length
    return result.map(frame => {
      // A frame without a marker is given when the next one begins.
      const isBefore = before?.first.timestamp === frame.timestamp
      return new RecordedFrame(frame, isBefore ? before : current)
    })
  }

  isStart(payload: Uint8Array): boolean {
    return this.#inner.isStart(payload)
  }

  reset(): void {
    this.#current = undefined
    this.#inner.reset()
  }

  #extend(arrived: ArrivedPacket): Span {
    const { packet, arrivedAt } = arrived
    const span = this.#current
    if (span?.first.timestamp !== packet.timestamp) {
      this.#current = { first: arrived, last: packet, arrivedAt }
      return this.#current
    }
    span.last = packet
    span.arrivedAt = Math.max(span.arrivedAt, arrivedAt)
    return span
  }
}
