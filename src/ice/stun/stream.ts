import { headerLength, magicCookie } from './header.ts'

/** The longest message: a STUN header and as many bytes as its length can say in a multiple of four. */
export const maxStreamMessage: number = headerLength + 0xfffc

/**
 * Takes STUN and ChannelData messages out of the bytes of a TCP or TLS connection to a STUN or TURN server.
 *
 * RFC 8489 §6.2.2: no framing but their own lengths. RFC 8656 §12.5: ChannelData is padded to four bytes, which its length does
 * not count; messages are returned without that padding.
 *
 * Call {@link next} until it returns undefined after each {@link push}: then what is kept is less than one message.
 */
export class StunStream {
  /** Holds the bytes from `#start` to `#end`. A chunk of the caller is full, so that nothing is written to it. */
  #bytes: Uint8Array = noBytes
  #start = 0
  #end = 0
  #isBroken = false

  /** Something came that is neither: the boundaries between messages are lost, and nothing more is returned. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** Bytes that are kept. */
  get bufferedBytes(): number {
    return this.#end - this.#start
  }

  /** Adds bytes, in order. They must not be changed any more. */
  push(chunk: Uint8Array): void {
    if (this.#isBroken || chunk.length === 0) return
    const kept = this.#end - this.#start
    if (kept === 0) {
      this.#bytes = chunk
      this.#start = 0
      this.#end = chunk.length
      return
    }
    if (this.#bytes.length - this.#end < chunk.length) this.#grow(kept + chunk.length)
    this.#bytes.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The next whole message: a view, which nothing is written to later. */
  next(): Uint8Array | undefined {
    const size = this.#measure()
    if (size === 'broken') {
      this.#isBroken = true
      this.#drop()
      return undefined
    }
    if (size === undefined || size.total > this.#end - this.#start) return undefined
    const message = this.#bytes.subarray(this.#start, this.#start + size.message)
    this.#start += size.total
    if (this.#start === this.#end) this.#drop()
    return message
  }

  /** The size of the next message, as soon as it can be told. */
  #measure(): Size | 'broken' | undefined {
    const bytes = this.#bytes
    const start = this.#start
    const available = this.#end - start
    if (available === 0) return undefined
    const first = bytes[start] ?? 0
    // RFC 8656 §12: channel numbers are 0x4000 to 0x4fff; RFC 8489 §5: STUN starts with two zero bits
    const isChannel = first >= 0x40 && first <= 0x4f
    if (!isChannel && first > 0x3f) return 'broken'
    if (available < 4) return undefined
    const length = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0)
    if (isChannel) return { message: 4 + length, total: (4 + length + 3) & ~3 }
    // RFC 8489 §5: a multiple of four, and the cookie
    if (length % 4 !== 0 || !this.#mayHaveCookie(available)) return 'broken'
    return { message: headerLength + length, total: headerLength + length }
  }

  /** As far as there are bytes: what is no STUN is told from it before a length of nonsense is waited for. */
  #mayHaveCookie(available: number): boolean {
    for (let index = 4; index < Math.min(8, available); index++) {
      if (this.#bytes[this.#start + index] !== ((magicCookie >>> (8 * (7 - index))) & 0xff)) return false
    }
    return true
  }

  /** Moves to a new buffer, as there may be views of the old one. Doubling keeps the copying of single bytes linear. */
  #grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(64, needed, Math.min(2 * needed, maxStreamMessage)))
    bytes.set(this.#bytes.subarray(this.#start, this.#end))
    this.#end -= this.#start
    this.#start = 0
    this.#bytes = bytes
  }

  #drop(): void {
    this.#bytes = noBytes
    this.#start = 0
    this.#end = 0
  }
}

interface Size {
  /** Without padding. */
  readonly message: number
  readonly total: number
}

const noBytes = new Uint8Array(0)
