import { earliest } from '../../base/deadlines.ts'
import { Queue } from '../../base/queue.ts'
import { BandwidthEstimator } from '../congestion/bandwidth-estimator.ts'
import { defaultMaxBitrate, maxPacerPackets } from '../congestion/limits.ts'
import { Pacer, type PacerPriority } from '../congestion/pacer.ts'
import { FeedbackTimeline } from '../feedback-timeline.ts'
import type { TransportFeedback } from '../rtcp/types.ts'
import { write16, write24 } from '../wire.ts'
import type { Outgoing } from './outgoing.ts'
import type { RtpSendStream, SendQueue } from './send-stream.ts'
import type { RtpTransmit } from './transmit.ts'

/** abs-send-time.md: 6.18 fixed point, modulo 64 s; from 1900 to 1970 it were whole 64 s. */
const absSendTimeWrapMs = 64_000
const absSendTimePerMs = 262.144
/** Retransmissions may take this share of the target, and as much again as this share of what is sent. */
const targetShare = 0.25
const mediaShare = 0.5
/** What is not spent on them is saved up for so long, and at least so many bytes: the losses of a burst. */
const savedMs = 500
const minSavedBytes = 60_000
/** After a packet was refused, sources are to go on once so few wait. */
const writableMark = maxPacerPackets / 2

export interface SendingOptions {
  readonly wallTimeAtZero: number
  readonly maxBitrate: number | undefined
}

/** What leaves, and when: the pacer and the estimator of one transport, and the streams that they serve. */
export class Sending implements SendQueue {
  /** Bytes to leave free behind a packet; undefined: there are no keys. */
  room: number | undefined
  /** Retransmissions that would have been beyond their share. */
  refused = 0
  readonly #wallTimeAtZero: number
  readonly #pacer: Pacer<Outgoing>
  readonly #estimator: BandwidthEstimator
  readonly #timeline = new FeedbackTimeline()
  readonly #padding = new Queue<Outgoing>()
  #paddingCluster = 0
  #streams: Iterable<RtpSendStream> = []
  #credit = minSavedBytes
  #creditAt: number | undefined
  #target: number
  #isTargetNew = true
  #isEstimated = false
  #expiredVideo = false
  /** Packets were refused, and it was not told yet that they are taken again. */
  #isFull = false

  constructor({ wallTimeAtZero, maxBitrate = defaultMaxBitrate }: SendingOptions) {
    this.#wallTimeAtZero = wallTimeAtZero
    this.#estimator = new BandwidthEstimator({ maxBitrate })
    this.#target = this.#estimator.target
    this.#pacer = new Pacer(this.#target)
  }

  /** Bits a second. */
  get target(): number {
    return this.#target
  }

  /** Whether the peer has told anything that the target is computed from. */
  get isEstimated(): boolean {
    return this.#isEstimated
  }

  get queuedPackets(): number {
    return this.#pacer.queuedPackets
  }

  get queueMs(): number {
    return this.#pacer.queueMs
  }

  set streams(streams: Iterable<RtpSendStream>) {
    this.#streams = streams
  }

  enqueue(outgoing: Outgoing, paced: boolean, now: number): boolean {
    // The first of the pacer's queues never waits, but is charged for.
    const priority: PacerPriority = paced ? 'video' : 'audio'
    const dropped = this.#pacer.enqueue(outgoing, outgoing.length + (this.room ?? 0), priority, now)
    if (dropped !== undefined) this.#isFull = true
    return dropped === undefined
  }

