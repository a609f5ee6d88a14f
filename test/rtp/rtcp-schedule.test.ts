import assert from 'node:assert/strict'

import { maxMembers, RtcpSchedule, type RtcpScheduleOptions } from '../../src/rtp/rtcp-schedule.ts'
import { prng } from '../support/prng.ts'

function schedule(options: Partial<RtcpScheduleOptions> = {}, seed = 1): RtcpSchedule {
  const random = prng(seed)
  return new RtcpSchedule({ random: length => random.bytes(length), bandwidth: 50_000, ...options }, 0)
}

/** Runs it as a driver would, by its timeouts; returns when what was due. */
function run(of: RtcpSchedule, from: number, to: number, bytes = 100): { at: number; due: string }[] {
  const sent: { at: number; due: string }[] = []
  let now = from
  for (let steps = 0; now < to; steps++) {
    assert.ok(steps < 100_000, 'the schedule does not come to rest')
    const due = of.poll(now)
    if (due) {
      sent.push({ at: now, due })
      of.counted(bytes)
    }
    assert.ok(due || of.pollTimeout() > now, `nothing was due at ${now}, and yet it is`)
    now = Math.max(of.pollTimeout(), now)
  }
  return sent
}

function meanGap(sent: readonly { at: number }[]): number {
  return ((sent.at(-1)?.at ?? 0) - (sent[0]?.at ?? 0)) / (sent.length - 1)
}

describe('the schedule of RTCP after RFC 3550', () => {
  const avp = { feedback: false }

  it('sends the first report after half of the least interval, and the others about one apart', () => {
    for (let seed = 0; seed < 20; seed++) {
      const sent = run(schedule(avp, seed), 0, 300_000)
      const first = sent[0]?.at ?? 0
      assert.ok(first >= 1_000 && first <= 3_100, `seed ${seed}: ${first}`)
      for (const [i, { at, due }] of sent.entries()) {
        assert.equal(due, 'regular')
        const gap = at - (sent[i - 1]?.at ?? at - 5_000)
        assert.ok(gap >= 2_050 && gap <= 6_200, `seed ${seed}: ${gap}`)
      }
    }
  })

  it('sends more rarely in a larger group, so that the bandwidth suffices for all', () => {
    const busy = schedule({ ...avp, bandwidth: 8_000 })
    for (let ssrc = 0; ssrc < 99; ssrc++) busy.heard(ssrc, false, 0)
    const sent: { at: number }[] = []
    for (let now = 0; now < 2_000_000; now += 100) {
      for (let ssrc = 0; ssrc < 99; ssrc++) busy.heard(ssrc, false, now)
      if (busy.poll(now)) {
        sent.push({ at: now })
        busy.counted(100)
      }
    }
    // 100 members that send nothing: 128 bytes each, with 75 % of 1000 bytes a second.
    const expected = (100 * 128) / 750
    const gap = meanGap(sent) / 1_000
    assert.ok(gap > expected * 0.8 && gap < expected * 1.3, `${gap} s, expected about ${expected}`)
  })

  it('shrinks the wait when members leave', () => {
    const of = schedule({ ...avp, bandwidth: 800 })
    for (let ssrc = 0; ssrc < 50; ssrc++) of.heard(ssrc, false, 0)
    while (of.poll(of.pollTimeout()) === undefined);
    const before = of.pollTimeout()
    for (let ssrc = 0; ssrc < 50; ssrc++) of.left(ssrc, before - 10_000)
    assert.equal(of.members, 1)
    assert.ok(of.pollTimeout() < before - 5_000)
  })

  it('draws the interval anew when it has passed, because the group may have grown', () => {
    const of = schedule({ ...avp, bandwidth: 800 })
    const due = of.pollTimeout()
    for (let ssrc = 0; ssrc < 50; ssrc++) of.heard(ssrc, false, due)
    assert.equal(of.poll(due), undefined)
    // 51 members: 128 bytes each, with 75 % of 100 bytes a second.
    assert.ok(of.pollTimeout() > ((51 * 128) / 75) * 1_000 * (0.5 / 1.22))
  })

  it('does not take the time of members that have fallen silent for its own', () => {
    const of = schedule({ ...avp, bandwidth: 8_000 })
    for (let ssrc = 0; ssrc < 250; ssrc++) of.heard(ssrc, false, 0)
    let now = of.pollTimeout()
    while (of.poll(now) === undefined) now = of.pollTimeout()
    // RFC 3550 §6.3.4: a lone member counts from shortly before now, as if it had always been alone.
    assert.equal(of.poll(now + 400_000), undefined)
    assert.equal(of.members, 1)
    assert.ok(of.pollTimeout() < now + 400_000 + 6_200)
  })

  it('forgets members that it does not hear from', () => {
    const of = schedule(avp)
    of.heard(1, true, 0)
    run(of, 0, 60_000)
    assert.equal(of.members, 1)
  })

  it('never sends feedback early', () => {
    const of = schedule(avp)
    assert.equal(of.requestFeedback(10, 100), 'discard')
    assert.equal(of.requestFeedback(10, 10_000), 'scheduled')
    assert.equal(of.poll(10), undefined)
    assert.equal(run(of, 10, 5_000)[0]?.due, 'regular')
  })

  it('tells a bounded number of members apart', () => {
    const of = schedule(avp)
    for (let ssrc = 0; ssrc < 10 * maxMembers; ssrc++) of.heard(ssrc, false, 0)
    assert.equal(of.members, maxMembers)
  })
})

