import { setBounded } from '../../base/bounded-map.ts'
import { middleOfNtp, shortDelay } from '../ntp.ts'
import {
  type ExtendedReport,
  type ReceiverReport,
  type ReferenceTimeDelay,
  type ReportBlock,
  type SdesChunk,
  SdesItem,
  type SenderReport,
  type SourceDescription,
} from '../rtcp/types.ts'
import type { InboundStream } from './inbound-stream.ts'
import type { RtpSendStream } from './send-stream.ts'
import type { SentCounters } from './sent-counters.ts'

/** Report blocks in one packet: RFC 3550 §6.4.1, its count has five bits. */
export const maxBlocks = 31
/** Receivers that are answered with the delay since their reference time, at most. */
const maxReferenceTimes = 32

/** The reports of streams that have sent something since the report before the last one: RFC 3550 §6.4. */
export function senderReports(streams: Iterable<RtpSendStream>, ntpTime: bigint, now: number): SenderReport[] {
  const reports: SenderReport[] = []
  for (const stream of streams) {
    const rtpTimestamp = stream.timestampAt(now)
    pushReport(reports, stream.ssrc, stream.media, ntpTime, rtpTimestamp)
    // RFC 4588 §4: the timestamps of a retransmission stream are those of the original one.
    if (stream.rtxSsrc !== undefined) pushReport(reports, stream.rtxSsrc, stream.repairs, ntpTime, rtpTimestamp)
  }
  return reports
}

/** A block for every source that was heard since the last report. */
export function reportBlocks(streams: Iterable<InboundStream>, now: number): ReportBlock[] {
  const blocks: ReportBlock[] = []
  for (const stream of streams) {
    const block = stream.report(now)
    if (block) blocks.push(block)
  }
  return blocks
}

/** Receiver reports for the blocks from `start` on. */
export function receiverReports(ssrc: number, blocks: readonly ReportBlock[], start: number): ReceiverReport[] {
  const reports: ReceiverReport[] = []
  for (let at = start; at < blocks.length; at += maxBlocks) {
    reports.push({ type: 'receiver-report', ssrc, reports: blocks.slice(at, at + maxBlocks) })
  }
  return reports
}

/** RFC 3550 §6.5: the CNAME of a source; RFC 9143 §15: with its MID until the peer knows it. */
export function describe(ssrc: number, cname: string, mid: string | undefined): SourceDescription {
  const items: { type: number; text: string }[] = [{ type: SdesItem.cname, text: cname }]
  if (mid !== undefined) items.push({ type: SdesItem.mid, text: mid })
  const chunk: SdesChunk = { ssrc, items }
  return { type: 'source-description', chunks: [chunk] }
}

/** The reference times of receivers that send nothing themselves, and the answers to them: RFC 3611 §4.4, §4.5. */
export class ReferenceTimes {
  readonly #times = new Map<number, { readonly middle: number; readonly receivedAt: number }>()

  receive(ssrc: number, ntpTime: bigint, now: number): void {
    setBounded(this.#times, ssrc, { middle: middleOfNtp(ntpTime), receivedAt: now }, maxReferenceTimes)
  }

  /** The answers that are due, once. */
  take(ssrc: number, now: number): ExtendedReport | undefined {
    if (this.#times.size === 0) return undefined
    const entries: ReferenceTimeDelay[] = []
    for (const [receiver, { middle, receivedAt }] of this.#times) {
      entries.push({ ssrc: receiver, lastReferenceTime: middle, delay: shortDelay(now - receivedAt) })
    }
    this.#times.clear()
    return { type: 'extended-report', ssrc, blocks: [{ type: 'delay-since-last-reference-time', entries }] }
  }
}

function pushReport(
  reports: SenderReport[],
  ssrc: number,
  counters: SentCounters,
  ntpTime: bigint,
  rtpTimestamp: number,
): void {
  // RFC 3550 §6.4: a sender is who has sent since the last report, or the one before it.
  if (counters.packets === 0 || counters.reportsSince >= 2) return
  counters.reportsSince++
  reports.push({
    type: 'sender-report',
    ssrc,
    ntpTime,
    rtpTimestamp,
    packetCount: counters.packets >>> 0,
    octetCount: counters.octets >>> 0,
    reports: [],
  })
}
