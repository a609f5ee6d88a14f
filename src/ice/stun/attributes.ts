import type { TransportAddress } from '../../base/address.ts'
import type { ByteWriter } from '../../base/bytes.ts'
import * as codec from './attribute-codecs.ts'

/**
 * The attributes that are understood, by name. Addresses are canonical (IPv4-mapped IPv6 ones come out as IPv4); strings
 * are UTF-8 on the wire.
 */
export interface StunAttributes {
  readonly mappedAddress?: TransportAddress
  /** RFC 5780: where the server is to answer from. */
  readonly changeRequest?: codec.ChangeRequest
  readonly username?: string
  readonly errorCode?: codec.StunErrorCode
  readonly unknownAttributes?: readonly number[]
  /** TURN: 0x4000 to 0x4fff are channels. */
  readonly channelNumber?: number
  /** TURN: seconds. */
  readonly lifetime?: number
  /** TURN: all of them, in order; at most {@link maxRepeated}. */
  readonly xorPeerAddress?: readonly TransportAddress[]
  /** TURN: a view of the message, which the receiver must not keep. */
  readonly data?: Uint8Array
  readonly realm?: string
  readonly nonce?: string
  /** TURN: one, or two of different families; at most {@link maxRepeated}. */
  readonly xorRelayedAddress?: readonly TransportAddress[]
  readonly requestedAddressFamily?: 4 | 6
  readonly evenPort?: { readonly reserveNext: boolean }
  /** TURN: a protocol number of IP; 17 is UDP, 6 is TCP. */
  readonly requestedTransport?: number
  readonly dontFragment?: true
  readonly passwordAlgorithm?: codec.PasswordAlgorithm
  /** 32 bytes, which stand for the user name. */
  readonly userhash?: Uint8Array
  readonly xorMappedAddress?: TransportAddress
  /** TURN: 8 bytes. */
  readonly reservationToken?: Uint8Array
  readonly priority?: number
  readonly useCandidate?: true
  /** RFC 5780: how many bytes to make the message longer by. */
  readonly padding?: number
  /** RFC 5780: which port of the client to answer to. */
  readonly responsePort?: number
  /** TURN over TCP, RFC 6062. */
  readonly connectionId?: number
  /** TURN: only 6 may be asked for; a server answers 400 to 4. RFC 8656 §7.2. */
  readonly additionalAddressFamily?: 4 | 6
  readonly addressErrorCode?: codec.AddressErrorCode
  readonly passwordAlgorithms?: readonly codec.PasswordAlgorithm[]
  readonly alternateDomain?: string
  readonly icmp?: codec.IcmpError
  readonly software?: string
  readonly alternateServer?: TransportAddress
  readonly iceControlled?: bigint
  readonly iceControlling?: bigint
  /** RFC 5780: where the response was sent from. */
  readonly responseOrigin?: TransportAddress
  /** RFC 5780: the server's other address and other port. */
  readonly otherAddress?: TransportAddress
  /** How manieth nomination this is; the greatest counts. */
  readonly nomination?: number
}

export type AttributeName = keyof StunAttributes

/** RFC 8489 §14: attributes below this must be understood, those from here on may be ignored. */
export const comprehensionOptional = 0x8000

/**
 * How many times a repeatable attribute may be in a message. One with more is malformed: to read only the first ones would
 * turn the success of the request into a lie.
 */
export const maxRepeated = 64

/** The value of one occurrence: of repeatable attributes, an element of the list. */
type Occurrence<Name extends AttributeName> =
  NonNullable<StunAttributes[Name]> extends readonly TransportAddress[]
    ? TransportAddress
    : NonNullable<StunAttributes[Name]>

interface Entry<Value> {
  readonly type: number
  readonly codec: codec.Codec<Value>
  /** Every occurrence counts, and not just the first. */
  readonly repeatable?: true
}

type AttributeTable = { readonly [Name in AttributeName]: Entry<Occurrence<Name>> }

/**
 * The attribute table: RFC 8489 §18.3, RFC 8445 §16.1, RFC 8656 §18, RFC 6062 §6.2.1, RFC 5780 §7.
 *
 * Limits are in bytes as a receiver must take them: RFC 8489 §14.3, §14.8, §14.9, §14.10 and §14.14.
 */
