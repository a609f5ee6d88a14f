import { earliest } from '../../base/deadlines.ts'
import type { SansIo } from '../../base/machine.ts'
import { DelayController } from './delay-controller.ts'
import {
  defaultMaxBitrate,
  defaultMinBitrate,
  defaultStartBitrate,
  feedbackTimeoutMs,
  highLoss,
  initialRoundTripMs,
  lowLoss,
  maxRoundTripMs,
  toldChange,
} from './limits.ts'
import { LossController } from './loss-controller.ts'
import type { UsageSignal } from './overuse-detector.ts'
import { type ProbeCluster, Prober } from './prober.ts'
import { SentPackets } from './sent-packets.ts'

/** What a transport-wide feedback says about one packet; the arrivals of the RTCP codec have this shape. */
export interface PacketReport {
  /** The transport-wide sequence number, 16 bits. */
  readonly sequenceNumber: number
  readonly received: boolean
  /** Milliseconds on the receiver's clock; undefined if it was not received, or if that was not told. */
  readonly receivedAt: number | undefined
}

/** What became of the reports of one feedback; those of the last three kinds change nothing. */
export interface FeedbackOutcome {
  received: number
  lost: number
  /** Reported before. */
  duplicate: number
  /** Never sent, or so long ago that it is forgotten. */
  unknown: number
  /** An arrival at a time that is no number. */
  malformed: number
}

/** Which of the limits the target is at. */
export type TargetLimit = 'delay' | 'loss' | 'remb' | 'maximum' | 'silence'

export type BandwidthEvent =
  | {
      readonly type: 'target'
      /** Bits a second for everything that is sent, headers included. */
      readonly bitrate: number
      readonly limitedBy: TargetLimit
      /** 0 to 1. */
      readonly lossFraction: number
      readonly roundTripMs: number
    }
  /** A cluster for {@link Pacer.startProbe}. */
  | { readonly type: 'probe'; readonly cluster: ProbeCluster }

export interface BandwidthOptions {
  /** Bits a second. */
  readonly startBitrate?: number
  readonly minBitrate?: number
  readonly maxBitrate?: number
  /** Whether to send faster than the target for moments, to find more. Default true. */
  readonly probing?: boolean
  /** The first transport-wide sequence number. Default 0. */
  readonly firstSequenceNumber?: number
}

export interface BandwidthStatistics {
  readonly target: number
  readonly limitedBy: TargetLimit
  readonly delayBased: number
  readonly lossBased: number
  readonly remb: number | undefined
  readonly receivedBitrate: number | undefined
  readonly signal: UsageSignal
  readonly lossFraction: number
  readonly roundTripMs: number
  /** Reports dropped since the beginning. */
  readonly droppedReports: number
}

/**
 * How fast may we send? Google Congestion Control, after draft-ietf-rmcat-gcc-02: one for each transport.
 *
 * The circle: `packetSent` notes when each packet left and gives it a transport-wide sequence number; the receiver reports
 * when each arrived; `receiveFeedback` joins the two. From this
 *
 *  - `DelayController` (§5) sees the queue at the bottleneck grow before it overflows, and holds the rate where it does not;
 *  - `LossController` (§6) sees where there is no queue to speak of and packets are dropped instead;
 *  - `Prober` tries out much higher rates for milliseconds, where climbing to them would take a minute;
 *  - a REMB, which a receiver without transport-wide feedback computes by the same §5, is an upper bound;
 *  - and silence, with packets under way, halves the rate, for then nobody knows.
 *
 * The target is the least of these, told as an event; the application gives it to its encoders and to the {@link Pacer},
 * which spreads the packets evenly (§4): bursts of our own making would look like a queue.
 *
 * Nothing here trusts the reports: whoever sends them may raise the target to the maximum or lower it to the minimum, and that
 * is all. Memory is bounded whatever arrives.
 */
export class BandwidthEstimator implements SansIo<BandwidthEvent, never> {
  readonly #min: number
  #max: number
  readonly #sent: SentPackets
  readonly #delay: DelayController
  readonly #loss: LossController
  readonly #prober: Prober | undefined
  #remb: number | undefined
  #roundTrip: { readonly ms: number; readonly measured: boolean } = { ms: initialRoundTripMs, measured: false }
  /** Feedback with times has come: until then the delay-based controller has nothing to say. */
  #delayKnown = false
  #feedbackSeen = false
  /** When the first packet left since there was feedback. */
  #silentSince: number | undefined
  #silenced = false
  #target: number
  #limitedBy: TargetLimit = 'delay'
  #told: number | undefined
  #droppedReports = 0

