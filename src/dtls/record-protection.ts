import { type AeadName, aeadTagLength, openAead, sealAead } from './aead.ts'
import { DtlsError } from './errors.ts'
import { maxPlaintextLength, maxSequence, recordHeaderLength, writeRecordHeader } from './record.ts'

/** Makes the records of one epoch, and counts them. */
export interface RecordSealer {
  readonly epoch: number
  /** Bytes that a record is longer than its content. */
  readonly overhead: number
  /** The sequence number of the next record. */
  readonly sequence: number
  /**
   * A record with a copy of `content`, in a buffer of its own.
   *
   * @throws {DtlsError} `sequence-exhausted`, `record-too-long`
   */
  seal(type: number, content: Uint8Array): Uint8Array
  /** Overwrites the keys; nothing can be sealed afterwards. */
  wipe(): void
}

/** Opens the protected records of one epoch. */
export interface RecordOpener {
  /** The content of the record at `at`, in a buffer of its own; undefined if it is not authentic. */
  open(datagram: Uint8Array, at: number, end: number): Uint8Array | undefined
  /** The real content type of the record that was opened last, where its header does not tell. */
  readonly type?: number
  wipe(): void
}

/** Both directions of an epoch that is protected. */
export interface ProtectedEpoch {
  readonly epoch: number
  readonly sealer: RecordSealer
  readonly opener: RecordOpener
}

/** Epoch 0: records without protection. */
export class PlaintextSealer implements RecordSealer {
  readonly epoch = 0
  readonly overhead: number = recordHeaderLength
  #sequence = 0

  get sequence(): number {
    return this.#sequence
  }

  /** Goes on counting at `sequence`. */
  resumeAt(sequence: number): void {
    this.#sequence = sequence
  }

  seal(type: number, content: Uint8Array): Uint8Array {
    const record = Buffer.allocUnsafe(recordHeaderLength + content.length)
    writeRecordHeader(record, type, this.epoch, this.#sequence++, content.length)
    record.set(content, recordHeaderLength)
    return record
  }

  wipe(): void {}
}

const saltLength = 4
const explicitNonceLength = 8
const tagLength = aeadTagLength
export const aadLength = 13
/** What a record adds to its content: 13 + 8 + 16. */
export const aesGcmOverhead: number = recordHeaderLength + explicitNonceLength + tagLength

/** RFC 5288 §3: AES-GCM as TLS 1.2 uses it, in records of DTLS. */
export class AesGcmSealer implements RecordSealer {
  readonly epoch: number
  readonly overhead: number = aesGcmOverhead
  readonly #aead: AeadName
  readonly #key: Uint8Array
  /** The salt, then the explicit part. */
  readonly #nonce: Uint8Array
  readonly #aad = new Uint8Array(aadLength)
  #sequence: number

  /**
   * @param key 16 or 32 bytes, owned from now on
   * @param salt 4 bytes
   * @param sequence the sequence number of the first record
   */
  constructor(epoch: number, key: Uint8Array, salt: Uint8Array, sequence = 0) {
    this.epoch = epoch
    this.#aead = aesGcm(key)
    this.#key = key
    this.#nonce = new Uint8Array(saltLength + explicitNonceLength)
    this.#nonce.set(salt)
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
    const record = Buffer.allocUnsafe(aesGcmOverhead + length)
    writeRecordHeader(record, type, this.epoch, this.#sequence++, explicitNonceLength + length + tagLength)
    this.#prepare(record, length)
    sealAead(this.#aead, this.#key, this.#nonce, this.#aad, content, record, recordHeaderLength + explicitNonceLength)
    return record
  }

  wipe(): void {
    this.#key.fill(0)
    this.#nonce.fill(0)
    this.#sequence = Number.POSITIVE_INFINITY
  }

  /** RFC 5288 §3: nonce_explicit may be the 64-bit sequence number; here it is epoch and sequence_number. */
  #prepare(record: Uint8Array, length: number): void {
    for (let i = 0; i < explicitNonceLength; i++) {
      const byte = record[3 + i] ?? 0
      record[recordHeaderLength + i] = byte
      this.#nonce[saltLength + i] = byte
    }
    fillAad(this.#aad, record, 0, length)
  }
}

export class AesGcmOpener implements RecordOpener {
  readonly #aead: AeadName
  readonly #key: Uint8Array
  readonly #nonce: Uint8Array
  readonly #aad = new Uint8Array(aadLength)

  /**
   * @param key 16 or 32 bytes, owned from now on
   * @param salt 4 bytes
   */
  constructor(key: Uint8Array, salt: Uint8Array) {
    this.#aead = aesGcm(key)
    this.#key = key
    this.#nonce = new Uint8Array(saltLength + explicitNonceLength)
    this.#nonce.set(salt)
  }

  open(datagram: Uint8Array, at: number, end: number): Uint8Array | undefined {
    const start = at + recordHeaderLength + explicitNonceLength
    const tag = end - tagLength
    if (tag < start) return undefined
    for (let i = 0; i < explicitNonceLength; i++) {
      this.#nonce[saltLength + i] = datagram[at + recordHeaderLength + i] ?? 0
    }
    fillAad(this.#aad, datagram, at, tag - start)
    const ciphertext = datagram.subarray(start, tag)
    return openAead(this.#aead, this.#key, this.#nonce, this.#aad, ciphertext, datagram.subarray(tag, end))
  }

  wipe(): void {
    this.#key.fill(0)
    this.#nonce.fill(0)
  }
}

/** RFC 5288 §3, RFC 5289 §3.2: the keys of the two have different lengths. */
function aesGcm(key: Uint8Array): AeadName {
  return key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm'
}

/** RFC 5246 §6.2.3.3: seq_num, type, version and the length of the plaintext. RFC 6347 §4.1.2.1: seq_num is epoch and sequence_number. */
export function fillAad(aad: Uint8Array, record: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < 8; i++) aad[i] = record[at + 3 + i] ?? 0
  for (let i = 0; i < 3; i++) aad[8 + i] = record[at + i] ?? 0
  aad[11] = length >>> 8
  aad[12] = length
}
