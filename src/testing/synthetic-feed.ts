import type { CancelTimer } from '../base/environment.ts'
import type { Constrainable, MediaTrackConstraints } from '../pc/media/constraints.ts'
import { FrameStream } from '../pc/media/frame-stream.ts'
import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import type { MediaStreamTrack } from '../pc/media/media-stream-track.ts'
import { type PayloadFormat, payloadFormat } from '../pc/media/payload-formats.ts'
import { SourceCore } from '../pc/media/source-core.ts'
import type { MediaKind } from '../pc/media/track-signal.ts'
import { defaultMaxPayloadBytes } from '../rtp/payload/frame.ts'
import type { SyntheticSource } from './synthetic-source.ts'

export interface SyntheticFeedOptions {
  readonly kind: MediaKind
  readonly mimeType: string
  readonly label: string
  readonly constrainable: Constrainable
  /** Those that it was opened with. */
  readonly constraints: MediaTrackConstraints
  readonly environment: MediaEnvironment
  /** Where the frames come from now; asked again after {@link SyntheticFeed.renew}. */
  readonly source: () => SyntheticSource
  readonly closed: () => void
}

/** A track whose packets come from a synthetic source, at its times, while somebody takes them. */
export class SyntheticFeed {
  readonly #core: SourceCore
  readonly #options: SyntheticFeedOptions
  readonly #stream: FrameStream
  readonly #clockRate: number
  readonly #startedAt: number
  #source: SyntheticSource | undefined
  /** When the source began, in units of its clock. */
  #offset = 0
  #notBefore = 0
  #cancel: CancelTimer | undefined

  constructor(options: SyntheticFeedOptions) {
    const { environment, kind, label, constrainable, constraints } = options
    const format = formatOf(options.mimeType)
    const { random } = environment
    this.#options = options
    this.#clockRate = format.codec.clockRate
    this.#startedAt = environment.clock.now()
    const maxPayloadBytes = defaultMaxPayloadBytes
    this.#stream = new FrameStream({ format, codec: format.codec, rid: undefined, maxPayloadBytes, random })
    this.#core = new SourceCore({
      kind,
      label,
      environment,
      constrainable,
      constraints,
      // Each frame is a keyframe.
      keyframeRequested: () => undefined,
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
    this.#notBefore = this.#source?.pollTimeout() ?? this.#notBefore
    this.#source = undefined
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
    const source = this.#source ?? this.#begin(now)
    for (let frame = source.pollFrame(now); frame !== undefined; frame = source.pollFrame(now)) {
      for (const payload of this.#stream.packetize(frame.data)) {
        const packet = this.#stream.packet(payload, this.#offset + frame.timestamp)
        this.#core.deliver(packet, this.#stream.context, undefined)
      }
    }
    // Those who took the packets may have left with the last one, or have changed the settings.
    const next = source.pollTimeout()
    if (next === undefined || this.#cancel !== undefined || !this.#core.hasConsumers || this.#core.closed) return
    this.#schedule(Math.max(0, next - now))
  }

  #begin(now: number): SyntheticSource {
    this.#offset = Math.round(((now - this.#startedAt) * this.#clockRate) / 1_000)
    this.#source = this.#options.source()
    return this.#source
  }
}

function formatOf(mimeType: string): PayloadFormat {
  const format = payloadFormat(mimeType)
  if (format === undefined) throw new RangeError(`no packetizer for ${mimeType}`)
  return format
}