  constructor(options: BandwidthOptions = {}) {
    this.#min = options.minBitrate ?? defaultMinBitrate
    this.#max = Math.max(options.maxBitrate ?? defaultMaxBitrate, this.#min)
    const start = Math.min(Math.max(options.startBitrate ?? defaultStartBitrate, this.#min), this.#max)
    this.#sent = new SentPackets(options.firstSequenceNumber)
    this.#delay = new DelayController(start, this.#min, this.#max)
    this.#loss = new LossController(start, this.#min)
    this.#prober = options.probing === false ? undefined : new Prober(start)
    this.#target = start
  }

  /** Bits a second. */
  get target(): number {
    return this.#target
  }

  get statistics(): BandwidthStatistics {
    return {
      target: this.#target,
      limitedBy: this.#limitedBy,
      delayBased: this.#delay.estimate,
      lossBased: this.#loss.estimate,
      remb: this.#remb,
      receivedBitrate: this.#delay.receivedBitrate,
      signal: this.#delay.signal,
      lossFraction: this.#loss.lossFraction,
      roundTripMs: this.#roundTrip.ms,
      droppedReports: this.#droppedReports,
    }
  }

  /**
   * A packet leaves now.
   *
   * @param size bytes, with headers as far as they are known
   * @param cluster what the pacer said: the probe that the packet is sent for
   * @returns the transport-wide sequence number to write into it
   */
  packetSent(size: number, now: number, cluster = 0): number {
    this.#silentSince ??= now
    return this.#sent.add(size, now, cluster)
  }

  /** The reports of a transport-wide feedback, in the order of their sequence numbers. */
  receiveFeedback(reports: readonly PacketReport[], now: number): FeedbackOutcome {
    const outcome: FeedbackOutcome = { received: 0, lost: 0, duplicate: 0, unknown: 0, malformed: 0 }
    let lastSentAt: number | undefined
    for (const report of reports) {
      const slot = this.#sent.find(report.sequenceNumber, now)
      if (slot < 0) outcome.unknown++
      else if (!report.received) this.#reportedLost(slot, outcome)
      else if (this.#reportedReceived(slot, report.receivedAt, outcome)) lastSentAt = this.#sent.sentAt(slot)
    }
    this.#droppedReports += outcome.unknown + outcome.duplicate + outcome.malformed
    // Feedback that tells nothing new, old or made up, does not end a silence either.
    if (outcome.received + outcome.lost === 0) return outcome
    this.#endSilence()
    if (!this.#roundTrip.measured && lastSentAt !== undefined) this.#setRoundTrip(now - lastSentAt, false)
    this.#conclude(now)
    return outcome
  }

  /** draft-alvestrand-rmcat-remb-03: the most that the receiver believes to be possible, bits a second. */
  receiveRemb(bitrate: number, now: number): void {
    if (!Number.isFinite(bitrate) || bitrate < 0) return
    this.#remb = bitrate
    // Without feedback of our own, the receiver runs the delay-based controller (gcc-02 §3): while nothing is lost, its word
    // counts both ways.
    if (!this.#feedbackSeen && this.#loss.lossFraction < lowLoss) this.#loss.set(Math.min(bitrate, this.#max))
    this.#settle(now)
  }

  /**
   * The loss of an RTCP receiver report, 0 to 1. It counts only where there is no transport-wide feedback.
   *
   * draft-ietf-rmcat-gcc-02 §7: with a peer that sends nothing better, the loss alone decides.
   */
  receiveLossReport(fractionLost: number, now: number): void {
    if (this.#feedbackSeen || !(fractionLost >= 0 && fractionLost <= 1)) return
    this.#loss.measured(fractionLost, now)
    this.#settle(now)
  }

  /** A round trip measured elsewhere (RTCP reports, ICE checks), ms. Feedback gives a longer one, with its own delay. */
  setRoundTrip(ms: number): void {
    if (Number.isFinite(ms) && ms >= 0) this.#setRoundTrip(ms, true)
  }

  /** Another upper bound from now on, bits a second. */
  setMaxBitrate(bitrate: number, now: number): void {
    this.#max = Math.max(bitrate, this.#min)
    this.#delay.setMax(this.#max)
    this.#settle(now)
  }

  /** The application is about to send much more: asks whether the path would carry it. At most every three seconds. */
  probe(bitrate: number, now: number): void {
    if (this.#feedbackSeen) this.#prober?.request(bitrate, this.#max, now)
  }

  pollEvent(): BandwidthEvent | undefined {
    const cluster = this.#prober?.poll()
    if (cluster !== undefined) return { type: 'probe', cluster }
    if (this.#told !== undefined && Math.abs(this.#target - this.#told) <= this.#told * toldChange) return undefined
    this.#told = this.#target
    return {
      type: 'target',
      bitrate: this.#target,
      limitedBy: this.#limitedBy,
      lossFraction: this.#loss.lossFraction,
      roundTripMs: this.#roundTrip.ms,
    }
  }

  /** It sends nothing itself. */
  pollTransmit(): undefined {
    return undefined
  }

  pollTimeout(): number | undefined {
    return earliest(this.#silenceDeadline(), this.#prober?.deadline(this.#roundTrip.ms))
  }

  handleTimeout(now: number): void {
    this.#prober?.handleTimeout(this.#roundTrip.ms, this.#max, now)
    const silence = this.#silenceDeadline()
    if (silence === undefined || now < silence) return
    // Another packet must leave before silence says anything again.
    this.#silentSince = undefined
    this.#silenced = true
    this.#delay.set(this.#target / 2)
    this.#loss.set(this.#target / 2)
    this.#settle(now)
  }

  #silenceDeadline(): number | undefined {
    if (!this.#feedbackSeen || this.#silentSince === undefined) return undefined
    return this.#silentSince + feedbackTimeoutMs + this.#roundTrip.ms
  }

  #endSilence(): void {
    this.#feedbackSeen = true
    this.#silentSince = undefined
    this.#silenced = false
  }

  #reportedLost(slot: number, outcome: FeedbackOutcome): void {
    if (!this.#sent.markLost(slot)) {
      outcome.duplicate++
      return
    }
    outcome.lost++
    this.#loss.packet(this.#sent.sentAt(slot), true)
  }

  /** @returns whether it was news */
  #reportedReceived(slot: number, receivedAt: number | undefined, outcome: FeedbackOutcome): boolean {
    if (receivedAt !== undefined && !Number.isFinite(receivedAt)) {
      outcome.malformed++
      return false
    }
    const news = this.#sent.markReceived(slot)
    if (news === 'duplicate') {
      outcome.duplicate++
      return false
    }
    outcome.received++
    const sentAt = this.#sent.sentAt(slot)
    if (news === 'late') this.#loss.arrivedLate()
    else this.#loss.packet(sentAt, false)
    if (receivedAt === undefined) return true
    const size = this.#sent.size(slot)
    const cluster = this.#sent.cluster(slot)
    this.#delayKnown = true
    this.#delay.packet(sentAt, receivedAt, size, cluster !== 0)
    if (cluster !== 0) this.#prober?.received(cluster, sentAt, receivedAt, size)
    return true
  }

  #conclude(now: number): void {
    this.#prober?.begin(this.#max, now)
    const found = this.#prober?.result(this.#max, now)
    if (this.#delayKnown) this.#delay.update(this.#roundTrip.ms, now)
    if (found !== undefined) this.#raise(found)
    if (this.#delay.state === 'increase' && this.#delay.signal === 'normal') this.#prober?.calm(this.#max, now)
    this.#settle(now)
  }

  /** A probe has found more than was thought. */
  #raise(found: number): void {
    if (found > this.#delay.estimate) this.#delay.set(found)
    if (found > this.#loss.estimate && this.#loss.lossFraction <= highLoss) this.#loss.set(this.#delay.estimate)
  }

  /** The least of all limits is the target. */
  #settle(now: number): void {
    const before = this.#target
    const delayBased = this.#delayKnown ? this.#delay.estimate : this.#max
    const lossBased = this.#loss.update(Math.min(delayBased, this.#remb ?? this.#max), now)
    let target = Math.min(delayBased, this.#max)
    this.#limitedBy = this.#silenced ? 'silence' : target < this.#max ? 'delay' : 'maximum'
    // §6: the sending rate is the minimum of As_hat and A_hat.
    if (lossBased < target) {
      target = lossBased
      this.#limitedBy = this.#silenced ? 'silence' : 'loss'
    }
    if (this.#remb !== undefined && this.#remb <= target) {
      target = this.#remb
      this.#limitedBy = 'remb'
    }
    this.#target = Math.max(target, this.#min)
    this.#prober?.targetChanged(before, this.#target)
  }

  #setRoundTrip(ms: number, measured: boolean): void {
    this.#roundTrip = { ms: Math.min(Math.max(ms, 0), maxRoundTripMs), measured }
  }
}
