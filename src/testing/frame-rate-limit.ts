/** Half of what 32 bits can tell: hours. */
const longestInterval = 2 ** 31 - 1

/** Leaves frames out where a source has more of them than are wanted. */
export class FrameRateLimit {
  readonly #clockRate: number
  /** When the next frame is wanted; undefined before the first one. */
  #next: number | undefined

  /** @param clockRate in Hz */
  constructor(clockRate: number) {
    this.#clockRate = clockRate
  }

  /**
   * Whether a frame is one of those that are wanted; frames are asked for in their order. Those that remain are as even as
   * the frames of the source permit, and as many as are wanted in the long run.
   *
   * @param timestamp of the frame: 32 bits, in units of the clock
   * @param maxFramerate undefined: all are wanted
   */
  wants(timestamp: number, maxFramerate: number | undefined): boolean {
    if (maxFramerate === undefined) {
      this.#next = undefined
      return true
    }
    if (maxFramerate <= 0) return false
    const interval = Math.min(this.#clockRate / maxFramerate, longestInterval)
    // Modulo 2^32, signed: timestamps wrap around. Timestamps are rounded, hence the unit to spare.
    const next = this.#next ?? timestamp
    const late = (timestamp - next) | 0
    if (late < -1 && late >= -interval) return false
    // What was missed is not made up for; and nobody waits for the end of an interval that was longer before.
    this.#next = (Math.abs(late) <= interval ? next : timestamp) + interval
    return true
  }
}
