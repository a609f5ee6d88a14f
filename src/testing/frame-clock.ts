/** A time at which a frame is due. */
export interface FrameTick {
  /** Of the frame; the first one is 0. */
  readonly index: number
  /** 32 bits, in units of the clock of the payload format; the first frame has 0. */
  readonly timestamp: number
}

export interface FrameClockOptions {
  /** In Hz. */
  readonly clockRate: number
  readonly framesPerSecond: number
}

/** Frames that are late by more than this are left out, and not given in a burst. */
const maxBehind = 5

/** Tells when frames are due. Told the time in monotonic milliseconds; it begins with the first call. */
export class FrameClock {
  readonly #clockRate: number
  readonly #framesPerSecond: number
  #startedAt: number | undefined
  #index = 0

  /** @throws {RangeError} for less than one frame in a lifetime, or more than a thousand a second */
  constructor({ clockRate, framesPerSecond }: FrameClockOptions) {
    if (!(framesPerSecond > 0 && framesPerSecond <= 1_000)) throw new RangeError(`${framesPerSecond} frames per second`)
    this.#clockRate = clockRate
    this.#framesPerSecond = framesPerSecond
  }

  /** The next frame that is due; undefined if none is. */
  poll(now: number): FrameTick | undefined {
    this.#startedAt ??= now
    const due = Math.floor(((now - this.#startedAt) * this.#framesPerSecond) / 1_000 + 1e-6)
    if (due - this.#index > maxBehind) this.#index = due
    if (this.#index > due) return undefined
    const index = this.#index++
    return { index, timestamp: Math.round((index * this.#clockRate) / this.#framesPerSecond) % 2 ** 32 }
  }

  /** When the next frame is due; undefined before the first call. */
  pollTimeout(): number | undefined {
    if (this.#startedAt === undefined) return undefined
    return this.#startedAt + (this.#index * 1_000) / this.#framesPerSecond
  }
}
