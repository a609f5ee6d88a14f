import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { createTrack, sourceOf } from '../../../src/pc/media/media-stream-track.ts'
import { RtpTrackSink, type SinkPacket } from '../../../src/pc/media/rtp-track-sink.ts'
import { RtpTrackSource } from '../../../src/pc/media/rtp-track-source.ts'
import { maxStreams } from '../../../src/pc/media/source-core.ts'
import { parseRtp, serializeRtp } from '../../../src/rtp/packet.ts'
import { prng } from '../../support/prng.ts'
import { Collector, FakeSource, streamContext } from './fake-source.ts'
import { packet, turn, virtualMedia } from './virtual-media.ts'

const codec = { mimeType: 'video/VP8', clockRate: 90_000 }

describe('RtpTrackSource', () => {
  it('converts its arguments', () => {
    for (const args of [
      [],
      ['text'],
      ['video', 1],
      ['video', { codec: {} }],
      ['video', { headerExtensions: [{ id: 1 }] }],
    ]) {
      assert.throws(() => Reflect.construct(RtpTrackSource, args), TypeError)
    }
    const twice = [1, 1].map(id => ({ id, uri: `urn:${id}` }))
    assert.throws(() => new RtpTrackSource('video', { headerExtensions: twice }), TypeError)
    const source = new RtpTrackSource('video', { label: 'mine' })
    assert.deepEqual([source.track.kind, source.track.label], ['video', 'mine'])
    for (const wrong of [undefined, null, 1, 'text', {}, [1, 2], new Uint8Array(new SharedArrayBuffer(12))]) {
      assert.throws(() => Reflect.apply(source.write, source, [wrong]), TypeError)
    }
  })

  it('gives packets to all who take the track, with one context for a stream', () => {
    const source = new RtpTrackSource('video', { codec, headerExtensions: [{ id: 3, uri: 'urn:x' }], paced: true })
    const [first, second] = [new Collector(), new Collector()]
    sourceOf(source.track).subscribe(first)
    sourceOf(source.track.clone()).subscribe(second)
    for (let i = 0; i < 3; i++) assert.equal(source.write(serializeRtp(packet(i))), true)
    assert.deepEqual(
      [first.sequence, second.sequence],
      [
        [0, 1, 2],
        [0, 1, 2],
      ],
    )
    const [context] = first.contexts
    assert.deepEqual(
      [context?.codec, context?.rid, context?.extensions.idOf('urn:x'), context?.paced],
      [codec, undefined, 3, true],
    )
    assert.ok(first.contexts.every(each => each === context))
    source.write(serializeRtp(packet(3, { ssrc: 1 })))
    assert.notEqual(first.contexts[3], context)
    assert.deepEqual(source.stats, {
      written: 4,
      bytes: 60,
      delivered: 4,
      dropped: { malformed: 0, rtcp: 0, unused: 0, refused: 0, tooManyStreams: 0, closed: 0 },
    })
  })

  it('takes any kind of buffer', () => {
    const source = new RtpTrackSource('audio')
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    const bytes = serializeRtp(packet(7))
    const within = new Uint8Array(40)
    within.set(bytes, 5)
    source.write(bytes.slice().buffer as ArrayBuffer)
    source.write(new DataView(within.buffer, 5, bytes.length))
    assert.deepEqual(consumer.sequence, [7, 7])
    assert.deepEqual(consumer.packets[1]?.payload, packet(7).payload)
  })

  it('counts what it drops, by reason', () => {
    const source = new RtpTrackSource('video')
    const consumer = new Collector()
    assert.equal(source.write(serializeRtp(packet(1))), false)
    sourceOf(source.track).subscribe(consumer)
    assert.equal(source.write(new Uint8Array(5)), false)
    assert.equal(source.write(serializeRtp(packet(1, { payloadType: 72 }))), false)
    consumer.takes = false
    assert.equal(source.write(serializeRtp(packet(2))), false)
    source.track.stop()
    assert.equal(source.closed, true)
    assert.equal(source.write(serializeRtp(packet(3))), false)
    const dropped = { malformed: 1, rtcp: 1, unused: 1, refused: 1, tooManyStreams: 0, closed: 1 }
    assert.deepEqual(source.stats.dropped, dropped)
    assert.deepEqual(consumer.sequence, [2])
  })

  it('tells the encodings of a simulcast apart, up to a bound', () => {
    const source = new RtpTrackSource('video')
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    for (let i = 0; i <= maxStreams; i++) source.write(serializeRtp(packet(i)), { rid: `r${i}` })
    assert.equal(source.write(serializeRtp(packet(99)), { rid: 'r0' }), true)
    assert.equal(source.stats.dropped.tooManyStreams, 1)
    assert.equal(consumer.contexts[3]?.rid, 'r3')
    assert.equal(consumer.contexts.at(-1), consumer.contexts[0])
  })

  it('asks the application for keyframes at a bearable rate, and loses no request', async () => {
    const media = virtualMedia(1)
    const source = new RtpTrackSource('video', { environment: media.environment })
    const log: string[] = []
    source.onkeyframerequest = ({ rid }) => log.push(`${rid} at ${media.time.now()}`)
    const signal = sourceOf(source.track)
    for (let i = 0; i < 10; i++) signal.requestKeyframe()
    assert.deepEqual(log, [], 'never in the middle of something')
    await media.run(0)
    for (let i = 0; i < 10; i++) signal.requestKeyframe()
    signal.requestKeyframe('a')
    await media.run(1_000)
    assert.deepEqual(log, ['null at 0', 'a at 0', 'null at 200'])
    signal.requestKeyframe()
    await media.run(500)
    assert.equal(log.length, 4)
    signal.requestKeyframe()
    source.close()
    await media.run(500)
    assert.equal(log.length, 4)
  })

  it('remembers requests for no more encodings than it may', async () => {
    const media = virtualMedia(2)
    const source = new RtpTrackSource('video', { environment: media.environment })
    let requests = 0
    source.onkeyframerequest = () => requests++
    for (let i = 0; i < 10_000; i++) sourceOf(source.track).requestKeyframe(`r${i}`)
    await media.run(0)
    assert.equal(requests, 65)
  })

  it('ends its tracks in a task when it is closed', async () => {
    const source = new RtpTrackSource('video')
    const clone = source.track.clone()
    const log: string[] = []
    source.track.onended = () => log.push('track')
    clone.onended = () => log.push('clone')
    source.close()
    source.close()
    assert.deepEqual([log, source.track.readyState, source.closed], [[], 'live', true])
    await turn()
    assert.deepEqual([log, source.track.readyState], [['track', 'clone'], 'ended'])
  })

  it('counts 100,000 mutations of packets and throws at none', () => {
    const seed = 0x51a7
    const random = prng(seed)
    const source = new RtpTrackSource('video')
    const consumer = new Collector()
    sourceOf(source.track).subscribe(consumer)
    const extension = { profile: 0xbede, data: Uint8Array.of(0x10, 0x30, 0, 0) }
    const whole = serializeRtp(packet(1, { csrcs: [1, 2], extension, paddingLength: 4, payload: random.bytes(20) }))
    for (let i = 0; i < 100_000; i++) {
      const bytes = whole.slice(0, random.float() < 0.3 ? random.next() % (whole.length + 1) : whole.length)
      for (let flips = random.next() % 4; flips > 0; flips--) bytes[random.next() % (bytes.length + 1)] = random.next()
      const taken = source.write(bytes, random.float() < 0.2 ? { rid: `r${random.next() % 100}` } : undefined)
      if (taken) assert.ok(!('drop' in parseRtp(bytes)), `seed ${seed}, write ${i}`)
      if (i % 1_000 === 0) consumer.packets.length = consumer.contexts.length = 0
    }
    const { written, delivered, dropped } = source.stats
    assert.equal(written, 100_000)
    assert.equal(delivered + Object.values(dropped).reduce((sum, count) => sum + count, 0), written, `seed ${seed}`)
    assert.ok(delivered > 10_000 && dropped.malformed > 10_000 && dropped.tooManyStreams > 0, `seed ${seed}`)
  })
})

