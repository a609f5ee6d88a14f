import assert from 'node:assert/strict'

import { type Flow, Simulation } from './support/simulation.ts'

/**
 * The whole circle on a virtual bottleneck: encoder, pacer, link with a queue, receiver, feedback, estimator. Every range was
 * chosen from a dozen seeds and leaves room for about half as much deviation again; each fails if a part is taken out.
 */
const seeds = [1, 2, 3]

function between(value: number, low: number, high: number, what: string): void {
  assert.ok(value >= low && value <= high, `${what}: ${value} is not within ${low} and ${high}`)
}

/** How long after `from` the target was first told that passes the test; infinite if never. */
function timeTo(flow: Flow, from: number, passes: (bitrate: number) => boolean): number {
  return (flow.targets.find(told => told.at >= from && passes(told.bitrate))?.at ?? Number.POSITIVE_INFINITY) - from
}

describe('bandwidth estimation on a bottleneck link', () => {
  for (const { capacity, startBitrate, longest } of [
    { capacity: 300_000, startBitrate: 200_000, longest: 250 },
    { capacity: 2_000_000, startBitrate: 300_000, longest: 100 },
    { capacity: 20_000_000, startBitrate: 300_000, longest: 50 },
  ]) {
    it(`uses 80 to 95 % of a steady ${capacity / 1_000} kb/s, within three seconds, and keeps the queue short`, () => {
      for (const seed of seeds) {
        const sim = new Simulation(seed, { capacity: [[0, capacity]] }, [{ startBitrate }]).run(40_000)
        const flow = sim.flow(0)
        between(flow.rate(10_000, 40_000) / capacity, 0.8, 0.95, `seed ${seed}, use`)
        between(flow.rate(3_000, 6_000) / capacity, 0.75, 1, `seed ${seed}, use at the start`)
        between(sim.longestQueue(10_000, 40_000), 0, longest, `seed ${seed}, longest queue in ms`)
        between(sim.meanQueue(10_000, 40_000), 0, 30, `seed ${seed}, mean queue in ms`)
        assert.equal(sim.dropped, 0, `seed ${seed}, packets dropped`)
      }
    })
  }

  it('halves within a second when the capacity halves, before the queue is full', () => {
    for (const seed of seeds) {
      const link = { capacity: [[0, 2_000_000] as const, [20_000, 1_000_000] as const], queueMs: 600 }
      const sim = new Simulation(seed, link, [{}]).run(40_000)
      const flow = sim.flow(0)
      between(flow.targetAt(20_000), 1_500_000, 2_200_000, `seed ${seed}, target before`)
      between(
        timeTo(flow, 20_000, bitrate => bitrate < 1_000_000),
        0,
        1_000,
        `seed ${seed}, ms to react`,
      )
      between(sim.longestQueue(20_000, 40_000), 100, 380, `seed ${seed}, longest queue in ms`)
      between(sim.meanQueue(24_000, 40_000), 0, 100, `seed ${seed}, mean queue afterwards in ms`)
      between(flow.rate(26_000, 40_000) / 1_000_000, 0.8, 1, `seed ${seed}, use afterwards`)
      assert.equal(sim.dropped, 0, `seed ${seed}, packets dropped`)
    }
  })

  it('takes what there is when the capacity doubles', () => {
    for (const seed of seeds) {
      const link = { capacity: [[0, 1_000_000] as const, [20_000, 2_000_000] as const] }
      const flow = new Simulation(seed, link, [{}]).run(50_000).flow(0)
      between(flow.rate(10_000, 20_000) / 1_000_000, 0.8, 0.97, `seed ${seed}, use before`)
      between(
        timeTo(flow, 20_000, bitrate => bitrate > 1_700_000),
        5_000,
        25_000,
        `seed ${seed}, ms to 1.7 Mb/s`,
      )
      between(flow.rate(45_000, 50_000) / 2_000_000, 0.8, 0.97, `seed ${seed}, use afterwards`)
    }
  })

  it('shares a link with another flow, of which none has more than twice as much', () => {
    // Seeds 6 and 7 begin with more than two to one.
    for (const seed of [...seeds, 6, 7]) {
      const sim = new Simulation(seed, { capacity: [[0, 3_000_000]] }, [{}, { startAt: 10_000 }]).run(80_000)
      const first = sim.flow(0).rate(50_000, 80_000)
      const second = sim.flow(1).rate(50_000, 80_000)
      between(first / second, 0.5, 2, `seed ${seed}, ratio`)
      between((first + second) / 3_000_000, 0.8, 0.98, `seed ${seed}, use of both`)
      assert.equal(sim.dropped, 0, `seed ${seed}, packets dropped`)
    }
  })

  it('does not take 2 % of random loss for congestion, nor 4 %', () => {
    for (const seed of seeds) {
      for (const loss of [0.02, 0.04]) {
        const sim = new Simulation(seed, { capacity: [[0, 2_000_000]], loss }, [{}]).run(40_000)
        between(sim.flow(0).rate(10_000, 40_000) / 2_000_000, 0.8, 0.95, `seed ${seed}, loss ${loss}, use`)
      }
    }
  })

  it('gives way to heavy loss', () => {
    for (const seed of seeds) {
      const flow = new Simulation(seed, { capacity: [[0, 2_000_000]], loss: 0.2 }, [{}]).run(20_000).flow(0)
      between(flow.targetAt(20_000), 30_000, 100_000, `seed ${seed}, target`)
      assert.equal(flow.estimator.statistics.limitedBy, 'loss', `seed ${seed}`)
    }
  })

  it('sees by the loss that a link without a queue is full', () => {
    for (const seed of seeds) {
      const sim = new Simulation(seed, { capacity: [[0, 2_000_000]], queueMs: 15 }, [{}]).run(40_000)
      between(sim.flow(0).rate(10_000, 40_000) / 2_000_000, 0.8, 1, `seed ${seed}, use`)
      between(sim.dropped / (sim.dropped + sim.queueing.length), 0, 0.1, `seed ${seed}, share of packets dropped`)
      assert.equal(sim.flow(0).estimator.statistics.limitedBy, 'loss', `seed ${seed}`)
    }
  })

  it('does not take jitter for a queue', () => {
    for (const seed of seeds) {
      const sim = new Simulation(seed, { capacity: [[0, 2_000_000]], jitterMs: 8 }, [{}]).run(40_000)
      between(sim.flow(0).rate(10_000, 40_000) / 2_000_000, 0.8, 0.97, `seed ${seed}, use`)
    }
  })

  it('goes on when nearly a third of the feedback is lost', () => {
    for (const seed of seeds) {
      const sim = new Simulation(seed, { capacity: [[0, 2_000_000]] }, [{ feedbackLoss: 0.3 }]).run(40_000)
      between(sim.flow(0).rate(15_000, 40_000) / 2_000_000, 0.6, 0.95, `seed ${seed}, use`)
      between(sim.longestQueue(15_000, 40_000), 0, 150, `seed ${seed}, longest queue in ms`)
    }
  })

  it('lowers the rate in an outage of two seconds, and is back within ten', () => {
    for (const seed of seeds) {
      const link = { capacity: [[0, 2_000_000] as const, [20_000, 0] as const, [22_000, 2_000_000] as const] }
      const sim = new Simulation(seed, link, [{}]).run(40_000)
      const flow = sim.flow(0)
      between(flow.targetAt(22_000), 0, 1_200_000, `seed ${seed}, target at the end of the outage`)
      between(
        timeTo(flow, 22_000, bitrate => bitrate > 1_500_000),
        0,
        10_000,
        `seed ${seed}, ms to 1.5 Mb/s`,
      )
      between(flow.rate(32_000, 40_000) / 2_000_000, 0.8, 0.97, `seed ${seed}, use afterwards`)
      between(sim.longestQueue(24_000, 40_000), 0, 100, `seed ${seed}, longest queue afterwards in ms`)
    }
  })

  it('finds by probes what an encoder that sends little does not use', () => {
    for (const seed of seeds) {
      const sim = new Simulation(seed, { capacity: [[0, 5_000_000]] }, [{ encoderMax: 500_000 }]).run(20_000)
      between(sim.flow(0).rate(5_000, 20_000), 480_000, 520_000, `seed ${seed}, rate`)
      between(sim.flow(0).targetAt(20_000), 4_000_000, 5_500_000, `seed ${seed}, target`)
      between(sim.flow(0).paddingBytes, 5_000, 100_000, `seed ${seed}, bytes of padding`)
    }
  })

  it('does not grow beyond what is confirmed while the encoder sends little and nothing is probed', () => {
    for (const seed of seeds) {
      const flows = [{ encoderMax: 500_000, probing: false }]
      const sim = new Simulation(seed, { capacity: [[0, 5_000_000]] }, flows).run(30_000)
      between(sim.flow(0).targetAt(30_000), 700_000, 900_000, `seed ${seed}, target`)
      assert.equal(sim.flow(0).paddingBytes, 0, `seed ${seed}, bytes of padding`)
    }
  })

  it('lets key frames through without falling', () => {
    for (const seed of seeds) {
      const flows = [{ keyFrameEveryMs: 3_000 }]
      const sim = new Simulation(seed, { capacity: [[0, 2_000_000]] }, flows).run(40_000)
      between(sim.flow(0).rate(10_000, 40_000) / 2_000_000, 0.8, 1, `seed ${seed}, use`)
      between(sim.longestQueue(10_000, 40_000), 0, 350, `seed ${seed}, longest queue in ms`)
    }
  })

  it('works with a receiver that estimates itself and sends REMB', () => {
    for (const seed of seeds) {
      for (const loss of [0, 0.02]) {
        const flows = [{ usesRemb: true }]
        const sim = new Simulation(seed, { capacity: [[0, 2_000_000]], loss }, flows).run(40_000)
        between(sim.flow(0).rate(10_000, 40_000) / 2_000_000, 0.8, 0.95, `seed ${seed}, loss ${loss}, use`)
        between(sim.longestQueue(10_000, 40_000), 0, 150, `seed ${seed}, loss ${loss}, longest queue in ms`)
      }
    }
  })

  it('gives the same for the same seed', () => {
    const run = (): unknown =>
      new Simulation(7, { capacity: [[0, 1_000_000]], loss: 0.01 }, [{}]).run(10_000).flow(0).targets
    assert.deepEqual(run(), run())
  })
})
