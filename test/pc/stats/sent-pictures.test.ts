import assert from 'node:assert/strict'
import { markReader } from '../../../src/pc/stats/picture-marks.ts'
import { QualityLimitation } from '../../../src/pc/stats/quality-limitation.ts'
import { SampleMeter } from '../../../src/pc/stats/sample-meter.ts'
import { SentPictures } from '../../../src/pc/stats/sent-pictures.ts'
import { opusSilencePacket } from '../../../src/testing/opus-silence.ts'

const vp8 = markReader('video/VP8')
const clockRate = 90_000

function keyframe(width: number, height: number, bytes = 11): Uint8Array {
  const frame = new Uint8Array(bytes)
  frame.set([0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, width & 0xff, width >> 8, height & 0xff, height >> 8])
  return frame
}

function delta(bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes)
  frame.set([0x10, 0x11, 2, 0])
  return frame
}

describe('The pictures of a stream that is sent', () => {
  it('are measured against what the target has room for', () => {
    const pictures = new SentPictures()
    // 240 kbit/s at 30 a second: 1000 bytes each
    const sizes = [1_000, 900, 2_499, 2_500, 100]
    sizes.forEach((bytes, index) => {
      const payload = index === 0 ? keyframe(320, 180, bytes) : delta(bytes)
      pictures.packet({ timestamp: index * 3_000, marker: true, payload }, vp8, clockRate, 240_000, index * 33)
    })
    assert.deepEqual([pictures.frames, pictures.keyFrames, pictures.hugeFrames], [5, 1, 1])
    // The first one has none before it, so that nobody knows how long it lasts.
    assert.equal(Math.round(pictures.targetBytes), 4_000)
    assert.deepEqual(pictures.size, { width: 320, height: 180 })
  })

  it('end with the marker, or where the next one begins', () => {
    const pictures = new SentPictures()
    for (const [timestamp, marker] of [
      [0, false],
      [0, true],
      [3_000, false],
      [6_000, true],
    ] as const)
      pictures.packet({ timestamp, marker, payload: delta(10) }, vp8, clockRate, undefined, 0)
    assert.equal(pictures.frames, 3)
    assert.deepEqual([pictures.targetBytes, pictures.hugeFrames], [0, 0])
  })

  it('tell when they have another size', () => {
    const pictures = new SentPictures()
    const sizes = [320, 320, 640, 320].map((width, index) => {
      const payload = keyframe(width, 180)
      return pictures.packet({ timestamp: index * 3_000, marker: true, payload }, vp8, clockRate, undefined, 0)
    })
    assert.deepEqual(sizes, [false, false, true, true])
  })
})

describe('What limits the quality of an encoding', () => {
  it('is told with how long it did, and the sizes that it brought', () => {
    const limitation = new QualityLimitation(1_000)
    limitation.resized()
    assert.equal(limitation.resolutionChanges, 0)
    limitation.become('bandwidth', 3_000)
    limitation.resized()
    limitation.become('none', 4_500)
    limitation.resized()
    limitation.resized()
    assert.equal(limitation.resolutionChanges, 2)
    assert.equal(limitation.reason, 'none')
    assert.deepEqual(limitation.durations(5_000), { none: 2.5, cpu: 0, bandwidth: 1.5, other: 0 })
  })
})

describe('The samples of a stream of audio', () => {
  const opus = { mimeType: 'audio/opus', clockRate: 48_000, channels: 2 }

  it('have the energy that their levels tell', () => {
    const meter = new SampleMeter()
    const packet = Uint8Array.of(0xfc, 1, 2, 3)
    for (let i = 0; i < 50; i++) meter.packet(packet, opus, 20)
    assert.deepEqual([meter.samples, Math.round(meter.duration * 1_000)], [48_000, 1_000])
    assert.equal(meter.audioLevel, 0.1)
    assert.ok(Math.abs(Number(meter.totalAudioEnergy) - 0.01) < 1e-12)
    meter.packet(packet, opus, 127)
    assert.equal(meter.audioLevel, 0)
  })

  it('are silent where the codec says so, and of unknown energy where nothing does', () => {
    const meter = new SampleMeter()
    meter.packet(opusSilencePacket(), opus, undefined)
    assert.deepEqual([meter.samples, meter.audioLevel, meter.totalAudioEnergy], [960, 0, 0])
    meter.packet(Uint8Array.of(0xfc, 1, 2, 3), opus, undefined)
    meter.packet(Uint8Array.of(0xfc, 1, 2, 3), opus, 10)
    assert.deepEqual([meter.samples, meter.audioLevel, meter.totalAudioEnergy], [3 * 960, undefined, undefined])
  })

  it('are not in packets of tones, or of nothing', () => {
    const meter = new SampleMeter()
    meter.packet(Uint8Array.of(1, 2, 3, 4), { mimeType: 'audio/telephone-event', clockRate: 48_000 }, undefined)
    meter.packet(new Uint8Array(0), opus, undefined)
    assert.deepEqual([meter.samples, meter.totalAudioEnergy], [0, 0])
  })
})
