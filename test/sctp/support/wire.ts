import { packetChecksum } from '../../../src/sctp/crc32c.ts'

/** A chunk as it is on the wire, without its padding. */
export interface WireChunk {
  readonly type: number
  readonly flags: number
  readonly value: Uint8Array
}

export interface WirePacket {
  readonly tag: number
  readonly chunks: readonly WireChunk[]
}

/** A packet with a correct checksum; each chunk is padded. */
export function packet(
  tag: number,
  chunks: readonly Uint8Array[],
  ports: readonly [number, number] = [5000, 5000],
): Uint8Array {
  const length = chunks.reduce((sum, chunk) => sum + ((chunk.length + 3) & ~3), 12)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, ports[0])
  view.setUint16(2, ports[1])
  view.setUint32(4, tag)
  let at = 12
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += (chunk.length + 3) & ~3
  }
  return seal(bytes)
}

/** Makes the checksum of a packet right. */
export function seal(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length >= 12) view.setUint32(8, packetChecksum(view), true)
  return bytes
}

export function chunk(type: number, flags: number, ...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 4)
  const bytes = new Uint8Array(length)
  bytes.set([type, flags, length >>> 8, length & 0xff])
  let at = 4
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A type-length-value parameter or error cause, padded. */
export function parameter(type: number, value: readonly number[] | Uint8Array = []): number[] {
  const length = value.length + 4
  const padding = new Array<number>(-length & 3).fill(0)
  return [...u16(type), ...u16(length), ...value, ...padding]
}

export function u16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff]
}

export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

export interface DataFields {
  readonly tsn: number
  readonly streamId?: number
  readonly ssn?: number
  readonly ppid?: number
  /** By default B and E: a whole message. */
  readonly flags?: number
  readonly data?: Uint8Array | readonly number[]
}

export function data({ tsn, streamId = 0, ssn = 0, ppid = 53, flags = 3, data = [1] }: DataFields): Uint8Array {
  return chunk(0, flags, u32(tsn), u16(streamId), u16(ssn), u32(ppid), data)
}

export interface SackFields {
  readonly cumulative: number
  readonly window?: number
  readonly gaps?: readonly (readonly [number, number])[]
  readonly duplicates?: readonly number[]
}

export function sack({ cumulative, window = 1 << 20, gaps = [], duplicates = [] }: SackFields): Uint8Array {
  const counts = [...u16(gaps.length), ...u16(duplicates.length)]
  const blocks = gaps.flatMap(([start, end]) => [...u16(start), ...u16(end)])
  return chunk(3, 0, u32(cumulative), u32(window), counts, blocks, duplicates.flatMap(u32))
}

export function dissect(bytes: Uint8Array): WirePacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: WireChunk[] = []
  for (let at = 12; at < bytes.length; ) {
    const length = view.getUint16(at + 2)
    chunks.push({ type: view.getUint8(at), flags: view.getUint8(at + 1), value: bytes.slice(at + 4, at + length) })
    at += (length + 3) & ~3
  }
  return { tag: view.getUint32(4), chunks }
}

/** The big-endian number at a place of a value. */
export function read(value: Uint8Array, at: number, bytes: 2 | 4): number {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  return bytes === 2 ? view.getUint16(at) : view.getUint32(at)
}
