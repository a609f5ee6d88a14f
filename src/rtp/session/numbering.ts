import { greater32 } from '../../base/serial.ts'
import { SequenceUnwrapper } from '../sequence.ts'
import { SequenceWindow } from './sequence-window.ts'

/** RFC 3550 §A.1: what is further ahead (or behind, here) is no gap any more, but a source that has begun anew. */
const maxGap = 3_000
/** Places where packets were inserted that are remembered, for packets that come late. */
const maxShifts = 16

/** From a place of the source on, its numbers are shifted by so much. */
interface Shift {
  readonly from: number
  offset: number
}

/**
 * The sequence numbers and timestamps of a stream that is sent, over the numbers of whatever feeds it.
 *
 * Gaps and reordering of one source stay as they are, so that whoever receives the stream sees what was lost on the way here.
 * With another source the numbers go on behind the last ones; packets of our own may be put between.
 */
export class Numbering {
  /** Of the last packet that {@link map} or {@link insert} took. */
  sequenceNumber = 0
  timestamp = 0
  readonly #window = new SequenceWindow()
  readonly #firstTimestamp: number
  #source: object | undefined
  #incoming = new SequenceUnwrapper()
  /** The first place of the source: what was before it belongs to numbers that are given away. */
  #first = 0
  /** In the order of their places; the last one is in force. */
  readonly #shifts: Shift[] = []
  /** The highest place that was given away. */
  #highest: number
  #timestampOffset = 0
  /** What a source was told whose packets have not come yet. */
  #promised: { readonly source: object; readonly offset: number } | undefined
  /** The latest timestamp, and when it was first used. */
  #latest: number
  #latestAt: number | undefined

  /**
   * @param firstSequence below 2^15. RFC 3711 §3.3.1: a receiver that misses the first packets must not miss a wrap with them.
   * @param firstTimestamp 32 random bits: RFC 3550 §5.1
   */
  constructor(firstSequence: number, firstTimestamp: number) {
    this.#highest = 0x1_0000 + firstSequence - 1
    this.#firstTimestamp = firstTimestamp
    this.#latest = firstTimestamp
  }

  /** The latest timestamp that was given away. */
  get latest(): number {
    return this.#latest
  }

  /** The timestamp of that moment. @param clockRate Hz */
  timestampAt(now: number, clockRate: number): number {
    if (this.#latestAt === undefined) return this.#firstTimestamp
    return (this.#latest + Math.round(((now - this.#latestAt) * clockRate) / 1_000)) >>> 0
  }

  /**
   * Gives a packet of a source its numbers.
   *
   * @returns false if it has none: it was sent already, or came before the first packet of its source
   */
  map(sequence: number, timestamp: number, source: object, now: number, clockRate: number): boolean {
    if (source !== this.#source || this.#hasRestarted(sequence))
      this.#begin(sequence, timestamp, source, now, clockRate)
    const place = this.#incoming.unwrap(sequence)
    if (place < this.#first) return false
    const mapped = place + this.#offsetAt(place)
    if (!this.#window.add(mapped)) return false
    if (mapped > this.#highest) this.#highest = mapped
    this.sequenceNumber = mapped & 0xffff
    this.timestamp = (timestamp + this.#timestampOffset) >>> 0
    this.#noteTime(this.timestamp, now)
    return true
  }

  /** The timestamp that a packet of a source will get, which comes later: as long as no other source begins before it. */
  timestampOf(timestamp: number, source: object, now: number, clockRate: number): number {
    if (source === this.#source) return (timestamp + this.#timestampOffset) >>> 0
    if (this.#promised?.source !== source) {
      this.#promised = { source, offset: (this.#nextTimestamp(now, clockRate) - timestamp) | 0 }
    }
    return (timestamp + this.#promised.offset) >>> 0
  }

  /** Takes the next number for a packet of our own; what the source sends from here on comes behind it. */
  insert(timestamp: number, now: number): void {
    this.#highest++
    this.#window.add(this.#highest)
    this.sequenceNumber = this.#highest & 0xffff
    this.timestamp = timestamp >>> 0
    this.#noteTime(this.timestamp, now)
    if (this.#source === undefined) return
    const from = this.#incoming.highest + 1
    const last = this.#shifts.at(-1)
    if (last?.from === from) last.offset++
    else {
      this.#shifts.push({ from, offset: (last?.offset ?? 0) + 1 })
      if (this.#shifts.length > maxShifts) this.#forgetShift()
    }
  }

  #begin(sequence: number, timestamp: number, source: object, now: number, clockRate: number): void {
    this.#source = source
    this.#incoming = new SequenceUnwrapper()
    const place = this.#incoming.peek(sequence)
    this.#first = place
    this.#shifts.length = 0
    this.#shifts.push({ from: place, offset: this.#highest + 1 - place })
    const promised = this.#promised?.source === source ? (timestamp + this.#promised.offset) >>> 0 : undefined
    const begin = promised !== undefined && this.#isNew(promised) ? promised : this.#nextTimestamp(now, clockRate)
    this.#promised = undefined
    this.#timestampOffset = (begin - timestamp) | 0
  }

  /** Where a source begins. */
  #nextTimestamp(now: number, clockRate: number): number {
    const begin = this.timestampAt(now, clockRate)
    return this.#isNew(begin) ? begin : (this.#latest + 1) >>> 0
  }

  /** Two frames of one timestamp would be one frame. */
  #isNew(timestamp: number): boolean {
    return this.#latestAt === undefined || greater32(timestamp, this.#latest)
  }

  #hasRestarted(sequence: number): boolean {
    const { highest } = this.#incoming
    return highest >= 0 && Math.abs(this.#incoming.peek(sequence) - highest) > maxGap
  }

  #offsetAt(place: number): number {
    for (let i = this.#shifts.length - 1; i >= 0; i--) {
      const shift = this.#shifts[i] as Shift
      if (place >= shift.from) return shift.offset
    }
    return 0
  }

  #forgetShift(): void {
    this.#shifts.shift()
    // What came before cannot be placed any more.
    this.#first = this.#shifts[0]?.from ?? this.#first
  }

  #noteTime(timestamp: number, now: number): void {
    if (this.#latestAt !== undefined && !greater32(timestamp, this.#latest)) return
    this.#latest = timestamp
    this.#latestAt = now
  }
}
