import assert from 'node:assert/strict'

import { BandwidthEstimator, type BandwidthEvent } from '../../../src/rtp/congestion/bandwidth-estimator.ts'
import { feedbackTimeoutMs, historyMs } from '../../../src/rtp/congestion/limits.ts'

function events(estimator: BandwidthEstimator): BandwidthEvent[] {
  const list: BandwidthEvent[] = []
  for (let event = estimator.pollEvent(); event !== undefined; event = estimator.pollEvent()) list.push(event)
  return list
}

/** Sends packets of 1200 bytes each 10 ms and reports every five, 40 ms after they left. */
function converse(
  estimator: BandwidthEstimator,
  from: number,
  to: number,
  report: (index: number) => { received?: boolean; at?: number | undefined } = () => ({}),
): void {
  let sequences: { sequenceNumber: number; index: number; at: number }[] = []
  for (let now = from, index = 0; now < to; now += 10, index++) {
    sequences.push({ sequenceNumber: estimator.packetSent(1_200, now), index, at: now + 20 })
    if (sequences.length < 5) continue
    const reports = sequences.map(({ sequenceNumber, index: of, at }) => {
      const changed = report(of)
      const received = changed.received ?? true
      return { sequenceNumber, received, receivedAt: received ? ('at' in changed ? changed.at : at) : undefined }
    })
    estimator.receiveFeedback(reports, now + 40)
    sequences = []
  }
}

