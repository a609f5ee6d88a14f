import assert from 'node:assert/strict'
import type { SessionCodec } from '../../../src/rtp/session/types.ts'
import { SessionPair } from './support/pair.ts'
import { packetOf, receivingVideo, sendingVideo, videoSsrc, vp8 } from './support/sections.ts'

/** An encoder that follows the target: 30 frames a second, of packets of 1000 bytes at most. */
function encode(pair: SessionPair, milliseconds: number): void {
  const source = {}
  const stream = pair.a.session.sendStream(videoSsrc)
  assert.ok(stream)
  let sequence = 0
  let target = 300_000
  let timestamp = 0
  pair.run(milliseconds, 1_000 / 30, now => {
    for (const event of pair.a.events) if (event.type === 'target-bitrate') target = event.bitrate
    timestamp += 3_000
    for (let rest = target / 8 / 30; rest > 0; rest -= 1_000) {
      const payload = new Uint8Array(Math.ceil(Math.min(rest, 1_000)))
      stream.send(packetOf(sequence++, timestamp, { payload, paced: true, marker: rest <= 1_000 }), source, now)
    }
  })
}

function converged(codec: SessionCodec, seed: number): SessionPair {
  const pair = new SessionPair({ seed, aToB: { bitrate: 1_000_000, delayMs: 30 }, bToA: { delayMs: 30 } })
  pair.a.session.configure([sendingVideo(codec)], 0)
  pair.b.session.configure([receivingVideo(codec)], 0)
  pair.ready()
  encode(pair, 30_000)
  return pair
}

function receivedBitrate(pair: SessionPair, lastMs: number): number {
  const from = pair.now - lastMs
  const bytes = pair.a.sent.filter(({ at }) => at >= from).reduce((sum, { data }) => sum + data.length, 0)
  return (bytes * 8_000) / lastMs
}

describe('Bandwidth on a link of 1 Mb/s', () => {
  it('is found by transport-wide feedback', () => {
    const pair = converged({ ...vp8, remb: false }, 21)
    const rate = receivedBitrate(pair, 10_000)
    assert.ok(rate > 600_000 && rate < 1_050_000, `${rate} b/s`)
    const { availableOutgoingBitrate, roundTripTime } = pair.a.session.statistics
    assert.ok(availableOutgoingBitrate !== undefined && availableOutgoingBitrate < 1_200_000)
    assert.ok(roundTripTime !== undefined && roundTripTime >= 0.059)
  })

  it('is found by REMB, where there is no transport-wide feedback', () => {
    const pair = converged({ ...vp8, transportCc: false }, 22)
    const rate = receivedBitrate(pair, 10_000)
    assert.ok(rate > 500_000 && rate < 1_100_000, `${rate} b/s`)
    assert.ok(pair.b.session.statistics.availableIncomingBitrate !== undefined)
  })

  it('is not exceeded for long by loss reports alone', () => {
    const pair = converged({ ...vp8, transportCc: false, remb: false }, 23)
    const rate = receivedBitrate(pair, 10_000)
    assert.ok(rate > 300_000 && rate < 1_500_000, `${rate} b/s`)
  })

  it('is never told above the maximum', () => {
    const pair = new SessionPair({ seed: 24, maxBitrate: 500_000 })
    pair.a.session.configure([sendingVideo()], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    encode(pair, 10_000)
    const targets = pair.a.events.flatMap(event => (event.type === 'target-bitrate' ? [event.bitrate] : []))
    assert.ok(targets.length > 1)
    assert.ok(Math.max(...targets) <= 500_000)
    assert.ok(pair.a.session.statistics.targetBitrate > 450_000)
  })
})
