import { ByteWriter } from '../../base/bytes.ts'
import { assertNever } from '../../base/errors.ts'
import { RtpError } from '../errors.ts'
import { read16 } from '../wire.ts'
import { readCongestionFeedback, writeCongestionFeedback } from './congestion-feedback.ts'
import * as description from './description.ts'
import { readExtendedReport, writeExtendedReport } from './extended-report.ts'
import * as feedback from './feedback.ts'
import { readReceiverReport, readSenderReport, writeReceiverReport, writeSenderReport } from './reports.ts'
import { readTransportFeedback, writeTransportFeedback } from './transport-feedback.ts'
import { PayloadFormat, type RtcpPacket, RtcpType, TransportFormat } from './types.ts'

/** Why bytes are not RTCP. */
export type RtcpDrop = 'truncated' | 'bad-version' | 'bad-length' | 'bad-padding' | 'not-compound'

export interface RtcpCompound {
  /** In the order they came in; of kinds that are not known here, as `unknown`. */
  readonly packets: readonly RtcpPacket[]
  /** Packets that are left out because what they hold contradicts their own counts or lengths. */
  readonly malformed: number
}

export interface ParseRtcpOptions {
  /** Whether feedback may come without a report before it (RFC 5506). True if not given. */
  readonly reducedSize?: boolean
}

const headBytes = 4
const version = 2

/**
 * Reads a datagram of RTCP. A frame that does not add up is dropped as a whole; a packet in it whose contents do not is
 * left out and counted.
 */
export function parseRtcp(
  data: Uint8Array,
  options: ParseRtcpOptions = {},
): RtcpCompound | { readonly drop: RtcpDrop } {
  const fault = frameFault(data, options.reducedSize ?? true)
  if (fault) return { drop: fault }
  const packets: RtcpPacket[] = []
  let malformed = 0
  for (let at = 0; at < data.length; ) {
    const end = packetEnd(data, at)
    const padding = (data[at] as number) & 0x20 ? (data[end - 1] as number) : 0
    const count = (data[at] as number) & 0x1f
    const packet = readPacket(data[at + 1] as number, count, data.subarray(at + headBytes, end - padding))
    if (packet) packets.push(packet)
    else malformed++
    at = end
  }
  return { packets, malformed }
}

/**
 * Writes packets as one datagram, in the given order.
 *
 * RFC 3550 §6.1: unless reduced size is in use, the first is a report and one of them a source description with a CNAME;
 * that is left to the caller.
 *
 * @throws {RtpError} if a value does not fit its format
 */
export function serializeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const writer = new ByteWriter(512)
  for (const packet of packets) writePacket(writer, packet)
  return writer.finish()
}

/** Checks the frame: RFC 3550 §A.2. */
function frameFault(data: Uint8Array, reducedSize: boolean): RtcpDrop | undefined {
  if (data.length < headBytes) return 'truncated'
  const first = data[1] as number
  if (!reducedSize && first !== RtcpType.senderReport && first !== RtcpType.receiverReport) return 'not-compound'
  for (let at = 0; at < data.length; ) {
    if (at + headBytes > data.length) return 'bad-length'
    if ((data[at] as number) >>> 6 !== version) return 'bad-version'
    const end = packetEnd(data, at)
    // RFC 3550 §A.2: the lengths add up to the whole.
    if (end > data.length) return 'bad-length'
    if ((data[at] as number) & 0x20) {
      const padding = data[end - 1] as number
      // RFC 3550 §6.4.1: it is counted by its last octet; and it would be a multiple of four, in the last packet alone, but
      // libwebrtc fills transport-wide feedback up to a whole word with it, wherever that stands.
      if (padding === 0 || padding > end - at - headBytes) return 'bad-padding'
    }
    at = end
  }
  return undefined
}

function packetEnd(data: Uint8Array, at: number): number {
  return at + headBytes + 4 * read16(data, at + 2)
}

/** @returns undefined if the contents are malformed */
function readPacket(packetType: number, count: number, body: Uint8Array): RtcpPacket | undefined {
  switch (packetType) {
    case RtcpType.senderReport:
      return readSenderReport(body, count)
    case RtcpType.receiverReport:
      return readReceiverReport(body, count)
    case RtcpType.sourceDescription:
      return description.readSourceDescription(body, count)
    case RtcpType.bye:
      return description.readBye(body, count)
    case RtcpType.applicationDefined:
      return description.readApplicationDefined(body, count)
    case RtcpType.transportFeedback:
      return readTransportLayer(count, body)
    case RtcpType.payloadFeedback:
      return readPayloadSpecific(count, body)
    case RtcpType.extendedReport:
      return readExtendedReport(body)
    default:
      // RFC 3550 §6.1: packet types that are not known are ignored, by whoever does not know them.
      return { type: 'unknown', packetType, count, data: body }
  }
}

