/** RFC 6184 §8.1, table 5; `constrained-high` is a later addition to H.264 itself. */
export type H264Profile =
  | 'constrained-baseline'
  | 'baseline'
  | 'main'
  | 'extended'
  | 'high'
  | 'constrained-high'
  | 'high-10'
  | 'high-4:2:2'
  | 'high-4:4:4'
  | 'high-10-intra'
  | 'high-4:2:2-intra'
  | 'high-4:4:4-intra'
  | 'cavlc-4:4:4-intra'

export interface H264ProfileLevel {
  readonly profile: H264Profile
  /** Ten times the level: 31 is level 3.1. Level 1b, which lies between 10 and 11, is 9. */
  readonly level: number
}

/** RFC 6184 §8.1: what is meant if the description does not say. */
export const defaultH264ProfileLevel: H264ProfileLevel = { profile: 'baseline', level: 10 }

/** One line of the table: the bits of profile-iop under `mask` have to be `bits`. */
interface Pattern {
  readonly profile: H264Profile
  readonly idc: number
  readonly mask: number
  readonly bits: number
}

/** The first pattern of a profile is the one that is written. */
const patterns: readonly Pattern[] = [
  { profile: 'constrained-baseline', idc: 0x42, mask: 0b0100_1111, bits: 0b0100_0000 },
  { profile: 'constrained-baseline', idc: 0x4d, mask: 0b1000_1111, bits: 0b1000_0000 },
  { profile: 'constrained-baseline', idc: 0x58, mask: 0b1100_1111, bits: 0b1100_0000 },
  { profile: 'baseline', idc: 0x42, mask: 0b0100_1111, bits: 0b0000_0000 },
  { profile: 'baseline', idc: 0x58, mask: 0b1100_1111, bits: 0b1000_0000 },
  { profile: 'main', idc: 0x4d, mask: 0b1010_1111, bits: 0b0000_0000 },
  { profile: 'extended', idc: 0x58, mask: 0b1100_1111, bits: 0b0000_0000 },
  { profile: 'high', idc: 0x64, mask: 0xff, bits: 0b0000_0000 },
  { profile: 'constrained-high', idc: 0x64, mask: 0xff, bits: 0b0000_1100 },
  { profile: 'high-10', idc: 0x6e, mask: 0xff, bits: 0b0000_0000 },
  { profile: 'high-4:2:2', idc: 0x7a, mask: 0xff, bits: 0b0000_0000 },
  { profile: 'high-4:4:4', idc: 0xf4, mask: 0xff, bits: 0b0000_0000 },
  { profile: 'high-10-intra', idc: 0x6e, mask: 0xff, bits: 0b0001_0000 },
  { profile: 'high-4:2:2-intra', idc: 0x7a, mask: 0xff, bits: 0b0001_0000 },
  { profile: 'high-4:4:4-intra', idc: 0xf4, mask: 0xff, bits: 0b0001_0000 },
  { profile: 'cavlc-4:4:4-intra', idc: 0x2c, mask: 0xff, bits: 0b0001_0000 },
]

/** In their order. */
const levels: readonly number[] = [10, 9, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52, 60, 61, 62]
const level1b = 9
const constraintSet3 = 0b0001_0000

/** Reads `profile-level-id`. @returns undefined if it is no such thing, or of a profile or level that is not known */
export function parseH264ProfileLevelId(text: string): H264ProfileLevel | undefined {
  if (!/^[0-9A-Fa-f]{6}$/.test(text)) return undefined
  const [idc, iop, levelIdc] = [0, 2, 4].map(at => Number.parseInt(text.slice(at, at + 2), 16))
  if (idc === undefined || iop === undefined || levelIdc === undefined) return undefined
  const pattern = patterns.find(each => each.idc === idc && (iop & each.mask) === each.bits)
  if (pattern === undefined || !levels.includes(levelIdc)) return undefined
  // RFC 6184 §8.1: in three profiles level 1b is level 1.1 with a flag.
  const is1b = levelIdc === 11 && has1bFlag(idc) && (iop & constraintSet3) !== 0
  return { profile: pattern.profile, level: is1b ? level1b : levelIdc }
}

/** The opposite of {@link parseH264ProfileLevelId}, in lower case. */
export function formatH264ProfileLevelId({ profile, level }: H264ProfileLevel): string {
  const pattern = patterns.find(each => each.profile === profile)
  if (pattern === undefined || !levels.includes(level)) throw new RangeError('no such profile and level')
  const flagged = level === level1b && has1bFlag(pattern.idc)
  // Constrained Baseline obeys the constraints of Main and Baseline, and says so with the usual three bits.
  const iop = (profile === 'constrained-baseline' ? 0b1110_0000 : pattern.bits) | (flagged ? constraintSet3 : 0)
  return [pattern.idc, iop, flagged ? 11 : level].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The lower of two levels. */
export function lowerH264Level(a: number, b: number): number {
  return levels.indexOf(a) <= levels.indexOf(b) ? a : b
}

function has1bFlag(idc: number): boolean {
  return idc === 0x42 || idc === 0x4d || idc === 0x58
}
