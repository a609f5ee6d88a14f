import assert from 'node:assert/strict'
import { findExtension } from '../../../src/rtp/header-extensions.ts'
import { parseRtp, type RtpPacket } from '../../../src/rtp/packet.ts'
import type { RtpSendStream } from '../../../src/rtp/session/send-stream.ts'
import { prng } from '../../support/prng.ts'
import { type Peer, SessionPair } from './support/pair.ts'
import { packetOf, receivingVideo, sendingVideo, videoRtxSsrc, videoSsrc, vp8 } from './support/sections.ts'

const text = (data: Uint8Array | undefined): string | undefined => data && Buffer.from(data).toString()

function connected(seed: number): { pair: SessionPair; stream: RtpSendStream } {
  const pair = new SessionPair({ seed })
  pair.a.session.configure([sendingVideo()], 0)
  pair.b.session.configure([receivingVideo()], 0)
  pair.ready()
  const stream = pair.a.session.sendStream(videoSsrc)
  assert.ok(stream)
  return { pair, stream }
}

function sentBy(peer: Peer, ssrc = videoSsrc): RtpPacket[] {
  return peer.sent.flatMap(({ data }) => {
    const packet = parseRtp(data)
    return 'drop' in packet || packet.ssrc !== ssrc ? [] : [packet]
  })
}

/** Sequence numbers, counted from the first. */
function places(packets: readonly RtpPacket[]): number[] {
  const first = packets[0]?.sequenceNumber ?? 0
  return packets.map(({ sequenceNumber }) => (sequenceNumber - first) & 0xffff)
}

describe('Numbers of a stream that is sent', () => {
  it('begin at random, with a sequence number below 2^15', () => {
    const firsts = new Set<number>()
    for (let seed = 40; seed < 60; seed++) {
      const { pair, stream } = connected(seed)
      stream.send(packetOf(60_000, 0), {}, 0)
      pair.drain()
      const [packet] = sentBy(pair.a)
      assert.ok(packet && packet.sequenceNumber < 0x8000)
      firsts.add(packet.sequenceNumber)
    }
    assert.ok(firsts.size > 15)
  })

  it('keep gaps and reordering of a source as they are', () => {
    const { pair, stream } = connected(61)
    const source = {}
    for (const sequence of [65_530, 65_533, 65_532, 2, 1]) stream.send(packetOf(sequence, sequence), source, 0)
    assert.equal(stream.send(packetOf(65_533, 0), source, 0)?.drop, 'stale')
    assert.equal(stream.send(packetOf(65_520, 0), source, 0)?.drop, 'stale')
    pair.drain()
    assert.deepEqual(places(sentBy(pair.a)), [0, 3, 2, 8, 7])
  })

  it('go on smoothly with another source', () => {
    const { pair, stream } = connected(62)
    const [first, second] = [{}, {}]
    stream.send(packetOf(100, 5_000), first, 0)
    stream.send(packetOf(101, 8_000), first, 33)
    stream.send(packetOf(40_000, 3_000_000_000), second, 133)
    stream.send(packetOf(40_002, 3_000_003_000), second, 166)
    stream.send(packetOf(500, 0), first, 166)
    pair.drain()
    const packets = sentBy(pair.a)
    assert.deepEqual(places(packets), [0, 1, 2, 4, 5])
    const start = packets[0]?.timestamp ?? 0
    assert.deepEqual(
      packets.map(({ timestamp }) => (timestamp - start) >>> 0),
      [0, 3_000, 12_000, 15_000, 15_001],
    )
  })

  it('go on behind a source that has jumped', () => {
    const { pair, stream } = connected(63)
    const source = {}
    for (const sequence of [10, 11, 9_000, 9_001, 100]) stream.send(packetOf(sequence, 0), source, 0)
    pair.drain()
    assert.deepEqual(places(sentBy(pair.a)), [0, 1, 2, 3, 4])
  })

  it('make room for packets that are inserted, and place late ones before them', () => {
    const { pair, stream } = connected(64)
    const source = {}
    stream.send(packetOf(10, 0), source, 0)
    stream.send(packetOf(12, 0), source, 0)
    const inserted = { payloadType: 96, timestamp: stream.timestampAt(10), marker: false, payload: new Uint8Array(4) }
    stream.insert(inserted, 10)
    stream.insert(inserted, 10)
    stream.send(packetOf(13, 0), source, 10)
    stream.send(packetOf(11, 0), source, 10)
    stream.send(packetOf(14, 0), source, 10)
    pair.drain()
    const packets = sentBy(pair.a)
    assert.deepEqual(places(packets), [0, 2, 3, 4, 5, 1, 6])
    assert.equal((packets[2]?.timestamp ?? 0) - (packets[0]?.timestamp ?? 0), 900)
  })
})

