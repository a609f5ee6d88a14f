import assert from 'node:assert/strict'
import { maxPacerPackets } from '../../../src/rtp/congestion/limits.ts'
import { parseRtcp } from '../../../src/rtp/rtcp/compound.ts'
import { type Peer, SessionPair } from './support/pair.ts'
import {
  audioSsrc,
  packetOf,
  receivingAudio,
  receivingVideo,
  sendingAudio,
  sendingVideo,
  videoSsrc,
} from './support/sections.ts'

describe('a stream that is ended', () => {
  function call(seed: number): SessionPair {
    const pair = new SessionPair({ seed })
    pair.a.session.configure([sendingVideo(), sendingAudio()], 0)
    pair.b.session.configure([receivingVideo(), receivingAudio()], 0)
    pair.ready()
    return pair
  }

  const ended = ({ events }: Peer): number[] =>
    events.flatMap(event => (event.type === 'stream-ended' ? [event.ssrc] : []))

  it('says BYE at once, and nothing of it leaves behind that', () => {
    const pair = call(1)
    const [video, audio] = [pair.a.session.sendStream(videoSsrc), pair.a.session.sendStream(audioSsrc)]
    assert.ok(video && audio)
    const [first, second] = [{}, {}]
    pair.run(100, 20, now => audio.send(packetOf(now / 20, now * 48, { payloadType: 111 }), first, now))
    const payload = new Uint8Array(1_000)
    for (let i = 0; i < 200; i++) video.send(packetOf(i, 0, { payload, paced: true }), second, pair.now)
    pair.run(50)
    const sent = pair.a.sent.length
    assert.ok(sent < 200, 'most of them wait')
    pair.a.session.endStreams([videoSsrc, 0x9999])
    pair.drain()
    assert.equal(pair.a.sent.length, sent)
    pair.run(25)
    assert.deepEqual(ended(pair.b).slice(0, 1), [videoSsrc])
    assert.equal(pair.a.session.sendStream(videoSsrc), undefined)
    assert.deepEqual(video.send(packetOf(300, 0), second, pair.now), { drop: 'not-sending' })
    pair.run(3_000, 20, now => audio.send(packetOf(5 + now / 20, now * 48, { payloadType: 111 }), first, now))
    const after = pair.a.sent.slice(sent).map(({ data }) => new DataView(data.buffer, data.byteOffset).getUint32(8))
    assert.ok(after.length > 100)
    assert.ok(after.every(ssrc => ssrc === audioSsrc))
    assert.ok(!pair.a.sentRtcp.slice(-3).some(({ data }) => mentions(data, videoSsrc)), 'no report of it')
  })

  it('says nothing more when it is not configured again, and goes on with its numbers if it is', () => {
    const pair = call(2)
    const video = pair.a.session.sendStream(videoSsrc)
    assert.ok(video)
    video.send(packetOf(7, 0), {}, 0)
    pair.run(100)
    pair.a.session.endStreams([videoSsrc])
    pair.run(100)
    pair.a.session.configure([sendingAudio()], pair.now)
    pair.run(100)
    assert.deepEqual(ended(pair.b), [videoSsrc])
    pair.a.session.configure([sendingVideo(), sendingAudio()], pair.now)
    assert.equal(pair.a.session.sendStream(videoSsrc), video)
    video.send(packetOf(8, 0), {}, pair.now)
    pair.run(100)
    const numbers = pair.b.received.map(({ packet }) => packet.sequenceNumber)
    assert.equal(numbers.length, 2)
    assert.equal(numbers[1], ((numbers[0] ?? 0) + 1) & 0xffff)
  })

  it('that has sent nothing says nothing', () => {
    const pair = call(3)
    pair.a.session.endStreams([videoSsrc, audioSsrc])
    pair.run(100)
    assert.deepEqual(ended(pair.b), [])
  })
})

describe('a session that has refused packets', () => {
  const writable = ({ events }: Peer): number => events.filter(({ type }) => type === 'writable').length

  it('says when it would take them: once there are keys, and once much of the queue has left', () => {
    const pair = new SessionPair({ seed: 4 })
    const { session } = pair.a
    session.configure([sendingVideo()], 0)
    pair.b.session.configure([receivingVideo()], 0)
    const video = session.sendStream(videoSsrc)
    assert.ok(video)
    const source = {}
    assert.deepEqual(video.send(packetOf(0, 0), source, 0), { drop: 'not-ready' })
    assert.equal(session.isWritable, false)
    pair.drain()
    assert.equal(writable(pair.a), 0)
    pair.ready()
    assert.equal(session.isWritable, true)
    assert.equal(writable(pair.a), 1)
    let sequence = 1
    let refused = 0
    while (refused === 0 && sequence < 2 * maxPacerPackets) {
      if (video.send(packetOf(sequence++, 0, { paced: true }), source, pair.now)) refused++
    }
    assert.equal(refused, 1)
    assert.equal(session.isWritable, false)
    pair.drain()
    assert.equal(writable(pair.a), 1)
    let waiting = 0
    pair.run(5_000, 1, () => {
      if (writable(pair.a) === 1) waiting = session.statistics.queuedPackets
    })
    assert.equal(writable(pair.a), 2)
    assert.ok(waiting > maxPacerPackets / 2 - 100, `${waiting} were waiting`)
    assert.equal(session.isWritable, true)
  })

  it('wants to be polled for that as soon as there is room, by who polls events before packets', () => {
    const { session } = new SessionPair({ seed: 5 }).a
    session.configure([sendingVideo()], 0)
    session.ready(0, 0, 0)
    const video = session.sendStream(videoSsrc)
    assert.ok(video)
    const source = {}
    for (let i = 0; i <= maxPacerPackets; i++) video.send(packetOf(i, 0), source, 0)
    const told: string[] = []
    for (let event = session.pollEvent(); event; event = session.pollEvent()) told.push(event.type)
    assert.deepEqual(told, ['writable', 'target-bitrate'])
    let left = 0
    while (session.pollTransmit(0)?.kind === 'rtp') left++
    assert.ok(left >= maxPacerPackets / 2)
    assert.equal(session.pollTimeout(), 0)
    assert.deepEqual(session.pollEvent(), { type: 'writable' })
    assert.notEqual(session.pollTimeout(), 0)
    assert.equal(session.pollEvent(), undefined)
  })
})

/** Whether a report is about a stream of ours. */
function mentions(data: Uint8Array, ssrc: number): boolean {
  const compound = parseRtcp(data)
  assert.ok(!('drop' in compound))
  return compound.packets.some(packet => packet.type === 'sender-report' && packet.ssrc === ssrc)
}
