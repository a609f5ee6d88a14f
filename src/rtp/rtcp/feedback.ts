import type { ByteWriter } from '../../base/bytes.ts'
import { RtpError } from '../errors.ts'
import { read16, read24, read32 } from '../wire.ts'
import type {
  BitrateEntry,
  BitrateNotification,
  BitrateRequest,
  FullIntraRequest,
  Nack,
  PictureLossIndication,
  ReceiverEstimatedMaxBitrate,
  SliceLossIndication,
} from './types.ts'

/** The SSRCs of the packet sender and of the media source, before the feedback control information. */
const headBytes = 8
/** 'REMB' */
const rembIdentifier = 0x52454d42

export function readNack(body: Uint8Array): Nack | undefined {
  // RFC 4585 §6.2.1: at least one entry.
  if (body.length < headBytes + 4) return undefined
  const sequenceNumbers: number[] = []
  for (let at = headBytes; at < body.length; at += 4) {
    const packetId = read16(body, at)
    sequenceNumbers.push(packetId)
    for (let mask = read16(body, at + 2), next = packetId + 1; mask !== 0; mask >>>= 1, next++) {
      if ((mask & 1) !== 0) sequenceNumbers.push(next & 0xffff)
    }
  }
  return { type: 'nack', ...readHead(body), sequenceNumbers }
}

/** Writes runs of up to 17 sequence numbers as one entry; they are to be in ascending order. */
export function writeNack(writer: ByteWriter, { sequenceNumbers, ...head }: Nack): void {
  if (sequenceNumbers.length === 0) throw new RtpError('bad-value', 'a NACK names at least one packet')
  writeHead(writer, head)
  let packetId = -1
  let mask = 0
  for (const sequence of sequenceNumbers) {
    const ahead = (sequence - packetId) & 0xffff
    if (packetId >= 0 && ahead <= 16) {
      if (ahead > 0) mask |= 1 << (ahead - 1)
      continue
    }
    if (packetId >= 0) writer.uint16(packetId).uint16(mask)
    packetId = sequence & 0xffff
    mask = 0
  }
  writer.uint16(packetId).uint16(mask)
}

export function readBitrates(body: Uint8Array, type: 'tmmbr'): BitrateRequest | undefined
export function readBitrates(body: Uint8Array, type: 'tmmbn'): BitrateNotification | undefined
export function readBitrates(
  body: Uint8Array,
  type: 'tmmbr' | 'tmmbn',
): BitrateRequest | BitrateNotification | undefined {
  // RFC 5104 §4.2.1.1, §4.2.2.1: a request has at least one entry, a notification may have none.
  if (!hasEntries(body, 8, type === 'tmmbr' ? 1 : 0)) return undefined
  const entries: BitrateEntry[] = []
  for (let at = headBytes; at < body.length; at += 8) {
    const value = read32(body, at + 4)
    const bitrate = ((value >>> 9) & 0x1_ffff) * 2 ** (value >>> 26)
    entries.push({ ssrc: read32(body, at), bitrate, overhead: value & 0x1ff })
  }
  return { type, ...readHead(body), entries }
}

export function writeBitrates(writer: ByteWriter, packet: BitrateRequest | BitrateNotification): void {
  if (packet.type === 'tmmbr' && packet.entries.length === 0) throw new RtpError('bad-value', 'a TMMBR without entry')
  writeHead(writer, packet)
  for (const { ssrc, bitrate, overhead } of packet.entries) {
    if (overhead < 0 || overhead > 0x1ff) throw new RtpError('bad-value', `an overhead of ${overhead} bytes`)
    const { exponent, mantissa } = toFloat(bitrate, 17)
    writer.uint32(ssrc).uint32(((exponent << 26) | (mantissa << 9) | overhead) >>> 0)
  }
}

export function readPli(body: Uint8Array): PictureLossIndication | undefined {
  // RFC 4585 §6.3.1.2: there is no feedback control information. What is there in spite of it changes nothing.
  return body.length < headBytes ? undefined : { type: 'pli', ...readHead(body) }
}

export function writePli(writer: ByteWriter, packet: PictureLossIndication): void {
  writeHead(writer, packet)
}

