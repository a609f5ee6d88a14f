import assert from 'node:assert/strict'

import { PayloadError } from '../../../src/rtp/payload/frame.ts'
import {
  dtmfDigit,
  dtmfEvent,
  parseTelephoneEvents,
  writeTelephoneEvent,
} from '../../../src/rtp/payload/telephone-event.ts'
import {
  maxQueuedTelephoneEvents,
  type TelephoneEvent,
  TelephoneEventReceiver,
} from '../../../src/rtp/payload/telephone-event-receiver.ts'
import { type TelephoneEventPacket, TelephoneEventSender } from '../../../src/rtp/payload/telephone-event-sender.ts'
import { prng } from '../../support/prng.ts'

/** All packets of what a sender does, with their times. */
function run(sender: TelephoneEventSender): { at: number; packet: TelephoneEventPacket }[] {
  const packets: { at: number; packet: TelephoneEventPacket }[] = []
  for (let due = sender.pollTimeout(); due !== undefined; due = sender.pollTimeout()) {
    const at = Math.max(due, packets.at(-1)?.at ?? 0)
    for (let packet = sender.pollTransmit(at); packet; packet = sender.pollTransmit(at)) packets.push({ at, packet })
  }
  return packets
}

function receive(receiver: TelephoneEventReceiver, { at, packet }: { at: number; packet: TelephoneEventPacket }): void {
  assert.equal(receiver.receive({ ...packet, sequenceNumber: 0 }, at), undefined)
}

function events(receiver: TelephoneEventReceiver): TelephoneEvent[] {
  const all: TelephoneEvent[] = []
  for (let event = receiver.pollEvent(); event; event = receiver.pollEvent()) all.push(event)
  return all
}

const report = (event: number, end: boolean, duration: number) =>
  writeTelephoneEvent({ event, end, volume: 10, duration })

