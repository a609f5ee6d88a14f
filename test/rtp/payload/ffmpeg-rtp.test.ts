import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { serializeRtp } from '../../../src/rtp/packet.ts'
import { OpusPacketizer } from '../../../src/rtp/payload/audio.ts'
import type { Packetizer } from '../../../src/rtp/payload/frame.ts'
import { joinAnnexB, NalType, nalType, splitAnnexB } from '../../../src/rtp/payload/h264-nal.ts'
import { H264Packetizer } from '../../../src/rtp/payload/h264-packetizer.ts'
import { Vp8Packetizer } from '../../../src/rtp/payload/vp8.ts'
import { Vp9Packetizer } from '../../../src/rtp/payload/vp9.ts'
import { movingPictureFrame } from '../../../src/testing/moving-picture.ts'
import { opusSilencePacket } from '../../../src/testing/opus-silence.ts'
import { freePort, Program } from '../../dtls/program.ts'
import { encodeVideo, ivfFile, ivfFrames, pictureChecksums, requireFfmpeg } from './ffmpeg.ts'
import { TestSender } from './network.ts'

interface Stream {
  readonly media: 'video' | 'audio'
  readonly rtpmap: string
  readonly fmtp?: string
  readonly packetizer: Packetizer
  readonly frames: readonly Uint8Array[]
  /** Of the clock, from one frame to the next. */
  readonly ticks: number
  readonly intervalMs: number
}

/** Sends a stream as RTP to ffmpeg, and gives the checksums of what that decoded: `count` frames at least. */
async function decodedByFfmpeg(stream: Stream, count: number): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'icefloe-rtp-'))
  const port = await freePort()
  const description = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
    ...[`m=${stream.media} ${port} RTP/AVP 96`, `a=rtpmap:96 ${stream.rtpmap}`],
    ...(stream.fmtp ? [`a=fmtp:96 ${stream.fmtp}`] : []),
  ]
  const file = join(folder, 'stream.sdp')
  writeFileSync(file, `${description.join('\r\n')}\r\n`)
  const input = ['-protocol_whitelist', 'file,udp,rtp', '-reorder_queue_size', '0', '-i', file]
  const output = ['-map', '0', '-fps_mode', 'passthrough', '-flush_packets', '1', '-f', 'framemd5', '-']
  const program = new Program('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...input, ...output])
  const socket = createSocket('udp4')
  const checksums = (output: string): string[] =>
    output
      .split('\n')
      .filter(line => /^\d+,.*[0-9a-f]{32}$/.test(line))
      .map(line => line.slice(-32))
  const sender = new TestSender(stream.ticks, 1, 0)
  const send = async (data: Uint8Array): Promise<void> => {
    for (const { frame: _frame, ...packet } of sender.send(stream.packetizer.packetize({ data }))) {
      const rest = { payloadType: 96, ssrc: 1, csrcs: [], extension: undefined, paddingLength: 0 }
      socket.send(serializeRtp({ ...packet, ...rest }), port, '127.0.0.1')
    }
    await new Promise(resolve => setTimeout(resolve, stream.intervalMs))
  }
  try {
    // What is sent before ffmpeg listens is lost: the first frame, which needs no other, goes on until it was decoded.
    const [first] = stream.frames
    assert.ok(first)
    for (let i = 0; i < 1_000 && checksums(program.output).length === 0; i++) await send(first)
    const from = program.output.length
    const decoded = (): string[] => checksums(program.output.slice(program.output.indexOf('\n', from) + 1))
    for (let round = 0; round < 10 && decoded().length < count; round++) {
      for (const frame of stream.frames) await send(frame)
    }
    const complaints = program.output.slice(from).match(/.*(error|invalid|corrupt|not all).*/gi)
    assert.deepEqual(complaints, null)
    return decoded()
  } finally {
    socket.close()
    await program.stop()
    rmSync(folder, { recursive: true })
  }
}

/** Checks that ffmpeg decoded nothing but the pictures of a stream, each as good as it was. */
function assertPictures(decoded: readonly string[], pictures: readonly string[], count: number): void {
  const known = new Set(pictures)
  assert.ok(decoded.length >= count, `${decoded.length} pictures`)
  assert.deepEqual(
    decoded.filter(picture => !known.has(picture)),
    [],
  )
}

describe('RTP to ffmpeg', () => {
  before(function () {
    requireFfmpeg(this, 'libx264', 'libvpx', 'libvpx-vp9', 'libopus')
  })

  const size = { width: 320, height: 240 }
  const video = { media: 'video', ticks: 3_600, intervalMs: 8 } as const
  const realtime = ['-deadline', 'realtime', '-cpu-used', '8', '-lag-in-frames', '0', '-b:v', '500k', '-g', '10']

  it('is VP8', async () => {
    const frames = ivfFrames(encodeVideo('libvpx', 'ivf', ...realtime, '-auto-alt-ref', '0'))
    const stream = { ...video, rtpmap: 'VP8/90000', packetizer: new Vp8Packetizer({ firstPictureId: 0x7fe0 }), frames }
    assertPictures(await decodedByFfmpeg(stream, 60), pictureChecksums(ivfFile('VP80', size, frames), 'ivf'), 60)
  })

  it('is VP9', async () => {
    const frames = ivfFrames(encodeVideo('libvpx-vp9', 'ivf', ...realtime))
    const scalability = { spatialLayers: 1, sizes: [size], group: [] }
    const stream = { ...video, rtpmap: 'VP9/90000', packetizer: new Vp9Packetizer({ scalability }), frames }
    assertPictures(await decodedByFfmpeg(stream, 60), pictureChecksums(ivfFile('VP90', size, frames), 'ivf'), 60)
  })

  it('is H.264, in single units, aggregates and fragments', async () => {
    const x264 = ['-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10', '-x264-params', 'aud=1:repeat-headers=1']
    const encoded = encodeVideo('libx264', 'h264', ...x264, '-b:v', '500k')
    const units: Uint8Array[][] = []
    for (const unit of splitAnnexB(encoded)) {
      if (nalType(unit) === NalType.accessUnitDelimiter) units.push([])
      units.at(-1)?.push(unit)
    }
    const fmtp = 'packetization-mode=1'
    const stream = {
      ...video,
      rtpmap: 'H264/90000',
      fmtp,
      packetizer: new H264Packetizer(),
      frames: units.map(joinAnnexB),
    }
    assertPictures(await decodedByFfmpeg(stream, 60), pictureChecksums(encoded, 'h264'), 60)
  })

  it('is our own moving picture in VP8', async () => {
    const frames = Array.from({ length: 60 }, (_, i) => movingPictureFrame(160, 120, i / 30))
    const stream = { ...video, rtpmap: 'VP8/90000', packetizer: new Vp8Packetizer(), frames }
    const pictures = pictureChecksums(ivfFile('VP80', { width: 160, height: 120 }, frames), 'ivf')
    assertPictures(await decodedByFfmpeg(stream, 60), pictures, 60)
  })

  it('is our own silence in Opus', async () => {
    const frames = Array.from({ length: 60 }, () => opusSilencePacket({ channels: 2 }))
    const packetizer = new OpusPacketizer()
    const stream = { media: 'audio', ticks: 960, intervalMs: 8, rtpmap: 'opus/48000/2', packetizer, frames } as const
    const decoded = await decodedByFfmpeg(stream, 60)
    assert.ok(decoded.length >= 60, `${decoded.length} frames`)
    assert.equal(new Set(decoded).size, 1, 'silence is always the same')
  })
})
