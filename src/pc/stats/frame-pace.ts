/** webrtc-stats §8.5, freezeCount: the average is that of so many durations. */
const averagedFrames = 30
/** webrtc-stats §8.5, freezeCount: a frame that lasts so much longer than the average. */
const freezeFactor = 3
const freezeMs = 150
/** webrtc-stats §8.5, pauseCount */
const pauseMs = 5_000

/** How evenly frames follow each other: webrtc-stats §8.5. Durations in seconds. */
export class FramePace {
  totalInterFrameDelay = 0
  totalSquaredInterFrameDelay = 0
  freezeCount = 0
  totalFreezesDuration = 0
  pauseCount = 0
  totalPausesDuration = 0
  readonly #durations: number[] = []
  #lastAt: number | undefined

  /** @param now monotonic milliseconds */
  frame(now: number): void {
    const last = this.#lastAt
    this.#lastAt = now
    if (last === undefined) return
    const durationMs = now - last
    const seconds = durationMs / 1_000
    this.totalInterFrameDelay += seconds
    this.totalSquaredInterFrameDelay += seconds ** 2
    if (durationMs > pauseMs) {
      this.pauseCount++
      this.totalPausesDuration += seconds
    }
    if (durationMs >= this.#freezeLimit()) {
      this.freezeCount++
      this.totalFreezesDuration += seconds
    }
    this.#durations.push(durationMs)
    if (this.#durations.length > averagedFrames) this.#durations.shift()
  }

  #freezeLimit(): number {
    const durations = this.#durations
    if (durations.length < averagedFrames) return Number.POSITIVE_INFINITY
    const average = durations.reduce((sum, each) => sum + each, 0) / durations.length
    return Math.max(freezeFactor * average, average + freezeMs)
  }
}
