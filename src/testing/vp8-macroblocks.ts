import type { Vp8BoolEncoder } from './vp8-bool-encoder.ts'
import { categories, dcTokens, endOfBlock } from './vp8-probabilities.ts'

/** A colour as VP8 has it: Y'CbCr of ITU-R BT.601, each 0 to 255. */
export interface Vp8Color {
  readonly y: number
  readonly u: number
  readonly v: number
}

/** A picture of squares of 16 pixels, each of one colour. */
export interface Squares {
  readonly columns: number
  readonly rows: number
  /** The colour of a square, counted in squares from the upper left. */
  colorAt(column: number, row: number): Vp8Color
}

/** A square to be written: what it is predicted as, and whether that is what it is. */
export interface Square {
  /** Counted row by row. */
  readonly at: number
  readonly mode: IntraMode
  readonly isPredicted: boolean
}

/** Of the row above and of the one to the left: what a prediction is made of, and whether they had coefficients. */
interface Neighbour {
  readonly color: Vp8Color
  readonly coded: Readonly<Record<keyof Vp8Color, boolean>>
}

const uncoded = { y: false, u: false, v: false } as const

/**
 * Writes the macroblocks of a picture.
 *
 * @param writeHeader writes that of one; returns false if it is taken from another picture, and has no coefficients
 */
export function writeMacroblocks(
  { columns, rows, colorAt }: Squares,
  coefficients: Vp8BoolEncoder,
  writeHeader: (square: Square) => boolean,
): void {
  const above: (Neighbour | undefined)[] = new Array(columns).fill(undefined)
  for (let row = 0; row < rows; row++) {
    let left: Neighbour | undefined
    for (let column = 0; column < columns; column++) {
      const color = colorAt(column, row)
      const up = above[column]
      const prediction = predict(color, up?.color, left?.color)
      const isPredicted = sameColor(color, prediction.color)
      const isIntra = writeHeader({ at: row * columns + column, mode: prediction.mode, isPredicted })
      const coded =
        isIntra && !isPredicted
          ? writeDifference(coefficients, color, prediction.color, up?.coded, left?.coded)
          : uncoded
      left = above[column] = { color, coded }
    }
  }
}

type Coded = Neighbour['coded']

function writeDifference(
  out: Vp8BoolEncoder,
  color: Vp8Color,
  predicted: Vp8Color,
  above: Coded = uncoded,
  left: Coded = uncoded,
): Coded {
  const y = color.y - predicted.y
  const u = color.u - predicted.u
  const v = color.v - predicted.v
  writeLuma(out, y, count(above.y, left.y))
  writeChroma(out, u, above.u, left.u)
  writeChroma(out, v, above.v, left.v)
  return { y: y !== 0, u: u !== 0, v: v !== 0 }
}

/** RFC 6386 §12.2, §12.3: the row above goes on downwards, the column to the left goes on to the right, or the average of both. */
export type IntraMode = 'vertical' | 'horizontal' | 'average'

function predict(
  color: Vp8Color,
  above: Vp8Color | undefined,
  left: Vp8Color | undefined,
): { readonly mode: IntraMode; readonly color: Vp8Color } {
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

/** RFC 6386 §11.2, §11.4: the trees of the luma and the chroma mode of a keyframe, of which both are the same here. */
export function writeKeyframeMode(out: Vp8BoolEncoder, mode: IntraMode): void {
  out.bit(true, 145)
  out.bit(mode === 'horizontal', 156)
  if (mode === 'horizontal') out.bit(false, 128)
  else out.bit(mode === 'vertical', 163)
  out.bit(mode !== 'average', 142)
  if (mode === 'average') return
  out.bit(mode === 'horizontal', 114)
  if (mode === 'horizontal') out.bit(false, 183)
}

/** RFC 6386 §16.1: the same two in a frame that builds upon another, by other trees and probabilities. */
export function writeInterframeMode(out: Vp8BoolEncoder, mode: IntraMode): void {
  const isAverage = mode === 'average'
  const isVertical = mode === 'vertical'
  out.bit(!isAverage, 112)
  if (!isAverage) {
    out.bit(false, 86)
    out.bit(!isVertical, 140)
  }
  out.bit(!isAverage, 162)
  if (isAverage) return
  out.bit(!isVertical, 101)
  if (!isVertical) out.bit(false, 204)
}

/** RFC 6386 §13.3: the context of a block's first token is how many of its neighbours had coefficients. */
function count(above: boolean, left: boolean): 0 | 1 | 2 {
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
