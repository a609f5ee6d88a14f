import { parseIp } from '../base/ip.ts'

/** RFC 6762 §17: no multicast DNS packet is larger, headers included. */
const maxMessageSize = 9000

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

/** Encodes questions and decodes answers of multicast DNS. */
export interface MdnsCodec {
  encodeQuestion(name: string, type: AddressType): Uint8Array
  /** The address records of a response; none if it is no response, or malformed. */
  decodeAddresses(data: Uint8Array): AddressRecord[]
}

/** Loads the DNS codec when it is first needed: most processes never meet a `.local` name. */
export async function loadMdnsCodec(): Promise<MdnsCodec> {
  const { decode, encode } = await import('dns-packet')
  return {
    // RFC 6762 §5.3 allows several questions in a message, but Chromium answers only messages with a single one.
    encodeQuestion: (name, type) => encode({ type: 'query', id: 0, questions: [{ name, type }] }),
    decodeAddresses: data => (isResponse(data) ? addressRecords(data, decode) : []),
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

function isResponse(data: Uint8Array): boolean {
  if (data.length < 12 || data.length > maxMessageSize) return false
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const flags = view.getUint16(2)
  let records = 0
  for (let at = 4; at < 12; at += 2) records += view.getUint16(at)
  // RFC 6762 §18.2: QR is one in responses. §18.3, §18.11: another OPCODE or RCODE than zero is silently ignored.
  return (flags & 0xf80f) === 0x8000 && records <= maxRecords
}

function addressRecords(data: Uint8Array, decode: typeof import('dns-packet').decode): AddressRecord[] {
  const found: AddressRecord[] = []
  try {
    const message = decode(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    // Addresses may come as answers, or as additional records of other answers.
    for (const record of [...(message.answers ?? []), ...(message.additionals ?? [])]) {
      if ((record.type !== 'A' && record.type !== 'AAAA') || record.class !== 'IN') continue
      const address = parseIp(record.data)?.address
      if (address !== undefined && isReachable(address)) {
        found.push({ name: record.name.toLowerCase(), address, ttl: record.ttl ?? 0 })
      }
    }
  } catch {
    // Anyone on the link can send us anything; what cannot be decoded was not meant for us.
    return []
  }
  return found
}

/**
 * Not unspecified (browsers register names for 0.0.0.0 and :: too), not multicast or broadcast, and not link-local IPv6,
 * which needs a zone that a record cannot name.
 */
function isReachable(address: string): boolean {
  if (address.includes(':')) return address !== '::' && !/^f(f|e[89ab])/.test(address)
  const first = Number.parseInt(address, 10)
  return first > 0 && first < 224
}
