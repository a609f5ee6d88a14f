import {
  initialThresholdMs,
  maxThresholdMs,
  maxThresholdStepMs,
  minThresholdMs,
  overuseTimeMs,
  thresholdGainDown,
  thresholdGainUp,
  thresholdOutlierMs,
} from './limits.ts'

/** What the delay says: a queue builds up, nothing, or a queue empties. */
export type UsageSignal = 'over-use' | 'normal' | 'under-use'

/**
 * Compares the trend of the delay with a threshold that adapts: draft-ietf-rmcat-gcc-02 §5.4.
 *
 * The threshold is what makes the flow get along with others. A flow that reacts to loss only (TCP) fills the queue, and
 * its ups and downs would be over-use again and again; each lifts the threshold a little, until they no longer count.
 */
export class OveruseDetector {
  #threshold = initialThresholdMs
  #overSince: number | undefined
  #previousTrend = 0
  #previousAt: number | undefined
  #signal: UsageSignal = 'normal'

  /** del_var_th. */
  get threshold(): number {
    return this.#threshold
  }

  get signal(): UsageSignal {
    return this.#signal
  }

  /** @param arrivedAt when the group arrived that the trend ends with, ms of the receiver's clock */
  update(trend: number, arrivedAt: number): UsageSignal {
    if (trend > this.#threshold) this.#above(trend, arrivedAt)
    else {
      this.#overSince = undefined
      this.#signal = trend < -this.#threshold ? 'under-use' : 'normal'
    }
    this.#adapt(trend, arrivedAt)
    this.#previousTrend = trend
    return this.#signal
  }

  /** Forgets what is being watched, but keeps the threshold: it is about the other flows on the path. */
  restart(): void {
    this.#overSince = undefined
    this.#previousTrend = 0
    this.#previousAt = undefined
    this.#signal = 'normal'
  }

  #above(trend: number, arrivedAt: number): void {
    this.#overSince ??= arrivedAt
    // §5.4: over-use must last for overuse_time_th, and is not signalled while the trend falls.
    if (arrivedAt - this.#overSince >= overuseTimeMs && trend >= this.#previousTrend) this.#signal = 'over-use'
  }

  #adapt(trend: number, arrivedAt: number): void {
    const elapsed = Math.min(Math.max(arrivedAt - (this.#previousAt ?? arrivedAt), 0), maxThresholdStepMs)
    this.#previousAt = arrivedAt
    const size = Math.abs(trend)
    // §5.4: a trend far outside is a sudden change of the path, nothing to get used to.
    if (size - this.#threshold > thresholdOutlierMs) return
    const gain = size < this.#threshold ? thresholdGainDown : thresholdGainUp
    const moved = this.#threshold + elapsed * gain * (size - this.#threshold)
    this.#threshold = Math.min(Math.max(moved, minThresholdMs), maxThresholdMs)
  }
}
