import type { TransportAddress } from '../../base/address.ts'
import { ByteReader, type ByteWriter } from '../../base/bytes.ts'
import { formatIpv6, parseIpv4, parseIpv6 } from '../../base/ip.ts'
import { magicCookie } from './header.ts'

/** How one attribute is written and read. `decode` returns undefined for a value that the attribute cannot have. */
export interface Codec<Value> {
  encode(writer: ByteWriter, value: Value, transactionId: Uint8Array): void
  decode(bytes: Uint8Array, transactionId: Uint8Array): Value | undefined
}

export interface StunErrorCode {
  /** 300 to 699. */
  readonly code: number
  readonly reason: string
}

/** Why a server has not allocated an address of one family. RFC 8656 §18.12. */
export interface AddressErrorCode extends StunErrorCode {
  readonly family: 4 | 6
}

/** How a key is derived from a password. RFC 8489 §18.5: 1 is MD5, 2 is SHA-256; neither has parameters. */
export interface PasswordAlgorithm {
  readonly id: number
  readonly parameters: Uint8Array
}

/** Where a server is to answer from. RFC 5780 §7.2. */
export interface ChangeRequest {
  readonly changeIp: boolean
  readonly changePort: boolean
}

/** An ICMP error that a relayed datagram met. RFC 8656 §18.13. */
export interface IcmpError {
  readonly type: number
  readonly code: number
  /** The MTU of the next link where the datagram was too big; zero otherwise. */
  readonly data: number
}

/** How many algorithms a list has at most; two are defined. */
export const maxPasswordAlgorithms = 16

export const plainAddress: Codec<TransportAddress> = addressCodec(() => 0)
export const xorAddress: Codec<TransportAddress> = addressCodec(maskByte)

export const uint32: Codec<number> = {
  encode: (writer, value) => writer.uint32(value),
  decode: bytes => (bytes.length === 4 ? new ByteReader(bytes).uint32('value') : undefined),
}

export const uint64: Codec<bigint> = {
  encode: (writer, value) => writer.uint64(value),
  decode: bytes => (bytes.length === 8 ? new ByteReader(bytes).uint64('value') : undefined),
}

/** A 16-bit number with two reserved bytes behind it. RFC 8656 §18.1. */
export const uint16Reserved: Codec<number> = {
  encode: (writer, value) => writer.uint16(value).uint16(0),
  decode: bytes => (bytes.length === 4 ? new ByteReader(bytes).uint16('value') : undefined),
}

/** RFC 5780 §7.5: a port and two bytes of padding, which some count as part of the value and some don't. */
export const responsePort: Codec<number> = {
  encode: uint16Reserved.encode,
  decode: bytes => (bytes.length === 2 || bytes.length === 4 ? new ByteReader(bytes).uint16('port') : undefined),
}

/** An attribute whose presence says it all. */
export const flag: Codec<true> = {
  encode: () => undefined,
  decode: bytes => (bytes.length === 0 ? true : undefined),
}

/** The bytes as they are: a view of the message. */
export const view: Codec<Uint8Array> = {
  encode: (writer, value) => writer.bytes(value),
  decode: bytes => bytes,
}

/** Bytes of a fixed length, copied: they outlive the message. */
export function fixedBytes(length: number): Codec<Uint8Array> {
  return {
    encode: (writer, value) => writer.bytes(value),
    decode: bytes => (bytes.length === length ? Uint8Array.from(bytes) : undefined),
  }
}

/** RFC 5780 §7.6: bytes that mean nothing, given by their number. */
export const padding: Codec<number> = {
  encode: (writer, value) => writer.zeros(value),
  decode: bytes => bytes.length,
}

const utf8Encoder = new TextEncoder()
// Nothing is authenticated by how text looks: what is not UTF-8 becomes replacement characters.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function text(maxBytes: number): Codec<string> {
  return {
    encode: (writer, value) => writer.bytes(utf8Encoder.encode(value)),
    decode: bytes => (bytes.length <= maxBytes ? utf8Decoder.decode(bytes) : undefined),
  }
}

