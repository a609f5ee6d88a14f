import assert from 'node:assert/strict'

import { type EncodedFrame, PayloadError } from '../../../src/rtp/payload/frame.ts'
import { H264Depacketizer } from '../../../src/rtp/payload/h264-depacketizer.ts'
import { isH264Keyframe, joinAnnexB, nalType, splitAnnexB } from '../../../src/rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../../src/rtp/payload/h264-packetizer.ts'

const sps = Uint8Array.of(0x67, 1, 2)
const pps = Uint8Array.of(0x68, 3)
const idr = Uint8Array.of(0x65, 0x80, 7)
const slice = Uint8Array.of(0x41, 0x80, 8)
const laterSlice = Uint8Array.of(0x41, 0x40, 9)

const packet = (sequenceNumber: number, timestamp: number, marker: boolean, ...payload: number[]) => ({
  sequenceNumber,
  timestamp,
  marker,
  payload: Uint8Array.from(payload),
})

/** The NAL units of the frames that a packet completed. */
function units(result: unknown): number[][][] {
  assert.ok(Array.isArray(result), JSON.stringify(result))
  return (result as EncodedFrame[]).map(frame => splitAnnexB(frame.data).map(unit => [...unit]))
}

describe('H.264 byte streams', () => {
  it('are split at start codes of three and of four bytes, without trailing zeros', () => {
    const stream = Uint8Array.of(9, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 0, 1, 0x65, 0, 1, 3, 0, 0)
    assert.deepEqual(
      splitAnnexB(stream).map(unit => [...unit]),
      [
        [0x67, 1],
        [0x68, 2],
        [0x65, 0, 1, 3],
      ],
    )
    assert.deepEqual(splitAnnexB(Uint8Array.of(0, 0, 1, 0, 0, 1)), [])
    assert.deepEqual(splitAnnexB(Uint8Array.of(1, 2, 3)), [])
    assert.deepEqual(splitAnnexB(new Uint8Array(0)), [])
  })

  it('are keyframes if they hold a slice of an IDR picture', () => {
    assert.equal(isH264Keyframe(joinAnnexB([sps, pps, idr])), true)
    assert.equal(isH264Keyframe(joinAnnexB([sps, pps, slice])), false)
  })
})

describe('the H.264 packetizer', () => {
  it('puts small units into one packet, with the highest NRI of them', () => {
    const [payload, ...others] = new H264Packetizer().packetize({ data: joinAnnexB([sps, pps, slice]) })
    assert.deepEqual(others, [])
    assert.equal(payload?.marker, true)
    assert.deepEqual([...(payload?.payload ?? [])], [0x78, 0, 3, ...sps, 0, 2, ...pps, 0, 3, ...slice])
  })

  it('cuts large units, with S on the first and E on the last piece', () => {
    const unit = Uint8Array.of(0x65, ...new Uint8Array(30).fill(0xab))
    const payloads = new H264Packetizer({ maxPayloadBytes: 16 }).packetize({ data: joinAnnexB([unit]) })
    assert.deepEqual(
      payloads.map(({ payload, marker }) => [payload[0], payload[1], payload.length, marker]),
      [
        [0x7c, 0x85, 12, false],
        [0x7c, 0x05, 12, false],
        [0x7c, 0x45, 12, true],
      ],
    )
  })

  it('sends nothing but single units in mode 0, and refuses those that do not fit', () => {
    const packetizer = new H264Packetizer({ mode: 0, maxPayloadBytes: 16 })
    const payloads = packetizer.packetize({ data: joinAnnexB([sps, pps, idr]) })
    assert.deepEqual(
      payloads.map(({ payload, marker }) => [nalType(payload), marker]),
      [
        [7, false],
        [8, false],
        [5, true],
      ],
    )
    const large = joinAnnexB([Uint8Array.of(0x65, ...new Uint8Array(16).fill(1))])
    assert.throws(() => packetizer.packetize({ data: large }), PayloadError)
    assert.throws(() => packetizer.packetize({ data: Uint8Array.of(0x65, 1) }), PayloadError)
  })

  it('repeats the parameter sets before IDR pictures that come without', () => {
    const send = (packetizer: H264Packetizer, frame: readonly Uint8Array[]) =>
      packetizer.packetize({ data: joinAnnexB(frame) }).map(({ payload }) => nalType(payload))
    const repeating = new H264Packetizer({ mode: 0 })
    assert.deepEqual(send(repeating, [idr]), [5])
    assert.deepEqual(send(repeating, [sps, pps, idr]), [7, 8, 5])
    assert.deepEqual(send(repeating, [slice]), [1])
    assert.deepEqual(send(repeating, [Uint8Array.of(9, 0x10), idr]), [9, 7, 8, 5])
    const plain = new H264Packetizer({ mode: 0, repeatParameterSets: false })
    send(plain, [sps, pps, idr])
    assert.deepEqual(send(plain, [idr]), [5])
  })
})

