import { RtpError } from './errors.ts'
import { read16, read32, write16, write32 } from './wire.ts'

/** The header extension of a packet, before its elements are looked at: `extensionElements` does that. */
export interface RtpExtension {
  /** The 16 bits "defined by profile": 0xBEDE or 0x100x for the elements of RFC 8285. */
  readonly profile: number
  /** A multiple of four bytes. In a parsed packet, a view of it. */
  readonly data: Uint8Array
}

/** An RTP data packet: RFC 3550 §5.1. */
export interface RtpPacket {
  /** 0 to 127. */
  readonly payloadType: number
  /** 16 bits. */
  readonly sequenceNumber: number
  /** 32 bits, in units of the clock of the payload format. */
  readonly timestamp: number
  readonly ssrc: number
  readonly marker: boolean
  /** Up to 15. */
  readonly csrcs: readonly number[]
  readonly extension: RtpExtension | undefined
  /** Without padding. In a parsed packet, a view of it. */
  readonly payload: Uint8Array
  /** Bytes of padding after the payload, with the one that counts them: 0 (none) to 255. */
  readonly paddingLength: number
}

/** Why bytes are not an RTP packet. */
export type RtpDrop = 'truncated' | 'bad-version' | 'bad-extension' | 'bad-padding'

export interface RtpDropped {
  readonly drop: RtpDrop
}

export const rtpFixedHeaderBytes = 12
/** RFC 8285 §4.2, §4.3. */
export const oneByteProfile = 0xbede
export const twoByteProfile = 0x1000

const version = 2
const noCsrcs: readonly number[] = Object.freeze([])
const dropped: Readonly<Record<RtpDrop, RtpDropped>> = {
  truncated: { drop: 'truncated' },
  'bad-version': { drop: 'bad-version' },
  'bad-extension': { drop: 'bad-extension' },
  'bad-padding': { drop: 'bad-padding' },
}

/**
 * Whether a packet of a port that carries both is RTCP and not RTP. Works on protected packets too.
 *
 * RFC 5761 §4: the packet types of RTCP lie in 192 to 223, so the RTP payload types 64 to 95 must not be used there.
 */
export function isRtcp(data: Uint8Array): boolean {
  const type = data[1] ?? 0
  return type >= 192 && type <= 223
}

/**
 * The length of the RTP header in bytes, with CSRCs and header extension; -1 if the packet has no well-formed one. Works on
 * protected packets too.
 */
export function rtpHeaderLength(data: Uint8Array): number {
  const length = headerLength(data)
  return typeof length === 'number' ? length : -1
}

/** Reads a packet. What it returns holds views of `data`; a `drop` says why it is none. */
export function parseRtp(data: Uint8Array): RtpPacket | RtpDropped {
  const headerBytes = headerLength(data)
  if (typeof headerBytes !== 'number') return dropped[headerBytes]
  const first = data[0] as number
  const second = data[1] as number
  const paddingLength = (first & 0x20) === 0 ? 0 : (data[data.length - 1] as number)
  // RFC 3550 §5.1: the count includes itself, so it is never zero. Packets of padding alone are sent to probe the path.
  if ((first & 0x20) !== 0 && (paddingLength === 0 || paddingLength > data.length - headerBytes)) {
    return dropped['bad-padding']
  }
  return {
    payloadType: second & 0x7f,
    sequenceNumber: read16(data, 2),
    timestamp: read32(data, 4),
    ssrc: read32(data, 8),
    marker: (second & 0x80) !== 0,
    csrcs: readCsrcs(data, first & 0x0f),
    extension: (first & 0x10) === 0 ? undefined : readExtension(data, first & 0x0f, headerBytes),
    payload: data.subarray(headerBytes, data.length - paddingLength),
    paddingLength,
  }
}

/** The bytes that {@link serializeRtp} needs for a packet, without headroom. */
export function rtpLength(packet: RtpPacket): number {
  const extension = packet.extension ? 4 + packet.extension.data.length : 0
  return rtpFixedHeaderBytes + 4 * packet.csrcs.length + extension + packet.payload.length + packet.paddingLength
}

/**
 * Writes a packet into an array of its own.
 *
 * @param headroomAfter bytes to leave free behind the packet, so that what protects it need not copy it: the array is
 *   {@link rtpLength} and this long
 * @throws {RtpError} if a field does not fit the format
 */
export function serializeRtp(packet: RtpPacket, headroomAfter = 0): Uint8Array {
  const { csrcs, extension, payload, paddingLength } = packet
  if (csrcs.length > 15) throw new RtpError('too-many-csrcs', `${csrcs.length} CSRCs, 15 fit`)
  if (paddingLength < 0 || paddingLength > 255) throw new RtpError('bad-padding', `${paddingLength} bytes of padding`)
  const length = rtpLength(packet)
  const data = new Uint8Array(length + headroomAfter)
  data[0] = (version << 6) | (paddingLength > 0 ? 0x20 : 0) | (extension ? 0x10 : 0) | csrcs.length
  data[1] = (packet.marker ? 0x80 : 0) | (packet.payloadType & 0x7f)
  write16(data, 2, packet.sequenceNumber)
  write32(data, 4, packet.timestamp)
  write32(data, 8, packet.ssrc)
  let at = rtpFixedHeaderBytes
  for (const csrc of csrcs) {
    write32(data, at, csrc)
    at += 4
  }
  if (extension) at = writeExtension(data, at, extension)
  data.set(payload, at)
  if (paddingLength > 0) data[length - 1] = paddingLength
  return data
}

/** The length of the header, or why there is none. */
function headerLength(data: Uint8Array): number | RtpDrop {
  if (data.length < rtpFixedHeaderBytes) return 'truncated'
  const first = data[0] as number
  if (first >>> 6 !== version) return 'bad-version'
  const fixed = rtpFixedHeaderBytes + 4 * (first & 0x0f)
  if (fixed > data.length) return 'truncated'
  if ((first & 0x10) === 0) return fixed
  // RFC 3550 §5.3.1: the length counts 32-bit words after the four bytes of the extension's own header.
  if (fixed + 4 > data.length) return 'bad-extension'
  const whole = fixed + 4 + 4 * read16(data, fixed + 2)
  return whole > data.length ? 'bad-extension' : whole
}

function readCsrcs(data: Uint8Array, count: number): readonly number[] {
  if (count === 0) return noCsrcs
  const csrcs: number[] = []
  for (let i = 0; i < count; i++) csrcs.push(read32(data, rtpFixedHeaderBytes + 4 * i))
  return csrcs
}

function readExtension(data: Uint8Array, csrcCount: number, headerBytes: number): RtpExtension {
  const at = rtpFixedHeaderBytes + 4 * csrcCount
  return { profile: read16(data, at), data: data.subarray(at + 4, headerBytes) }
}

function writeExtension(data: Uint8Array, at: number, extension: RtpExtension): number {
  const { length } = extension.data
  if (length % 4 !== 0 || length / 4 > 0xffff) throw new RtpError('bad-extension', `an extension of ${length} bytes`)
  write16(data, at, extension.profile)
  write16(data, at + 2, length / 4)
  data.set(extension.data, at + 4)
  return at + 4 + length
}
