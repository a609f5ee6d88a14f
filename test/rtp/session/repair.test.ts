import assert from 'node:assert/strict'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import { parseRtp } from '../../../src/rtp/packet.ts'
import { serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import type { RtpSendStream } from '../../../src/rtp/session/send-stream.ts'
import type { SessionCodec } from '../../../src/rtp/session/types.ts'
import { mediaPackets, SessionPair } from './support/pair.ts'
import { packetOf, receivingVideo, sendingVideo, videoSsrc, vp8, vp8WithoutRtx } from './support/sections.ts'

const source = {}

function streamOf(pair: SessionPair, ssrc = videoSsrc): RtpSendStream {
  const stream = pair.a.session.sendStream(ssrc)
  assert.ok(stream)
  return stream
}

/** Ten seconds of a packet each 5 ms over a link that loses, reorders and repeats. (Nobody misses a last packet: the seeds do not lose it.) */
function lossyRun(seed: number, codec: SessionCodec, paced: boolean): { pair: SessionPair; sent: number } {
  const link = { loss: 0.05, reorder: 0.05, duplicate: 0.02 }
  const pair = new SessionPair({ seed, aToB: link, bToA: { loss: 0.05 } })
  pair.a.session.configure([sendingVideo(codec)], 0)
  pair.b.session.configure([receivingVideo(codec)], 0)
  pair.ready()
  let sent = 0
  pair.run(10_000, 5, now => {
    assert.equal(streamOf(pair).send(packetOf(1_000 + sent, now * 90, { paced }), source, now), undefined)
    sent++
  })
  pair.run(2_000)
  return { pair, sent }
}

/** Payloads carry the number that their source gave them. */
function numbers(packets: readonly RtpPacket[]): number[] {
  return packets
    .filter(({ payload }) => payload.length > 0)
    .map(({ payload }) => ((payload[0] as number) << 8) | (payload[1] as number))
    .sort((a, b) => a - b)
}

for (const [name, codec] of [
  ['by retransmission streams', vp8],
  ['by sending the same bytes again', vp8WithoutRtx],
] as const) {
  describe(`Loss of 5 % repaired ${name}`, () => {
    for (const paced of [false, true]) {
      it(`brings every packet, once${paced ? ', of a paced stream' : ''}`, () => {
        const { pair, sent } = lossyRun(11, codec, paced)
        const expected = Array.from({ length: sent }, (_, i) => 1_000 + i)
        assert.deepEqual(numbers(mediaPackets(pair.b)), expected)
      })
    }

    it('counts what was asked for, repeated and lost on both sides', () => {
      const { pair, sent } = lossyRun(12, codec, false)
      const outbound = streamOf(pair).statistics
      const [stream] = pair.b.session.receiveStreams('v')
      const inbound = stream?.statistics
      assert.ok(inbound && outbound.remote)
      assert.ok(outbound.nackCount > 0 && outbound.nackCount <= inbound.nackCount)
      assert.ok(outbound.retransmittedPacketsSent >= sent * 0.04)
      assert.equal(outbound.packetsSent, sent + outbound.retransmittedPacketsSent)
      assert.equal(inbound.retransmittedPacketsReceived > 0, codec === vp8)
      assert.ok(inbound.packetsDuplicated > 0)
      assert.equal(pair.b.session.statistics.drops.get('duplicate'), inbound.packetsDuplicated)
      assert.ok(outbound.remote.roundTripTime !== undefined)
      assert.ok(outbound.remote.roundTripTime > 0.039 && outbound.remote.roundTripTime < 0.1)
    })
  })
}

describe('Retransmission', () => {
  it('gives the original packet back: number, timestamp, marker, payload', () => {
    const pair = new SessionPair({ seed: 1 })
    pair.a.session.configure([sendingVideo()], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    let lost: RtpPacket | undefined
    pair.filter = (from, data) => {
      const parsed = parseRtp(data)
      if (from !== pair.a || 'drop' in parsed || parsed.ssrc !== videoSsrc || parsed.payload[1] !== 3) return true
      lost = parsed
      return false
    }
    let sent = 0
    pair.run(300, 10, now => {
      if (sent < 6) streamOf(pair).send(packetOf(sent, now * 90, { marker: sent === 3 }), source, now)
      sent++
    })
    const repaired = pair.b.received.find(({ raw }) => raw === undefined)
    assert.ok(repaired && lost)
    assert.equal(repaired.packet.ssrc, videoSsrc)
    assert.equal(repaired.packet.payloadType, 96)
    assert.equal(repaired.packet.sequenceNumber, lost.sequenceNumber)
    assert.equal(repaired.packet.timestamp, lost.timestamp)
    assert.equal(repaired.packet.marker, true)
    assert.deepEqual([...repaired.packet.payload], [...lost.payload])
    assert.equal(repaired.stream, pair.b.received[0]?.stream)
  })

  it('does not spend more on a flood of requests than a part of what it sends', () => {
    const pair = new SessionPair({ seed: 2 })
    pair.a.session.configure([sendingVideo()], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    let sent = 0
    pair.run(1_000, 2, now => {
      streamOf(pair).send(packetOf(sent++, now * 90, { payload: new Uint8Array(1_000) }), source, now)
    })
    const media = pair.a.sent.map(({ data }) => parseRtp(data)).filter(packet => !('drop' in packet)) as RtpPacket[]
    const first = media[0]?.sequenceNumber ?? 0
    const nack = {
      type: 'nack' as const,
      senderSsrc: 9,
      mediaSsrc: videoSsrc,
      sequenceNumbers: media.map((_, i) => (first + i) & 0xffff),
    }
    const before = pair.a.sent.length
    for (let round = 0; round < 50; round++) {
      pair.a.session.receiveRtcp(serializeRtcp([nack]), pair.now)
      pair.run(20)
    }
    const repeated = pair.a.sent.slice(before).reduce((sum, { data }) => sum + data.length, 0)
    // What was saved up, and a quarter of the target for a second.
    assert.ok(repeated > 30_000 && repeated < 60_000 + 1_200 + 50_000_000 / 8, `${repeated} bytes`)
    assert.ok(pair.a.session.statistics.refusedRetransmissions > 0)
  })
})
