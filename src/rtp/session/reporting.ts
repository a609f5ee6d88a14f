import type { RandomSource } from '../../base/environment.ts'
import { Queue } from '../../base/queue.ts'
import { ntpFromWallTime } from '../ntp.ts'
import type { RtcpPacket } from '../rtcp/types.ts'
import { RtcpSchedule } from '../rtcp-schedule.ts'
import { FeedbackOut } from './feedback-out.ts'
import type { Receiving } from './receiving.ts'
import { describe, maxBlocks, ReferenceTimes, receiverReports, reportBlocks, senderReports } from './reports.ts'
import { RtcpDatagrams } from './rtcp-datagrams.ts'
import type { RtpSendStream } from './send-stream.ts'

/** RFC 3550 §6.2: 5 % of a session of 5 Mb/s. What is sent in fact is far less: a report a second, and feedback where it is due. */
const rtcpBandwidth = 250_000

export interface ReportingOptions {
  readonly random: RandomSource
  readonly cname: string
  /** Milliseconds since 1970 at the monotonic time 0. */
  readonly wallTimeAtZero: number
}

/** What this end reports by RTCP, and when: RFC 3550 §6, RFC 4585 §3.5. */
export class Reporting {
  readonly schedule: RtcpSchedule
  readonly referenceTimes: ReferenceTimes = new ReferenceTimes()
  /** Who speaks where nothing is sent. */
  ownSsrc: number
  /** RFC 5506: feedback need not come with a report. */
  reducedSize = false
  datagramsSent = 0
  readonly #options: ReportingOptions
  readonly #receiving: Receiving
  readonly #feedback: FeedbackOut
  readonly #queue = new Queue<Uint8Array>()
  #senders: readonly RtpSendStream[] = []
  /** Bytes that SRTCP adds; undefined: there are no keys. */
  #overhead: number | undefined
  #isRunning = false
  /** The schedule was told that feedback waits. */
  #hasAsked = false

  constructor(options: ReportingOptions, receiving: Receiving, ownSsrc: number, now: number) {
    this.#options = options
    this.#receiving = receiving
    this.#feedback = new FeedbackOut(receiving)
    this.ownSsrc = ownSsrc
    this.schedule = new RtcpSchedule({ random: options.random, bandwidth: rtcpBandwidth }, now)
  }

  ready(overhead: number): void {
    this.#overhead = overhead
  }

  configure(senders: readonly RtpSendStream[], hasSections: boolean, reducedSize: boolean): void {
    this.#senders = senders
    this.#isRunning = hasSections
    this.reducedSize = reducedSize
  }

  set senders(senders: readonly RtpSendStream[]) {
    this.#senders = senders
  }

  poll(): Uint8Array | undefined {
    return this.#queue.length > 0 ? this.#queue.shift() : undefined
  }

  /** When {@link handleTimeout} has something to do; infinite: nothing. */
  dueAt(): number {
    if (!this.#isRunning || this.#overhead === undefined) return Number.POSITIVE_INFINITY
    const scheduled = this.schedule.pollTimeout()
    return this.#hasAsked ? scheduled : Math.min(scheduled, this.#feedback.dueAt())
  }

  /** A packet was received, which may have changed the bit rate to ask for. */
  noteRemb(): void {
    this.#feedback.noteRemb()
  }

  handleTimeout(now: number): void {
    if (now < this.dueAt()) return
    this.#feedback.handleTimeout(now)
    if (!this.#hasAsked && this.#feedback.dueAt() <= now) {
      this.schedule.requestFeedback(now, Number.POSITIVE_INFINITY)
      this.#hasAsked = true
    }
    const due = this.schedule.poll(now)
    if (due === undefined) return
    this.#hasAsked = false
    if (due === 'regular') this.#report(now)
    else this.#tell(now)
  }

  /** RFC 3550 §6.3.7: sources leave. Two members are few enough to say so at once. */
  leave(ssrcs: readonly number[]): void {
    if (ssrcs.length === 0 || this.#overhead === undefined) return
    const datagrams = new RtcpDatagrams(this.#head())
    for (let at = 0; at < ssrcs.length; at += maxBlocks) {
      datagrams.add([{ type: 'bye', ssrcs: ssrcs.slice(at, at + maxBlocks), reason: undefined }])
    }
    this.#send(datagrams)
  }

  /** Nothing more is reported; what is queued still leaves. */
  stop(): void {
    this.#isRunning = false
  }

  /** A compound packet of reports: RFC 3550 §6.1, with the feedback that waits. */
  #report(now: number): void {
    const { cname } = this.#options
    const senders = senderReports(this.#senders, this.#ntp(now), now)
    const blocks = reportBlocks(this.#receiving.streams.values(), now)
    const primary = senders[0]?.ssrc ?? this.#speaker()
    const datagrams = new RtcpDatagrams(this.#head())
    const own = blocks.slice(0, maxBlocks)
    const first: RtcpPacket = senders[0]
      ? { ...senders[0], reports: own }
      : { type: 'receiver-report', ssrc: primary, reports: own }
    datagrams.add([first, describe(primary, cname, this.#midFor(primary))], true)
    for (const report of senders.slice(1)) {
      datagrams.add([report, describe(report.ssrc, cname, this.#midFor(report.ssrc))], true)
    }
    for (const report of receiverReports(primary, blocks, maxBlocks)) datagrams.add([report])
    const answer = this.referenceTimes.take(primary, now)
    if (answer) datagrams.add([answer])
    // RFC 3611 §4.4: who sends nothing learns the round trip in this way.
    if (senders.length === 0 && blocks.length > 0) {
      const block = { type: 'receiver-reference-time', ntpTime: this.#ntp(now) } as const
      datagrams.add([{ type: 'extended-report', ssrc: primary, blocks: [block] }])
    }
    this.#addFeedback(datagrams, primary, now)
    this.#send(datagrams)
  }

  /** Feedback alone, or with the least that a compound packet takes: RFC 4585 §3.1. */
  #tell(now: number): void {
    const datagrams = new RtcpDatagrams(this.reducedSize ? [] : this.#head())
    this.#addFeedback(datagrams, this.#speaker(), now)
    this.#send(datagrams)
  }

  #addFeedback(datagrams: RtcpDatagrams, senderSsrc: number, now: number): void {
    for (const packet of this.#feedback.take(senderSsrc, now)) datagrams.add([packet])
  }

  /** An empty receiver report and the CNAME. */
  #head(): readonly RtcpPacket[] {
    const ssrc = this.#speaker()
    return [{ type: 'receiver-report', ssrc, reports: [] }, describe(ssrc, this.#options.cname, undefined)]
  }

  #send(datagrams: RtcpDatagrams): void {
    for (const datagram of datagrams.finish()) {
      this.schedule.counted(datagram.length + (this.#overhead ?? 0))
      this.datagramsSent++
      this.#queue.push(datagram)
    }
  }

  /** The SSRC that feedback comes from. */
  #speaker(): number {
    for (const { ssrc, media } of this.#senders) if (media.packets > 0) return ssrc
    return this.ownSsrc
  }

  #midFor(ssrc: number): string | undefined {
    for (const stream of this.#senders) {
      if (stream.ssrc === ssrc) return stream.media.isKnown ? undefined : stream.mid
      if (stream.rtxSsrc === ssrc) return stream.repairs.isKnown ? undefined : stream.mid
    }
    return undefined
  }

  #ntp(now: number): bigint {
    return ntpFromWallTime(this.#options.wallTimeAtZero + now)
  }
}
