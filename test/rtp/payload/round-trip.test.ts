import assert from 'node:assert/strict'

import { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from '../../../src/rtp/payload/audio.ts'
import type { Depacketizer, OutgoingFrame, Packetizer } from '../../../src/rtp/payload/frame.ts'
import { H264Depacketizer } from '../../../src/rtp/payload/h264-depacketizer.ts'
import { joinAnnexB } from '../../../src/rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../../src/rtp/payload/h264-packetizer.ts'
import { Vp8Depacketizer, Vp8Packetizer } from '../../../src/rtp/payload/vp8.ts'
import { Vp9Depacketizer, Vp9Packetizer } from '../../../src/rtp/payload/vp9.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { depacketize, TestSender } from './network.ts'

interface Format {
  readonly name: string
  /** Of frames with random content. */
  readonly frame: (random: Prng, index: number) => OutgoingFrame
  readonly packetizer: (maxPayloadBytes: number) => Packetizer
  readonly depacketizer: () => Depacketizer
  /** For a dozen of sixty frames to be hit. */
  readonly loss: number
}

/** Mostly a few hundred bytes, now and then many packets. */
function anySize(random: Prng): number {
  return 10 + (random.next() % (random.next() % 8 === 0 ? 20_000 : 900))
}

function body(random: Prng, first: readonly number[], size: number): Uint8Array {
  return Uint8Array.of(...first, ...random.bytes(size))
}

/** A NAL unit without anything that looks like a start code, not ending in zero: as encoders make them. */
function unit(random: Prng, header: number, size: number, second = 0x80): Uint8Array {
  const bytes = body(random, [header, second], size).map((byte, i) => (i > 1 && byte < 4 ? 9 : byte))
  return bytes
}

const formats: readonly Format[] = [
  {
    name: 'VP8',
    frame: (random, index) => ({
      data: body(random, [index % 10 === 0 ? 0x10 : 0x11, 0, 0], anySize(random)),
      dependency:
        index % 3 === 0 ? { temporalId: index & 1, baseLayerIndex: index & 0xff, layerSync: true } : undefined,
    }),
    packetizer: maxPayloadBytes => new Vp8Packetizer({ maxPayloadBytes, firstPictureId: 0x7ff0 }),
    depacketizer: () => new Vp8Depacketizer(),
    loss: 0.04,
  },
  {
    name: 'VP9',
    frame: (random, index) => ({ data: body(random, [index % 10 === 0 ? 0x82 : 0x86], anySize(random)) }),
    packetizer: maxPayloadBytes =>
      new Vp9Packetizer({
        maxPayloadBytes,
        scalability: { spatialLayers: 1, sizes: [{ width: 64, height: 48 }], group: [] },
      }),
    depacketizer: () => new Vp9Depacketizer(),
    loss: 0.04,
  },
  {
    name: 'H.264',
    frame: (random, index) => {
      const header = index % 10 === 0 ? 0x65 : 0x41
      // first_mb_in_slice is zero in the first slice alone.
      const slices = Array.from({ length: 1 + (random.next() % 3) }, (_, i) =>
        unit(random, header, anySize(random), i === 0 ? 0x80 : 0x40),
      )
      const sets = index % 10 === 0 ? [unit(random, 0x67, 12), unit(random, 0x68, 4)] : []
      return { data: joinAnnexB([...sets, ...slices]) }
    },
    packetizer: maxPayloadBytes => new H264Packetizer({ maxPayloadBytes }),
    depacketizer: () => new H264Depacketizer(),
    loss: 0.04,
  },
  {
    name: 'Opus',
    frame: random => ({ data: body(random, [0xf8], random.next() % 100) }),
    packetizer: maxPayloadBytes => new OpusPacketizer({ maxPayloadBytes }),
    depacketizer: () => new OpusDepacketizer(),
    loss: 0.2,
  },
  {
    name: 'PCMU',
    frame: random => ({ data: random.bytes(160) }),
    packetizer: maxPayloadBytes => new G711Packetizer({ maxPayloadBytes }),
    depacketizer: () => new AudioDepacketizer(),
    loss: 0.2,
  },
]

const frameCount = 60

describe('frames through payload formats', () => {
  for (const { name, frame, packetizer, depacketizer, loss } of formats) {
    it(`${name}: come out byte for byte, whatever the size of packets`, () => {
      for (let seed = 0; seed < 12; seed++) {
        const random = prng(seed)
        const limit = 200 + (random.next() % 1_100)
        const sender = new TestSender(3_000)
        const packer = packetizer(limit)
        const frames = Array.from({ length: frameCount }, (_, i) => frame(random, i))
        const packets = frames.flatMap(each => sender.send(packer.packetize(each)))
        for (const { payload } of packets)
          assert.ok(payload.length <= limit, `seed ${seed}: ${payload.length} > ${limit}`)
        const received = depacketize(depacketizer(), packets)
        assert.equal(received.length, frames.length, `seed ${seed}`)
        for (const [i, { data, afterLoss }] of received.entries()) {
          assert.ok(Buffer.from(data).equals(frames[i]?.data ?? new Uint8Array(0)), `seed ${seed}, frame ${i}`)
          assert.equal(afterLoss, false)
        }
      }
    })

    it(`${name}: those that lost nothing come out when others lose packets, those that did never do`, () => {
      for (let seed = 0; seed < 12; seed++) {
        const random = prng(1_000 + seed)
        const sender = new TestSender(3_000)
        const packer = packetizer(400)
        const frames = Array.from({ length: frameCount }, (_, i) => frame(random, i))
        const packets = frames.flatMap(each => sender.send(packer.packetize(each)))
        const lost = new Set<number>()
        const arrived = packets.filter(packet => {
          if (random.float() >= loss) return true
          lost.add(packet.frame)
          return false
        })
        const received = depacketize(depacketizer(), arrived)
        const expected = frames.filter((_, i) => !lost.has(i))
        assert.ok(lost.size > 0 && expected.length > 5, `seed ${seed}`)
        assert.equal(received.length, expected.length, `seed ${seed}`)
        for (const [i, { data }] of received.entries()) {
          assert.ok(Buffer.from(data).equals(expected[i]?.data ?? new Uint8Array(0)), `seed ${seed}, frame ${i}`)
        }
        const first = packets[0]
        const marked = received.filter(each => each.afterLoss).length
        assert.ok(first && marked > 0, `seed ${seed}: ${lost.size} frames lost, ${marked} times told`)
      }
    })

    it(`${name}: a frame is given with its last packet, and not before`, () => {
      const random = prng(7)
      const sender = new TestSender(3_000)
      const packer = packetizer(300)
      const receiver = depacketizer()
      for (let i = 0; i < 20; i++) {
        const packets = sender.send(packer.packetize(frame(random, i)))
        for (const [at, packet] of packets.entries()) {
          assert.equal(depacketize(receiver, [packet]).length, at === packets.length - 1 ? 1 : 0)
        }
      }
    })

    it(`${name}: padding and repetitions change nothing, and after a reset another sequence is taken`, () => {
      const random = prng(8)
      const sender = new TestSender(3_000, 40_000)
      const packer = packetizer(300)
      const receiver = depacketizer()
      const frames = Array.from({ length: 10 }, (_, i) => frame(random, i))
      const packets = frames.flatMap(each => {
        const sent = sender.send(packer.packetize(each))
        return [...sent, ...sender.send([{ payload: new Uint8Array(0), marker: false, timestampOffset: 0 }])]
      })
      assert.equal(
        depacketize(
          receiver,
          packets.flatMap(packet => [packet, packet]),
        ).length,
        10,
      )
      assert.deepEqual(depacketize(receiver, packets), [])
      receiver.reset()
      const again = depacketize(receiver, packets)
      assert.equal(again.length, 10)
      assert.deepEqual(
        again.map(each => each.afterLoss),
        [true, ...new Array(9).fill(false)],
      )
    })
  }
})
