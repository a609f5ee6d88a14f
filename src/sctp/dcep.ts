import { concatBytes } from '../base/bytes.ts'

/** A request to open a data channel on the stream that it came on (RFC 8832 §5.1). */
export interface DcepOpen {
  readonly type: 'open'
  readonly ordered: boolean
  /** At most one of these is given; without them the channel is reliable. */
  readonly maxRetransmits?: number
  /** Milliseconds. */
  readonly maxPacketLifeTime?: number
  /** RFC 8831 §6.4: 128, 256, 512 or 1024, or any other number. */
  readonly priority: number
  readonly label: string
  readonly protocol: string
}

/** The answer to it (RFC 8832 §5.2). */
export interface DcepAck {
  readonly type: 'ack'
}

/** What cannot be understood. RFC 8832 §6: the channel is to be closed. */
export interface DcepMalformed {
  readonly type: 'malformed'
  readonly reason: string
}

export type DcepMessage = DcepOpen | DcepAck | DcepMalformed

/** Reads a message that came with {@link PayloadProtocol.dcep}. */
export function parseDcep(bytes: Uint8Array): DcepMessage {
  const type = bytes[0]
  // RFC 8832 §5.2: an acknowledgement is its type, whatever may follow it.
  if (type === messageAck) return { type: 'ack' }
  if (type !== messageOpen) return malformed(type === undefined ? 'it is empty' : `unknown message type ${type}`)
  if (bytes.length < openHeaderBytes) return malformed('it is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const labelLength = view.getUint16(8)
  const protocolLength = view.getUint16(10)
  if (openHeaderBytes + labelLength + protocolLength !== bytes.length) return malformed('its lengths do not add up')
  const label = decodeText(bytes.subarray(openHeaderBytes, openHeaderBytes + labelLength))
  const protocol = decodeText(bytes.subarray(openHeaderBytes + labelLength))
  if (label === undefined || protocol === undefined) return malformed('a text is not UTF-8')
  const channelType = view.getUint8(1)
  const reliability = reliabilityOf(channelType & ~unorderedBit, view.getUint32(4))
  if (reliability === undefined) return malformed(`unknown channel type ${channelType}`)
  const ordered = (channelType & unorderedBit) === 0
  return { type: 'open', ordered, ...reliability, priority: view.getUint16(2), label, protocol }
}

/**
 * A DATA_CHANNEL_OPEN message.
 *
 * @throws {RangeError} if label or protocol has more than 65535 bytes in UTF-8
 */
export function encodeDcepOpen(open: Omit<DcepOpen, 'type'>): Uint8Array {
  const label = new TextEncoder().encode(open.label)
  const protocol = new TextEncoder().encode(open.protocol)
  if (label.length > 0xffff || protocol.length > 0xffff) throw new RangeError('label or protocol is too long')
  const header = new Uint8Array(openHeaderBytes)
  const view = new DataView(header.buffer)
  let channelType: number = channelReliable
  if (open.maxRetransmits !== undefined) channelType = channelRexmit
  else if (open.maxPacketLifeTime !== undefined) channelType = channelTimed
  view.setUint8(0, messageOpen)
  view.setUint8(1, channelType | (open.ordered ? 0 : unorderedBit))
  view.setUint16(2, open.priority)
  // RFC 8832 §5.1: the reliability parameter of a reliable channel is 0.
  view.setUint32(4, open.maxRetransmits ?? open.maxPacketLifeTime ?? 0)
  view.setUint16(8, label.length)
  view.setUint16(10, protocol.length)
  return concatBytes(header, label, protocol)
}

/** A DATA_CHANNEL_ACK message. */
export function encodeDcepAck(): Uint8Array {
  return Uint8Array.of(messageAck)
}

/** RFC 8832 §8.2.1. */
const messageAck = 0x02
const messageOpen = 0x03
/** Type, channel type, priority, reliability parameter, two lengths. */
const openHeaderBytes = 12
/** RFC 8832 §8.2.2: the channel types, and the bit that makes each unordered. */
const channelReliable = 0x00
const channelRexmit = 0x01
const channelTimed = 0x02
const unorderedBit = 0x80

function reliabilityOf(
  type: number,
  parameter: number,
): Pick<DcepOpen, 'maxRetransmits' | 'maxPacketLifeTime'> | undefined {
  if (type === channelReliable) return {}
  if (type === channelRexmit) return { maxRetransmits: parameter }
  if (type === channelTimed) return { maxPacketLifeTime: parameter }
  return undefined
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function malformed(reason: string): DcepMalformed {
  return { type: 'malformed', reason }
}
