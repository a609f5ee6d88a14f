import assert from 'node:assert/strict'
import { opusChannels, opusSamples } from '../../src/rtp/payload/opus.ts'
import { isVp8Keyframe, vp8PictureSize } from '../../src/rtp/payload/vp8.ts'
import { movingPicture, movingPictureFrame } from '../../src/testing/moving-picture.ts'
import { opusSilence, opusSilencePacket } from '../../src/testing/opus-silence.ts'
import { SyntheticSource } from '../../src/testing/synthetic-source.ts'
import { encodeVp8Mosaic, type Vp8Color, Vp8MosaicEncoder } from '../../src/testing/vp8-mosaic.ts'
import { ffmpeg, ivfFile, requireFfmpeg } from '../rtp/payload/ffmpeg.ts'
import { prng } from '../support/prng.ts'

/** The planes of a mosaic, pixel by pixel, as raw video has them. */
function planes(width: number, height: number, colorAt: (column: number, row: number) => Vp8Color): Buffer {
  const plane = (channel: keyof Vp8Color, square: number, across: number, down: number): Buffer => {
    const bytes = Buffer.alloc(across * down)
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        bytes[y * across + x] = colorAt(Math.floor(x / square), Math.floor(y / square))[channel]
      }
    }
    return bytes
  }
  const chroma = [8, Math.ceil(width / 2), Math.ceil(height / 2)] as const
  return Buffer.concat([plane('y', 16, width, height), plane('u', ...chroma), plane('v', ...chroma)])
}

describe('synthetic media', () => {
  it('gives frames at their times, with timestamps of their clock', () => {
    const source = new SyntheticSource({ clockRate: 90_000, framesPerSecond: 30, encode: i => Uint8Array.of(i) })
    assert.equal(source.pollTimeout(), undefined)
    const frames: { index: number; timestamp: number; at: number }[] = []
    let now = 5_000
    while (frames.length < 31) {
      const frame = source.pollFrame(now)
      if (frame) frames.push({ index: frame.data[0] ?? -1, timestamp: frame.timestamp, at: now })
      else now = source.pollTimeout() ?? Number.NaN
    }
    assert.deepEqual(frames[0], { index: 0, timestamp: 0, at: 5_000 })
    assert.deepEqual(frames[1]?.timestamp, 3_000)
    assert.deepEqual(frames[30], { index: 30, timestamp: 90_000, at: 6_000 })
  })

  it('begins at a time of zero as at any other', () => {
    const source = opusSilence()
    assert.ok(source.pollFrame(0))
    assert.equal(source.pollTimeout(), 20)
    assert.equal(source.pollFrame(19), undefined)
    assert.equal(source.pollFrame(20)?.timestamp, 960)
  })

  it('leaves frames out after a long pause, and keeps the clock', () => {
    const source = opusSilence()
    source.pollFrame(0)
    assert.equal(source.pollFrame(10_000)?.timestamp, 480_000)
    assert.equal(source.pollFrame(10_000), undefined)
  })

  it('has silent Opus packets of each length, in mono and stereo', () => {
    for (const frameMs of [2.5, 5, 10, 20] as const) {
      for (const channels of [1, 2] as const) {
        const packet = opusSilencePacket({ frameMs, channels })
        assert.equal(opusSamples(packet), 48 * frameMs)
        assert.equal(opusChannels(packet), channels)
      }
    }
  })

  it('has a picture that moves and begins anew nowhere', () => {
    const source = movingPicture()
    const frames = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const frame = source.pollFrame(i * 40)
      assert.ok(frame?.keyframe)
      assert.deepEqual(vp8PictureSize(frame.data), { width: 160, height: 120 })
      assert.ok(frame.data.length < 1_000, `${frame.data.length} bytes`)
      frames.add(Buffer.from(frame.data).toString('base64'))
    }
    assert.ok(frames.size > 8, `${frames.size} different frames`)
  })

  it('refuses pictures that VP8 cannot have', () => {
    for (const [width, height] of [
      [0, 16],
      [16, 16_384],
      [Number.NaN, 16],
    ] as const) {
      assert.throws(() => movingPictureFrame(width, height, 0), RangeError)
      assert.throws(() => new Vp8MosaicEncoder(width, height), RangeError)
    }
  })
})

