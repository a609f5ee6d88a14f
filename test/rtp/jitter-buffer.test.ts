import assert from 'node:assert/strict'

import {
  JitterBuffer,
  type JitterBufferOptions,
  maxBufferedBytes,
  maxBufferedPackets,
} from '../../src/rtp/jitter-buffer.ts'
import { OpusDepacketizer, OpusPacketizer } from '../../src/rtp/payload/audio.ts'
import type { EncodedFrame, FrameDependency } from '../../src/rtp/payload/frame.ts'
import { Vp8Depacketizer, Vp8Packetizer } from '../../src/rtp/payload/vp8.ts'
import { prng } from '../support/prng.ts'
import { onTheWay, play, type TestPacket, TestSender, type TimedEvent } from './payload/network.ts'

type Settings = Partial<Omit<JitterBufferOptions, 'depacketizer'>>

const audioBuffer = (options: Settings = {}): JitterBuffer =>
  new JitterBuffer({ depacketizer: new OpusDepacketizer(), clockRate: 48_000, video: false, ...options })

const videoBuffer = (options: Settings = {}): JitterBuffer =>
  new JitterBuffer({ depacketizer: new Vp8Depacketizer(), clockRate: 90_000, video: true, ...options })

/** Opus packets, each with its number in it, every 20 ms. */
function audio(count: number): { packet: TestPacket; sentAt: number }[] {
  const sender = new TestSender(960)
  const packetizer = new OpusPacketizer()
  return Array.from({ length: count }, (_, i) => {
    const [packet] = sender.send(packetizer.packetize({ data: Uint8Array.of(0xf8, i >> 8, i & 0xff) }))
    assert.ok(packet)
    return { packet, sentAt: 20 * i }
  })
}

interface VideoOptions {
  readonly count: number
  /** A keyframe every so many frames. */
  readonly keyframes: number
  readonly dependency?: (index: number) => FrameDependency
  readonly firstPictureId?: number | 'none'
}

/** VP8 frames of three packets, every 40 ms. */
function video({
  count,
  keyframes,
  dependency,
  firstPictureId = 'none',
}: VideoOptions): { packet: TestPacket; sentAt: number }[] {
  const sender = new TestSender(3_600)
  const packetizer = new Vp8Packetizer({ maxPayloadBytes: 100, firstPictureId })
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(250).fill(i & 0xff)
    data[0] = i % keyframes === 0 ? 0x10 : 0x11
    const packets = sender.send(packetizer.packetize({ data, dependency: dependency?.(i) }))
    return packets.map(packet => ({ packet, sentAt: 40 * i }))
  }).flat()
}

/** The numbers of the frames that were given. */
function frames(events: readonly TimedEvent[]): number[] {
  return events.flatMap(({ event }) => (event.kind === 'frame' ? [event.frame.data.at(-1) ?? -1] : []))
}

function count(events: readonly TimedEvent[], kind: string): number {
  return events.filter(({ event }) => event.kind === kind).length
}

const upTo = (end: number): number[] => Array.from({ length: end }, (_, i) => i)

