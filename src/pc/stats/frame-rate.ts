/** Frames that are remembered: more than any camera gives in a second. */
const maxFrames = 256
const secondMs = 1_000

/** Frames in the last second. */
export class FrameRate {
  readonly #times = new Float64Array(maxFrames).fill(Number.NEGATIVE_INFINITY)
  #at = 0

  add(now: number): void {
    this.#times[this.#at] = now
    this.#at = (this.#at + 1) % maxFrames
  }

  framesPerSecond(now: number): number {
    return this.#times.reduce((count, time) => (time > now - secondMs ? count + 1 : count), 0)
  }
}
