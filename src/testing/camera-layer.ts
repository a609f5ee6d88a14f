import type { RandomSource } from '../base/environment.ts'
import { FrameStream } from '../pc/media/frame-stream.ts'
import type { SourceCore } from '../pc/media/source-core.ts'
import type { EncodingTarget } from '../pc/media/track-signal.ts'
import { FrameRateLimit } from './frame-rate-limit.ts'
import { movingPictureColors } from './moving-picture.ts'
import { streamOptions } from './stream-options.ts'
import { Vp8MosaicEncoder } from './vp8-mosaic.ts'

/** A picture as the settings of the camera have it. */
export interface CameraPicture {
  readonly width: number
  readonly height: number
  /** How far what moves has got. */
  readonly seconds: number
  /** 32 bits, in units of the clock of the payload format. */
  readonly timestamp: number
}

export interface CameraLayerOptions {
  readonly rid: string | undefined
  readonly madeFor: object | null
  /** In Hz. */
  readonly clockRate: number
  readonly random: RandomSource
}

/** One encoding of the picture of a camera, for one who takes it. */
export class CameraLayer {
  readonly #stream: FrameStream
  readonly #limit: FrameRateLimit
  #encoder: Vp8MosaicEncoder | undefined
  #needsKeyframe = true

  constructor({ rid, madeFor, clockRate, random }: CameraLayerOptions) {
    this.#stream = new FrameStream({ ...streamOptions('video/VP8', random), rid, madeFor })
    this.#limit = new FrameRateLimit(clockRate)
  }

  requestKeyframe(): void {
    this.#needsKeyframe = true
  }

  /** Gives the packets of a picture, if the encoding is to have it. */
  frame(picture: CameraPicture, target: EncodingTarget, core: SourceCore): void {
    if (!target.active) {
      // It begins anew when it is wanted again.
      this.#needsKeyframe = true
      return
    }
    // webrtc-pc §5.2.5 maxFramerate: frames that are too many are not encoded
    if (!this.#limit.wants(picture.timestamp, target.maxFramerate)) return
    const { width, height } = scaledSize(picture, target)
    const encoder = this.#encoderFor(width, height)
    const { data, keyframe } = encoder.encode(movingPictureColors(width, height, picture.seconds), this.#needsKeyframe)
    if (keyframe) this.#needsKeyframe = false
    for (const payload of this.#stream.packetize(data)) {
      const packet = this.#stream.packet(payload, picture.timestamp)
      // What was refused cannot be built upon.
      if (!core.deliver(packet, this.#stream.context, undefined)) this.#needsKeyframe = true
    }
  }

  #encoderFor(width: number, height: number): Vp8MosaicEncoder {
    const known = this.#encoder
    if (known?.width === width && known.height === height) return known
    this.#encoder = new Vp8MosaicEncoder(width, height)
    return this.#encoder
  }
}

type Scale = Pick<EncodingTarget, 'scaleResolutionDownBy' | 'scaleResolutionDownTo'>
type Size = Pick<CameraPicture, 'width' | 'height'>

/** The size that an encoding has, in whole pixels: the picture is never made larger. */
export function scaledSize({ width, height }: Size, { scaleResolutionDownBy, scaleResolutionDownTo }: Scale): Size {
  const factor =
    scaleResolutionDownTo === undefined
      ? Math.max(1, scaleResolutionDownBy ?? 1)
      : factorFor({ width, height }, scaleResolutionDownTo)
  const scaled = (pixels: number): number => Math.max(1, Math.floor(pixels / factor + 1e-6))
  return { width: scaled(width), height: scaled(height) }
}

/** webrtc-extensions §7.1: the picture keeps its ratio, and it does not matter which side of the limits is which. */
function factorFor(
  { width, height }: Size,
  {
    maxWidth = Number.POSITIVE_INFINITY,
    maxHeight = Number.POSITIVE_INFINITY,
  }: NonNullable<Scale['scaleResolutionDownTo']>,
): number {
  const isLandscape = width >= height
  const [long, short] = [Math.max(maxWidth, maxHeight), Math.min(maxWidth, maxHeight)]
  return Math.max(1, width / (isLandscape ? long : short), height / (isLandscape ? short : long))
}
