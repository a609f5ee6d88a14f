import { hash } from 'node:crypto'

const blockLength = 64
const hashLength = 20

/**
 * HMAC-SHA1 (RFC 2104 §2) under one key, for many packets.
 *
 * Made of two hashes, each in a single call and with a string for its result: an `Hmac` of Node is an object with a native part
 * and an array outside of the heap, which cost more than the hashes.
 */
export class HmacSha1 {
  /** The key for the inner hash, and room for what is hashed behind it. */
  #inner: Uint8Array = new Uint8Array(blockLength + 1536)
  /** The key for the outer hash, and the inner one behind it. */
  readonly #outer: Uint8Array = new Uint8Array(blockLength + hashLength)

  /** @param key at most 64 bytes; filled with zeros */
  constructor(key: Uint8Array) {
    for (let i = 0; i < blockLength; i++) {
      const byte = key[i] ?? 0
      this.#inner[i] = byte ^ 0x36
      this.#outer[i] = byte ^ 0x5c
    }
    key.fill(0)
  }

  /** The code of `data` up to `end`, followed by `suffix`: a string with a character for each of the 20 bytes. */
  digest(data: Uint8Array, end: number, suffix?: Uint8Array): string {
    const length = blockLength + end + (suffix?.length ?? 0)
    if (length > this.#inner.length) this.#grow(length)
    const inner = this.#inner
    inner.set(data.subarray(0, end), blockLength)
    if (suffix) inner.set(suffix, blockLength + end)
    const innerHash = hash('sha1', inner.subarray(0, length), 'binary')
    const outer = this.#outer
    for (let i = 0; i < hashLength; i++) outer[blockLength + i] = innerHash.charCodeAt(i)
    return hash('sha1', outer, 'binary')
  }

  wipe(): void {
    this.#inner.fill(0)
    this.#outer.fill(0)
  }

  #grow(length: number): void {
    const grown = new Uint8Array(length)
    grown.set(this.#inner.subarray(0, blockLength))
    this.#inner.fill(0, 0, blockLength)
    this.#inner = grown
  }
}
