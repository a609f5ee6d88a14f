import assert from 'node:assert/strict'

import { AudioDepacketizer, G711Packetizer, OpusDepacketizer, OpusPacketizer } from '../../../src/rtp/payload/audio.ts'
import type { Depacketizer, Packetizer } from '../../../src/rtp/payload/frame.ts'
import { decodeALaw, decodeMuLaw, encodeALaw, encodeMuLaw } from '../../../src/rtp/payload/g711.ts'
import { H264Depacketizer } from '../../../src/rtp/payload/h264-depacketizer.ts'
import { isH264Keyframe, joinAnnexB, NalType, nalType, splitAnnexB } from '../../../src/rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../../src/rtp/payload/h264-packetizer.ts'
import { opusSamples } from '../../../src/rtp/payload/opus.ts'
import { isVp8Keyframe, Vp8Depacketizer, Vp8Packetizer, vp8PictureSize } from '../../../src/rtp/payload/vp8.ts'
import { isVp9Keyframe, Vp9Depacketizer, Vp9Packetizer } from '../../../src/rtp/payload/vp9.ts'
import { encodeVideo, ffmpeg, ivfFile, ivfFrames, oggPackets, pictureChecksums, requireFfmpeg } from './ffmpeg.ts'
import { depacketize, TestSender } from './network.ts'

const size = { width: 320, height: 240 }

/** Sends frames through a payload format, and checks that they come out as they went in. */
function throughRtp(frames: readonly Uint8Array[], packetizer: Packetizer, depacketizer: Depacketizer): Uint8Array[] {
  const sender = new TestSender(3_600)
  const packets = frames.flatMap(data => sender.send(packetizer.packetize({ data })))
  for (const { payload } of packets) assert.ok(payload.length <= 1_200)
  const received = depacketize(depacketizer, packets).map(frame => frame.data)
  assert.equal(received.length, frames.length)
  for (const [i, data] of received.entries())
    assert.deepEqual(Buffer.from(data), Buffer.from(frames[i] ?? []), `frame ${i}`)
  return received
}

/** The access units of a byte stream in which each begins with a delimiter. */
function accessUnits(stream: Uint8Array): Uint8Array[] {
  const units: Uint8Array[][] = []
  for (const unit of splitAnnexB(stream)) {
    if (nalType(unit) === NalType.accessUnitDelimiter) units.push([])
    units.at(-1)?.push(unit)
  }
  return units.map(joinAnnexB)
}

