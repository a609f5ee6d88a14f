import { maxFeedbackPackets } from './rtcp/transport-feedback.ts'
import type { PacketArrival, TransportFeedback } from './rtcp/types.ts'
import { SequenceUnwrapper } from './sequence.ts'

/** Arrivals that are remembered: a power of two, and no more than one feedback can tell about. */
const logSize: number = maxFeedbackPackets
/** Two arrivals that are further apart cannot be in one feedback: its deltas have 16 bits of 250 us. */
const maxDeltaMs = 8_000

export interface ArrivalLogOptions {
  /** Of the one who reports. */
  readonly senderSsrc: number
  /** Milliseconds from the first arrival to the feedback about it. 100 if not given. */
  readonly intervalMs?: number
  /** What one feedback may take of a datagram, in bytes. 1100 if not given. */
  readonly maxBytes?: number
}

/**
 * The arrivals of packets with transport-wide sequence numbers, until a feedback tells the sender about them
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3).
 */
export class ArrivalLog {
  readonly #senderSsrc: number
  readonly #intervalMs: number
  readonly #maxBytes: number
  readonly #sequences = new SequenceUnwrapper()
  /** When the packet of a place arrived, in milliseconds; NaN if it did not, or has been reported. */
  readonly #arrivals: Float64Array = new Float64Array(logSize).fill(Number.NaN)
  /** The place after the last one that a feedback has told about. */
  #reported = -1
  /** The lowest place with an arrival to report, and how many there are. */
  #lowest = Number.POSITIVE_INFINITY
  #pending = 0
  #dueAt: number | undefined
  #feedbackCount = 0

  constructor({ senderSsrc, intervalMs = 100, maxBytes = 1_100 }: ArrivalLogOptions) {
    this.#senderSsrc = senderSsrc
    this.#intervalMs = intervalMs
    this.#maxBytes = maxBytes
  }

  /** Arrivals that wait to be reported. */
  get pending(): number {
    return this.#pending
  }

  /** Takes note of an arrival. @param now monotonic milliseconds */
  receive(sequenceNumber: number, now: number): void {
    const highest = this.#sequences.highest
    const place = this.#sequences.unwrap(sequenceNumber)
    if (highest >= 0 && place > highest) this.#advance(highest, place)
    // What is older than the log cannot be told apart from what is newer.
    if (place <= this.#sequences.highest - logSize) return
    const slot = place & (logSize - 1)
    if (Number.isNaN(this.#arrivals[slot])) this.#pending++
    else return
    this.#arrivals[slot] = now
    if (place < this.#lowest) this.#lowest = place
    this.#dueAt ??= now + this.#intervalMs
  }

  /** The sender wants to hear now (transport-wide-cc-02: a feedback request). */
  hasten(now: number): void {
    if (this.#pending > 0) this.#dueAt = now
  }

  pollTimeout(): number | undefined {
    return this.#dueAt
  }

  /**
   * The feedback about everything that arrived since the last call: more than one packet if it does not fit one.
   *
   * @param mediaSsrc any source that is received: the feedback is about the transport
   */
  take(mediaSsrc: number): readonly TransportFeedback[] {
    const feedback: TransportFeedback[] = []
    while (this.#pending > 0) feedback.push(this.#next(mediaSsrc))
    this.#dueAt = undefined
    return feedback
  }

  #next(mediaSsrc: number): TransportFeedback {
    // §3.1: the base is lower than what was reported last if a packet came late. What was reported between is told as
    // "not received", which the sender is not to take for a loss.
    const start = this.#reported < 0 ? this.#lowest : Math.min(this.#reported, this.#lowest)
    const packets: PacketArrival[] = []
    const budget = new SizeEstimate(this.#maxBytes)
    let end = start
    let last = Number.NaN
    for (let place = start; place <= this.#sequences.highest && this.#pending > 0; place++) {
      const arrival = this.#arrivals[place & (logSize - 1)] as number
      if (Number.isNaN(arrival)) continue
      const isFirst = end === start && packets.length === 0
      const fits = budget.add(place - end, arrival - last)
      if (!isFirst && (!fits || Math.abs(arrival - last) > maxDeltaMs)) break
      for (; end < place; end++) packets.push({ sequenceNumber: end & 0xffff, received: false, receivedAt: undefined })
      packets.push({ sequenceNumber: end++ & 0xffff, received: true, receivedAt: Math.floor(arrival * 4) / 4 })
      this.#arrivals[place & (logSize - 1)] = Number.NaN
      this.#pending--
      last = arrival
    }
    this.#reported = Math.max(this.#reported, end)
    this.#lowest = this.#pending > 0 ? end : Number.POSITIVE_INFINITY
    const feedbackCount = this.#feedbackCount
    this.#feedbackCount = (feedbackCount + 1) & 0xff
    return { type: 'transport-feedback', senderSsrc: this.#senderSsrc, mediaSsrc, feedbackCount, packets }
  }

  /** Clears the slots between the highest place so far and the new one: they held what is older than the log. */
  #advance(highest: number, place: number): void {
    const from = Math.max(highest + 1, place - logSize + 1)
    for (let i = from; i <= place; i++) {
      const slot = i & (logSize - 1)
      if (Number.isNaN(this.#arrivals[slot])) continue
      this.#arrivals[slot] = Number.NaN
      this.#pending--
    }
    const oldest = place - logSize + 1
    if (this.#reported >= 0 && this.#reported < oldest) this.#reported = oldest
    if (this.#lowest < oldest) this.#lowest = this.#pending > 0 ? oldest : Number.POSITIVE_INFINITY
    if (this.#pending === 0) this.#dueAt = undefined
  }
}

/** Counts what a feedback takes at most, without building it. */
class SizeEstimate {
  readonly #max: number
  /** The head, the fixed fields and the fill; vectors of seven packets take two bytes each, counted as thirds. */
  #bytes = 24

  constructor(max: number) {
    this.#max = max
  }

  /** Counts one more arrival after so many packets that are missing; false if that is too much. */
  add(missing: number, deltaMs: number): boolean {
    // A long gap ends a vector, is a run and begins a vector.
    this.#bytes += missing > 14 ? 6 : (missing * 2) / 7
    this.#bytes += 2 / 7 + (deltaMs >= 0 && deltaMs < 63.5 ? 1 : 2)
    return this.#bytes <= this.#max
  }
}
