import assert from 'node:assert/strict'

import {
  burstTimeMs,
  maxPacerDelayMs,
  maxPacerPackets,
  maxPacingFactor,
  pacingFactor,
} from '../../../src/rtp/congestion/limits.ts'
import { type Paced, Pacer, type PacerPriority } from '../../../src/rtp/congestion/pacer.ts'
import { prng } from '../../support/prng.ts'

interface Sent {
  readonly at: number
  readonly paced: Paced<number>
}

/** Drives a pacer by its own deadlines alone, as a timer would. */
function drive(pacer: Pacer<number>, from: number, to: number): Sent[] {
  const sent: Sent[] = []
  let now = from
  for (let turns = 0; turns < 100_000; turns++) {
    for (let paced = pacer.pollTransmit(now); paced !== undefined; paced = pacer.pollTransmit(now)) {
      sent.push({ at: now, paced })
    }
    const due = pacer.pollTimeout()
    if (due === undefined || due > to) return sent
    assert.ok(due > now, `deadline ${due} at ${now}, with nothing to send`)
    now = due
    pacer.handleTimeout(now)
  }
  assert.fail('the pacer does not come to rest')
}

function fill(pacer: Pacer<number>, count: number, size: number, priority: PacerPriority, now: number): void {
  for (let i = 0; i < count; i++) assert.equal(pacer.enqueue(i, size, priority, now), undefined)
}

function rateOf(sent: readonly Sent[], from: number, to: number): number {
  const bytes = sent.filter(({ at }) => at >= from && at < to).reduce((sum, { paced }) => sum + paced.size, 0)
  return (bytes * 8_000) / (to - from)
}

