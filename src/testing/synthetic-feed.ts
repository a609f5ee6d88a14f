import type { CancelTimer } from '../base/environment.ts'
import type { Constrainable, MediaTrackConstraints } from '../pc/media/constraints.ts'
import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import type { MediaStreamTrack } from '../pc/media/media-stream-track.ts'
import { SourceCore } from '../pc/media/source-core.ts'
import type { MediaKind } from '../pc/media/track-signal.ts'
import { FrameClock, type FrameTick } from './frame-clock.ts'

/** Makes packets of what a device has at a time. */
export interface FeedMedia {
  /** In Hz. */
  readonly clockRate: number
  /** By the settings that there are now. */
  readonly framesPerSecond: number
  /**
   * Gives the packets of a frame.
   *
   * @param tick its index since the settings are what they are, and its timestamp, which goes on and on
   */
  frame(tick: FrameTick, core: SourceCore): void
  /** @param rid of the encodings that it is for; undefined: for all */
  keyframeRequested(rid: string | undefined): void
}

export interface SyntheticFeedOptions {
  readonly kind: MediaKind
  readonly label: string
  readonly constrainable: Constrainable
  /** Those that it was opened with. */
  readonly constraints: MediaTrackConstraints
  readonly environment: MediaEnvironment
  readonly media: FeedMedia
  readonly closed: () => void
}

/** A track whose packets are made at their times, while somebody takes them. */
export class SyntheticFeed {
  readonly #core: SourceCore
  readonly #options: SyntheticFeedOptions
  readonly #startedAt: number
  #clock: FrameClock | undefined
  /** When the frame clock began, in units of the clock. */
  #offset = 0
  #notBefore = 0
  #cancel: CancelTimer | undefined

  constructor(options: SyntheticFeedOptions) {
    const { environment, kind, label, constrainable, constraints, media } = options
    this.#options = options
    this.#startedAt = environment.clock.now()
    this.#core = new SourceCore({
      kind,
      label,
      environment,
      constrainable,
      constraints,
      keyframeRequested: rid => media.keyframeRequested(rid),
      started: () => this.#start(),
      rested: () => this.#rest(),
      closed: () => this.#close(),
    })
  }

  get track(): MediaStreamTrack {
    return this.#core.handle.track
  }

  /** The settings have changed: the frames to come are others, from when the next one is due. */
  renew(): void {
    this.#notBefore = this.#clock?.pollTimeout() ?? this.#notBefore
    this.#clock = undefined
    if (this.#core.hasConsumers && !this.#core.closed) this.#start()
  }

  /** The device is gone: the track ends. */
  close(): void {
    this.#core.close()
  }

  #close(): void {
    this.#rest()
    this.#options.closed()
  }

  #start(): void {
    // Whoever comes has to begin with a keyframe.
    this.#options.media.keyframeRequested(undefined)
    this.#schedule(Math.max(0, this.#notBefore - this.#options.environment.clock.now()))
  }

  #rest(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #schedule(delayMs: number): void {
    this.#rest()
    this.#cancel = this.#options.environment.timers.set(delayMs, () => this.#due())
  }

  #due(): void {
    this.#cancel = undefined
    const now = this.#options.environment.clock.now()
    const clock = this.#clock ?? this.#begin(now)
    for (let tick = clock.poll(now); tick !== undefined; tick = clock.poll(now)) {
      this.#options.media.frame({ index: tick.index, timestamp: (this.#offset + tick.timestamp) >>> 0 }, this.#core)
    }
    // Those who took the packets may have left with the last one, or have changed the settings.
    const next = clock.pollTimeout()
    if (next === undefined || this.#cancel !== undefined || !this.#core.hasConsumers || this.#core.closed) return
    this.#schedule(Math.max(0, next - now))
  }

  #begin(now: number): FrameClock {
    const { media } = this.#options
    this.#offset = Math.round(((now - this.#startedAt) * media.clockRate) / 1_000)
    this.#clock = new FrameClock(media)
    return this.#clock
  }
}
