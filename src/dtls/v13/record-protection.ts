import { type Cipher, createCipheriv } from 'node:crypto'
import { type AeadName, aeadTagLength, openAead, sealAead } from '../aead.ts'
import type { ConnectionIds } from '../connection-id.ts'
import { DtlsError } from '../errors.ts'
import { maxPlaintextLength } from '../record.ts'
import type { RecordSealer } from '../record-protection.ts'
import { hasConnectionId13, headerBits, unifiedHeaderLength } from './unified-header.ts'

/** RFC 8446 §7.3, RFC 9147 §4.2.3: the keys of one direction of one epoch. */
export interface TrafficKeys {
  readonly aead: AeadName
  readonly key: Uint8Array
  readonly iv: Uint8Array
  /** sn_key */
  readonly sequenceKey: Uint8Array
}

const tagLength = aeadTagLength
const noConnectionId = new Uint8Array()
/** RFC 9147 §4: flags, 16 bits of sequence number, 16 bits of length. */
const headerLength = 5
/** What a record adds to its content: header without a connection ID, content type and tag. */
export const recordOverhead13: number = headerLength + 1 + tagLength

/**
 * How many records a key may seal.
 *
 * RFC 8446 §5.5: 2^24.5 for AES-GCM. ChaCha20-Poly1305 has no such limit; RFC 9147 §4.2.1: the sequence number must not
 * wrap, and has 48 bits at least.
 */
export const maxSealedRecords: Readonly<Record<AeadName, number>> = {
  'aes-128-gcm': Math.floor(2 ** 24.5),
  'aes-256-gcm': Math.floor(2 ** 24.5),
  'chacha20-poly1305': 2 ** 48 - 1,
}
/** RFC 9147 §4.5.3: how many records may fail authentication with one key. */
export const maxForgedRecords: number = 2 ** 36

/** Makes the records of one epoch. */
export class Sealer13 implements RecordSealer {
  readonly epoch: number
  readonly #connectionIds: ConnectionIds | undefined
  readonly #aead: Aead
  readonly #mask: SequenceMask
  readonly #limit: number
  #sequence = 0

  /**
   * @param keys owned from now on
   * @param connectionIds has what the peer wants to see on each record; it may change
   */
  constructor(
    epoch: number,
    keys: TrafficKeys,
    connectionIds: ConnectionIds | undefined = undefined,
    limit: number = maxSealedRecords[keys.aead],
  ) {
    this.epoch = epoch
    this.#connectionIds = connectionIds
    this.#aead = new Aead(keys)
    this.#mask = createMask(keys)
    this.#limit = limit
  }

  get overhead(): number {
    return recordOverhead13 + (this.#connectionIds?.peer.length ?? 0)
  }

  /** The sequence number of the next record: as many were sealed. */
  get sequence(): number {
    return this.#sequence
  }

  seal(type: number, content: Uint8Array): Uint8Array {
    const length = content.length
    if (length > maxPlaintextLength) throw new DtlsError('record-too-long', `${length} bytes do not fit into a record`)
    // RFC 9147 §4.5.3: no more records are protected than the AEAD allows.
    if (this.#sequence >= this.#limit) throw new DtlsError('sequence-exhausted', 'the key has sealed all it may')
    const sequence = this.#sequence++
    const id = this.#connectionIds?.peer ?? noConnectionId
    const start = headerLength + id.length
    const record = Buffer.allocUnsafe(start + length + 1 + tagLength)
    this.#writeHeader(record, id, sequence, length + 1 + tagLength)
    // RFC 9147 §4: DTLSInnerPlaintext is the content, then its type; no padding.
    record.set(content, start)
    record[start + length] = type
    this.#aead.seal(sequence, record, start, start + length + 1)
    this.#mask.apply(record, start - 4, 2, record, start)
    return record
  }

  wipe(): void {
    this.#aead.wipe()
    this.#mask.wipe()
    this.#sequence = Number.POSITIVE_INFINITY
  }

  #writeHeader(record: Uint8Array, id: Uint8Array, sequence: number, length: number): void {
    const { fixed, connectionId, longSequence, length: hasLength, epoch } = headerBits
    // RFC 9147 §4: a connection ID that was negotiated must be contained.
    record[0] = fixed | (id.length > 0 ? connectionId : 0) | longSequence | hasLength | (this.epoch & epoch)
    record.set(id, 1)
    const at = 1 + id.length
    record[at] = sequence >>> 8
    record[at + 1] = sequence
    record[at + 2] = length >>> 8
    record[at + 3] = length
  }
}

/** Opens the records of one epoch. What was opened last is told by {@link type} and {@link sequence}. */
export class Opener13 {
  /** The content type of the record that was opened last. */
  type = 0
  /** The sequence number of the record that was opened last. */
  sequence = 0
  readonly #aead: Aead
  readonly #mask: SequenceMask
  readonly #limit: number
  /** One plus the highest sequence number that was authentic. */
  #expected = 0
  #forged = 0

  /** @param keys owned from now on */
  constructor(keys: TrafficKeys, limit: number = maxForgedRecords) {
    this.#aead = new Aead(keys)
    this.#mask = createMask(keys)
    this.#limit = limit
  }

  /** RFC 9147 §4.5.3: so many records were forged that the next one might pass. */
  get exhausted(): boolean {
    return this.#forged > this.#limit
  }

