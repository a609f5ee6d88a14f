import assert from 'node:assert/strict'

import { Congestion } from '../../src/sctp/congestion.ts'
import { maxCongestionWindow, rtoMaxMs, rtoMinMs } from '../../src/sctp/limits.ts'
import { RoundTrip } from '../../src/sctp/round-trip.ts'

const packetSize = 1_172
const packetData = 1_160

/** A window that is always used to the full. */
function busy(size = packetSize): Congestion {
  const congestion = new Congestion(size)
  congestion.noteFull(true)
  return congestion
}

describe('the congestion window', () => {
  it('begins with ten packets, or 14720 bytes if ten are more', () => {
    assert.equal(new Congestion(packetSize).window, 10 * packetData)
    assert.equal(new Congestion(8_912).window, 2 * 8_900)
    assert.equal(new Congestion(3_012).window, 14_720)
  })

  it('opens in slow start by what was acknowledged, while the cumulative TSN moves', () => {
    const congestion = busy()
    congestion.acknowledged(3_000, true)
    assert.equal(congestion.window, 10 * packetData + 3_000)
    congestion.acknowledged(3_000, false)
    assert.equal(congestion.window, 10 * packetData + 3_000)
  })

  it('does not open while it is not used to the full', () => {
    const congestion = busy()
    congestion.noteFull(false)
    congestion.acknowledged(3_000, true)
    assert.equal(congestion.window, 10 * packetData)
  })

  it('is halved by a loss, once for all losses of a window, but not below four packets', () => {
    const congestion = busy()
    congestion.acknowledged(20 * packetData, true)
    assert.equal(congestion.lost(500), true)
    assert.equal(congestion.window, 15 * packetData)
    assert.equal(congestion.lost(600), false)
    congestion.cumulativeReached(499)
    assert.equal(congestion.inFastRecovery, true)
    congestion.cumulativeReached(500)
    assert.equal(congestion.inFastRecovery, false)
    for (let i = 0; i < 8; i++) {
      congestion.lost(1_000 + i)
      congestion.cumulativeReached(1_000 + i)
    }
    assert.equal(congestion.window, 4 * packetData)
  })

  it('does not open in fast recovery', () => {
    const congestion = busy()
    congestion.lost(1)
    const { window } = congestion
    congestion.acknowledged(50_000, true)
    assert.equal(congestion.window, window)
  })

  it('opens in congestion avoidance by one packet for each window acknowledged', () => {
    const congestion = busy()
    congestion.acknowledged(10 * packetData, true)
    congestion.lost(1)
    congestion.cumulativeReached(1)
    // The window equals the threshold: slow start has one more step, which takes it beyond.
    congestion.acknowledged(packetData, true)
    const start = congestion.window
    for (let acked = 0; acked < start; acked += packetData) congestion.acknowledged(packetData, true)
    assert.equal(congestion.window, start + packetData)
  })

  it('is one packet after a timeout, with one in flight until something is acknowledged', () => {
    const congestion = busy()
    congestion.timedOut()
    assert.equal(congestion.window, packetData)
    assert.equal(congestion.threshold, 5 * packetData)
    assert.equal(congestion.allows(0), true)
    assert.equal(congestion.allows(20), false)
    congestion.acknowledged(packetData, true)
    assert.equal(congestion.window, 2 * packetData)
    assert.equal(congestion.allows(packetData), true)
  })

  it('is halved for each RTO without traffic, down to four packets, and the threshold remembers it', () => {
    const congestion = busy()
    congestion.acknowledged(30 * packetData, true)
    congestion.idle(199, 200)
    assert.equal(congestion.window, 40 * packetData)
    congestion.idle(450, 200)
    assert.equal(congestion.window, 10 * packetData)
    assert.equal(congestion.threshold, 40 * packetData)
    congestion.idle(1e9, 200)
    assert.equal(congestion.window, 4 * packetData)
  })

  it('never grows beyond its bound', () => {
    const congestion = busy()
    for (let i = 0; i < 200; i++) congestion.acknowledged(1 << 20, true)
    assert.equal(congestion.window, maxCongestionWindow)
  })
})

describe('the retransmission timeout', () => {
  it('begins with what the caller says, within its bounds', () => {
    assert.equal(new RoundTrip(500).rto, 500)
    assert.equal(new RoundTrip(1).rto, rtoMinMs)
    assert.equal(new RoundTrip(1e6).rto, rtoMaxMs)
  })

  it('follows RFC 9260 §6.3.1', () => {
    const roundTrip = new RoundTrip(1_000)
    roundTrip.measured(400)
    assert.equal(roundTrip.rto, 400 + 4 * 200)
    roundTrip.measured(800)
    // RTTVAR = 3/4 * 200 + 1/4 * 400, SRTT = 7/8 * 400 + 1/8 * 800.
    assert.equal(roundTrip.smoothed, 450)
    assert.equal(roundTrip.rto, 450 + 4 * 250)
  })

  it('doubles up to its maximum, and comes down with the next measurement', () => {
    const roundTrip = new RoundTrip(1_000)
    roundTrip.measured(100)
    for (let i = 0; i < 20; i++) roundTrip.backOff()
    assert.equal(roundTrip.rto, rtoMaxMs)
    roundTrip.measured(100)
    assert.equal(roundTrip.rto, 100 + 4 * 37.5)
  })
})
