import assert from 'node:assert/strict'
import {
  createEncodedFrame,
  deserializeEncodedFrame,
  RTCEncodedAudioFrame,
  RTCEncodedVideoFrame,
  type SerializedEncodedFrame,
  serializeEncodedFrame,
} from '../../../src/pc/encoded-transform/encoded-frames.ts'
import { RTCRtpScriptTransform } from '../../../src/pc/encoded-transform/script-transform.ts'
import {
  KeyFrameRequestEvent,
  RTCRtpScriptTransformer,
  RTCTransformEvent,
} from '../../../src/pc/encoded-transform/script-transformer.ts'

const contents = (kind: 'audio' | 'video'): SerializedEncodedFrame => ({
  kind,
  type: 'key',
  metadata: { synchronizationSource: 5, contributingSources: [1, 2], mimeType: 'x/y' },
  data: Uint8Array.of(1, 2, 3).buffer,
})
const videoFrame = (): RTCEncodedVideoFrame => createEncodedFrame(contents('video')) as RTCEncodedVideoFrame
const audioFrame = (): RTCEncodedAudioFrame => createEncodedFrame(contents('audio')) as RTCEncodedAudioFrame

/** The attributes and operations of an interface, in WebIDL order of nothing: sorted. */
function members(prototype: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([, { enumerable }]) => enumerable)
    .map(([name, { set, value }]) => (typeof value === 'function' ? `${name}()` : set ? `${name}=` : name))
    .sort()
}

describe('encoded frames and the other interfaces of the encoded transform', () => {
  it('have the attributes and operations of their definitions', () => {
    assert.deepEqual(members(RTCEncodedVideoFrame.prototype), ['data=', 'getMetadata()', 'timestamp', 'type'])
    assert.deepEqual(members(RTCEncodedAudioFrame.prototype), ['data=', 'getMetadata()', 'timestamp'])
    assert.deepEqual(members(RTCRtpScriptTransform.prototype), [])
    assert.deepEqual(members(RTCTransformEvent.prototype), ['transformer'])
    assert.deepEqual(members(KeyFrameRequestEvent.prototype), ['rid'])
    assert.deepEqual(members(RTCRtpScriptTransformer.prototype), [
      'generateKeyFrame()',
      'onkeyframerequest=',
      'options',
      'readable',
      'sendKeyFrameRequest()',
      'writable',
    ])
    assert.equal(RTCRtpScriptTransformer.prototype instanceof EventTarget, true)
    for (const type of [RTCEncodedVideoFrame, RTCEncodedAudioFrame, RTCRtpScriptTransform, RTCRtpScriptTransformer]) {
      assert.equal(Object.prototype.toString.call(type.prototype), `[object ${type.name}]`)
    }
  })

  it('cannot be constructed where their definitions have no constructor', () => {
    assert.throws(() => Reflect.construct(RTCRtpScriptTransformer, []), TypeError)
    assert.throws(() => Reflect.construct(RTCTransformEvent, ['rtctransform', {}]), TypeError)
    assert.throws(() => Reflect.construct(RTCRtpScriptTransform, []), TypeError)
    assert.throws(() => Reflect.construct(RTCRtpScriptTransform, [{}]), TypeError)
    assert.throws(() => Reflect.construct(RTCRtpScriptTransform, [{ postMessage: () => undefined }]), TypeError)
  })

  it('take an ArrayBuffer for their data, and nothing else', () => {
    const frame = videoFrame()
    const data = new ArrayBuffer(4)
    frame.data = data
    assert.equal(frame.data, data)
    for (const wrong of [new Uint8Array(4), new SharedArrayBuffer(4), null, 'x']) {
      assert.throws(() => Reflect.set(frame, 'data', wrong), TypeError)
      assert.throws(() => Reflect.set(audioFrame(), 'data', wrong), TypeError)
    }
    assert.throws(() => Reflect.get(RTCEncodedVideoFrame.prototype, 'data'), TypeError)
  })

  it('give a copy of their metadata, which changes nothing', () => {
    const frame = videoFrame()
    const metadata = frame.getMetadata()
    metadata.synchronizationSource = 6
    metadata.contributingSources?.push(3)
    assert.deepEqual(frame.getMetadata(), contents('video').metadata)
  })

  it('are copied by their constructors, with some of the metadata replaced', () => {
    const original = videoFrame()
    const copy = new RTCEncodedVideoFrame(original, {
      metadata: { frameId: 7, contributingSources: [9], width: 65_537 },
    })
    assert.deepEqual(copy.getMetadata(), {
      synchronizationSource: 5,
      contributingSources: [9],
      mimeType: 'x/y',
      frameId: 7,
      width: 1,
    })
    assert.equal(copy.type, 'key')
    assert.notEqual(copy.data, original.data)
    assert.deepEqual(new Uint8Array(copy.data), Uint8Array.of(1, 2, 3))
    const audio = new RTCEncodedAudioFrame(audioFrame(), { metadata: { audioLevel: 0.5, sequenceNumber: 65_535 } })
    assert.equal(audio.getMetadata().audioLevel, 0.5)
    assert.equal(audio.getMetadata().sequenceNumber, 65_535)
  })

  it('are not constructed of anything but a frame of their kind, that has its data', () => {
    for (const wrong of [undefined, {}, audioFrame(), contents('video')]) {
      assert.throws(() => Reflect.construct(RTCEncodedVideoFrame, [wrong]), TypeError)
    }
    assert.throws(() => Reflect.construct(RTCEncodedVideoFrame, []), TypeError)
    assert.throws(() => Reflect.construct(RTCEncodedAudioFrame, [videoFrame()]), TypeError)
    assert.throws(() => Reflect.construct(RTCEncodedVideoFrame, [videoFrame(), { metadata: 5 }]), TypeError)
    const frame = videoFrame()
    structuredClone(frame.data, { transfer: [frame.data] })
    assert.throws(() => new RTCEncodedVideoFrame(frame), TypeError)
  })

  it('cross threads as plain values that can be cloned, with their data transferred', () => {
    for (const frame of [videoFrame(), audioFrame()]) {
      const plain = serializeEncodedFrame(frame)
      const crossed = structuredClone(plain, { transfer: [plain.data] })
      assert.equal(frame.data.byteLength, 0)
      const again = deserializeEncodedFrame(crossed)
      assert.equal(again.constructor, frame.constructor)
      assert.deepEqual(again.getMetadata(), frame.getMetadata())
      assert.deepEqual(new Uint8Array(again.data), Uint8Array.of(1, 2, 3))
    }
  })

  it('are not made of values that are none', () => {
    const wrong = [
      {},
      { ...contents('video'), kind: 'text' },
      { ...contents('audio'), data: 'x' },
      { ...contents('video'), metadata: 1 },
    ]
    for (const value of wrong) assert.throws(() => deserializeEncodedFrame(value as SerializedEncodedFrame), TypeError)
    assert.throws(() => serializeEncodedFrame({} as RTCEncodedVideoFrame), TypeError)
  })

  it('KeyFrameRequestEvent has a RID, or null', () => {
    assert.equal(new KeyFrameRequestEvent('keyframerequest').rid, null)
    assert.equal(new KeyFrameRequestEvent('keyframerequest').cancelable, false)
    assert.equal(new KeyFrameRequestEvent('keyframerequest', 'h').rid, 'h')
    assert.throws(() => Reflect.construct(KeyFrameRequestEvent, []), TypeError)
  })
})
