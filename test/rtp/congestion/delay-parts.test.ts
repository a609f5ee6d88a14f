import assert from 'node:assert/strict'

import {
  burstTimeMs,
  initialThresholdMs,
  maxArrivalGapMs,
  maxGroupMs,
  minThresholdMs,
  rateWindowMs,
  trendGroups,
  trendHorizonMs,
  trustedGroups,
} from '../../../src/rtp/congestion/limits.ts'
import { OveruseDetector } from '../../../src/rtp/congestion/overuse-detector.ts'
import { PacketGroups } from '../../../src/rtp/congestion/packet-groups.ts'
import { RateWindow } from '../../../src/rtp/congestion/rate-window.ts'
import { TrendFilter } from '../../../src/rtp/congestion/trend-filter.ts'

/** The variations of the delay that a list of packets gives, each sent and received at. */
function variations(packets: readonly (readonly [sentAt: number, receivedAt: number])[]): number[] {
  const groups = new PacketGroups()
  const found: number[] = []
  for (const [sentAt, receivedAt] of packets) {
    if (groups.add(sentAt, receivedAt) === 'sample') found.push(groups.variation)
  }
  return found
}

describe('groups of packets', () => {
  it('measures how the delay varies from group to group, whatever the clocks are', () => {
    for (const offset of [0, 1e6, -1e6]) {
      const packets = [0, 10, 20, 30, 40].map((at, i) => [at, offset + at + 50 + i * i] as const)
      assert.deepEqual(variations(packets), [1, 3, 5])
    }
  })

  it('joins what is sent within the burst time, and compares the last packets', () => {
    assert.deepEqual(
      variations([
        [0, 50],
        [4, 54],
        [5, 60],
        [9.9, 63],
        [20, 71],
        [40, 90],
      ]),
      [63 - 54 - 5.9, 71 - 63 - 10.1],
    )
  })

  it('joins what an outage has dammed up', () => {
    const packets: [number, number][] = [0, 10, 20].map(at => [at, at + 50])
    // Sent every 10 ms, held back for 200 ms, delivered 1 ms apart.
    for (let i = 0; i < 20; i++) packets.push([30 + i * 10, 280 + i])
    packets.push([230, 300], [240, 310])
    // One sample of the outage itself, then none until it is over.
    assert.deepEqual(variations(packets), [0, 0, 300 - 70 - 210])
  })

  it('ends a group that bursts keep alive', () => {
    const groups = new PacketGroups()
    let samples = 0
    const count = 1_000
    for (let i = 0; i < count; i++) if (groups.add(i * 10, 50 + i * (burstTimeMs - 1)) === 'sample') samples++
    const groupsSeen = (count * (burstTimeMs - 1)) / maxGroupMs
    assert.ok(samples > groupsSeen * 0.8 && samples < groupsSeen * 1.2, String(samples))
  })

  it('ignores what arrives out of order', () => {
    assert.deepEqual(
      variations([
        [0, 50],
        [10, 60],
        [20, 70],
        [5, 71],
        [30, 80],
        [40, 90],
      ]),
      [0, 0, 0],
    )
  })

  it('begins anew when the receiver clock jumps, in either direction', () => {
    for (const jump of [maxArrivalGapMs + 11, -maxArrivalGapMs - 11, 1e300, -1e300]) {
      const groups = new PacketGroups()
      for (const at of [0, 10, 20]) groups.add(at, at)
      assert.equal(groups.add(30, 20 + jump), 'restarted')
      assert.equal(groups.add(40, 30 + jump), 'none')
    }
  })
})

describe('the trend of the delay', () => {
  it('is the growth of the queue over its horizon, once enough groups were seen', () => {
    for (const interval of [5, 33]) {
      const filter = new TrendFilter()
      let trend = 0
      // 4 % too fast.
      for (let i = 1; i <= trustedGroups * 2; i++) {
        trend = filter.update(interval * 0.04, i * interval)
        if (i < trendGroups) assert.equal(trend, 0)
      }
      assert.ok(Math.abs(trend / trendHorizonMs - 0.04) < 0.0005, String(trend))
    }
  })

  it('is below zero while a queue empties, and nothing while one stays', () => {
    const filter = new TrendFilter()
    let trend = 0
    for (let i = 1; i <= 100; i++) trend = filter.update(-0.5, i * 5)
    assert.ok(trend < -20, String(trend))
    for (let i = 101; i <= 300; i++) trend = filter.update(0, i * 5)
    assert.ok(Math.abs(trend) < 0.01, String(trend))
  })

  it('has no slope where all groups arrived at once', () => {
    const filter = new TrendFilter()
    for (let i = 0; i < 100; i++) assert.equal(filter.update(1, 1_000), 0)
  })

  it('forgets all when it is reset', () => {
    const filter = new TrendFilter()
    for (let i = 0; i < 100; i++) filter.update(10, i * 5)
    filter.reset()
    for (let i = 0; i < trendGroups + 5; i++) assert.equal(filter.update(0, 5_000 + i * 5), 0)
  })
})

