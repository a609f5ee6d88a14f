import assert from 'node:assert/strict'

import { JitterBuffer, maxBufferedPackets } from '../../../src/rtp/jitter-buffer.ts'
import { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from '../../../src/rtp/payload/audio.ts'
import {
  type Depacketizer,
  isPayloadDropped,
  maxFrameBytes,
  maxFramePackets,
  payloadDropped,
} from '../../../src/rtp/payload/frame.ts'
import { H264Depacketizer } from '../../../src/rtp/payload/h264-depacketizer.ts'
import { joinAnnexB } from '../../../src/rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../../src/rtp/payload/h264-packetizer.ts'
import { writeTelephoneEvent } from '../../../src/rtp/payload/telephone-event.ts'
import { TelephoneEventReceiver } from '../../../src/rtp/payload/telephone-event-receiver.ts'
import { Vp8Depacketizer, Vp8Packetizer } from '../../../src/rtp/payload/vp8.ts'
import { Vp9Depacketizer, Vp9Packetizer } from '../../../src/rtp/payload/vp9.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { type TestPacket, TestSender } from './network.ts'

const dependency = { temporalId: 1, baseLayerIndex: 3, layerSync: true, keyframeIndex: 4 }
const scalability = {
  spatialLayers: 2,
  sizes: [],
  group: [{ temporalId: 0, switchingPoint: true, references: [1, 2] }],
}

/** Packets of a few frames of each format, well formed. */
const kinds: readonly {
  make: () => Depacketizer
  clockRate: number
  video: boolean
  packets: readonly TestPacket[]
}[] = [
  {
    make: () => new Vp8Depacketizer(),
    clockRate: 90_000,
    video: true,
    packets: packetsOf(i =>
      new Vp8Packetizer({ maxPayloadBytes: 40 }).packetize({ data: frame(0x10 | (i & 1)), dependency }),
    ),
  },
  {
    make: () => new Vp9Depacketizer(),
    clockRate: 90_000,
    video: true,
    packets: packetsOf(i =>
      new Vp9Packetizer({ maxPayloadBytes: 40, scalability }).packetize({
        data: frame(i & 1 ? 0x86 : 0x82),
        dependency: i & 2 ? { ...dependency, references: [1, 2] } : dependency,
      }),
    ),
  },
  {
    make: () => new H264Depacketizer({ parameterSets: [Uint8Array.of(0x67, 1)] }),
    clockRate: 90_000,
    video: true,
    packets: packetsOf(i => {
      const units = [
        Uint8Array.of(0x67, 1),
        Uint8Array.of(0x68, 2),
        Uint8Array.of(i & 1 ? 0x41 : 0x65, 0x80, ...frame(9)),
      ]
      return new H264Packetizer({ maxPayloadBytes: 40 }).packetize({ data: joinAnnexB(units) })
    }),
  },
  {
    make: () => new OpusDepacketizer(),
    clockRate: 48_000,
    video: false,
    packets: packetsOf(() => new OpusPacketizer().packetize({ data: frame(0xf8) })),
  },
  {
    make: () => new AudioDepacketizer(),
    clockRate: 8_000,
    video: false,
    packets: packetsOf(() => new G711Packetizer().packetize({ data: frame(1) })),
  },
]

function frame(first: number): Uint8Array {
  return new Uint8Array(100).fill(7).fill(first, 0, 1)
}

function packetsOf(make: (index: number) => ReturnType<Vp8Packetizer['packetize']>): TestPacket[] {
  const sender = new TestSender(3_000)
  return Array.from({ length: 8 }, (_, i) => sender.send(make(i))).flat()
}

function mutate(random: Prng, packet: TestPacket): TestPacket {
  let payload = packet.payload.slice()
  const { sequenceNumber, timestamp, marker } = packet
  for (let changes = random.next() % 3; changes > 0; changes--) {
    // The descriptors are at the beginning.
    const at = random.next() % Math.max(1, Math.min(payload.length, 12))
    switch (random.next() % 4) {
      case 0:
        payload = payload.slice(0, at)
        break
      case 1:
        if (at < payload.length) payload[at] = [0, 0xff, 0x80, 0x7f][random.next() & 3] ?? 0
        break
      default:
        if (at < payload.length) payload[at] = (payload[at] ?? 0) ^ (1 << (random.next() & 7))
    }
  }
  const lies = random.next() % 40
  return {
    ...packet,
    payload,
    sequenceNumber: (sequenceNumber + (lies === 0 ? random.next() : lies < 3 ? 1 : 0)) & 0xffff,
    timestamp: (timestamp + (lies === 4 ? random.next() : 0)) >>> 0,
    marker: lies === 5 ? !marker : marker,
  }
}

describe('a hundred thousand mutated payloads', () => {
  it('cause no exception, are taken or dropped for a reason, and leave depacketizers that work', () => {
    let given = 0
    let dropped = 0
    for (let seed = 0; seed < 250; seed++) {
      const random = prng(seed)
      for (const { make, packets } of kinds) {
        const depacketizer = make()
        for (let i = 0; i < 40; i++) {
          const packet = packets[(i + (random.next() % 4 === 0 ? random.next() : 0)) % packets.length]
          if (packet === undefined) continue
          const result = depacketizer.push(mutate(random, packet))
          depacketizer.isStart(packet.payload)
          if (isPayloadDropped(result)) {
            assert.ok(result.drop in payloadDropped, `seed ${seed}`)
            dropped++
          } else given += result.length
        }
        depacketizer.reset()
        const frames = packets.flatMap(packet => {
          const result = depacketizer.push(packet)
          return isPayloadDropped(result) ? [] : result
        })
        assert.equal(frames.length, 8, `seed ${seed}`)
      }
    }
    assert.ok(given > 1_000 && dropped > 1_000, `${given} frames, ${dropped} drops`)
  })

  it('cause none in jitter buffers either, whose memory stays bounded', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = prng(seed)
      for (const { make, packets, clockRate, video } of kinds) {
        const buffer = new JitterBuffer({ depacketizer: make(), clockRate, video })
        let now = 0
        for (let i = 0; i < 100; i++) {
          const packet = packets[i % packets.length]
          if (packet === undefined) continue
          now += random.next() % 30
          buffer.receive(mutate(random, { ...packet, sequenceNumber: (i * (1 + (seed % 3))) & 0xffff }), now)
          for (let event = buffer.poll(now), left = 300; event; event = buffer.poll(now)) {
            assert.ok(left-- > 0, `seed ${seed}: no end of events`)
          }
          const timeout = buffer.pollTimeout()
          assert.ok(timeout === undefined || timeout > now || timeout === 0, `seed ${seed}`)
          assert.ok(buffer.statistics.bufferedPackets <= maxBufferedPackets)
        }
        now += 10_000
        while (buffer.poll(now)?.kind === 'frame');
      }
    }
  })

  it('cause none in receivers of telephone events', () => {
    const payload = Uint8Array.of(...writeTelephoneEvent({ event: 1, end: false, volume: 3, duration: 400 }))
    for (let seed = 0; seed < 20; seed++) {
      const random = prng(seed)
      const receiver = new TelephoneEventReceiver()
      for (let i = 0; i < 500; i++) {
        const packet = { payload, sequenceNumber: 0, timestamp: (i >> 2) * 400, marker: false, frame: 0 }
        receiver.receive(mutate(random, packet), i * 20)
        receiver.handleTimeout(i * 20)
        for (let event = receiver.pollEvent(), left = 10; event; event = receiver.pollEvent()) assert.ok(left-- > 0)
      }
    }
  })
})

