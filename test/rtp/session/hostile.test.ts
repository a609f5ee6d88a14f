import assert from 'node:assert/strict'
import { isRtcp, parseRtp, serializeRtp } from '../../../src/rtp/packet.ts'
import { serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import { maxReceiveStreams } from '../../../src/rtp/session/receiving.ts'
import { prng } from '../../support/prng.ts'
import { SessionPair } from './support/pair.ts'
import {
  packetOf,
  receivingAudio,
  receivingVideo,
  sendingAudio,
  sendingVideo,
  videoSsrc,
  vp8,
} from './support/sections.ts'

function rtp(ssrc: number, sequenceNumber: number, payloadType = 96): Uint8Array {
  const payload = new Uint8Array(20)
  const rest = { timestamp: 0, marker: false, csrcs: [], extension: undefined, payload, paddingLength: 0 }
  return serializeRtp({ payloadType, sequenceNumber, ssrc, ...rest })
}

describe('Floods', () => {
  it('of SSRCs leave a bounded number of streams', () => {
    const pair = new SessionPair({ seed: 101 })
    pair.b.session.configure([receivingVideo()], 0)
    pair.b.session.ready(16, 20, 0)
    for (let i = 0; i < 20_000; i++) pair.b.session.receive(rtp(i, 0), i / 10)
    assert.equal(pair.b.session.receiveStreams('v').length, maxReceiveStreams)
    pair.now = 2_000
    pair.run(3_000)
    assert.ok(pair.b.sentRtcp.every(({ data }) => data.length <= 1_150))
  })

  it('of retransmissions of nothing leave none at all', () => {
    const pair = new SessionPair({ seed: 102 })
    pair.b.session.configure([receivingVideo()], 0)
    for (let i = 0; i < 5_000; i++) {
      const received = pair.b.session.receive(rtp(i, 0, 97), i)
      assert.ok('drop' in received && received.drop === 'unknown-original')
    }
    assert.deepEqual(pair.b.session.receiveStreams('v'), [])
  })

  it('of gaps ask for a bounded number of packets', () => {
    const pair = new SessionPair({ seed: 103 })
    pair.b.session.configure([receivingVideo()], 0)
    pair.b.session.ready(16, 20, 0)
    for (let i = 0; i < 2_000; i++) {
      pair.now = i
      pair.b.session.receive(rtp(1, (i * 900) & 0xffff), i)
      if ((pair.b.session.pollTimeout() ?? i + 1) <= i) pair.b.session.handleTimeout(i)
      pair.drain()
    }
    const bytes = pair.b.sentRtcp.reduce((sum, { data }) => sum + data.length, 0)
    assert.ok(pair.b.sentRtcp.every(({ data }) => data.length <= 1_150))
    assert.ok(bytes < 2_000 * 4_500, `${bytes} bytes in two seconds`)
  })

  it('of reference times are answered within a datagram', () => {
    const pair = new SessionPair({ seed: 104 })
    pair.a.session.configure([sendingVideo()], 0)
    pair.a.session.ready(16, 20, 0)
    for (let ssrc = 0; ssrc < 5_000; ssrc++) {
      const blocks = [{ type: 'receiver-reference-time' as const, ntpTime: 1n }]
      pair.a.session.receiveRtcp(
        serializeRtcp([
          { type: 'receiver-report', ssrc, reports: [] },
          { type: 'extended-report', ssrc, blocks },
        ]),
        0,
      )
    }
    pair.run(3_000)
    assert.ok(pair.a.sentRtcp.length > 0 && pair.a.sentRtcp.every(({ data }) => data.length <= 1_150))
  })
})

describe('Packets that were changed', () => {
  /** Real traffic of both directions, to mutate. */
  function recorded(): { rtp: Uint8Array[]; rtcp: Uint8Array[] } {
    const pair = new SessionPair({ seed: 105, aToB: { loss: 0.1 } })
    pair.a.session.configure([sendingVideo(), sendingAudio(), { ...receivingVideo(), mid: 'w' }], 0)
    pair.b.session.configure([receivingVideo(), receivingAudio()], 0)
    pair.ready()
    const source = {}
    let sent = 0
    pair.run(3_000, 10, now => {
      pair.a.session.sendStream(videoSsrc)?.send(packetOf(sent++, now * 90), source, now)
      if (sent % 50 === 0) pair.b.session.requestKeyframe(videoSsrc, now)
    })
    const all = [...pair.a.sent, ...pair.b.sent, ...pair.a.sentRtcp, ...pair.b.sentRtcp].map(({ data }) => data)
    return { rtp: all.filter(data => !isRtcp(data)), rtcp: all.filter(data => isRtcp(data)) }
  }

  it('never throw, spin or take memory without end', function () {
    this.timeout(30_000)
    const seed = 106
    const random = prng(seed)
    const valid = recorded()
    const pair = new SessionPair({ seed: 107 })
    const both = { ...sendingVideo(), receive: [vp8] }
    pair.a.session.configure([both, receivingAudio()], 0)
    pair.b.session.configure([receivingVideo()], 0)
    pair.ready()
    const source = {}
    const heap = process.memoryUsage().heapUsed
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 100_000; i++) {
      const kind = i % 2 === 0 ? valid.rtp : valid.rtcp
      const data = (kind[random.next() % kind.length] as Uint8Array).slice()
      for (let n = random.next() % 4; n > 0; n--) data[random.next() % data.length] = random.next()
      const whole = random.next() % 8 === 0 ? data.subarray(0, random.next() % (data.length + 1)) : data
      const now = i / 20
      try {
        const result = i % 2 === 0 ? pair.a.session.receive(whole, now) : pair.a.session.receiveRtcp(whole, now)
        const outcome = result && 'drop' in result ? result.drop : 'taken'
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        if (i % 20 === 0) pair.a.session.sendStream(videoSsrc)?.send(packetOf(i / 20, i, { paced: true }), source, now)
        if ((pair.a.session.pollTimeout() ?? now + 1) <= now) pair.a.session.handleTimeout(now)
        let polls = 0
        while (pair.a.session.pollTransmit(now)) assert.ok(++polls < 5_000)
        while (pair.a.session.pollEvent());
      } catch (error) {
        assert.fail(`seed ${seed}, packet ${i}: ${error instanceof Error ? error.stack : error}`)
      }
    }
    assert.ok((outcomes.get('taken') ?? 0) > 10_000)
    assert.ok(outcomes.size > 6, [...outcomes.keys()].join())
    assert.ok(process.memoryUsage().heapUsed - heap < 150e6)
    assert.ok(pair.a.session.receiveStreams('v').length <= maxReceiveStreams)
    assert.ok(!('drop' in parseRtp(valid.rtp[0] as Uint8Array)))
  })
})

