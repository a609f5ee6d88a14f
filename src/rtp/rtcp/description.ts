import type { ByteWriter } from '../../base/bytes.ts'
import { RtpError } from '../errors.ts'
import { read32 } from '../wire.ts'
import type { ApplicationDefined, Bye, SdesChunk, SourceDescription } from './types.ts'

const utf8 = new TextDecoder()
const latin1 = new TextDecoder('latin1')
const encoder = new TextEncoder()

export function readSourceDescription(body: Uint8Array, count: number): SourceDescription | undefined {
  const chunks: SdesChunk[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 4 > body.length) return undefined
    const items: { type: number; text: string }[] = []
    const ssrc = read32(body, at)
    const end = readItems(body, at + 4, items)
    if (end < 0) return undefined
    chunks.push({ ssrc, items })
    // RFC 3550 §6.5: each chunk starts on a 32-bit boundary.
    at = (end + 3) & ~3
  }
  return { type: 'source-description', chunks }
}

export function writeSourceDescription(writer: ByteWriter, { chunks }: SourceDescription): void {
  for (const { ssrc, items } of chunks) {
    const start = writer.length
    writer.uint32(ssrc)
    for (const { type, text } of items) {
      if (!Number.isInteger(type) || type < 1 || type > 255) throw new RtpError('bad-value', `SDES item type ${type}`)
      writer.uint8(type)
      writeText(writer, text)
    }
    // RFC 3550 §6.5: the list ends with at least one null octet.
    writer.zeros(4 - ((writer.length - start) % 4))
  }
}

export function readBye(body: Uint8Array, count: number): Bye | undefined {
  const end = 4 * count
  if (body.length < end) return undefined
  const ssrcs = Array.from({ length: count }, (_, i) => read32(body, 4 * i))
  const length = body[end]
  if (length === undefined) return { type: 'bye', ssrcs, reason: undefined }
  if (end + 1 + length > body.length) return undefined
  return { type: 'bye', ssrcs, reason: utf8.decode(body.subarray(end + 1, end + 1 + length)) }
}

export function writeBye(writer: ByteWriter, { ssrcs, reason }: Bye): void {
  const start = writer.length
  for (const ssrc of ssrcs) writer.uint32(ssrc)
  if (reason === undefined) return
  writeText(writer, reason)
  writer.zeros(-(writer.length - start) & 3)
}

export function readApplicationDefined(body: Uint8Array, subtype: number): ApplicationDefined | undefined {
  if (body.length < 8) return undefined
  const name = latin1.decode(body.subarray(4, 8))
  return { type: 'application-defined', subtype, ssrc: read32(body, 0), name, data: body.subarray(8) }
}

export function writeApplicationDefined(writer: ByteWriter, packet: ApplicationDefined): void {
  const name = encoder.encode(packet.name)
  if (name.length !== 4) throw new RtpError('bad-value', 'the name of an APP packet has four characters of ASCII')
  if (packet.data.length % 4 !== 0) throw new RtpError('bad-value', 'the data of an APP packet is whole words')
  writer.uint32(packet.ssrc).bytes(name).bytes(packet.data)
}

/** Reads the items of a chunk. @returns where the null octet after them was, plus one; -1 if they run over the end */
function readItems(body: Uint8Array, at: number, items: { type: number; text: string }[]): number {
  for (;;) {
    const type = body[at++]
    if (type === undefined) return -1
    if (type === 0) return at
    const length = body[at++]
    if (length === undefined || at + length > body.length) return -1
    items.push({ type, text: utf8.decode(body.subarray(at, at + length)) })
    at += length
  }
}

function writeText(writer: ByteWriter, text: string): void {
  const bytes = encoder.encode(text)
  if (bytes.length > 255) throw new RtpError('too-long', `a text of ${bytes.length} bytes, 255 fit`)
  writer.uint8(bytes.length).bytes(bytes)
}
