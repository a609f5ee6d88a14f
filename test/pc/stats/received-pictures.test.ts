import assert from 'node:assert/strict'
import { markReader } from '../../../src/pc/stats/picture-marks.ts'
import { maxPendingPictures, ReceivedPictures } from '../../../src/pc/stats/received-pictures.ts'
import type { RtpPacket } from '../../../src/rtp/packet.ts'
import { prng } from '../../support/prng.ts'
import { packet } from '../rtp/fakes.ts'

const vp8 = markReader('video/VP8')
const keyframe = Uint8Array.of(0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1)
const delta = Uint8Array.of(0x10, 0x11, 2, 0)
const rest = Uint8Array.of(0x00, 1, 2, 3)

/** A stream of pictures of three packets each; the first is a keyframe. */
function stream(pictures: number, firstSequence = 65_530): RtpPacket[] {
  return Array.from({ length: pictures * 3 }, (_, index) => {
    const picture = Math.floor(index / 3)
    const payload = index % 3 > 0 ? rest : picture === 0 ? keyframe : delta
    return packet({
      sequenceNumber: (firstSequence + index) & 0xffff,
      timestamp: picture * 3_000,
      marker: index % 3 === 2,
      payload,
    })
  })
}

function receive(packets: readonly RtpPacket[], stepMs = 10): ReceivedPictures {
  const pictures = new ReceivedPictures()
  packets.forEach((each, index) => void pictures.packet(each, vp8, 1_000 + index * stepMs))
  return pictures
}

describe('The pictures of a stream that is received', () => {
  it('are counted when they are whole, over the wrap of the numbers, with their size and their time', () => {
    const { framesReceived, framesDecoded, keyFramesDecoded, framesDropped, size, ...told } = receive(stream(40))
    assert.deepEqual([framesReceived, framesDecoded, keyFramesDecoded, framesDropped], [40, 40, 1, 0])
    assert.deepEqual(size, { width: 640, height: 360 })
    assert.equal(told.framesAssembledFromMultiplePackets, 40)
    assert.ok(Math.abs(told.totalAssemblyTime - 40 * 0.02) < 1e-9)
    assert.ok(Math.abs(told.totalDelay - 40 * 0.02) < 1e-9 && told.totalDelay === told.totalDecodedDelay)
    assert.equal(told.emitted, 40)
    // One each 30 ms: those after the last second began.
    assert.equal(told.rate.framesPerSecond(1_000 + 119 * 10), 34)
    assert.equal(told.rate.framesPerSecond(10_000), 0)
    assert.deepEqual(told.last, { timestamp: 39 * 3_000, at: 1_000 + 119 * 10 })
  })

  it('wait for packets that are late, and go on in order', () => {
    const packets = stream(10)
    const [late] = packets.splice(7, 1)
    assert.ok(late)
    packets.splice(15, 0, late)
    const pictures = new ReceivedPictures()
    packets.slice(0, 15).forEach((each, index) => void pictures.packet(each, vp8, index))
    assert.deepEqual([pictures.framesReceived, pictures.framesDecoded], [4, 2])
    packets.slice(15).forEach((each, index) => void pictures.packet(each, vp8, 20 + index))
    assert.deepEqual([pictures.framesReceived, pictures.framesDecoded, pictures.framesDropped], [10, 10, 0])
  })

  it('are given up after a while when packets are lost, with those that build upon them', () => {
    const lossy = stream(200).filter((_, index) => index !== 10)
    const pictures = receive(lossy)
    assert.equal(pictures.framesDecoded, 3)
    assert.equal(pictures.framesReceived, 199)
    assert.ok(pictures.framesDropped > 150)
    const late = stream(200)[10]
    assert.ok(late)
    pictures.packet(late, vp8, 9_000)
    assert.deepEqual([pictures.latePackets, pictures.framesReceived], [1, 199])
  })

  it('go on with the next keyframe after a loss', () => {
    const packets = stream(100).map((each, index) => (index === 150 ? { ...each, payload: keyframe } : each))
    const pictures = receive(packets.filter((_, index) => index !== 5))
    // The first is whole, the second is not, and those from the 51st on are good again.
    assert.deepEqual([pictures.framesDecoded, pictures.keyFramesDecoded], [1 + 50, 2])
    assert.equal(pictures.framesDecoded + pictures.framesDropped, 100)
  })

  it('are not disturbed by padding between them, which takes numbers alone', () => {
    const packets = stream(3, 100).map((each, index) => ({
      ...each,
      sequenceNumber: 100 + index + (index > 5 ? 1 : 0),
    }))
    packets.splice(6, 0, packet({ sequenceNumber: 106, timestamp: 3_000, payload: new Uint8Array(0) }))
    assert.deepEqual([receive(packets).framesDecoded, receive(packets).framesReceived], [3, 3])
  })

  it('are counted of codecs that nobody here can read, but not judged', () => {
    const pictures = new ReceivedPictures()
    for (const each of stream(5)) pictures.packet(each, undefined, 0)
    assert.deepEqual([pictures.framesReceived, pictures.framesDecoded, pictures.keyFramesDecoded], [5, 5, 0])
  })

  it('freeze and pause when one comes much later than the others did', () => {
    const pictures = new ReceivedPictures()
    let now = 0
    stream(60).forEach((each, index) => {
      // 30 ms each; then 200 ms, and 6 s
      now += index === 120 ? 200 : index === 150 ? 6_000 : 10
      pictures.packet(each, vp8, now)
    })
    assert.deepEqual([pictures.pace.freezeCount, pictures.pace.pauseCount], [2, 1])
    assert.ok(Math.abs(pictures.pace.totalFreezesDuration - (0.22 + 6.02)) < 1e-9)
    assert.ok(Math.abs(pictures.pace.totalPausesDuration - 6.02) < 1e-9)
    assert.ok(Math.abs(pictures.pace.totalInterFrameDelay - (57 * 0.03 + 0.22 + 6.02)) < 1e-9)
  })

  it('are remembered of a bounded number, whatever comes', () => {
    const pictures = new ReceivedPictures()
    // Each is a picture of its own that never ends.
    for (let index = 0; index < 10 * maxPendingPictures; index++) {
      const lost = packet({ sequenceNumber: index * 2, timestamp: index, payload: delta })
      pictures.packet(lost, vp8, 0)
    }
    assert.equal(pictures.framesDropped, 9 * maxPendingPictures)
    assert.equal(pictures.framesDecoded, 0)
  })

  it('are counted consistently of 10^5 packets of any kind', () => {
    const seed = 4_711
    const random = prng(seed)
    const pictures = new ReceivedPictures()
    const readers = [vp8, markReader('video/VP9'), markReader('video/h264'), undefined]
    let now = 0
    for (let index = 0; index < 100_000; index++) {
      const [kind = 0, low = 0, high = 0, length = 0] = random.bytes(4)
      now += kind & 3
      const base = kind < 4 ? (high << 8) | low : (index + (low & 7)) & 0xffff
      const each = packet({
        sequenceNumber: base,
        timestamp: (Math.floor(index / 3) * 3_000) >>> 0,
        marker: (low & 0x30) === 0,
        payload: random.bytes(length & 31),
      })
      pictures.packet(each, readers[Math.floor(index / 25_000)], now)
      const { framesReceived, framesDecoded, keyFramesDecoded, emitted } = pictures
      assert.ok(keyFramesDecoded <= framesDecoded && framesDecoded <= emitted && emitted <= framesReceived, `${seed}`)
    }
    assert.ok(pictures.framesReceived > 0 && pictures.framesDropped > 0, `${seed}`)
  })
})
