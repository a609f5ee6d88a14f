import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

import { skipOrFail } from '../../dtls/program.ts'

/** Skips, visibly, where ffmpeg is missing or was built without an encoder or decoder. In CI it has to be there. */
export function requireFfmpeg(context: Mocha.Context, ...codecs: readonly string[]): void {
  const listed = spawnSync('ffmpeg', ['-hide_banner', '-codecs'], { encoding: 'utf8' })
  if (listed.error !== undefined) skipOrFail(context, 'ffmpeg is not installed')
  for (const codec of codecs) if (!listed.stdout.includes(codec)) skipOrFail(context, `ffmpeg has no ${codec}`)
}

/** Runs ffmpeg, which must not complain, and gives what it wrote. */
export function ffmpeg(args: readonly string[], input: Uint8Array = new Uint8Array(0)): Buffer {
  const all = ['-hide_banner', '-nostdin', '-v', 'error', '-xerror', ...args]
  const run = spawnSync('ffmpeg', all, { input, maxBuffer: 1 << 28 })
  assert.equal(run.error, undefined)
  assert.equal(run.stderr.toString(), '', `ffmpeg ${args.join(' ')}`)
  assert.equal(run.status, 0)
  return run.stdout
}

/** A moving test picture, encoded. */
export function encodeVideo(encoder: string, format: string, ...options: readonly string[]): Buffer {
  const source = 'testsrc2=size=320x240:rate=25:duration=2'
  return ffmpeg(['-f', 'lavfi', '-i', source, '-pix_fmt', 'yuv420p', '-c:v', encoder, ...options, '-f', format, '-'])
}

/** The pictures of a stream, one line with a checksum for each. */
export function pictureChecksums(stream: Uint8Array, format: string): string[] {
  const text = ffmpeg(['-f', format, '-i', '-', '-f', 'framemd5', '-'], stream).toString()
  return text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(',').at(-1)?.trim() ?? '')
}

/** The frames of an IVF file. */
export function ivfFrames(file: Buffer): Uint8Array[] {
  assert.equal(file.toString('latin1', 0, 4), 'DKIF')
  const frames: Uint8Array[] = []
  for (let at = file.readUInt16LE(6); at < file.length; ) {
    const length = file.readUInt32LE(at)
    frames.push(file.subarray(at + 12, at + 12 + length))
    at += 12 + length
  }
  return frames
}

/** An IVF file of frames. */
export function ivfFile(
  fourCc: 'VP80' | 'VP90',
  size: { width: number; height: number },
  frames: readonly Uint8Array[],
): Buffer {
  const header = Buffer.alloc(32)
  header.write('DKIF')
  header.writeUInt16LE(32, 6)
  header.write(fourCc, 8)
  header.writeUInt16LE(size.width, 12)
  header.writeUInt16LE(size.height, 14)
  header.writeUInt32LE(25, 16)
  header.writeUInt32LE(1, 20)
  header.writeUInt32LE(frames.length, 24)
  const parts: Uint8Array[] = [header]
  frames.forEach((frame, i) => {
    const head = Buffer.alloc(12)
    head.writeUInt32LE(frame.length, 0)
    head.writeUInt32LE(i, 4)
    parts.push(head, frame)
  })
  return Buffer.concat(parts)
}

/** The packets of an Ogg file with one Opus stream, without its two headers: RFC 3533 §6, RFC 7845 §3. */
export function oggPackets(file: Buffer): Uint8Array[] {
  const packets: Uint8Array[] = []
  let open: Uint8Array[] = []
  for (let at = 0; at < file.length; ) {
    assert.equal(file.toString('latin1', at, at + 4), 'OggS')
    const segments = file.readUInt8(at + 26)
    let data = at + 27 + segments
    for (let i = 0; i < segments; i++) {
      const length = file.readUInt8(at + 27 + i)
      open.push(file.subarray(data, data + length))
      data += length
      if (length === 255) continue
      packets.push(Buffer.concat(open))
      open = []
    }
    at = data
  }
  return packets.slice(2)
}
