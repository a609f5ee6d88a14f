import assert from 'node:assert/strict'

import { type EncodedFrame, PayloadError } from '../../../src/rtp/payload/frame.ts'
import { isVp9Keyframe, Vp9Depacketizer, Vp9Packetizer } from '../../../src/rtp/payload/vp9.ts'
import { parseVp9Descriptor, writeVp9Descriptor } from '../../../src/rtp/payload/vp9-descriptor.ts'
import { depacketize, TestSender } from './network.ts'

const keyframe = Uint8Array.of(0x82, 1, 2, 3)
const interframe = Uint8Array.of(0x86, 4, 5, 6)

describe('the VP9 payload format', () => {
  it('reads a descriptor in non-flexible mode, with layers and a structure', () => {
    const payload = Uint8Array.of(
      ...[0b1010_1010, 0x92, 0x34, 0b010_1_001_1, 99],
      // N_S = 1, Y, G: two sizes, two pictures
      ...[0b001_1_1_000, 0x01, 0x40, 0x00, 0xf0, 0x02, 0x80, 0x01, 0xe0, 2],
      ...[0b000_1_01_00, 2, 0b001_0_10_00, 1, 2],
      0xaa,
    )
    assert.deepEqual(parseVp9Descriptor(payload), {
      startsFrame: true,
      endsFrame: false,
      flexible: false,
      interPicture: false,
      pictureId: 0x1234,
      pictureIdBits: 15,
      temporalId: 2,
      switchingPoint: true,
      spatialId: 1,
      interLayer: true,
      baseLayerIndex: 99,
      references: undefined,
      scalability: {
        spatialLayers: 2,
        sizes: [
          { width: 320, height: 240 },
          { width: 640, height: 480 },
        ],
        group: [
          { temporalId: 0, switchingPoint: true, references: [2] },
          { temporalId: 1, switchingPoint: false, references: [1, 2] },
        ],
      },
      length: payload.length - 1,
    })
    for (let cut = 0; cut < payload.length - 1; cut++) {
      assert.equal(parseVp9Descriptor(payload.subarray(0, cut)), undefined, `${cut} bytes`)
    }
  })

  it('reads up to three references in flexible mode, and neither four nor one to itself', () => {
    const read = (...references: number[]) => parseVp9Descriptor(Uint8Array.of(0b1101_1000, 7, ...references, 0xaa))
    assert.deepEqual(read(0x02)?.references, [1])
    assert.deepEqual(read(0x03, 0x05, 0x06)?.references, [1, 2, 3])
    assert.equal(read(0x03, 0x05, 0x07, 0x02), undefined)
    assert.equal(read(0x00), undefined)
    // §4.2, F: without a picture ID it is ignored.
    assert.equal(parseVp9Descriptor(Uint8Array.of(0b0101_1000, 0xaa))?.flexible, false)
  })

  it('writes what it reads', () => {
    const layers = { temporalId: 3, switchingPoint: true, spatialId: 2, interLayer: true }
    for (const dependency of [
      { pictureId: 5, pictureIdBits: 7, interPicture: true },
      { pictureId: 0x5555, pictureIdBits: 15, interPicture: true, ...layers, baseLayerIndex: 250 },
      { pictureId: 0x5555, pictureIdBits: 15, interPicture: true, ...layers, references: [1, 5, 127] },
      { interPicture: false },
    ] as const) {
      const group = [{ temporalId: 1, switchingPoint: true, references: [3, 4] }]
      for (const scalability of [undefined, { spatialLayers: 3, sizes: [], group }]) {
        const bytes = writeVp9Descriptor(dependency, true, scalability)
        const read = parseVp9Descriptor(bytes)
        for (const [name, value] of Object.entries({
          ...dependency,
          scalability,
          startsFrame: true,
          length: bytes.length,
        })) {
          assert.deepEqual(read?.[name as keyof typeof read], value, name)
        }
      }
    }
  })

  it('tells keyframes by the uncompressed header, also in profile 3', () => {
    const header = (bits: string): Uint8Array => Uint8Array.of(Number.parseInt(bits.replaceAll('_', ''), 2))
    assert.equal(isVp9Keyframe(header('10_00_0_0_10')), true)
    assert.equal(isVp9Keyframe(header('10_00_0_1_10')), false)
    assert.equal(isVp9Keyframe(header('10_00_1_0_10')), false, 'shows a frame that exists')
    assert.equal(isVp9Keyframe(header('10_11_0_0_0_1')), true)
    assert.equal(isVp9Keyframe(header('10_11_0_0_1_1')), false)
    assert.equal(isVp9Keyframe(header('01_00_0_0_10')), false, 'no frame marker')
    assert.equal(isVp9Keyframe(new Uint8Array(0)), false)
  })

  it('puts the frames of several spatial layers into one picture', () => {
    const packetizer = new Vp9Packetizer({ maxPayloadBytes: 16, firstPictureId: 0x7fff })
    const layer = (spatialId: number) => ({ temporalId: 0, spatialId, interLayer: spatialId > 0, baseLayerIndex: 1 })
    const payloads = [
      ...packetizer.packetize({ data: keyframe, dependency: layer(0), endsPicture: false }),
      ...packetizer.packetize({
        data: Uint8Array.of(...interframe, ...new Uint8Array(20)),
        dependency: { ...layer(1), interPicture: false },
      }),
    ]
    assert.deepEqual(
      payloads.map(({ payload, marker }) => {
        const { startsFrame, endsFrame, pictureId } = parseVp9Descriptor(payload) ?? {}
        return [startsFrame, endsFrame, pictureId, marker]
      }),
      [
        [true, true, 0x7fff, false],
        [true, false, 0x7fff, false],
        [false, false, 0x7fff, false],
        [false, true, 0x7fff, true],
      ],
    )
    const [picture, ...others] = depacketize(new Vp9Depacketizer(), new TestSender(0).send(payloads))
    assert.deepEqual(others, [])
    assert.equal(picture?.keyframe, true)
    assert.deepEqual(picture?.data, Uint8Array.of(...keyframe, ...interframe, ...new Uint8Array(20)))
    assert.equal(parseVp9Descriptor(packetizer.packetize({ data: interframe })[0]?.payload ?? keyframe)?.pictureId, 0)
  })

  it('does not take a higher layer whose base was lost', () => {
    const packetizer = new Vp9Packetizer()
    const sender = new TestSender(0)
    const layer = (spatialId: number) => ({ temporalId: 0, spatialId, interLayer: spatialId > 0 })
    sender.send(packetizer.packetize({ data: keyframe, dependency: layer(0), endsPicture: false }))
    const [upper] = sender.send(packetizer.packetize({ data: interframe, dependency: layer(1) }))
    assert.ok(upper)
    assert.deepEqual(new Vp9Depacketizer().push(upper), { drop: 'incomplete' })
  })

  it('gives a picture without marker when the next one begins, unless it was broken off', () => {
    const packet = (sequenceNumber: number, timestamp: number, marks: number) => ({
      sequenceNumber,
      timestamp,
      marker: false,
      payload: Uint8Array.of(marks, ...keyframe),
    })
    const depacketizer = new Vp9Depacketizer()
    assert.deepEqual(depacketizer.push(packet(1, 9, 0x0c)), [])
    assert.deepEqual(
      (depacketizer.push(packet(2, 10, 0x08)) as EncodedFrame[]).map(frame => frame.timestamp),
      [9],
    )
    assert.deepEqual(depacketizer.push(packet(3, 11, 0x0c)), [])
    const [frame] = depacketizer.push(packet(4, 12, 0x0c)) as EncodedFrame[]
    assert.deepEqual([frame?.timestamp, frame?.afterLoss], [11, true])
  })

  it('refuses a structure that leaves no room for the frame', () => {
    const sizes = Array.from({ length: 4 }, () => ({ width: 64, height: 64 }))
    const packetizer = new Vp9Packetizer({ maxPayloadBytes: 16, scalability: { spatialLayers: 4, sizes, group: [] } })
    assert.throws(() => packetizer.packetize({ data: keyframe }), PayloadError)
    assert.equal(packetizer.packetize({ data: interframe }).length, 1)
  })

  it('sends the structure with keyframes, in the first packet alone', () => {
    const scalability = { spatialLayers: 1, sizes: [{ width: 64, height: 64 }], group: [] }
    const packetizer = new Vp9Packetizer({ maxPayloadBytes: 20, scalability })
    const structures = (data: Uint8Array) =>
      packetizer.packetize({ data }).map(({ payload }) => parseVp9Descriptor(payload)?.scalability)
    assert.deepEqual(structures(Uint8Array.of(...keyframe, ...new Uint8Array(20))), [scalability, undefined])
    assert.deepEqual(structures(interframe), [undefined])
  })
})