  /**
   * The content of the record at `at`, in a buffer of its own; undefined if it is not authentic.
   *
   * @param connectionIdLength of a connection ID, if it has one
   */
  open(datagram: Uint8Array, at: number, end: number, connectionIdLength = 0): Uint8Array | undefined {
    const flags = datagram[at] ?? 0
    const start = at + unifiedHeaderLength(flags, connectionIdLength)
    // RFC 9147 §4.2.3: shorter records are rejected as if they had failed deprotection. This is below one type and tag.
    if (end - start < 1 + tagLength) return undefined
    // A copy, and not slice(), which of a Buffer is a view.
    const header = new Uint8Array(datagram.subarray(at, start))
    const sequenceLength = (flags & headerBits.longSequence) === 0 ? 1 : 2
    const sequenceAt = hasConnectionId13(flags) ? 1 + connectionIdLength : 1
    this.#mask.apply(header, sequenceAt, sequenceLength, datagram, start)
    const first = header[sequenceAt] ?? 0
    const low = sequenceLength === 1 ? first : (first << 8) | (header[sequenceAt + 1] ?? 0)
    const sequence = nearest(this.#expected, low, sequenceLength === 1 ? 0x100 : 0x1_0000)
    const tag = end - tagLength
    const inner = this.#aead.open(sequence, header, datagram.subarray(start, tag), datagram.subarray(tag, end))
    if (inner === undefined) {
      this.#forged++
      return undefined
    }
    if (sequence >= this.#expected) this.#expected = sequence + 1
    this.sequence = sequence
    return this.#content(inner)
  }

  wipe(): void {
    this.#aead.wipe()
    this.#mask.wipe()
  }

  /** RFC 8446 §5.4: the type is the last byte that is not zero. */
  #content(inner: Uint8Array): Uint8Array {
    let last = inner.length - 1
    while (last >= 0 && inner[last] === 0) last--
    // A record without a type has the type 0, which nothing accepts.
    this.type = inner[last] ?? 0
    return inner.subarray(0, Math.max(0, last))
  }
}

/** RFC 9147 §4.2.2: the number with these low-order bits that is closest to the one expected. */
function nearest(expected: number, low: number, range: number): number {
  const base = expected - (expected % range) + low
  if (base > expected + range / 2 && base >= range) return base - range
  if (base < expected - range / 2) return base + range
  return base
}

/** The AEAD of one direction. */
class Aead {
  readonly #name: AeadName
  readonly #key: Uint8Array
  readonly #iv: Uint8Array
  readonly #nonce = new Uint8Array(12)

  constructor({ aead, key, iv }: TrafficKeys) {
    this.#name = aead
    this.#key = key
    this.#iv = iv
  }

  /** Seals in place what is from `start` to `end`. RFC 9147 §4: the header before it is the additional data. */
  seal(sequence: number, record: Uint8Array, start: number, end: number): void {
    const nonce = this.#nonceOf(sequence)
    sealAead(this.#name, this.#key, nonce, record.subarray(0, start), record.subarray(start, end), record, start)
  }

  open(sequence: number, header: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array): Uint8Array | undefined {
    return openAead(this.#name, this.#key, this.#nonceOf(sequence), header, ciphertext, tag)
  }

  wipe(): void {
    this.#key.fill(0)
    this.#iv.fill(0)
  }

  /** RFC 8446 §5.3: the 64-bit sequence number, padded to the left, XOR the IV. RFC 9147 §4: without the epoch. */
  #nonceOf(sequence: number): Uint8Array {
    const nonce = this.#nonce
    nonce.set(this.#iv)
    let rest = sequence
    for (let at = 11; rest > 0; at--) {
      nonce[at] = (nonce[at] ?? 0) ^ (rest & 0xff)
      rest = Math.floor(rest / 0x100)
    }
    return nonce
  }
}

/** RFC 9147 §4.2.3: what hides the sequence numbers of a direction. */
export abstract class SequenceMask {
  /** The first bytes of the mask for the ciphertext at `start`. */
  protected abstract mask(datagram: Uint8Array, start: number): Uint8Array
  abstract wipe(): void

  /** Masks, or unmasks, the `length` bytes of `header` at `at`; the ciphertext is in `datagram` at `start`. */
  apply(header: Uint8Array, at: number, length: number, datagram: Uint8Array, start: number): void {
    const mask = this.mask(datagram, start)
    for (let i = 0; i < length; i++) header[at + i] = (header[at + i] ?? 0) ^ (mask[i] ?? 0)
  }
}

export function createMask({ aead, sequenceKey }: TrafficKeys): SequenceMask {
  return aead === 'chacha20-poly1305' ? new ChaChaMask(sequenceKey) : new AesMask(sequenceKey)
}

const maskInputLength = 16

/** RFC 9147 §4.2.3: AES-ECB of the first 16 bytes of the ciphertext. */
class AesMask extends SequenceMask {
  readonly #key: Uint8Array
  readonly #cipher: Cipher

  constructor(key: Uint8Array) {
    super()
    this.#key = key
    // One cipher for all blocks: in this mode they have nothing to do with each other.
    this.#cipher = createCipheriv(key.length === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null)
    this.#cipher.setAutoPadding(false)
  }

  mask(datagram: Uint8Array, start: number): Uint8Array {
    return this.#cipher.update(datagram.subarray(start, start + maskInputLength))
  }

  wipe(): void {
    this.#key.fill(0)
  }
}

const zeroBytes = new Uint8Array(2)

/** RFC 9147 §4.2.3: the first 4 bytes of the ciphertext are ChaCha20's block counter, the next 12 its nonce. */
class ChaChaMask extends SequenceMask {
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    super()
    this.#key = key
  }

  mask(datagram: Uint8Array, start: number): Uint8Array {
    return createCipheriv('chacha20', this.#key, datagram.subarray(start, start + maskInputLength)).update(zeroBytes)
  }

  wipe(): void {
    this.#key.fill(0)
  }
}