describe('the schedule of RTCP between two peers, with feedback (RFC 4585 §3.5)', () => {
  it('keeps regular reports half to one and a half of their interval apart, and wakes for nothing else', () => {
    const sent = run(schedule({ regularIntervalMs: 1_000 }), 0, 100_000)
    for (const [i, { at, due }] of sent.entries()) {
      assert.equal(due, 'regular')
      if (i === 0) continue
      const gap = at - (sent[i - 1]?.at ?? 0)
      assert.ok(gap >= 500 && gap <= 1_600, `${gap}`)
    }
    assert.ok(Math.abs(meanGap(sent) - 1_000) < 150, `${meanGap(sent)}`)
  })

  it('sends the first report soon', () => {
    assert.ok((run(schedule(), 0, 1_000)[0]?.at ?? 1_000) < 100)
  })

  it('sends feedback at once, and the next not before the time that it borrowed has passed', () => {
    const of = schedule({ bandwidth: 8_000 })
    run(of, 0, 200)
    assert.equal(of.requestFeedback(200, 5_000), 'scheduled')
    assert.equal(of.poll(200), 'feedback')
    assert.equal(of.requestFeedback(201, 5_000), 'scheduled')
    assert.equal(of.poll(201), undefined)
    const [next] = run(of, 201, 2_000)
    assert.ok(next && next.at > 201)
    assert.equal(of.requestFeedback(next.at + 1, 5_000), 'scheduled', 'and then again at once')
  })

  it('takes more feedback into what is scheduled', () => {
    const of = schedule()
    run(of, 0, 200)
    assert.equal(of.requestFeedback(200, 100), 'scheduled')
    assert.equal(of.requestFeedback(200, 100), 'scheduled')
    assert.deepEqual([of.poll(200), of.poll(200)], ['feedback', undefined])
  })

  it('discards feedback that could only be sent too late', () => {
    const of = schedule({ bandwidth: 800, regularIntervalMs: 0 })
    run(of, 0, 10_000)
    of.requestFeedback(10_000, 1_000_000)
    of.poll(10_000)
    assert.equal(of.requestFeedback(10_001, 10), 'discard')
  })

  it('keeps to its bandwidth however much feedback is asked for', () => {
    const bandwidth = 20_000
    const of = schedule({ bandwidth })
    let bits = 0
    for (let now = 0; now < 100_000; now++) {
      of.requestFeedback(now, 1_000)
      if (!of.poll(now)) continue
      bits += 128 * 8
      of.counted(100)
    }
    // The compensation of §6.3.1 step 5 is for timer reconsideration, which does nothing in a group that does not grow.
    assert.ok(bits / 100 < bandwidth * 1.3, `${bits / 100} bit/s`)
    assert.ok(bits / 100 > bandwidth * 0.3, `${bits / 100} bit/s`)
  })

  it('sends nothing early for feedback that was cancelled', () => {
    const of = schedule()
    run(of, 0, 200)
    of.requestFeedback(200, 100)
    of.cancelFeedback()
    assert.equal(of.poll(200), undefined)
  })

  it('in a group delays feedback by a random part of half the interval', () => {
    const delays: number[] = []
    for (let seed = 0; seed < 50; seed++) {
      const of = schedule({ pointToPoint: false, bandwidth: 2_000 }, seed)
      of.heard(1, false, 0)
      run(of, 0, 20_000)
      const start = of.pollTimeout() - 400
      if (of.requestFeedback(start, 100_000) !== 'scheduled') continue
      delays.push(of.pollTimeout() - start)
    }
    assert.ok(new Set(delays).size > 20, 'they differ')
    assert.ok(delays.every(delay => delay >= 0))
  })
})
