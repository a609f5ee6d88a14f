import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import type { SourceCore } from '../pc/media/source-core.ts'
import type { EncodingTarget } from '../pc/media/track-signal.ts'
import { CameraLayer } from './camera-layer.ts'
import type { PictureSettings } from './camera-settings.ts'
import type { FrameTick } from './frame-clock.ts'
import type { FeedMedia } from './synthetic-feed.ts'

/** What those get who do not say what they would have: the picture as the settings have it. */
const asItIs: readonly EncodingTarget[] = [{ rid: undefined, active: true, bitrate: Number.POSITIVE_INFINITY }]

/** What a camera gives, in VP8: for each consumer the encodings that it asks for, as it asks for them. */
export class CameraMedia implements FeedMedia {
  readonly clockRate = 90_000
  readonly #environment: MediaEnvironment
  readonly #settings: () => PictureSettings
  /** Null: for all who do not say what they would have. */
  readonly #layers = new Map<object | null, Map<string | undefined, CameraLayer>>()

  constructor(environment: MediaEnvironment, settings: () => PictureSettings) {
    this.#environment = environment
    this.#settings = settings
  }

  get framesPerSecond(): number {
    return this.#settings().frameRate
  }

  frame({ index, timestamp }: FrameTick, core: SourceCore): void {
    const { width, height, frameRate } = this.#settings()
    const picture = { width, height, seconds: index / frameRate, timestamp }
    const wanted = new Map<object | null, readonly EncodingTarget[]>(core.targets)
    if (core.hasPlainConsumers) wanted.set(null, asItIs)
    for (const consumer of this.#layers.keys()) if (!wanted.has(consumer)) this.#layers.delete(consumer)
    for (const [consumer, targets] of wanted) {
      const layers = this.#layersOf(consumer)
      for (const target of targets) this.#layerOf(layers, consumer, target.rid).frame(picture, target, core)
    }
  }

  keyframeRequested(rid: string | undefined): void {
    for (const layers of this.#layers.values()) {
      for (const [of, layer] of layers) if (rid === undefined || of === rid) layer.requestKeyframe()
    }
  }

  #layersOf(consumer: object | null): Map<string | undefined, CameraLayer> {
    let layers = this.#layers.get(consumer)
    if (layers === undefined) {
      layers = new Map()
      this.#layers.set(consumer, layers)
    }
    return layers
  }

  #layerOf(layers: Map<string | undefined, CameraLayer>, madeFor: object | null, rid: string | undefined): CameraLayer {
    let layer = layers.get(rid)
    if (layer === undefined) {
      layer = new CameraLayer({ rid, madeFor, clockRate: this.clockRate, random: this.#environment.random })
      layers.set(rid, layer)
    }
    return layer
  }
}