describe('the pacer', () => {
  it('spreads what is queued over groups of five milliseconds, a little faster than the target', () => {
    const pacer = new Pacer<number>(2_000_000)
    fill(pacer, 20, 1_000, 'video', 100)
    const sent = drive(pacer, 100, 1_000)
    assert.equal(sent.length, 20)
    const times = [...new Set(sent.map(({ at }) => at))]
    for (const [i, at] of times.entries()) if (i > 0) assert.ok(at - (times[i - 1] ?? 0) >= burstTimeMs)
    const rate = rateOf(sent, 100, 160)
    assert.ok(rate > 2_000_000 * pacingFactor * 0.9 && rate < 2_000_000 * pacingFactor * 1.1, String(rate))
  })

  it('hurries for a large frame, within its limit', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, 50, 1_000, 'video', 0)
    // At the target it would take 400 ms.
    const sent = drive(pacer, 0, 1_000)
    assert.ok((sent.at(-1)?.at ?? 0) < 170, String(sent.at(-1)?.at))
    const rate = rateOf(sent, 0, 100)
    assert.ok(rate > 1_000_000 * maxPacingFactor * 0.9 && rate < 1_000_000 * maxPacingFactor * 1.1, String(rate))
    assert.equal(pacer.queuedPackets, 0)
    assert.equal(pacer.queuedBytes, 0)
  })

  it('keeps to the limit for as long as the queue is long', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, 400, 1_200, 'video', 0)
    const rate = rateOf(drive(pacer, 0, 1_000), 0, 1_000)
    assert.ok(rate < 1_000_000 * maxPacingFactor * 1.03, String(rate))
  })

  it('does not save up what it did not send', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, 1, 1_000, 'video', 0)
    drive(pacer, 0, 1_000)
    fill(pacer, 30, 1_000, 'video', 10_000)
    const first = drive(pacer, 10_000, 10_004)
    assert.ok(first.length <= 1 + (1_000_000 * maxPacingFactor * 30) / 8_000 / 1_000, String(first.length))
  })

  it('makes up for a timer that was late, up to its bound', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, 60, 1_000, 'video', 0)
    pacer.pollTransmit(0)
    let bytes = 0
    for (let paced = pacer.pollTransmit(500); paced !== undefined; paced = pacer.pollTransmit(500)) bytes += paced.size
    assert.ok(bytes > 5_000 && bytes < 12_000, String(bytes))
  })

  it('sends audio at once, then retransmissions, then video', () => {
    const pacer = new Pacer<number>(100_000)
    fill(pacer, 3, 1_200, 'video', 0)
    drive(pacer, 0, 1)
    fill(pacer, 2, 1_200, 'retransmission', 2)
    fill(pacer, 2, 100, 'audio', 2)
    const sent = drive(pacer, 2, 2_000)
    assert.deepEqual(
      sent.map(({ paced }) => (paced.type === 'packet' ? paced.priority : paced.type)),
      ['audio', 'audio', 'retransmission', 'retransmission', 'video', 'video'],
    )
    assert.deepEqual(
      sent.slice(0, 2).map(({ at }) => at),
      [2, 2],
    )
  })

  it('charges for audio', () => {
    const alone = new Pacer<number>(100_000)
    const shared = new Pacer<number>(100_000)
    for (const pacer of [alone, shared]) fill(pacer, 10, 500, 'video', 0)
    fill(shared, 5, 500, 'audio', 0)
    const last = (sent: readonly Sent[]): number => sent.at(-1)?.at ?? 0
    assert.ok(last(drive(shared, 0, 5_000)) > last(drive(alone, 0, 5_000)) + 50)
  })

  it('does not let a flood of audio starve video for ever', () => {
    const pacer = new Pacer<number>(100_000)
    fill(pacer, 1_000, 1_200, 'audio', 0)
    fill(pacer, 1, 1_200, 'video', 0)
    const video = drive(pacer, 0, 2_000).find(({ paced }) => paced.type === 'packet' && paced.priority === 'video')
    assert.ok(video !== undefined && video.at < 1_000, String(video?.at))
  })

  it('refuses more packets than its bound', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, maxPacerPackets, 100, 'video', 0)
    for (const priority of ['audio', 'retransmission', 'video'] as const) {
      assert.deepEqual(pacer.enqueue(0, 100, priority, 0), { drop: 'queue-full' })
    }
    assert.equal(pacer.queuedPackets, maxPacerPackets)
    assert.ok(pacer.pollTransmit(0))
    assert.equal(pacer.enqueue(0, 100, 'video', 0), undefined)
  })

  it('throws away what has waited too long, and says so once', () => {
    const pacer = new Pacer<number>(10_000)
    fill(pacer, 100, 1_200, 'video', 0)
    fill(pacer, 1, 1_200, 'video', 1_000)
    drive(pacer, 0, maxPacerDelayMs)
    const left = pacer.queuedPackets
    pacer.handleTimeout(maxPacerDelayMs + 1)
    assert.equal(pacer.queuedPackets, 1)
    assert.deepEqual(pacer.pollEvent(), { type: 'expired', audio: 0, retransmission: 0, video: left - 1 })
    assert.equal(pacer.pollEvent(), undefined)
    assert.equal(pacer.queuedBytes, 1_200)
  })

  it('tells how long its queue takes', () => {
    const pacer = new Pacer<number>(1_000_000)
    fill(pacer, 100, 1_250, 'video', 0)
    assert.equal(pacer.queueMs, 1_000)
    pacer.setTarget(500_000)
    assert.equal(pacer.queueMs, 2_000)
  })

  it('sends a probe at its own rate, from what waits and then padding', () => {
    const pacer = new Pacer<number>(300_000)
    const cluster = { id: 7, bitrate: 5_000_000, packets: 5, bytes: 12_000 }
    fill(pacer, 4, 1_000, 'video', 0)
    pacer.startProbe(cluster, 10)
    const sent = drive(pacer, 10, 1_000)
    const probe = sent.filter(({ paced }) => paced.cluster === 7)
    assert.deepEqual(
      probe.map(({ paced }) => paced.type),
      [...Array.from({ length: 4 }, () => 'packet'), ...Array.from({ length: 7 }, () => 'padding')],
    )
    const [first, last] = [probe[0], probe.at(-1)]
    assert.ok(first && last)
    const bytes = probe.reduce((sum, { paced }) => sum + paced.size, 0)
    assert.ok(bytes >= 12_000 && bytes < 13_200, String(bytes))
    const rate = ((bytes - last.paced.size) * 8_000) / (last.at - first.at)
    assert.ok(Math.abs(rate / cluster.bitrate - 1) < 0.001, String(rate))
    assert.equal(first.at, 10)
    assert.equal(pacer.pollTimeout(), undefined)
  })

  it('ends a probe for a newer one', () => {
    const pacer = new Pacer<number>(300_000)
    pacer.startProbe({ id: 1, bitrate: 1_000_000, packets: 50, bytes: 1 }, 0)
    assert.equal(pacer.pollTransmit(0)?.cluster, 1)
    pacer.startProbe({ id: 2, bitrate: 1_000_000, packets: 2, bytes: 1 }, 1)
    assert.deepEqual(
      drive(pacer, 1, 1_000).map(({ paced }) => paced.cluster),
      [2, 2],
    )
  })

  it('comes to rest at every deadline, whatever is put in', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = prng(seed)
      const pacer = new Pacer<number>(30_000 + (random.next() % 20_000_000))
      let now = random.float() * 1e9
      let put = 0
      let out = 0
      for (let turn = 0; turn < 50; turn++) {
        for (let i = random.next() % 20; i > 0; i--) {
          const priority = (['audio', 'retransmission', 'video'] as const)[random.next() % 3] ?? 'video'
          pacer.enqueue(0, random.next() % 1_500, priority, now)
          put++
        }
        if (random.next() % 8 === 0) {
          pacer.startProbe(
            { id: turn, bitrate: 1e5 + random.float() * 1e7, packets: 5, bytes: random.next() % 9_000 },
            now,
          )
        }
        const next = now + random.float() * 60
        out += drive(pacer, now, next).filter(({ paced }) => paced.type === 'packet').length
        const expired = pacer.pollEvent()
        if (expired !== undefined) out += expired.audio + expired.retransmission + expired.video
        now = next
      }
      assert.equal(out + pacer.queuedPackets, put, `seed ${seed}`)
    }
  })
})
