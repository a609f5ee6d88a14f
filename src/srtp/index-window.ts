/** How many indices below the highest one are still told apart. RFC 3711 §3.3.2: at least 64. */
export const indexWindowSize = 1024

/**
 * Which packet indices were used, as far back as {@link indexWindowSize}.
 *
 * Wide, because what a NACK brings back without RTX comes a round trip later under its old index. The bitmap is a ring of
 * twice that size: going forward clears words, and shifts nothing.
 *
 * Two steps, because a window must not move for a packet that was not authenticated: ask {@link isFresh} before, call
 * {@link accept} after.
 */
export class IndexWindow {
  #highest = -1
  readonly #bits: Int32Array = new Int32Array(ringWords)

  /** The highest index that was used; -1 if none was. */
  get highest(): number {
    return this.#highest
  }

  isFresh(index: number): boolean {
    const age = this.#highest - index
    if (age < 0) return true
    if (age >= indexWindowSize) return false
    return ((this.#bits[wordOf(index)] as number) & (1 << (index & 31))) === 0
  }

  accept(index: number): void {
    if (index > this.#highest) this.#advance(index)
    const word = wordOf(index)
    this.#bits[word] = (this.#bits[word] as number) | (1 << (index & 31))
  }

  #advance(index: number): void {
    if (index - this.#highest >= indexWindowSize) {
      this.#bits.fill(0)
    } else {
      const last = wordOf(index)
      for (let word = wordOf(this.#highest); word !== last; ) {
        word = (word + 1) & (ringWords - 1)
        this.#bits[word] = 0
      }
    }
    this.#highest = index
  }
}

const ringWords = (2 * indexWindowSize) / 32

/** An index has up to 48 bits; the operators look at its lowest 32, of which these few matter. */
function wordOf(index: number): number {
  return (index >>> 5) & (ringWords - 1)
}
