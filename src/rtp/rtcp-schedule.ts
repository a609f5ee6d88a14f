import type { RandomSource } from '../base/environment.ts'
import { randomUint32 } from '../base/random.ts'

/** Members of a session that are told apart; more make the reports no rarer. */
export const maxMembers = 256
/** RFC 3550 §6.2: the headers of UDP and IPv4 count towards the size of a packet. */
const lowerLayerBytes = 28
/** RFC 3550 §6.3.1, step 5: e - 3/2. */
const compensation = 1.21828
/** RFC 3550 §6.3.1, step 2. */
const avpMinIntervalMs = 5_000
/** RFC 4585 §3.4 d. */
const avpfInitialMinIntervalMs = 1_000
/** RFC 3550 §6.3.5: M, and the two intervals after which a sender is none any more. */
const memberTimeoutIntervals = 5
const senderTimeoutIntervals = 2
const senderShare = 0.25

export interface RtcpScheduleOptions {
  readonly random: RandomSource
  /** Bits per second for the RTCP of all members: 5 % of the session's, if nothing else was agreed on (RFC 3550 §6.2). */
  readonly bandwidth: number
  /** Whether feedback may be sent early: RTP/AVPF and SAVPF. True if not given. */
  readonly feedback?: boolean
  /** Whether there are two members and will never be more, as between two peers. True if not given. */
  readonly pointToPoint?: boolean
  /** T_rr_interval of RFC 4585 §3.4 m: regular packets are to be so many milliseconds apart. 1000 if not given. */
  readonly regularIntervalMs?: number
  /** The size that the first packet will probably have. 100 bytes if not given. */
  readonly firstPacketBytes?: number
}

/**
 * - `regular`: a full compound packet is due, with the feedback that waits
 * - `feedback`: the feedback that waits is due; a minimal or reduced-size packet is enough
 */
export type RtcpDue = 'regular' | 'feedback'

interface Member {
  heardAt: number
  sentMediaAt: number
}

/**
 * When to send RTCP: RFC 3550 §6.3, with the early feedback of RFC 4585 §3.5.
 *
 * It says when, not what: the caller keeps the feedback messages, and puts them into the packet that becomes due.
 */
export class RtcpSchedule {
  readonly #random: RandomSource
  readonly #bandwidth: number
  readonly #feedback: boolean
  readonly #pointToPoint: boolean
  readonly #regularIntervalMs: number
  readonly #members = new Map<number, Member>()
  #membersBefore = 1
  #sentMediaAt = Number.NEGATIVE_INFINITY
  #averageBytes: number
  #initial = true
  #allowEarly = true
  /** tp, tn and T_rr of the standards. */
  #previous: number
  #next: number
  #interval = 0
  /** When regular packets are no longer suppressed by T_rr_interval. */
  #regularAt = Number.NEGATIVE_INFINITY
  /** te: when early feedback is due; infinite if it waits for the next regular time. Undefined: none waits. */
  #feedbackAt: number | undefined

  /** @param now monotonic milliseconds */
  constructor(options: RtcpScheduleOptions, now: number) {
    this.#random = options.random
    this.#bandwidth = Math.max(options.bandwidth, 1)
    this.#feedback = options.feedback ?? true
    this.#pointToPoint = options.pointToPoint ?? true
    this.#regularIntervalMs = this.#feedback ? (options.regularIntervalMs ?? 1_000) : 0
    this.#averageBytes = (options.firstPacketBytes ?? 100) + lowerLayerBytes
    this.#previous = now
    this.#next = now + this.#draw(now)
  }

  /** Members of the session, with this one. */
  get members(): number {
    return this.#members.size + 1
  }

  /** An RTP packet has been sent. */
  sentMedia(now: number): void {
    this.#sentMediaAt = now
  }

