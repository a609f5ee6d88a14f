import { writeFile } from 'node:fs/promises'
import {
  EncodedAudioPacketSource,
  EncodedPacket,
  EncodedVideoPacketSource,
  FilePathTarget,
  OggOutputFormat,
  Output,
  type OutputFormat,
  WebMOutputFormat,
} from 'mediabunny'
import { movingPictureFrame, opusSilencePacket } from '../../src/testing/index.ts'

export const picture = { width: 160, height: 120 } as const

const FRAMES_PER_SECOND = 25
const OPUS_SECONDS = 0.02

/** A moving picture and silence, of so many seconds. */
export async function writeWebm(path: string, seconds: number): Promise<void> {
  const video = new EncodedVideoPacketSource('vp8')
  const audio = new EncodedAudioPacketSource('opus')
  const output = outputTo(path, new WebMOutputFormat())
  output.addVideoTrack(video)
  output.addAudioTrack(audio)
  await output.start()
  await Promise.all([addPictures(video, seconds), addSilence(audio, seconds)])
  await output.finalize()
}

/** Silence, of so many seconds. */
export async function writeOgg(path: string, seconds: number): Promise<void> {
  const audio = new EncodedAudioPacketSource('opus')
  const output = outputTo(path, new OggOutputFormat())
  output.addAudioTrack(audio)
  await output.start()
  await addSilence(audio, seconds)
  await output.finalize()
}

/** A moving picture, as vpxenc would write it. */
export async function writeIvf(path: string, seconds: number): Promise<void> {
  const header = Buffer.alloc(32)
  header.write('DKIF')
  header.writeUInt16LE(32, 6)
  header.write('VP80', 8)
  header.writeUInt16LE(picture.width, 12)
  header.writeUInt16LE(picture.height, 14)
  header.writeUInt32LE(FRAMES_PER_SECOND, 16)
  header.writeUInt32LE(1, 20)
  const parts: Uint8Array[] = [header]
  for (let index = 0; index < seconds * FRAMES_PER_SECOND; index++) {
    const data = frame(index)
    const frameHeader = Buffer.alloc(12)
    frameHeader.writeUInt32LE(data.length, 0)
    frameHeader.writeBigUInt64LE(BigInt(index), 4)
    parts.push(frameHeader, data)
  }
  await writeFile(path, Buffer.concat(parts))
}

function outputTo(path: string, format: OutputFormat): Output {
  return new Output({ format, target: new FilePathTarget(path) })
}

async function addPictures(source: EncodedVideoPacketSource, seconds: number): Promise<void> {
  const decoderConfig = { codec: 'vp8', codedWidth: picture.width, codedHeight: picture.height }
  for (let index = 0; index < seconds * FRAMES_PER_SECOND; index++) {
    const duration = 1 / FRAMES_PER_SECOND
    await source.add(new EncodedPacket(frame(index), 'key', index * duration, duration), { decoderConfig })
  }
  source.close()
}

async function addSilence(source: EncodedAudioPacketSource, seconds: number): Promise<void> {
  const decoderConfig = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 2, description: opusHead() }
  const data = opusSilencePacket({ channels: 2 })
  for (let index = 0; index < seconds / OPUS_SECONDS; index++) {
    await source.add(new EncodedPacket(data, 'key', index * OPUS_SECONDS, OPUS_SECONDS), { decoderConfig })
  }
  source.close()
}

/** RFC 7845 §5.1: version 1, two channels, samples to skip, 48 kHz, no gain, and how the channels are mapped. */
function opusHead(): Uint8Array {
  const head = Buffer.alloc(19)
  head.write('OpusHead')
  head.writeUInt8(1, 8)
  head.writeUInt8(2, 9)
  head.writeUInt16LE(312, 10)
  head.writeUInt32LE(48_000, 12)
  return head
}

function frame(index: number): Uint8Array {
  return movingPictureFrame(picture.width, picture.height, index / FRAMES_PER_SECOND)
}
