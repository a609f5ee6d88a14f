import { readFile } from 'node:fs/promises'

export interface TimedFrame {
  readonly data: Uint8Array
  /** From the beginning of the file. */
  readonly seconds: number
}

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 12

/**
 * A file as vpxenc writes it: a header with the codec and the unit of time, and frames with their lengths and times.
 *
 * @throws {Error} if it is none
 */
export async function readIvf(path: string): Promise<{ readonly codec: 'VP8' | 'VP9'; readonly frames: TimedFrame[] }> {
  const file = await readFile(path)
  const codec = { VP80: 'VP8', VP90: 'VP9' }[file.toString('latin1', 8, 12)] as 'VP8' | 'VP9' | undefined
  if (file.length < HEADER_BYTES || file.toString('latin1', 0, 4) !== 'DKIF' || codec === undefined) {
    throw new Error(`${path} is no IVF file with VP8 or VP9`)
  }
  const [perSecond, scale] = [file.readUInt32LE(16), file.readUInt32LE(20)]
  if (perSecond === 0) throw new Error(`${path} does not say what its times mean`)
  const frames: TimedFrame[] = []
  for (let at = file.readUInt16LE(6); at + FRAME_HEADER_BYTES <= file.length; ) {
    const start = at + FRAME_HEADER_BYTES
    const end = start + file.readUInt32LE(at)
    const seconds = (Number(file.readBigUInt64LE(at + 4)) * scale) / perSecond
    frames.push({ data: file.subarray(start, end), seconds })
    at = end
  }
  return { codec, frames }
}
