import assert from 'node:assert/strict'

import { findExtension } from '../../src/rtp/header-extensions.ts'
import { maxMissingPackets, NackTracker } from '../../src/rtp/nack.ts'
import { parseRtp, type RtpPacket, serializeRtp } from '../../src/rtp/packet.ts'
import { RtxSender, unwrapRtx } from '../../src/rtp/rtx.ts'
import { maxHistoryPackets, SendHistory } from '../../src/rtp/send-history.ts'
import { prng } from '../support/prng.ts'
import { ascii, hex, rtp, withElements } from './support/packets.ts'

function parsed(data: Uint8Array | undefined): RtpPacket {
  assert.ok(data)
  const packet = parseRtp(data)
  assert.ok(!('drop' in packet))
  return packet
}

function sender(): RtxSender {
  return new RtxSender({
    ssrc: 99,
    payloadTypes: new Map([[96, 97]]),
    firstSequenceNumber: 65_535,
    streamIds: { rtpStreamId: 4, repairedRtpStreamId: 5 },
  })
}

describe('a retransmission (RFC 4588)', () => {
  const original = withElements([{ id: 4, data: ascii('hi') }], {
    marker: true,
    csrcs: [5, 6],
    paddingLength: 4,
    sequenceNumber: 0xabcd,
  })

  it('carries the original sequence number and payload, without padding', () => {
    const packet = parsed(sender().wrap(serializeRtp(original)))
    assert.equal(hex(packet.payload), 'abcd010203')
    assert.deepEqual(
      [packet.ssrc, packet.payloadType, packet.sequenceNumber, packet.paddingLength],
      [99, 97, 65_535, 0],
    )
    assert.deepEqual([packet.timestamp, packet.marker, packet.csrcs], [original.timestamp, true, [5, 6]])
  })

  it('turns the stream id into the repaired one', () => {
    const packet = parsed(sender().wrap(serializeRtp(original)))
    assert.equal(findExtension(packet.extension, 4), undefined)
    assert.equal(hex(findExtension(packet.extension, 5) ?? ascii('')), hex(ascii('hi')))
  })

  it('counts its own sequence numbers', () => {
    const rtx = sender()
    const data = serializeRtp(original)
    assert.deepEqual(
      [1, 2, 3].map(() => parsed(rtx.wrap(data)).sequenceNumber),
      [65_535, 0, 1],
    )
  })

  it('leaves room behind, and the original alone', () => {
    const data = serializeRtp(original)
    const before = data.slice()
    const wrapped = sender().wrap(data, 16)
    assert.equal(wrapped?.length, data.length - 4 + 2 + 16)
    assert.deepEqual(data, before)
  })

  it('is not made of other payload types, nor of what is no packet', () => {
    assert.equal(sender().wrap(serializeRtp(rtp({ payloadType: 100 }))), undefined)
    assert.equal(sender().wrap(ascii('no')), undefined)
  })

  it('gives the original packet back', () => {
    const back = unwrapRtx(parsed(sender().wrap(serializeRtp(original))), original.ssrc, 96)
    assert.ok(!('drop' in back))
    assert.deepEqual({ ...back, extension: undefined }, { ...original, extension: undefined, paddingLength: 0 })
  })

  it('that carries nothing is a probe and no packet', () => {
    for (const payload of [ascii(''), ascii('x')]) {
      assert.deepEqual(unwrapRtx(rtp({ payload }), 1, 96), { drop: 'no-original' })
    }
  })
})

describe('the history of what was sent', () => {
  const packet = (sequence: number): Uint8Array => serializeRtp(rtp({ sequenceNumber: sequence }))

  it('repeats a packet that it still has', () => {
    const history = new SendHistory()
    const first = packet(65_535)
    history.store(65_535, first, 0)
    history.store(0, packet(0), 0)
    assert.equal(history.repeat(65_535, 50, 20), first)
    assert.deepEqual(history.repeat(1, 50, 20), { drop: 'unknown' })
  })

  it('does not repeat it again before the first repetition can have arrived', () => {
    const history = new SendHistory()
    history.store(1, packet(1), 0)
    let sent = 0
    for (let now = 10; now < 110; now++) if (!('drop' in history.repeat(1, now, 20))) sent++
    assert.equal(sent, 5)
    assert.deepEqual(history.repeat(1, 109, 20), { drop: 'just-sent' })
  })

  it('does not repeat what is too old', () => {
    const history = new SendHistory({ maxAgeMs: 500 })
    history.store(1, packet(1), 0)
    assert.deepEqual(history.repeat(1, 501, 20), { drop: 'expired' })
  })

  it('keeps no more packets than it may, however many are sent', () => {
    const history = new SendHistory({ packets: 1e9 })
    for (let i = 0; i < 3 * maxHistoryPackets; i++) history.store(i & 0xffff, packet(i & 0xffff), 0)
    let kept = 0
    for (let i = 0; i < 0x1_0000; i++) if (!('drop' in history.repeat(i, 0, 20))) kept++
    assert.equal(kept, maxHistoryPackets)
    history.clear()
    assert.deepEqual(history.repeat(3 * maxHistoryPackets - 1, 0, 20), { drop: 'unknown' })
  })
})