/** RFC 8489 §14.16: a DNS name of 255 or fewer ASCII characters. */
export const domainName: Codec<string> = {
  encode: (writer, value) => writer.bytes(utf8Encoder.encode(value)),
  decode(bytes) {
    if (bytes.length === 0 || bytes.length > 255) return undefined
    const name = utf8Decoder.decode(bytes)
    return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(name) ? name : undefined
  },
}

const maxReasonBytes = 763

export const errorCode: Codec<StunErrorCode> = {
  encode: (writer, value) => encodeError(writer.uint16(0), value),
  decode: decodeError,
}

/** RFC 8656 §18.12: an error code whose first byte is the address family. */
export const addressErrorCode: Codec<AddressErrorCode> = {
  encode: (writer, value) => encodeError(writer.uint8(familyCode(value.family)).uint8(0), value),
  decode(bytes) {
    const family = familyOf(bytes[0])
    const error = decodeError(bytes)
    return family === undefined || error === undefined ? undefined : { family, ...error }
  },
}

/** RFC 8656 §18.6: a family and three reserved bytes. */
export const addressFamily: Codec<4 | 6> = {
  encode: (writer, value) => writer.uint8(familyCode(value)).uint24(0),
  decode: bytes => (bytes.length === 4 ? familyOf(bytes[0]) : undefined),
}

/** RFC 8656 §18.7: one byte, of which the first bit asks for the next port to be reserved. */
export const evenPort: Codec<{ readonly reserveNext: boolean }> = {
  encode: (writer, value) => writer.uint8(value.reserveNext ? 0x80 : 0),
  decode: bytes => (bytes.length === 1 ? { reserveNext: ((bytes[0] ?? 0) & 0x80) !== 0 } : undefined),
}

/** RFC 8656 §18.8: a protocol number and three reserved bytes. */
export const protocol: Codec<number> = {
  encode: (writer, value) => writer.uint8(value).uint24(0),
  decode: bytes => (bytes.length === 4 ? bytes[0] : undefined),
}

export const changeRequest: Codec<ChangeRequest> = {
  encode: (writer, value) => writer.uint32((value.changeIp ? 4 : 0) | (value.changePort ? 2 : 0)),
  decode(bytes) {
    const flags = uint32.decode(bytes, bytes)
    return flags === undefined ? undefined : { changeIp: (flags & 4) !== 0, changePort: (flags & 2) !== 0 }
  },
}

/** RFC 8656 §18.13: as it is drawn, 7 bits of type (errors have no more in either version of ICMP) and 9 of code. */
export const icmp: Codec<IcmpError> = {
  encode: (writer, value) =>
    writer
      .uint16(0)
      .uint16((value.type << 9) | (value.code & 0x1ff))
      .uint32(value.data),
  decode(bytes) {
    if (bytes.length !== 8) return undefined
    const reader = new ByteReader(bytes.subarray(2))
    const both = reader.uint16('type and code')
    return { type: both >> 9, code: both & 0x1ff, data: reader.uint32('error data') }
  },
}

export const attributeTypes: Codec<readonly number[]> = {
  encode(writer, value) {
    for (const type of value) writer.uint16(type)
  },
  decode(bytes) {
    if (bytes.length % 2 !== 0) return undefined
    const reader = new ByteReader(bytes)
    return Array.from({ length: bytes.length / 2 }, () => reader.uint16('attribute type'))
  },
}

/** RFC 8489 §14.11: algorithms one after the other, each padded to four bytes. */
export const passwordAlgorithms: Codec<readonly PasswordAlgorithm[]> = {
  encode(writer, value) {
    for (const { id, parameters } of value) {
      writer.uint16(id).uint16(parameters.length).bytes(parameters)
      writer.zeros(-parameters.length & 3)
    }
  },
  decode(bytes) {
    const reader = new ByteReader(bytes)
    const algorithms: PasswordAlgorithm[] = []
    while (reader.remaining > 0) {
      if (reader.remaining < 4 || algorithms.length === maxPasswordAlgorithms) return undefined
      const id = reader.uint16('algorithm')
      const length = reader.uint16('parameters')
      if (length > reader.remaining) return undefined
      algorithms.push({ id, parameters: Uint8Array.from(reader.bytes(length, 'parameters')) })
      // The padding of the last one may be left to the attribute.
      reader.skip(Math.min(-length & 3, reader.remaining), 'padding')
    }
    return algorithms
  },
}

