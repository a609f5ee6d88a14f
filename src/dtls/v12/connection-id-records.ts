import { type AeadName, aeadTagLength, openAead, sealAead } from '../aead.ts'
import { DtlsError } from '../errors.ts'
import {
  ContentType,
  maxPlaintextLength,
  maxSequence,
  recordConnectionIdAt,
  recordHeaderLength,
  writeRecordHeader,
} from '../record.ts'
import type { RecordOpener, RecordSealer } from '../record-protection.ts'

const tagLength = aeadTagLength
const nonceLength = 12
/** epoch and sequence_number: where they stand in a record, and how long they are. */
const countAt = 3
const countLength = 8

/** The keys of one direction, owned by who is given them. */
export interface Keys12 {
  readonly aead: AeadName
  readonly key: Uint8Array
  /** 4 bytes for AES-GCM, 12 for ChaCha20-Poly1305. */
  readonly fixedIv: Uint8Array
}

/** Makes records of type tls12_cid: RFC 9146 §4. */
export class ConnectionIdSealer implements RecordSealer {
  readonly epoch: number
  readonly overhead: number
  readonly #protection: Protection
  readonly #id: Uint8Array
  #sequence = 0

  /** @param id what the peer wants to see on each record: 1 to 255 bytes */
  constructor(epoch: number, keys: Keys12, id: Uint8Array) {
    this.epoch = epoch
    this.#id = id
    this.#protection = new Protection(keys, id)
    // Besides the connection ID, the real type takes a byte.
    this.overhead = recordHeaderLength + id.length + this.#protection.explicitLength + 1 + tagLength
  }

  get sequence(): number {
    return this.#sequence
  }

