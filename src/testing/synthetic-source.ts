/** A frame that stands in for one of a device. */
export interface SyntheticFrame {
  readonly data: Uint8Array
  /** 32 bits, in units of the clock of the payload format; the first frame has 0. */
  readonly timestamp: number
  readonly keyframe: boolean
}

export interface SyntheticSourceOptions {
  /** In Hz. */
  readonly clockRate: number
  readonly framesPerSecond: number
  /** The frame with a number; the first one is 0. */
  readonly encode: (index: number) => Uint8Array
}

/** Frames that are late by more than this are left out, and not given in a burst. */
const maxBehind = 5

/** Gives a frame at each of its times. Told the time in monotonic milliseconds; it begins with the first call. */
export class SyntheticSource {
  readonly clockRate: number
  readonly #framesPerSecond: number
  readonly #encode: (index: number) => Uint8Array
  #startedAt: number | undefined
  #index = 0

  constructor({ clockRate, framesPerSecond, encode }: SyntheticSourceOptions) {
    if (!(framesPerSecond > 0 && framesPerSecond <= 1_000)) throw new RangeError(`${framesPerSecond} frames per second`)
    this.clockRate = clockRate
    this.#framesPerSecond = framesPerSecond
    this.#encode = encode
  }

  /** The next frame, if it is due. */
  pollFrame(now: number): SyntheticFrame | undefined {
    this.#startedAt ??= now
    const due = Math.floor(((now - this.#startedAt) * this.#framesPerSecond) / 1_000 + 1e-6)
    if (due < this.#index) return undefined
    if (due - this.#index > maxBehind) this.#index = due
    const index = this.#index++
    return { data: this.#encode(index), timestamp: this.#timestamp(index), keyframe: true }
  }

  /** When the next frame is due; undefined before the first call. */
  pollTimeout(): number | undefined {
    if (this.#startedAt === undefined) return undefined
    return this.#startedAt + (this.#index * 1_000) / this.#framesPerSecond
  }

  #timestamp(index: number): number {
    return Math.round((index * this.clockRate) / this.#framesPerSecond) % 2 ** 32
  }
}