describe('telephone events', () => {
  it('have the digits of RFC 4733 §3.2', () => {
    assert.deepEqual([...'0123456789*#ABCD'].map(dtmfEvent), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    assert.equal(dtmfEvent('d'), 15)
    for (const none of ['', 'E', '12', ',']) assert.equal(dtmfEvent(none), undefined)
    assert.equal(dtmfDigit(11), '#')
    assert.equal(dtmfDigit(16), undefined)
  })

  it('are read as they are written', () => {
    const payload = writeTelephoneEvent({ event: 11, end: true, volume: 7, duration: 1_600 })
    assert.deepEqual(payload, Uint8Array.of(11, 0x87, 0x06, 0x40))
    assert.deepEqual(parseTelephoneEvents(payload), [{ event: 11, end: true, volume: 7, duration: 1_600 }])
    for (const length of [0, 3, 5]) assert.equal(parseTelephoneEvents(new Uint8Array(length)), undefined)
  })

  it('are reported every 50 ms with the time they last, and the end three times', () => {
    const sender = new TelephoneEventSender()
    sender.start({ event: 5, durationMs: 120 }, 1_000, 10_000)
    assert.equal(sender.busy, true)
    assert.throws(() => sender.start({ event: 6, durationMs: 120 }, 1_000, 10_000), PayloadError)
    assert.deepEqual(
      run(sender).map(({ at, packet: { payload, marker, timestamp } }) => {
        const [{ end, duration } = { end: false, duration: 0 }] = parseTelephoneEvents(payload) ?? []
        return [at, timestamp, marker, end, duration]
      }),
      [
        [10_050, 1_000, true, false, 400],
        [10_100, 1_000, false, false, 800],
        [10_120, 1_000, false, true, 960],
        [10_170, 1_000, false, true, 960],
        [10_220, 1_000, false, true, 960],
      ],
    )
    assert.equal(sender.busy, false)
  })

  it('are split into segments beyond 65535 units, of which the last alone has an end', () => {
    const sender = new TelephoneEventSender({ clockRate: 48_000 })
    sender.start({ event: 5, durationMs: 3_000 }, 0xffff_0000, 0)
    const sent = run(sender)
    const reports = sent.map(({ packet }) => ({ ...packet, ...parseTelephoneEvents(packet.payload)?.[0] }))
    assert.deepEqual([...new Set(reports.map(each => each.timestamp))], [0xffff_0000, 0xffff_ffff, 0xfffe])
    assert.equal(reports.filter(each => each.marker).length, 1)
    for (const timestamp of [0xffff_0000, 0xffff_ffff]) {
      const full = reports.filter(each => each.timestamp === timestamp && each.duration === 0xffff)
      assert.deepEqual(
        full.map(each => each.end),
        [false, false, false],
      )
    }
    assert.equal(reports.filter(each => each.end).length, 3)
    const receiver = new TelephoneEventReceiver()
    for (const each of sent) receive(receiver, each)
    assert.deepEqual(events(receiver), [
      { kind: 'start', event: 5, volume: 10, timestamp: 0xffff_0000 },
      { kind: 'end', event: 5, timestamp: 0xffff_0000, duration: 144_000 },
    ])
  })

  it('refuses events that cannot be sent', () => {
    const sender = new TelephoneEventSender()
    for (const event of [
      { event: 256, durationMs: 100 },
      { event: -1, durationMs: 100 },
      { event: 1, durationMs: 0 },
      { event: 1, durationMs: 1e9 },
      { event: 1, durationMs: 100, volume: 64 },
      { event: Number.NaN, durationMs: 100 },
    ]) {
      assert.throws(() => sender.start(event, 0, 0), PayloadError)
    }
    assert.equal(sender.busy, false)
    assert.throws(() => new TelephoneEventSender({ clockRate: 0 }), PayloadError)
  })

  it('are told once each, whatever of a series is lost, repeated or out of order', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = prng(seed)
      const sender = new TelephoneEventSender()
      const digits = Array.from({ length: 5 }, () => random.next() % 16)
      const packets: { at: number; packet: TelephoneEventPacket }[] = []
      digits.forEach((event, i) => {
        sender.start({ event, durationMs: 100 }, 8_000 * i, 1_000 * i)
        packets.push(...run(sender))
      })
      const receiver = new TelephoneEventReceiver()
      const heard: TelephoneEvent[] = []
      const arrivals = packets
        .flatMap(each => (random.next() % 4 === 0 ? [each, each] : [each]))
        .map(({ at, packet }) => ({ at: at + random.float() * 60, packet }))
        .sort((a, b) => a.at - b.at)
      // One packet of each event is sure to come.
      const kept = new Set(
        digits.map((_, i) => packets.filter(({ packet }) => packet.timestamp === 8_000 * i)[random.next() % 4]?.packet),
      )
      for (const { at, packet } of arrivals) {
        if (random.next() % 3 === 0 && !kept.has(packet)) continue
        receiver.handleTimeout(at)
        receive(receiver, { at, packet })
        heard.push(...events(receiver))
      }
      receiver.handleTimeout(1e6)
      heard.push(...events(receiver))
      assert.deepEqual(
        heard.map(({ kind, event, timestamp }) => [kind, event, timestamp]),
        digits.flatMap((event, i) => [
          ['start', event, 8_000 * i],
          ['end', event, 8_000 * i],
        ]),
        `seed ${seed}`,
      )
    }
  })

  it('end with the next one, and after three intervals of silence', () => {
    const receiver = new TelephoneEventReceiver()
    receive(receiver, { at: 0, packet: { payload: report(1, false, 400), marker: true, timestamp: 0 } })
    receive(receiver, { at: 100, packet: { payload: report(2, false, 400), marker: true, timestamp: 800 } })
    assert.deepEqual(
      events(receiver).map(each => [each.kind, each.event]),
      [
        ['start', 1],
        ['end', 1],
        ['start', 2],
      ],
    )
    assert.equal(receiver.pollTimeout(), 250)
    receiver.handleTimeout(249)
    assert.deepEqual(events(receiver), [])
    receiver.handleTimeout(250)
    assert.deepEqual(events(receiver), [{ kind: 'end', event: 2, timestamp: 800, duration: 400 }])
    assert.equal(receiver.pollTimeout(), undefined)
    receive(receiver, { at: 260, packet: { payload: report(2, false, 900), marker: false, timestamp: 800 } })
    assert.deepEqual(events(receiver), [], 'it has lapsed')
  })

  it('may follow each other within a packet', () => {
    const receiver = new TelephoneEventReceiver()
    const payload = Uint8Array.of(...report(1, true, 400), ...report(2, true, 800))
    receive(receiver, { at: 0, packet: { payload, marker: true, timestamp: 0xffff_ffff } })
    assert.deepEqual(
      events(receiver).map(each => [each.kind, each.event, each.timestamp]),
      [
        ['start', 1, 0xffff_ffff],
        ['end', 1, 0xffff_ffff],
        ['start', 2, 399],
        ['end', 2, 399],
      ],
    )
  })

  it('are refused without duration, in odd bytes, and beyond what is kept', () => {
    const receiver = new TelephoneEventReceiver()
    const give = (payload: Uint8Array) =>
      receiver.receive({ payload, marker: true, timestamp: 0, sequenceNumber: 0 }, 0)
    assert.deepEqual(give(report(1, false, 0)), { drop: 'malformed' })
    assert.deepEqual(give(Uint8Array.of(1, 2, 3)), { drop: 'malformed' })
    const many = Uint8Array.from({ length: 4 * maxQueuedTelephoneEvents }, (_, i) => [1, 0x80, 0, 9][i % 4] ?? 0)
    assert.deepEqual(give(many), { drop: 'too-large' })
    assert.equal(give(many.subarray(0, many.length / 2)), undefined)
    assert.deepEqual(give(report(1, false, 1)), { drop: 'too-large' })
    assert.equal(events(receiver).length, maxQueuedTelephoneEvents)
  })
})