  seal(type: number, content: Uint8Array): Uint8Array {
    const innerLength = content.length + 1
    // RFC 9146 §5: the length of DTLSInnerPlaintext must not exceed 2^14.
    if (innerLength > maxPlaintextLength) {
      throw new DtlsError('record-too-long', `${content.length} bytes do not fit into a record`)
    }
    // RFC 6347 §4.1: the association is abandoned before a sequence number, and with it a nonce, would come again.
    if (this.#sequence > maxSequence) throw new DtlsError('sequence-exhausted', 'no sequence number is left')
    const record = Buffer.allocUnsafe(this.overhead + content.length)
    const start = record.length - innerLength - tagLength
    this.#writeHeader(record, start)
    // RFC 9146 §4: DTLSInnerPlaintext is the content, then its type; no padding.
    record.set(content, start)
    record[start + content.length] = type
    this.#protection.seal(record, start, innerLength)
    return record
  }

  wipe(): void {
    this.#protection.wipe()
    this.#sequence = Number.POSITIVE_INFINITY
  }

  #writeHeader(record: Uint8Array, start: number): void {
    const { explicitLength } = this.#protection
    const lengthAt = recordConnectionIdAt(0) + this.#id.length
    const length = record.length - lengthAt - 2
    writeRecordHeader(record, ContentType.tls12Cid, this.epoch, this.#sequence++, length)
    record.set(this.#id, recordConnectionIdAt(0))
    record[lengthAt] = length >>> 8
    record[lengthAt + 1] = length
    // RFC 5288 §3: nonce_explicit may be the 64-bit sequence number; here it is epoch and sequence_number.
    for (let i = 0; i < explicitLength; i++) record[start - explicitLength + i] = record[countAt + i] ?? 0
  }
}

/** Opens records of type tls12_cid. The real type of what was opened last is told by {@link type}. */
export class ConnectionIdOpener implements RecordOpener {
  type = 0
  readonly #protection: Protection
  readonly #headerLength: number

  /** @param id ours: records that come here have it */
  constructor(keys: Keys12, id: Uint8Array) {
    this.#protection = new Protection(keys, id)
    this.#headerLength = recordHeaderLength + id.length
  }

  open(datagram: Uint8Array, at: number, end: number): Uint8Array | undefined {
    const inner = this.#protection.open(datagram, at, at + this.#headerLength, end)
    if (inner === undefined) return undefined
    // RFC 9146 §4: any number of zeros follows the type.
    let last = inner.length - 1
    while (last >= 0 && inner[last] === 0) last--
    // RFC 8446 §5.4: without a type it is rubbish, and as it is authentic, the peer's. No type there is will do.
    this.type = inner[last] ?? 0
    return inner.subarray(0, Math.max(0, last))
  }

  wipe(): void {
    this.#protection.wipe()
  }
}

/** The AEAD of one direction, with the additional data of records that have a connection ID. */
class Protection {
  /** Of the part of the nonce that is sent. */
  readonly explicitLength: number
  readonly #aead: AeadName
  readonly #key: Uint8Array
  readonly #fixedIv: Uint8Array
  readonly #nonce = new Uint8Array(nonceLength)
  readonly #aad: Uint8Array

  constructor({ aead, key, fixedIv }: Keys12, id: Uint8Array) {
    this.#aead = aead
    this.#key = key
    this.#fixedIv = fixedIv
    // RFC 5288 §3: the salt, then the explicit part. RFC 7905 §2: nothing of the nonce is sent.
    this.explicitLength = nonceLength - fixedIv.length
    this.#aad = additionalData(id)
  }

  /** Seals in place. */
  seal(record: Uint8Array, start: number, length: number): void {
    this.#prepare(record, 0, start, length)
    sealAead(this.#aead, this.#key, this.#nonce, this.#aad, record.subarray(start, start + length), record, start)
  }

  open(datagram: Uint8Array, at: number, fragmentAt: number, end: number): Uint8Array | undefined {
    const start = fragmentAt + this.explicitLength
    const tag = end - tagLength
    if (tag < start) return undefined
    this.#prepare(datagram, at, start, tag - start)
    const ciphertext = datagram.subarray(start, tag)
    return openAead(this.#aead, this.#key, this.#nonce, this.#aad, ciphertext, datagram.subarray(tag, end))
  }

  wipe(): void {
    this.#key.fill(0)
    this.#fixedIv.fill(0)
    this.#nonce.fill(0)
  }

  #prepare(record: Uint8Array, at: number, start: number, length: number): void {
    const nonce = this.#nonce
    const aad = this.#aad
    nonce.set(this.#fixedIv)
    for (let i = 0; i < this.explicitLength; i++) {
      nonce[nonceLength - this.explicitLength + i] = record[start - this.explicitLength + i] ?? 0
    }
    for (let i = 0; i < countLength; i++) {
      const byte = record[at + countAt + i] ?? 0
      // RFC 7905 §2: the 64-bit sequence number is padded on the left and XORed with the IV.
      if (this.explicitLength === 0) nonce[4 + i] = (nonce[4 + i] ?? 0) ^ byte
      aad[aadCountAt + i] = byte
    }
    aad[aad.length - 2] = length >>> 8
    aad[aad.length - 1] = length
  }
}

const placeholderLength = 8
/** Where epoch and sequence_number stand in the additional data. */
const aadCountAt: number = placeholderLength + 5

/**
 * RFC 9146 §5.3: seq_num_placeholder, tls12_cid, cid_length, tls12_cid, version, epoch, sequence_number, cid,
 * length_of_DTLSInnerPlaintext. What differs from record to record is filled in for each.
 */
function additionalData(id: Uint8Array): Uint8Array {
  const aad = new Uint8Array(aadCountAt + countLength + id.length + 2)
  // RFC 9146 §5: the placeholder is 8 bytes of 0xff.
  aad.fill(0xff, 0, placeholderLength)
  aad.set([ContentType.tls12Cid, id.length, ContentType.tls12Cid, 0xfe, 0xfd], placeholderLength)
  aad.set(id, aadCountAt + countLength)
  return aad
}
