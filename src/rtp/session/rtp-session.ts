import type { RandomSource } from '../../base/environment.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import { randomUint32 } from '../../base/random.ts'
import { FeedbackIn, type FeedbackUser } from './feedback-in.ts'
import { OwnStreams } from './own-streams.ts'
import type { ReceivedPacket, ReceiveStream } from './receive-stream.ts'
import { Receiving } from './receiving.ts'
import { Reporting } from './reporting.ts'
import { SectionTable } from './sections.ts'
import type { RtpSendStream } from './send-stream.ts'
import { Sending } from './sending.ts'
import type { RtpSessionDrop, RtpSessionStatistics } from './statistics.ts'
import type { RtpTransmit } from './transmit.ts'
import type { SessionSection } from './types.ts'

export type { ReceivedPacket, ReceiveStream } from './receive-stream.ts'
export type { RtpSendStream } from './send-stream.ts'
export type { RtpSessionDrop } from './statistics.ts'
export type { OutgoingPacket, RtpSendDrop, RtpTransmit } from './transmit.ts'

export interface RtpSessionOptions {
  readonly random: RandomSource
  readonly cname: string
  /** Milliseconds since 1970 at the monotonic time 0. */
  readonly wallTimeAtZero: number
  /** Bits per second, of all that is sent. */
  readonly maxBitrate?: number
}

export type RtpSessionEvent =
  /** PLI or FIR for a stream that we send, or video that waited too long and was given up. */
  | { readonly type: 'keyframe-request'; readonly ssrc: number }
  /** Bits per second for all that is sent. */
  | { readonly type: 'target-bitrate'; readonly bitrate: number }
  /** BYE. */
  | { readonly type: 'stream-ended'; readonly ssrc: number }
  /** The peer uses an SSRC of ours: the stream goes on with another one. */
  | { readonly type: 'own-collision'; readonly ssrc: number; readonly replacement: number }
  /** Packets that were refused as `not-ready` or `queue-full` would be taken now. */
  | { readonly type: 'writable' }

/**
 * The RTP session of one transport: RFC 3550, with the feedback of RFC 4585, for all media sections that are bundled on it.
 *
 * It takes authenticated packets and says which stream they belong to, and gives the packets to send to whoever protects
 * them; retransmissions, reports, pacing and the estimate of the bandwidth are its own.
 */
export class RtpSession implements SansIo<RtpSessionEvent, RtpTransmit> {
  readonly #sending: Sending
  readonly #receiving = new Receiving()
  readonly #reporting: Reporting
  readonly #feedback: FeedbackIn
  readonly #own: OwnStreams
  readonly #user: FeedbackUser
  readonly #events = new Queue<RtpSessionEvent>()
  #isClosed = false

  /** @param now monotonic milliseconds, like everywhere here */
  constructor(options: RtpSessionOptions, now: number) {
    const { random, wallTimeAtZero } = options
    this.#sending = new Sending({ wallTimeAtZero, maxBitrate: options.maxBitrate })
    const ownSsrc = randomUint32(random)
    this.#reporting = new Reporting(options, this.#receiving, ownSsrc, now)
    this.#own = new OwnStreams(random, this.#sending, ownSsrc)
    const user: FeedbackUser = {
      sendStreams: this.#own.streams,
      repairStreams: this.#own.repairs,
      isForeign: (ssrc, at) => this.#isForeign(ssrc, at),
      keyframeRequested: ssrc => this.#events.push({ type: 'keyframe-request', ssrc }),
      streamEnded: ssrc => this.#events.push({ type: 'stream-ended', ssrc }),
    }
    this.#feedback = new FeedbackIn(this.#sending, this.#receiving, this.#reporting, user, wallTimeAtZero)
    this.#user = user
  }

  get statistics(): RtpSessionStatistics {
    const { roundTripMs } = this.#feedback
    return {
      availableOutgoingBitrate: this.#sending.isEstimated ? this.#sending.target : undefined,
      availableIncomingBitrate: this.#receiving.remb.estimate,
      targetBitrate: this.#sending.target,
      roundTripTime: roundTripMs === undefined ? undefined : roundTripMs / 1_000,
      rtcpPacketsSent: this.#reporting.datagramsSent,
      rtcpPacketsReceived: this.#feedback.packetsReceived,
      malformedRtcp: this.#feedback.malformed,
      ignoredFeedback: this.#feedback.ignored,
      refusedRetransmissions: this.#sending.refused,
      queuedPackets: this.#sending.queuedPackets,
      queueMs: this.#sending.queueMs,
      drops: this.#receiving.drops,
    }
  }

