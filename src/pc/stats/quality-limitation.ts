import type { RTCQualityLimitationReason } from './dictionaries.ts'

/** What keeps an encoding from being as good as it might be, and for how long: webrtc-stats §8.8. */
export class QualityLimitation {
  resolutionChanges = 0
  #reason: RTCQualityLimitationReason = 'none'
  readonly #durations: Record<RTCQualityLimitationReason, number> = { none: 0, cpu: 0, bandwidth: 0, other: 0 }
  #since: number
  /** The pictures are of another size than they might be. */
  #isAdapted = false

  /** @param now monotonic milliseconds */
  constructor(now: number) {
    this.#since = now
  }

  get reason(): RTCQualityLimitationReason {
    return this.#reason
  }

  become(reason: RTCQualityLimitationReason, now: number): void {
    this.#durations[this.#reason] += now - this.#since
    this.#since = now
    this.#reason = reason
  }

  /** webrtc-stats §8.8, qualityLimitationResolutionChanges: down, and up again. */
  resized(): void {
    const isLimited = this.#reason !== 'none'
    if (isLimited || this.#isAdapted) this.resolutionChanges++
    this.#isAdapted = isLimited
  }

  /** Seconds in each state. */
  durations(now: number): Record<string, number> {
    const current = now - this.#since
    return Object.fromEntries(
      Object.entries(this.#durations).map(([reason, ms]) => [
        reason,
        (ms + (reason === this.#reason ? current : 0)) / 1_000,
      ]),
    )
  }
}
