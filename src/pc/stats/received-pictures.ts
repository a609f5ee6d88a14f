import type { RtpPacket } from '../../rtp/packet.ts'
import { FrameChain } from '../../rtp/payload/frame-chain.ts'
import { SequenceUnwrapper } from '../../rtp/sequence.ts'
import { FramePace } from './frame-pace.ts'
import { FrameRate } from './frame-rate.ts'
import type { MarkReader, PictureMarks } from './picture-marks.ts'

/** Pictures of which packets are remembered, whole or not, until their turn has come. */
export const maxPendingPictures = 64
/** How long a picture waits for packets, its own and those before it; in milliseconds. */
const patienceMs = 500
/** Further apart than this, packets are of another sequence. */
const maxDistance = 4_096

/** A picture, or a packet between pictures that only takes a number. */
interface Pending {
  readonly timestamp: number
  /** The lowest and the highest place that came. */
  low: number
  high: number
  /** Where it begins and ends, once that is known; -1. */
  start: number
  end: number
  packets: number
  readonly firstAt: number
  lastAt: number
  keyframe: boolean
  size: PictureMarks['size']
  dependency: PictureMarks['dependency']
  readonly isEmpty: boolean
  isCounted: boolean
}

/**
 * What the packets of a stream tell of its pictures: webrtc-stats §8.5.
 *
 * A picture counts as decoded, and as shown, when it is there whole with all that it builds upon and its turn has come: that
 * is when whoever decodes could have it.
 */
export class ReceivedPictures {
  framesReceived = 0
  framesDecoded = 0
  keyFramesDecoded = 0
  framesDropped = 0
  framesAssembledFromMultiplePackets = 0
  /** Seconds, like the delay. */
  totalAssemblyTime = 0
  /** From the first packet of each picture until its turn. */
  totalDelay = 0
  /** The same, of those that count as decoded. */
  totalDecodedDelay = 0
  /** Pictures whose turn has come. */
  emitted = 0
  /** Packets of pictures that were given up. */
  latePackets = 0
  size: PictureMarks['size']
  /** The last picture that counts as decoded; `at` in monotonic milliseconds. */
  last: { readonly timestamp: number; readonly at: number } | undefined
  readonly pace: FramePace = new FramePace()
  readonly rate: FrameRate = new FrameRate()
  #reader: MarkReader | undefined
  readonly #chain = new FrameChain()
  #sequences = new SequenceUnwrapper()
  /** In the order of their places. */
  #pending: Pending[] = []
  /** The place where the next picture begins; -1: not known. */
  #next = -1
  #isAfterLoss = false
  /** The timestamp of the picture that was given up last. */
  #abandoned: number | undefined

  /** @param reader undefined: nobody here can read this codec */
  packet(packet: RtpPacket, reader: MarkReader | undefined, now: number): void {
    this.#reader = reader
    let place = this.#sequences.peek(packet.sequenceNumber)
    if (Math.abs(place - this.#sequences.highest) > maxDistance && this.#sequences.highest >= 0) {
      this.#restart()
      place = this.#sequences.peek(packet.sequenceNumber)
    }
    this.#sequences.unwrap(packet.sequenceNumber)
    if (this.#isLate(packet, place)) {
      if (packet.payload.length > 0) this.latePackets++
      this.#next = Math.max(this.#next, place + 1)
      return
    }
    this.#note(packet, place, now)
    this.#advance(now)
  }

  /** Its turn is over, or that of its picture. */
  #isLate({ timestamp, payload }: RtpPacket, place: number): boolean {
    if (this.#next < 0) return false
    return place < this.#next || (timestamp === this.#abandoned && payload.length > 0)
  }

  #note(packet: RtpPacket, place: number, now: number): void {
    const index = this.#indexOf(packet, place)
    const pending = this.#pending[index] ?? this.#begin(packet, place, now)
    pending.packets++
    pending.lastAt = now
    pending.low = Math.min(pending.low, place)
    pending.high = Math.max(pending.high, place)
    if (packet.marker || pending.isEmpty) pending.end = place
    if (!pending.isEmpty) this.#mark(pending, packet.payload, place)
    const at = this.#pending.indexOf(pending)
    if (!pending.isEmpty && !pending.isCounted && this.#isWhole(pending, at)) {
      pending.isCounted = true
      this.framesReceived++
    }
  }