describe('RtpTrackSink', () => {
  it('wants a track', () => {
    assert.throws(() => Reflect.construct(RtpTrackSink, []), /1 argument required/)
    assert.throws(() => Reflect.construct(RtpTrackSink, [{}]), /is not of type 'MediaStreamTrack'/)
  })

  it('gives each packet of a source, with the very bytes that were written', () => {
    const source = new RtpTrackSource('video', { codec })
    const sink = new RtpTrackSink(source.track)
    const received: SinkPacket[] = []
    sink.onpacket = each => received.push(each)
    const bytes = serializeRtp(packet(5))
    source.write(bytes, { rid: 'hi' })
    assert.equal(received[0]?.data, bytes)
    assert.equal(received[0]?.packet.sequenceNumber, 5)
    assert.deepEqual([received[0]?.rid, received[0]?.codec], ['hi', codec])
    sink.onpacket = null
    source.write(bytes)
    assert.equal(sink.onpacket, null)
    assert.deepEqual([received.length, sink.stats.packets], [1, 2])
  })

  it('writes a packet as bytes where there are none', () => {
    const source = new FakeSource()
    const sink = new RtpTrackSink(createTrack({ source }).track)
    const received: Uint8Array[] = []
    sink.onpacket = each => {
      assert.equal(each.data, each.data)
      received.push(each.data)
    }
    source.give(packet(9, { marker: true }), streamContext())
    assert.deepEqual(received, [serializeRtp(packet(9, { marker: true }))])
  })

  it('is an async iterable that ends with the track, after what it holds', async () => {
    const source = new RtpTrackSource('video')
    const sink = new RtpTrackSink(source.track)
    const received: number[] = []
    const reading = (async () => {
      for await (const each of sink) received.push(each.packet.sequenceNumber)
    })()
    for (let i = 0; i < 5; i++) source.write(serializeRtp(packet(i)))
    source.close()
    await reading
    assert.deepEqual(received, [0, 1, 2, 3, 4])
    for await (const each of sink) assert.fail(`${each.packet.sequenceNumber} after the end`)
  })

  it('throws the oldest packets away that are not read, and counts them', async () => {
    const source = new RtpTrackSource('video')
    const sink = new RtpTrackSink(source.track, { queueLimit: 10 })
    const iterator = sink[Symbol.asyncIterator]()
    for (let i = 0; i < 1_000; i++) source.write(serializeRtp(packet(i)))
    assert.equal(iterator.length, 10)
    assert.equal(sink.stats.dropped, 990)
    assert.equal((await iterator.next()).value?.packet.sequenceNumber, 990)
  })

  it('keeps no more bytes than it may, however many packets', () => {
    const source = new RtpTrackSource('video')
    const sink = new RtpTrackSink(source.track, { queueLimit: 1_000_000 })
    const iterator = sink[Symbol.asyncIterator]()
    const bytes = serializeRtp(packet(1, { payload: new Uint8Array(60_000) }))
    for (let i = 0; i < 300; i++) source.write(bytes)
    assert.equal(iterator.length, Math.floor((8 * 1024 * 1024) / 60_000))
  })

  it('releases everything when a loop is left, and when it is closed', async () => {
    const source = new RtpTrackSource('video')
    const sink = new RtpTrackSink(source.track)
    const iterator = sink[Symbol.asyncIterator]()
    const looping = (async () => {
      for await (const _ of sink) break
    })()
    source.write(serializeRtp(packet(1)))
    await looping
    await iterator.return()
    sink.onpacket = ({ packet: { sequenceNumber } }) => assert.equal(sequenceNumber, 2)
    source.write(serializeRtp(packet(2)))
    assert.deepEqual([iterator.length, sink.stats.dropped], [0, 0])
    assert.deepEqual(await iterator.next(), { done: true, value: undefined })
    const waiting = sink[Symbol.asyncIterator]().next()
    sink.close()
    assert.deepEqual(await waiting, { done: true, value: undefined })
    assert.equal(source.write(serializeRtp(packet(3))), false)
    assert.equal(source.stats.dropped.unused, 1)
  })

  it('answers reads that wait, in their order', async () => {
    const source = new RtpTrackSource('video')
    const iterator = new RtpTrackSink(source.track)[Symbol.asyncIterator]()
    const reads = [iterator.next(), iterator.next()]
    for (let i = 0; i < 2; i++) source.write(serializeRtp(packet(i)))
    const values = await Promise.all(reads)
    assert.deepEqual(
      values.map(({ value }) => value?.packet.sequenceNumber),
      [0, 1],
    )
  })

  it('reports what a handler throws as uncaught, and goes on', async () => {
    const source = new RtpTrackSource('video')
    const sink = new RtpTrackSink(source.track)
    let calls = 0
    sink.onpacket = () => {
      calls++
      throw new Error('mine')
    }
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const caught = new Promise(resolve => process.once('uncaughtException', resolve))
    try {
      assert.equal(source.write(serializeRtp(packet(1))), true)
      assert.match(String(await caught), /mine/)
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    assert.equal(calls, 1)
    sink.onpacket = null
  })

  it('gives packets that only probe the path too, and marks them', () => {
    const source = new FakeSource()
    const sink = new RtpTrackSink(createTrack({ source }).track)
    const seen: (readonly [number, boolean])[] = []
    sink.onpacket = ({ packet: { sequenceNumber }, isPadding }) => seen.push([sequenceNumber, isPadding])
    source.give(packet(1))
    source.give(packet(2, { payload: new Uint8Array(0), paddingLength: 255 }))
    assert.deepEqual(seen, [
      [1, false],
      [2, true],
    ])
  })

  it('passes requests for keyframes on', () => {
    const source = new FakeSource()
    const sink = new RtpTrackSink(createTrack({ source }).track)
    sink.requestKeyframe()
    sink.requestKeyframe('q')
    assert.deepEqual(source.keyframeRequests, [undefined, 'q'])
  })
})
