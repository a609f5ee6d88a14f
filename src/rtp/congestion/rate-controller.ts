import {
  convergenceSmoothing,
  decreaseFactor,
  detectorReactionMs,
  maxDeviation,
  maxOverReceived,
  minDeviation,
  multiplicativePerSecond,
  nearBelow,
} from './limits.ts'
import type { UsageSignal } from './overuse-detector.ts'

export type RateControlState = 'increase' | 'decrease' | 'hold'

/** draft-ietf-rmcat-gcc-02 §5.5: rows are what the detector says, columns the state before. */
const transitions: Readonly<Record<UsageSignal, Readonly<Record<RateControlState, RateControlState>>>> = {
  'over-use': { hold: 'decrease', increase: 'decrease', decrease: 'decrease' },
  normal: { hold: 'increase', increase: 'increase', decrease: 'hold' },
  'under-use': { hold: 'hold', increase: 'hold', decrease: 'hold' },
}

/**
 * Turns the detector's signal into the available bandwidth A_hat: draft-ietf-rmcat-gcc-02 §5.5.
 *
 * The rate climbs until the queue answers, falls a little below what came through, waits until the queue is empty, and climbs
 * again: fast (8 % a second) far from where it was stopped before, slowly (half a packet for each response time) near to it.
 */
export class RateController {
  readonly #min: number
  #max: number
  #estimate: number
  #state: RateControlState = 'increase'
  #updatedAt: number | undefined
  #decreasedAt = Number.NEGATIVE_INFINITY
  readonly #convergence = new Convergence()

  constructor(start: number, min: number, max: number) {
    this.#estimate = start
    this.#min = min
    this.#max = max
  }

  /** A_hat, bits a second. */
  get estimate(): number {
    return this.#estimate
  }

  get state(): RateControlState {
    return this.#state
  }

  /** Sets the estimate to what was found by other means: a probe, or a silence. */
  set(estimate: number): void {
    this.#estimate = this.#clamp(estimate)
  }

  setMax(max: number): void {
    this.#max = max
    this.#estimate = this.#clamp(this.#estimate)
  }

  /** @param received R_hat, bits a second; undefined while it is not known */
  update(signal: UsageSignal, received: number | undefined, roundTripMs: number, now: number): number {
    const elapsed = Math.max(now - (this.#updatedAt ?? now), 0)
    this.#updatedAt = now
    const responseMs = roundTripMs + detectorReactionMs
    this.#state = transitions[signal][this.#state]
    if (this.#state === 'increase') this.#increase(received, elapsed, responseMs)
    // The queue cannot have answered yet: what was received since is still what was sent before the last decrease.
    else if (this.#state === 'decrease' && now - this.#decreasedAt >= responseMs) this.#decrease(received, now)
    return this.#estimate
  }

  #increase(received: number | undefined, elapsed: number, responseMs: number): void {
    if (received !== undefined) this.#convergence.forgetIfExceeded(received)
    const grown =
      received !== undefined && this.#convergence.isNear(received)
        ? this.#estimate + additive(this.#estimate, elapsed, responseMs)
        : this.#estimate * multiplicativePerSecond ** Math.min(elapsed / 1_000, 1)
    // §5.5: A_hat < 1.5 R_hat. It keeps an estimate from growing that nothing confirms; the one that was confirmed stays.
    const confirmed = received === undefined ? grown : Math.max(maxOverReceived * received, this.#estimate)
    this.#estimate = this.#clamp(Math.min(grown, confirmed))
  }

  #decrease(received: number | undefined, now: number): void {
    this.#decreasedAt = now
    this.#estimate = this.#clamp(Math.min(decreaseFactor * (received ?? this.#estimate), this.#estimate))
    if (received !== undefined) this.#convergence.add(received)
  }

  #clamp(bitrate: number): number {
    return Math.min(Math.max(bitrate, this.#min), this.#max)
  }
}

/** §5.5: half a packet each response time, of the size that packets have at this rate and 30 frames a second. */
function additive(estimate: number, elapsed: number, responseMs: number): number {
  const bitsPerFrame = estimate / 30
  const packetsPerFrame = Math.ceil(bitsPerFrame / (1_200 * 8))
  const packetBits = bitsPerFrame / packetsPerFrame
  // The draft adds at least 1000 bits with each update, and assumes a constant period of updates; feedback comes at any
  // pace, so that the least is measured by the response time as well.
  return Math.max(0.5 * packetBits, 1_000) * Math.min(elapsed / responseMs, 1)
}

/** §5.5: the received rate at which over-use was found, averaged over the occasions. */
class Convergence {
  #average: number | undefined
  #last = 0
  /** As a share of the average, so that it holds for any rate. */
  #variance = maxDeviation ** 2

  add(received: number): void {
    const average = this.#average
    const wasNear = this.isNear(received)
    this.#last = received
    // Over-use far below says as much as a rate far above: the capacity is another one now.
    if (average === undefined || !wasNear) {
      this.#average = received
      this.#variance = maxDeviation ** 2
      return
    }
    const error = (received - average) / average
    this.#average = convergenceSmoothing * average + (1 - convergenceSmoothing) * received
    this.#variance = convergenceSmoothing * this.#variance + (1 - convergenceSmoothing) * error * error
  }

  /**
   * §5.5: within three standard deviations. So is what a decrease leaves of the rate that it began with: if that were far,
   * all flows on a link would win back the same share of their rate, and who has more would keep more.
   */
  isNear(received: number): boolean {
    const average = this.#average
    if (average === undefined) return false
    const lowest = Math.min(average - this.#band(average), nearBelow * this.#last)
    return received >= lowest && received <= average + this.#band(average)
  }

  /** §5.5: more than three standard deviations above, the capacity has changed. */
  forgetIfExceeded(received: number): void {
    if (this.#average !== undefined && received > this.#average + this.#band(this.#average)) this.#average = undefined
  }

  #band(average: number): number {
    return 3 * average * Math.min(Math.max(Math.sqrt(this.#variance), minDeviation), maxDeviation)
  }
}
