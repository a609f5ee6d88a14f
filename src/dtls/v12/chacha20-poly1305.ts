import { aeadTagLength, openAead, sealAead } from '../aead.ts'
import { DtlsError } from '../errors.ts'
import { maxPlaintextLength, maxSequence, recordHeaderLength, writeRecordHeader } from '../record.ts'
import { aadLength, fillAad, type RecordOpener, type RecordSealer } from '../record-protection.ts'

const ivLength = 12
/** Where the 64 bits of epoch and sequence_number begin, in a record's header and in the padded nonce. */
const countAt = 3
const paddingLength = 4

/** RFC 7905 §2: ChaCha20-Poly1305 as TLS 1.2 uses it, in records of DTLS. No part of the nonce is sent. */
export class ChaCha20Poly1305Sealer implements RecordSealer {
  readonly epoch: number
  readonly overhead: number = recordHeaderLength + aeadTagLength
  readonly #key: Uint8Array
  readonly #iv: Uint8Array
  readonly #nonce = new Uint8Array(ivLength)
  readonly #aad = new Uint8Array(aadLength)
  #sequence: number

  /**
   * @param key 32 bytes, owned from now on
   * @param iv 12 bytes, owned from now on
   * @param sequence the sequence number of the first record
   */
  constructor(epoch: number, key: Uint8Array, iv: Uint8Array, sequence = 0) {
    this.epoch = epoch
    this.#key = key
    this.#iv = iv
    this.#sequence = sequence
  }

  get sequence(): number {
    return this.#sequence
  }

  seal(type: number, content: Uint8Array): Uint8Array {
    const length = content.length
    if (length > maxPlaintextLength) throw new DtlsError('record-too-long', `${length} bytes do not fit into a record`)
    // RFC 6347 §4.1: the association is abandoned before a sequence number, and with it a nonce, would come again.
    if (this.#sequence > maxSequence) throw new DtlsError('sequence-exhausted', 'no sequence number is left')
    const record = Buffer.allocUnsafe(this.overhead + length)
    writeRecordHeader(record, type, this.epoch, this.#sequence++, length + aeadTagLength)
    fillNonce(this.#nonce, this.#iv, record, 0)
    fillAad(this.#aad, record, 0, length)
    sealAead('chacha20-poly1305', this.#key, this.#nonce, this.#aad, content, record, recordHeaderLength)
    return record
  }

  wipe(): void {
    this.#key.fill(0)
    this.#iv.fill(0)
    this.#nonce.fill(0)
    this.#sequence = Number.POSITIVE_INFINITY
  }
}

export class ChaCha20Poly1305Opener implements RecordOpener {
  readonly #key: Uint8Array
  readonly #iv: Uint8Array
  readonly #nonce = new Uint8Array(ivLength)
  readonly #aad = new Uint8Array(aadLength)

  /**
   * @param key 32 bytes, owned from now on
   * @param iv 12 bytes, owned from now on
   */
  constructor(key: Uint8Array, iv: Uint8Array) {
    this.#key = key
    this.#iv = iv
  }

  open(datagram: Uint8Array, at: number, end: number): Uint8Array | undefined {
    const start = at + recordHeaderLength
    const tag = end - aeadTagLength
    if (tag < start) return undefined
    fillNonce(this.#nonce, this.#iv, datagram, at)
    fillAad(this.#aad, datagram, at, tag - start)
    const ciphertext = datagram.subarray(start, tag)
    return openAead('chacha20-poly1305', this.#key, this.#nonce, this.#aad, ciphertext, datagram.subarray(tag, end))
  }

  wipe(): void {
    this.#key.fill(0)
    this.#iv.fill(0)
    this.#nonce.fill(0)
  }
}

/** RFC 7905 §2: the 64-bit sequence number, in DTLS epoch and sequence_number, padded on the left and XORed with the IV. */
function fillNonce(nonce: Uint8Array, iv: Uint8Array, record: Uint8Array, at: number): void {
  nonce.set(iv)
  for (let i = 0; i < 8; i++) {
    nonce[paddingLength + i] = (iv[paddingLength + i] ?? 0) ^ (record[at + countAt + i] ?? 0)
  }
}
