import { highLoss, lossIncrease, lossWindowMs, lossWindowPackets, lowLoss } from './limits.ts'

/**
 * The loss-based controller: draft-ietf-rmcat-gcc-02 §6. It sees what the delay cannot show: a link whose queue is too short
 * to be noticed, which drops at once what is too much. Up to 10 % of loss is taken for the nature of the link.
 */
export class LossController {
  readonly #min: number
  #estimate: number
  #lost = 0
  #total = 0
  #windowStart: number | undefined
  #fraction = 0
  /** Packets sent before tell about the rate before. */
  #decreasedAt = Number.NEGATIVE_INFINITY

  constructor(start: number, min: number) {
    this.#estimate = start
    this.#min = min
  }

  /** As_hat, bits a second. */
  get estimate(): number {
    return this.#estimate
  }

  /** The share of packets lost when it was last measured, 0 to 1. */
  get lossFraction(): number {
    return this.#fraction
  }

  /** A packet was reported for the first time. */
  packet(sentAt: number, lost: boolean): void {
    if (sentAt < this.#decreasedAt) return
    this.#total++
    if (lost) this.#lost++
  }

  /** A packet that was reported as lost has arrived after all. */
  arrivedLate(): void {
    if (this.#lost > 0) this.#lost--
  }

  /**
   * Draws the conclusions, if enough packets were reported.
   *
   * @param ceiling what the delay allows: the estimate stays a step above it at most, or it would be of no effect when it is
   *   needed
   */
  update(ceiling: number, now: number): number {
    this.#windowStart ??= now
    if (this.#total >= lossWindowPackets && now - this.#windowStart >= lossWindowMs) {
      this.measured(this.#lost / this.#total, now)
      this.#lost = 0
      this.#total = 0
      this.#windowStart = now
    }
    this.#estimate = Math.max(Math.min(this.#estimate, ceiling * lossIncrease), this.#min)
    return this.#estimate
  }

  /** The share of packets lost since the last time, 0 to 1: a measurement of our own, or of a receiver report. */
  measured(fraction: number, now: number): void {
    this.#fraction = fraction
    if (fraction > highLoss) {
      this.#estimate = Math.max(this.#estimate * (1 - 0.5 * fraction), this.#min)
      this.#decreasedAt = now
    } else if (fraction < lowLoss) {
      this.#estimate *= lossIncrease
    }
  }

  set(estimate: number): void {
    this.#estimate = Math.max(estimate, this.#min)
  }
}