function readTransportLayer(format: number, body: Uint8Array): RtcpPacket | undefined {
  switch (format) {
    case TransportFormat.nack:
      return body.length % 4 === 0 ? feedback.readNack(body) : undefined
    case TransportFormat.tmmbr:
      return feedback.readBitrates(body, 'tmmbr')
    case TransportFormat.tmmbn:
      return feedback.readBitrates(body, 'tmmbn')
    case TransportFormat.transportWide:
      return readTransportFeedback(body)
    case TransportFormat.congestionControl:
      return readCongestionFeedback(body)
    default:
      return { type: 'unknown', packetType: RtcpType.transportFeedback, count: format, data: body }
  }
}

function readPayloadSpecific(format: number, body: Uint8Array): RtcpPacket | undefined {
  switch (format) {
    case PayloadFormat.pli:
      return feedback.readPli(body)
    case PayloadFormat.sli:
      return feedback.readSli(body)
    case PayloadFormat.fir:
      return feedback.readFir(body)
    default:
      if (format === PayloadFormat.applicationLayer && feedback.isRemb(body)) return feedback.readRemb(body)
      return { type: 'unknown', packetType: RtcpType.payloadFeedback, count: format, data: body }
  }
}

function writePacket(writer: ByteWriter, packet: RtcpPacket): void {
  const start = writer.length
  const [packetType, count] = head(packet)
  if (count > 31) throw new RtpError('too-long', `${packet.type}: ${count} entries, 31 fit`)
  writer.uint8((version << 6) | count).uint8(packetType)
  writer.uint16(0)
  writeBody(writer, packet)
  const words = (writer.length - start) / 4 - 1
  if (words > 0xffff) throw new RtpError('too-long', `${packet.type}: ${words} words`)
  writer.patchUint16(start + 2, words)
}

/** The packet type, and the five bits before it. */
function head(packet: RtcpPacket): readonly [packetType: number, count: number] {
  switch (packet.type) {
    case 'sender-report':
      return [RtcpType.senderReport, packet.reports.length]
    case 'receiver-report':
      return [RtcpType.receiverReport, packet.reports.length]
    case 'source-description':
      return [RtcpType.sourceDescription, packet.chunks.length]
    case 'bye':
      return [RtcpType.bye, packet.ssrcs.length]
    case 'application-defined':
      return [RtcpType.applicationDefined, packet.subtype]
    case 'nack':
      return [RtcpType.transportFeedback, TransportFormat.nack]
    case 'tmmbr':
      return [RtcpType.transportFeedback, TransportFormat.tmmbr]
    case 'tmmbn':
      return [RtcpType.transportFeedback, TransportFormat.tmmbn]
    case 'transport-feedback':
      return [RtcpType.transportFeedback, TransportFormat.transportWide]
    case 'congestion-feedback':
      return [RtcpType.transportFeedback, TransportFormat.congestionControl]
    case 'pli':
      return [RtcpType.payloadFeedback, PayloadFormat.pli]
    case 'sli':
      return [RtcpType.payloadFeedback, PayloadFormat.sli]
    case 'fir':
      return [RtcpType.payloadFeedback, PayloadFormat.fir]
    case 'remb':
      return [RtcpType.payloadFeedback, PayloadFormat.applicationLayer]
    case 'extended-report':
      return [RtcpType.extendedReport, 0]
    case 'unknown':
      return [packet.packetType, packet.count]
    default:
      return assertNever(packet)
  }
}

function writeBody(writer: ByteWriter, packet: RtcpPacket): void {
  switch (packet.type) {
    case 'sender-report':
      writeSenderReport(writer, packet)
      break
    case 'receiver-report':
      writeReceiverReport(writer, packet)
      break
    case 'source-description':
      description.writeSourceDescription(writer, packet)
      break
    case 'bye':
      description.writeBye(writer, packet)
      break
    case 'application-defined':
      description.writeApplicationDefined(writer, packet)
      break
    case 'nack':
      feedback.writeNack(writer, packet)
      break
    case 'tmmbr':
    case 'tmmbn':
      feedback.writeBitrates(writer, packet)
      break
    case 'transport-feedback':
      writeTransportFeedback(writer, packet)
      break
    case 'congestion-feedback':
      writeCongestionFeedback(writer, packet)
      break
    case 'pli':
      feedback.writePli(writer, packet)
      break
    case 'sli':
      feedback.writeSli(writer, packet)
      break
    case 'fir':
      feedback.writeFir(writer, packet)
      break
    case 'remb':
      feedback.writeRemb(writer, packet)
      break
    case 'extended-report':
      writeExtendedReport(writer, packet)
      break
    case 'unknown':
      if (packet.data.length % 4 !== 0) throw new RtpError('bad-value', 'an RTCP packet is whole words')
      writer.bytes(packet.data)
      break
    default:
      assertNever(packet)
  }
}
