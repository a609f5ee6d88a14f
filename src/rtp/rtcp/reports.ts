import type { ByteWriter } from '../../base/bytes.ts'
import { read24, read32, read64 } from '../wire.ts'
import type { ReceiverReport, ReportBlock, SenderReport } from './types.ts'

const blockBytes = 24

/** @param body what follows the first four bytes of the packet; undefined is returned if it is too short for its count */
export function readSenderReport(body: Uint8Array, count: number): SenderReport | undefined {
  if (body.length < 24 + blockBytes * count) return undefined
  return {
    type: 'sender-report',
    ssrc: read32(body, 0),
    ntpTime: read64(body, 4),
    rtpTimestamp: read32(body, 12),
    packetCount: read32(body, 16),
    octetCount: read32(body, 20),
    reports: readBlocks(body, 24, count),
  }
}

export function readReceiverReport(body: Uint8Array, count: number): ReceiverReport | undefined {
  if (body.length < 4 + blockBytes * count) return undefined
  return { type: 'receiver-report', ssrc: read32(body, 0), reports: readBlocks(body, 4, count) }
}

export function writeSenderReport(writer: ByteWriter, report: SenderReport): void {
  writer.uint32(report.ssrc).uint64(report.ntpTime).uint32(report.rtpTimestamp)
  writer.uint32(report.packetCount).uint32(report.octetCount)
  for (const block of report.reports) writeBlock(writer, block)
}

export function writeReceiverReport(writer: ByteWriter, report: ReceiverReport): void {
  writer.uint32(report.ssrc)
  for (const block of report.reports) writeBlock(writer, block)
}

function readBlocks(body: Uint8Array, at: number, count: number): readonly ReportBlock[] {
  const blocks: ReportBlock[] = []
  for (let i = 0; i < count; i++, at += blockBytes) {
    const loss = read32(body, at + 4)
    blocks.push({
      ssrc: read32(body, at),
      fractionLost: loss >>> 24,
      // RFC 3550 §6.4.1: the cumulative loss may be negative if there are duplicates.
      cumulativeLost: (read24(body, at + 5) << 8) >> 8,
      extendedHighestSequence: read32(body, at + 8),
      jitter: read32(body, at + 12),
      lastSenderReport: read32(body, at + 16),
      delaySinceLastSenderReport: read32(body, at + 20),
    })
  }
  return blocks
}

function writeBlock(writer: ByteWriter, block: ReportBlock): void {
  // RFC 3550 §A.3: the loss is clamped to 24 bits, not wrapped.
  const lost = Math.max(-0x80_0000, Math.min(block.cumulativeLost, 0x7f_ffff))
  writer.uint32(block.ssrc)
  writer.uint32(((block.fractionLost << 24) | (lost & 0xff_ffff)) >>> 0)
  writer.uint32(block.extendedHighestSequence).uint32(block.jitter)
  writer.uint32(block.lastSenderReport).uint32(block.delaySinceLastSenderReport)
}
