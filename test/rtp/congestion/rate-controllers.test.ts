import assert from 'node:assert/strict'

import { minProbePackets } from '../../../src/rtp/congestion/limits.ts'
import { LossController } from '../../../src/rtp/congestion/loss-controller.ts'
import type { UsageSignal } from '../../../src/rtp/congestion/overuse-detector.ts'
import { type ProbeCluster, Prober } from '../../../src/rtp/congestion/prober.ts'
import { RateController } from '../../../src/rtp/congestion/rate-controller.ts'

const min = 30_000
const max = 10_000_000

/** Updates each 50 ms with the same signal, receiving what is asked for unless told otherwise. */
function keep(rate: RateController, signal: UsageSignal, from: number, to: number, received?: number): void {
  for (let now = from; now < to; now += 50) rate.update(signal, received ?? rate.estimate, 100, now)
}

describe('the delay-based rate control', () => {
  it('follows the table of states', () => {
    const rate = new RateController(1_000_000, min, max)
    const step = (signal: UsageSignal): string => {
      rate.update(signal, 1_000_000, 100, 0)
      return rate.state
    }
    assert.deepEqual(
      (
        [
          'normal',
          'over-use',
          'over-use',
          'normal',
          'under-use',
          'normal',
          'under-use',
          'over-use',
          'under-use',
        ] as const
      ).map(step),
      ['increase', 'decrease', 'decrease', 'hold', 'hold', 'increase', 'hold', 'decrease', 'hold'],
    )
  })

  it('grows by 8 % a second while it does not know where the end is', () => {
    const rate = new RateController(1_000_000, min, max)
    keep(rate, 'normal', 0, 10_050)
    assert.ok(Math.abs(rate.estimate / (1_000_000 * 1.08 ** 10) - 1) < 1e-6, String(rate.estimate))
  })

  it('falls to 85 % of what was received, once for each response time', () => {
    const rate = new RateController(2_000_000, min, max)
    rate.update('over-use', 1_000_000, 100, 1_000)
    assert.equal(rate.estimate, 850_000)
    rate.update('over-use', 800_000, 100, 1_199)
    assert.equal(rate.estimate, 850_000)
    rate.update('over-use', 800_000, 100, 1_200)
    assert.equal(rate.estimate, 680_000)
  })

  it('never grows by over-use, nor by a received rate that is not known', () => {
    const rate = new RateController(500_000, min, max)
    rate.update('over-use', 5_000_000, 100, 0)
    assert.equal(rate.estimate, 500_000)
    rate.update('over-use', undefined, 100, 1_000)
    assert.equal(rate.estimate, 425_000)
  })

  it('holds while a queue empties', () => {
    const rate = new RateController(1_000_000, min, max)
    keep(rate, 'under-use', 0, 5_000)
    assert.equal(rate.estimate, 1_000_000)
  })

  it('grows by half a packet for each response time near to where it was stopped, and fast again beyond', () => {
    const rate = new RateController(1_200_000, min, max)
    rate.update('over-use', 1_000_000, 100, 0)
    rate.update('normal', 1_000_000, 100, 50)
    const before = rate.estimate
    keep(rate, 'normal', 100, 1_100, 1_000_000)
    // 33.3 kbit a frame are four packets of 7.1 to 8.4 kbit; half of one each 200 ms.
    const grown = rate.estimate - before
    assert.ok(grown > 16_000 && grown < 22_000, String(grown))
    keep(rate, 'normal', 1_100, 2_100, 1_500_000)
    assert.ok(rate.estimate > (before + grown) * 1.07, String(rate.estimate))
  })

  it('does not grow beyond one and a half of what is received, nor fall because little is sent', () => {
    const rate = new RateController(1_000_000, min, max)
    keep(rate, 'normal', 0, 20_000, 800_000)
    assert.ok(Math.abs(rate.estimate - 1_200_000) < 1, String(rate.estimate))
    keep(rate, 'normal', 20_000, 30_000, 100_000)
    assert.ok(Math.abs(rate.estimate - 1_200_000) < 1, String(rate.estimate))
  })

  it('stays within its bounds', () => {
    const rate = new RateController(1_000_000, min, max)
    keep(rate, 'normal', 0, 60_000)
    assert.equal(rate.estimate, max)
    for (let now = 100_000; now < 200_000; now += 1_000) rate.update('over-use', 0, 0, now)
    assert.equal(rate.estimate, min)
  })
})

