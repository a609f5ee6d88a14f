import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { maxUnreadFrames } from '../../../src/pc/encoded-transform/frame-exchange.ts'
import { RTCRtpScriptTransform } from '../../../src/pc/encoded-transform/script-transform.ts'
import { TransformSlot } from '../../../src/pc/encoded-transform/transform-slot.ts'
import { prng } from '../../support/prng.ts'
import { Collector, codecNamed, type OwnerOptions, PacketSource, TestOwner, testCodecs } from './support.ts'
import type { ProgramOptions } from './transform-program.ts'

/** A worker of Node 20 runs TypeScript only once tsx is told to in its own thread. */
const program = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('./transform-program.ts', import.meta.url).href)})
})`
const vp8 = codecNamed('VP8')
let worker: Worker
/** What the worker has said. */
let said: unknown[] = []

function startWorker(workerData?: unknown): void {
  worker = new Worker(program, { eval: true, workerData })
  said = []
  worker.on('message', message => said.push(message))
}

/** Waits for something that other threads bring about. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 2_000) throw new Error(`never happened: ${what}`)
    await pause(5)
  }
}

async function untilDropped(slot: TransformSlot, sendFrame: () => boolean): Promise<void> {
  await until(() => {
    sendFrame()
    return slot.statistics.droppedFrames.ended > 0
  }, 'a drop')
}

function slotWith(options: ProgramOptions, ownerOptions: OwnerOptions = {}) {
  const owner = new TestOwner(ownerOptions)
  const slot = new TransformSlot(owner)
  const sink = new Collector()
  const entry = slot.attach(sink)
  slot.transform = new RTCRtpScriptTransform(worker, options)
  const source = new PacketSource(vp8, prng(3))
  const sendFrame = (): boolean =>
    source
      .next()
      .map(packet => entry.packet(packet, source.context, undefined))
      .every(Boolean)
  return { owner, slot, sink, entry, source, sendFrame }
}

describe('RTCRtpScriptTransform with a worker', () => {
  before(() => startWorker())
  beforeEach(async () => {
    if (worker.threadId === -1) startWorker()
    // What earlier tests have brought about is said before the answer.
    worker.postMessage('settle')
    await until(() => JSON.stringify(said.at(-1)) === '{"seen":"settle"}', 'the worker')
    said.length = 0
  })
  after(async () => {
    await worker.terminate()
  })

  for (const codec of testCodecs) {
    it(`has ${codec.codec.mimeType} encrypted and decrypted on another thread`, async () => {
      const name = codec.codec.mimeType
      const sender = new TransformSlot(new TestOwner({ kind: codec.kind, side: 'sender' }))
      const receiver = new TransformSlot(new TestOwner({ kind: codec.kind, side: 'receiver' }))
      const sink = new Collector()
      const arrival = receiver.attach(sink)
      const entry = sender.attach({ packet: (packet, context) => arrival.packet(packet, context, undefined) })
      sender.transform = new RTCRtpScriptTransform(worker, { mode: 'xor', codec: name })
      receiver.transform = new RTCRtpScriptTransform(worker, { mode: 'xor', codec: name })
      const source = new PacketSource(codec, prng(4))
      const sent = Array.from({ length: 30 }, () => source.next()).flat()
      for (const packet of sent) entry.packet(packet, source.context, undefined)
      await until(() => receiver.statistics.framesWritten === 30, '30 frames')
      assert.deepEqual(
        sink.packets.map(({ payload, marker }) => [Buffer.from(payload).toString('hex'), marker]),
        sent.map(({ payload, marker }) => [Buffer.from(payload).toString('hex'), marker]),
      )
    })
  }

  it('shows frames as what they are, with what is known of them', async () => {
    const { sendFrame, slot } = slotWith({ mode: 'report' }, { side: 'receiver' })
    sendFrame()
    sendFrame()
    await until(() => slot.statistics.framesWritten === 2, 'two frames')
    const [, key, delta] = said as { isVideo: boolean; type: string; bytes: number; metadata: object }[]
    assert.equal(key?.isVideo, true)
    assert.equal(key?.type, 'key')
    assert.equal(delta?.type, 'delta')
    assert.ok((key?.bytes ?? 0) > 100)
    assert.deepEqual(key?.metadata, {
      synchronizationSource: 0x1234_5678,
      payloadType: 100,
      contributingSources: [7, 8],
      rtpTimestamp: 0xffff_f000,
      mimeType: 'video/VP8',
      receiveTime: 1_000,
      spatialIndex: 0,
      temporalIndex: 0,
      width: 320,
      height: 240,
    })
  })

  it('fires rtctransform at the listeners of the module too', async () => {
    await worker.terminate()
    startWorker('listener')
    const { sendFrame, slot } = slotWith({ mode: 'report' })
    sendFrame()
    await until(() => slot.statistics.framesWritten === 1, 'a frame')
    await worker.terminate()
  })

  it('shows the application in the worker none of its own messages, and all of the others', async () => {
    slotWith({ mode: 'idle' })
    worker.postMessage('hello')
    await until(() => said.length === 2, 'two messages')
    assert.deepEqual(said, ['ready', { seen: 'hello' }])
  })

  it('takes a port whose other end a worker listens on', async () => {
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ listen: port2 }, [port2])
    const slot = new TransformSlot(new TestOwner())
    const entry = slot.attach(new Collector())
    slot.transform = new RTCRtpScriptTransform(port1, { mode: 'report' })
    const source = new PacketSource(vp8, prng(1))
    for (const packet of source.next()) entry.packet(packet, source.context, undefined)
    await until(() => slot.statistics.framesWritten === 1, 'a frame')
    port1.close()
  })

  it('takes the dictionary that names the worker', () => {
    assert.ok(new RTCRtpScriptTransform({ worker }) instanceof RTCRtpScriptTransform)
    assert.throws(() => new RTCRtpScriptTransform({ worker, type: 'sframe' }), { name: 'NotSupportedError' })
  })

  it('transfers what of the options is to be transferred, and refuses what cannot be cloned', () => {
    const buffer = new ArrayBuffer(8)
    new RTCRtpScriptTransform(worker, { mode: 'idle', buffer }, [buffer])
    assert.equal(buffer.byteLength, 0)
    assert.throws(() => new RTCRtpScriptTransform(worker, { no: () => undefined }), { name: 'DataCloneError' })
  })

  it('drops and counts the frames of a worker that dies, and goes on when there is another transform', async () => {
    const { sendFrame, slot, owner } = slotWith({ mode: 'die' })
    const exit = once(worker, 'exit')
    sendFrame()
    await exit
    await untilDropped(slot, sendFrame)
    const before = slot.statistics.framesOffered
    for (let i = 0; i < 100; i++) sendFrame()
    assert.equal(slot.statistics.framesOffered, before)
    assert.ok(slot.statistics.droppedFrames.ended >= 100)
    assert.deepEqual(owner.keyframeRequests, [])
    startWorker()
    slot.transform = new RTCRtpScriptTransform(worker, { mode: 'report' })
    sendFrame()
    for (let i = 0; i < 20; i++) sendFrame()
    await until(() => slot.statistics.framesWritten > 0, 'a frame through the other worker')
    assert.ok(owner.keyframeRequests.length > 0)
  })

  it('drops and counts everything with a worker that was dead before', async () => {
    await worker.terminate()
    const { sendFrame, slot } = slotWith({ mode: 'idle' })
    for (let i = 0; i < 3; i++) assert.equal(sendFrame(), false)
    assert.equal(slot.statistics.framesOffered, 0)
    assert.ok(slot.statistics.droppedFrames.ended > 0)
  })

  it('drops and counts everything behind a transform that throws', async () => {
    const { sendFrame, slot } = slotWith({ mode: 'throw' })
    sendFrame()
    await until(() => said.includes('failed'), 'the failure in the worker')
    await untilDropped(slot, sendFrame)
    assert.equal(slot.statistics.framesWritten, 0)
  })

  it('drops the newest where the worker reads nothing, asks for a keyframe once, and keeps no more than its bound', async () => {
    const { sendFrame, slot, owner } = slotWith({ mode: 'idle' })
    for (let i = 0; i < maxUnreadFrames; i++) assert.equal(sendFrame(), true)
    assert.equal(sendFrame(), false)
    assert.equal(slot.statistics.droppedFrames.full, 1)
    assert.deepEqual(owner.keyframeRequests, [{ rid: undefined, ssrc: undefined }])
    await until(() => said.includes('ready'), 'the transformer')
    assert.equal(slot.statistics.framesOffered, maxUnreadFrames)
  })

  it('resolves generateKeyFrame just before the keyframe of that layer can be read', async () => {
    const { slot, owner, entry } = slotWith({ mode: 'generate' }, { layers: ['h', 'l'] })
    await until(() => owner.keyframeRequests.length > 0, 'the request')
    assert.deepEqual(owner.keyframeRequests, [{ rid: 'h', ssrc: undefined }])
    const send = (rid: string, frames: number): void => {
      const source = new PacketSource(vp8, prng(1), { ...new PacketSource(vp8, prng(1)).context, rid })
      for (let i = 0; i < frames; i++)
        for (const packet of source.next()) entry.packet(packet, source.context, undefined)
    }
    send('l', 2)
    await until(() => slot.statistics.framesWritten === 2, 'the other layer')
    assert.deepEqual(said, ['ready', 'read', 'read'])
    send('h', 1)
    await until(() => slot.statistics.framesWritten === 3, 'the keyframe')
    assert.deepEqual(said, ['ready', 'read', 'read', 'resolved', 'read'])
  })

  it('rejects generateKeyFrame for a layer that is not sent, and on the receiving side', async () => {
    slotWith({ mode: 'generate' }, { layers: ['q'] })
    await until(() => said.includes('NotFoundError'), 'no such layer')
    slotWith({ mode: 'generate' }, { side: 'receiver' })
    await until(() => said.includes('InvalidStateError'), 'no encoder')
  })

  it('rejects what waits for a keyframe when the transform is taken away', async () => {
    const { slot, owner } = slotWith({ mode: 'generate' }, { layers: ['h'] })
    await until(() => owner.keyframeRequests.length > 0, 'the request')
    slot.transform = null
    await until(() => said.includes('InvalidStateError'), 'the rejection')
    await until(() => said.includes('ended'), 'the end of the pipe')
  })

  it('sends a keyframe request for video that is received, and for nothing else', async () => {
    const { owner } = slotWith({ mode: 'request' }, { side: 'receiver' })
    await until(() => said.includes('resolved'), 'the request')
    assert.deepEqual(owner.keyframeRequests, [{ rid: undefined, ssrc: undefined }])
    slotWith({ mode: 'request' }, { side: 'sender' })
    await until(() => said.includes('InvalidStateError'), 'the rejection')
  })

  it('has a keyframe generated when the peer asks for one, unless the application prevents it', async () => {
    const { slot, owner } = slotWith({ mode: 'report' }, { layers: ['h', 'l'] })
    assert.equal(slot.keyframeRequested('l'), true)
    await until(() => owner.keyframeRequests.length > 0, 'the request')
    assert.deepEqual(owner.keyframeRequests, [{ rid: 'l', ssrc: undefined }])
    const prevented = slotWith({ mode: 'prevent' })
    assert.equal(prevented.slot.keyframeRequested(undefined), true)
    prevented.sendFrame()
    await until(() => prevented.slot.statistics.framesWritten === 1, 'a frame')
    assert.deepEqual(said.slice(1), ['keyframe l', 'ready', 'keyframe null'])
    assert.equal(prevented.owner.keyframeRequests.length, 0)
  })

  it('lets the worker read what it can write no longer', async () => {
    const { slot, sendFrame } = slotWith({ mode: 'close-writable' })
    await until(() => said.includes('resolved'), 'the end of the writable stream')
    await untilDropped(slot, sendFrame)
    assert.equal(slot.statistics.framesWritten, 0)
  })
})
