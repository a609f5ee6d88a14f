import { Vp8BoolEncoder } from './vp8-bool-encoder.ts'
import { categories, dcTokens, endOfBlock, keepProbabilities } from './vp8-probabilities.ts'

/** A colour as VP8 has it: Y'CbCr of ITU-R BT.601, each 0 to 255. */
export interface Vp8Color {
  readonly y: number
  readonly u: number
  readonly v: number
}

/** A picture of squares of 16 pixels, each of one colour. */
export interface Vp8Mosaic {
  /** In pixels, 1 to 16383. Where it is no multiple of 16, the last squares are cut off. */
  readonly width: number
  readonly height: number
  /** The colour of a square, counted in squares from the upper left. */
  colorAt(column: number, row: number): Vp8Color
}

/**
 * RFC 6386 §9.6, §14.1: the quantizer index, and what is added to it for the second-order luma block. The steps are then
 * 8 for chroma and 32 for that block, with which every colour is met exactly.
 */
const quantizerIndex = 4
const secondOrderDelta = 9
/** Of macroblocks that need no coefficient at all, in 256ths of those that do. */
const codedProbability = 96
const keep = keepProbabilities()

/** Encodes a picture as a VP8 keyframe, which decoders give back exactly: RFC 6386. */
export function encodeVp8Mosaic(mosaic: Vp8Mosaic): Uint8Array {
  const { width, height } = mosaic
  if (!(width >= 1 && width <= 0x3fff && height >= 1 && height <= 0x3fff)) {
    throw new RangeError(`a picture of ${width} x ${height} pixels`)
  }
  const modes = new Vp8BoolEncoder()
  const coefficients = new Vp8BoolEncoder()
  writeHeader(modes)
  writeMacroblocks(mosaic, modes, coefficients)
  const first = modes.finish()
  const second = coefficients.finish()
  const frame = new Uint8Array(10 + first.length + second.length)
  // RFC 6386 §9.1: a keyframe, to be shown, with the length of the first partition; start code; size without scaling.
  const tag = (1 << 4) | (first.length << 5)
  frame.set([tag & 0xff, (tag >>> 8) & 0xff, (tag >>> 16) & 0xff, 0x9d, 0x01, 0x2a])
  frame.set([width & 0xff, width >>> 8, height & 0xff, height >>> 8], 6)
  frame.set(first, 10)
  frame.set(second, 10 + first.length)
  return frame
}

/** RFC 6386 §9.2 to §9.11, §19.2. */
function writeHeader(out: Vp8BoolEncoder): void {
  out.literal(0, 1) // color space: BT.601
  out.literal(1, 1) // clamping: not needed
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
  out.literal(1, 1) // the probabilities stay for frames to come
  for (const probability of keep) out.bit(false, probability)
  out.literal(1, 1) // macroblocks without coefficients are marked
  out.literal(256 - codedProbability, 8)
}

/** Squares of the row above and of the one to the left: what a prediction is made of, and whether they had coefficients. */
interface Neighbour {
  readonly color: Vp8Color
  readonly coded: Readonly<Record<keyof Vp8Color, boolean>>
}

const uncoded = { y: false, u: false, v: false } as const

function writeMacroblocks(mosaic: Vp8Mosaic, modes: Vp8BoolEncoder, coefficients: Vp8BoolEncoder): void {
  const columns = Math.ceil(mosaic.width / 16)
  const rows = Math.ceil(mosaic.height / 16)
  const above: (Neighbour | undefined)[] = new Array(columns).fill(undefined)
  for (let row = 0; row < rows; row++) {
    let left: Neighbour | undefined
    for (let column = 0; column < columns; column++) {
      left = above[column] = writeMacroblock(mosaic.colorAt(column, row), above[column], left, modes, coefficients)
    }
  }
}

function writeMacroblock(
  color: Vp8Color,
  above: Neighbour | undefined,
  left: Neighbour | undefined,
  modes: Vp8BoolEncoder,
  coefficients: Vp8BoolEncoder,
): Neighbour {
  const prediction = predict(color, above?.color, left?.color)
  const y = color.y - prediction.color.y
  const u = color.u - prediction.color.u
  const v = color.v - prediction.color.v
  const skipped = y === 0 && u === 0 && v === 0
  modes.bit(skipped, 256 - codedProbability)
  writeMode(modes, prediction.mode)
  if (skipped) return { color, coded: uncoded }
  writeLuma(coefficients, y, count(above?.coded.y, left?.coded.y))
  writeChroma(coefficients, u, above?.coded.u === true, left?.coded.u === true)
  writeChroma(coefficients, v, above?.coded.v === true, left?.coded.v === true)
  return { color, coded: { y: y !== 0, u: u !== 0, v: v !== 0 } }
}

