import { type Cipher, createCipheriv } from 'node:crypto'

/** No datagram is longer, and the key stream of a packet never comes near its 2^16 blocks. */
export const maxPacketLength = 0xffff

/**
 * AES in counter mode as RFC 3711 §4.1.1 and RFC 6188 §2 use it: one key, an initial counter for each packet.
 *
 * A cipher in Node has one initialization vector for all its life, and making one costs more than enciphering a packet with it. So
 * this keeps a cipher that enciphers single blocks, and gives it all the counters of a packet at once: the same key stream.
 */
export class CounterMode {
  readonly #cipher: Cipher
  readonly #salt: Uint8Array

  /**
   * @param key 16 or 32 bytes; filled with zeros
   * @param salt 14 bytes; kept until {@link wipe}
   */
  constructor(key: Uint8Array, salt: Uint8Array) {
    this.#cipher = createCipheriv(key.length === 32 ? 'aes-256-ecb' : 'aes-128-ecb', key, null)
    this.#cipher.setAutoPadding(false)
    this.#salt = salt
    key.fill(0)
  }

  /**
   * The key stream of a packet, from its start: at least `length` bytes, of which the caller may do what it likes with all.
   *
   * @param index the 48-bit index of an SRTP packet, or the 31-bit index of an SRTCP packet
   */
  keyStream(ssrc: number, index: number, length: number): Uint8Array {
    const count = (length + 15) >>> 4
    if (count > counters.length >>> 4) growCounters(count)
    this.#writeFirstCounter(ssrc, index)
    const word0 = words[0] as number
    const word1 = words[1] as number
    const word2 = words[2] as number
    const word3 = words[3] as number
    for (let block = 1, word = 4, at = 16; block < count; block++, word += 4, at += 16) {
      words[word] = word0
      words[word + 1] = word1
      words[word + 2] = word2
      words[word + 3] = word3
      counters[at + 14] = block >>> 8
      counters[at + 15] = block
    }
    return this.#cipher.update(counters.subarray(0, count << 4))
  }

  /** Enciphers or deciphers `data` from `start` to `end`, in place. */
  apply(data: Uint8Array, start: number, end: number, ssrc: number, index: number): void {
    const length = end - start
    if (length <= 0) return
    const stream = this.keyStream(ssrc, index, length)
    // By words, which takes a third of the time, and by views that ask for no alignment.
    const whole = length & ~3
    const target = new DataView(data.buffer, data.byteOffset + start, length)
    const source = new DataView(stream.buffer, stream.byteOffset, length)
    for (let i = 0; i < whole; i += 4) target.setInt32(i, target.getInt32(i, true) ^ source.getInt32(i, true), true)
    for (let i = whole; i < length; i++) target.setUint8(i, target.getUint8(i) ^ source.getUint8(i))
  }

  wipe(): void {
    this.#salt.fill(0)
  }

  /** RFC 3711 §4.1.1: IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16). */
  #writeFirstCounter(ssrc: number, index: number): void {
    const salt = this.#salt
    const high = Math.floor(index / 0x1_0000_0000)
    for (let i = 0; i < 4; i++) counters[i] = salt[i] as number
    counters[4] = (salt[4] as number) ^ (ssrc >>> 24)
    counters[5] = (salt[5] as number) ^ (ssrc >>> 16)
    counters[6] = (salt[6] as number) ^ (ssrc >>> 8)
    counters[7] = (salt[7] as number) ^ ssrc
    counters[8] = (salt[8] as number) ^ (high >>> 8)
    counters[9] = (salt[9] as number) ^ high
    counters[10] = (salt[10] as number) ^ (index >>> 24)
    counters[11] = (salt[11] as number) ^ (index >>> 16)
    counters[12] = (salt[12] as number) ^ (index >>> 8)
    counters[13] = (salt[13] as number) ^ index
    counters[14] = 0
    counters[15] = 0
  }
}

/**
 * Scratch for the counters of one packet, shared by all: they are written anew for each, and nothing happens in between. Bytes
 * and words of the same memory: words copy whole blocks in whatever order of bytes the machine has.
 */
let counters: Uint8Array = new Uint8Array(96 * 16)
let words: Int32Array = new Int32Array(counters.buffer)

function growCounters(count: number): void {
  counters = new Uint8Array(count * 16)
  words = new Int32Array(counters.buffer)
}