describe('synthetic media in other decoders', () => {
  before(function () {
    requireFfmpeg(this, 'libvpx', 'libopus')
  })

  it('mosaics of any size and colour come out exactly, of ffmpeg and of libvpx', () => {
    for (const [seed, width, height] of [
      [1, 160, 120],
      [2, 64, 64],
      [3, 71, 33],
      [4, 1, 1],
    ] as const) {
      const random = prng(seed)
      const frames: Uint8Array[] = []
      const expected: Buffer[] = []
      for (let i = 0; i < 8; i++) {
        const any = (): number => [0, 255, 128, random.next() & 0xff][random.next() & 3] ?? 0
        const colors = Array.from({ length: 80 }, () => ({ y: any(), u: any(), v: any() }))
        const colorAt = (column: number, row: number): Vp8Color => colors[row * 10 + column] ?? { y: 0, u: 0, v: 0 }
        frames.push(encodeVp8Mosaic({ width, height, colorAt }))
        expected.push(planes(width, height, colorAt))
      }
      for (const decoder of ['vp8', 'libvpx']) {
        const file = ivfFile('VP80', { width, height }, frames)
        const args = ['-c:v', decoder, '-f', 'ivf', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-']
        assert.ok(ffmpeg(args, file).equals(Buffer.concat(expected)), `seed ${seed}, ${width} x ${height}, ${decoder}`)
      }
    }
  })

  it('mosaics that build upon one another come out exactly, of ffmpeg and of libvpx', () => {
    for (const [seed, width, height] of [
      [1, 160, 120],
      [2, 64, 64],
      [3, 71, 33],
      [4, 1, 1],
    ] as const) {
      const random = prng(seed)
      const any = (): number => [0, 255, 128, random.next() & 0xff][random.next() & 3] ?? 0
      const color = (): Vp8Color => ({ y: any(), u: any(), v: any() })
      const colors = Array.from({ length: 80 }, color)
      const encoder = new Vp8MosaicEncoder(width, height)
      const frames: Uint8Array[] = []
      const expected: Buffer[] = []
      for (let i = 0; i < 40; i++) {
        // Few, none or most of the squares are others than before.
        const changes = i % 4 === 3 ? 0 : random.next() % (i % 7 === 0 ? 80 : 6)
        for (let j = 0; j < changes; j++) colors[random.next() % colors.length] = color()
        const colorAt = (column: number, row: number): Vp8Color => colors[row * 10 + column] ?? { y: 0, u: 0, v: 0 }
        const frame = encoder.encode(colorAt, i === 20)
        assert.deepEqual([frame.keyframe, isVp8Keyframe(frame.data)], [i % 20 === 0, i % 20 === 0])
        if (changes === 0 && !frame.keyframe)
          assert.ok(frame.data.length < 30, `${frame.data.length} bytes for nothing`)
        frames.push(frame.data)
        expected.push(planes(width, height, colorAt))
      }
      for (const decoder of ['vp8', 'libvpx']) {
        const file = ivfFile('VP80', { width, height }, frames)
        const args = ['-c:v', decoder, '-f', 'ivf', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-']
        assert.ok(ffmpeg(args, file).equals(Buffer.concat(expected)), `seed ${seed}, ${width} x ${height}, ${decoder}`)
      }
    }
  })

  it('Opus silence is silent, of ffmpeg and of libopus', () => {
    for (const frameMs of [2.5, 5, 10, 20] as const) {
      for (const channels of [1, 2] as const) {
        const file = oggOpus(opusSilencePacket({ frameMs, channels }), 50, 48 * frameMs, channels)
        for (const decoder of ['opus', 'libopus']) {
          const samples = ffmpeg(['-c:a', decoder, '-f', 'ogg', '-i', '-', '-f', 's16le', '-'], file)
          const what = `${decoder}, ${frameMs} ms, ${channels} channels`
          assert.equal(samples.length, 50 * 48 * frameMs * channels * 2, what)
          assert.ok(
            samples.every(byte => byte === 0),
            what,
          )
        }
      }
    }
  })
})

/** An Ogg file that repeats an Opus packet: RFC 3533 §6, RFC 7845 §5. */
function oggOpus(packet: Uint8Array, count: number, samples: number, channels: number): Buffer {
  const head = Buffer.concat([Buffer.from('OpusHead'), Buffer.from([1, channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0])])
  const tags = Buffer.concat([Buffer.from('OpusTags'), Buffer.alloc(8)])
  const pages = [oggPage(head, 0, 0, 2), oggPage(tags, 1, 0, 0)]
  for (let i = 0; i < count; i++) pages.push(oggPage(packet, i + 2, (i + 1) * samples, i === count - 1 ? 4 : 0))
  return Buffer.concat(pages)
}

function oggPage(packet: Uint8Array, sequence: number, position: number, flags: number): Buffer {
  const header = Buffer.alloc(28)
  header.write('OggS')
  header[5] = flags
  header.writeUInt32LE(position, 6)
  header.writeUInt32LE(1, 14)
  header.writeUInt32LE(sequence, 18)
  header[26] = 1
  header[27] = packet.length
  const page = Buffer.concat([header, packet])
  let checksum = 0
  for (const byte of page) {
    checksum ^= byte << 24
    for (let i = 0; i < 8; i++) checksum = checksum < 0 ? (checksum << 1) ^ 0x04c1_1db7 : checksum << 1
  }
  page.writeUInt32LE(checksum >>> 0, 22)
  return page
}
