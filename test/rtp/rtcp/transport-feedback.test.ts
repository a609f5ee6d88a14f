import assert from 'node:assert/strict'

import { RtpError } from '../../../src/rtp/errors.ts'
import { parseRtcp, serializeRtcp } from '../../../src/rtp/rtcp/compound.ts'
import { maxFeedbackPackets } from '../../../src/rtp/rtcp/transport-feedback.ts'
import type { PacketArrival, TransportFeedback } from '../../../src/rtp/rtcp/types.ts'
import { prng } from '../../support/prng.ts'
import { bytes, hex } from '../support/packets.ts'

/** A feedback from where the reader sees it: fixed fields, then chunks and deltas. */
function wire(base: number, count: number, reference: number, rest: string): Uint8Array {
  const body = bytes(rest)
  const data = new Uint8Array(20 + ((body.length + 3) & ~3))
  const view = new DataView(data.buffer)
  data.set(bytes('8fcd0000 00000001 00000002'))
  view.setUint16(2, data.length / 4 - 1)
  view.setUint16(12, base)
  view.setUint16(14, count)
  view.setUint32(16, ((reference & 0xff_ffff) << 8) | 9)
  data.set(body, 20)
  return data
}

function read(data: Uint8Array): TransportFeedback | undefined {
  const compound = parseRtcp(data)
  assert.ok(!('drop' in compound))
  const [packet] = compound.packets
  assert.ok(packet === undefined || packet.type === 'transport-feedback')
  return packet
}

/** As text: `-` not received, `?` received without time, or milliseconds. */
function arrivals(feedback: TransportFeedback | undefined): string {
  assert.ok(feedback)
  return feedback.packets.map(({ received, receivedAt }) => (received ? (receivedAt ?? '?') : '-')).join(' ')
}

function feedbackOf(packets: readonly PacketArrival[]): TransportFeedback {
  return { type: 'transport-feedback', senderSsrc: 1, mediaSsrc: 2, feedbackCount: 9, packets }
}

/** Packets from `base` on that arrived at the given times; undefined: not received. */
function packetsAt(base: number, times: readonly (number | undefined)[]): PacketArrival[] {
  return times.map((receivedAt, i) => ({
    sequenceNumber: (base + i) & 0xffff,
    received: receivedAt !== undefined,
    receivedAt,
  }))
}

describe('a transport-wide feedback', () => {
  it('is read with the run of the first example of §3.1.3', () => {
    const feedback = read(wire(65_535, 222, 1, '00dd 2001 04'))
    assert.equal(feedback?.packets.length, 222)
    assert.deepEqual(feedback.packets[0], { sequenceNumber: 65_535, received: false, receivedAt: undefined })
    assert.deepEqual(feedback.packets[221], { sequenceNumber: 220, received: true, receivedAt: 65 })
    assert.deepEqual([feedback.senderSsrc, feedback.mediaSsrc, feedback.feedbackCount], [1, 2, 9])
  })

  it('is read with the one-bit vector of the first example of §3.1.4', () => {
    // 0 11111 000 111 00
    assert.equal(arrivals(read(wire(0, 14, 0, '9f1c 04 04 04 04 04 04 04 04'))), '- 1 2 3 4 5 - - - 6 7 8 - -')
  })

  it('is read with the two-bit vector of the second example of §3.1.4', () => {
    // 00 11 01 01 01 00 00
    assert.equal(arrivals(read(wire(0, 7, 0, 'cd50 040404'))), '- ? 1 2 3 - -')
  })

  it('is read with large and negative deltas, and a negative reference time', () => {
    assert.equal(arrivals(read(wire(0, 3, -2, 'da80 08 7fff fffc'))), '-126 8065.75 8064.75')
  })

  it('is read without deltas where it leaves the timing out', () => {
    assert.equal(arrivals(read(wire(0, 20, 0, '2014'))), new Array(20).fill('?').join(' '))
  })

  it('does not look beyond the count in its last chunk', () => {
    assert.equal(arrivals(read(wire(0, 2, 0, 'bfff 0404'))), '1 2')
    assert.equal(arrivals(read(wire(0, 2, 0, '3fff 0404'))), '1 2')
  })

  for (const [what, data] of [
    ['without packets', wire(0, 0, 0, '2001 00')],
    ['with more packets than the bound', wire(0, maxFeedbackPackets + 1, 0, '1fff 1fff')],
    ['with chunks for fewer packets than it counts', wire(0, 20, 0, '2001 2001')],
    ['with a run of nothing', wire(0, 1, 0, '2000 2001')],
    ['with deltas for some of its packets only', wire(0, 20, 0, '2014 0404040404')],
    ['without the fixed fields', bytes('8fcd0003 00000001 00000002 00000001')],
  ] as const) {
    it(`is malformed ${what}`, () => {
      const compound = parseRtcp(data)
      assert.ok(!('drop' in compound))
      assert.deepEqual([compound.packets.length, compound.malformed], [0, 1])
    })
  }

  it('takes no more memory than its bound, however short it is', () => {
    const feedback = read(wire(0, maxFeedbackPackets, 0, '1fff 1fff'))
    assert.equal(feedback?.packets.length, maxFeedbackPackets)
  })

  it('is written with the chunks that fit best', () => {
    const chunksOf = (times: readonly (number | undefined)[]): string =>
      hex(serializeRtcp([feedbackOf(packetsAt(0, times))])).slice(40)
    const lost = undefined
    // A run of twenty; then its deltas.
    assert.equal(chunksOf(new Array(20).fill(0)).slice(0, 4), '2014')
    // Alternating: fourteen to a vector of single bits, and the last as a run.
    assert.equal(chunksOf(Array.from({ length: 15 }, (_, i) => (i % 2 ? lost : 0))).slice(0, 8), 'aaaa2001')
    // A large delta within the next fourteen needs two bits each.
    assert.equal(chunksOf([0, lost, 100, 0, lost, 0, lost, 0]).slice(0, 8), 'd2842001')
    // A loss of 9000 cannot be: of 8000 it is one run.
    assert.equal(chunksOf([0, ...new Array(8_000).fill(lost), 0]).slice(0, 12), 'a0001f332001')
  })

  it('comes back as it was written, whatever arrived when', () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = prng(seed)
      const loss = random.float()
      let now = Math.floor(random.float() * 4e6 - 2e6) / 4
      const times = Array.from({ length: 1 + (random.next() % 200) }, () => {
        if (random.float() < loss) return undefined
        now += random.next() % 8 === 0 ? (random.next() % 8_000) / 4 - 800 : (random.next() % 100) / 4
        return now
      })
      const feedback = feedbackOf(packetsAt(random.next() & 0xffff, times))
      assert.deepEqual(read(serializeRtcp([feedback])), feedback, `seed ${seed}`)
    }
  })

  it('is refused by the writer with a gap, nothing, too much, or arrivals too far apart', () => {
    const refused = (packets: readonly PacketArrival[]): void =>
      assert.throws(
        () => serializeRtcp([feedbackOf(packets)]),
        (error: unknown) => error instanceof RtpError && error.code === 'bad-value',
      )
    refused([])
    refused([...packetsAt(0, [0]), ...packetsAt(2, [0])])
    refused(packetsAt(0, new Array(maxFeedbackPackets + 1).fill(undefined)))
    refused(packetsAt(0, [0, 8_192]))
    refused(packetsAt(0, [9_000, 0]))
  })
})