  /** From the newest on, for that is mostly what packets belong to; -1 if it is the first of its picture. */
  #indexOf({ timestamp, payload }: RtpPacket, place: number): number {
    if (payload.length === 0) return -1
    for (let index = this.#pending.length - 1; index >= 0; index--) {
      const pending = this.#pending[index] as Pending
      if (pending.timestamp === timestamp && !pending.isEmpty) return index
      if (pending.high < place - maxDistance) break
    }
    return -1
  }

  #begin({ timestamp, payload }: RtpPacket, place: number, now: number): Pending {
    const begun: Pending = {
      timestamp,
      low: place,
      high: place,
      start: -1,
      end: -1,
      packets: 0,
      firstAt: now,
      lastAt: now,
      keyframe: false,
      size: undefined,
      dependency: undefined,
      isEmpty: payload.length === 0,
      isCounted: false,
    }
    let index = this.#pending.length
    while (index > 0 && (this.#pending[index - 1] as Pending).low > place) index--
    this.#pending.splice(index, 0, begun)
    return begun
  }

  #mark(pending: Pending, payload: Uint8Array, place: number): void {
    const marks = this.#reader?.(payload)
    if (marks === undefined) return
    if (marks.keyframe) pending.keyframe = true
    if (!marks.starts) return
    pending.start = pending.start < 0 ? place : Math.min(pending.start, place)
    pending.size = marks.size ?? pending.size
    pending.dependency = marks.dependency
  }

  #isWhole(pending: Pending, index: number): boolean {
    const { low, end, packets } = pending
    if (pending.isEmpty) return true
    if (end < 0 || packets !== end - low + 1) return false
    if (pending.start === low || low === this.#next) return true
    // Nothing is known of a stream that begins: the first picture of a codec that nobody can read is taken as it is.
    if (this.#next < 0 && index === 0) return this.#reader === undefined
    return this.#pending[index - 1]?.end === low - 1
  }

  /** Gives all whose turn has come. */
  #advance(now: number): void {
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      const isWhole = this.#isWhole(head, 0)
      const isNext = this.#next < 0 || head.low === this.#next
      const isOverdue = now - head.firstAt >= patienceMs || this.#pending.length > maxPendingPictures
      if (isWhole && (isNext || isOverdue)) this.#release(head, isNext, now)
      else if (isOverdue) this.#giveUp(head)
      else return
    }
  }

  #release(head: Pending, isNext: boolean, now: number): void {
    this.#pending.shift()
    this.#isAfterLoss ||= !isNext
    this.#next = head.end + 1
    if (head.isEmpty) return
    const { keyframe, dependency, firstAt } = head
    if (!head.isCounted) this.framesReceived++
    const afterLoss = this.#isAfterLoss
    this.#isAfterLoss = false
    this.emitted++
    this.totalDelay += (now - firstAt) / 1_000
    const isDecodable =
      this.#reader === undefined || this.#chain.take({ keyframe, afterLoss, dependency }) === 'decodable'
    if (isDecodable) this.#decoded(head, now)
    else this.framesDropped++
  }

  #decoded({ keyframe, packets, firstAt, lastAt, size, timestamp }: Pending, now: number): void {
    this.framesDecoded++
    if (keyframe) this.keyFramesDecoded++
    this.totalDecodedDelay += (now - firstAt) / 1_000
    if (packets > 1) {
      this.framesAssembledFromMultiplePackets++
      this.totalAssemblyTime += (lastAt - firstAt) / 1_000
    }
    this.size = size ?? this.size
    this.last = { timestamp, at: now }
    this.pace.frame(now)
    this.rate.add(now)
  }

  /** Something of it is missing for good. */
  #giveUp(head: Pending): void {
    this.#pending.shift()
    this.framesDropped++
    this.#isAfterLoss = true
    this.#next = head.high + 1
    this.#abandoned = head.timestamp
  }

  #restart(): void {
    for (const { isEmpty } of this.#pending) if (!isEmpty) this.framesDropped++
    this.#pending = []
    this.#sequences = new SequenceUnwrapper()
    this.#next = -1
    this.#abandoned = undefined
    this.#isAfterLoss = true
  }
}
