import { Vp8BoolEncoder } from './vp8-bool-encoder.ts'
import {
  type Square,
  type Squares,
  type Vp8Color,
  writeInterframeMode,
  writeKeyframeMode,
  writeMacroblocks,
} from './vp8-macroblocks.ts'
import { keepMotion, keepProbabilities, zeroMotion } from './vp8-probabilities.ts'

export type { Vp8Color } from './vp8-macroblocks.ts'

/** A picture of squares of 16 pixels, each of one colour. */
export interface Vp8Mosaic {
  /** In pixels, 1 to 16383. Where it is no multiple of 16, the last squares are cut off. */
  readonly width: number
  readonly height: number
  /** The colour of a square, counted in squares from the upper left. */
  colorAt(column: number, row: number): Vp8Color
}

/** A frame that an encoder gave. */
export interface Vp8Frame {
  readonly data: Uint8Array
  readonly keyframe: boolean
}

/**
 * RFC 6386 §9.6, §14.1: the quantizer index, and what is added to it for the second-order luma block. The steps are then
 * 8 for chroma and 32 for that block, with which every colour is met exactly.
 */
const quantizerIndex = 4
const secondOrderDelta = 9
/** That a macroblock of a keyframe has coefficients, in 256ths. */
const codedInKeyframe = 160
const keep = keepProbabilities()

/** Encodes a picture as a VP8 keyframe, which decoders give back exactly: RFC 6386. */
export function encodeVp8Mosaic(mosaic: Vp8Mosaic): Uint8Array {
  const { width, height } = mosaic
  const { columns, rows } = grid(width, height)
  return keyframeOf({ columns, rows, colorAt: (column, row) => mosaic.colorAt(column, row) }, width, height)
}

/** Encodes pictures of one size, one after the other, in VP8: each is a keyframe, or what changed since the one before. */
export class Vp8MosaicEncoder {
  readonly width: number
  readonly height: number
  readonly #grid: { readonly columns: number; readonly rows: number }
  /** The picture before, square by square, each colour in 24 bits; -1: there is none. */
  readonly #last: Int32Array
  #isFirst = true
  /** The frame that changes nothing is always the same. */
  #unchanged: Uint8Array | undefined

  /** @throws {RangeError} for a size that VP8 cannot have */
  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.#grid = grid(width, height)
    this.#last = new Int32Array(this.#grid.columns * this.#grid.rows)
  }

  /** @param keyframe whether it has to be one; the first one always is */
  encode(colorAt: Vp8Mosaic['colorAt'], keyframe = false): Vp8Frame {
    const squares = { ...this.#grid, colorAt }
    const changed = this.#remember(squares)
    if (keyframe || this.#isFirst) {
      this.#isFirst = false
      return { data: keyframeOf(squares, this.width, this.height), keyframe: true }
    }
    if (changed.size > 0) return { data: interframeOf(squares, changed), keyframe: false }
    this.#unchanged ??= interframeOf(squares, changed)
    return { data: this.#unchanged.slice(), keyframe: false }
  }

  /** The squares that are of another colour than before. */
  #remember({ columns, rows, colorAt }: Squares): ReadonlySet<number> {
    const changed = new Set<number>()
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = row * columns + column
        const { y, u, v } = colorAt(column, row)
        const color = (y << 16) | (u << 8) | v
        if (this.#last[at] !== color) changed.add(at)
        this.#last[at] = color
      }
    }
    return changed
  }
}

function grid(width: number, height: number): { readonly columns: number; readonly rows: number } {
  if (!(width >= 1 && width <= 0x3fff && height >= 1 && height <= 0x3fff)) {
    throw new RangeError(`a picture of ${width} x ${height} pixels`)
  }
  return { columns: Math.ceil(width / 16), rows: Math.ceil(height / 16) }
}

function keyframeOf(squares: Squares, width: number, height: number): Uint8Array {
  const modes = new Vp8BoolEncoder()
  const coefficients = new Vp8BoolEncoder()
  modes.literal(0, 1) // color space: BT.601
  modes.literal(1, 1) // clamping: not needed
  writeQuantizer(modes)
  modes.literal(1, 1) // the probabilities stay for frames to come
  writeProbabilities(modes, codedInKeyframe)
  writeMacroblocks(squares, coefficients, ({ mode, isPredicted }) => {
    modes.bit(isPredicted, codedInKeyframe)
    writeKeyframeMode(modes, mode)
    return true
  })
  // RFC 6386 §9.1: start code; size without scaling.
  const start = [0x9d, 0x01, 0x2a, width & 0xff, width >>> 8, height & 0xff, height >>> 8]
  return frameOf(0, start, modes, coefficients)
}

