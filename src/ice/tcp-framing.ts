/** RFC 4571 §2: the length is a 16-bit number. */
export const maxFrameSize = 0xffff

const headerSize = 2

/**
 * Puts the length in front of a datagram that goes over TCP.
 *
 * @throws {RangeError} if the datagram is longer than {@link maxFrameSize}
 */
export function frame(data: Uint8Array): Uint8Array {
  if (data.length > maxFrameSize) throw new RangeError(`a frame holds ${maxFrameSize} bytes, not ${data.length}`)
  // RFC 4571 §2: the length, in network byte order, does not count itself
  const framed = Buffer.allocUnsafe(headerSize + data.length)
  framed[0] = data.length >>> 8
  framed[1] = data.length & 0xff
  framed.set(data, headerSize)
  return framed
}

/**
 * Finds the datagrams in a stream of bytes, in whatever pieces it arrives.
 *
 * RFC 6544 §7.1: every STUN, DTLS or other packet on a TCP connection of ICE is a frame of RFC 4571. There is nothing in
 * it that could be malformed. Between two pieces, at most one unfinished frame is kept.
 */
export class FramedStream {
  #chunk: Uint8Array = empty
  #at = 0
  /** A frame of which some bytes came with earlier pieces; the length counts as a frame of its own. */
  #unfinished: Uint8Array | undefined
  #filled = 0
  #isLength = true

  /** Takes the next bytes. They must not change until {@link next} has given undefined. */
  push(chunk: Uint8Array): void {
    this.#chunk = this.#at === this.#chunk.length ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** The next datagram, as a view where it came in one piece; undefined until more bytes are pushed. */
  next(): Uint8Array | undefined {
    if (this.#unfinished === undefined) {
      const whole = this.#nextWhole()
      if (whole !== undefined) return whole
    }
    return this.#nextSplit()
  }

  /** The fast way: a frame that lies in this piece from its first byte to its last. */
  #nextWhole(): Uint8Array | undefined {
    const chunk = this.#chunk
    while (chunk.length - this.#at >= headerSize) {
      const start = this.#at + headerSize
      const end = start + lengthAt(chunk, this.#at)
      if (end > chunk.length) return undefined
      this.#at = end
      // RFC 4571 §2: a length of zero is valid, and codes the null packet
      if (end > start) return chunk.subarray(start, end)
    }
    return undefined
  }

  /** The slow way: a frame with a border between two pieces in it. */
  #nextSplit(): Uint8Array | undefined {
    while (this.#at < this.#chunk.length) {
      const part = this.#fill()
      if (part === undefined) break
      if (!this.#isLength) {
        this.#isLength = true
        return part
      }
      const length = lengthAt(part, 0)
      if (length > 0) this.#expect(length)
      else return this.next()
    }
    this.#release()
    return undefined
  }

  /** Copies what there is; the length or the frame that is full with it. */
  #fill(): Uint8Array | undefined {
    const unfinished = this.#unfinished ?? new Uint8Array(headerSize)
    const taken = Math.min(unfinished.length - this.#filled, this.#chunk.length - this.#at)
    unfinished.set(this.#chunk.subarray(this.#at, this.#at + taken), this.#filled)
    this.#at += taken
    this.#filled += taken
    this.#unfinished = unfinished
    if (this.#filled < unfinished.length) return undefined
    this.#unfinished = undefined
    this.#filled = 0
    return unfinished
  }

  #expect(length: number): void {
    this.#isLength = false
    this.#unfinished = new Uint8Array(length)
  }

  /** All of the piece is used: it must not be kept alive by a view into it. */
  #release(): void {
    this.#chunk = empty
    this.#at = 0
  }
}

const empty = new Uint8Array(0)

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
