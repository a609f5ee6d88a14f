import assert from 'node:assert/strict'

import { middleOfNtp, ntpFromWallTime, roundTripTime, shortDelay, wallTimeFromNtp } from '../../src/rtp/ntp.ts'
import { ReceptionStatistics } from '../../src/rtp/reception.ts'
import { SequenceUnwrapper } from '../../src/rtp/sequence.ts'

function statistics(minSequential = 0): ReceptionStatistics {
  return new ReceptionStatistics({ ssrc: 7, clockRate: 8_000, minSequential })
}

/** Takes packets that are each 20 ms apart, sent and received. */
function receiveAll(of: ReceptionStatistics, sequences: Iterable<number>): void {
  for (const sequence of sequences) of.receive(sequence & 0xffff, sequence * 160, sequence * 20)
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i++) yield i
}

describe('reception statistics', () => {
  it('report nothing before a packet has come', () => assert.equal(statistics().report(0), undefined))

  it('count expected and lost packets over the wrap of the sequence numbers', () => {
    const stats = statistics()
    receiveAll(stats, range(65_530, 65_546))
    receiveAll(stats, range(65_550, 65_560))
    const report = stats.report(0)
    assert.equal(report?.extendedHighestSequence, 65_559)
    assert.equal(report?.cumulativeLost, 4)
    assert.equal(report?.fractionLost, Math.floor((4 * 256) / 30))
    assert.equal(stats.packetsReceived, 26)
  })

  it('report the fraction lost since the last report only', () => {
    const stats = statistics()
    receiveAll(stats, range(0, 10))
    receiveAll(stats, range(20, 30))
    assert.equal(stats.report(0)?.fractionLost, Math.floor((10 * 256) / 30))
    receiveAll(stats, range(30, 40))
    const second = stats.report(0)
    assert.deepEqual([second?.fractionLost, second?.cumulativeLost], [0, 10])
    // Nothing at all since then.
    assert.equal(stats.report(0)?.fractionLost, 0)
  })

  it('count duplicates against the loss, and never report a negative fraction', () => {
    const stats = statistics()
    receiveAll(stats, [0, 1, 2, 3, 3, 3, 3])
    const report = stats.report(0)
    assert.deepEqual([report?.cumulativeLost, report?.fractionLost, stats.packetsLost], [-3, 0, -3])
  })

  it('count a late packet as received', () => {
    const stats = statistics()
    receiveAll(stats, [0, 1, 3, 4, 2])
    assert.deepEqual([stats.packetsLost, stats.extendedHighestSequence], [0, 4])
  })

  it('fit the loss of nearly everything into eight bits', () => {
    const stats = statistics()
    receiveAll(stats, [0])
    stats.report(0)
    receiveAll(stats, [2_999])
    assert.equal(stats.report(0)?.fractionLost, 255)
  })

  it('hold a source back until it has sent enough packets in sequence (RFC 3550 §A.1)', () => {
    const stats = statistics(2)
    assert.equal(stats.receive(10, 0, 0), 'probation')
    assert.equal(stats.receive(20, 0, 0), 'probation')
    assert.equal(stats.report(0), undefined)
    assert.equal(stats.receive(21, 0, 0), 'accepted')
    assert.equal(stats.report(0)?.extendedHighestSequence, 21)
    assert.equal(stats.packetsReceived, 1)
  })

  it('ignore one packet far ahead, and begin anew with the second in sequence', () => {
    const stats = statistics()
    receiveAll(stats, range(0, 100))
    assert.equal(stats.receive(20_000, 0, 0), 'jumped')
    assert.equal(stats.receive(100, 0, 0), 'accepted')
    assert.equal(stats.receive(20_000, 0, 0), 'jumped')
    assert.equal(stats.receive(20_001, 0, 0), 'accepted')
    assert.deepEqual([stats.packetsReceived, stats.packetsLost], [1, 0])
  })

  it('estimate the jitter as RFC 3550 §A.8 does', () => {
    const stats = statistics()
    // Transit times of 0, 10, 0 and 0 ms at 8000 Hz: deviations of 80, 80 and 0.
    for (const [i, late] of [0, 10, 0, 0].entries()) stats.receive(i, i * 160, 1_000 + i * 20 + late)
    let expected = 0
    for (const deviation of [80, 80, 0]) expected += (deviation - expected) / 16
    assert.equal(stats.report(0)?.jitter, Math.floor(expected))
    assert.ok(Math.abs(stats.jitter - expected / 8_000) < 1e-12)
  })

  it('see no jitter where the timestamps wrap', () => {
    const stats = statistics()
    for (let i = 0; i < 10; i++) stats.receive(i, (0xffff_ff00 + i * 160) >>> 0, i * 20)
    assert.equal(stats.report(0)?.jitter, 0)
  })

  it('see the jitter that there is where the transit time wraps', () => {
    const stats = statistics()
    // A transit of 2^31 - 1 ticks, and then one that is a millisecond, 8 ticks, longer.
    stats.receive(0, 0x8000_0001, 0)
    stats.receive(1, 0x8000_0001 + 160, 21)
    assert.equal(stats.jitter, 8 / 16 / 8_000)
  })

  it('tell the last sender report and the delay since, so that its sender learns the round trip', () => {
    const stats = statistics()
    receiveAll(stats, [0])
    const sentAt = 1_700_000_000_000
    const ntpTime = ntpFromWallTime(sentAt)
    stats.receiveSenderReport(
      { type: 'sender-report', ssrc: 7, ntpTime, rtpTimestamp: 0, packetCount: 0, octetCount: 0, reports: [] },
      5_000,
    )
    const report = stats.report(5_500)
    assert.equal(report?.lastSenderReport, middleOfNtp(ntpTime))
    assert.equal(report?.delaySinceLastSenderReport, 32_768)
    // 30 ms there, 500 ms at the receiver, 40 ms back.
    const arrival = middleOfNtp(ntpFromWallTime(sentAt + 570))
    const roundTrip = roundTripTime(arrival, report?.lastSenderReport ?? 0, report?.delaySinceLastSenderReport ?? 0)
    assert.ok(Math.abs((roundTrip ?? 0) - 70) < 0.1, `${roundTrip}`)
  })
})