/** RFC 6386 §12.2, §12.3: the row above goes on downwards, the column to the left goes on to the right, or the average of both. */
type Mode = 'vertical' | 'horizontal' | 'average'

function predict(
  color: Vp8Color,
  above: Vp8Color | undefined,
  left: Vp8Color | undefined,
): { readonly mode: Mode; readonly color: Vp8Color } {
  if (above && sameColor(color, above)) return { mode: 'vertical', color: above }
  if (left && sameColor(color, left)) return { mode: 'horizontal', color: left }
  const average = (channel: keyof Vp8Color): number => averageOf(above?.[channel], left?.[channel])
  return { mode: 'average', color: { y: average('y'), u: average('u'), v: average('v') } }
}

/** RFC 6386 §12.2, §12.3: the average of the edges, of the only one there is, or 128. The edges are of one colour each. */
function averageOf(above: number | undefined, left: number | undefined): number {
  if (above === undefined) return left ?? 128
  return left === undefined ? above : (above + left + 1) >> 1
}

function sameColor(a: Vp8Color, b: Vp8Color): boolean {
  return a.y === b.y && a.u === b.u && a.v === b.v
}

/** RFC 6386 §11.2, §11.4: the trees of the luma and the chroma mode, of which both are the same here. */
function writeMode(out: Vp8BoolEncoder, mode: Mode): void {
  out.bit(true, 145)
  out.bit(mode === 'horizontal', 156)
  if (mode === 'horizontal') out.bit(false, 128)
  else out.bit(mode === 'vertical', 163)
  out.bit(mode !== 'average', 142)
  if (mode === 'average') return
  out.bit(mode === 'horizontal', 114)
  if (mode === 'horizontal') out.bit(false, 183)
}

/** RFC 6386 §13.3: the context of a block's first token is how many of its neighbours had coefficients. */
function count(above: boolean | undefined, left: boolean | undefined): 0 | 1 | 2 {
  return ((above ? 1 : 0) + (left ? 1 : 0)) as 0 | 1 | 2
}

/** A step of 32 in the second-order block makes half a step of luma (RFC 6386 §14.3, §14.4), so each is written as two. */
function writeLuma(out: Vp8BoolEncoder, difference: number, context: 0 | 1 | 2): void {
  writeBlock(out, 2 * difference, dcTokens.luma[context], endOfBlock.luma)
  for (let block = 0; block < 16; block++) out.bit(false, endOfBlock.lumaRest)
}

/** Four blocks, two by two, each of which has the two before it or those of the neighbours as its context. */
function writeChroma(out: Vp8BoolEncoder, difference: number, above: boolean, left: boolean): void {
  const coded = difference !== 0
  for (const context of [count(above, left), count(above, coded), count(coded, left), count(coded, coded)]) {
    writeBlock(out, difference, dcTokens.chroma[context], endOfBlock.chroma)
  }
}

/** RFC 6386 §13.2: a block of which only the first coefficient is not zero, or none. */
function writeBlock(out: Vp8BoolEncoder, value: number, tokens: readonly number[], end: readonly number[]): void {
  const size = Math.abs(value)
  const node = (bit: boolean, index: number): void => out.bit(bit, tokens[index] as number)
  node(size > 0, 0)
  if (size === 0) return
  node(true, 1)
  node(size > 1, 2)
  if (size > 1) writeSize(out, node, size)
  out.bit(value < 0, 128)
  out.bit(false, end[size > 1 ? 2 : 1] as number)
}

/** RFC 6386 §13.2: the tree of the tokens from two upwards. */
function writeSize(out: Vp8BoolEncoder, node: (bit: boolean, index: number) => void, size: number): void {
  node(size > 4, 3)
  if (size <= 4) {
    node(size > 2, 4)
    if (size > 2) node(size === 4, 5)
    return
  }
  const category = categories.findLastIndex(({ base }) => size >= base)
  node(category >= 2, 6)
  if (category < 2) node(category === 1, 7)
  else {
    node(category >= 4, 8)
    node(category % 2 === 1, category >= 4 ? 10 : 9)
  }
  const { base, bits } = categories[category] as (typeof categories)[number]
  bits.forEach((probability, i) => {
    out.bit((((size - base) >>> (bits.length - 1 - i)) & 1) === 1, probability)
  })
}
