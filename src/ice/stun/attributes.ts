import type { TransportAddress } from '../../base/address.ts'
import { ByteReader, type ByteWriter } from '../../base/bytes.ts'
import { formatIpv6, parseIpv4, parseIpv6 } from '../../base/ip.ts'

/** The attributes that are understood, by name. Addresses are canonical; strings are UTF-8 on the wire. */
export interface StunAttributes {
  readonly mappedAddress?: TransportAddress
  readonly username?: string
  readonly errorCode?: StunErrorCode
  readonly unknownAttributes?: readonly number[]
  readonly realm?: string
  readonly nonce?: string
  readonly xorMappedAddress?: TransportAddress
  readonly priority?: number
  readonly useCandidate?: true
  readonly software?: string
  readonly iceControlled?: bigint
  readonly iceControlling?: bigint
}

export interface StunErrorCode {
  /** 300 to 699. */
  readonly code: number
  readonly reason: string
}

/** RFC 8489 §5: the first four bytes after type and length. */
export const magicCookie = 0x2112_a442

/** RFC 8489 §14: attributes below this must be understood, those from here on may be ignored. */
export const comprehensionOptional = 0x8000

/** How one attribute is written and read. `decode` returns undefined for a value that the attribute cannot have. */
interface Codec<Value> {
  readonly type: number
  encode(writer: ByteWriter, value: Value, transactionId: Uint8Array): void
  decode(bytes: Uint8Array, transactionId: Uint8Array): Value | undefined
}

export type AttributeName = keyof StunAttributes
type CodecTable = { readonly [Name in AttributeName]: Codec<NonNullable<StunAttributes[Name]>> }

/**
 * The attribute table: RFC 8489 §18.3, RFC 8445 §16.1.
 *
 * Limits are in bytes as a receiver must take them: RFC 8489 §14.3, §14.8, §14.9, §14.10 and §14.14.
 */
const codecs: CodecTable = {
  mappedAddress: { type: 0x0001, ...addressCodec(() => new Uint8Array(16)) },
  username: { type: 0x0006, ...textCodec(763) },
  errorCode: { type: 0x0009, encode: encodeErrorCode, decode: decodeErrorCode },
  unknownAttributes: { type: 0x000a, encode: encodeTypes, decode: decodeTypes },
  realm: { type: 0x0014, ...textCodec(763) },
  nonce: { type: 0x0015, ...textCodec(763) },
  xorMappedAddress: { type: 0x0020, ...addressCodec(addressMask) },
  priority: {
    type: 0x0024,
    encode: (writer, value) => writer.uint32(value),
    decode: bytes => (bytes.length === 4 ? new ByteReader(bytes).uint32('priority') : undefined),
  },
  useCandidate: {
    type: 0x0025,
    encode: () => undefined,
    decode: bytes => (bytes.length === 0 ? true : undefined),
  },
  software: { type: 0x8022, ...textCodec(763) },
  iceControlled: { type: 0x8029, ...uint64Codec() },
  iceControlling: { type: 0x802a, ...uint64Codec() },
}

const namesByType: ReadonlyMap<number, AttributeName> = new Map(
  (Object.keys(codecs) as AttributeName[]).map(name => [codecs[name].type, name]),
)

export function attributeName(type: number): AttributeName | undefined {
  return namesByType.get(type)
}

export function attributeType(name: AttributeName): number {
  return codecs[name].type
}

/** The value of an attribute, or undefined if the bytes are none. */
export function decodeAttribute(name: AttributeName, bytes: Uint8Array, transactionId: Uint8Array): unknown {
  return codecs[name].decode(bytes, transactionId)
}

/** Writes the value of an attribute, without type, length and padding. */
export function encodeAttribute<Name extends AttributeName>(
  writer: ByteWriter,
  name: Name,
  value: NonNullable<StunAttributes[Name]>,
  transactionId: Uint8Array,
): void {
  codecs[name].encode(writer, value, transactionId)
}

// RFC 8489 §14.1
const familyIpv4 = 1
const familyIpv6 = 2

