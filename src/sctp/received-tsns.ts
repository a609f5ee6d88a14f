import { receivedWindowTsns } from './limits.ts'

/** What a TSN is to the receiver: the next one, one further ahead, one it has, or one too far ahead to be told apart. */
export type TsnClass = 'next' | 'ahead' | 'duplicate' | 'out-of-window'

/**
 * Which TSNs have arrived: all up to the cumulative one, and beyond it those whose bit is set.
 *
 * In order it is two numbers. The bitmap is allocated at the first gap; a TSN has its bit at its value modulo the window,
 * and bits at or before the cumulative TSN are clear.
 */
export class ReceivedTsns {
  #cumulative: number
  /** How far the highest TSN is ahead of the cumulative one; 0 if there is no gap. */
  #span = 0
  #bits: Uint32Array | undefined

  constructor(initialTsn: number) {
    this.#cumulative = (initialTsn - 1) >>> 0
  }

  get cumulative(): number {
    return this.#cumulative
  }

  get highest(): number {
    return (this.#cumulative + this.#span) >>> 0
  }

  get hasGap(): boolean {
    return this.#span > 0
  }

  classify(tsn: number): TsnClass {
    const ahead = (tsn - this.#cumulative) >>> 0
    if (ahead === 1) return 'next'
    if (ahead === 0 || ahead >= 0x8000_0000) return 'duplicate'
    if (ahead > receivedWindowTsns) return 'out-of-window'
    return ahead <= this.#span && this.#has(tsn) ? 'duplicate' : 'ahead'
  }

  /** Takes a TSN that is `next` or `ahead`. */
  add(tsn: number): void {
    const ahead = (tsn - this.#cumulative) >>> 0
    if (ahead === 1) this.#advance(tsn)
    else {
      this.#bits ??= new Uint32Array(receivedWindowTsns / 32)
      this.#put(tsn, true)
      if (ahead > this.#span) this.#span = ahead
    }
  }

  /** RFC 3758 §3.6: everything up to a TSN ahead counts as received. */
  skipTo(tsn: number): void {
    const ahead = (tsn - this.#cumulative) >>> 0
    if (ahead >= this.#span) {
      this.#bits?.fill(0)
      this.#span = 0
      this.#cumulative = tsn
      return
    }
    for (let i = 1; i < ahead; i++) this.#put((this.#cumulative + i) >>> 0, false)
    this.#cumulative = (tsn - 1) >>> 0
    this.#span -= ahead - 1
    this.#advance(tsn)
  }

  /**
   * The first run of TSNs at or after `place`, counted from the one after the cumulative; undefined if there is none.
   * Ends are included.
   */
  gapBlock(place: number): { readonly start: number; readonly end: number } | undefined {
    if (this.#span === 0) return undefined
    const first = (this.#cumulative + 1) >>> 0
    const start = this.#seek(first, place, true)
    if (start >= this.#span) return undefined
    return { start, end: this.#seek(first, start, false) - 1 }
  }

  /** The cumulative TSN reaches `tsn`, and goes on over what is there already. */
  #advance(tsn: number): void {
    this.#cumulative = tsn
    if (this.#span === 0) return
    this.#put(tsn, false)
    this.#span--
    while (this.#span > 0) {
      const next = (this.#cumulative + 1) >>> 0
      if (!this.#has(next)) return
      this.#put(next, false)
      this.#cumulative = next
      this.#span--
    }
  }

  /** The first place at or after `from` whose bit is `wanted`, or the end. Whole words are stepped over at once. */
  #seek(first: number, from: number, wanted: boolean): number {
    const bits = this.#bits as Uint32Array
    const dull = wanted ? 0 : 0xffff_ffff
    for (let place = from; place < this.#span; ) {
      const index = (first + place) % receivedWindowTsns
      if ((index & 31) === 0 && bits[index >>> 5] === dull) place += 32
      else if (this.#has((first + place) >>> 0) === wanted) return place
      else place++
    }
    return this.#span
  }

  #has(tsn: number): boolean {
    const index = tsn % receivedWindowTsns
    return (((this.#bits as Uint32Array)[index >>> 5] as number) & (1 << (index & 31))) !== 0
  }

  #put(tsn: number, value: boolean): void {
    const bits = this.#bits as Uint32Array
    const index = tsn % receivedWindowTsns
    const word = bits[index >>> 5] as number
    bits[index >>> 5] = value ? word | (1 << (index & 31)) : word & ~(1 << (index & 31))
  }
}
