import assert from 'node:assert/strict'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import { parseRtcp, serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import type { RtcpPacket } from '../../../src/rtp/rtcp/types.ts'
import type { RtpSendStream } from '../../../src/rtp/session/send-stream.ts'
import type { SessionCodec } from '../../../src/rtp/session/types.ts'
import { type Peer, SessionPair } from './support/pair.ts'
import { packetOf, receivingVideo, sendingVideo, videoRtxSsrc, videoSsrc, vp8 } from './support/sections.ts'

const peerSsrc = 0x9999

function flowing(seed: number, codec: SessionCodec = vp8): { pair: SessionPair; stream: RtpSendStream } {
  const pair = new SessionPair({ seed })
  pair.a.session.configure([sendingVideo(codec)], 0)
  pair.b.session.configure([receivingVideo(codec)], 0)
  pair.ready()
  const stream = pair.a.session.sendStream(videoSsrc)
  assert.ok(stream)
  send(pair, stream, 200)
  return { pair, stream }
}

let sequence = 0
const source = {}

function send(pair: SessionPair, stream: RtpSendStream, milliseconds: number): void {
  pair.run(milliseconds, 10, now => stream.send(packetOf(sequence++, now * 90), source, now))
}

function rtcp(peer: Peer, now: number, ...packets: RtcpPacket[]): void {
  peer.session.receiveRtcp(serializeRtcp(packets), now)
}

function eventsOf(peer: Peer, type: string): readonly number[] {
  return peer.events.filter(event => event.type === type).map(({ at }) => at)
}

function kindsSent(peer: Peer): string[] {
  return peer.sentRtcp.flatMap(({ data }) => {
    const compound = parseRtcp(data)
    return 'packets' in compound ? compound.packets.map(({ type }) => type) : []
  })
}

const pli: RtcpPacket = { type: 'pli', senderSsrc: peerSsrc, mediaSsrc: videoSsrc }
const fir = (sequenceNumber: number): RtcpPacket => ({
  type: 'fir',
  senderSsrc: peerSsrc,
  mediaSsrc: 0,
  requests: [{ ssrc: videoSsrc, sequenceNumber }],
})

describe('Requests for keyframes', () => {
  it('go by PLI, at once, and come out as an event', () => {
    const { pair, stream } = flowing(81)
    const at = pair.now
    pair.b.session.requestKeyframe(videoSsrc, at)
    pair.run(100)
    assert.deepEqual(eventsOf(pair.a, 'keyframe-request').length, 1)
    assert.ok((eventsOf(pair.a, 'keyframe-request')[0] ?? 0) < at + 40)
    assert.equal(stream.statistics.pliCount, 1)
    assert.equal(pair.b.session.receiveStreams('v')[0]?.statistics.pliCount, 1)
  })

  it('go by FIR where that alone was negotiated', () => {
    const { pair, stream } = flowing(82, { ...vp8, pli: false })
    pair.b.session.requestKeyframe(videoSsrc, pair.now)
    pair.run(100)
    assert.equal(eventsOf(pair.a, 'keyframe-request').length, 1)
    assert.equal(stream.statistics.firCount, 1)
  })

  it('are made as often as helps, the last one never lost', () => {
    const { pair } = flowing(83)
    const from = pair.now
    pair.run(1_000, 10, now => {
      if (now < from + 900) pair.b.session.requestKeyframe(videoSsrc, now)
    })
    pair.run(400)
    const sent = kindsSent(pair.b).filter(type => type === 'pli')
    assert.equal(sent.length, 4)
  })

  it('are told once for many at the same time', () => {
    const { pair, stream } = flowing(84)
    for (let i = 0; i < 1_000; i++) rtcp(pair.a, pair.now + i / 100, pli)
    pair.drain()
    assert.equal(eventsOf(pair.a, 'keyframe-request').length, 1)
    assert.equal(stream.statistics.pliCount, 1_000)
  })

  it('by FIR with the same number are one', () => {
    const { pair } = flowing(85)
    for (const [i, number] of [7, 7, 7, 8].entries()) rtcp(pair.a, pair.now + i * 1_000, fir(number))
    pair.drain()
    assert.equal(eventsOf(pair.a, 'keyframe-request').length, 2)
  })

  it('follow where a gap is too large to be repaired', () => {
    const { pair, stream } = flowing(86)
    sequence += 2_000
    send(pair, stream, 100)
    assert.ok(kindsSent(pair.b).includes('pli'))
    assert.equal(kindsSent(pair.b).includes('nack'), false)
  })
})

describe('A peer that uses an SSRC of ours', () => {
  const foreign = (ssrc: number, sequenceNumber: number): Uint8Array =>
    serializeRtp({
      payloadType: 96,
      sequenceNumber,
      timestamp: 0,
      ssrc,
      marker: false,
      csrcs: [],
      extension: undefined,
      payload: new Uint8Array(10),
      paddingLength: 0,
    })

  function both(seed: number): { pair: SessionPair; stream: RtpSendStream } {
    const pair = new SessionPair({ seed })
    const section = { ...sendingVideo(), receive: [vp8] }
    pair.a.session.configure([section], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    const stream = pair.a.session.sendStream(videoSsrc)
    assert.ok(stream)
    send(pair, stream, 100)
    return { pair, stream }
  }

  it('makes the stream go on under another one, with a BYE for the old one', () => {
    const { pair, stream } = both(91)
    const received = pair.a.session.receive(foreign(videoSsrc, 1), pair.now)
    assert.ok(!('drop' in received) && received.stream.ssrc === videoSsrc)
    send(pair, stream, 200)
    const event = pair.a.events.find(({ type }) => type === 'own-collision')
    assert.ok(event?.type === 'own-collision')
    assert.equal(event.ssrc, videoSsrc)
    assert.equal(stream.ssrc, event.replacement)
    assert.equal(pair.a.session.sendStream(videoSsrc), stream)
    assert.ok(kindsSent(pair.a).includes('bye'))
    assert.deepEqual(eventsOf(pair.b, 'stream-ended').length, 1)
    assert.deepEqual(
      pair.b.session.receiveStreams('v').map(({ ssrc }) => ssrc),
      [event.replacement],
    )
    pair.a.session.configure([{ ...sendingVideo(), receive: [vp8] }], pair.now)
    assert.equal(stream.ssrc, event.replacement)
  })

  it('that only sends back what it gets does not make it change again', () => {
    const { pair, stream } = both(92)
    pair.a.session.receive(foreign(videoSsrc, 1), pair.now)
    const replacement = stream.ssrc
    const looped = pair.a.session.receive(foreign(replacement, 2), pair.now)
    assert.ok('drop' in looped && looped.drop === 'own-loop')
    assert.equal(stream.ssrc, replacement)
    assert.deepEqual(
      pair.a.session.receiveRtcp(
        serializeRtcp([{ type: 'receiver-report', ssrc: replacement, reports: [] }]),
        pair.now,
      ),
      { drop: 'own-loop' },
    )
  })

  it('is met for retransmissions too', () => {
    const { pair, stream } = both(93)
    pair.a.session.receive(foreign(videoRtxSsrc, 1), pair.now)
    assert.notEqual(stream.rtxSsrc, videoRtxSsrc)
    assert.equal(stream.ssrc, videoSsrc)
  })
})

describe('BYE', () => {
  it('ends the stream at the peer, once', () => {
    const { pair } = flowing(94)
    pair.a.session.close(pair.now)
    pair.run(100)
    assert.deepEqual(
      pair.b.events.filter(({ type }) => type === 'stream-ended').map(event => 'ssrc' in event && event.ssrc),
      [videoSsrc],
    )
    assert.deepEqual(pair.b.session.receiveStreams('v'), [])
    assert.equal(pair.a.session.pollTimeout(), undefined)
    assert.equal(pair.a.session.pollTransmit(pair.now), undefined)
    assert.deepEqual(pair.a.session.receive(new Uint8Array(20), pair.now), { drop: 'closed' })
  })

  it('is followed by a stream of its own if packets come later', () => {
    const { pair, stream } = flowing(95)
    const before = pair.b.session.receiveStreams('v')[0]
    rtcp(
      pair.b,
      pair.now,
      { type: 'receiver-report', ssrc: videoSsrc, reports: [] },
      { type: 'bye', ssrcs: [videoSsrc], reason: undefined },
    )
    pair.run(2_500)
    send(pair, stream, 100)
    const after = pair.b.session.receiveStreams('v')[0]
    assert.ok(after && after !== before)
  })
})

describe('Reports that lie', () => {
  it('change nothing but the count of what is ignored', () => {
    const { pair, stream } = flowing(96)
    const before = pair.a.session.statistics
    const block = {
      ssrc: videoSsrc,
      fractionLost: 0,
      cumulativeLost: -5,
      extendedHighestSequence: 0xffff_ffff,
      jitter: 0xffff_ffff,
      lastSenderReport: 1,
      delaySinceLastSenderReport: 0,
    }
    rtcp(pair.a, pair.now, { type: 'receiver-report', ssrc: peerSsrc, reports: [block, { ...block, ssrc: 5 }] })
    rtcp(pair.a, pair.now, { type: 'nack', senderSsrc: peerSsrc, mediaSsrc: 5, sequenceNumbers: [1] })
    rtcp(pair.a, pair.now, { type: 'pli', senderSsrc: peerSsrc, mediaSsrc: 5 })
    rtcp(pair.a, pair.now, { type: 'bye', ssrcs: [5], reason: undefined })
    const after = pair.a.session.statistics
    assert.ok(after.ignoredFeedback - before.ignoredFeedback >= 3)
    assert.ok((after.roundTripTime ?? 0) <= 10)
    send(pair, stream, 2_000)
    assert.ok(pair.b.received.length > 200)
  })

  it('of no bandwidth leave what it takes to go on', () => {
    const { pair, stream } = flowing(97)
    rtcp(pair.a, pair.now, { type: 'remb', senderSsrc: peerSsrc, mediaSsrc: 0, bitrate: 0, ssrcs: [] })
    rtcp(pair.a, pair.now, {
      type: 'tmmbr',
      senderSsrc: peerSsrc,
      mediaSsrc: 0,
      entries: [{ ssrc: videoSsrc, bitrate: 0, overhead: 0 }],
    })
    assert.equal(pair.a.session.statistics.targetBitrate, 30_000)
    send(pair, stream, 500)
    assert.ok(pair.b.received.length > 50)
  })

  it('that ask for 10^5 packets get what a datagram may ask for, at most', () => {
    const { pair } = flowing(98)
    const sequenceNumbers = Array.from({ length: 100_000 }, (_, i) => i & 0xffff)
    const before = pair.a.sent.length
    for (let i = 0; i < 10; i++)
      rtcp(pair.a, pair.now, { type: 'nack', senderSsrc: peerSsrc, mediaSsrc: videoSsrc, sequenceNumbers })
    pair.drain()
    assert.ok(pair.a.sent.length - before <= 21, 'only what was sent can be repeated, and once in a round trip')
    assert.ok(pair.a.session.statistics.ignoredFeedback >= 10)
  })
})