  /** Whether packets are taken now. Once some were not, it takes a good deal of room until they are worth giving again. */
  get isWritable(): boolean {
    return this.room !== undefined && (!this.#isFull || this.#pacer.queuedPackets <= writableMark)
  }

  /** Whether packets are taken again since the last call. */
  takeWritable(): boolean {
    if (!this.hasWritable) return false
    this.#isFull = false
    return true
  }

  /** Whether {@link takeWritable} has something to say. */
  get hasWritable(): boolean {
    return this.#isFull && this.#pacer.queuedPackets <= writableMark
  }

  /** Sends a packet again, if that is within what may be spent on it. */
  repeat(stream: RtpSendStream, sequenceNumber: number, roundTripMs: number, now: number): void {
    if (this.#creditLeft(now) <= 0) {
      this.refused++
      return
    }
    const outgoing = stream.repeat(sequenceNumber, roundTripMs, now)
    if (!outgoing) return
    this.#credit -= outgoing.length
    // What was not paced the first time would wait behind its own debt the second time.
    const priority: PacerPriority = stream.isPaced ? 'retransmission' : 'audio'
    this.#pacer.enqueue(outgoing, outgoing.length + (this.room ?? 0), priority, now)
  }

  pollTransmit(now: number): RtpTransmit | undefined {
    for (;;) {
      const padding = this.#padding.length > 0 ? this.#padding.shift() : undefined
      if (padding) return this.#leave(padding, this.#paddingCluster, now)
      const paced = this.#pacer.pollTransmit(now)
      if (!paced) return undefined
      if (paced.type === 'padding') this.#pad(paced.size, paced.cluster, now)
      // RFC 3550 §6.3.7: a packet after the BYE would be taken for a source that is new.
      else if (paced.packet.owner.isActive) return this.#leave(paced.packet, paced.cluster, now)
    }
  }

  pollTimeout(): number | undefined {
    return this.room === undefined ? undefined : earliest(this.#pacer.pollTimeout(), this.#estimator.pollTimeout())
  }

  handleTimeout(now: number): void {
    this.#pacer.handleTimeout(now)
    this.#estimator.handleTimeout(now)
    this.#settle(now)
  }

  receiveTransportFeedback(feedback: TransportFeedback, now: number): void {
    const outcome = this.#estimator.receiveFeedback(this.#timeline.receive(feedback), now)
    if (outcome.received + outcome.lost > 0) this.#isEstimated = true
    this.#settle(now)
  }

  receiveRemb(bitrate: number, now: number): void {
    this.#isEstimated = true
    this.#estimator.receiveRemb(bitrate, now)
    this.#settle(now)
  }

  receiveLoss(fraction: number, now: number): void {
    this.#estimator.receiveLossReport(fraction, now)
    this.#settle(now)
  }

  setRoundTrip(milliseconds: number): void {
    this.#estimator.setRoundTrip(milliseconds)
  }

  setMaxBitrate(bitrate: number, now: number): void {
    this.#estimator.setMaxBitrate(bitrate, now)
    this.#settle(now)
  }

  /** Nothing leaves any more. */
  close(): void {
    this.room = undefined
    this.#streams = []
    this.#padding.clear()
  }

  /** The target, if it was not told yet. */
  takeTarget(): number | undefined {
    if (!this.#isTargetNew) return undefined
    this.#isTargetNew = false
    return this.#target
  }

  /** Whether video has waited too long and was given up since the last call: it takes a keyframe to go on. */
  takeExpired(): boolean {
    for (let event = this.#pacer.pollEvent(); event; event = this.#pacer.pollEvent()) {
      if (event.video > 0) this.#expiredVideo = true
    }
    const expired = this.#expiredVideo
    this.#expiredVideo = false
    return expired
  }

  #leave(outgoing: Outgoing, cluster: number, now: number): RtpTransmit {
    const { data, length, protection } = outgoing
    if (protection === 'done') {
      outgoing.owner.left(outgoing, now)
      return { kind: 'rtp', data, length: data.length, protection }
    }
    if (outgoing.absSendTimeAt >= 0) write24(data, outgoing.absSendTimeAt, this.#absSendTime(now))
    if (outgoing.transmissionOffsetAt >= 0) {
      // RFC 5450 §3: from the time that the timestamp stands for to that of transmission.
      const offset = Math.round(((now - outgoing.queuedAt) * outgoing.clockRate) / 1_000)
      write24(data, outgoing.transmissionOffsetAt, Math.min(offset, 0x7f_ffff))
    }
    if (outgoing.transportSequenceAt >= 0) {
      write16(data, outgoing.transportSequenceAt, this.#estimator.packetSent(length + (this.room ?? 0), now, cluster))
    }
    if (outgoing.role === 'media') this.#credit += length * mediaShare
    outgoing.owner.left(outgoing, now)
    return { kind: 'rtp', data, length, protection }
  }

  #absSendTime(now: number): number {
    return Math.floor(((this.#wallTimeAtZero + now) % absSendTimeWrapMs) * absSendTimePerMs) & 0xff_ffff
  }

  #pad(size: number, cluster: number, now: number): void {
    this.#paddingCluster = cluster
    for (const stream of this.#streams) {
      if (!stream.isPaced) continue
      stream.pad(size, this.#padding, now)
      if (this.#padding.length > 0) return
    }
  }

  #creditLeft(now: number): number {
    const since = this.#creditAt ?? now
    this.#creditAt = now
    const most = Math.max(minSavedBytes, (this.#target * savedMs) / 8_000)
    this.#credit = Math.min(this.#credit + ((now - since) * this.#target * targetShare) / 8_000, most)
    return this.#credit
  }

  #settle(now: number): void {
    for (let event = this.#estimator.pollEvent(); event; event = this.#estimator.pollEvent()) {
      if (event.type === 'probe') this.#pacer.startProbe(event.cluster, now)
      else {
        this.#target = event.bitrate
        this.#isTargetNew = true
        this.#pacer.setTarget(event.bitrate)
      }
    }
  }
}
