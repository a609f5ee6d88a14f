import assert from 'node:assert/strict'
import type { RTCEncodedFrame } from '../../../src/pc/encoded-transform/encoded-frames.ts'
import type { RTCEncodedStreams } from '../../../src/pc/encoded-transform/local-channel.ts'
import { sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { createPair, negotiate } from '../../sim/peers.ts'
import { prng } from '../../support/prng.ts'
import { type FakeSource, localTrack } from '../rtp/fakes.ts'
import { Collector, codecNamed, PacketSource, settle, type TestCodec, xor } from './support.ts'

function invert({ readable, writable }: RTCEncodedStreams, codec: TestCodec): Promise<void> {
  const transform = new TransformStream<RTCEncodedFrame, RTCEncodedFrame>({
    transform: (frame, controller) => {
      xor(frame, codec)
      controller.enqueue(frame)
    },
  })
  return readable.pipeThrough(transform).pipeTo(writable)
}

/** Alice, who encrypts what she sends, and bob; what bob gets of it goes into the result, decrypted if he is to. */
async function call(codec: TestCodec, decrypts: boolean) {
  const { sim, alice, bob } = createPair({ seed: 6 })
  await sim.runFor(2_000)
  const { source, track } = localTrack(codec.kind)
  const collector = new Collector()
  const pipes: Promise<void>[] = []
  bob.ontrack = ({ receiver, track: remote }) => {
    if (decrypts) pipes.push(invert(receiver.createEncodedStreams(), codec))
    sourceOf(remote).subscribe(collector)
  }
  pipes.push(invert(alice.addTrack(track).createEncodedStreams(), codec))
  const negotiated = negotiate(alice, bob)
  await sim.runFor(2_000)
  await negotiated
  const talk = async (frames: number, from: FakeSource = source): Promise<Uint8Array[]> => {
    const packets = new PacketSource(codec, prng(1))
    for (let i = 0; i < frames; i++) {
      for (const packet of packets.next({ csrcs: [] })) from.fanout.deliver(packet, packets.context, undefined)
      await settle()
      await sim.runFor(50)
      await settle()
    }
    return packets.frames
  }
  const close = async (): Promise<void> => {
    alice.close()
    bob.close()
    await sim.runFor(1_000)
    await Promise.all(pipes)
  }
  return { collector, talk, close }
}

describe('an encoded transform between two connections', () => {
  for (const name of ['opus', 'VP8']) {
    it(`gives ${name} to the receiver as it was sent, and ends with the connections`, async () => {
      const codec = codecNamed(name)
      const { collector, talk, close } = await call(codec, true)
      const frames = await talk(25)
      const expected = new PacketSource(codec, prng(1))
      const sent = frames.flatMap(() => expected.next()).map(({ payload }) => Buffer.from(payload).toString('hex'))
      assert.deepEqual(
        collector.packets.map(({ payload }) => Buffer.from(payload).toString('hex')),
        sent,
      )
      await close()
    })
  }

  it('begins when packets can leave, and tells the timestamps that they leave with', async () => {
    const codec = codecNamed('opus')
    const { sim, alice, bob } = createPair({ seed: 7 })
    await sim.runFor(2_000)
    const { source, track } = localTrack('audio')
    const [sent, received]: [number[], number[]] = [[], []]
    const pipes: Promise<void>[] = []
    const note = ({ readable, writable }: RTCEncodedStreams, timestamps: number[]): void => {
      const transform = new TransformStream<RTCEncodedFrame, RTCEncodedFrame>({
        transform: (frame, controller) => {
          assert.equal(frame.getMetadata().rtpTimestamp, frame.timestamp)
          timestamps.push(frame.timestamp)
          controller.enqueue(frame)
        },
      })
      pipes.push(readable.pipeThrough(transform).pipeTo(writable))
    }
    bob.ontrack = ({ receiver }) => note(receiver.createEncodedStreams(), received)
    note(alice.addTrack(track).createEncodedStreams(), sent)
    let negotiated = false
    const negotiation = negotiate(alice, bob).then(() => {
      negotiated = true
    })
    const packets = new PacketSource(codec, prng(1))
    // A source that does not wait for the connection, as a microphone.
    for (let i = 0; i < 60; i++) {
      for (const packet of packets.next({ csrcs: [] })) source.fanout.deliver(packet, packets.context, undefined)
      await settle()
      await sim.runFor(50)
      await settle()
    }
    await negotiation
    assert.ok(negotiated && sent.length > 10 && sent.length < 60, `${sent.length} frames of 60`)
    assert.deepEqual(received, sent)
    alice.close()
    bob.close()
    await sim.runFor(1_000)
    await Promise.all(pipes)
  })

  it('gives what nobody decrypts encrypted', async () => {
    const codec = codecNamed('opus')
    const { collector, talk, close } = await call(codec, false)
    const frames = await talk(5)
    assert.equal(collector.packets.length, 5)
    assert.ok(
      collector.packets.every(({ payload }, i) => !Buffer.from(payload).equals(Buffer.from(frames[i] ?? payload))),
    )
    await close()
  })
})
