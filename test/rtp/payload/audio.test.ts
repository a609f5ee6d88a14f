import assert from 'node:assert/strict'

import { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from '../../../src/rtp/payload/audio.ts'
import { PayloadError } from '../../../src/rtp/payload/frame.ts'
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from '../../../src/rtp/payload/g711.ts'
import { opusChannels, opusSamples } from '../../../src/rtp/payload/opus.ts'

/** A packet of Opus by its configuration, the code of its frame count and what follows. */
const opus = (configuration: number, code: number, ...rest: number[]) =>
  Uint8Array.of((configuration << 3) | code, ...rest)

describe('Opus packets', () => {
  it('say how long they are: RFC 6716 §3.1', () => {
    for (const [configurations, milliseconds] of [
      [[0, 4, 8, 12, 14, 18, 22, 26, 30], 10],
      [[1, 5, 9, 13, 15, 19, 23, 27, 31], 20],
      [[2, 6, 10], 40],
      [[3, 7, 11], 60],
      [[16, 20, 24, 28], 2.5],
      [[17, 21, 25, 29], 5],
    ] as const) {
      for (const each of configurations) assert.equal(opusSamples(opus(each, 0, 1)), 48 * milliseconds, `${each}`)
    }
  })

  it('hold one frame, two, or as many as they say, up to 120 ms', () => {
    assert.equal(opusSamples(opus(31, 1, 1, 1)), 1_920)
    assert.equal(opusSamples(opus(31, 1, 1)), undefined, 'two equal frames in one byte')
    assert.equal(opusSamples(opus(31, 2, 0)), 1_920)
    assert.equal(opusSamples(opus(31, 2)), undefined)
    assert.equal(opusSamples(opus(31, 3, 6)), 5_760)
    assert.equal(opusSamples(opus(31, 3, 7)), undefined, 'more than 120 ms')
    assert.equal(opusSamples(opus(31, 3, 0)), undefined, 'no frame')
    assert.equal(opusSamples(opus(28, 3, 48)), 5_760)
    assert.equal(opusSamples(new Uint8Array(0)), undefined)
  })

  it('are mono or stereo', () => {
    assert.equal(opusChannels(opus(31, 0)), 1)
    assert.equal(opusChannels(Uint8Array.of(0xfc)), 2)
  })

  it('go each into a payload, with the marker behind a silence', () => {
    const packetizer = new OpusPacketizer({ maxPayloadBytes: 20 })
    const data = opus(31, 0, 1, 2)
    assert.deepEqual(packetizer.packetize({ data }), [{ payload: data, marker: false, timestampOffset: 0 }])
    assert.equal(packetizer.packetize({ data, startsTalkspurt: true })[0]?.marker, true)
    assert.deepEqual(packetizer.packetize({ data: new Uint8Array(0) }), [])
    assert.throws(() => packetizer.packetize({ data: opus(31, 3, 0) }), PayloadError)
    assert.throws(() => packetizer.packetize({ data: opus(31, 0, ...new Uint8Array(20)) }), PayloadError)
  })

  it('are refused if they are none', () => {
    const packet = { sequenceNumber: 1, timestamp: 0, marker: false, payload: opus(31, 3, 0) }
    assert.deepEqual(new OpusDepacketizer().push(packet), { drop: 'malformed' })
  })
})

describe('PCMU and PCMA', () => {
  it('have the codes of G.711 for silence and the loudest samples', () => {
    assert.deepEqual(encodeMuLaw(Int16Array.of(0, 32_767, -32_768)), Uint8Array.of(0xff, 0x80, 0x00))
    assert.deepEqual(decodeMuLaw(Uint8Array.of(0xff, 0x7f, 0x80, 0x00)), Int16Array.of(0, 0, 32_124, -32_124))
    assert.deepEqual(encodeALaw(Int16Array.of(0, 32_767, -1, -32_768)), Uint8Array.of(0xd5, 0xaa, 0x55, 0x2a))
    assert.deepEqual(decodeALaw(Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a)), Int16Array.of(8, -8, 32_256, -32_256))
  })

  it('are cut anywhere, with a timestamp that counts the samples', () => {
    const payloads = new G711Packetizer({ maxPayloadBytes: 160 }).packetize({
      data: new Uint8Array(400),
      startsTalkspurt: true,
    })
    assert.deepEqual(
      payloads.map(({ payload, marker, timestampOffset }) => [payload.length, marker, timestampOffset]),
      [
        [160, true, 0],
        [160, false, 160],
        [80, false, 320],
      ],
    )
  })

  it('give each payload as it came', () => {
    const depacketizer = new AudioDepacketizer()
    const push = (sequenceNumber: number, payload: Uint8Array) =>
      depacketizer.push({ sequenceNumber, timestamp: 7, marker: false, payload })
    const payload = Uint8Array.of(1, 2)
    const frame = { data: payload, timestamp: 7, keyframe: true, dependency: undefined }
    assert.deepEqual(push(65_535, payload), [{ ...frame, afterLoss: false }])
    assert.deepEqual(push(0, payload), [{ ...frame, afterLoss: false }])
    assert.deepEqual(push(2, payload), [{ ...frame, afterLoss: true }])
    assert.deepEqual(push(2, payload), { drop: 'old' })
    assert.deepEqual(push(1, payload), { drop: 'old' })
  })
})
