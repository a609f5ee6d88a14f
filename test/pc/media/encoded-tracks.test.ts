import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { EncodedTrackSink } from '../../../src/pc/media/encoded-track-sink.ts'
import { EncodedTrackSource } from '../../../src/pc/media/encoded-track-source.ts'
import type { WrittenFrame } from '../../../src/pc/media/frame-argument.ts'
import type { ReceivedFrame } from '../../../src/pc/media/frame-reader.ts'
import { createTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { retryMs } from '../../../src/pc/media/readiness.ts'
import type { TrackConsumer } from '../../../src/pc/media/track-signal.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { Collector, FakeSource } from './fake-source.ts'
import { type FrameMaker, frameMaker, frameMakers } from './frames.ts'
import { turn, type VirtualMedia, virtualMedia } from './virtual-media.ts'

interface Path {
  readonly media: VirtualMedia
  readonly random: Prng
  readonly source: EncodedTrackSource
  readonly sink: EncodedTrackSink
  readonly received: ReceivedFrame[]
  readonly lost: () => number
}

/** From a source over a network, which loses and reorders packets and passes requests for keyframes back, to a sink. */
function path(seed: number, { kind, mimeType }: FrameMaker, loss: number, jitterMs: number): Path {
  const media = virtualMedia(seed)
  const random = prng(seed)
  const { environment, time } = media
  const source = new EncodedTrackSource(kind, { codec: mimeType, environment })
  const far = new FakeSource(kind)
  let lost = 0
  const network: TrackConsumer = {
    packet: (sent, context) => {
      if (random.float() < loss) lost++
      else time.set(10 + random.float() * jitterMs, () => far.give(sent, context))
      return true
    },
  }
  const signal = sourceOf(source.track)
  signal.subscribe(network)
  far.requestKeyframe = rid => {
    time.set(10, () => signal.requestKeyframe(rid))
  }
  const sink = new EncodedTrackSink(createTrack({ source: far }).track, { environment })
  const received: ReceivedFrame[] = []
  sink.onframe = frame => received.push(frame)
  return { media, random, source, sink, received, lost: () => lost }
}

/** Writes frames at their times, and a keyframe whenever one is asked for. */
async function send({ media, random, source }: Path, maker: FrameMaker, count: number): Promise<WrittenFrame[]> {
  const sent: WrittenFrame[] = []
  let wanted = true
  source.onkeyframerequest = () => {
    wanted = true
  }
  for (let i = 0; i < count; i++) {
    const keyframe = maker.kind === 'audio' || wanted
    wanted = false
    const data = maker.make(random, keyframe, keyframe ? 4_000 : 500 + (random.next() % 2_500))
    const frame = { data, timestamp: (0xffff_8000 + i * maker.step) % 2 ** 32, keyframe }
    sent.push(frame)
    source.write(frame)
    await media.run((1_000 * maker.step) / maker.clockRate)
  }
  await media.run(2_000)
  return sent
}

/** The payloads that a source gives. */
class PayloadCollector implements TrackConsumer {
  readonly payloads: number[][] = []

  constructor(source: EncodedTrackSource) {
    sourceOf(source.track).subscribe(this)
  }

  packet({ payload }: RtpPacket): boolean {
    this.payloads.push([...payload])
    return true
  }
}

describe('EncodedTrackSource to EncodedTrackSink', () => {
  for (const [i, maker] of frameMakers.entries()) {
    const seed = 0xe4c0 + i

    it(`gives every ${maker.mimeType} frame as it was written, whatever order the packets come in`, async () => {
      const way = path(seed, maker, 0, 30)
      const sent = await send(way, maker, 100)
      const expected = sent.map(({ data, timestamp, keyframe }) => ({ data, timestamp, keyframe }))
      const got = way.received.map(({ data, timestamp, keyframe }) => ({ data, timestamp, keyframe }))
      assert.deepEqual(got, expected, `seed ${seed}`)
      assert.ok(way.received.every(({ codec, rid }) => codec.mimeType === maker.mimeType && rid === undefined))
      assert.equal(way.sink.stats.lostPackets, 0)
    })

    it(`gives only whole ${maker.mimeType} frames that can be decoded, where 5 % of the packets are lost`, async () => {
      const way = path(seed, maker, 0.05, 30)
      const sent = await send(way, maker, 400)
      const byTimestamp = new Map(sent.map((frame, index) => [frame.timestamp, { frame, index }]))
      let before = -1
      for (const { data, timestamp, keyframe } of way.received) {
        const { frame, index } = byTimestamp.get(timestamp) ?? assert.fail(`seed ${seed}: timestamp ${timestamp}`)
        assert.deepEqual(data, frame.data, `seed ${seed}, frame ${index}`)
        assert.equal(keyframe, frame.keyframe, `seed ${seed}, frame ${index}`)
        assert.ok(index > before, `seed ${seed}: frame ${index} after ${before}`)
        if (!keyframe) assert.equal(index, before + 1, `seed ${seed}: frame ${index} builds upon the one before`)
        before = index
      }
      const { stats } = way.sink
      assert.ok(way.lost() > 10 && stats.lostPackets > 0, `seed ${seed}: ${way.lost()} lost`)
      assert.ok(way.received.length > 100 && way.received.length < 400, `seed ${seed}: ${way.received.length} frames`)
      assert.equal(stats.frames, way.received.length)
      if (maker.kind === 'video') assert.ok(way.source.stats.keyframeRequests > 2 && stats.keyframeRequests > 2)
    })
  }
})

describe('EncodedTrackSource', () => {
  it('converts its arguments, and has no packetizer for AV1', () => {
    for (const args of [
      [],
      ['video'],
      ['video', {}],
      ['text', { codec: 'video/VP8' }],
      ['audio', { codec: 'video/VP8' }],
    ]) {
      assert.throws(() => Reflect.construct(EncodedTrackSource, args), TypeError)
    }
    assert.throws(() => new EncodedTrackSource('video', { codec: 'video/VP8', maxPayloadBytes: 10 }), TypeError)
    for (const codec of ['video/AV1', 'video/H265', 'nonsense']) {
      assert.throws(
        () => new EncodedTrackSource('video', { codec }),
        (error: unknown) => error instanceof DOMException && error.name === 'NotSupportedError',
      )
    }
    const codec = { mimeType: 'audio/OPUS', clockRate: 48_000, channels: 2, sdpFmtpLine: 'useinbandfec=1' }
    assert.deepEqual(new EncodedTrackSource('audio', { codec }).codec, codec)
  })

  it('refuses frames that are not as they should be, and counts those that are none of its codec', () => {
    const source = new EncodedTrackSource('audio', { codec: 'audio/opus' })
    sourceOf(source.track).subscribe(new Collector())
    const data = Uint8Array.of(31 << 3)
    for (const frame of [undefined, {}, { data: 'text' }, { data, timestamp: Number.NaN }, { data, dependency: 1 }]) {
      assert.throws(() => Reflect.apply(source.write, source, [frame]), TypeError)
    }
    const video = new EncodedTrackSource('video', { codec: 'video/VP8' })
    assert.throws(() => video.write({ data }), /timestampMs or durationMs is required/)
    assert.equal(source.write({ data: new Uint8Array(0), timestamp: 0 }), false)
    assert.equal(source.write({ data: Uint8Array.of(31 << 3, ...new Uint8Array(2_000)), timestamp: 0 }), false)
    assert.equal(source.stats.dropped.malformed, 2)
  })

  it('takes the time of a frame in units of the clock, in milliseconds, or behind the one before', () => {
    const source = new EncodedTrackSource('audio', { codec: 'audio/opus' })
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    const data = Uint8Array.of(31 << 3, 0xff, 0xfe)
    const times = [{ timestamp: 2 ** 32 + 5 }, {}, { timestampMs: 1_000 }, { durationMs: 60 }, {}]
    for (const time of times) assert.equal(source.write({ data, ...time }), true)
    const timestamps = consumer.packets.map(each => each.timestamp)
    assert.deepEqual(timestamps, [5, 965, 48_000, 48_960, 51_840])
  })

  it('numbers the packets of each encoding in a stream of its own', () => {
    const source = new EncodedTrackSource('video', { codec: 'video/VP8', maxPayloadBytes: 100 })
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    const data = frameMaker('video/VP8').make(prng(3), true, 500)
    for (const rid of ['a', 'b', 'a']) source.write({ data, timestamp: 0, rid })
    const [a, b] = ['a', 'b'].map(rid => consumer.packets.filter((_, i) => consumer.contexts[i]?.rid === rid))
    for (const packets of [a ?? [], b ?? []]) {
      for (const [i, each] of packets.entries()) {
        assert.equal(each.sequenceNumber, ((packets[0]?.sequenceNumber ?? 0) + i) & 0xffff)
        assert.equal(each.ssrc, packets[0]?.ssrc)
        assert.ok(each.payload.length <= 100)
      }
    }
    assert.equal(a?.length, 2 * (b?.length ?? 0))
    assert.notEqual(a?.[0]?.ssrc, b?.[0]?.ssrc)
    assert.equal(consumer.contexts[0]?.paced, true)
  })

  it('begins with a keyframe whenever somebody begins to listen, and asks for it', async () => {
    const media = virtualMedia(4)
    const source = new EncodedTrackSource('video', { codec: 'video/VP8', environment: media.environment })
    let requests = 0
    source.onkeyframerequest = () => requests++
    const write = (keyframe: boolean): boolean =>
      source.write({ data: frameMaker('video/VP8').make(prng(5), keyframe, 10), timestamp: 0 })
    assert.equal(write(true), false)
    const leave = sourceOf(source.track).subscribe(new Collector())
    assert.deepEqual([write(false), write(true), write(false)], [false, true, true])
    await media.run(1_000)
    assert.equal(requests, 1)
    leave()
    sourceOf(source.track).subscribe(new Collector())
    assert.equal(write(false), false)
    await media.run(0)
    assert.equal(requests, 2)
    assert.deepEqual(source.stats.dropped, { malformed: 0, unused: 1, awaitsKeyframe: 2, tooManyStreams: 0, closed: 0 })
  })

  it('says when it is time to write again: somebody listens, has room, or time has passed', async () => {
    const media = virtualMedia(6)
    const source = new EncodedTrackSource('audio', { codec: 'audio/PCMU', environment: media.environment })
    const write = (): boolean => source.write({ data: new Uint8Array(160) })
    let ready = 0
    const wait = (): void => {
      source.ready.then(() => ready++, assert.fail)
    }
    assert.equal(write(), false)
    wait()
    await media.run(1_000)
    assert.equal(ready, 0)
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    await media.run(0)
    assert.equal(ready, 1)
    consumer.takes = false
    assert.equal(write(), false)
    assert.deepEqual([source.stats.frames, source.stats.refused], [1, 1])
    wait()
    await media.run(retryMs - 1)
    assert.equal(ready, 1)
    await media.run(1)
    assert.equal(ready, 2)
    write()
    wait()
    sourceOf(source.track).drained?.()
    await media.run(0)
    assert.equal(ready, 3)
    assert.equal(media.time.next(), undefined, 'no timer is left')
  })

  it('rejects ready once it is closed, for those who wait and for those to come', async () => {
    const source = new EncodedTrackSource('audio', { codec: 'audio/PCMU' })
    source.write({ data: new Uint8Array(160) })
    const waiting = source.ready
    source.track.stop()
    const isClosed = (error: unknown): boolean => error instanceof DOMException && error.name === 'InvalidStateError'
    await assert.rejects(waiting, isClosed)
    await assert.rejects(source.ready, isClosed)
    assert.ok(source.ready instanceof Promise, 'and who does not wait is not bothered')
    await turn()
    assert.equal(source.write({ data: new Uint8Array(160) }), false)
    assert.equal(source.stats.dropped.closed, 1)
  })

  it('takes H.264 with lengths as well as with start codes', () => {
    const source = new EncodedTrackSource('video', { codec: 'video/H264' })
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    const units = [
      [0x67, 1],
      [0x68, 2],
      [0x65, 0x88, ...new Uint8Array(250).fill(7)],
    ]
    const avc = units.flatMap(unit => [0, 0, unit.length >> 8, unit.length & 0xff, ...unit])
    const annexB = units.flatMap(unit => [0, 0, 1, ...unit])
    source.write({ data: Uint8Array.from(avc), timestamp: 0 })
    source.write({ data: Uint8Array.from(annexB), timestamp: 0 })
    const [first, second] = consumer.packets
    assert.equal(consumer.packets.length, 2)
    assert.deepEqual(first?.payload, second?.payload)
  })

  it('takes the parameter sets of an MP4 file from its description', () => {
    const [sps, pps, idr] = [
      [0x67, 1],
      [0x68, 2],
      [0x65, 0x88, 7],
    ]
    const description = Uint8Array.from([1, 66, 0, 30, 0xfd, 0xe1, 0, 2, ...sps, 1, 0, 2, ...pps])
    const source = new EncodedTrackSource('video', { codec: 'video/H264', description })
    const { payloads } = new PayloadCollector(source)
    const delimiter = [9, 0xf0]
    source.write({ data: Uint8Array.from([0, 2, ...delimiter, 0, 3, ...idr]), timestamp: 0 })
    source.write({ data: Uint8Array.from([0, 2, 0x41, 0x9a]), timestamp: 1 })
    const own = [0x67, 9]
    source.write({ data: Uint8Array.from([0, 2, ...own, 0, 3, ...idr]), timestamp: 2 })
    const stapA = (...units: number[][]): number[] => [0x78, ...units.flatMap(unit => [0, unit.length, ...unit])]
    assert.deepEqual(payloads, [stapA(delimiter, sps, pps, idr), [0x41, 0x9a], stapA(own, idr)])
    for (let length = 0; length < description.length; length++) {
      const short = description.subarray(0, length)
      assert.throws(() => new EncodedTrackSource('video', { codec: 'video/H264', description: short }), TypeError)
    }
  })

  it('writes 20,000 frames of noise without an exception', () => {
    const random = prng(0x0f0f)
    for (const { kind, mimeType } of frameMakers) {
      const source = new EncodedTrackSource(kind, { codec: mimeType })
      sourceOf(source.track).subscribe({ packet: () => random.float() < 0.9 })
      for (let i = 0; i < 20_000 / frameMakers.length; i++) {
        const dependency = { pictureId: random.next() & 0xffff, temporalId: random.next() & 0xff }
        const data = random.bytes(random.next() % 60)
        source.write({ data, timestamp: random.next(), keyframe: true, ...(random.float() < 0.5 && { dependency }) })
      }
      const { written, frames, dropped } = source.stats
      assert.equal(frames + dropped.malformed, written, mimeType)
    }
  })
})