describe('a jitter buffer', () => {
  it('gives every frame once and in order, whatever the order and repetitions on the way', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = prng(seed)
      const way = { duplicates: 0.2, jitterMs: 60 }
      const sound = play(audioBuffer({ minDelayMs: 80 }), onTheWay(audio(200), random, way))
      assert.deepEqual(frames(sound), upTo(200), `seed ${seed}`)
      assert.equal(sound.length, 200)
      const pictures = play(videoBuffer(), onTheWay(video({ count: 200, keyframes: 50 }), random, way))
      assert.deepEqual(frames(pictures), upTo(200), `seed ${seed}`)
      assert.equal(pictures.length, 200)
    }
  })

  it('holds audio back for as long as the jitter asks for, so that frames come evenly', () => {
    for (const jitterMs of [0, 40, 120]) {
      const buffer = audioBuffer()
      const events = play(buffer, onTheWay(audio(1_500), prng(5), { jitterMs }))
      const { targetDelayMs } = buffer.statistics
      assert.ok(Math.abs(targetDelayMs - Math.max(20, jitterMs)) <= 10, `${jitterMs} ms of jitter: ${targetDelayMs} ms`)
      const late = events.filter(({ event }) => event.kind === 'lost').filter(({ at }) => at > 10_000)
      assert.ok(late.length < 1_000 * 0.04, `${jitterMs} ms of jitter: ${late.length} holes`)
      const given = events.filter(({ event, at }) => event.kind === 'frame' && at > 10_000)
      const gaps = given.slice(1).map(({ at }, i) => Math.round((at - (given[i]?.at ?? 0)) / 20))
      assert.ok(
        gaps.every(gap => gap >= 0 && gap <= 3),
        `${jitterMs} ms of jitter`,
      )
    }
  })

  it('waits less again when the jitter is over', () => {
    const buffer = audioBuffer()
    const random = prng(6)
    const packets = audio(3_000)
    const arrivals = [
      ...onTheWay(packets.slice(0, 1_000), random, { jitterMs: 200 }),
      ...onTheWay(packets.slice(1_000), random),
    ].sort((a, b) => a.at - b.at)
    play(
      buffer,
      arrivals.filter(({ at }) => at < 20_000),
      0,
    )
    assert.ok(buffer.statistics.targetDelayMs > 150, `${buffer.statistics.targetDelayMs} ms`)
    play(
      buffer,
      arrivals.filter(({ at }) => at >= 20_000),
      0,
    )
    assert.equal(buffer.statistics.targetDelayMs, 20)
  })

  it('follows a clock that runs faster or slower than its own', () => {
    for (const drift of [0.9995, 1.0005]) {
      const arrivals = onTheWay(audio(15_000), prng(7)).map(({ packet, at }) => ({ packet, at: at * drift }))
      const buffer = audioBuffer()
      const events = play(buffer, arrivals)
      assert.equal(frames(events).length, 15_000)
      const last = events.at(-1)?.at ?? 0
      assert.ok(last - (arrivals.at(-1)?.at ?? 0) < 60, `${drift}: the last frame comes ${last} ms`)
    }
  })

  it('gives up what does not come when the next frame is due, and says how much', () => {
    const packets = audio(60)
    const arrivals = onTheWay(
      packets.filter((_, i) => i !== 20 && i !== 40 && i !== 41),
      prng(8),
    )
    const buffer = audioBuffer()
    const events = play(buffer, arrivals)
    assert.deepEqual(
      frames(events),
      upTo(60).filter(i => i !== 20 && i !== 40 && i !== 41),
    )
    assert.deepEqual(
      events.flatMap(({ event }) => (event.kind === 'lost' ? [event.packets] : [])),
      [1, 2],
    )
    const after = events.flatMap(({ event }) =>
      event.kind === 'frame' && event.frame.afterLoss ? [event.frame.data[2]] : [],
    )
    assert.deepEqual(after, [21, 42])
    const { lostPackets, bufferedPackets, bufferedBytes } = buffer.statistics
    assert.deepEqual([lostPackets, bufferedPackets, bufferedBytes], [3, 0, 0])
  })

  it('lets lost packets of video be repaired, and needs no keyframe then', () => {
    const arrivals = onTheWay(video({ count: 100, keyframes: 1_000 }), prng(9)).map(({ packet, at }, i) => ({
      packet,
      at: i % 17 === 5 ? at + 120 : at,
    }))
    const buffer = videoBuffer()
    const events = play(
      buffer,
      arrivals.sort((a, b) => a.at - b.at),
    )
    assert.deepEqual(frames(events), upTo(100))
    assert.equal(count(events, 'keyframe-needed'), 0)
    assert.equal(buffer.statistics.latePackets, 0)
  })

  it('asks for a keyframe after a loss, again and again until it is there, and gives nothing before it', () => {
    const packets = video({ count: 100, keyframes: 60 }).filter((_, i) => i !== 3 * 20 + 1)
    const buffer = videoBuffer({ keyframeRequestMs: 300 })
    const events = play(buffer, onTheWay(packets, prng(10)))
    assert.deepEqual(frames(events), [...upTo(20), ...upTo(100).slice(60)])
    const requests = events.filter(({ event }) => event.kind === 'keyframe-needed').map(({ at }) => at)
    // From the loss, 800 ms and the wait for a repair, to the keyframe after 2400 ms.
    assert.ok(requests.length >= 4 && requests.length <= 6, `${requests}`)
    for (const [i, at] of requests.slice(1).entries()) assert.ok(at - (requests[i] ?? 0) >= 300)
    assert.equal(buffer.statistics.undecodableFrames, 39)
  })

  it('asks for a keyframe if a stream begins without one', () => {
    const packets = video({ count: 30, keyframes: 20 }).slice(3 * 5)
    const events = play(videoBuffer(), onTheWay(packets, prng(11)))
    assert.equal(events[0]?.event.kind, 'keyframe-needed')
    assert.deepEqual(frames(events), upTo(30).slice(20))
  })

  it('needs no keyframe where what was lost was padding between pictures', () => {
    const packets = video({ count: 20, keyframes: 100, firstPictureId: 0x7ffa })
    const padded = packets.flatMap(({ packet, sentAt }) => {
      const shifted = { ...packet, sequenceNumber: (packet.sequenceNumber + packet.frame) & 0xffff }
      if (!packet.marker) return [{ packet: shifted, sentAt }]
      const sequenceNumber = (shifted.sequenceNumber + 1) & 0xffff
      const padding = { ...packet, marker: false, sequenceNumber, payload: new Uint8Array(0) }
      return packet.frame % 2 === 0
        ? [{ packet: shifted, sentAt }]
        : [
            { packet: shifted, sentAt },
            { packet: padding, sentAt },
          ]
    })
    const events = play(videoBuffer(), onTheWay(padded, prng(12)))
    assert.deepEqual(frames(events), upTo(20))
    assert.equal(count(events, 'keyframe-needed'), 0)
    assert.ok(count(events, 'lost') > 5)
  })

  it('goes on with the base layer when a frame of a higher temporal layer is lost', () => {
    // Layers 0 1 0 1 …; every eighth frame of layer 1 builds upon the base layer alone.
    const dependency = (i: number): FrameDependency => ({
      temporalId: i % 2,
      baseLayerIndex: (250 + Math.floor(i / 2)) & 0xff,
      layerSync: i % 16 === 9,
    })
    const packets = video({ count: 40, keyframes: 100, dependency, firstPictureId: 1 })
    const lossOf = (frame: number) => packets.filter(({ packet }) => packet.frame !== frame)
    const upper = play(videoBuffer(), onTheWay(lossOf(3), prng(13)))
    assert.deepEqual(
      frames(upper),
      upTo(40).filter(i => i !== 3 && i !== 5 && i !== 7),
    )
    assert.equal(count(upper, 'keyframe-needed'), 0)
    const base = play(videoBuffer(), onTheWay(lossOf(4), prng(13)))
    assert.deepEqual(frames(base), upTo(4))
    assert.ok(count(base, 'keyframe-needed') > 0)
  })

  it('takes earlier packets that come before anything was given', () => {
    const [first, second, third] = audio(3).map(({ packet }) => packet)
    assert.ok(first && second && third)
    const events = play(audioBuffer({ minDelayMs: 80 }), [
      { packet: third, at: 40 },
      { packet: second, at: 45 },
      { packet: first, at: 50 },
    ])
    assert.deepEqual(frames(events), [0, 1, 2])
  })

  it('says why it does not take a packet', () => {
    const [first, second, third] = audio(3).map(({ packet }) => packet)
    assert.ok(first && second && third)
    const buffer = audioBuffer()
    assert.equal(buffer.receive(first, 0), undefined)
    assert.deepEqual(buffer.receive(first, 1), { drop: 'repeated' })
    buffer.receive(third, 10)
    const kinds = play(buffer, [], 200).map(({ event }) => event.kind)
    assert.deepEqual(kinds, ['frame', 'lost', 'frame'])
    assert.deepEqual(buffer.receive(first, 210), { drop: 'repeated' })
    assert.deepEqual(buffer.receive(second, 210), { drop: 'late' })
    assert.deepEqual(buffer.receive(second, 211), { drop: 'repeated' })
    const { latePackets, repeatedPackets } = buffer.statistics
    assert.deepEqual([latePackets, repeatedPackets], [1, 3])
  })

  it('stays with the stream when a single packet is far off, and begins anew when two are', () => {
    for (const far of [5_000, 60_000]) {
      const buffer = audioBuffer()
      const packets = audio(40)
      const moved = (i: number): TestPacket => {
        const packet = packets[i]?.packet
        assert.ok(packet)
        return {
          ...packet,
          sequenceNumber: (packet.sequenceNumber + far) & 0xffff,
          timestamp: (packet.timestamp + 12_345_678) >>> 0,
        }
      }
      const events: TimedEvent[] = []
      for (const { packet, sentAt } of packets.slice(0, 20)) events.push(...play(buffer, [{ packet, at: sentAt }], 10))
      assert.deepEqual(buffer.receive(moved(30), 400), { drop: 'unexpected' })
      events.push(
        ...play(
          buffer,
          packets.slice(20, 25).map(({ packet, sentAt }) => ({ packet, at: sentAt })),
          100,
        ),
      )
      assert.deepEqual(frames(events), upTo(25), `${far}`)
      assert.deepEqual(buffer.receive(moved(30), 1_000), { drop: 'unexpected' })
      const after = play(
        buffer,
        upTo(9).map(i => ({ packet: moved(31 + i), at: 1_020 + 20 * i })),
      )
      assert.deepEqual(frames(after), upTo(40).slice(31), `${far}`)
      assert.equal(buffer.statistics.targetDelayMs, 20)
    }
  })

  it('keeps no frame longer than the longest delay, however far its timestamp', () => {
    for (const jump of [0x4000_0000, -0x4000_0000]) {
      const packets = audio(20).map(({ packet, sentAt }, i) => ({
        packet: { ...packet, timestamp: (packet.timestamp + (i < 10 ? 0 : jump)) >>> 0 },
        at: sentAt,
      }))
      const events = play(audioBuffer({ maxDelayMs: 300 }), packets)
      assert.deepEqual(frames(events), upTo(20))
      for (const { event, at } of events) {
        const sentAt = 20 * (event.kind === 'frame' ? (event.frame.data[2] ?? 0) : 0)
        assert.ok(at - sentAt <= 300, `${at - sentAt} ms`)
      }
    }
  })

  it('keeps no more packets than it may', () => {
    const buffer = videoBuffer()
    const packet = (sequenceNumber: number, payload: Uint8Array): TestPacket => ({
      sequenceNumber: sequenceNumber & 0xffff,
      timestamp: 0,
      marker: false,
      payload,
      frame: 0,
    })
    for (let i = 0; i < maxBufferedPackets; i++)
      assert.equal(buffer.receive(packet(i, Uint8Array.of(0x10, 1)), 0), undefined)
    assert.equal(buffer.statistics.bufferedPackets, maxBufferedPackets)
    assert.deepEqual(buffer.receive(packet(maxBufferedPackets, Uint8Array.of(0x10, 1)), 0), { drop: 'unexpected' })
    assert.equal(buffer.statistics.bufferedPackets, maxBufferedPackets)
    // A frame that fills the buffer and has no end in sight makes room for what comes after it.
    assert.equal(buffer.receive(packet(maxBufferedPackets + 1, Uint8Array.of(0x10, 1)), 0), undefined)
    assert.equal(buffer.statistics.bufferedPackets, 1)
    const large = videoBuffer()
    for (let i = 0; i < 1_000; i++) {
      assert.equal(large.receive(packet(i, new Uint8Array(60_000)), 0), undefined)
      assert.ok(large.statistics.bufferedBytes <= maxBufferedBytes)
      for (let event = large.poll(0); event; event = large.poll(0)) assert.notEqual(event.kind, 'frame')
    }
  })

  it('gives frames of 2^16 packets and more without losing its place', () => {
    const buffer = audioBuffer({ minDelayMs: 0, maxDelayMs: 0 })
    const sender = new TestSender(960, 10)
    const packetizer = new OpusPacketizer()
    const given: EncodedFrame[] = []
    for (let i = 0; i < 140_000; i++) {
      const [packet] = sender.send(packetizer.packetize({ data: Uint8Array.of(0xf8, i & 0xff) }))
      assert.ok(packet)
      buffer.receive(packet, 20 * i)
      for (let event = buffer.poll(20 * i); event; event = buffer.poll(20 * i))
        if (event.kind === 'frame') given.push(event.frame)
    }
    assert.equal(given.length, 140_000)
    assert.equal(buffer.statistics.lostPackets, 0)
  })

  it('does not take packets of another payload type for lost ones', () => {
    const packets = audio(30).map(({ packet, sentAt }, i) => ({
      packet: i % 5 === 2 ? { ...packet, payload: new Uint8Array(0) } : packet,
      sentAt,
    }))
    const events = play(audioBuffer(), onTheWay(packets, prng(14)))
    assert.deepEqual(
      frames(events),
      upTo(30).filter(i => i % 5 !== 2),
    )
    assert.equal(count(events, 'lost'), 0)
    for (const { event } of events) assert.ok(event.kind === 'frame' && !event.frame.afterLoss)
  })

  it('holds frames as long as a target says, and as before without one', () => {
    const buffer = audioBuffer()
    const sent = audio(60)
    const heldMs: number[] = []
    const expected = [
      { from: 0, target: undefined, ms: 20 },
      { from: 10, target: 1_000, ms: 1_000 },
      { from: 30, target: 4_000, ms: 4_000 },
      { from: 50, target: 9_999, ms: 4_000 },
      { from: 55, target: 0, ms: 0 },
    ]
    for (const { from, target, ms } of expected) {
      const part = sent.slice(from, from + 5).map(({ packet }, i) => ({ packet, at: sent[from + i]?.sentAt ?? 0 }))
      buffer.setTarget(target)
      // Those between are missing: only what is given counts.
      const events = play(buffer, part, 10_000).filter(({ event }) => event.kind === 'frame')
      assert.equal(events.length, 5, `${target}`)
      assert.equal(buffer.statistics.targetDelayMs, ms)
      heldMs.push(...events.map(({ at }, i) => at - (part[i]?.at ?? 0)))
    }
    assert.deepEqual(
      heldMs.slice(0, 15).map(Math.round),
      [20, 1_000, 4_000].flatMap(ms => new Array(5).fill(ms)),
    )
  })

  it('waits longer than its target where packets need it', () => {
    const buffer = audioBuffer({ maxDelayMs: 300 })
    buffer.setTarget(5)
    const events = play(buffer, onTheWay(audio(600), prng(31), { jitterMs: 150 }))
    assert.ok(buffer.statistics.targetDelayMs > 100, `${buffer.statistics.targetDelayMs}`)
    assert.ok(frames(events).length > 560)
  })

  it('gives frames before their time rather than throwing them away when it is crowded', () => {
    const buffer = videoBuffer()
    buffer.setTarget(4_000)
    // 3 packets every 2 ms: 6000 of them in the time that they are to be held.
    const packets = video({ count: 3_000, keyframes: 1_000 }).map(({ packet }, i) => ({
      packet: { ...packet, timestamp: 180 * Math.floor(i / 3) },
      at: 2 * Math.floor(i / 3),
    }))
    const events = play(buffer, packets, 20_000)
    assert.equal(frames(events).length, 3_000)
    assert.equal(buffer.statistics.lostPackets, 0)
  })

  it('makes nothing of padding between the packets of a frame, and of padding between frames', () => {
    const packets = video({ count: 20, keyframes: 5 })
    let shift = 0
    const padded = packets.flatMap(({ packet, sentAt }, i) => {
      const moved = (each: TestPacket): TestPacket => ({
        ...each,
        sequenceNumber: (each.sequenceNumber + shift) & 0xffff,
      })
      const own = { packet: moved(packet), sentAt }
      if (i % 4 === 3) return [own]
      shift++
      return [own, { packet: moved({ ...packet, marker: false, payload: new Uint8Array(0) }), sentAt }]
    })
    const buffer = videoBuffer()
    const events = play(buffer, onTheWay(padded, prng(32), { jitterMs: 30 }))
    assert.deepEqual(frames(events), upTo(20))
    const { lostPackets, refusedPayloads, undecodableFrames } = buffer.statistics
    assert.deepEqual([lostPackets, refusedPayloads, undecodableFrames], [0, 0, 0])
  })

  it('refuses delays that make no sense', () => {
    for (const options of [
      { minDelayMs: -1 },
      { minDelayMs: 100, maxDelayMs: 50 },
      { maxDelayMs: 4_001 },
      { minDelayMs: Number.NaN },
    ]) {
      assert.throws(() => audioBuffer(options), RangeError)
    }
  })
})
