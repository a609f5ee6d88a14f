/**
 * Serial number arithmetic on 16 and 32 bits.
 *
 * RFC 1982 §3.2: a number is greater if it lies within the half of the circle ahead; exactly opposite numbers are
 * neither greater nor less, and these functions answer false for them both ways round.
 */

export function greater32(a: number, b: number): boolean {
  const ahead = (a - b) >>> 0
  return ahead !== 0 && ahead < 0x8000_0000
}

export function greaterOrEqual32(a: number, b: number): boolean {
  return (a - b) >>> 0 < 0x8000_0000
}

export function add32(a: number, count: number): number {
  return (a + count) >>> 0
}

/** How far `a` is ahead of `b`, from 0 to 2^32 - 1. */
export function distance32(a: number, b: number): number {
  return (a - b) >>> 0
}

export function greater16(a: number, b: number): boolean {
  const ahead = (a - b) & 0xffff
  return ahead !== 0 && ahead < 0x8000
}

export function add16(a: number, count: number): number {
  return (a + count) & 0xffff
}