  /** A valid packet of a source has arrived; `media` if it was RTP. */
  heard(ssrc: number, media: boolean, now: number): void {
    let member = this.#members.get(ssrc)
    if (!member) {
      if (this.#members.size >= maxMembers - 1) return
      member = { heardAt: now, sentMediaAt: Number.NEGATIVE_INFINITY }
      this.#members.set(ssrc, member)
    }
    member.heardAt = now
    if (media) member.sentMediaAt = now
  }

  /** A BYE has arrived. */
  left(ssrc: number, now: number): void {
    if (this.#members.delete(ssrc)) this.#reconsiderBackwards(now)
  }

  /** A compound packet was received or sent: RFC 3550 §6.3.3, RFC 4585 §3.5.4. @param bytes without UDP and IP headers */
  counted(bytes: number): void {
    this.#averageBytes += (bytes + lowerLayerBytes - this.#averageBytes) / 16
  }

  /**
   * There is something to tell a sender.
   *
   * @param maxDelayMs after which it would be of no use
   * @returns whether it will be asked for with {@link poll}; `discard` if it could only be sent too late
   */
  requestFeedback(now: number, maxDelayMs: number): 'scheduled' | 'discard' {
    this.#passSilently(now)
    // RFC 4585 §3.5.2, step 2a: it goes with what is scheduled already.
    if (this.#feedbackAt !== undefined) return 'scheduled'
    const dither = this.#pointToPoint ? 0 : 0.5 * this.#interval
    if (this.#feedback && now + dither <= this.#next && this.#allowEarly) {
      this.#feedbackAt = now + dither * this.#uniform()
      return 'scheduled'
    }
    // Steps 3a and 4a: it waits for the next regular packet, if that comes soon enough.
    if (this.#next - now >= maxDelayMs) return 'discard'
    this.#feedbackAt = Number.POSITIVE_INFINITY
    return 'scheduled'
  }

  /** RFC 4585 §3.5.2, step 5a: somebody else has told the same. */
  cancelFeedback(): void {
    this.#feedbackAt = undefined
  }

  pollTimeout(): number {
    if (this.#feedbackAt !== undefined) return Math.min(this.#feedbackAt, this.#next)
    return Math.max(this.#next, this.#regularAt)
  }

  /** What is to be sent now, if anything. It is taken as sent: tell its size with {@link counted}. */
  poll(now: number): RtcpDue | undefined {
    if (this.#feedbackAt !== undefined && this.#feedbackAt <= now && this.#feedbackAt <= this.#next) {
      this.#sendEarly()
      return 'feedback'
    }
    if (now < this.pollTimeout()) return undefined
    this.#timeOutMembers(now)
    // RFC 3550 §6.3.6: the interval is drawn anew when it has passed, because the group may have grown.
    const reconsidered = this.#previous + this.#draw(now)
    if (reconsidered > now) {
      this.#next = reconsidered
      return undefined
    }
    return this.#sendRegular(now)
  }

  #sendEarly(): void {
    // RFC 4585 §3.5.2, step 6: one regular transmission is skipped for it.
    this.#feedbackAt = undefined
    this.#allowEarly = false
    const next = this.#previous + 2 * this.#interval
    this.#previous = this.#next
    this.#next = Math.max(next, this.#previous)
  }

  #sendRegular(now: number): RtcpDue | undefined {
    const isFeedbackWaiting = this.#feedbackAt !== undefined
    const isRegular = now >= this.#regularAt
    this.#membersBefore = this.members
    // RFC 4585 §3.5.3: whether it is sent or suppressed, early feedback is allowed again.
    this.#allowEarly = true
    this.#feedbackAt = undefined
    if (isRegular) {
      this.#initial = false
      // The dithered interval is drawn once a regular packet, so that no timer need run for those that are suppressed.
      this.#regularAt = now + this.#regularIntervalMs * (0.5 + this.#uniform())
    }
    this.#previous = now
    this.#next = now + this.#draw(now)
    if (isRegular) return 'regular'
    return isFeedbackWaiting ? 'feedback' : undefined
  }

  /** Regular times that have passed while T_rr_interval would have suppressed the packet anyway. */
  #passSilently(now: number): void {
    if (this.#feedbackAt !== undefined || now < this.#next || now >= this.#regularAt) return
    this.#sendRegular(now)
  }

  /** RFC 3550 §6.3.4. */
  #reconsiderBackwards(now: number): void {
    const { members } = this
    if (members >= this.#membersBefore) return
    const ratio = members / this.#membersBefore
    this.#next = now + ratio * (this.#next - now)
    this.#previous = now - ratio * (now - this.#previous)
    this.#membersBefore = members
  }

  /** RFC 3550 §6.3.5; RFC 4585 §3.5.4: with T_rr_interval in the place of Tmin. */
  #timeOutMembers(now: number): void {
    const limit = memberTimeoutIntervals * Math.max(this.#deterministicMs(now, false), this.#regularIntervalMs)
    const before = this.members
    for (const [ssrc, { heardAt }] of this.#members) if (heardAt < now - limit) this.#members.delete(ssrc)
    if (this.members < before) this.#reconsiderBackwards(now)
  }

  /** T: RFC 3550 §6.3.1, steps 4 and 5. */
  #draw(now: number): number {
    const isSender = this.#isRecent(this.#sentMediaAt, now)
    this.#interval = (this.#deterministicMs(now, isSender) * (0.5 + this.#uniform())) / compensation
    return this.#interval
  }

  /** Td: RFC 3550 §6.3.1, steps 1 to 3. */
  #deterministicMs(now: number, isSender: boolean): number {
    let senders = this.#isRecent(this.#sentMediaAt, now) ? 1 : 0
    for (const { sentMediaAt } of this.#members.values()) if (this.#isRecent(sentMediaAt, now)) senders++
    let share = 1
    let count = this.members
    if (senders <= count * senderShare) {
      share = isSender ? senderShare : 1 - senderShare
      count = isSender ? senders : count - senders
    }
    return Math.max(this.#minIntervalMs, (count * this.#averageBytes * 8_000) / (share * this.#bandwidth))
  }

  /** Tmin. */
  get #minIntervalMs(): number {
    if (!this.#feedback) return this.#initial ? avpMinIntervalMs / 2 : avpMinIntervalMs
    // RFC 4585 §3.5.1: none between two members, and none for others after the first packet.
    return this.#initial && !this.#pointToPoint ? avpfInitialMinIntervalMs : 0
  }

  #isRecent(sentMediaAt: number, now: number): boolean {
    return sentMediaAt >= now - senderTimeoutIntervals * Math.max(this.#interval, this.#regularIntervalMs)
  }

  /** A number from 0 to 1. */
  #uniform(): number {
    return randomUint32(this.#random) / 0x1_0000_0000
  }
}