describe('Header extensions of packets that are sent', () => {
  it('tell the MID until a report shows that the stream is known', () => {
    const { pair, stream } = connected(65)
    let sent = 0
    const source = {}
    pair.run(4_000, 20, now => stream.send(packetOf(sent++, now * 90), source, now))
    const packets = sentBy(pair.a)
    const mids = packets.map(({ extension }) => text(findExtension(extension, 1)))
    const known = mids.indexOf(undefined)
    assert.ok(known > 0 && known < 150)
    assert.ok(mids.slice(0, known).every(mid => mid === 'v'))
    assert.ok(mids.slice(known).every(mid => mid === undefined))
  })

  it('have the time and number of leaving, not those of sending', () => {
    const { pair, stream } = connected(66)
    const source = {}
    pair.run(500, 100, now => {
      for (let i = 0; i < 10; i++) {
        stream.send(packetOf(now / 10 + i, now * 90, { paced: true, payload: new Uint8Array(500) }), source, now)
      }
    })
    let offsets = 0
    for (const [i, { data, at }] of pair.a.sent.entries()) {
      const packet = parseRtp(data)
      assert.ok(!('drop' in packet))
      const time = findExtension(packet.extension, 4)
      assert.ok(time)
      const seconds = Buffer.from(time).readUIntBE(0, 3) / 2 ** 18
      assert.ok(Math.abs(seconds - (((1_700_000_000_000 + at) / 1_000) % 64)) < 1e-4)
      const sequence = findExtension(packet.extension, 5)
      assert.equal(sequence && Buffer.from(sequence).readUInt16BE(0), i)
      const offset = findExtension(packet.extension, 6)
      if (packet.ssrc === videoSsrc && offset) offsets = Math.max(offsets, Buffer.from(offset).readIntBE(0, 3))
    }
    assert.ok(offsets > 90 * 5, 'the last packets of a burst wait')
  })

  it('come from the packet too, but not those that the session writes', () => {
    const { pair, stream } = connected(67)
    const long = new Uint8Array(40).fill(7)
    const elements = [
      { id: 1, data: Uint8Array.of(88) },
      { id: 9, data: Uint8Array.of(1, 2) },
    ]
    stream.send(packetOf(0, 0, { elements, csrcs: [5, 6] }), {}, 0)
    stream.send(packetOf(0, 0, { elements: [{ id: 200, data: long }] }), {}, 0)
    assert.equal(stream.send(packetOf(0, 0, { elements: [{ id: 0, data: long }] }), {}, 0)?.drop, 'malformed')
    assert.equal(stream.send(packetOf(0, 0, { payload: new Uint8Array(70_000) }), {}, 0)?.drop, 'malformed')
    pair.drain()
    const [first, second] = sentBy(pair.a)
    assert.equal(text(findExtension(first?.extension, 1)), 'v')
    assert.deepEqual([...(findExtension(first?.extension, 9) ?? [])], [1, 2])
    assert.deepEqual(first?.csrcs, [5, 6])
    assert.deepEqual([...(findExtension(second?.extension, 200) ?? [])], [...long])
    assert.equal(text(findExtension(second?.extension, 1)), 'v')
  })
})

