import { FrameClock, type FrameClockOptions } from './frame-clock.ts'

/** A frame that stands in for one of a device. */
export interface SyntheticFrame {
  readonly data: Uint8Array
  /** 32 bits, in units of the clock of the payload format; the first frame has 0. */
  readonly timestamp: number
  readonly keyframe: boolean
}

export interface SyntheticSourceOptions extends FrameClockOptions {
  /** The frame with a number; the first one is 0. It can be decoded without any other. */
  readonly encode: (index: number) => Uint8Array
}

/** Gives a frame at each of its times. Told the time in monotonic milliseconds; it begins with the first call. */
export class SyntheticSource {
  readonly clockRate: number
  readonly #clock: FrameClock
  readonly #encode: (index: number) => Uint8Array

  constructor(options: SyntheticSourceOptions) {
    this.clockRate = options.clockRate
    this.#clock = new FrameClock(options)
    this.#encode = options.encode
  }

  /** The next frame, if it is due. */
  pollFrame(now: number): SyntheticFrame | undefined {
    const tick = this.#clock.poll(now)
    return tick && { data: this.#encode(tick.index), timestamp: tick.timestamp, keyframe: true }
  }

  /** When the next frame is due; undefined before the first call. */
  pollTimeout(): number | undefined {
    return this.#clock.pollTimeout()
  }
}
