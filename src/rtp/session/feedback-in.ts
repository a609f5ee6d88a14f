import { maxRoundTripMs } from '../congestion/limits.ts'
import { middleOfNtp, ntpFromWallTime, roundTripTime } from '../ntp.ts'
import { parseRtcp } from '../rtcp/compound.ts'
import type { ExtendedReport, Nack, ReportBlock, RtcpPacket, SenderReport } from '../rtcp/types.ts'
import type { Receiving, SsrcOwner } from './receiving.ts'
import type { Reporting } from './reporting.ts'
import type { RtpSendStream } from './send-stream.ts'
import type { Sending } from './sending.ts'
import type { RtpSessionDrop } from './statistics.ts'

/** Packets that one datagram may ask for again; who has lost more is not helped by a repetition. */
export const maxNackedPackets = 1_000
/** What retransmissions are repeated after, until a round trip was measured. */
const initialRoundTripMs = 100

/** Who is told what the peer wants. */
export interface FeedbackUser extends SsrcOwner {
  readonly sendStreams: ReadonlyMap<number, RtpSendStream>
  readonly repairStreams: ReadonlyMap<number, RtpSendStream>
  keyframeRequested(ssrc: number): void
  streamEnded(ssrc: number): void
}

/** What the peer reports and asks for by RTCP. Nothing here is taken at its word further than it can do harm. */
export class FeedbackIn {
  /** Milliseconds; undefined before the first. */
  roundTripMs: number | undefined
  packetsReceived = 0
  malformed = 0
  /** Feedback about streams that are not sent here, or that says what cannot be. */
  ignored = 0
  readonly #sending: Sending
  readonly #receiving: Receiving
  readonly #reporting: Reporting
  readonly #user: FeedbackUser
  readonly #wallTimeAtZero: number
  /** Of the compound that is being read. */
  #nacked = 0
  #expected = 0
  #lost = 0

  constructor(
    sending: Sending,
    receiving: Receiving,
    reporting: Reporting,
    user: FeedbackUser,
    wallTimeAtZero: number,
  ) {
    this.#sending = sending
    this.#receiving = receiving
    this.#reporting = reporting
    this.#user = user
    this.#wallTimeAtZero = wallTimeAtZero
  }

  receive(data: Uint8Array, now: number): RtpSessionDrop | undefined {
    // RFC 5506 §4.1 has it negotiated; libwebrtc sends packets of reduced size whether it was or not.
    const compound = parseRtcp(data)
    if ('drop' in compound) return this.#receiving.drop(compound.drop)
    for (const packet of compound.packets) {
      if ('ssrc' in packet && !this.#user.isForeign(packet.ssrc, now)) return this.#receiving.drop('own-loop')
    }
    this.packetsReceived++
    this.malformed += compound.malformed
    this.#nacked = 0
    this.#expected = 0
    this.#lost = 0
    this.#reporting.schedule.counted(data.length)
    for (const packet of compound.packets) {
      this.#receiving.router.routeRtcp(packet, now)
      this.#handle(packet, now)
    }
    // One word about the loss for all streams that the compound reports about.
    if (this.#expected > 0) this.#sending.receiveLoss(this.#lost / this.#expected, now)
    return compound.malformed > 0 ? this.#receiving.drop('malformed') : undefined
  }

  #handle(packet: RtcpPacket, now: number): void {
    switch (packet.type) {
      case 'sender-report':
        this.#receiveSenderReport(packet, now)
        this.#receiveBlocks(packet.reports, now)
        break
      case 'receiver-report':
        this.#reporting.schedule.heard(packet.ssrc, false, now)
        this.#receiveBlocks(packet.reports, now)
        break
      case 'extended-report':
        this.#receiveExtended(packet, now)
        break
      case 'bye':
        for (const ssrc of packet.ssrcs) this.#receiveBye(ssrc, now)
        break
      case 'nack':
        this.#receiveNack(packet, now)
        break
      case 'pli':
        this.#receivePli(packet.mediaSsrc, now)
        break
      case 'fir':
        for (const { ssrc, sequenceNumber } of packet.requests) this.#receiveFir(ssrc, sequenceNumber, now)
        break
      case 'remb':
        this.#sending.receiveRemb(packet.bitrate, now)
        break
      case 'transport-feedback':
        this.#sending.receiveTransportFeedback(packet, now)
        break
      // Of no use here: descriptions were routed already, the rest was not negotiated.
      default:
        break
    }
  }

  #receiveSenderReport(report: SenderReport, now: number): void {
    this.#reporting.schedule.heard(report.ssrc, true, now)
    this.#receiving.streams.get(report.ssrc)?.receiveSenderReport(report, now)
  }

