import assert from 'node:assert/strict'
import { MessageChannel } from 'node:worker_threads'
import { createEncodedFrame, type RTCEncodedVideoFrame } from '../../../src/pc/encoded-transform/encoded-frames.ts'
import { RTCRtpScriptTransform } from '../../../src/pc/encoded-transform/script-transform.ts'
import { ExtensionUri, writeAbsCaptureTime, writeAudioLevel } from '../../../src/rtp/extension-values.ts'
import { buildExtension, extensionElements, HeaderExtensionMap } from '../../../src/rtp/header-extensions.ts'
import { ntpFromWallTime } from '../../../src/rtp/ntp.ts'
import { prng } from '../../support/prng.ts'
import {
  codecNamed,
  contextOf,
  PacketSource,
  settle,
  streams,
  telephoneEventType,
  track,
  transformHere,
} from './support.ts'

const vp8 = codecNamed('VP8')
const opus = codecNamed('opus')

const scriptTransform = (): RTCRtpScriptTransform => new RTCRtpScriptTransform(new MessageChannel().port1)

describe('the transform attribute', () => {
  it('is null at first, and leaves packets as they are', () => {
    const { slot, entry, sink, source } = track(vp8)
    assert.equal(slot.transform, null)
    const raw = new Uint8Array(4)
    const [packet] = source.next()
    assert.ok(packet)
    entry.packet(packet, source.context, raw)
    assert.equal(sink.packets[0], packet)
    assert.equal(sink.raws[0], raw)
    assert.ok(sink.contexts.has(source.context))
  })

  it('is what it was set to; undefined is null', () => {
    const { slot } = track(vp8)
    const transform = scriptTransform()
    slot.transform = transform
    assert.equal(slot.transform, transform)
    Reflect.set(slot, 'transform', undefined)
    assert.equal(slot.transform, null)
  })

  it('refuses what is no transform with a TypeError, and keeps the one it has', () => {
    const { slot } = track(vp8)
    const transform = scriptTransform()
    slot.transform = transform
    for (const wrong of [{}, 'x', new TransformStream()])
      assert.throws(() => Reflect.set(slot, 'transform', wrong), TypeError)
    assert.equal(slot.transform, transform)
  })

  it('takes a transform once: for one sender or receiver, and never again', () => {
    const [one, other] = [track(vp8).slot, track(vp8).slot]
    const transform = scriptTransform()
    one.transform = transform
    assert.throws(() => Reflect.set(other, 'transform', transform), { name: 'InvalidStateError' })
    one.transform = null
    for (const slot of [one, other]) {
      assert.throws(() => Reflect.set(slot, 'transform', transform), { name: 'InvalidStateError' })
    }
  })

  it('may be set to what it is: that changes nothing', async () => {
    const { slot, sink, sendFrame } = track(vp8)
    const transform = scriptTransform()
    slot.transform = transform
    slot.transform = transform
    assert.equal(slot.transform, transform)
    sendFrame()
    await settle()
    assert.equal(slot.statistics.framesOffered, 1)
    assert.equal(sink.packets.length, 0)
  })

  it('excludes encoded streams, which there are once', () => {
    const { slot } = track(vp8)
    slot.transform = scriptTransform()
    assert.throws(() => slot.createEncodedStreams(), { name: 'InvalidStateError' })
    slot.transform = null
    slot.createEncodedStreams()
    assert.throws(() => slot.createEncodedStreams(), { name: 'InvalidStateError' })
    assert.throws(() => Reflect.set(slot, 'transform', null), { name: 'InvalidStateError' })
  })

  it('lets packets pass as they are again when it is null, as another stream', async () => {
    const { slot, sink, source, sendFrame } = track(vp8)
    slot.transform = scriptTransform()
    sendFrame()
    await settle()
    assert.equal(sink.packets.length, 0)
    slot.transform = null
    sendFrame()
    assert.ok(sink.packets.length > 0)
    assert.deepEqual([...sink.contexts], [source.context])
  })
})

