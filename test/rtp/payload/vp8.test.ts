import assert from 'node:assert/strict'

import { type EncodedFrame, PayloadError } from '../../../src/rtp/payload/frame.ts'
import { isVp8Keyframe, Vp8Depacketizer, Vp8Packetizer, vp8PictureSize } from '../../../src/rtp/payload/vp8.ts'
import { parseVp8Descriptor, writeVp8Descriptor } from '../../../src/rtp/payload/vp8-descriptor.ts'

const packet = (sequenceNumber: number, timestamp: number, marker: boolean, ...payload: number[]) => ({
  sequenceNumber,
  timestamp,
  marker,
  payload: Uint8Array.from(payload),
})

describe('the VP8 payload format', () => {
  it('reads the descriptors of the examples in RFC 7741 §4.6', () => {
    // §4.6.1: a keyframe in one packet, X = 1 S = 1, PictureID 17 in 7 bits.
    assert.deepEqual(
      { ...parseVp8Descriptor(Uint8Array.of(0x90, 0x80, 17, 0xaa)) },
      {
        startsPartition: true,
        partition: 0,
        discardable: false,
        pictureId: 17,
        pictureIdBits: 7,
        baseLayerIndex: undefined,
        temporalId: undefined,
        layerSync: undefined,
        keyframeIndex: undefined,
        length: 3,
      },
    )
    // §4.6.2: an interframe, without extensions.
    const plain = parseVp8Descriptor(Uint8Array.of(0x10, 0xaa))
    assert.deepEqual(
      [plain?.startsPartition, plain?.partition, plain?.pictureId, plain?.length],
      [true, 0, undefined, 1],
    )
    // §4.6.5: PictureID 4711 in 15 bits.
    assert.equal(parseVp8Descriptor(Uint8Array.of(0x90, 0x80, 0x80 | (4711 >> 8), 4711 & 0xff, 0xaa))?.pictureId, 4711)
  })

  it('writes what it reads, with every extension', () => {
    for (let fields = 0; fields < 16; fields++) {
      const dependency = {
        discardable: (fields & 1) !== 0,
        ...(fields & 1 ? { pictureId: 0x1234, pictureIdBits: 15 as const } : {}),
        ...(fields & 2 ? { temporalId: 2, layerSync: true } : {}),
        ...(fields & 4 ? { temporalId: 1, layerSync: false, baseLayerIndex: 200 } : {}),
        ...(fields & 8 ? { keyframeIndex: 21 } : {}),
      }
      const bytes = writeVp8Descriptor(dependency, true)
      const read = parseVp8Descriptor(bytes)
      const expected = { startsPartition: true, partition: 0, ...dependency, length: bytes.length }
      for (const [name, value] of Object.entries(expected)) assert.equal(read?.[name as keyof typeof read], value, name)
      for (let cut = 0; cut < bytes.length; cut++) assert.equal(parseVp8Descriptor(bytes.subarray(0, cut)), undefined)
    }
  })

  it('numbers the pictures with 15 bits, and has S on the first packet of each alone', () => {
    const packetizer = new Vp8Packetizer({ firstPictureId: 0x7fff, maxPayloadBytes: 100 })
    const payloads = [0, 1].flatMap(() => packetizer.packetize({ data: new Uint8Array(250) }))
    const descriptors = payloads.map(({ payload, marker }) => ({ ...parseVp8Descriptor(payload), marker }))
    assert.deepEqual(
      descriptors.map(({ pictureId, startsPartition, marker }) => [pictureId, startsPartition, marker]),
      [
        [0x7fff, true, false],
        [0x7fff, false, false],
        [0x7fff, false, true],
        [0, true, false],
        [0, false, false],
        [0, false, true],
      ],
    )
    assert.deepEqual(
      new Vp8Packetizer({ firstPictureId: 'none' }).packetize({ data: Uint8Array.of(1) })[0]?.payload.length,
      2,
    )
  })

  it('tells keyframes, and the size of their pictures', () => {
    const keyframe = Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xf0, 0x80)
    assert.equal(isVp8Keyframe(keyframe), true)
    assert.deepEqual(vp8PictureSize(keyframe), { width: 0x140, height: 0xf0 })
    assert.equal(isVp8Keyframe(Uint8Array.of(0x11, 0, 0)), false)
    assert.equal(isVp8Keyframe(Uint8Array.of(0x10)), false)
    assert.equal(vp8PictureSize(keyframe.subarray(0, 9)), undefined)
  })

  it('takes a frame whose packets begin partitions of their own', () => {
    const depacketizer = new Vp8Depacketizer()
    assert.deepEqual(depacketizer.push(packet(1, 9, false, 0x10, 0x10, 0, 0)), [])
    assert.deepEqual(depacketizer.push(packet(2, 9, false, 0x11, 1, 2)), [])
    const [frame] = depacketizer.push(packet(3, 9, true, 0x12, 3)) as EncodedFrame[]
    assert.deepEqual(frame?.data, Uint8Array.of(0x10, 0, 0, 1, 2, 3))
    assert.equal(frame?.keyframe, true)
  })

  it('gives a frame without marker when the next one begins', () => {
    const depacketizer = new Vp8Depacketizer()
    depacketizer.push(packet(1, 9, false, 0x10, 0x10, 0, 0))
    const frames = depacketizer.push(packet(2, 18, true, 0x10, 0x11, 0, 0)) as EncodedFrame[]
    assert.deepEqual(
      frames.map(({ timestamp, keyframe }) => [timestamp, keyframe]),
      [
        [9, true],
        [18, false],
      ],
    )
  })

  it('says why it does not take a payload', () => {
    const depacketizer = new Vp8Depacketizer()
    assert.deepEqual(depacketizer.push(packet(10, 9, true, 0x00, 1)), { drop: 'incomplete' })
    assert.deepEqual(depacketizer.push(packet(10, 9, true, 0x10, 1)), { drop: 'old' })
    assert.deepEqual(depacketizer.push(packet(11, 9, true, 0x90)), { drop: 'malformed' })
    assert.deepEqual(depacketizer.push(packet(12, 9, true, 0x10)), { drop: 'malformed' })
    depacketizer.push(packet(13, 9, false, 0x10, 1))
    assert.deepEqual(depacketizer.push(packet(14, 10, true, 0x00, 1)), { drop: 'incomplete' }, 'of another picture')
    assert.deepEqual(depacketizer.push(packet(9, 10, true, 0x10, 1)), { drop: 'old' })
  })

  it('cuts nothing of nothing, and refuses payloads that have no room', () => {
    assert.deepEqual(new Vp8Packetizer().packetize({ data: new Uint8Array(0) }), [])
    assert.throws(() => new Vp8Packetizer({ maxPayloadBytes: 15 }), PayloadError)
  })
})