describe('A simulcast', () => {
  const encodings = ['q', 'h', 'f'].map((rid, i) => ({ ssrc: 100 + i, rtxSsrc: 200 + i, rid }))

  it('is told apart by its stream ids, and its repairs by theirs', () => {
    const pair = new SessionPair({ seed: 68 })
    const random = prng(168)
    // Of a stream whose first or last packet is lost, nobody knows that it was there.
    pair.filter = from => from === pair.b || pair.now < 200 || pair.now > 2_800 || random.float() > 0.1
    pair.a.session.configure([sendingVideo(vp8, encodings)], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    const sources = encodings.map(() => ({}))
    let sent = 0
    pair.run(3_000, 10, now => {
      for (const [i, { ssrc }] of encodings.entries()) {
        const payload = Uint8Array.of(i, sent >>> 8, sent)
        pair.a.session.sendStream(ssrc)?.send(packetOf(sent, now * 90, { payload }), sources[i] ?? {}, now)
      }
      sent++
    })
    pair.run(1_000)
    const streams = pair.b.session.receiveStreams('v')
    assert.deepEqual(streams.map(({ rid }) => rid).sort(), ['f', 'h', 'q'])
    for (const [i, { rid, ssrc, rtxSsrc }] of encodings.entries()) {
      const stream = streams.find(candidate => candidate.rid === rid)
      assert.equal(stream?.ssrc, ssrc)
      assert.equal(stream?.rtxSsrc, rtxSsrc)
      const mine = pair.b.received.filter(
        received => received.stream === stream && received.packet.payload.length === 3,
      )
      assert.ok(mine.every(({ packet }) => packet.payload[0] === i))
      assert.equal(mine.length, sent)
      assert.ok(mine.some(({ raw }) => raw === undefined))
    }
  })

  it('names the stream that a repair is of until that is known', () => {
    const pair = new SessionPair({ seed: 69, aToB: { loss: 0.05 } })
    pair.a.session.configure([sendingVideo(vp8, encodings.slice(0, 1))], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    const source = {}
    let sent = 0
    pair.run(6_000, 10, now => pair.a.session.sendStream(100)?.send(packetOf(sent++, now * 90), source, now))
    const repairs = sentBy(pair.a, 200)
    const ids = repairs.map(({ extension }) => [text(findExtension(extension, 1)), text(findExtension(extension, 3))])
    assert.deepEqual(ids[0], ['v', 'q'])
    assert.deepEqual(ids.at(-1), [undefined, undefined])
    assert.ok(repairs.every(({ extension }) => findExtension(extension, 2) === undefined))
  })
})

describe('What is not sent', () => {
  it('is dropped with the reason, and counted', () => {
    const pair = new SessionPair({ seed: 70 })
    pair.a.session.configure([sendingVideo()], 0)
    const stream = pair.a.session.sendStream(videoSsrc)
    assert.ok(stream)
    assert.equal(stream.send(packetOf(0, 0), {}, 0)?.drop, 'not-ready')
    pair.ready()
    assert.equal(stream.send(packetOf(0, 0, { payloadType: 100 }), {}, 0)?.drop, 'unknown-payload-type')
    assert.equal(stream.send(packetOf(0, 0, { payloadType: 300 }), {}, 0)?.drop, 'unknown-payload-type')
    pair.a.session.configure([], 0)
    assert.equal(stream.send(packetOf(0, 0), {}, 0)?.drop, 'not-sending')
    assert.equal(stream.statistics.packetsDropped, 4)
    assert.equal(stream.statistics.packetsSent, 0)
  })

  it('is bounded where nobody polls', () => {
    const { pair, stream } = connected(71)
    const source = {}
    let full = 0
    for (let i = 0; i < 5_000; i++) if (stream.send(packetOf(i, 0), source, 0)?.drop === 'queue-full') full++
    assert.equal(full, 5_000 - 2_048)
    pair.drain()
    assert.equal(sentBy(pair.a).length, 2_048)
  })

  it('asks for a keyframe if it was video that waited too long', () => {
    const { pair, stream } = connected(72)
    // Without feedback, the target stays where it was.
    pair.filter = from => from === pair.a
    const source = {}
    for (let i = 0; i < 500; i++)
      stream.send(packetOf(i, 0, { paced: true, payload: new Uint8Array(1_000) }), source, 0)
    pair.run(5_000)
    assert.ok(pair.a.events.some(event => event.type === 'keyframe-request' && event.ssrc === videoSsrc))
    assert.ok(sentBy(pair.a).length < 500)
  })

  it('goes on where it was if the stream comes back', () => {
    const { pair, stream } = connected(73)
    const source = {}
    stream.send(packetOf(5, 0), source, 0)
    pair.drain()
    pair.a.session.configure([], 0)
    pair.a.session.configure([sendingVideo()], 0)
    assert.equal(pair.a.session.sendStream(videoSsrc), stream)
    stream.send(packetOf(6, 0), source, 0)
    pair.drain()
    assert.deepEqual(places(sentBy(pair.a)), [0, 1])
  })

  it('is repeated without its protection in no case', () => {
    const pair = new SessionPair({ seed: 74 })
    const codec = { ...vp8, rtx: undefined }
    pair.a.session.configure([sendingVideo(codec)], 0)
    pair.a.session.ready(16, 20, 0)
    const stream = pair.a.session.sendStream(videoSsrc)
    stream?.send(packetOf(5, 0), {}, 0)
    let transmit = pair.a.session.pollTransmit(0)
    while (transmit && transmit.kind !== 'rtp') transmit = pair.a.session.pollTransmit(0)
    assert.equal(transmit?.protection, 'in-place')
    pair.a.session.unprotected(transmit)
    const sequence = parseRtp(transmit.data.subarray(0, transmit.length))
    assert.ok(!('drop' in sequence))
    assert.equal(stream?.repeat(sequence.sequenceNumber, 0, 1), undefined)
  })

  it('is repeated under new keys in no case', () => {
    const pair = new SessionPair({ seed: 76 })
    pair.a.session.configure([sendingVideo({ ...vp8, rtx: undefined })], 0)
    pair.ready()
    const stream = pair.a.session.sendStream(videoSsrc)
    stream?.send(packetOf(5, 0), {}, 0)
    pair.drain()
    const sequence = sentBy(pair.a)[0]?.sequenceNumber ?? -1
    assert.ok(stream?.repeat(sequence, 0, 1))
    pair.ready()
    assert.equal(stream?.repeat(sequence, 0, 2), undefined)
  })

  it('has no retransmission stream before something was repeated', () => {
    const { pair, stream } = connected(75)
    let sent = 0
    const source = {}
    pair.run(1_000, 10, now => stream.send(packetOf(sent++, now * 90), source, now))
    assert.equal(sentBy(pair.a, videoRtxSsrc).length, 0)
  })
})