describe('the loss-based rate control', () => {
  /** Reports a window of a hundred packets, `lost` of them lost. */
  function report(loss: LossController, lost: number, now: number, ceiling = 1e9): number {
    for (let i = 0; i < 100; i++) loss.packet(now, i < lost)
    return loss.update(ceiling, now)
  }

  it('grows by 5 % below 2 % of loss, rests up to 10 %, and falls by half of the loss above', () => {
    for (const [lost, factor] of [
      [0, 1.05],
      [1, 1.05],
      [2, 1],
      [10, 1],
      [11, 1 - 0.055],
      [50, 0.75],
      [100, 0.5],
    ] as const) {
      const loss = new LossController(1_000_000, min)
      loss.update(1e9, 0)
      assert.ok(Math.abs(report(loss, lost, 1_000) - 1_000_000 * factor) < 1e-6, `${lost} %`)
      assert.equal(loss.lossFraction, lost / 100)
    }
  })

  it('waits for enough packets and enough time', () => {
    const loss = new LossController(1_000_000, min)
    loss.update(1e9, 0)
    for (let i = 0; i < 19; i++) loss.packet(0, true)
    assert.equal(loss.update(1e9, 1_000), 1_000_000)
    loss.packet(0, true)
    assert.equal(loss.update(1e9, 1_001), 500_000)
    assert.equal(report(loss, 100, 1_200), 500_000)
    assert.equal(loss.update(1e9, 1_201), 250_000)
  })

  it('does not fall twice for packets that were sent at the old rate', () => {
    const loss = new LossController(1_000_000, min)
    loss.update(1e9, 0)
    report(loss, 50, 1_000)
    for (let i = 0; i < 100; i++) loss.packet(999, true)
    assert.equal(loss.update(1e9, 2_000), 750_000)
    assert.equal(report(loss, 50, 3_000), 562_500)
  })

  it('takes back what arrives after all', () => {
    const loss = new LossController(1_000_000, min)
    loss.update(1e9, 0)
    for (let i = 0; i < 100; i++) loss.packet(10, i < 20)
    for (let i = 0; i < 19; i++) loss.arrivedLate()
    loss.update(1e9, 1_000)
    assert.equal(loss.lossFraction, 0.01)
  })

  it('stays near to what the delay allows, and above its minimum', () => {
    const loss = new LossController(1_000_000, min)
    loss.update(1e9, 0)
    assert.equal(report(loss, 0, 1_000, 500_000), 525_000)
    for (let now = 2_000; now < 60_000; now += 1_000) report(loss, 100, now)
    assert.equal(loss.estimate, min)
  })
})

describe('probing', () => {
  const roundTrip = 100

  /** Plays a cluster over a link of so many bits a second; gives what was found. */
  function play(prober: Prober, cluster: ProbeCluster, capacity: number, at: number, arrive = 1): number | undefined {
    const size = 1_000
    const count = Math.max(cluster.packets, Math.ceil(cluster.bytes / size))
    let sentAt = at
    let freeAt = at
    for (let i = 0; i < count; i++) {
      freeAt = Math.max(freeAt, sentAt) + (size * 8_000) / capacity
      if (i < count * arrive) prober.received(cluster.id, sentAt, 7e5 + freeAt, size)
      sentAt += (size * 8_000) / cluster.bitrate
    }
    return prober.result(max, at + 500)
  }

  it('doubles as long as what it finds bears it out, and stops at the end of the link', () => {
    const prober = new Prober(300_000)
    prober.begin(max, 0)
    const rates: number[] = []
    let found: number | undefined
    for (let cluster = prober.poll(); cluster !== undefined; cluster = prober.poll()) {
      assert.ok(cluster.packets >= minProbePackets && cluster.id === rates.length + 1)
      rates.push(Math.round(cluster.bitrate / 100_000) / 10)
      found = play(prober, cluster, 3_000_000, rates.length * 1_000)
    }
    assert.deepEqual(rates, [0.9, 1.8, 3.6, 5.7])
    assert.ok(found !== undefined && Math.abs(found / 3_000_000 - 0.95) < 0.01, String(found))
  })

  it('stops at the maximum', () => {
    const prober = new Prober(1_000_000)
    prober.begin(max, 0)
    const rates: number[] = []
    for (let cluster = prober.poll(); cluster !== undefined && rates.length < 20; cluster = prober.poll()) {
      rates.push(Math.round(cluster.bitrate / 1_000_000))
      play(prober, cluster, 1e9, rates.length * 1_000)
    }
    assert.deepEqual(rates, [3, 6, 10])
  })

  it('has no result while too little has arrived, and tries three times', () => {
    const prober = new Prober(300_000)
    prober.begin(max, 0)
    const starts: number[] = []
    for (let now = 0; now < 20_000; now += 10) {
      prober.handleTimeout(roundTrip, max, now)
      const cluster = prober.poll()
      if (cluster === undefined) continue
      starts.push(now)
      assert.equal(play(prober, cluster, 1e9, now, 0.5), undefined)
    }
    assert.deepEqual(starts, [0, 1_100, 2_200])
  })

  it('does not believe packets that arrive much faster than they were sent, or all at once', () => {
    for (const step of [0, 1]) {
      const prober = new Prober(300_000)
      prober.begin(max, 0)
      const cluster = prober.poll()
      assert.ok(cluster)
      for (let i = 0; i < 10; i++) prober.received(cluster.id, i * 10, i * step, 1_200)
      assert.equal(prober.result(max, 100), undefined)
      assert.equal(prober.poll(), undefined)
    }
  })

  it('ignores what arrives for a cluster that is over', () => {
    const prober = new Prober(300_000)
    prober.begin(max, 0)
    prober.handleTimeout(roundTrip, max, 1_100)
    const second = prober.poll()
    assert.ok(second)
    for (let i = 0; i < 10; i++) prober.received(second.id - 1, i * 10, i * 10, 1_200)
    assert.equal(prober.result(max, 1_500), undefined)
  })

  it('tries the rate of before once after a large fall', () => {
    const prober = new Prober(300_000)
    prober.targetChanged(2_000_000, 1_700_000)
    prober.calm(max, 10_000)
    assert.equal(prober.poll(), undefined)
    prober.targetChanged(1_700_000, 800_000)
    prober.targetChanged(800_000, 400_000)
    prober.calm(max, 10_100)
    const cluster = prober.poll()
    assert.equal(cluster?.bitrate, 1_700_000 * 0.85)
    assert.ok(cluster && play(prober, cluster, 1e9, 10_100))
    prober.calm(max, 20_000)
    assert.equal(prober.poll(), undefined)
  })
})
