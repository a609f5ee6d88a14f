import { ByteWriter } from '../../base/bytes.ts'
import {
  type AttributeCollection,
  type AttributeName,
  attributeName,
  attributeType,
  collectAttribute,
  comprehensionOptional,
  encodeAttribute,
  occurrences,
  type StunAttributes,
} from './attributes.ts'
import { classes, classOf, headerLength, magicCookie, type StunClass, transactionIdOf } from './header.ts'
import {
  checkIntegrity,
  computeFingerprint,
  computeIntegrity,
  fingerprintLength,
  fingerprintType,
  type IntegrityAttribute,
  messageIntegrity,
  messageIntegritySha256,
} from './integrity.ts'

/** RFC 8489 §18.2, RFC 8656 §17, RFC 6062 §6.1. */
export const stunMethod = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
  connect: 0x00a,
  connectionBind: 0x00b,
  connectionAttempt: 0x00c,
} as const

export interface StunMessage {
  readonly class: StunClass
  readonly method: number
  /** 12 bytes. */
  readonly transactionId: Uint8Array
  /** When a message is encoded, they are written in the order of the object's keys. */
  readonly attributes: StunAttributes
}

/** A message as it was received. Nothing in it is authentic before {@link isAuthentic} says so. */
export interface ReceivedStunMessage extends StunMessage {
  readonly bytes: Uint8Array
  /** Attributes that would have to be understood and are not: the first {@link maxUnknownAttributes}. */
  readonly unknownRequired: readonly number[]
  /** Where its integrity attributes start. */
  readonly integrityAt: { readonly sha1?: number; readonly sha256?: number }
  readonly hasFingerprint: boolean
}

export interface EncodeOptions {
  /** Ends the message with an integrity attribute made with this key. */
  readonly key?: Uint8Array
  /** `sha1`, MESSAGE-INTEGRITY, if absent. */
  readonly integrity?: 'sha1' | 'sha256'
  /** Adds FINGERPRINT; it does if absent. */
  readonly fingerprint?: boolean
  /** RFC 8489 §14: zero on sending. Other values are for reproducing messages of others. */
  readonly padding?: number
}

/** How many attributes a 420 response names at most: a request of zero-length attributes must not buy a long answer. */
export const maxUnknownAttributes = 16

/** A message that is one, whatever its attributes hold. */
export interface ParsedStunMessage extends ReceivedStunMessage {
  /** False: an attribute has a value that it cannot have, and is left out. */
  readonly isWellFormed: boolean
}

/**
 * Reads a STUN message; undefined if the bytes are not exactly one, if its FINGERPRINT is wrong, or if it is not well formed.
 *
 * RFC 8489 §6.3. Attributes are read in one pass. Of those that occur repeatedly the first counts, unless the table says
 * that all do.
 */
export function decodeMessage(bytes: Uint8Array): ReceivedStunMessage | undefined {
  const message = parseMessage(bytes)
  return message?.isWellFormed ? message : undefined
}

/** The same for servers, which refuse a request that is not well formed: RFC 8489 §14.8, 400. */
export function parseMessage(bytes: Uint8Array): ParsedStunMessage | undefined {
  if (bytes.length < headerLength) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const type = view.getUint16(0)
  // RFC 8489 §5: two zero bits, the length without header, which is a multiple of four, and the cookie
  if (type > 0x3fff || view.getUint32(4) !== magicCookie) return undefined
  if (view.getUint16(2) !== bytes.length - headerLength || bytes.length % 4 !== 0) return undefined
  const body = readAttributes(bytes, view)
  if (body === undefined) return undefined
  return {
    class: classOf(bytes),
    method: ((type >> 2) & 0xf80) | ((type >> 1) & 0x70) | (type & 0x0f),
    transactionId: transactionIdOf(bytes),
    bytes,
    ...body,
  }
}

/** Encodes a message, with integrity and fingerprint as asked for, into a buffer of its own. */
export function encodeMessage(message: StunMessage, options: EncodeOptions = {}): Uint8Array {
  const writer = new ByteWriter(160 + (message.attributes.data?.length ?? 0))
  const bits = classes.indexOf(message.class)
  const { method } = message
  // RFC 8489 §5: the two bits of the class sit inside those of the method
  writer.uint16(
    ((method & 0xf80) << 2) | ((method & 0x70) << 1) | (method & 0x0f) | ((bits & 2) << 7) | ((bits & 1) << 4),
  )
  writer.uint16(0).uint32(magicCookie).bytes(message.transactionId)
  writeAttributes(writer, message, options.padding ?? 0)
  if (options.key !== undefined) {
    const attribute = options.integrity === 'sha256' ? messageIntegritySha256 : messageIntegrity
    const value = computeIntegrity(writer.view(), writer.length, attribute, options.key)
    writer.uint16(attribute.type).uint16(attribute.length).bytes(value)
  }
  const offset = writer.length
  if (options.fingerprint === false) return writer.patchUint16(2, offset - headerLength).finish()
  // RFC 8489 §14.7: the length must include FINGERPRINT before the CRC is computed
  writer.patchUint16(2, offset + 4 + fingerprintLength - headerLength)
  writer.uint16(fingerprintType).uint16(fingerprintLength).uint32(computeFingerprint(writer.view(), offset))
  return writer.finish()
}

