import assert from 'node:assert/strict'
import { TransformSlot } from '../../../src/pc/encoded-transform/transform-slot.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import {
  AudioDepacketizer,
  type Depacketizer,
  H264Depacketizer,
  isPayloadDropped,
  Vp8Depacketizer,
  Vp9Depacketizer,
} from '../../../src/rtp/payload/index.ts'
import { prng } from '../../support/prng.ts'
import {
  Collector,
  PacketSource,
  settle,
  type TestCodec,
  TestOwner,
  testCodecs,
  transformHere,
  xor,
} from './support.ts'

const depacketizers: Readonly<Record<string, () => Depacketizer>> = {
  'video/VP8': () => new Vp8Depacketizer(),
  'video/VP9': () => new Vp9Depacketizer(),
  'video/H264': () => new H264Depacketizer(),
}

function framesOf({ codec }: TestCodec, packets: readonly RtpPacket[]): Buffer[] {
  const depacketizer = (depacketizers[codec.mimeType] ?? (() => new AudioDepacketizer()))()
  return packets.flatMap(packet => {
    const result = depacketizer.push(packet)
    assert.ok(!isPayloadDropped(result), `${codec.mimeType}: ${JSON.stringify(result)}`)
    return result.map(({ data }) => Buffer.from(data))
  })
}

/** A sender that encrypts, and a receiver that decrypts what arrives. */
function call(codec: TestCodec) {
  const sender = new TestOwner({ kind: codec.kind, side: 'sender' })
  const receiver = new TestOwner({ kind: codec.kind, side: 'receiver' })
  const outgoing = new TransformSlot(sender)
  const incoming = new TransformSlot(receiver)
  const pipes = [
    transformHere(outgoing, frame => xor(frame, codec)),
    transformHere(incoming, frame => xor(frame, codec)),
  ]
  const wire = new Collector()
  const sink = new Collector()
  const entry = outgoing.attach(wire)
  const arrival = incoming.attach(sink)
  return { receiver, outgoing, incoming, pipes, wire, sink, entry, arrival }
}

describe('encrypting on the sending and decrypting on the receiving side', () => {
  for (const codec of testCodecs) {
    it(`gives the frames of ${codec.codec.mimeType} as they were, and others on the way`, async () => {
      const { outgoing, incoming, wire, sink, entry, arrival } = call(codec)
      const source = new PacketSource(codec, prng(1))
      const sent: RtpPacket[] = []
      for (let i = 0; i < 40; i++) {
        const packets = source.next()
        sent.push(...packets)
        for (const packet of packets) assert.equal(entry.packet(packet, source.context, undefined), true)
        await settle()
      }
      const [context] = wire.contexts
      assert.ok(context)
      for (const packet of wire.packets) arrival.packet(packet, context, undefined)
      await settle()
      const expected = source.frames.map(frame => Buffer.from(frame))
      assert.deepEqual(framesOf(codec, sink.packets), expected)
      const encrypted = framesOf(codec, wire.packets)
      assert.equal(encrypted.length, expected.length)
      assert.ok(encrypted.every((frame, i) => !frame.equals(expected[i] ?? frame)))
      assert.deepEqual(
        [...new Set(sink.packets.map(({ timestamp }) => timestamp))],
        [...new Set(sent.map(({ timestamp }) => timestamp))],
      )
      assert.deepEqual(
        sink.packets.map(({ sequenceNumber }) => sequenceNumber),
        sent.map(({ sequenceNumber }) => sequenceNumber),
      )
      assert.equal(outgoing.statistics.framesWritten, 40)
      assert.equal(incoming.statistics.framesWritten, 40)
    })

    it(`gives whole frames of ${codec.codec.mimeType} in order where packets are overtaken and lost`, async () => {
      const seed = 5
      const random = prng(seed)
      const { wire, sink, entry, arrival, receiver, incoming } = call(codec)
      const source = new PacketSource(codec, random)
      for (let i = 0; i < 60; i++) {
        for (const packet of source.next()) entry.packet(packet, source.context, undefined)
        await settle()
      }
      const [context] = wire.contexts
      assert.ok(context)
      // Each packet may be overtaken by the next few, and some never come.
      const arrivals = wire.packets
        .map((packet, i) => ({ packet, at: i + random.float() * 4 }))
        .filter((_, i) => i < 10 || random.float() > 0.02)
        .sort((a, b) => a.at - b.at)
      for (const { packet } of arrivals) {
        arrival.packet(packet, context, undefined)
        receiver.pass(5)
        await settle()
      }
      receiver.pass(1_000)
      await settle()
      const got = framesOf(codec, sink.packets).map(frame => source.frames.findIndex(sent => frame.equals(sent)))
      assert.ok(got.length > 20, `seed ${seed}: ${got.length} frames`)
      assert.ok(!got.includes(-1), `seed ${seed}: a frame that was not sent`)
      assert.deepEqual(
        got,
        got.toSorted((a, b) => a - b),
        `seed ${seed}`,
      )
      if (codec.kind === 'video') assert.ok(receiver.keyframeRequests.length > 0)
      if (codec.kind === 'video') assert.ok(incoming.statistics.droppedFrames.undecodable > 0)
      assert.ok(receiver.timers <= 1)
    })
  }

  it('ends the streams of the application, and its pipe without an error, when the sender stops', async () => {
    const codec = testCodecs[0] as TestCodec
    const { outgoing, incoming, pipes } = call(codec)
    outgoing.close()
    incoming.close()
    await Promise.all(pipes)
  })
})
