import assert from 'node:assert/strict'

import { BandwidthEstimator, type PacketReport } from '../../../src/rtp/congestion/bandwidth-estimator.ts'
import { Pacer } from '../../../src/rtp/congestion/pacer.ts'
import { ReceiveSideEstimator } from '../../../src/rtp/congestion/receive-side-estimator.ts'
import { type Prng, prng } from '../../support/prng.ts'

const min = 50_000
const max = 5_000_000

const tellingTimes = [
  0,
  -1,
  1e-9,
  2 ** 24 * 64,
  -(2 ** 23) * 64,
  1e15,
  1e300,
  -1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
]

/** A feedback about packets that were sent lately, as an honest receiver would write it, then changed here and there. */
function feedback(random: Prng, last: number, now: number): PacketReport[] {
  const count = 1 + (random.next() % 30)
  const reports: PacketReport[] = []
  for (let i = 0; i < count; i++) {
    const sequenceNumber = (last - count + i) & 0xffff
    const received = random.next() % 20 !== 0
    reports.push({ sequenceNumber, received, receivedAt: received ? now - (count - i) * 5 : undefined })
  }
  for (let changes = random.next() % 4; changes > 0; changes--) {
    const at = random.next() % reports.length
    const report = reports[at]
    if (report !== undefined) reports[at] = changed(random, report)
    if (random.next() % 4 === 0 && report !== undefined) reports.splice(random.next() % reports.length, 0, report)
    if (random.next() % 8 === 0) reports.reverse()
  }
  return reports
}

function changed(random: Prng, report: PacketReport): PacketReport {
  switch (random.next() % 6) {
    case 0:
      return { ...report, sequenceNumber: random.next() & 0xffff }
    case 1:
      return { ...report, sequenceNumber: random.next() }
    case 2:
      return { ...report, receivedAt: tellingTimes[random.next() % tellingTimes.length] }
    case 3:
      return { ...report, received: !report.received }
    case 4:
      return { ...report, receivedAt: (report.receivedAt ?? 0) + (random.float() - 0.5) * 10 ** (random.next() % 9) }
    default:
      return { ...report, receivedAt: undefined }
  }
}

describe('congestion control that is told nonsense', () => {
  it('keeps the target within its bounds and comes to rest, over 10^5 feedbacks', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = prng(seed)
      const estimator = new BandwidthEstimator({ minBitrate: min, maxBitrate: max, firstSequenceNumber: random.next() })
      const pacer = new Pacer<undefined>()
      let now = random.float() * 1e6
      let last = 0
      for (let turn = 0; turn < 1_000; turn++) {
        now += random.next() % 100 === 0 ? random.float() * 20_000 : random.float() * 40
        for (let i = random.next() % 10; i > 0; i--) pacer.enqueue(undefined, random.next() % 1_500, 'video', now)
        let steps = 0
        for (let paced = pacer.pollTransmit(now); paced !== undefined; paced = pacer.pollTransmit(now)) {
          last = estimator.packetSent(paced.size, now, paced.cluster)
          assert.ok(++steps < 10_000, `seed ${seed}, turn ${turn}: the pacer does not end`)
        }
        estimator.receiveFeedback(feedback(random, last, now), now)
        if (random.next() % 50 === 0) estimator.receiveRemb(random.float() * 10 ** (random.next() % 12), now)
        if (random.next() % 50 === 0) estimator.setRoundTrip(random.float() * 10 ** (random.next() % 8))
        estimator.handleTimeout(now)
        const due = estimator.pollTimeout()
        assert.ok(due === undefined || due > now, `seed ${seed}, turn ${turn}: deadline ${due} at ${now}`)
        for (let event = estimator.pollEvent(); event !== undefined; event = estimator.pollEvent()) {
          assert.ok(++steps < 10_000, `seed ${seed}, turn ${turn}: events do not end`)
          if (event.type === 'probe') pacer.startProbe(event.cluster, now)
          else pacer.setTarget(event.bitrate)
        }
        const { target } = estimator
        assert.ok(target >= min && target <= max, `seed ${seed}, turn ${turn}: target ${target}`)
      }
    }
  })

  it('keeps the receive-side estimate within its bounds, over 10^5 packets with any send time', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = prng(seed)
      const estimator = new ReceiveSideEstimator({ minBitrate: min, maxBitrate: max })
      let now = random.float() * 1e6
      for (let turn = 0; turn < 10_000; turn++) {
        now += random.next() % 500 === 0 ? random.float() * 5_000 : random.float() * 10
        const honest = Math.floor(now * 262.144)
        estimator.receive(random.next() % 10 === 0 ? random.next() : honest & 0xff_ffff, random.next() % 1_500, now)
        estimator.handleTimeout(now)
        const due = estimator.pollTimeout()
        assert.ok(due === undefined || due > now, `seed ${seed}, turn ${turn}: deadline ${due} at ${now}`)
        const event = estimator.pollEvent()
        if (event === undefined) continue
        assert.ok(event.bitrate >= min && event.bitrate <= max, `seed ${seed}, turn ${turn}: ${event.bitrate}`)
        assert.equal(estimator.pollEvent(), undefined)
      }
    }
  })

  it('does not let a receiver that invents arrivals drive the rate beyond the maximum', () => {
    const estimator = new BandwidthEstimator({ maxBitrate: max })
    let probes = 0
    for (let now = 0; now < 120_000; now += 10) {
      const sequenceNumber = estimator.packetSent(1_200, now, probes)
      // Everything arrives at once, in a time that hardly passes.
      estimator.receiveFeedback([{ sequenceNumber, received: true, receivedAt: now / 100 }], now)
      for (let event = estimator.pollEvent(); event !== undefined; event = estimator.pollEvent()) {
        if (event.type === 'probe') probes = event.cluster.id
      }
    }
    assert.ok(estimator.target <= max && estimator.target > 300_000, String(estimator.target))
    assert.ok(probes < 20, `${probes} probes`)
  })
})
