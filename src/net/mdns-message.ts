import type { Answer, DecodedPacket, Packet, Question } from 'dns-packet'
import { isLinkLocalIpv6, isUnicast, parseIp } from '../base/ip.ts'

/** RFC 6762 §17: no multicast DNS packet is larger, headers included. */
const maxMessageSize = 9000

/** RFC 6762 §18.4: AA is one in responses. */
const authoritative = 1 << 10

/** A message that claims to hold more records than this is not worth decoding. */
export const maxRecords = 128

export type AddressType = 'A' | 'AAAA'

/** An address record of an answer. */
export interface AddressRecord {
  /** In lower case. */
  readonly name: string
  /** In canonical form. */
  readonly address: string
  /** Seconds; 0 says that the record is gone. */
  readonly ttl: number
}

export interface MdnsQuestion {
  /** In lower case. */
  readonly name: string
  /** `A`, `AAAA`, `ANY` or any other type of record. */
  readonly type: string
  /** Whether an answer by unicast is asked for. */
  readonly unicast: boolean
}

export interface MdnsQuery {
  readonly id: number
  /** More known answers follow in further messages. */
  readonly truncated: boolean
  readonly questions: readonly MdnsQuestion[]
  /** What the asker knows already. */
  readonly known: readonly AddressRecord[]
}

/** A record of our own: the only address of a name, or the assertion that there is no record but that one. */
export interface OwnRecord {
  readonly kind: 'address' | 'negative'
  readonly name: string
  readonly type: AddressType
  readonly address: string
}

export interface MdnsResponse {
  readonly answers: readonly OwnRecord[]
  readonly additionals: readonly OwnRecord[]
  /** Seconds. */
  readonly ttl: number
  /** The query, where the answer goes to a plain DNS client. */
  readonly legacy?: Pick<MdnsQuery, 'id' | 'questions'>
}

/** Encodes and decodes the messages of multicast DNS, as far as names of candidates need them. */
export interface MdnsCodec {
  encodeQuestion(name: string, type: AddressType): Uint8Array
  /** The address records of a response; none if it is no response, or malformed. */
  decodeAddresses(data: Uint8Array): AddressRecord[]
  /** Undefined if it is no query, or malformed. */
  decodeQuery(data: Uint8Array): MdnsQuery | undefined
  encodeResponse(response: MdnsResponse): Uint8Array
}

/** Loads the DNS codec when it is first needed: most processes never meet a `.local` name. */
export async function loadMdnsCodec(): Promise<MdnsCodec> {
  const { decode, encode } = await import('dns-packet')
  return {
    // RFC 6762 §5.3 allows several questions in a message, but Chromium answers only messages with a single one.
    encodeQuestion: (name, type) => encode({ type: 'query', id: 0, questions: [{ name, type }] }),
    decodeAddresses: data => (isResponse(data) ? addressRecords(decodeOrIgnore(data, decode)) : []),
    decodeQuery: data => {
      const packet = isQuery(data) ? decodeOrIgnore(data, decode) : undefined
      return packet === undefined ? undefined : query(packet)
    },
    encodeResponse: response => encode(responsePacket(response)),
  }
}

/**
 * Whether this is a name that a peer may make us ask for: a UUID in `.local`.
 *
 * draft-ietf-mmusic-mdns-ice-candidates §3.2.2: other names are not resolved, or a peer could turn our checks against
 * devices with well-known names.
 */
export function isMdnsCandidateName(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local$/i.test(name)
}

/** Whether it may be a response. RFC 6762 §18.2: QR is one in responses, zero in queries. */
export function isResponse(data: Uint8Array): boolean {
  return hasFlags(data, 0x8000)
}

function isQuery(data: Uint8Array): boolean {
  return hasFlags(data, 0)
}

function hasFlags(data: Uint8Array, expected: number): boolean {
  if (data.length < 12 || data.length > maxMessageSize) return false
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const flags = view.getUint16(2)
  let records = 0
  for (let at = 4; at < 12; at += 2) records += view.getUint16(at)
  // RFC 6762 §18.3, §18.11: another OPCODE or RCODE than zero is silently ignored
  return (flags & 0xf80f) === expected && records <= maxRecords
}

function decodeOrIgnore(data: Uint8Array, decode: typeof import('dns-packet').decode): DecodedPacket | undefined {
  try {
    return decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
  } catch {
    // Anyone on the link can send us anything; what cannot be decoded was not meant for us.
    return undefined
  }
}

function addressRecords(message: DecodedPacket | undefined): AddressRecord[] {
  const found: AddressRecord[] = []
  // Addresses may come as answers, or as additional records of other answers.
  for (const record of [...(message?.answers ?? []), ...(message?.additionals ?? [])]) {
    if ((record.type !== 'A' && record.type !== 'AAAA') || record.class !== 'IN') continue
    const address = parseIp(record.data)?.address
    if (address !== undefined && isReachable(address)) {
      found.push({ name: record.name.toLowerCase(), address, ttl: record.ttl ?? 0 })
    }
  }
  return found
}

/**
 * How the codec names the classes of questions.
 *
 * RFC 6762 §5.4: the top bit of the class asks for a unicast response. §6: questions of the class ANY are for ours too.
 */
const questionClasses: ReadonlyMap<string, { readonly unicast: boolean }> = new Map([
  ['IN', { unicast: false }],
  ['ANY', { unicast: false }],
  ['UNKNOWN_32769', { unicast: true }],
  ['UNKNOWN_33023', { unicast: true }],
])

function query(packet: DecodedPacket): MdnsQuery {
  const questions: MdnsQuestion[] = []
  for (const { name, type, class: questionClass = 'IN' } of packet.questions ?? []) {
    const known = questionClasses.get(questionClass)
    if (known !== undefined) questions.push({ name: name.toLowerCase(), type, unicast: known.unicast })
  }
  return { id: packet.id ?? 0, truncated: packet.flag_tc, questions, known: addressRecords(packet) }
}

function responsePacket({ answers, additionals, ttl, legacy }: MdnsResponse): Packet {
  // RFC 6762 §6.7: a legacy response repeats the identifier and the question; §18.1, §6: others have neither.
  const repeated = (legacy?.questions ?? []).map(({ name, type }) => ({ name, type: type as Question['type'] }))
  const encoded = (record: OwnRecord): Answer => answer(record, ttl, legacy === undefined)
  return {
    type: 'response',
    id: legacy?.id ?? 0,
    flags: authoritative,
    questions: repeated,
    answers: answers.map(encoded),
    additionals: additionals.map(encoded),
  }
}

/** RFC 6762 §10.2: the cache-flush bit says that this is all there is. §6.7: legacy clients do not know it. */
function answer({ kind, name, type, address }: OwnRecord, ttl: number, flush: boolean): Answer {
  const common = { name, ttl, class: 'IN', flush } as const
  if (kind === 'address') return { ...common, type, data: address }
  // RFC 6762 §6.1: the restricted form, with the name itself as the next one, and without the NSEC bit
  return { ...common, type: 'NSEC', data: { nextDomain: name, rrtypes: [type] } }
}

/**
 * Not unspecified (browsers register names for 0.0.0.0 and :: too), not multicast or broadcast, and not link-local IPv6,
 * which needs a zone that a record cannot name.
 */
export function isReachable(address: string): boolean {
  return isUnicast(address) && !isLinkLocalIpv6(address)
}