/** What has not changed is taken from the frame before, where it was. */
function interframeOf(squares: Squares, changed: ReadonlySet<number>): Uint8Array {
  const { columns, rows } = squares
  const modes = new Vp8BoolEncoder()
  const coefficients = new Vp8BoolEncoder()
  const share = Math.min(255, Math.max(1, Math.round((changed.size * 256) / (columns * rows))))
  writeQuantizer(modes)
  // RFC 6386 §9.7: golden and alternate frame stay, and neither has the sign of its vectors turned
  modes.literal(0, 8)
  modes.literal(1, 1) // the probabilities stay for frames to come
  modes.literal(1, 1) // the next frame builds upon this one
  writeProbabilities(modes, share)
  // RFC 6386 §9.10, §19.2: what is new; of the rest, what is from the frame before, and from the golden one
  for (const probability of [share, 255, 128]) modes.literal(probability, 8)
  modes.literal(0, 2) // those of the modes stay
  for (const probability of keepMotion) modes.bit(false, probability)
  const writeHeader = ({ at, mode, isPredicted }: Square): boolean => {
    const isNew = changed.has(at)
    modes.bit(!isNew || isPredicted, share)
    modes.bit(!isNew, share)
    if (isNew) writeInterframeMode(modes, mode)
    else {
      modes.bit(false, 255)
      modes.bit(false, zeroMotion[stillNeighbours(at, columns, changed)] as number)
    }
    return isNew
  }
  writeMacroblocks(squares, coefficients, writeHeader)
  return frameOf(1, [], modes, coefficients)
}

/** RFC 6386 §16.3: how much those around count for, above, to the left and between, that have no motion themselves. */
function stillNeighbours(at: number, columns: number, changed: ReadonlySet<number>): number {
  const isLeftmost = at % columns === 0
  const isTop = at < columns
  const above = !isTop && !changed.has(at - columns) ? 2 : 0
  const left = !isLeftmost && !changed.has(at - 1) ? 2 : 0
  const between = !isTop && !isLeftmost && !changed.has(at - columns - 1) ? 1 : 0
  return above + left + between
}

/** RFC 6386 §9.3 to §9.6. */
function writeQuantizer(out: Vp8BoolEncoder): void {
  out.literal(0, 1) // segmentation: none
  out.literal(0, 1) // filter type
  out.literal(0, 6) // filter level: no loop filter
  out.literal(0, 3) // sharpness
  out.literal(0, 1) // no adjustment of the filter
  out.literal(0, 2) // one partition of coefficients
  out.literal(quantizerIndex, 7)
  out.literal(0, 1) // luma DC: nothing is added
  out.literal(1, 1)
  out.literal(secondOrderDelta, 4)
  out.literal(0, 1) // the sign of it
  out.literal(0, 3) // second-order AC, chroma DC, chroma AC: nothing is added
}

/** RFC 6386 §9.9 to §9.11. @param coded that a macroblock has coefficients, in 256ths */
function writeProbabilities(out: Vp8BoolEncoder, coded: number): void {
  for (const probability of keep) out.bit(false, probability)
  out.literal(1, 1) // macroblocks without coefficients are marked
  out.literal(coded, 8)
}

/** RFC 6386 §9.1: what kind of frame it is, that it is to be shown, and the length of the first partition. */
function frameOf(
  kind: 0 | 1,
  start: readonly number[],
  modes: Vp8BoolEncoder,
  coefficients: Vp8BoolEncoder,
): Uint8Array {
  const first = modes.finish()
  const second = coefficients.finish()
  const tag = kind | (1 << 4) | (first.length << 5)
  const header = [tag & 0xff, (tag >>> 8) & 0xff, (tag >>> 16) & 0xff, ...start]
  const frame = new Uint8Array(header.length + first.length + second.length)
  frame.set(header)
  frame.set(first, header.length)
  frame.set(second, header.length + first.length)
  return frame
}
