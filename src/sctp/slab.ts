/** Copies of small messages share buffers: an `ArrayBuffer` for each would cost more than everything else about them. */
export class Slab {
  #bytes: Uint8Array = new Uint8Array(0)
  #used = 0
  #nextSize = firstSlabBytes

  /** A copy that nobody else will write to. If `data` is large it has a buffer of its own. */
  copy(data: Uint8Array): Uint8Array {
    const length = data.length
    if (length > largestShared) return ownCopy(data)
    if (this.#used + length > this.#bytes.length) this.#renew(length)
    const copy = this.#bytes.subarray(this.#used, this.#used + length)
    copy.set(data)
    this.#used += length
    return copy
  }

  #renew(needed: number): void {
    this.#bytes = new Uint8Array(Math.max(this.#nextSize, needed))
    this.#nextSize = Math.min(this.#nextSize * 2, largestSlabBytes)
    this.#used = 0
  }
}

/** A copy that fills a buffer of its own, whatever kind of array `data` is. */
export function ownCopy(data: Uint8Array): Uint8Array {
  const copy = new Uint8Array(data.length)
  copy.set(data)
  return copy
}

/** An association that sends little keeps little. */
const firstSlabBytes = 256
const largestSlabBytes = 65_536
const largestShared = 2_048
