/** The number of sequence numbers below the highest one that are still told apart. */
export const replayWindowSize = 64

/**
 * A sliding window that tells new sequence numbers from repeated ones.
 *
 * Two steps, because a window must not move for a record that was not authenticated: ask {@link isFresh} before
 * decrypting, call {@link accept} after.
 *
 * RFC 6347 §4.1.2.6: duplicates and records left of the window are discarded.
 */
export class ReplayWindow {
  #highest = -1
  /** Bits 0-31 and 32-63: bit n is set if `highest - n` was accepted. */
  #recent = 0
  #older = 0

  isFresh(sequence: number): boolean {
    const age = this.#highest - sequence
    if (age < 0) return true
    if (age >= replayWindowSize) return false
    return age < 32 ? (this.#recent & (1 << age)) === 0 : (this.#older & (1 << (age - 32))) === 0
  }

  accept(sequence: number): void {
    const age = this.#highest - sequence
    if (age < 0) this.#slide(-age, sequence)
    else if (age < 32) this.#recent |= 1 << age
    else if (age < replayWindowSize) this.#older |= 1 << (age - 32)
  }

  #slide(by: number, sequence: number): void {
    if (this.#highest < 0 || by >= replayWindowSize) {
      this.#recent = 0
      this.#older = 0
    } else if (by >= 32) {
      this.#older = by === 32 ? this.#recent : this.#recent << (by - 32)
      this.#recent = 0
    } else {
      this.#older = (this.#older << by) | (this.#recent >>> (32 - by))
      this.#recent <<= by
    }
    this.#recent |= 1
    this.#highest = sequence
  }
}