describe('the bandwidth estimator', () => {
  it('tells its start rate first, and nothing before', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 500_000 })
    assert.deepEqual(events(estimator), [
      { type: 'target', bitrate: 500_000, limitedBy: 'delay', lossFraction: 0, roundTripMs: 100 },
    ])
    assert.deepEqual(events(estimator), [])
    assert.equal(estimator.pollTimeout(), undefined)
    assert.equal(estimator.pollTransmit(), undefined)
  })

  it('keeps its start rate within its bounds', () => {
    assert.equal(new BandwidthEstimator({ startBitrate: 1, minBitrate: 50_000 }).target, 50_000)
    assert.equal(new BandwidthEstimator({ startBitrate: 9e9, maxBitrate: 1e6 }).target, 1e6)
  })

  it('numbers packets without a gap, over the wrap', () => {
    const estimator = new BandwidthEstimator({ firstSequenceNumber: 0xffff })
    assert.deepEqual(
      [estimator.packetSent(1, 0), estimator.packetSent(1, 0), estimator.packetSent(1, 0)],
      [0xffff, 0, 1],
    )
  })

  it('begins to probe with the first feedback', () => {
    const estimator = new BandwidthEstimator()
    events(estimator)
    converse(estimator, 0, 40)
    assert.deepEqual(events(estimator), [])
    converse(estimator, 40, 90)
    assert.deepEqual(
      events(estimator).map(event => (event.type === 'probe' ? event.cluster.bitrate : event.type)),
      [900_000],
    )
  })

  it('does not probe if told so', () => {
    const estimator = new BandwidthEstimator({ probing: false })
    converse(estimator, 0, 5_000)
    estimator.probe(1e6, 5_000)
    assert.ok(events(estimator).every(event => event.type === 'target'))
  })

  it('probes when asked to, but not all the time', () => {
    const estimator = new BandwidthEstimator()
    estimator.probe(1e6, 0)
    converse(estimator, 0, 1_000)
    // Nothing was sent for the first probes, which fail one after the other.
    for (let now = 1_000; now < 10_000; now += 100) estimator.handleTimeout(now)
    events(estimator)
    for (let now = 20_000; now < 30_000; now += 100) {
      estimator.probe(1_500_000, now)
      estimator.handleTimeout(now)
    }
    const probes = events(estimator).filter(event => event.type === 'probe')
    assert.equal(probes.length, 1)
  })

  it('counts what it does not use of a feedback', () => {
    const estimator = new BandwidthEstimator({ probing: false })
    for (let i = 0; i < 6; i++) estimator.packetSent(1_200, i * 10)
    const report = (sequenceNumber: number, received: boolean, receivedAt?: number) => ({
      sequenceNumber,
      received,
      receivedAt,
    })
    const feedback = [
      report(0, true, 20),
      report(1, false),
      report(1, false),
      report(0, true, 20),
      report(1, true, 99),
      report(2, true, Number.NaN),
      report(3, true, Number.POSITIVE_INFINITY),
      report(4, true),
      report(6, true, 60),
      report(0x8000, false),
    ]
    assert.deepEqual(estimator.receiveFeedback(feedback, 100), {
      received: 3,
      lost: 1,
      duplicate: 2,
      unknown: 2,
      malformed: 2,
    })
    assert.equal(estimator.statistics.droppedReports, 6)
    // A report with a time that is no number has not used up the packet.
    assert.equal(estimator.receiveFeedback([report(2, true, 40)], 110).received, 1)
  })

  it('takes no feedback for the distant past, nor lets it end a silence', () => {
    const estimator = new BandwidthEstimator({ probing: false })
    converse(estimator, 0, 1_000)
    const old = estimator.packetSent(1_200, 1_000)
    const at = 1_000 + historyMs + 1
    estimator.packetSent(1_200, at)
    const due = estimator.pollTimeout()
    assert.deepEqual(
      estimator.receiveFeedback([{ sequenceNumber: old, received: true, receivedAt: 1_020 }], at).unknown,
      1,
    )
    assert.equal(estimator.pollTimeout(), due)
  })

  it('halves its rate each time that nobody answers, as long as packets leave', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 1_000_000, probing: false })
    estimator.setRoundTrip(50)
    converse(estimator, 0, 1_000)
    const before = estimator.target
    estimator.packetSent(1_200, 1_000)
    const due = 1_000 + feedbackTimeoutMs + 50
    assert.equal(estimator.pollTimeout(), due)
    estimator.handleTimeout(due - 1)
    assert.equal(estimator.target, before)
    estimator.handleTimeout(due)
    assert.equal(estimator.target, before / 2)
    assert.equal(estimator.statistics.limitedBy, 'silence')
    // Nothing was sent since: the silence is ours.
    assert.equal(estimator.pollTimeout(), undefined)
    estimator.packetSent(1_200, due + 500)
    assert.equal(estimator.pollTimeout(), due + 500 + feedbackTimeoutMs + 50)
    for (let now = due; now < due + 60_000; now += 10) {
      estimator.packetSent(1_200, now)
      estimator.handleTimeout(now)
    }
    assert.equal(estimator.target, 30_000)
  })

  it('tries the rate of before when feedback comes back', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 1_000_000 })
    converse(estimator, 0, 1_000)
    for (let now = 1_000; now < 6_000; now += 10) {
      estimator.packetSent(1_200, now)
      estimator.handleTimeout(now)
    }
    events(estimator)
    converse(estimator, 6_000, 9_000)
    const probe = events(estimator).find(event => event.type === 'probe')
    assert.ok(probe?.type === 'probe' && probe.cluster.bitrate > 700_000, JSON.stringify(probe))
  })

  it('is not silenced where there never was feedback', () => {
    const estimator = new BandwidthEstimator()
    for (let now = 0; now < 60_000; now += 100) {
      estimator.packetSent(1_200, now)
      assert.equal(estimator.pollTimeout(), undefined)
    }
    assert.equal(estimator.target, 300_000)
  })

  it('takes a REMB for an upper bound', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 1_000_000, probing: false })
    converse(estimator, 0, 1_000)
    const before = estimator.target
    estimator.receiveRemb(200_000, 1_000)
    assert.equal(estimator.target, 200_000)
    assert.equal(estimator.statistics.limitedBy, 'remb')
    estimator.receiveRemb(9e6, 1_100)
    assert.ok(estimator.target <= before, String(estimator.target))
    for (const nonsense of [Number.NaN, -1, Number.POSITIVE_INFINITY]) estimator.receiveRemb(nonsense, 1_200)
    assert.equal(estimator.statistics.remb, 9e6)
    estimator.receiveRemb(0, 1_300)
    assert.equal(estimator.target, 30_000)
  })

  it('takes a REMB for the rate where there is no other feedback, until packets are lost', () => {
    const estimator = new BandwidthEstimator()
    estimator.receiveRemb(2_000_000, 0)
    assert.equal(estimator.target, 2_000_000)
    estimator.receiveLossReport(0.2, 1_000)
    assert.equal(estimator.target, 1_800_000)
    estimator.receiveRemb(2_000_000, 1_100)
    assert.equal(estimator.target, 1_800_000)
    estimator.receiveLossReport(0.05, 2_000)
    assert.equal(estimator.target, 1_800_000)
    estimator.receiveLossReport(0, 3_000)
    assert.equal(estimator.target, 1_890_000)
    estimator.receiveLossReport(Number.NaN, 4_000)
    estimator.receiveLossReport(-1, 4_000)
    estimator.receiveLossReport(2, 4_000)
    assert.equal(estimator.target, 1_890_000)
  })

  it('does not count a loss twice that feedback and reports both tell about', () => {
    const estimator = new BandwidthEstimator({ probing: false })
    converse(estimator, 0, 1_000)
    const before = estimator.target
    for (let now = 1_000; now < 10_000; now += 1_000) estimator.receiveLossReport(0.5, now)
    assert.equal(estimator.target, before)
  })

  it('uses feedback without times for the loss', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 1_000_000, probing: false })
    converse(estimator, 0, 4_000, index => ({ received: index % 4 !== 0, at: undefined }))
    assert.ok(estimator.target < 300_000, String(estimator.target))
    assert.equal(estimator.statistics.limitedBy, 'loss')
    assert.equal(estimator.statistics.receivedBitrate, undefined)
  })

  it('lowers a maximum at once, and tells targets that have changed only', () => {
    const estimator = new BandwidthEstimator({ startBitrate: 1_000_000, probing: false })
    events(estimator)
    converse(estimator, 0, 300)
    estimator.setMaxBitrate(400_000, 300)
    assert.deepEqual(events(estimator), [
      { type: 'target', bitrate: 400_000, limitedBy: 'maximum', lossFraction: 0, roundTripMs: 40 },
    ])
    converse(estimator, 300, 5_000)
    assert.deepEqual(events(estimator), [])
  })

  it('survives a receiver whose clock jumps or runs backwards', () => {
    const clocks: readonly ((index: number) => number)[] = [
      index => (index < 200 ? index * 10 : -1e9 + index * 10),
      index => (index < 200 ? index * 10 : 1e15 + index * 10),
      index => -index * 10,
      () => 5,
      index => (index % 2) * 1e308,
      index => (index % 3) * 1e6,
    ]
    for (const [n, clock] of clocks.entries()) {
      const estimator = new BandwidthEstimator({ startBitrate: 1_000_000, maxBitrate: 2_000_000 })
      converse(estimator, 0, 10_000, index => ({ at: clock(index) }))
      assert.ok(estimator.target >= 30_000 && estimator.target <= 2_000_000, `clock ${n}: ${estimator.target}`)
    }
  })
})