describe('real media by way of RTP payloads', () => {
  before(function () {
    requireFfmpeg(this, 'libx264', 'libvpx', 'libvpx-vp9', 'libopus')
  })

  it('VP8 of libvpx decodes to the same pictures', () => {
    const stream = encodeVideo('libvpx', 'ivf', '-b:v', '1M', '-g', '20', '-auto-alt-ref', '0', '-lag-in-frames', '0')
    const frames = ivfFrames(stream)
    assert.deepEqual(
      frames.flatMap((frame, i) => (isVp8Keyframe(frame) ? [i] : [])),
      [0, 20, 40],
    )
    assert.deepEqual(vp8PictureSize(frames[0] ?? new Uint8Array(0)), size)
    const received = throughRtp(frames, new Vp8Packetizer(), new Vp8Depacketizer())
    const pictures = pictureChecksums(ivfFile('VP80', size, received), 'ivf')
    assert.equal(pictures.length, 50)
    assert.deepEqual(pictures, pictureChecksums(stream, 'ivf'))
  })

  it('VP9 of libvpx decodes to the same pictures', () => {
    const options = ['-b:v', '1M', '-g', '20', '-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0']
    const stream = encodeVideo('libvpx-vp9', 'ivf', ...options)
    const frames = ivfFrames(stream)
    assert.deepEqual(
      frames.flatMap((frame, i) => (isVp9Keyframe(frame) ? [i] : [])),
      [0, 20, 40],
    )
    const received = throughRtp(frames, new Vp9Packetizer(), new Vp9Depacketizer())
    assert.deepEqual(pictureChecksums(ivfFile('VP90', size, received), 'ivf'), pictureChecksums(stream, 'ivf'))
  })

  it('H.264 of x264 decodes to the same pictures', () => {
    const options = [
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-g',
      '20',
      '-x264-params',
      'aud=1:repeat-headers=1',
    ]
    const stream = encodeVideo('libx264', 'h264', ...options, '-b:v', '1M')
    const frames = accessUnits(stream)
    assert.equal(frames.length, 50)
    assert.deepEqual(
      frames.flatMap((frame, i) => (isH264Keyframe(frame) ? [i] : [])),
      [0, 20, 40],
    )
    const received = throughRtp(frames, new H264Packetizer(), new H264Depacketizer())
    assert.deepEqual(pictureChecksums(Buffer.concat(received), 'h264'), pictureChecksums(stream, 'h264'))
  })

  it('H.264 in slices decodes in the single NAL unit mode', () => {
    const options = ['-preset', 'ultrafast', '-tune', 'zerolatency', '-x264-params', 'aud=1:slice-max-size=1100']
    const stream = encodeVideo('libx264', 'h264', ...options, '-b:v', '1M')
    const received = throughRtp(accessUnits(stream), new H264Packetizer({ mode: 0 }), new H264Depacketizer())
    assert.deepEqual(pictureChecksums(Buffer.concat(received), 'h264'), pictureChecksums(stream, 'h264'))
  })

  it('Opus of libopus comes out as it went in, in packets of the length they say', () => {
    const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1', '-c:a', 'libopus', '-b:a', '32k']
    for (const [ms, samples] of [
      ['2.5', 120],
      ['20', 960],
      ['60', 2_880],
      ['120', 5_760],
    ] as const) {
      const packets = oggPackets(ffmpeg([...tone, '-frame_duration', ms, '-f', 'ogg', '-']))
      assert.ok(packets.length > 8)
      for (const packet of packets) assert.equal(opusSamples(packet), samples, `${ms} ms`)
      throughRtp(packets, new OpusPacketizer(), new OpusDepacketizer())
    }
  })

  it('PCMU and PCMA are those of ffmpeg, code by code and sample by sample', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const samples = Int16Array.from({ length: 65_536 }, (_, i) => i - 32_768)
    for (const [format, encode, decode] of [
      ['mulaw', encodeMuLaw, decodeMuLaw],
      ['alaw', encodeALaw, decodeALaw],
    ] as const) {
      const decoded = ffmpeg(['-f', format, '-ar', '8000', '-i', '-', '-f', 's16le', '-'], codes)
      const ours = decode(codes)
      assert.deepEqual(Buffer.from(ours.buffer), decoded, format)
      const levels = [...new Set(ours)].sort((x, y) => x - y)
      const back = decode(encode(samples))
      samples.forEach((sample, i) => {
        const level = back[i] ?? Number.NaN
        const at = levels.indexOf(level)
        // Beyond the last level there is nothing to choose from.
        if (sample < (levels[0] ?? 0) || sample > (levels.at(-1) ?? 0)) assert.ok(at === 0 || at === levels.length - 1)
        else {
          const step = Math.max(level - (levels[at - 1] ?? level), (levels[at + 1] ?? level) - level)
          assert.ok(Math.abs(sample - level) <= step / 2, `${format}: ${sample} became ${level}`)
        }
      })
      // Of the two codes for zero in mu-law, one is enough.
      const again = encode(decode(codes))
      assert.deepEqual(
        codes.filter(code => again[code] !== code),
        Uint8Array.from(format === 'mulaw' ? [0x7f] : []),
      )
      throughRtp([encode(samples.subarray(0, 160))], new G711Packetizer(), new AudioDepacketizer())
    }
  })
})
