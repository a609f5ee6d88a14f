/** The first slab of a stream, and the largest: one that hardly sends anything keeps little. */
const firstSlabBytes = 2_048
const maxSlabBytes = 65_536
/** What is larger gets a buffer of its own. */
const maxSharedBytes = 4_096

/**
 * Arrays for the packets of one stream. They share buffers, as one for each would cost more than all else that is done with a
 * packet here; and no buffer with other streams, so that what is kept for repetition keeps nothing else. Each is zero at
 * first: a slab is cut up once and never used again.
 */
export class PacketSlab {
  #slab = new Uint8Array(firstSlabBytes)
  #used = 0

  take(length: number): Uint8Array {
    if (length > maxSharedBytes) return new Uint8Array(length)
    if (this.#used + length > this.#slab.length) this.#next()
    const taken = this.#slab.subarray(this.#used, this.#used + length)
    this.#used += length
    return taken
  }

  #next(): void {
    this.#slab = new Uint8Array(Math.min(Math.max(this.#slab.length * 2, maxSharedBytes), maxSlabBytes))
    this.#used = 0
  }
}
