/** The arithmetic coder of VP8: RFC 6386 §7. Made for small pictures: it goes bit by bit. */
export class Vp8BoolEncoder {
  readonly #bytes: number[] = []
  /** The width of the interval, 128 to 255. */
  #range = 255
  /** Its lower end: the eight bits that are not settled yet, and a carry above them. */
  #low = 0
  /** Bits that were settled but do not make a byte yet. */
  #partial = 0
  #partialBits = 0

  /** Writes a bit whose probability to be zero is given in 256ths, from 1 to 255. */
  bit(value: boolean, probabilityOfZero: number): void {
    const split = 1 + (((this.#range - 1) * probabilityOfZero) >>> 8)
    if (value) {
      this.#low += split
      this.#range -= split
    } else this.#range = split
    while (this.#range < 128) {
      this.#range <<= 1
      this.#shift()
    }
  }

  /** Writes an unsigned number, the highest bit first, each bit as likely one as zero. */
  literal(value: number, bits: number): void {
    for (let i = bits - 1; i >= 0; i--) this.bit(((value >>> i) & 1) === 1, 128)
  }

  /** What was written. Nothing can be written after it. */
  finish(): Uint8Array {
    // The decoder reads ahead: the whole lower end goes out, up to a whole byte.
    for (let i = 0; i < 8 || this.#partialBits > 0; i++) this.#shift()
    return Uint8Array.from(this.#bytes)
  }

  #shift(): void {
    if (this.#low > 0xff) this.#carry()
    this.#partial = (this.#partial << 1) | (this.#low >>> 7)
    this.#low = (this.#low << 1) & 0xff
    this.#partialBits++
    if (this.#partialBits < 8) return
    this.#bytes.push(this.#partial)
    this.#partial = 0
    this.#partialBits = 0
  }

  /** Adds one to all that was settled. */
  #carry(): void {
    this.#low &= 0xff
    this.#partial++
    if (this.#partial < 1 << this.#partialBits) return
    this.#partial = 0
    let at = this.#bytes.length - 1
    while (this.#bytes[at] === 0xff) this.#bytes[at--] = 0
    this.#bytes[at] = (this.#bytes[at] ?? 0) + 1
  }
}
