import { NackTracker } from '../nack.ts'
import { wallTimeFromNtp } from '../ntp.ts'
import type { RtpPacket } from '../packet.ts'
import { ReceptionStatistics } from '../reception.ts'
import type { Route } from '../router.ts'
import type { ReportBlock, SenderReport } from '../rtcp/types.ts'
import { SequenceUnwrapper } from '../sequence.ts'
import type { ReceiveStream } from './receive-stream.ts'
import { RoundTrips } from './remote-reception.ts'
import type { SectionTable } from './sections.ts'
import { SequenceWindow } from './sequence-window.ts'
import type { ReceiveStreamStatistics, RemoteOutboundStatistics } from './statistics.ts'
import type { SessionCodec } from './types.ts'

/** Asking for a keyframe again sooner than this would only ask for a second one. */
const keyframeIntervalMs = 300
/** How long a packet may be out of order before it is asked for. */
const reorderingMs = 10

/** A stream that is received: of media, or of retransmissions. */
export class InboundStream implements ReceiveStream {
  route: Route
  table: SectionTable
  /** Of a stream of retransmissions: the stream that it repeats. */
  original: InboundStream | undefined
  /** Of a stream of media: the one that repeats its packets. */
  repairs: InboundStream | undefined
  /** It has sent a packet of its own, and is not (only) a stream of retransmissions. */
  hasMedia = false
  lastPacketReceivedAt: number | undefined
  endedAt: number | undefined
  /** When to look for packets to ask for; infinite: none is missing. */
  nackAt: number = Number.POSITIVE_INFINITY
  /** When a request for a keyframe is to be sent; undefined: none is wanted. */
  keyframeAt: number | undefined
  firSequence = 0
  nackCount = 0
  pliCount = 0
  firCount = 0
  #keyframeAskedAt = Number.NEGATIVE_INFINITY
  #codec: SessionCodec | undefined
  #reception: ReceptionStatistics | undefined
  #sequences: SequenceUnwrapper | undefined
  #window: SequenceWindow | undefined
  #nack: NackTracker | undefined
  #hasNews = false
  #packets = 0
  #bytes = 0
  #headerBytes = 0
  #repairedPackets = 0
  #repairedBytes = 0
  /** Of a stream of retransmissions: what counts for the other one already. */
  #claimedPackets = 0
  #claimedBytes = 0
  #duplicates = 0
  #senderReport: SenderReport | undefined
  #senderReportAt = 0
  #senderReports = 0
  readonly #roundTrips = new RoundTrips()
  #hasRoundTrip = false

  constructor(route: Route, table: SectionTable) {
    this.route = route
    this.table = table
  }

  get ssrc(): number {
    return this.route.ssrc
  }

  get mid(): string {
    return this.table.mid
  }

  get rid(): string | undefined {
    return this.route.rtpStreamId
  }

  get kind(): 'audio' | 'video' {
    return this.table.section.kind
  }

  get rtxSsrc(): number | undefined {
    return this.repairs?.ssrc
  }

  codec(payloadType: number): SessionCodec | undefined {
    return this.table.receive[payloadType]
  }

  /** Of the packet that came last. */
  get lastCodec(): SessionCodec | undefined {
    return this.#codec
  }

  get statistics(): ReceiveStreamStatistics {
    return {
      packetsReceived: this.#packets,
      packetsLost: this.#reception?.packetsLost ?? 0,
      jitter: this.#reception?.jitter ?? 0,
      bytesReceived: this.#bytes,
      headerBytesReceived: this.#headerBytes,
      retransmittedPacketsReceived: this.#repairedPackets,
      retransmittedBytesReceived: this.#repairedBytes,
      packetsDuplicated: this.#duplicates,
      lastPacketReceivedAt: this.lastPacketReceivedAt,
      nackCount: this.nackCount,
      pliCount: this.pliCount,
      firCount: this.firCount,
      remote: this.#remote(),
    }
  }

  /** Its section is on hold: what is missing is not asked for any more. What was counted stays. */
  rest(): void {
    this.#nack = undefined
    this.nackAt = Number.POSITIVE_INFINITY
    this.keyframeAt = undefined
  }

  /** Takes note of a packet as it came in. @param bytes of the whole packet */
  arrived(packet: RtpPacket, codec: SessionCodec, bytes: number, now: number): void {
    this.#codec = codec
    this.#reception ??= new ReceptionStatistics({ ssrc: this.ssrc, clockRate: codec.clockRate, minSequential: 0 })
    this.#reception.receive(packet.sequenceNumber, packet.timestamp, now)
    this.#hasNews = true
    this.lastPacketReceivedAt = now
    this.#packets++
    this.#bytes += packet.payload.length
    this.#headerBytes += bytes - packet.payload.length
  }

