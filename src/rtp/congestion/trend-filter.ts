import { delaySmoothing, trendGroups, trendHorizonMs, trustedGroups } from './limits.ts'

/**
 * Tells whether the queue at the bottleneck grows: the arrival-time filter.
 *
 * draft-ietf-rmcat-gcc-02 §5.3 allows any adaptive filter and describes a Kalman filter that estimates the mean variation of
 * the delay from group to group. A sender that is 5 % too fast adds a quarter of a millisecond with each group of 5 ms; the
 * threshold of §5.4, never below 6 ms, is out of its reach until the queue is long or full. Here the variations are
 * summed up to the delay itself, and a straight line is fitted to its last points by least squares. The slope of that line
 * (milliseconds of queue gained in a millisecond) is what being too fast means, whatever the size of the groups. Both were
 * measured: docs/decisions/0012-trend-filter.md.
 */
export class TrendFilter {
  readonly #times = new Float64Array(trendGroups)
  readonly #delays = new Float64Array(trendGroups)
  #count = 0
  #firstArrival = 0
  #delay = 0
  #smoothedDelay = 0

  /**
   * @param variation d(i), ms
   * @param arrivedAt when the group arrived, ms
   * @returns how many milliseconds the queue grows (or shrinks, below zero) in {@link trendHorizonMs}
   */
  update(variation: number, arrivedAt: number): number {
    if (this.#count === 0) this.#firstArrival = arrivedAt
    this.#delay += variation
    this.#smoothedDelay = delaySmoothing * this.#smoothedDelay + (1 - delaySmoothing) * this.#delay
    const slot = this.#count % trendGroups
    this.#times[slot] = arrivedAt - this.#firstArrival
    this.#delays[slot] = this.#smoothedDelay
    this.#count++
    if (this.#count < trendGroups) return 0
    return this.#slope() * trendHorizonMs * Math.min(this.#count / trustedGroups, 1)
  }

  reset(): void {
    this.#count = 0
    this.#delay = 0
    this.#smoothedDelay = 0
  }

  /** Least squares over all points; their order does not matter. */
  #slope(): number {
    let sumTime = 0
    let sumDelay = 0
    for (let i = 0; i < trendGroups; i++) {
      sumTime += this.#times[i] ?? 0
      sumDelay += this.#delays[i] ?? 0
    }
    const meanTime = sumTime / trendGroups
    const meanDelay = sumDelay / trendGroups
    let covariance = 0
    let variance = 0
    for (let i = 0; i < trendGroups; i++) {
      const time = (this.#times[i] ?? 0) - meanTime
      covariance += time * ((this.#delays[i] ?? 0) - meanDelay)
      variance += time * time
    }
    return variance === 0 ? 0 : covariance / variance
  }
}
