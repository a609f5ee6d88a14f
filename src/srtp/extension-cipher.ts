import { read16 } from '../rtp/wire.ts'
import { CounterMode } from './counter-mode.ts'
import { SrtpError } from './errors.ts'
import { counterSaltLength, deriveKey, KeyLabel, type MasterKey } from './key-derivation.ts'

const oneByteProfile = 0xbede
/** RFC 8285 §4.3: the lowest four bits are for the application. */
const twoByteProfile = 0x1000
const twoByteMask = 0xfff0
/** RFC 8285 §4.2: this identifier ends the one-byte form. */
const stopId = 15

/** Enciphers the values of some header extensions, and nothing else of the header: RFC 6904. */
export class ExtensionCipher {
  readonly #cipher: CounterMode
  readonly #ids: ReadonlySet<number>

  /**
   * @param ids identifiers of the extensions whose values are enciphered, 1 to 255
   * @throws {SrtpError} `bad-extension-id`
   */
  constructor(master: MasterKey, ids: Iterable<number>) {
    this.#ids = new Set(ids)
    for (const id of this.#ids) {
      if (!Number.isInteger(id) || id < 1 || id > 255)
        throw new SrtpError('bad-extension-id', `no extension has ID ${id}`)
    }
    // RFC 7714 §8.3, RFC 6904 §3.2: counter mode in every profile, with AES of the size of the key.
    const key = deriveKey(master, KeyLabel.headerEncryption, master.key.length)
    // RFC 6904 §3: the salt is as long as that of the payload, 96 bits for AES-GCM, where counter mode takes 112. Which end is
    // filled up is not said; zeros behind, as when keys are derived, are what libsrtp has.
    const salt = new Uint8Array(counterSaltLength)
    salt.set(deriveKey(master, KeyLabel.headerSalt, master.salt.length))
    this.#cipher = new CounterMode(key, salt)
  }

  /** Enciphers or deciphers in place, in a packet whose header is well-formed and ends at `headerLength`. */
  apply(packet: Uint8Array, headerLength: number, ssrc: number, index: number): void {
    const first = packet[0] as number
    if ((first & 0x10) === 0) return
    const head = 12 + 4 * (first & 0x0f)
    const start = head + 4
    if (start === headerLength) return
    const profile = read16(packet, head)
    const oneByte = profile === oneByteProfile
    if (!oneByte && (profile & twoByteMask) !== twoByteProfile) return
    // RFC 6904 §3: mask and key stream begin at the first element.
    const stream = this.#cipher.keyStream(ssrc, index, headerLength - start)
    if (oneByte) this.#applyOneByte(packet, start, headerLength, stream)
    else this.#applyTwoByte(packet, start, headerLength, stream)
  }

  wipe(): void {
    this.#cipher.wipe()
  }

  #applyOneByte(packet: Uint8Array, start: number, end: number, stream: Uint8Array): void {
    for (let at = start; at < end; ) {
      const head = packet[at] as number
      const id = head >>> 4
      at += 1
      if (head === 0) continue
      // RFC 8285 §4.1.2, §4.2: nothing counts from the identifier 15 on, nor from padding that claims a length.
      if (id === stopId || id === 0) return
      const length = (head & 0x0f) + 1
      if (this.#ids.has(id)) mask(packet, at, Math.min(at + length, end), stream, start)
      at += length
    }
  }

  #applyTwoByte(packet: Uint8Array, start: number, end: number, stream: Uint8Array): void {
    for (let at = start; at < end; ) {
      const id = packet[at] as number
      // RFC 8285 §4.3: padding is a single byte, without a length.
      if (id === 0) {
        at += 1
        continue
      }
      const length = at + 1 < end ? (packet[at + 1] as number) : 0
      at += 2
      if (this.#ids.has(id)) mask(packet, at, Math.min(at + length, end), stream, start)
      at += length
    }
  }
}

function mask(packet: Uint8Array, from: number, to: number, stream: Uint8Array, streamStart: number): void {
  for (let i = from; i < to; i++) packet[i] = (packet[i] as number) ^ (stream[i - streamStart] as number)
}
