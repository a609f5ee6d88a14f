/**
 * Big-endian fields of a packet, read and written in place. The caller has checked that they lie within it: a packet is
 * measured once, and then read without asking again.
 */

export function read8(data: Uint8Array, at: number): number {
  return data[at] as number
}

export function read16(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 8) | (data[at + 1] as number)
}

export function read24(data: Uint8Array, at: number): number {
  return ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number)
}

export function read32(data: Uint8Array, at: number): number {
  return (
    (((data[at] as number) << 24) |
      ((data[at + 1] as number) << 16) |
      ((data[at + 2] as number) << 8) |
      (data[at + 3] as number)) >>>
    0
  )
}

export function read64(data: Uint8Array, at: number): bigint {
  return (BigInt(read32(data, at)) << 32n) | BigInt(read32(data, at + 4))
}

export function write16(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 8
  data[at + 1] = value
}

export function write24(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 16
  data[at + 1] = value >>> 8
  data[at + 2] = value
}

export function write32(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 24
  data[at + 1] = value >>> 16
  data[at + 2] = value >>> 8
  data[at + 3] = value
}

export function write64(data: Uint8Array, at: number, value: bigint): void {
  write32(data, at, Number((value >> 32n) & 0xffff_ffffn))
  write32(data, at + 4, Number(value & 0xffff_ffffn))
}
