import assert from 'node:assert/strict'
import { createTrack } from '../../../src/pc/media/media-stream-track.ts'
import type { EncodingTarget } from '../../../src/pc/media/track-signal.ts'
import { connected, context, FakeSource, packet, section } from './fakes.ts'

/** A source that has an encoder. */
class EncoderSource extends FakeSource {
  readonly told: (readonly EncodingTarget[])[] = []

  encodingTargets(_consumer: object, targets: readonly EncodingTarget[]): void {
    this.told.push(targets)
  }

  get last(): readonly (readonly [rid: string | undefined, bitrate: number, active: boolean])[] {
    return (this.told.at(-1) ?? []).map(({ rid, bitrate, active }) => [rid, bitrate, active])
  }
}

async function set(
  { host, transceiver }: ReturnType<typeof connected>,
  change: (index: number) => Partial<EncodingTarget> & { priority?: 'high' },
): Promise<void> {
  const parameters = transceiver.sender.object.getParameters()
  parameters.encodings.forEach((encoding, index) => {
    Object.assign(encoding, change(index))
  })
  const done = transceiver.sender.object.setParameters(parameters)
  await host.settle()
  await done
}

describe('what a sender wants of the source of its track', () => {
  it('is what the transport has room for, within maxBitrate and b= of the peer', async () => {
    const source = new EncoderSource('video')
    const { track } = createTrack({ source })
    const call = connected('video', { track }, { ...section({ kind: 'video' }), maxBitrate: 200_000 })
    assert.deepEqual(source.last, [[undefined, 200_000, true]])
    await set(call, () => ({ maxBitrate: 150_000, maxFramerate: 15, scaleResolutionDownBy: 2 }))
    const [[target]] = source.told.slice(-1) as [[EncodingTarget]]
    assert.deepEqual(
      [target.bitrate, target.maxBitrate, target.maxFramerate, target.scaleResolutionDownBy],
      [150_000, 150_000, 15, 2],
    )
  })

  it('has a part for each encoding that is active, by its number of pixels', async () => {
    const source = new EncoderSource('video')
    const { track } = createTrack({ source })
    const encodings = [
      { rid: 'q', scaleResolutionDownBy: 2 },
      { rid: 'f', scaleResolutionDownBy: 1 },
    ]
    const call = connected('video', { track, encodings })
    assert.deepEqual(source.last, [
      ['q', 60_000, true],
      ['f', 240_000, true],
    ])
    await set(call, index => ({ active: index === 0 }))
    assert.deepEqual(source.last, [
      ['q', 300_000, true],
      ['f', 0, false],
    ])
  })

  it('of audio is no more than music takes, unless maxBitrate says so', async () => {
    const source = new EncoderSource('audio')
    const { track } = createTrack({ source })
    const call = connected('audio', { track })
    assert.deepEqual(source.last, [[undefined, 128_000, true]])
    await set(call, () => ({ maxBitrate: 256_000 }))
    assert.deepEqual(source.last, [[undefined, 256_000, true]])
  })

  it('is withdrawn when the track goes, is disabled or the sender stops', async () => {
    const [first, second] = [new EncoderSource('video'), new EncoderSource('video')]
    const [{ track }, other] = [createTrack({ source: first }), createTrack({ source: second })]
    const call = connected('video', { track })
    assert.equal(first.last.length, 1)
    track.enabled = false
    assert.deepEqual(first.last, [])
    track.enabled = true
    assert.equal(first.last.length, 1)
    const replaced = call.transceiver.sender.object.replaceTrack(other.track)
    await call.host.settle()
    await replaced
    assert.deepEqual([first.last.length, second.last.length], [0, 1])
    call.transceiver.object.stop()
    assert.deepEqual(second.last, [])
    assert.deepEqual(call.transport.fake.ended, [call.transceiver.sender.encodings[0]?.ssrc])
  })
})

describe('the source of a track whose packets were refused', () => {
  it('hears when the session takes them again, and only then', () => {
    const source = new EncoderSource('audio')
    let drained = 0
    Object.assign(source, { drained: () => drained++ })
    const { track } = createTrack({ source })
    const { transceiver, transport, streams } = connected('audio', { track })
    const [stream] = streams
    assert.ok(stream !== undefined)
    transceiver.sender.writable()
    assert.equal(drained, 0)
    const give = (): boolean => source.fanout.deliver(packet({ sequenceNumber: 1 }), of, undefined)
    const of = context()
    for (const drop of ['queue-full', 'not-ready'] as const) {
      drained = 0
      stream.drop = { drop }
      transport.fake.isWritable = false
      assert.equal(give(), false)
      // Another transport of the connection has room again.
      transceiver.sender.writable()
      assert.equal(drained, 0)
      transport.fake.isWritable = true
      transceiver.sender.writable()
      transceiver.sender.writable()
      assert.equal(drained, 1, drop)
    }
    stream.drop = { drop: 'stale' }
    drained = 0
    assert.equal(give(), false)
    transceiver.sender.writable()
    assert.equal(drained, 0)
  })
})