export const passwordAlgorithm: Codec<PasswordAlgorithm> = {
  encode: (writer, value, transactionId) => passwordAlgorithms.encode(writer, [value], transactionId),
  decode(bytes, transactionId) {
    const algorithms = passwordAlgorithms.decode(bytes, transactionId)
    return algorithms?.length === 1 ? algorithms[0] : undefined
  },
}

/** Behind two bytes that were written already. */
function encodeError(writer: ByteWriter, value: StunErrorCode): void {
  writer.uint8(Math.floor(value.code / 100)).uint8(value.code % 100)
  writer.bytes(utf8Encoder.encode(value.reason))
}

function decodeError(bytes: Uint8Array): StunErrorCode | undefined {
  if (bytes.length < 4 || bytes.length > 4 + maxReasonBytes) return undefined
  // RFC 8489 §14.8: the upper bits are reserved and ignored; class 3 to 6, number 0 to 99
  const hundreds = (bytes[2] ?? 0) & 0x07
  const number = bytes[3] ?? 0
  if (hundreds < 3 || hundreds > 6 || number > 99) return undefined
  // Some servers count the padding as part of the text.
  let end = bytes.length
  while (end > 4 && bytes[end - 1] === 0) end--
  return { code: hundreds * 100 + number, reason: utf8Decoder.decode(bytes.subarray(4, end)) }
}

// RFC 8489 §14.1
const familyIpv4 = 1
const familyIpv6 = 2

function familyCode(family: 4 | 6): number {
  return family === 4 ? familyIpv4 : familyIpv6
}

function familyOf(code: number | undefined): 4 | 6 | undefined {
  if (code === familyIpv4) return 4
  return code === familyIpv6 ? 6 : undefined
}

/** @param mask the byte that the one at an index of port or address is XORed with */
function addressCodec(mask: (transactionId: Uint8Array, index: number) => number): Codec<TransportAddress> {
  return {
    encode(writer, value, transactionId) {
      writer.uint8(0).uint8(familyCode(value.family))
      writer.uint8((value.port >> 8) ^ mask(transactionId, 0)).uint8((value.port & 0xff) ^ mask(transactionId, 1))
      for (const [index, byte] of addressBytes(value).entries()) writer.uint8(byte ^ mask(transactionId, index))
    },
    decode(bytes, transactionId) {
      const family = familyOf(bytes[1])
      // RFC 8489 §14.1: 32 bits for IPv4 and 128 for IPv6, never more or fewer
      if (family === undefined || bytes.length !== (family === 4 ? 8 : 20)) return undefined
      const portByte = (index: number) => (bytes[2 + index] ?? 0) ^ mask(transactionId, index)
      const addressByte = (index: number) => (bytes[4 + index] ?? 0) ^ mask(transactionId, index)
      return readAddress(family, addressByte, (portByte(0) << 8) | portByte(1))
    },
  }
}

/** RFC 8489 §14.2: the magic cookie followed by the transaction ID; IPv4 addresses and ports meet only the cookie. */
function maskByte(transactionId: Uint8Array, index: number): number {
  return index < 4 ? (magicCookie >>> (24 - 8 * index)) & 0xff : (transactionId[index - 4] ?? 0)
}

function addressBytes(value: TransportAddress): readonly number[] {
  if (value.family === 4) return parseIpv4(value.address) ?? [0, 0, 0, 0]
  return (parseIpv6(value.address) ?? new Array<number>(8).fill(0)).flatMap(group => [group >> 8, group & 0xff])
}

function readAddress(family: 4 | 6, byte: (index: number) => number, port: number): TransportAddress {
  if (family === 4) return { address: `${byte(0)}.${byte(1)}.${byte(2)}.${byte(3)}`, port, family }
  const groups = Array.from({ length: 8 }, (_, index) => (byte(2 * index) << 8) | byte(2 * index + 1))
  return { ...formatIpv6(groups), port }
}