export function readSli(body: Uint8Array): SliceLossIndication | undefined {
  if (!hasEntries(body, 4, 1)) return undefined
  const slices: { first: number; count: number; pictureId: number }[] = []
  for (let at = headBytes; at < body.length; at += 4) {
    const value = read32(body, at)
    slices.push({ first: value >>> 19, count: (value >>> 6) & 0x1fff, pictureId: value & 0x3f })
  }
  return { type: 'sli', ...readHead(body), slices }
}

export function writeSli(writer: ByteWriter, packet: SliceLossIndication): void {
  if (packet.slices.length === 0) throw new RtpError('bad-value', 'an SLI names at least one slice')
  writeHead(writer, packet)
  for (const { first, count, pictureId } of packet.slices) {
    writer.uint32((((first & 0x1fff) << 19) | ((count & 0x1fff) << 6) | (pictureId & 0x3f)) >>> 0)
  }
}

export function readFir(body: Uint8Array): FullIntraRequest | undefined {
  if (!hasEntries(body, 8, 1)) return undefined
  const requests: { ssrc: number; sequenceNumber: number }[] = []
  for (let at = headBytes; at < body.length; at += 8) {
    requests.push({ ssrc: read32(body, at), sequenceNumber: body[at + 4] as number })
  }
  return { type: 'fir', ...readHead(body), requests }
}

export function writeFir(writer: ByteWriter, packet: FullIntraRequest): void {
  if (packet.requests.length === 0) throw new RtpError('bad-value', 'an FIR names at least one source')
  writeHead(writer, packet)
  for (const { ssrc, sequenceNumber } of packet.requests) writer.uint32(ssrc).uint8(sequenceNumber).zeros(3)
}

/** Whether an application layer feedback message is a REMB. */
export function isRemb(body: Uint8Array): boolean {
  return body.length >= headBytes + 8 && read32(body, headBytes) === rembIdentifier
}

export function readRemb(body: Uint8Array): ReceiverEstimatedMaxBitrate | undefined {
  const count = body[headBytes + 4] as number
  if (body.length < headBytes + 8 + 4 * count) return undefined
  const exponent = (body[headBytes + 5] as number) >>> 2
  const bitrate = (read24(body, headBytes + 5) & 0x3_ffff) * 2 ** exponent
  const ssrcs = Array.from({ length: count }, (_, i) => read32(body, headBytes + 8 + 4 * i))
  return { type: 'remb', ...readHead(body), bitrate, ssrcs }
}

export function writeRemb(writer: ByteWriter, packet: ReceiverEstimatedMaxBitrate): void {
  if (packet.ssrcs.length > 255) throw new RtpError('too-long', `${packet.ssrcs.length} SSRCs, 255 fit`)
  writeHead(writer, packet)
  const { exponent, mantissa } = toFloat(packet.bitrate, 18)
  writer.uint32(rembIdentifier).uint8(packet.ssrcs.length)
  writer.uint24((exponent << 18) | mantissa)
  for (const ssrc of packet.ssrcs) writer.uint32(ssrc)
}

export function readHead(body: Uint8Array): { senderSsrc: number; mediaSsrc: number } {
  return { senderSsrc: read32(body, 0), mediaSsrc: read32(body, 4) }
}

export function writeHead(writer: ByteWriter, head: { senderSsrc: number; mediaSsrc: number }): void {
  writer.uint32(head.senderSsrc).uint32(head.mediaSsrc)
}

/** Whether the feedback control information is at least so many whole entries. */
function hasEntries(body: Uint8Array, entryBytes: number, min: number): boolean {
  const bytes = body.length - headBytes
  return bytes >= entryBytes * min && bytes % entryBytes === 0
}

/** The largest number of the form mantissa * 2^exponent that is not above the bit rate. */
function toFloat(bitrate: number, mantissaBits: 17 | 18): { exponent: number; mantissa: number } {
  if (!(bitrate >= 0)) throw new RtpError('bad-value', `a bit rate of ${bitrate}`)
  const limit = 2 ** mantissaBits
  let exponent = 0
  let rest = bitrate
  while (rest >= limit && exponent < 63) {
    rest /= 2
    exponent++
  }
  return { exponent, mantissa: Math.min(Math.floor(rest), limit - 1) }
}
