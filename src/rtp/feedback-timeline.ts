import type { PacketArrival, TransportFeedback } from './rtcp/types.ts'

/** The reference time of a feedback wraps after so many milliseconds: 24 bits of 64 ms. */
const wrapMs = 0x100_0000 * 64

/**
 * Puts the arrivals that a peer reports on one endless clock, and tells how many feedbacks were lost between
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
 */
export class FeedbackTimeline {
  #lastCount: number | undefined
  #lastArrival: number | undefined
  #offset = 0
  #lost = 0

  /** Feedbacks that did not arrive, by their count. */
  get lostFeedbacks(): number {
    return this.#lost
  }

  /** The packets of a feedback, with times that do not wrap. Feedbacks are taken in the order of their arrival. */
  receive(feedback: TransportFeedback): readonly PacketArrival[] {
    this.#count(feedback.feedbackCount)
    const first = feedback.packets.find(packet => packet.receivedAt !== undefined)?.receivedAt
    if (first === undefined) return feedback.packets
    if (this.#lastArrival !== undefined) {
      const ahead = first + this.#offset - this.#lastArrival
      this.#offset -= Math.round(ahead / wrapMs) * wrapMs
    }
    this.#lastArrival = first + this.#offset
    if (this.#offset === 0) return feedback.packets
    const offset = this.#offset
    return feedback.packets.map(packet =>
      packet.receivedAt === undefined ? packet : { ...packet, receivedAt: packet.receivedAt + offset },
    )
  }

  #count(count: number): void {
    const ahead = this.#lastCount === undefined ? 1 : (count - this.#lastCount) & 0xff
    // Half of the circle ahead is lost ones; the other half, and the same count again, is a late or repeated one.
    if (ahead === 0 || ahead >= 0x80) return
    this.#lost += ahead - 1
    this.#lastCount = count
  }
}