/** @param mask what port and address are XORed with: the bytes of cookie and transaction, or zeros. */
function addressCodec(mask: (transactionId: Uint8Array) => Uint8Array): Omit<Codec<TransportAddress>, 'type'> {
  return {
    encode(writer, value, transactionId) {
      const key = mask(transactionId)
      const bytes = addressBytes(value)
      writer.uint8(0).uint8(value.family === 4 ? familyIpv4 : familyIpv6)
      writer.uint16(value.port ^ (((key[0] ?? 0) << 8) | (key[1] ?? 0)))
      writer.bytes(xor(bytes, key))
    },
    decode(bytes, transactionId) {
      const family = bytes[1]
      // RFC 8489 §14.1: 32 bits for IPv4 and 128 for IPv6, never more or fewer
      if (bytes.length !== (family === familyIpv4 ? 8 : 20)) return undefined
      if (family !== familyIpv4 && family !== familyIpv6) return undefined
      const key = mask(transactionId)
      const port = (((bytes[2] ?? 0) ^ (key[0] ?? 0)) << 8) | ((bytes[3] ?? 0) ^ (key[1] ?? 0))
      return readAddress(xor(bytes.subarray(4), key), port)
    },
  }
}

/** RFC 8489 §14.2: the magic cookie followed by the transaction ID; IPv4 addresses and ports meet only the cookie. */
function addressMask(transactionId: Uint8Array): Uint8Array {
  const mask = new Uint8Array(16)
  new DataView(mask.buffer).setUint32(0, magicCookie)
  mask.set(transactionId.subarray(0, 12), 4)
  return mask
}

function xor(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => byte ^ (key[index] ?? 0))
}

function addressBytes(value: TransportAddress): Uint8Array {
  if (value.family === 4) return Uint8Array.from(parseIpv4(value.address) ?? [0, 0, 0, 0])
  const groups = parseIpv6(value.address) ?? []
  return Uint8Array.from({ length: 16 }, (_, index) => (groups[index >> 1] ?? 0) >> (index % 2 === 0 ? 8 : 0))
}

function readAddress(bytes: Uint8Array, port: number): TransportAddress {
  if (bytes.length === 4) return { address: bytes.join('.'), port, family: 4 }
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0))
  return { ...formatIpv6(groups), port }
}

const utf8Encoder = new TextEncoder()
// Nothing is authenticated by how text looks: what is not UTF-8 becomes replacement characters.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function textCodec(maxBytes: number): Omit<Codec<string>, 'type'> {
  return {
    encode: (writer, value) => writer.bytes(utf8Encoder.encode(value)),
    decode: bytes => (bytes.length <= maxBytes ? utf8Decoder.decode(bytes) : undefined),
  }
}

function uint64Codec(): Omit<Codec<bigint>, 'type'> {
  return {
    encode: (writer, value) => writer.uint64(value),
    decode: bytes => (bytes.length === 8 ? new ByteReader(bytes).uint64('tie-breaker') : undefined),
  }
}

const maxReasonBytes = 763

function encodeErrorCode(writer: ByteWriter, value: StunErrorCode): void {
  writer.uint16(0).uint8(Math.floor(value.code / 100))
  writer.uint8(value.code % 100).bytes(utf8Encoder.encode(value.reason))
}

function decodeErrorCode(bytes: Uint8Array): StunErrorCode | undefined {
  if (bytes.length < 4 || bytes.length > 4 + maxReasonBytes) return undefined
  // RFC 8489 §14.8: the upper bits are reserved and ignored; class 3 to 6, number 0 to 99
  const hundreds = (bytes[2] ?? 0) & 0x07
  const number = bytes[3] ?? 0
  if (hundreds < 3 || hundreds > 6 || number > 99) return undefined
  return { code: hundreds * 100 + number, reason: utf8Decoder.decode(bytes.subarray(4)) }
}

function encodeTypes(writer: ByteWriter, value: readonly number[]): void {
  for (const type of value) writer.uint16(type)
}

function decodeTypes(bytes: Uint8Array): readonly number[] | undefined {
  if (bytes.length % 2 !== 0) return undefined
  const reader = new ByteReader(bytes)
  return Array.from({ length: bytes.length / 2 }, () => reader.uint16('attribute type'))
}
