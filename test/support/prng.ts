/** A small seeded generator: the same seed gives the same numbers on every machine. Never for secrets. */
export interface Prng {
  /** The next unsigned 32-bit integer. */
  next(): number
  /** The next number in [0, 1). */
  float(): number
  /** An array of `n` bytes. */
  bytes(n: number): Uint8Array
}

/** Mulberry32, a 32-bit generator by Tommy Ettinger. */
export function prng(seed: number): Prng {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    next,
    float: () => next() / 0x1_0000_0000,
    bytes: n => Uint8Array.from({ length: n }, () => next() >>> 24),
  }
}