describe('the over-use detector', () => {
  const above = initialThresholdMs + 2

  it('signals over-use that lasts ten milliseconds and does not fall', () => {
    const detector = new OveruseDetector()
    assert.equal(detector.update(above, 100), 'normal')
    assert.equal(detector.update(above, 109), 'normal')
    assert.equal(detector.update(above, 110), 'over-use')
    assert.equal(detector.update(0, 115), 'normal')
    assert.equal(detector.update(above + 9, 120), 'normal')
    assert.equal(detector.update(above + 8, 140), 'normal')
    assert.equal(detector.update(above + 8, 145), 'over-use')
  })

  it('signals under-use at once', () => {
    assert.equal(new OveruseDetector().update(-above, 0), 'under-use')
  })

  it('gets used to what it often sees, quickly, and forgets it slowly', () => {
    const detector = new OveruseDetector()
    for (let at = 0; at < 2_000; at += 20) detector.update(25, at)
    assert.ok(detector.threshold > 24 && detector.threshold <= 25, String(detector.threshold))
    for (let at = 2_000; at < 4_000; at += 20) detector.update(0, at)
    assert.ok(detector.threshold > 16 && detector.threshold < 18, String(detector.threshold))
    for (let at = 4_000; at < 40_000; at += 20) detector.update(0, at)
    assert.equal(detector.threshold, minThresholdMs)
  })

  it('does not get used to what is far outside', () => {
    const detector = new OveruseDetector()
    for (let at = 0; at < 2_000; at += 20) detector.update(initialThresholdMs + 16, at)
    assert.equal(detector.threshold, initialThresholdMs)
  })

  it('moves its threshold by no more than a step after a pause', () => {
    const detector = new OveruseDetector()
    detector.update(20, 0)
    detector.update(20, 1e9)
    assert.equal(detector.threshold, initialThresholdMs + 100 * 0.01 * (20 - initialThresholdMs))
    detector.update(0, -1e9)
    assert.equal(detector.threshold, 20)
  })
})

describe('the received rate', () => {
  it('is that of the last half second', () => {
    const window = new RateWindow()
    for (let at = 0; at < 2_000; at += 10) window.add(at < 1_000 ? 1_000 : 500, 5e6 + at)
    assert.equal(window.bitrate, 400_000)
  })

  it('is not told before enough was seen', () => {
    const window = new RateWindow()
    for (let at = 0; at < 140; at += 10) window.add(1_000, at)
    assert.equal(window.bitrate, undefined)
    window.add(1_000, 140)
    assert.equal(window.bitrate, 800_000)
  })

  it('shows a change sooner in its last part', () => {
    const window = new RateWindow()
    for (let at = 0; at < 2_000; at += 10) window.add(at < 1_700 ? 2_000 : 1_000, at)
    assert.equal(window.recentBitrate, 800_000)
    assert.equal(window.bitrate, 1_120_000)
  })

  it('counts on times below zero, and begins anew after a pause or when the clock jumps', () => {
    const window = new RateWindow()
    for (let at = -1_000; at < 1_000; at += 10) window.add(1_000, at)
    assert.equal(window.bitrate, 800_000)
    window.add(1_000, 5_000)
    assert.equal(window.bitrate, undefined)
    for (let at = 5_010; at < 6_000; at += 10) window.add(1_000, at)
    window.add(1_000, -1e300)
    assert.equal(window.bitrate, undefined)
  })

  it('leaves out what arrived before the window', () => {
    const window = new RateWindow()
    for (let at = 0; at < 1_000; at += 10) window.add(1_000, at)
    window.add(1e6, 990 - rateWindowMs)
    assert.equal(window.bitrate, 800_000)
  })
})
