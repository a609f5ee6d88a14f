import { MalformedError } from './errors.ts'

/**
 * Reads big-endian fields from a view, with bounds.
 *
 * Every method names the field it reads, so that a truncated message says where it ended. Returned byte arrays are
 * views of the input, never copies.
 *
 * @throws {MalformedError} from any method where the input ends first, or that is given a length below zero.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  uint8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field))
  }

  uint16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field))
  }

  uint24(field: string): number {
    const at = this.#advance(3, field)
    return (this.#view.getUint8(at) << 16) | this.#view.getUint16(at + 1)
  }

  uint32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field))
  }

  /** A 48-bit unsigned integer: exact in a double. */
  uint48(field: string): number {
    const at = this.#advance(6, field)
    return this.#view.getUint16(at) * 0x1_0000_0000 + this.#view.getUint32(at + 2)
  }

  uint64(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, field))
  }

  /** A view of the next `length` bytes. */
  bytes(length: number, field: string): Uint8Array {
    const at = this.#advance(length, field)
    return this.#bytes.subarray(at, at + length)
  }

  /** A view of everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining, 'rest')
  }

  /** A vector with a length prefix of one byte. */
  vector8(field: string): Uint8Array {
    return this.bytes(this.uint8(field), field)
  }

  /** A vector with a length prefix of two bytes. */
  vector16(field: string): Uint8Array {
    return this.bytes(this.uint16(field), field)
  }

  /** A vector with a length prefix of three bytes. */
  vector24(field: string): Uint8Array {
    return this.bytes(this.uint24(field), field)
  }

  skip(length: number, field: string): void {
    this.#advance(length, field)
  }

  /** @throws {MalformedError} if anything is left: a message with a tail is not the message it claims to be. */
  expectEnd(message: string): void {
    if (this.remaining !== 0) throw new MalformedError(`${message}: ${this.remaining} bytes too many`)
  }

  #advance(length: number, field: string): number {
    const at = this.#offset
    // A length that was computed from the input may have come out below zero, and must not turn the reader back.
    if (length < 0 || length > this.#bytes.length - at) {
      throw new MalformedError(`${field}: needs ${length} bytes, ${this.#bytes.length - at} left`)
    }
    this.#offset = at + length
    return at
  }
}

/** Writes big-endian fields into a buffer that grows as needed. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get length(): number {
    return this.#length
  }

  uint8(value: number): this {
    const at = this.#reserve(1)
    this.#view.setUint8(at, value)
    return this
  }

  uint16(value: number): this {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
    return this
  }

  uint24(value: number): this {
    const at = this.#reserve(3)
    this.#view.setUint8(at, value >>> 16)
    this.#view.setUint16(at + 1, value & 0xffff)
    return this
  }

  uint32(value: number): this {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
    return this
  }

  /** A 48-bit unsigned integer given as a double. */
  uint48(value: number): this {
    const at = this.#reserve(6)
    this.#view.setUint16(at, Math.floor(value / 0x1_0000_0000))
    this.#view.setUint32(at + 2, value >>> 0)
    return this
  }

  uint64(value: bigint): this {
    const at = this.#reserve(8)
    this.#view.setBigUint64(at, value)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  zeros(count: number): this {
    this.#reserve(count)
    return this
  }

  /** Writes a vector with a length prefix of `prefix` bytes; `body` writes what is in it. */
  vector(prefix: 1 | 2 | 3, body: (writer: this) => void): this {
    const at = this.#reserve(prefix)
    body(this)
    const length = this.#length - at - prefix
    if (length >= 2 ** (8 * prefix)) throw new MalformedError(`a vector of ${length} bytes does not fit its prefix`)
    for (let i = 0; i < prefix; i++) this.#view.setUint8(at + i, (length >>> (8 * (prefix - 1 - i))) & 0xff)
    return this
  }

  /** Overwrites two bytes that were written before. */
  patchUint16(at: number, value: number): this {
    this.#view.setUint16(at, value)
    return this
  }

  /** A view of what was written; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** What was written, as a copy of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Makes room for `count` bytes and tells where. It may replace the view: call it before `this.#view` is read. */
  #reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = needed
    return at
  }
}

/** Joins byte arrays into one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Whether two byte arrays are equal. Its time depends on their content: for secrets use {@link constantTimeEqual}. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Whether two byte arrays are equal, in a time that depends on their lengths alone. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0)
  return difference === 0
}