/**
 * Whether the message was made by someone who has the key.
 *
 * RFC 8489 §9.1.3: MESSAGE-INTEGRITY-SHA256 is the one that counts where both are present.
 */
export function isAuthentic(message: ReceivedStunMessage, key: Uint8Array): boolean {
  const { sha1, sha256 } = message.integrityAt
  if (sha256 !== undefined) return checkIntegrity(message.bytes, sha256, messageIntegritySha256, key)
  return sha1 !== undefined && checkIntegrity(message.bytes, sha1, messageIntegrity, key)
}

type Body = Pick<
  ParsedStunMessage,
  'attributes' | 'unknownRequired' | 'integrityAt' | 'hasFingerprint' | 'isWellFormed'
>

function readAttributes(bytes: Uint8Array, view: DataView): Body | undefined {
  const transactionId = transactionIdOf(bytes)
  const attributes: AttributeCollection = {}
  const unknownRequired: number[] = []
  const integrityAt: { sha1?: number; sha256?: number } = {}
  let hasFingerprint = false
  let isWellFormed = true
  let offset = headerLength
  while (offset < bytes.length) {
    const type = view.getUint16(offset)
    const length = view.getUint16(offset + 2)
    const next = offset + 4 + ((length + 3) & ~3)
    if (next > bytes.length) return undefined
    if (type === fingerprintType) {
      // RFC 8489 §14.7: FINGERPRINT is the last attribute
      if (next !== bytes.length || !isFingerprintAt(bytes, view, offset, length)) return undefined
      hasFingerprint = true
    } else if (type === messageIntegrity.type || type === messageIntegritySha256.type) {
      if (!noteIntegrity(integrityAt, type, offset, length)) return undefined
    } else if (integrityAt.sha1 === undefined && integrityAt.sha256 === undefined) {
      // RFC 8489 §9: other attributes that follow an integrity attribute are ignored, as nothing protects them
      const value = bytes.subarray(offset + 4, offset + 4 + length)
      if (!readAttribute(attributes, unknownRequired, type, value, transactionId)) isWellFormed = false
    }
    offset = next
  }
  return { attributes: attributes as StunAttributes, unknownRequired, integrityAt, hasFingerprint, isWellFormed }
}

function readAttribute(
  attributes: AttributeCollection,
  unknownRequired: number[],
  type: number,
  value: Uint8Array,
  transactionId: Uint8Array,
): boolean {
  const name = attributeName(type)
  if (name === undefined) {
    if (type < comprehensionOptional && unknownRequired.length < maxUnknownAttributes) unknownRequired.push(type)
    return true
  }
  return collectAttribute(attributes, name, value, transactionId)
}

function isFingerprintAt(bytes: Uint8Array, view: DataView, offset: number, length: number): boolean {
  return length === fingerprintLength && view.getUint32(offset + 4) === computeFingerprint(bytes, offset)
}

function noteIntegrity(
  integrityAt: { sha1?: number; sha256?: number },
  type: number,
  offset: number,
  length: number,
): boolean {
  const attribute: IntegrityAttribute = type === messageIntegrity.type ? messageIntegrity : messageIntegritySha256
  if (length !== attribute.length) return false
  // RFC 8489 §9: nothing but FINGERPRINT follows MESSAGE-INTEGRITY-SHA256
  if (integrityAt.sha256 === undefined) integrityAt[attribute.algorithm] ??= offset
  return true
}

function writeAttributes(writer: ByteWriter, message: StunMessage, padding: number): void {
  for (const name of Object.keys(message.attributes) as AttributeName[]) {
    for (const value of occurrences(message.attributes, name)) {
      writer.uint16(attributeType(name)).uint16(0)
      const start = writer.length
      encodeAttribute(writer, name, value, message.transactionId)
      const length = writer.length - start
      writer.patchUint16(start - 2, length)
      while (writer.length % 4 !== 0) writer.uint8(padding)
    }
  }
}