describe('frames without end', () => {
  it('are given up at their bounds, in bytes and in packets', () => {
    for (const [start, middle] of [
      [Uint8Array.of(0x10, 0x10), Uint8Array.of(0)],
      [Uint8Array.of(0x08, 0x82), Uint8Array.of(0)],
      [Uint8Array.of(0x7c, 0x81, 0x80), Uint8Array.of(0x7c, 1)],
    ] as const) {
      const depacketizers = [() => new Vp8Depacketizer(), () => new Vp9Depacketizer(), () => new H264Depacketizer()]
      const make = depacketizers[[0x10, 0x08, 0x7c].indexOf(start[0] ?? 0)] ?? (() => new Vp8Depacketizer())
      for (const size of [1, 60_000]) {
        const depacketizer = make()
        const payload = new Uint8Array(middle.length + size).fill(1)
        payload.set(middle)
        let packets = 0
        let refused: unknown
        for (; refused === undefined && packets < 2 * maxFramePackets; packets++) {
          const packet = {
            sequenceNumber: packets & 0xffff,
            timestamp: 1,
            marker: false,
            payload: packets === 0 ? start : payload,
          }
          const result = depacketizer.push(packet)
          if (isPayloadDropped(result)) refused = result.drop
        }
        assert.equal(refused, 'too-large')
        assert.ok(
          (packets - 2) * size <= maxFrameBytes && packets <= maxFramePackets + 1,
          `${packets} of ${size} bytes`,
        )
      }
    }
  })
})
