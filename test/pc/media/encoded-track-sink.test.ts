import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { EncodedTrackSink } from '../../../src/pc/media/encoded-track-sink.ts'
import { createTrack } from '../../../src/pc/media/media-stream-track.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import { serializeRtp } from '../../../src/rtp/packet.ts'
import { prng } from '../../support/prng.ts'
import { FakeSource, streamContext } from './fake-source.ts'
import { frameMakers } from './frames.ts'
import { packet, virtualMedia } from './virtual-media.ts'

describe('EncodedTrackSink', () => {
  it('makes frames of packets that an application writes', async () => {
    const media = virtualMedia(13)
    const { environment } = media
    const codec = { mimeType: 'audio/PCMA', clockRate: 8_000 }
    const source = new RtpTrackSource('audio', { codec, environment })
    const unknown = new RtpTrackSource('audio', { codec: { ...codec, clockRate: 0 }, environment })
    const [sink, none] = [source, unknown].map(({ track }) => new EncodedTrackSink(track, { environment }))
    let frames = 0
    if (sink) sink.onframe = () => frames++
    for (let i = 0; i < 10; i++)
      for (const each of [source, unknown]) each.write(serializeRtp(packet(i, { timestamp: 160 * i })))
    await media.run(2_000)
    assert.deepEqual([frames, none?.stats.frames, none?.stats.unsupportedPackets], [10, 0, 10])
  })

  it('converts its arguments', () => {
    const { track } = createTrack({ source: new FakeSource() })
    for (const args of [
      [],
      [{}],
      [track, 1],
      [track, { minDelayMs: 100, maxDelayMs: 50 }],
      [track, { maxDelayMs: 4_001 }],
    ]) {
      assert.throws(() => Reflect.construct(EncodedTrackSink, args), TypeError)
    }
  })

  it('asks for a keyframe at once, and again when frames cannot be decoded', async () => {
    const media = virtualMedia(7)
    const source = new FakeSource('video')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    assert.deepEqual(source.keyframeRequests, [undefined])
    const context = streamContext({ codec: { mimeType: 'video/VP8', clockRate: 90_000 }, rid: 'x' })
    source.give(packet(1, { payload: Uint8Array.of(0x10, 0x01, 1, 1), marker: true }), context)
    await media.run(1_200)
    assert.deepEqual(source.keyframeRequests, [undefined, 'x', 'x', 'x'])
    assert.equal(sink.stats.undecodableFrames, 1)
    sink.close()
    await media.run(5_000)
    assert.equal(source.keyframeRequests.length, 4)
    assert.equal(source.fanout.size, 0)
  })

  it('goes on with another depacketizer when the codec of an encoding changes', async () => {
    const media = virtualMedia(8)
    const source = new FakeSource('audio')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const log: string[] = []
    sink.onframe = ({ codec, data }) => log.push(`${codec.mimeType} ${data.length}`)
    const contextOf = (mimeType: string) => streamContext({ codec: { mimeType, clockRate: 8_000 } })
    source.give(packet(1, { payload: new Uint8Array(160) }), contextOf('audio/PCMU'))
    source.give(packet(40_000, { payload: Uint8Array.of(31 << 3, 1) }), contextOf('audio/opus'))
    source.give(packet(7, { payload: new Uint8Array(80) }), contextOf('AUDIO/pcma'))
    source.give(packet(7), contextOf('audio/unknown'))
    source.give(packet(7), streamContext({ rid: 'none' }))
    await media.run(1_000)
    assert.deepEqual(log, ['audio/PCMU 160', 'audio/opus 2', 'AUDIO/pcma 80'])
    assert.deepEqual([sink.stats.frames, sink.stats.packets, sink.stats.unsupportedPackets], [3, 5, 2])
    assert.equal(sink.stats.lostPackets, 0)
  })

  it('does not take the packets of telephone events between those of audio for lost ones', async () => {
    const media = virtualMedia(9)
    const source = new FakeSource('audio')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    let frames = 0
    sink.onframe = () => frames++
    const audio = streamContext({ codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } })
    const tones = streamContext({ codec: { mimeType: 'audio/telephone-event', clockRate: 8_000 } })
    for (let i = 0; i < 30; i++) {
      source.give(packet(i, { timestamp: i * 160 }), i % 3 === 1 ? tones : audio)
      await media.run(20)
    }
    await media.run(1_000)
    assert.deepEqual([frames, sink.stats.lostPackets], [20, 0])
  })

  it('takes the contexts that share a numbering for one stream, which goes on while the codec is the same', async () => {
    const media = virtualMedia(14)
    const source = new FakeSource('video')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const log: string[] = []
    sink.onframe = ({ codec, keyframe }) => log.push(`${codec.sdpFmtpLine} ${keyframe}`)
    const numbering = {}
    const contextOf = (mimeType: string, sdpFmtpLine: string) =>
      streamContext({ numbering, codec: { mimeType, clockRate: 90_000, sdpFmtpLine } })
    const [first, again, unknown, vp9] = [
      contextOf('video/VP8', 'first'),
      contextOf('video/vp8', 'again'),
      contextOf('video/red', ''),
      contextOf('video/VP9', 'vp9'),
    ]
    const vp8 = (inter: number) => ({ payload: Uint8Array.of(0x10, 0x10 | inter, 1, 1), marker: true })
    source.give(packet(1, vp8(0)), first)
    await media.run(100)
    source.give(packet(2), unknown)
    source.give(packet(3, { payload: new Uint8Array(0) }), vp9)
    source.give(packet(4, vp8(1)), again)
    await media.run(1_000)
    assert.deepEqual(log, ['first true', 'again false'])
    assert.deepEqual([sink.stats.lostPackets, sink.stats.unsupportedPackets], [0, 0])
    source.give(packet(5, { payload: Uint8Array.of(0x0c, 0x82, 1), marker: true }), vp9)
    await media.run(1_000)
    assert.deepEqual(log.slice(2), ['vp9 true'])
    source.give(packet(6, vp8(1)), { ...first, numbering: {} })
    await media.run(1_000)
    assert.equal(log.length, 3, 'another stream has to begin with a keyframe')
  })

  it('gives what has come when the track ends, and nothing after close()', async () => {
    const media = virtualMedia(10)
    const source = new FakeSource('audio')
    const { track, end } = createTrack({ source })
    const [ending, closing] = [track, track.clone()].map(
      each => new EncodedTrackSink(each, { minDelayMs: 500, environment: media.environment }),
    )
    const log: string[] = []
    if (ending) ending.onframe = () => log.push('ending')
    if (closing) closing.onframe = () => log.push('closing')
    source.give(packet(1), streamContext({ codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } }))
    closing?.close()
    end()
    await media.run(2_000)
    assert.deepEqual(log, ['ending'])
    assert.equal(media.time.next(), undefined, 'no timer is left')
  })

  it('gives no more once it is closed, even by the handler that a frame was given to', async () => {
    const media = virtualMedia(15)
    const source = new FakeSource('audio')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    let frames = 0
    sink.onframe = () => {
      frames++
      sink.close()
    }
    const context = streamContext({ codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } })
    for (let i = 0; i < 5; i++) source.give(packet(i, { timestamp: 5 }), context)
    await media.run(1_000)
    assert.equal(frames, 1)
    assert.equal(media.time.next(), undefined, 'no timer is left')
  })

  it('makes nothing of packets that only probe the path', async () => {
    const media = virtualMedia(16)
    const source = new FakeSource('video')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const arrivals: number[] = []
    sink.onframe = ({ receivedAt }) => arrivals.push(receivedAt)
    const context = streamContext({ codec: { mimeType: 'video/VP8', clockRate: 90_000 } })
    const probe = { payload: new Uint8Array(0), paddingLength: 200 }
    for (let i = 0; i < 30; i += 3) {
      const timestamp = i * 1_000
      source.give(packet(i, { timestamp, payload: Uint8Array.of(0x10, 0x10, 1, 1), marker: true }), context)
      await media.run(5)
      for (const more of [1, 2]) source.give(packet(i + more, { timestamp, ...probe }), context)
      await media.run(28)
    }
    await media.run(1_000)
    assert.deepEqual(
      arrivals,
      Array.from({ length: 10 }, (_, i) => 33 * i),
    )
    const { frames, packets, lostPackets, refusedPackets, unsupportedPackets } = sink.stats
    assert.deepEqual([frames, packets, lostPackets, refusedPackets, unsupportedPackets], [10, 30, 0, 0, 0])
  })

  it('holds frames as long as the receiver of the track is asked to, from the next packet on', async () => {
    const media = virtualMedia(17)
    const source = Object.assign(new FakeSource('audio'), { jitterBufferTarget: null as number | null })
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const log: number[] = []
    sink.onframe = () => log.push(media.time.now())
    const context = streamContext({ codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } })
    const give = (i: number): boolean => source.give(packet(i, { timestamp: i * 160 }), context)
    give(0)
    await media.run(100)
    source.jitterBufferTarget = 2_000
    give(5)
    assert.equal(sink.stats.targetDelayMs, 2_000)
    await media.run(3_900)
    source.jitterBufferTarget = 4_000
    give(200)
    await media.run(1_000)
    source.jitterBufferTarget = 0
    give(250)
    source.jitterBufferTarget = null
    await media.run(1_000)
    give(300)
    await media.run(1_000)
    assert.deepEqual(log, [20, 2_100, 5_000, 5_000, 6_020])
    sink.close()
    assert.equal(media.time.next(), undefined, 'no timer is left')
  })

  it('gives what it holds of other encodings too when it is asked to hold less', async () => {
    const media = virtualMedia(18)
    const source = Object.assign(new FakeSource('audio'), { jitterBufferTarget: 3_000 })
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const log: string[] = []
    sink.onframe = ({ rid }) => log.push(`${rid} ${media.time.now()}`)
    const [a, b] = ['a', 'b'].map(rid => streamContext({ rid, codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } }))
    source.give(packet(1), a)
    await media.run(100)
    source.jitterBufferTarget = 200
    source.give(packet(1), b)
    await media.run(1_000)
    assert.deepEqual(log, ['a 200', 'b 300'])
  })

  it('tells when the last packet of a frame came', async () => {
    const media = virtualMedia(11)
    const source = new FakeSource('video')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const arrivals: number[] = []
    sink.onframe = ({ receivedAt }) => arrivals.push(receivedAt)
    const context = streamContext({ codec: { mimeType: 'video/VP8', clockRate: 90_000 } })
    await media.run(100)
    source.give(packet(1, { timestamp: 5, payload: Uint8Array.of(0x10, 0x10, 1, 1) }), context)
    await media.run(7)
    source.give(packet(2, { timestamp: 5, payload: Uint8Array.of(0x00, 0x10, 1, 1), marker: true }), context)
    await media.run(1_000)
    assert.deepEqual(arrivals, [107])
  })

  it('throws the oldest frames away that are not read, and releases those of a loop that was left', async () => {
    const media = virtualMedia(12)
    const source = new FakeSource('audio')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { queueLimit: 5, environment: media.environment })
    const iterator = sink[Symbol.asyncIterator]()
    const context = streamContext({ codec: { mimeType: 'audio/PCMU', clockRate: 8_000 } })
    for (let i = 0; i < 50; i++) {
      source.give(packet(i, { timestamp: i * 160 }), context)
      await media.run(20)
    }
    await media.run(1_000)
    assert.deepEqual([iterator.length, sink.stats.dropped], [5, 45])
    assert.equal((await iterator.next()).value?.timestamp, 45 * 160)
    for await (const _ of iterator) break
    assert.equal(iterator.length, 0)
    source.give(packet(50, { timestamp: 50 * 160 }), context)
    await media.run(1_000)
    assert.deepEqual([iterator.length, sink.stats.dropped, sink.stats.frames], [0, 45, 51])
  })

  it('puts 100,000 packets of noise aside, of many encodings and codecs, with no more readers than it may have', async () => {
    const seed = 0xbeef
    const random = prng(seed)
    const media = virtualMedia(seed)
    const source = new FakeSource('video')
    const sink = new EncodedTrackSink(createTrack({ source }).track, { environment: media.environment })
    const contexts = Array.from({ length: 60 }, (_, i) => {
      const { mimeType, clockRate } = frameMakers[i % frameMakers.length] ?? assert.fail()
      return streamContext({ codec: { mimeType, clockRate }, rid: `r${i % 50}` })
    })
    for (let i = 0; i < 100_000; i++) {
      const payload = random.bytes(random.next() % 12)
      const sequence = random.float() < 0.95 ? i >> 5 : random.next()
      const context = contexts[i % 40 === 0 ? random.next() % contexts.length : i % 8]
      source.give(packet(sequence, { payload, marker: random.float() < 0.5 }), context)
      if (i % 1_000 === 0) await media.run(20)
    }
    await media.run(5_000)
    const { packets, unsupportedPackets, targetDelayMs } = sink.stats
    assert.equal(packets, 100_000)
    assert.ok(unsupportedPackets > 0, `seed ${seed}: more encodings than it may have`)
    assert.ok(targetDelayMs <= 500, `seed ${seed}`)
  })
})
