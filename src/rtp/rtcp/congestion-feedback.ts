import type { ByteWriter } from '../../base/bytes.ts'
import { RtpError } from '../errors.ts'
import { read16, read32 } from '../wire.ts'
import type { CongestionFeedback, StreamArrival } from './types.ts'

/** RFC 8888 §3.1: a block reports on no more than a quarter of the sequence numbers. */
const maxBlockPackets = 16_384
/** Arrival time offsets are in units of 1/1024 s. */
const overRange = 0x1ffe
const unavailable = 0x1fff
const unitsPerMs = 1_024 / 1_000

/** @param body what follows the first four bytes of the packet; undefined if it contradicts itself */
export function readCongestionFeedback(body: Uint8Array): CongestionFeedback | undefined {
  if (body.length < 8) return undefined
  const end = body.length - 4
  const streams: { ssrc: number; beginSequence: number; packets: readonly StreamArrival[] }[] = []
  for (let at = 4; at < end; ) {
    if (at + 8 > end) return undefined
    const ssrc = read32(body, at)
    const beginSequence = read16(body, at + 4)
    const count = read16(body, at + 6)
    const blockEnd = at + 8 + ((2 * count + 3) & ~3)
    if (count > maxBlockPackets || blockEnd > end) return undefined
    const packets: StreamArrival[] = []
    for (let i = 0; i < count; i++) packets.push(readMetric(read16(body, at + 8 + 2 * i), beginSequence + i))
    streams.push({ ssrc, beginSequence, packets })
    at = blockEnd
  }
  return { type: 'congestion-feedback', senderSsrc: read32(body, 0), streams, reportTime: read32(body, end) }
}

export function writeCongestionFeedback(writer: ByteWriter, feedback: CongestionFeedback): void {
  writer.uint32(feedback.senderSsrc)
  for (const { ssrc, beginSequence, packets } of feedback.streams) {
    if (packets.length > maxBlockPackets) throw new RtpError('too-long', `a block about ${packets.length} packets`)
    writer.uint32(ssrc).uint16(beginSequence).uint16(packets.length)
    for (const [i, packet] of packets.entries()) {
      const expected = (beginSequence + i) & 0xffff
      if (packet.sequenceNumber !== expected) throw new RtpError('bad-value', 'a block without one of its packets')
      writer.uint16(metricOf(packet))
    }
    // RFC 8888 §3.1: an odd number of metric blocks is followed by 16 bits of zero.
    if (packets.length % 2 === 1) writer.uint16(0)
  }
  writer.uint32(feedback.reportTime)
}

function readMetric(metric: number, sequence: number): StreamArrival {
  const sequenceNumber = sequence & 0xffff
  // RFC 8888 §3.1: the other bits mean nothing if it was not received.
  if (metric < 0x8000) return { sequenceNumber, received: false, ecn: 0, beforeReportMs: undefined }
  const offset = metric & 0x1fff
  const beforeReportMs =
    offset === unavailable ? undefined : offset === overRange ? Number.POSITIVE_INFINITY : offset / unitsPerMs
  return { sequenceNumber, received: true, ecn: (metric >>> 13) & 3, beforeReportMs }
}

function metricOf({ received, ecn, beforeReportMs }: StreamArrival): number {
  if (!received) return 0
  // RFC 8888 §3.1: an arrival after the time of the report has no offset.
  const isKnown = beforeReportMs !== undefined && beforeReportMs >= 0
  const offset = isKnown ? Math.min(Math.round(beforeReportMs * unitsPerMs), overRange) : unavailable
  return 0x8000 | ((ecn & 3) << 13) | offset
}
