import assert from 'node:assert/strict'

import { ArrivalLog } from '../../src/rtp/arrival-log.ts'
import { FeedbackTimeline } from '../../src/rtp/feedback-timeline.ts'
import { parseRtcp, serializeRtcp } from '../../src/rtp/rtcp/compound.ts'
import { maxFeedbackPackets } from '../../src/rtp/rtcp/transport-feedback.ts'
import type { TransportFeedback } from '../../src/rtp/rtcp/types.ts'
import { prng } from '../support/prng.ts'

function log(): ArrivalLog {
  return new ArrivalLog({ senderSsrc: 1 })
}

/** As text: sequence number and time of each, `-` for those not received. */
function text(feedback: readonly TransportFeedback[]): string {
  return feedback
    .map(({ packets }) => packets.map(p => `${p.sequenceNumber}:${p.received ? p.receivedAt : '-'}`).join(' '))
    .join(' | ')
}

describe('the log of arrivals', () => {
  it('tells what arrived and what did not, once', () => {
    const arrivals = log()
    arrivals.receive(65_535, 10)
    arrivals.receive(1, 12.3)
    assert.equal(text(arrivals.take(2)), '65535:10 0:- 1:12.25')
    assert.deepEqual(arrivals.take(2), [])
  })

  it('begins the next feedback where the last one ended', () => {
    const arrivals = log()
    arrivals.receive(1, 0)
    arrivals.take(2)
    arrivals.receive(4, 0)
    assert.equal(text(arrivals.take(2)), '2:- 3:- 4:0')
  })

  it('goes back for a late packet, and tells what was reported before as not received', () => {
    const arrivals = log()
    for (const sequence of [1, 2, 4]) arrivals.receive(sequence, 0)
    arrivals.take(2)
    arrivals.receive(3, 5)
    arrivals.receive(5, 6)
    assert.equal(text(arrivals.take(2)), '3:5 4:- 5:6')
    arrivals.receive(7, 7)
    assert.equal(text(arrivals.take(2)), '6:- 7:7')
  })

  it('counts its feedbacks in eight bits', () => {
    const arrivals = log()
    const counts: number[] = []
    for (let i = 0; i < 258; i++) {
      arrivals.receive(i, i)
      counts.push(arrivals.take(2)[0]?.feedbackCount ?? -1)
    }
    assert.deepEqual(counts.slice(254), [254, 255, 0, 1])
  })

  it('is due an interval after the first arrival, or at once if the sender asks', () => {
    const arrivals = new ArrivalLog({ senderSsrc: 1, intervalMs: 50 })
    assert.equal(arrivals.pollTimeout(), undefined)
    arrivals.hasten(0)
    assert.equal(arrivals.pollTimeout(), undefined, 'there is nothing to tell')
    arrivals.receive(1, 10)
    arrivals.receive(2, 30)
    assert.equal(arrivals.pollTimeout(), 60)
    arrivals.hasten(31)
    assert.equal(arrivals.pollTimeout(), 31)
    arrivals.take(2)
    assert.equal(arrivals.pollTimeout(), undefined)
  })

  it('takes a repeated packet once, with its first arrival', () => {
    const arrivals = log()
    arrivals.receive(1, 10)
    arrivals.receive(1, 20)
    assert.equal(arrivals.pending, 1)
    assert.equal(text(arrivals.take(2)), '1:10')
  })

  it('splits arrivals that are too far apart for one feedback', () => {
    const arrivals = log()
    arrivals.receive(1, 0)
    arrivals.receive(2, 9_000)
    assert.equal(text(arrivals.take(2)), '1:0 | 2:9000')
  })

  it('splits what does not fit a datagram, and leaves nothing out', () => {
    const random = prng(5)
    const arrivals = new ArrivalLog({ senderSsrc: 1, maxBytes: 300 })
    const sent = new Map<number, number>()
    for (let i = 0, now = 0; i < 3_000; i++) {
      now += random.next() % 300
      if (random.next() % 3 === 0) continue
      arrivals.receive(i, now)
      sent.set(i, now)
    }
    const feedback = arrivals.take(2)
    assert.ok(feedback.length > 10)
    for (const one of feedback) assert.ok(serializeRtcp([one]).length <= 300)
    const packets = feedback.flatMap(one => one.packets)
    assert.deepEqual(new Map(packets.flatMap(p => (p.received ? [[p.sequenceNumber, p.receivedAt]] : []))), sent)
    assert.equal(packets.length, Math.max(...sent.keys()) - Math.min(...sent.keys()) + 1)
  })

  it('holds a bounded number of arrivals, of which the oldest are given up', () => {
    const arrivals = log()
    for (let i = 0; i < 3 * maxFeedbackPackets; i++) {
      arrivals.receive(i & 0xffff, i / 10)
      assert.ok(arrivals.pending <= maxFeedbackPackets)
    }
    const packets = arrivals.take(2).flatMap(one => one.packets)
    assert.equal(packets.length, maxFeedbackPackets)
    assert.equal(packets[0]?.sequenceNumber, 2 * maxFeedbackPackets)
  })

  it('does not take what is older than it reaches back for something newer', () => {
    const arrivals = log()
    arrivals.receive(20_000, 0)
    arrivals.receive(20_000 - maxFeedbackPackets, 1)
    arrivals.receive(20_000 - maxFeedbackPackets - 1, 2)
    assert.equal(text(arrivals.take(2)), '20000:0')
  })

  it('tells of no more lost packets than it reaches back', () => {
    const arrivals = log()
    arrivals.receive(1, 0)
    arrivals.take(2)
    arrivals.receive(20_001, 5)
    const [feedback] = arrivals.take(2)
    assert.equal(feedback?.packets.length, maxFeedbackPackets)
    assert.deepEqual(feedback.packets.at(-1), { sequenceNumber: 20_001, received: true, receivedAt: 5 })
    assert.ok(feedback.packets.slice(0, -1).every(packet => !packet.received))
  })

  it('survives jumps of the sequence numbers', () => {
    for (let seed = 0; seed < 25; seed++) {
      const random = prng(seed)
      const arrivals = log()
      let sequence = random.next() & 0xffff
      let now = 0
      for (let i = 0; i < 200; i++) {
        const far = random.next() % 10 === 0
        sequence = (sequence + (far ? random.next() : random.next() % 5)) & 0xffff
        now += random.next() % 20
        arrivals.receive(sequence, now)
        if (random.next() % 20 !== 0) continue
        const waiting = arrivals.pending
        const feedback = arrivals.take(2)
        assert.equal(feedback.length > 0, waiting > 0, `seed ${seed}`)
        if (waiting === 0) continue
        const compound = parseRtcp(serializeRtcp(feedback))
        assert.ok('packets' in compound && compound.malformed === 0, `seed ${seed}`)
        assert.deepEqual(compound.packets, feedback, `seed ${seed}`)
        const told = feedback.flatMap(one => one.packets).filter(packet => packet.received)
        assert.equal(told.length, waiting, `seed ${seed}`)
        assert.equal(arrivals.pending, 0, `seed ${seed}`)
      }
    }
  })
})

