import { middleOfNtp, shortDelay } from './ntp.ts'
import type { ReportBlock, SenderReport } from './rtcp/types.ts'

/** RFC 3550 §A.1: one minute and two seconds of 50 packets a second. */
const maxDropout = 3_000
const maxMisorder = 100
const modulus = 0x1_0000

export interface ReceptionOptions {
  readonly ssrc: number
  /** Hz, of the RTP timestamps. */
  readonly clockRate: number
  /**
   * RFC 3550 §A.1, MIN_SEQUENTIAL: how many packets in sequence a source must have sent before it counts as one. 2 if not
   * given; 0 fits packets that were authenticated.
   */
  readonly minSequential?: number
}

/**
 * - `accepted`: counts as received
 * - `probation`: the source has not yet sent enough packets in sequence
 * - `jumped`: the sequence number is far from what was expected; a second one in sequence restarts the statistics
 */
export type ReceptionVerdict = 'accepted' | 'probation' | 'jumped'

/** What is known about the reception of one source: sequence, loss and jitter (RFC 3550 §A.1, §A.3, §A.8). */
export class ReceptionStatistics {
  readonly ssrc: number
  readonly #clockRate: number
  readonly #minSequential: number
  #started = false
  #probation: number
  #base = 0
  #highest = 0
  #badSequence = modulus + 1
  #cycles = 0
  #received = 0
  #expectedBefore = 0
  #receivedBefore = 0
  #transit = 0
  #jitter = 0
  #senderReport: { readonly middle: number; readonly receivedAt: number } | undefined

  constructor({ ssrc, clockRate, minSequential = 2 }: ReceptionOptions) {
    this.ssrc = ssrc
    this.#clockRate = clockRate
    this.#minSequential = minSequential
    this.#probation = minSequential
  }

  /** Packets received, with late and repeated ones. */
  get packetsReceived(): number {
    return this.#received
  }

  /** Packets that should have arrived, less those that did: below zero if there were duplicates. */
  get packetsLost(): number {
    return this.#expected - this.#received
  }

  /** Seconds. */
  get jitter(): number {
    return this.#jitter / this.#clockRate
  }

  /** The highest sequence number with the count of its cycles in the upper 16 bits. */
  get extendedHighestSequence(): number {
    return (this.#cycles + this.#highest) >>> 0
  }

  /** Takes note of a packet. @param now monotonic milliseconds */
  receive(sequenceNumber: number, timestamp: number, now: number): ReceptionVerdict {
    const verdict = this.#updateSequence(sequenceNumber)
    if (verdict === 'accepted') this.#updateJitter(timestamp, now)
    return verdict
  }

  /** Takes note of a sender report of this source, so that the reports about it let the sender measure the round trip. */
  receiveSenderReport(report: SenderReport, now: number): void {
    this.#senderReport = { middle: middleOfNtp(report.ntpTime), receivedAt: now }
  }

  /** The report about the time since the last one; undefined while the source is not valid yet. */
  report(now: number): ReportBlock | undefined {
    if (!this.#started || this.#probation > 0) return undefined
    const expected = this.#expected
    const expectedSince = expected - this.#expectedBefore
    const lostSince = expectedSince - (this.#received - this.#receivedBefore)
    this.#expectedBefore = expected
    this.#receivedBefore = this.#received
    // RFC 3550 §A.3: no loss where duplicates outweigh it. What is expected ends with a packet that came, so that it is
    // never all of them, and eight bits hold it.
    const fraction = lostSince <= 0 ? 0 : Math.floor((lostSince * 256) / expectedSince)
    const senderReport = this.#senderReport
    return {
      ssrc: this.ssrc,
      fractionLost: fraction,
      cumulativeLost: Math.max(-0x80_0000, Math.min(expected - this.#received, 0x7f_ffff)),
      extendedHighestSequence: this.extendedHighestSequence,
      jitter: Math.floor(this.#jitter),
      lastSenderReport: senderReport?.middle ?? 0,
      delaySinceLastSenderReport: senderReport ? shortDelay(now - senderReport.receivedAt) : 0,
    }
  }

  get #expected(): number {
    return this.#started && this.#probation === 0 ? this.#cycles + this.#highest - this.#base + 1 : 0
  }

  /** RFC 3550 §A.1. */
  #updateSequence(sequence: number): ReceptionVerdict {
    if (!this.#started) this.#begin(sequence)
    const ahead = (sequence - this.#highest) & 0xffff
    if (this.#probation > 0) {
      this.#probation = ahead === 1 ? this.#probation - 1 : this.#minSequential - 1
      this.#highest = sequence
      if (this.#probation > 0) return 'probation'
      this.#restart(sequence)
    } else if (ahead < maxDropout) {
      if (sequence < this.#highest) this.#cycles += modulus
      this.#highest = sequence
    } else if (ahead <= modulus - maxMisorder) {
      if (sequence !== this.#badSequence) {
        this.#badSequence = (sequence + 1) & 0xffff
        return 'jumped'
      }
      // Two in sequence: the source has begun anew, without telling.
      this.#restart(sequence)
    }
    this.#received++
    return 'accepted'
  }

  #begin(sequence: number): void {
    this.#started = true
    this.#restart(sequence)
    if (this.#probation > 0) this.#highest = (sequence - 1) & 0xffff
  }

  #restart(sequence: number): void {
    this.#base = sequence
    this.#highest = sequence
    this.#badSequence = modulus + 1
    this.#cycles = 0
    this.#received = 0
    this.#receivedBefore = 0
    this.#expectedBefore = 0
    this.#jitter = 0
  }

  /** RFC 3550 §A.8, with the arrival in units of the timestamp. */
  #updateJitter(timestamp: number, now: number): void {
    const arrival = Math.floor((now * this.#clockRate) / 1_000)
    const transit = (arrival - timestamp) | 0
    const deviation = Math.abs((transit - this.#transit) | 0)
    this.#transit = transit
    // The first packet has none before it to compare with.
    if (this.#received > 1) this.#jitter += (deviation - this.#jitter) / 16
  }
}
