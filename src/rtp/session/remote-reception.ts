import type { ReportBlock } from '../rtcp/types.ts'
import type { RemoteInboundStatistics } from './statistics.ts'

/** A report that goes further than this beyond the one before says nothing that can be weighed. */
const maxExpected = 0x1_0000

/** What the peer's reports tell about one stream that is sent. */
export class RemoteReception {
  #first: number | undefined
  #last: ReportBlock | undefined
  #receivedAt = 0
  #jitter = 0
  readonly #roundTrips = new RoundTrips()

  /** Takes note of a packet that leaves: the reports count from the first one. */
  sent(sequenceNumber: number): void {
    this.#first ??= sequenceNumber
  }

  /**
   * Takes note of a report.
   *
   * @param roundTripMs that it tells, if it does
   * @returns the packets that it is about: those expected since the report before
   */
  receive(block: ReportBlock, clockRate: number, roundTripMs: number | undefined, now: number): number {
    const before = this.#last
    this.#last = block
    this.#receivedAt = now
    this.#jitter = block.jitter / clockRate
    // webrtc-stats §8.6, roundTripTime: a delay of 0 means that the peer has had no report yet
    if (roundTripMs !== undefined && block.delaySinceLastSenderReport !== 0) this.#roundTrips.add(roundTripMs)
    if (!before) return 1
    const expected = (block.extendedHighestSequence - before.extendedHighestSequence) >>> 0
    return expected > maxExpected ? 0 : expected
  }

  statistics(): RemoteInboundStatistics | undefined {
    const last = this.#last
    if (!last) return undefined
    // webrtc-stats §8.4, packetsReceived: as RFC 3550 §A.3 computes what was expected
    const expected = last.extendedHighestSequence - (this.#first ?? last.extendedHighestSequence) + 1
    return {
      receivedAt: this.#receivedAt,
      packetsReceived: Math.max(expected - last.cumulativeLost, 0),
      packetsLost: last.cumulativeLost,
      jitter: this.#jitter,
      fractionLost: last.fractionLost / 256,
      ...this.#roundTrips.statistics,
    }
  }
}

/** Round trips as statistics count them. */
export class RoundTrips {
  #last: number | undefined
  #total = 0
  #count = 0

  add(milliseconds: number): void {
    this.#last = milliseconds / 1_000
    this.#total += this.#last
    this.#count++
  }

  get statistics(): {
    readonly roundTripTime: number | undefined
    readonly totalRoundTripTime: number
    readonly roundTripTimeMeasurements: number
  } {
    return {
      roundTripTime: this.#last,
      totalRoundTripTime: this.#total,
      roundTripTimeMeasurements: this.#count,
    }
  }
}