describe('asking for missing packets', () => {
  const tracker = (): NackTracker => new NackTracker({ reorderingMs: 10, initialRoundTripMs: 50 })

  it('waits for what may only be out of order', () => {
    const nack = tracker()
    nack.receive(65_534, 0)
    nack.receive(1, 0)
    assert.equal(nack.pollTimeout(), 10)
    assert.deepEqual(nack.due(9), [])
    assert.equal(nack.receive(65_535, 9), 'late')
    assert.deepEqual(nack.due(10), [0])
  })

  it('asks once the answer should have come, until the packet comes', () => {
    const nack = tracker()
    nack.receive(1, 0)
    nack.receive(3, 0)
    const asked: number[] = []
    for (let now = 0; now < 200; now++) if (nack.due(now).length > 0) asked.push(now)
    assert.deepEqual(asked, [10, 70, 130, 190])
    nack.roundTripMs = 100
    assert.deepEqual(nack.due(250), [2])
    assert.equal(nack.pollTimeout(), 360)
    assert.equal(nack.receive(2, 300), 'late')
    assert.equal(nack.pollTimeout(), undefined)
    assert.equal(nack.takeLoss(), false)
  })

  it('gives up after ten requests, and says so once', () => {
    const nack = tracker()
    nack.receive(1, 0)
    nack.receive(3, 0)
    let requests = 0
    for (let now = 0; now < 2_000; now++) requests += nack.due(now).length
    assert.equal(requests, 10)
    assert.deepEqual([nack.missing, nack.pollTimeout()], [0, undefined])
    assert.deepEqual([nack.takeLoss(), nack.takeLoss()], [true, false])
    assert.equal(nack.receive(2, 2_000), 'repeated')
  })

  it('never asks more often than its least interval, whatever the round trip', () => {
    const nack = tracker()
    nack.roundTripMs = 0
    nack.receive(1, 0)
    nack.receive(3, 0)
    nack.due(10)
    assert.equal(nack.pollTimeout(), 20)
  })

  it('tells new, late and repeated packets apart', () => {
    const nack = tracker()
    assert.deepEqual(
      [5, 6, 6, 9, 7, 7, 4].map(sequence => nack.receive(sequence, 0)),
      ['new', 'new', 'repeated', 'new', 'late', 'repeated', 'repeated'],
    )
  })

  it('forgets what a new start has made useless', () => {
    const nack = tracker()
    for (const sequence of [65_530, 65_535, 5]) nack.receive(sequence, 0)
    nack.forgetBefore(0)
    assert.deepEqual(nack.due(100), [0, 1, 2, 3, 4])
  })

  it('keeps no more missing packets than its bound, and gives up the oldest', () => {
    const nack = tracker()
    nack.receive(0, 0)
    for (let i = 2; i <= 4 * maxMissingPackets; i += 2) {
      nack.receive(i, 0)
      assert.ok(nack.missing <= maxMissingPackets)
    }
    assert.equal(nack.missing, maxMissingPackets)
    assert.equal(nack.takeLoss(), true)
    assert.equal(nack.due(10)[0], 2 * maxMissingPackets + 1)
  })

  it('does not try to repair a gap that is larger than its bound', () => {
    const nack = tracker()
    nack.receive(0, 0)
    nack.receive(2, 0)
    nack.receive(3 + maxMissingPackets + 1, 0)
    assert.deepEqual([nack.missing, nack.takeLoss()], [0, true])
  })

  it('together with history and retransmission repairs a path that loses a tenth both ways', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = prng(seed)
      const lost = (): boolean => random.float() < 0.1
      const nack = tracker()
      const history = new SendHistory()
      const rtx = sender()
      const got = new Set<number>()
      const take = (packet: RtpPacket, now: number): void => {
        nack.receive(packet.sequenceNumber, now)
        got.add(packet.sequenceNumber)
      }
      const first = 65_400
      for (let now = 0; now < 2_500; now++) {
        if (now % 5 === 0 && now < 1_500) {
          const sequenceNumber = (first + now / 5) & 0xffff
          const data = serializeRtp(rtp({ sequenceNumber }))
          history.store(sequenceNumber, data, now)
          // The first and the last must come: what is lost around them nobody can know of.
          if (now === 0 || now === 1_495 || !lost()) take(parsed(data), now)
        }
        const due = nack.due(now)
        if (lost()) continue
        for (const sequence of due) {
          const data = history.repeat(sequence, now, 40)
          if ('drop' in data || lost()) continue
          const original = unwrapRtx(parsed(rtx.wrap(data)), 1, 96)
          if (!('drop' in original)) take(original, now)
        }
      }
      assert.equal(got.size, 300, `seed ${seed}`)
      assert.equal(nack.missing, 0, `seed ${seed}`)
    }
  })
})