describe('the H.264 depacketizer', () => {
  it('gives an access unit without marker when the next one begins', () => {
    const depacketizer = new H264Depacketizer()
    assert.deepEqual(depacketizer.push(packet(1, 9, false, ...slice)), [])
    assert.deepEqual(units(depacketizer.push(packet(2, 10, true, ...slice))), [[[...slice]], [[...slice]]])
  })

  it('puts the parameter sets of the session description before IDR pictures that come without', () => {
    const depacketizer = new H264Depacketizer({ parameterSets: [sps, pps] })
    assert.deepEqual(units(depacketizer.push(packet(1, 9, true, ...idr))), [[[...sps], [...pps], [...idr]]])
    assert.deepEqual(units(depacketizer.push(packet(2, 10, true, ...slice))), [[[...slice]]])
    const own = [0x78, 0, 3, ...sps, 0, 2, ...pps, 0, 3, ...idr]
    assert.deepEqual(units(depacketizer.push(packet(3, 11, true, ...own))), [[[...sps], [...pps], [...idr]]])
  })

  it('begins after a loss with what can be the beginning of an access unit', () => {
    const depacketizer = new H264Depacketizer()
    depacketizer.push(packet(1, 9, true, ...slice))
    assert.deepEqual(depacketizer.push(packet(3, 10, true, ...laterSlice)), { drop: 'incomplete' })
    assert.deepEqual(depacketizer.push(packet(5, 11, false, 0x7c, 0x01, 1, 2)), { drop: 'incomplete' })
    assert.deepEqual(
      depacketizer.push(packet(7, 12, true, ...idr)),
      { drop: 'incomplete' },
      'its parameter sets are lost',
    )
    const [frame] = depacketizer.push(packet(9, 13, true, ...slice)) as EncodedFrame[]
    assert.deepEqual([frame?.afterLoss, frame?.keyframe], [true, false])
  })

  it('gives nothing of a unit of which a fragment is missing', () => {
    const depacketizer = new H264Depacketizer()
    depacketizer.push(packet(1, 9, false, 0x7c, 0x81, 0x80, 1))
    assert.deepEqual(depacketizer.push(packet(3, 9, true, 0x7c, 0x41, 1)), { drop: 'incomplete' })
    // A unit that was broken off by the next picture.
    depacketizer.push(packet(4, 10, false, 0x7c, 0x81, 0x80, 1))
    const [frame, ...others] = depacketizer.push(packet(5, 11, true, ...slice)) as EncodedFrame[]
    assert.deepEqual([frame?.timestamp, frame?.afterLoss, others.length], [11, true, 0])
  })

  it('says why it does not take a payload', () => {
    const drops: readonly (readonly [string, string, ...number[]])[] = [
      ['malformed', 'an aggregate of nothing', 0x78],
      ['malformed', 'half a length', 0x78, 0],
      ['malformed', 'a unit beyond the end', 0x78, 0, 9, ...sps],
      ['malformed', 'an empty unit', 0x78, 0, 3, ...sps, 0, 0],
      ['malformed', 'an aggregate in an aggregate', 0x78, 0, 3, ...sps, 0, 1, 0x78],
      ['malformed', 'S and E at once', 0x7c, 0xc1, 0x80],
      ['malformed', 'a fragment of an aggregate', 0x7c, 0x98, 0x80],
      ['incomplete', 'a fragment without header', 0x7c],
      ['unsupported', 'STAP-B', 0x79, 0, 0, 0, 3, ...sps],
      ['unsupported', 'FU-B', 0x7d, 0x81, 0, 0, 1],
    ]
    for (const [drop, what, ...payload] of drops) {
      const depacketizer = new H264Depacketizer()
      if (drop !== 'incomplete') depacketizer.push(packet(1, 8, true, ...slice))
      assert.deepEqual(depacketizer.push(packet(2, 9, true, ...payload)), { drop }, what)
    }
    const within = new H264Depacketizer()
    within.push(packet(1, 9, false, 0x7c, 0x81, 0x80, 1))
    assert.deepEqual(within.push(packet(2, 9, true, ...laterSlice)), { drop: 'malformed' }, 'between fragments')
  })

  it('ignores reserved types, in the middle of an access unit too', () => {
    const depacketizer = new H264Depacketizer()
    depacketizer.push(packet(1, 9, false, ...slice))
    assert.deepEqual(depacketizer.push(packet(2, 9, false, 0x1f, 1)), { drop: 'unsupported' })
    assert.deepEqual(depacketizer.push(packet(3, 9, false, 0x00, 1)), { drop: 'unsupported' })
    assert.deepEqual(units(depacketizer.push(packet(4, 9, true, ...laterSlice))), [[[...slice], [...laterSlice]]])
  })
})