describe('Timers', () => {
  it('are always moved on by the timeout that they are for', () => {
    const pair = new SessionPair({ seed: 108, aToB: { loss: 0.2, reorder: 0.2 }, bToA: { loss: 0.2 } })
    pair.a.session.configure([sendingVideo(), sendingAudio()], 0)
    pair.b.session.configure([receivingVideo(), receivingAudio()], 0)
    pair.ready()
    let sent = 0
    const source = {}
    pair.run(5_000, 20, now =>
      pair.a.session.sendStream(videoSsrc)?.send(packetOf(sent++, now * 90, { paced: true }), source, now),
    )
    const busy = pair.wakeups
    pair.run(60_000)
    assert.ok(busy < 10_000, `${busy} wakeups in five seconds`)
    assert.ok(pair.wakeups - busy < 60_000 / 10 + 3_000, `${pair.wakeups - busy} wakeups in an idle minute`)
  })

  it('do nothing before their time', () => {
    const pair = new SessionPair({ seed: 109 })
    pair.a.session.configure([sendingVideo()], 0)
    pair.ready()
    pair.run(1_000)
    const before = pair.a.sentRtcp.length
    const at = pair.a.session.pollTimeout()
    assert.ok(at !== undefined && at > pair.now)
    for (let i = 0; i < 100; i++) pair.a.session.handleTimeout(pair.now)
    pair.drain()
    assert.equal(pair.a.sentRtcp.length, before)
  })
})
