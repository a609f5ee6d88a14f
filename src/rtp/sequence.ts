/**
 * Gives 16-bit sequence numbers their place on an endless line: the one that is nearest to the highest seen so far.
 *
 * The line begins one cycle above zero, so that what arrives before the first packet has a place too.
 */
export class SequenceUnwrapper {
  #highest = -1

  /** The highest so far; -1 before the first. */
  get highest(): number {
    return this.#highest
  }

  /** The place of a sequence number, which becomes the highest if it is. */
  unwrap(sequence: number): number {
    const place = this.peek(sequence)
    if (place > this.#highest) this.#highest = place
    return place
  }

  /** The place that a sequence number would be given. */
  peek(sequence: number): number {
    if (this.#highest < 0) return 0x1_0000 + sequence
    // RFC 3550 §A.1: the distance on the circle, as a signed number of 16 bits.
    const distance = ((sequence - this.#highest) << 16) >> 16
    return this.#highest + distance
  }
}