  /**
   * Everything that runs on this transport from now on. Streams, sent or received, and what was learned of the peer stay if
   * their section does; streams that are not sent any more say BYE.
   */
  configure(sections: readonly SessionSection[], now: number): void {
    if (this.#isClosed) return
    const tables = sections.map(section => new SectionTable(section))
    const { left, collided } = this.#own.configure(tables, this.#receiving.streams)
    this.#reporting.leave(left)
    this.#receiving.configure(tables, now)
    for (const ssrc of collided) this.#replace(ssrc)
    this.#applyStreams()
    const reducedSize = sections.some(section => section.reducedSizeRtcp)
    this.#reporting.configure(this.#own.list, sections.length > 0, reducedSize)
  }

  /**
   * There are keys: packets may leave from now on.
   *
   * @param rtpOverhead bytes of room to leave behind packets
   * @param rtcpOverhead bytes that protection adds to RTCP, for its share of the bandwidth
   */
  ready(rtpOverhead: number, rtcpOverhead: number, _now: number): void {
    if (this.#isClosed) return
    // What was protected in place under other keys is of no use to the peer any more.
    if (this.#sending.room !== undefined) for (const stream of this.#own.list) stream.forget()
    else this.#events.push({ type: 'writable' })
    this.#sending.room = rtpOverhead
    this.#reporting.ready(rtcpOverhead)
  }

  /** Takes a packet that was authenticated. The result has views of it, and names its stream; or says why it was dropped. */
  receive(data: Uint8Array, now: number): ReceivedPacket | RtpSessionDrop {
    if (this.#isClosed) return this.#receiving.drop('closed')
    const received = this.#receiving.receive(data, now, this.#user)
    this.#reporting.noteRemb()
    return received
  }

  /** Takes a datagram of RTCP that was authenticated. @returns why it was dropped, if it was */
  receiveRtcp(data: Uint8Array, now: number): RtpSessionDrop | undefined {
    if (this.#isClosed) return this.#receiving.drop('closed')
    return this.#feedback.receive(data, now)
  }

  /** A stream that is sent, by the SSRC that was configured or the one that took its place. */
  sendStream(ssrc: number): RtpSendStream | undefined {
    return this.#own.find(ssrc)
  }

  /** Streams, by the SSRCs that were configured, that say BYE at once: the next configuration is to be without them. */
  endStreams(ssrcs: readonly number[]): void {
    this.#reporting.leave(this.#own.end(ssrcs))
    this.#reporting.senders = this.#own.list
    this.#applyStreams()
  }

  /** Bits per second for all that is sent. */
  get targetBitrate(): number {
    return this.#sending.target
  }

  /** Whether packets are taken now; when they are again, an event tells it. */
  get isWritable(): boolean {
    return this.#sending.isWritable
  }

  /** Also one that has ended, with what it has counted. */
  knownSendStream(ssrc: number): RtpSendStream | undefined {
    return this.#own.findKnown(ssrc)
  }

  /** The streams that are received in a section, in the order of their first packets. */
  receiveStreams(mid: string): readonly ReceiveStream[] {
    return this.#receiving.ofSection(mid)
  }

  /** Also those of a section that is on hold, and those that have said BYE. */
  knownStreams(mid: string): readonly ReceiveStream[] {
    return this.#receiving.knownOfSection(mid)
  }

  /** Asks the peer for a keyframe of a stream: by PLI, or by FIR where that alone was negotiated. Not more often than helps. */
  requestKeyframe(ssrc: number, now: number): void {
    this.#receiving.requestKeyframe(ssrc, now)
  }

  /** Bits per second that all that is sent is not to exceed. */
  setMaxBitrate(bitrate: number, now: number): void {
    this.#sending.setMaxBitrate(bitrate, now)
  }

  /** A packet that was to be protected in place could not be: what is kept of its stream must not be sent as it is. */
  unprotected(transmit: RtpTransmit): void {
    if (transmit.protection === 'in-place') this.#own.ofPacket(transmit.data)?.forget()
  }

  /** Ends it, with a BYE for all that was sent: poll once more for that. */
  close(_now: number): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#reporting.leave(this.#own.close())
    this.#reporting.stop()
    this.#sending.close()
  }

  pollTransmit(now: number): RtpTransmit | undefined {
    if (now >= this.#reporting.dueAt()) this.#reporting.handleTimeout(now)
    const datagram = this.#reporting.poll()
    if (datagram) return { kind: 'rtcp', data: datagram, length: datagram.length, protection: 'copy' }
    if (this.#sending.room === undefined) return undefined
    const transmit = this.#sending.pollTransmit(now)
    if (transmit) this.#reporting.schedule.sentMedia(now)
    return transmit
  }

  pollEvent(): RtpSessionEvent | undefined {
    if (this.#events.length > 0) return this.#events.shift()
    const bitrate = this.#sending.takeTarget()
    if (bitrate !== undefined) return { type: 'target-bitrate', bitrate }
    if (this.#sending.takeWritable()) return { type: 'writable' }
    if (!this.#sending.takeExpired()) return undefined
    // The pacer does not tell whose packets they were.
    for (const { ssrc, isPaced } of this.#own.list) if (isPaced) this.#events.push({ type: 'keyframe-request', ssrc })
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    // What has left may have made room, and who waits for that is to hear of it.
    if (this.#sending.hasWritable) return 0
    const reporting = this.#reporting.dueAt()
    const sending = this.#sending.pollTimeout()
    if (sending !== undefined && sending < reporting) return sending
    return reporting === Number.POSITIVE_INFINITY ? undefined : reporting
  }

  handleTimeout(now: number): void {
    this.#reporting.handleTimeout(now)
    this.#sending.handleTimeout(now)
  }

  /** RFC 3550 §8.2: an SSRC that the peer uses too is given up for another one, once; after that it is our own packets that come back. */
  #isForeign(ssrc: number, now: number): boolean {
    const verdict = this.#own.judge(ssrc, now)
    if (verdict === 'own-collision') {
      this.#replace(ssrc)
      this.#applyStreams()
    }
    return verdict !== 'own-loop'
  }

  #replace(ssrc: number): void {
    const replacement = this.#own.replace(ssrc, this.#receiving.streams)
    this.#reporting.ownSsrc = this.#own.ownSsrc
    if (replacement === undefined) return
    this.#reporting.leave([ssrc])
    this.#events.push({ type: 'own-collision', ssrc, replacement })
  }

  #applyStreams(): void {
    this.#sending.streams = this.#own.list
  }
}