const table: AttributeTable = {
  mappedAddress: { type: 0x0001, codec: codec.plainAddress },
  changeRequest: { type: 0x0003, codec: codec.changeRequest },
  username: { type: 0x0006, codec: codec.text(763) },
  errorCode: { type: 0x0009, codec: codec.errorCode },
  unknownAttributes: { type: 0x000a, codec: codec.attributeTypes },
  channelNumber: { type: 0x000c, codec: codec.uint16Reserved },
  lifetime: { type: 0x000d, codec: codec.uint32 },
  xorPeerAddress: { type: 0x0012, codec: codec.xorAddress, repeatable: true },
  data: { type: 0x0013, codec: codec.view },
  realm: { type: 0x0014, codec: codec.text(763) },
  nonce: { type: 0x0015, codec: codec.text(763) },
  xorRelayedAddress: { type: 0x0016, codec: codec.xorAddress, repeatable: true },
  requestedAddressFamily: { type: 0x0017, codec: codec.addressFamily },
  evenPort: { type: 0x0018, codec: codec.evenPort },
  requestedTransport: { type: 0x0019, codec: codec.protocol },
  dontFragment: { type: 0x001a, codec: codec.flag },
  passwordAlgorithm: { type: 0x001d, codec: codec.passwordAlgorithm },
  userhash: { type: 0x001e, codec: codec.fixedBytes(32) },
  xorMappedAddress: { type: 0x0020, codec: codec.xorAddress },
  reservationToken: { type: 0x0022, codec: codec.fixedBytes(8) },
  priority: { type: 0x0024, codec: codec.uint32 },
  useCandidate: { type: 0x0025, codec: codec.flag },
  padding: { type: 0x0026, codec: codec.padding },
  responsePort: { type: 0x0027, codec: codec.responsePort },
  connectionId: { type: 0x002a, codec: codec.uint32 },
  additionalAddressFamily: { type: 0x8000, codec: codec.addressFamily },
  addressErrorCode: { type: 0x8001, codec: codec.addressErrorCode },
  passwordAlgorithms: { type: 0x8002, codec: codec.passwordAlgorithms },
  alternateDomain: { type: 0x8003, codec: codec.domainName },
  icmp: { type: 0x8004, codec: codec.icmp },
  software: { type: 0x8022, codec: codec.text(763) },
  alternateServer: { type: 0x8023, codec: codec.plainAddress },
  iceControlled: { type: 0x8029, codec: codec.uint64 },
  iceControlling: { type: 0x802a, codec: codec.uint64 },
  responseOrigin: { type: 0x802b, codec: codec.plainAddress },
  otherAddress: { type: 0x802c, codec: codec.plainAddress },
  // Not registered with IANA: the number that libwebrtc uses for draft-thatcher-ice-renomination.
  nomination: { type: 0xc001, codec: codec.uint32 },
}

const namesByType: ReadonlyMap<number, AttributeName> = new Map(
  (Object.keys(table) as AttributeName[]).map(name => [table[name].type, name]),
)

export function attributeName(type: number): AttributeName | undefined {
  return namesByType.get(type)
}

export function attributeType(name: AttributeName): number {
  return table[name].type
}

/** Attributes as they are collected while a message is read. */
export type AttributeCollection = Partial<Record<AttributeName, unknown>>

/** Adds one occurrence of an attribute. Says false if the bytes are none, or one too many. */
export function collectAttribute(
  attributes: AttributeCollection,
  name: AttributeName,
  bytes: Uint8Array,
  transactionId: Uint8Array,
): boolean {
  const entry = table[name]
  // RFC 8489 §14: of attributes that may not be repeated, the first counts
  if (attributes[name] !== undefined && entry.repeatable !== true) return true
  const value = entry.codec.decode(bytes, transactionId)
  if (value === undefined) return false
  if (entry.repeatable !== true) {
    attributes[name] = value
    return true
  }
  attributes[name] ??= []
  const values = attributes[name] as unknown[]
  if (values.length === maxRepeated) return false
  values.push(value)
  return true
}

/** The values to write for an attribute: one, or each of a repeatable one. */
export function occurrences(attributes: StunAttributes, name: AttributeName): readonly AttributeValue[] {
  const value = attributes[name]
  if (value === undefined) return []
  return table[name].repeatable === true ? (value as readonly TransportAddress[]) : [value as AttributeValue]
}

export type AttributeValue = Occurrence<AttributeName>

/** Writes one occurrence of an attribute, without type, length and padding. */
export function encodeAttribute(
  writer: ByteWriter,
  name: AttributeName,
  value: AttributeValue,
  transactionId: Uint8Array,
): void {
  // The table relates names to types of values; `occurrences` has kept them together.
  const { codec } = table[name] as Entry<AttributeValue>
  codec.encode(writer, value, transactionId)
}
