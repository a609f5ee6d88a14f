import type { ByteWriter } from '../../base/bytes.ts'
import { RtpError } from '../errors.ts'
import { read16, read32, read64 } from '../wire.ts'
import type { ExtendedReport, ExtendedReportBlock, ReferenceTimeDelay } from './types.ts'

/** RFC 3611 §4.4, §4.5. */
const referenceTimeBlock = 4
const delayBlock = 5

export function readExtendedReport(body: Uint8Array): ExtendedReport | undefined {
  if (body.length < 4) return undefined
  const blocks: ExtendedReportBlock[] = []
  let at = 4
  while (at < body.length) {
    // RFC 3611 §3: the length counts words after the head of the block. All lengths here are whole words.
    const end = at + 4 + 4 * read16(body, at + 2)
    if (end > body.length) return undefined
    blocks.push(readBlock(body.subarray(at, end)))
    at = end
  }
  return { type: 'extended-report', ssrc: read32(body, 0), blocks }
}

export function writeExtendedReport(writer: ByteWriter, report: ExtendedReport): void {
  writer.uint32(report.ssrc)
  for (const block of report.blocks) writeBlock(writer, block)
}

function readBlock(block: Uint8Array): ExtendedReportBlock {
  const blockType = block[0] as number
  const words = block.length / 4 - 1
  if (blockType === referenceTimeBlock && words === 2) {
    return { type: 'receiver-reference-time', ntpTime: read64(block, 4) }
  }
  if (blockType === delayBlock && words % 3 === 0) {
    const entries: ReferenceTimeDelay[] = []
    for (let at = 4; at < block.length; at += 12) {
      entries.push({
        ssrc: read32(block, at),
        lastReferenceTime: read32(block, at + 4),
        delay: read32(block, at + 8),
      })
    }
    return { type: 'delay-since-last-reference-time', entries }
  }
  // A block of a known type and the wrong length says nothing that can be used: it is left as it is.
  return { type: 'unknown-block', blockType, typeSpecific: block[1] as number, data: block.subarray(4) }
}

function writeBlock(writer: ByteWriter, block: ExtendedReportBlock): void {
  switch (block.type) {
    case 'receiver-reference-time':
      writer.uint8(referenceTimeBlock).uint8(0).uint16(2).uint64(block.ntpTime)
      break
    case 'delay-since-last-reference-time':
      writer
        .uint8(delayBlock)
        .uint8(0)
        .uint16(3 * block.entries.length)
      for (const entry of block.entries) {
        writer.uint32(entry.ssrc).uint32(entry.lastReferenceTime).uint32(entry.delay)
      }
      break
    case 'unknown-block':
      if (block.data.length % 4 !== 0) throw new RtpError('bad-value', 'a report block is whole words')
      writer.uint8(block.blockType).uint8(block.typeSpecific)
      writer.uint16(block.data.length / 4).bytes(block.data)
      break
  }
}