describe('the frames of a transform', () => {
  it('are numbered and paced anew, and marked as another stream', async () => {
    const { slot, sink, source, sendFrame } = track(vp8)
    const pipe = transformHere(slot, frame => {
      frame.data = new Uint8Array([...new Uint8Array(frame.data), ...new Uint8Array(3_000)]).buffer
    })
    for (let i = 0; i < 5; i++) sendFrame()
    await settle()
    const numbers = sink.packets.map(({ sequenceNumber }) => sequenceNumber)
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => (65_500 + i) & 0xffff),
    )
    const [context] = sink.contexts
    assert.equal(sink.contexts.size, 1)
    assert.notEqual(context, source.context)
    assert.deepEqual(context, { ...source.context, paced: true, numbering: context?.numbering })
    assert.ok(context?.numbering)
    assert.ok(sink.packets.every(({ csrcs, ssrc }) => csrcs.length === 2 && ssrc === 0x1234_5678))
    slot.close()
    await pipe
  })

  it('keep the header extensions of their first and of their last packet', async () => {
    const { slot, sink, source, entry } = track(vp8)
    const element = (id: number) => buildExtension([{ id, data: Uint8Array.of(id) }])
    let length = 3_000
    const pipe = transformHere(slot, frame => {
      frame.data = frame.data.slice(0, length)
    })
    const send = async (): Promise<number[][]> => {
      const before = sink.packets.length
      let packets = source.next()
      while (packets.length < 2) packets = source.next()
      packets.forEach((packet, i) => {
        const extension = i === 0 ? element(1) : i === packets.length - 1 ? element(2) : element(3)
        entry.packet({ ...packet, extension }, source.context, undefined)
      })
      await settle()
      return sink.packets.slice(before).map(({ extension }) => extensionElements(extension).map(({ id }) => id))
    }
    source.next()
    const cut = await send()
    assert.deepEqual([cut[0], cut.at(-1)], [[1], [2]])
    length = 500
    assert.deepEqual(await send(), [[1, 2]])
    slot.close()
    await pipe
  })

  it('of audio tell level, sequence number and capture time as they were received', async () => {
    const extensions = new HeaderExtensionMap([
      [1, ExtensionUri.audioLevel],
      [2, ExtensionUri.absCaptureTime],
    ])
    const { slot, entry, owner } = track(opus, { side: 'receiver' })
    const source = new PacketSource(opus, prng(1), { ...contextOf(opus.codec), extensions })
    const { read } = streams(slot)
    const captured = owner.wallTime() - 100
    const elements = [
      { id: 1, data: writeAudioLevel({ level: 20, voiceActivity: false }) },
      { id: 2, data: writeAbsCaptureTime({ captureTime: ntpFromWallTime(captured), clockOffset: 1n << 31n }) },
    ]
    for (const extension of [buildExtension(elements), undefined]) {
      for (const packet of source.next({ extension })) entry.packet(packet, source.context, undefined)
    }
    const metadata = (await read()).getMetadata()
    assert.equal((metadata as { audioLevel: number }).audioLevel, 0.1)
    assert.equal((metadata as { sequenceNumber: number }).sequenceNumber, 65_500)
    assert.equal(Math.round(metadata.captureTime ?? 0), 900)
    assert.equal(metadata.senderCaptureTimeOffset, 500)
    // 960 samples on, at 48 kHz
    const next = (await read()).getMetadata()
    assert.equal(Math.round(next.captureTime ?? 0), 920)
    assert.equal('audioLevel' in next, false)
  })

  it('tell what will leave where they are sent, and nothing of a receiver', async () => {
    const { slot, sendFrame } = track(vp8)
    const { read } = streams(slot)
    sendFrame()
    assert.deepEqual((await read()).getMetadata(), {
      synchronizationSource: 0x1234_5678,
      payloadType: 100,
      contributingSources: [7, 8],
      rtpTimestamp: 0xffff_f000,
      mimeType: 'video/VP8',
      frameId: 0,
      dependencies: [],
      spatialIndex: 0,
      temporalIndex: 0,
      width: 320,
      height: 240,
    })
    sendFrame()
    const delta = (await read()) as RTCEncodedVideoFrame
    assert.deepEqual([delta.type, delta.timestamp], ['delta', 0xffff_f000 + 3_000])
    const { frameId, dependencies } = delta.getMetadata()
    assert.deepEqual([frameId, dependencies], [1, [0]])
  })

  it('have the timestamp that leaves, and go out with that of the source', async () => {
    for (const codec of [vp8, opus]) {
      const { slot, owner, sink, sendFrame } = track(codec)
      owner.timestampOffset = 0x8000_0000
      const { read, writer } = streams(slot)
      sendFrame()
      const frame = await read()
      assert.equal(frame.timestamp, 0x7fff_f000)
      assert.equal(frame.getMetadata().rtpTimestamp, 0x7fff_f000)
      await writer.write(frame)
      assert.equal(sink.packets[0]?.timestamp, 0xffff_f000)
    }
    assert.equal(
      createEncodedFrame({ kind: 'audio', type: 'key', metadata: {}, data: new ArrayBuffer(1) }).timestamp,
      0,
    )
  })

  it('have data of their own: what is written to it changes no packet', async () => {
    const { slot, source, entry } = track(opus)
    const { read } = streams(slot)
    const [packet] = source.next()
    assert.ok(packet)
    const before = Buffer.from(packet.payload)
    entry.packet(packet, source.context, undefined)
    new Uint8Array((await read()).data).fill(0)
    assert.deepEqual(Buffer.from(packet.payload), before)
  })

  it('leave telephone events beside, in their place of the numbering', async () => {
    for (const side of ['sender', 'receiver'] as const) {
      const { slot, sink, sendFrame } = track(opus, { side })
      const pipe = transformHere(slot, () => undefined)
      for (let i = 0; i < 3; i++) {
        sendFrame()
        await settle()
        sendFrame({ payloadType: telephoneEventType })
        await settle()
      }
      assert.deepEqual(
        sink.packets.map(({ payloadType }) => payloadType),
        [100, 110, 100, 110, 100, 110],
      )
      assert.deepEqual(
        sink.packets.map(({ sequenceNumber }) => sequenceNumber),
        [0, 1, 2, 3, 4, 5].map(i => 65_500 + i),
      )
      slot.close()
      await pipe
    }
  })

  it('are not made of codecs that have no payload format here: their packets are dropped and counted', () => {
    const { slot, entry, sink, source } = track(vp8)
    slot.createEncodedStreams()
    const [packet] = source.next()
    assert.ok(packet)
    const av1 = contextOf({ mimeType: 'video/AV1', clockRate: 90_000 })
    assert.equal(entry.packet(packet, av1, undefined), false)
    assert.equal(entry.packet(packet, contextOf(undefined), undefined), false)
    assert.equal(slot.statistics.droppedPackets.unsupported, 2)
    assert.equal(sink.packets.length, 0)
  })
})

