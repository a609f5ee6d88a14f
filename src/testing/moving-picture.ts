import { SyntheticSource } from './synthetic-source.ts'
import { encodeVp8Mosaic, type Vp8Color, type Vp8Mosaic } from './vp8-mosaic.ts'

export interface MovingPictureOptions {
  /** In pixels. 160 by 120 if not given. */
  readonly width?: number
  readonly height?: number
  /** 30 if not given. */
  readonly framesPerSecond?: number
}

/** White, yellow, cyan, green, magenta, red and blue at three quarters of their strength: ITU-R BT.601. */
const bars: readonly Vp8Color[] = [
  { y: 180, u: 128, v: 128 },
  { y: 162, u: 44, v: 142 },
  { y: 131, u: 156, v: 44 },
  { y: 112, u: 72, v: 58 },
  { y: 84, u: 184, v: 198 },
  { y: 65, u: 100, v: 212 },
  { y: 35, u: 212, v: 114 },
]
const black: Vp8Color = { y: 16, u: 128, v: 128 }
/** How far the square goes in a second, in squares of the mosaic. */
const speed = { across: 4, down: 3 }

/** The VP8 keyframe of a second's fraction: a black square that bounces before colour bars. */
export function movingPictureFrame(width: number, height: number, seconds: number): Uint8Array {
  return encodeVp8Mosaic({ width, height, colorAt: movingPictureColors(width, height, seconds) })
}

/** The same picture, not encoded yet: the colours of its squares. */
export function movingPictureColors(width: number, height: number, seconds: number): Vp8Mosaic['colorAt'] {
  const columns = Math.ceil(width / 16)
  const rows = Math.ceil(height / 16)
  const size = Math.max(1, Math.floor(Math.min(columns, rows) / 4))
  const left = bounce(seconds * speed.across, columns - size)
  const top = bounce(seconds * speed.down, rows - size)
  return (column, row) => {
    if (column >= left && column < left + size && row >= top && row < top + size) return black
    return bars[Math.floor((column * bars.length) / columns)] ?? black
  }
}

/** A tiny moving picture in VP8, each frame a keyframe. */
export function movingPicture(options: MovingPictureOptions = {}): SyntheticSource {
  const { width = 160, height = 120, framesPerSecond = 30 } = options
  const encode = (index: number): Uint8Array => movingPictureFrame(width, height, index / framesPerSecond)
  return new SyntheticSource({ clockRate: 90_000, framesPerSecond, encode })
}

/** A way of that length, to and fro over a distance. */
function bounce(way: number, distance: number): number {
  if (distance === 0) return 0
  const at = Math.floor(way) % (2 * distance)
  return at <= distance ? at : 2 * distance - at
}