  /**
   * webrtc-stats §7.1, inbound-rtp: what has come in a stream of retransmissions counts for the one that it repeats; also
   * what came before that was known, and what repeats nothing.
   */
  claim(repairs: InboundStream): void {
    this.lastPacketReceivedAt = repairs.lastPacketReceivedAt
    this.#packets += repairs.#packets - repairs.#claimedPackets
    this.#headerBytes += repairs.#bytes + repairs.#headerBytes - repairs.#claimedBytes
    repairs.#claimedPackets = repairs.#packets
    repairs.#claimedBytes = repairs.#bytes + repairs.#headerBytes
  }

  /** Takes note of a packet that a stream of retransmissions has brought; it is claimed already. */
  repaired(packet: RtpPacket): void {
    this.#bytes += packet.payload.length
    this.#headerBytes -= packet.payload.length
    this.#repairedPackets++
    this.#repairedBytes += packet.payload.length
  }

  /** Whether a packet of media, as it came or repaired, is the first with its number. */
  accept(sequenceNumber: number, codec: SessionCodec, now: number): boolean {
    this.#sequences ??= new SequenceUnwrapper()
    this.#window ??= new SequenceWindow()
    if (!this.#window.add(this.#sequences.unwrap(sequenceNumber))) {
      this.#duplicates++
      return false
    }
    if (codec.nack) this.#track(sequenceNumber, now)
    return true
  }

  set roundTripMs(milliseconds: number) {
    if (this.#nack) this.#nack.roundTripMs = milliseconds
  }

  /** The sequence numbers to ask for now. What was given up makes it ask for a keyframe. */
  takeMissing(now: number): readonly number[] {
    if (!this.#nack || now < this.nackAt) return []
    const due = this.#nack.due(now)
    this.nackAt = this.#nack.pollTimeout() ?? Number.POSITIVE_INFINITY
    this.#takeLoss(now)
    if (due.length > 0) this.nackCount++
    return due
  }

  /** A keyframe is wanted, as soon as it may be asked for. */
  wantKeyframe(now: number): void {
    this.keyframeAt ??= Math.max(now, this.#keyframeAskedAt + keyframeIntervalMs)
  }

  /** @returns whether a request is to be sent now; it is taken as sent */
  takeKeyframeRequest(now: number): boolean {
    if (this.keyframeAt === undefined || now < this.keyframeAt) return false
    this.keyframeAt = undefined
    this.#keyframeAskedAt = now
    return true
  }

  /** RFC 3550 §6.4: a block for every source that was heard since the last report. */
  report(now: number): ReportBlock | undefined {
    if (!this.#hasNews || this.endedAt !== undefined) return undefined
    this.#hasNews = false
    return this.#reception?.report(now)
  }

  receiveSenderReport(report: SenderReport, now: number): void {
    this.#reception?.receiveSenderReport(report, now)
    this.#senderReport = report
    this.#senderReportAt = now
    this.#senderReports++
    this.#hasRoundTrip = false
  }

  /** RFC 3611 §4.5: what the extended report behind the sender report tells. */
  receiveRoundTrip(milliseconds: number): void {
    this.#roundTrips.add(milliseconds)
    this.#hasRoundTrip = true
  }

  #track(sequenceNumber: number, now: number): void {
    this.#nack ??= new NackTracker({ reorderingMs })
    const before = this.#nack.missing
    if (this.#nack.receive(sequenceNumber, now) !== 'new') return
    if (this.#nack.missing > before) this.nackAt = Math.min(this.nackAt, now + reorderingMs)
    // A gap that is too large to be repaired.
    this.#takeLoss(now)
  }

  #takeLoss(now: number): void {
    if (this.#nack?.takeLoss() && this.kind === 'video') this.wantKeyframe(now)
  }

  #remote(): RemoteOutboundStatistics | undefined {
    const report = this.#senderReport
    if (!report) return undefined
    return {
      receivedAt: this.#senderReportAt,
      packetsSent: report.packetCount,
      bytesSent: report.octetCount,
      reportsSent: this.#senderReports,
      remoteTimestamp: wallTimeFromNtp(report.ntpTime),
      rtpTimestamp: report.rtpTimestamp,
      ...this.#roundTrips.statistics,
      // webrtc-stats §8.10, roundTripTime: not if the latest sender report came without one
      ...(this.#hasRoundTrip ? {} : { roundTripTime: undefined }),
    }
  }
}