describe('the timeline of received feedback', () => {
  const wrap = 0x100_0000 * 64
  const feedback = (feedbackCount: number, receivedAt: number | undefined): TransportFeedback => ({
    type: 'transport-feedback',
    senderSsrc: 1,
    mediaSsrc: 2,
    feedbackCount,
    packets: [{ sequenceNumber: 1, received: true, receivedAt }],
  })

  it('runs on where the reference time wraps', () => {
    const timeline = new FeedbackTimeline()
    const times = [wrap / 2 - 100, -wrap / 2 + 50, wrap / 2 - 20, -wrap / 2 + 90]
    assert.deepEqual(
      times.map((time, i) => timeline.receive(feedback(i, time))[0]?.receivedAt),
      [wrap / 2 - 100, wrap / 2 + 50, wrap / 2 - 20, wrap / 2 + 90],
    )
  })

  it('survives the wire with a clock of a machine that has run for weeks', () => {
    const timeline = new FeedbackTimeline()
    const arrivals = log()
    const start = 40 * 86_400_000
    const seen: number[] = []
    for (let i = 0; i < 3; i++) {
      arrivals.receive(i, start + i * 1_000)
      const compound = parseRtcp(serializeRtcp(arrivals.take(2)))
      assert.ok(!('drop' in compound))
      const [packet] = compound.packets
      assert.ok(packet?.type === 'transport-feedback')
      seen.push(timeline.receive(packet)[0]?.receivedAt ?? Number.NaN)
    }
    const [first = 0] = seen
    assert.deepEqual(
      seen.map(time => time - first),
      [0, 1_000, 2_000],
    )
  })

  it('leaves packets without times as they are', () => {
    assert.deepEqual(new FeedbackTimeline().receive(feedback(0, undefined)), feedback(0, undefined).packets)
  })

  it('counts feedbacks that were lost, and not those that are late', () => {
    const timeline = new FeedbackTimeline()
    for (const count of [250, 251, 254, 253, 254, 1]) timeline.receive(feedback(count, 0))
    assert.equal(timeline.lostFeedbacks, 4)
  })
})