describe('NTP timestamps', () => {
  it('agree with the example of RFC 3550 §6.4.1', () => {
    // A 0xb710:8000, LSR 0xb705:2000, DLSR 0x0005:4000: a round trip of 0x0006:2000, which is 6.125 s.
    assert.equal(roundTripTime(0xb710_8000, 0xb705_2000, 0x0005_4000), 6_125)
  })

  it('are seconds since 1900, and go there and back, also after 2036', () => {
    assert.equal(ntpFromWallTime(0), 2_208_988_800n << 32n)
    assert.equal(ntpFromWallTime(500), (2_208_988_800n << 32n) | 0x8000_0000n)
    for (const time of [0, 1_732_312_345_678, 2_085_978_495_999, 2_085_978_496_000, 2_500_000_000_123]) {
      assert.ok(Math.abs(wallTimeFromNtp(ntpFromWallTime(time)) - time) < 0.001, `${time}`)
    }
  })

  it('give no round trip without a report, and none below zero', () => {
    assert.equal(roundTripTime(100, 0, 0), undefined)
    assert.equal(roundTripTime(100, 90, 20), 0)
  })

  it('keep a long delay within its field', () => {
    assert.equal(shortDelay(1e12), 0xffff_ffff)
    assert.equal(shortDelay(-1), 0)
  })
})

describe('unwrapping sequence numbers', () => {
  it('follows them over the wrap, both ways', () => {
    const sequences = new SequenceUnwrapper()
    const first = sequences.unwrap(65_534)
    assert.deepEqual(
      [65_535, 0, 1, 65_533, 2].map(sequence => sequences.unwrap(sequence) - first),
      [1, 2, 3, -1, 4],
    )
  })

  it('gives what comes before the first packet a place that is not negative', () => {
    const sequences = new SequenceUnwrapper()
    sequences.unwrap(0)
    assert.ok(sequences.unwrap(40_000) > 0)
  })
})
