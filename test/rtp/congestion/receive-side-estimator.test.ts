import assert from 'node:assert/strict'

import { rembIntervalMs } from '../../../src/rtp/congestion/limits.ts'
import { ReceiveSideEstimator } from '../../../src/rtp/congestion/receive-side-estimator.ts'

const ticksPerMs = 2 ** 18 / 1_000

/** Receives 1000 bytes each 8 ms (1 Mb/s), each with a delay; gives what was told, with its time. */
function receive(
  estimator: ReceiveSideEstimator,
  from: number,
  to: number,
  delay: (at: number) => number = () => 0,
  clock = 0,
): { at: number; bitrate: number }[] {
  const told: { at: number; bitrate: number }[] = []
  for (let sentAt = from; sentAt < to; sentAt += 8) {
    const now = sentAt + delay(sentAt)
    estimator.handleTimeout(now)
    estimator.receive(Math.floor((sentAt + clock) * ticksPerMs), 1_000, now)
    for (let event = estimator.pollEvent(); event !== undefined; event = estimator.pollEvent()) {
      told.push({ at: now, bitrate: event.bitrate })
    }
  }
  return told
}

describe('the receive-side estimator', () => {
  it('tells half as much again as it receives, each second, while nothing stands in the way', () => {
    const told = receive(new ReceiveSideEstimator(), 0, 5_500)
    assert.equal(told.length, 6)
    for (const [i, { at, bitrate }] of told.entries()) {
      if (i > 0) assert.ok(at - (told[i - 1]?.at ?? 0) <= rembIntervalMs + 8)
      // The first window is still short, so that a packet more or less counts.
      assert.ok(bitrate > 1_300_000 && bitrate < 1_700_000, String(bitrate))
    }
  })

  it('tells at once that the queue grows, and less than it receives', () => {
    const estimator = new ReceiveSideEstimator()
    receive(estimator, 0, 5_000)
    // 20 % too fast.
    const told = receive(estimator, 5_000, 6_000, at => (at - 5_000) * 0.2)
    const fall = told.find(({ bitrate }) => bitrate < 1_000_000)
    assert.ok(fall !== undefined && fall.at < 5_500, JSON.stringify(told))
    assert.ok(fall.bitrate > 600_000, String(fall.bitrate))
  })

  it('is not confused by the wrap of the send time after 64 seconds', () => {
    // 20 % too fast for the half second in which the wrap is.
    const delay = (at: number): number => Math.min(Math.max(at - 4_800, 0), 500) * 0.2
    const plain = receive(new ReceiveSideEstimator(), 0, 10_000, delay)
    const wrapped = receive(new ReceiveSideEstimator(), 0, 10_000, delay, 64_000 - 5_000)
    assert.ok(plain.some(({ at, bitrate }) => at > 5_000 && at < 5_500 && bitrate < 1_000_000))
    assert.deepEqual(wrapped, plain)
  })

  it('is quiet while nothing comes', () => {
    const estimator = new ReceiveSideEstimator()
    assert.equal(estimator.pollTimeout(), undefined)
    assert.equal(estimator.estimate, undefined)
    receive(estimator, 0, 1_000)
    const due = estimator.pollTimeout()
    assert.ok(due !== undefined && due <= 2_000)
    estimator.handleTimeout(due)
    assert.equal(estimator.pollEvent()?.type, 'remb')
    assert.equal(estimator.pollTimeout(), undefined)
    estimator.handleTimeout(due + 10_000)
    assert.equal(estimator.pollEvent(), undefined)
  })

  it('stays within its bounds', () => {
    const low = new ReceiveSideEstimator({ maxBitrate: 700_000 })
    for (const { bitrate } of receive(low, 0, 3_000)) assert.equal(bitrate, 700_000)
    const high = new ReceiveSideEstimator({ minBitrate: 900_000 })
    receive(high, 0, 2_000)
    for (const { bitrate } of receive(high, 2_000, 9_000, at => (at - 2_000) * 0.5)) assert.ok(bitrate >= 900_000)
  })
})