  #receiveBlocks(blocks: readonly ReportBlock[], now: number): void {
    for (const block of blocks) {
      const stream = this.#user.sendStreams.get(block.ssrc)
      const repaired = stream ? undefined : this.#user.repairStreams.get(block.ssrc)
      if (repaired) repaired.repairs.isKnown = true
      if (!stream) {
        if (!repaired) this.ignored++
        continue
      }
      const roundTrip = this.#roundTrip(block.lastSenderReport, block.delaySinceLastSenderReport, now)
      if (roundTrip !== undefined) this.#learnRoundTrip(roundTrip)
      const expected = stream.receiveReport(block, roundTrip, now)
      this.#expected += expected
      this.#lost += (expected * block.fractionLost) / 256
    }
  }

  #receiveExtended({ ssrc, blocks }: ExtendedReport, now: number): void {
    this.#reporting.schedule.heard(ssrc, false, now)
    for (const block of blocks) {
      if (block.type === 'receiver-reference-time') this.#reporting.referenceTimes.receive(ssrc, block.ntpTime, now)
      else if (block.type === 'delay-since-last-reference-time') {
        for (const entry of block.entries) {
          if (entry.ssrc !== this.#reporting.ownSsrc && !this.#user.sendStreams.has(entry.ssrc)) continue
          const roundTrip = this.#roundTrip(entry.lastReferenceTime, entry.delay, now)
          if (roundTrip === undefined) continue
          this.#learnRoundTrip(roundTrip)
          this.#receiving.streams.get(ssrc)?.receiveRoundTrip(roundTrip)
        }
      }
    }
  }

  #receiveNack({ mediaSsrc, sequenceNumbers }: Nack, now: number): void {
    const stream = this.#user.sendStreams.get(mediaSsrc)
    if (!stream) {
      this.ignored++
      return
    }
    stream.countNack()
    for (const sequenceNumber of sequenceNumbers) {
      if (++this.#nacked > maxNackedPackets) {
        this.ignored++
        return
      }
      this.#sending.repeat(stream, sequenceNumber, this.roundTripMs ?? initialRoundTripMs, now)
    }
  }

  #receivePli(ssrc: number, now: number): void {
    const stream = this.#user.sendStreams.get(ssrc)
    if (!stream) this.ignored++
    else if (stream.receivePli(now)) this.#user.keyframeRequested(stream.ssrc)
  }

  #receiveFir(ssrc: number, sequenceNumber: number, now: number): void {
    const stream = this.#user.sendStreams.get(ssrc)
    if (!stream) this.ignored++
    else if (stream.receiveFir(sequenceNumber, now)) this.#user.keyframeRequested(stream.ssrc)
  }

  #receiveBye(ssrc: number, now: number): void {
    this.#reporting.schedule.left(ssrc, now)
    const stream = this.#receiving.streams.get(ssrc)
    if (!stream || stream.endedAt !== undefined) return
    stream.endedAt = now
    if (stream.hasMedia) this.#user.streamEnded(ssrc)
  }

  /** RFC 3550 §6.4.1; undefined too for what no path takes. */
  #roundTrip(lastReport: number, delay: number, now: number): number | undefined {
    const arrival = middleOfNtp(ntpFromWallTime(this.#wallTimeAtZero + now))
    const milliseconds = roundTripTime(arrival, lastReport, delay)
    if (milliseconds === undefined || milliseconds <= maxRoundTripMs) return milliseconds
    this.ignored++
    return undefined
  }

  #learnRoundTrip(milliseconds: number): void {
    this.roundTripMs = milliseconds
    this.#sending.setRoundTrip(milliseconds)
    this.#receiving.roundTripMs = milliseconds
  }
}
