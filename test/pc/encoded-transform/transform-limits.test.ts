import assert from 'node:assert/strict'
import { MessageChannel } from 'node:worker_threads'
import {
  createEncodedFrame,
  RTCEncodedAudioFrame,
  type RTCEncodedFrame,
  RTCEncodedVideoFrame,
} from '../../../src/pc/encoded-transform/encoded-frames.ts'
import { maxHeldFrames, maxUnreadBytes, maxUnreadFrames } from '../../../src/pc/encoded-transform/frame-exchange.ts'
import { maxStageStreams } from '../../../src/pc/encoded-transform/frame-stage.ts'
import { FrameStreams } from '../../../src/pc/encoded-transform/frame-streams.ts'
import { KeyFrameTasks, maxKeyFrameTasks } from '../../../src/pc/encoded-transform/key-frame-tasks.ts'
import { createTransformEvent, maxPendingRequests } from '../../../src/pc/encoded-transform/script-transformer.ts'
import { maxFrameBytes } from '../../../src/rtp/payload/index.ts'
import { prng } from '../../support/prng.ts'
import { codecNamed, PacketSource, streams, track, transformHere } from './support.ts'

const vp8 = codecNamed('VP8')
const opus = codecNamed('opus')

describe('what a transform may write', () => {
  it('is its own frames, in their order, each once, and not all of them', async () => {
    const { slot, sink, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    for (let i = 0; i < 5; i++) sendFrame()
    const frames = [await read(), await read(), await read(), await read(), await read()] as const
    for (const i of [1, 0, 4] as const) await writer.write(frames[i])
    assert.equal(sink.packets.length, 2)
    assert.equal(slot.statistics.droppedFrames['out-of-order'], 1)
    assert.equal(slot.statistics.framesWritten, 2)
    assert.equal(frames[1].data.byteLength, 0)
  })

  it('is a frame once: the second time is an error, which ends the stream', async () => {
    const { slot, sink, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    for (let i = 0; i < 2; i++) sendFrame()
    const [frame, next] = [await read(), await read()]
    const before = frame.data
    await writer.write(frame)
    assert.ok(before.byteLength > 0, 'what the application has of it stays')
    assert.equal(frame.data.byteLength, 0)
    assert.throws(() => new RTCEncodedAudioFrame(frame as RTCEncodedAudioFrame), TypeError)
    await assert.rejects(writer.write(frame), { name: 'OperationError' })
    await assert.rejects(writer.write(next), { name: 'OperationError' })
    assert.equal(sink.packets.length, 1)
    // It was written, and what was not cannot be any more.
    assert.equal(slot.statistics.droppedFrames.ended, 1)
  })

  it('is what it was when it was written, whatever becomes of its data afterwards', async () => {
    const { slot, sink, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    sendFrame()
    const frame = await read()
    const { data } = frame
    const before = Buffer.from(data.slice(0))
    const written = writer.write(frame)
    await written
    new Uint8Array(data).fill(0)
    assert.deepEqual(Buffer.from(sink.packets[0]?.payload ?? []), before)
  })

  it('is no frame that the application has made, nor one of another transform, nor anything else', async () => {
    const { slot, sink, sendFrame } = track(vp8)
    const other = track(vp8)
    const { read, writer } = streams(slot)
    const foreign = streams(other.slot)
    sendFrame()
    other.sendFrame()
    const frame = (await read()) as RTCEncodedVideoFrame
    const copy = new RTCEncodedVideoFrame(frame)
    const made = createEncodedFrame({ kind: 'video', type: 'key', metadata: {}, data: new ArrayBuffer(9) })
    for (const wrong of [copy, made, await foreign.read(), {}, undefined]) await writer.write(wrong as RTCEncodedFrame)
    assert.equal(sink.packets.length, 0)
    assert.equal(slot.statistics.droppedFrames.foreign, 5)
    await writer.write(frame)
    assert.ok(sink.packets.length > 0)
  })

  it('may be as late as the frames that are remembered, and no later', async () => {
    const { slot, sink, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    sendFrame()
    const oldest = await read()
    sendFrame()
    const next = await read()
    for (let i = 0; i < maxHeldFrames - 1; i++) {
      sendFrame()
      await read()
    }
    await writer.write(oldest)
    assert.equal(slot.statistics.droppedFrames.forgotten, 1)
    await writer.write(next)
    assert.equal(sink.packets.length, 1)
  })

  it('is no frame without data, none that is too large, none that its codec cannot cut', async () => {
    const { slot, sink, sendFrame } = track(codecNamed('H264'))
    const { read, writer } = streams(slot)
    for (const data of [new ArrayBuffer(0), new ArrayBuffer(maxFrameBytes + 1), new ArrayBuffer(100)]) {
      sendFrame()
      const frame = await read()
      frame.data = data
      await writer.write(frame)
    }
    const { empty, 'too-large': tooLarge, 'bad-frame': badFrame } = slot.statistics.droppedFrames
    assert.deepEqual([empty, tooLarge, badFrame, sink.packets.length], [1, 1, 1, 0])
  })

  it('is audio of a single packet', async () => {
    const { slot, sink, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    sendFrame()
    const frame = await read()
    frame.data = new ArrayBuffer(5_000)
    await writer.write(frame)
    assert.equal(slot.statistics.droppedFrames['bad-frame'], 1)
    assert.equal(sink.packets.length, 0)
  })
})

describe('a transform that does not keep up, or ends', () => {
  it('loses the newest frames beyond the bound; video goes on with a keyframe, which is asked for', async () => {
    const { slot, sendFrame, owner, sink } = track(vp8)
    const { read, writer } = streams(slot)
    for (let i = 0; i < maxUnreadFrames + 3; i++) sendFrame()
    assert.equal(slot.statistics.framesOffered, maxUnreadFrames)
    assert.deepEqual(slot.statistics.droppedFrames, {
      ...slot.statistics.droppedFrames,
      full: 1,
      'waiting-for-keyframe': 2,
    })
    assert.ok(owner.keyframeRequests.length > 0)
    for (let i = 0; i < maxUnreadFrames; i++) await writer.write(await read())
    // 67, 68, 69 build upon what was dropped; 70 is a keyframe.
    for (let i = 0; i < 4; i++) sendFrame()
    assert.equal(slot.statistics.droppedFrames['waiting-for-keyframe'], 5)
    const frame = (await read()) as RTCEncodedVideoFrame
    assert.equal(frame.type, 'key')
    assert.ok(sink.packets.length > maxUnreadFrames)
  })

  it('loses audio frames beyond the bound, and goes on with the next', async () => {
    const { slot, sendFrame, owner } = track(opus)
    const { read } = streams(slot)
    for (let i = 0; i < maxUnreadFrames + 3; i++) sendFrame()
    assert.equal(slot.statistics.droppedFrames.full, 3)
    await read()
    assert.equal(sendFrame(), true)
    assert.deepEqual(owner.keyframeRequests, [])
  })

  it('may leave no more bytes unread than the bound', () => {
    const { slot, entry, source } = track(vp8)
    slot.createEncodedStreams()
    const [packet] = source.next()
    assert.ok(packet)
    const bytes = 1 << 20
    const payload = new Uint8Array(bytes)
    payload.set(packet.payload)
    for (let i = 0; i < 20; i++)
      entry.packet({ ...packet, payload, marker: true, sequenceNumber: i, timestamp: i }, source.context, undefined)
    // Of each payload a few bytes are the descriptor.
    assert.equal(slot.statistics.framesOffered, maxUnreadBytes / bytes)
  })

  it('drops and counts what comes after it has thrown, without a rejection of its own', async () => {
    const { slot, sendFrame, sink } = track(opus)
    const pipe = transformHere(slot, () => {
      throw new Error('as it was asked to')
    })
    sendFrame()
    await assert.rejects(pipe, /as it was asked to/)
    // The one that it has thrown at can come back no more.
    assert.equal(slot.statistics.droppedFrames.ended, 1)
    assert.equal(sendFrame(), false)
    assert.equal(slot.statistics.droppedFrames.ended, 2)
    assert.equal(sink.packets.length, 0)
  })

  it('drops and counts what comes after it has cancelled, and takes what was read before', async () => {
    const { slot, sendFrame, sink } = track(opus)
    const { read, reader, writer } = streams(slot)
    sendFrame()
    const frame = await read()
    await reader.cancel()
    assert.equal(sendFrame(), false)
    await writer.write(frame)
    assert.equal(sink.packets.length, 1)
    assert.equal(slot.statistics.droppedFrames.ended, 1)
  })

  it('can read on when it has closed its writable stream', async () => {
    const { slot, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    await writer.close()
    sendFrame()
    await read()
    assert.equal(slot.statistics.droppedFrames.ended, 1)
  })

  it('has data that was transferred elsewhere dropped as empty', async () => {
    const { slot, sendFrame } = track(opus)
    const { read, writer } = streams(slot)
    sendFrame()
    const frame = await read()
    structuredClone(frame.data, { transfer: [frame.data] })
    await writer.write(frame)
    assert.equal(slot.statistics.droppedFrames.empty, 1)
  })

  it('ends its stream with an error for data that cannot be transferred', async () => {
    const ended: string[] = []
    const streams = new FrameStreams({
      taken: () => undefined,
      written: () => {
        throw new DOMException('as of a buffer of WebAssembly', 'DataCloneError')
      },
      refused: () => assert.fail(),
      ended: side => ended.push(side),
    })
    streams.push({ kind: 'audio', type: 'key', metadata: {}, data: new ArrayBuffer(4) }, 1)
    await assert.rejects(streams.readable.pipeTo(streams.writable), { name: 'DataCloneError' })
    assert.deepEqual(ended, ['writable', 'readable'])
  })

  it('gets no more frames, nor are its own taken, once the sender has stopped', async () => {
    const { slot, sendFrame, sink, entry, source } = track(opus, { side: 'receiver' })
    const { read, reader, writer } = streams(slot)
    sendFrame()
    const frame = await read()
    slot.close()
    assert.equal(slot.statistics.droppedFrames.ended, 1)
    assert.equal((await reader.read()).done, true)
    await writer.write(frame)
    assert.equal(sink.packets.length, 0)
    const [packet] = source.next()
    assert.ok(packet)
    assert.equal(entry.packet(packet, source.context, undefined), false)
    assert.equal(slot.attach(sink).packet(packet, source.context, undefined), false)
  })

  it('puts together the frames of so many streams at a time, and leaves no timer behind', () => {
    const { slot, entry, owner } = track(vp8, { side: 'receiver' })
    slot.createEncodedStreams()
    for (let i = 0; i < maxStageStreams + 8; i++) {
      const source = new PacketSource(vp8, prng(1))
      source.next()
      // The first packet of the second frame, and what is behind the third.
      const [first] = source.next()
      source.next()
      const later = source.next()
      for (const packet of first ? [first, ...later] : []) entry.packet(packet, source.context, undefined)
    }
    assert.ok(owner.timers > 0 && owner.timers <= maxStageStreams, `${owner.timers} timers`)
    entry.detach()
    assert.equal(owner.timers, 0)
  })
})

describe('requests for keyframes', () => {
  it('wait in a bounded number in the worker, and are rejected beyond and when the transform ends', async () => {
    const { port1, port2 } = new MessageChannel()
    const { transformer } = createTransformEvent({ port: port2, options: undefined })
    const outcomes: string[] = []
    const note = ({ name }: Error): number => outcomes.push(name)
    const requests = Array.from({ length: maxPendingRequests }, () => transformer.generateKeyFrame().catch(note))
    await assert.rejects(transformer.generateKeyFrame(), { name: 'OperationError' })
    await assert.rejects(transformer.sendKeyFrameRequest(), { name: 'OperationError' })
    await assert.rejects(transformer.generateKeyFrame('not a rid'), TypeError)
    port1.close()
    await Promise.all(requests)
    assert.deepEqual(outcomes, new Array(maxPendingRequests).fill('InvalidStateError'))
    await assert.rejects(transformer.sendKeyFrameRequest(), { name: 'InvalidStateError' })
    assert.equal((await transformer.readable.getReader().read()).done, true)
  })

  it('wait in a bounded number at the encoder, each for all of its layers', () => {
    const settled: [number, string | undefined][] = []
    const asked: (string | undefined)[] = []
    const tasks = new KeyFrameTasks({
      activeLayers: () => ['h', 'l'],
      requestKeyframe: rid => asked.push(rid),
      settle: (id, failure) => settled.push([id, failure?.name]),
    })
    tasks.generate(1, undefined)
    assert.deepEqual(asked, ['h', 'l'])
    tasks.keyframe('h')
    tasks.keyframe('h')
    assert.equal(settled.length, 0)
    tasks.keyframe('l')
    assert.deepEqual(settled, [[1, undefined]])
    for (let id = 2; id < maxKeyFrameTasks + 3; id++) tasks.generate(id, 'l')
    assert.deepEqual(settled.slice(1), [[maxKeyFrameTasks + 2, 'OperationError']])
    tasks.close()
    assert.equal(settled.filter(([, name]) => name === 'InvalidStateError').length, maxKeyFrameTasks)
  })
})