describe('the payload types of one received stream', () => {
  it('share a numbering, before the transform and behind it', async () => {
    const { slot, owner, sink, entry } = track(opus, { side: 'receiver' })
    const pipe = transformHere(slot, () => undefined)
    const numbering = {}
    const speech = { ...contextOf(opus.codec), numbering }
    const events = { ...contextOf({ mimeType: 'audio/telephone-event', clockRate: 48_000 }), numbering }
    const source = new PacketSource(opus, prng(1), speech, 100)
    for (let i = 0; i < 6; i++) {
      const [packet] = source.next()
      assert.ok(packet)
      entry.packet(packet, i % 2 === 0 ? speech : events, undefined)
      await settle()
    }
    assert.deepEqual(
      sink.packets.map(({ sequenceNumber }) => sequenceNumber),
      [100, 101, 102, 103, 104, 105],
    )
    assert.equal(owner.timers, 0)
    const [one, other] = sink.contexts
    assert.equal(sink.contexts.size, 2)
    assert.ok(one?.numbering !== undefined && one.numbering !== numbering)
    assert.equal(one.numbering, other?.numbering)
    slot.close()
    await pipe
  })

  it('may be of different codecs: each goes on with frames of its own', async () => {
    const { slot, owner, sink, entry } = track(vp8, { side: 'receiver' })
    const types: string[] = []
    const pipe = transformHere(slot, frame => types.push(frame.getMetadata().mimeType ?? ''))
    const numbering = {}
    for (const [i, codec] of [vp8, codecNamed('VP9'), vp8].entries()) {
      const source = new PacketSource(codec, prng(1), { ...contextOf(codec.codec), numbering }, 1_000 * i)
      for (const packet of source.next()) entry.packet(packet, source.context, undefined)
      await settle()
      owner.pass(1_000)
    }
    assert.deepEqual(types, ['video/VP8', 'video/VP9', 'video/VP8'])
    assert.ok(sink.packets.every(({ sequenceNumber }, i) => sequenceNumber === i))
    slot.close()
    await pipe
  })
})
