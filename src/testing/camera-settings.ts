import type {
  ConstrainNumber,
  MediaTrackConstraintSet,
  MediaTrackConstraints,
  NumberRange,
} from '../pc/media/constraints.ts'

/** What a picture is made with. */
export interface PictureSettings {
  readonly width: number
  readonly height: number
  readonly aspectRatio: number
  readonly frameRate: number
  /** Mediacapture-streams, VideoResizeModeEnum. */
  readonly resizeMode: string
}

export interface PictureDefaults {
  readonly width: number
  readonly height: number
  readonly frameRate: number
}

/** What pictures can be made with: sizes in pixels, frames a second. */
export const pictureRanges = {
  width: { min: 16, max: 1_920 },
  height: { min: 16, max: 1_080 },
  frameRate: { min: 1, max: 60 },
} as const

/** Values of a property that constraints may bring in; further ones have no effect on what is tried. */
const maxMentioned = 16

/**
 * The settings that are worth a try: all there are would be too many, so the defaults, the limits, and what the constraints
 * mention. Those that come first are to be preferred.
 */
export function possiblePictures(defaults: PictureDefaults, constraints: MediaTrackConstraints): PictureSettings[] {
  const { width, height, frameRate } = pictureRanges
  const rates = candidates(defaults.frameRate, mentioned(constraints, 'frameRate'), frameRate)
  const ratios = mentioned(constraints, 'aspectRatio').filter(ratio => ratio > 0)
  const widths = candidates(defaults.width, mentioned(constraints, 'width').map(Math.round), width)
  const heights = candidates(defaults.height, mentioned(constraints, 'height').map(Math.round), height)
  const sizes = possibleSizes(widths, heights, [defaults.width / defaults.height, ...ratios])
  return resizeModes(constraints).flatMap(resizeMode =>
    sizes.flatMap(({ width, height }) =>
      rates.map(frameRate => ({ width, height, aspectRatio: width / height, frameRate, resizeMode })),
    ),
  )
}

/** mediacapture-streams §4.3.3 getSettings: whatever is there as it is, is there cropped and scaled as well. */
function resizeModes({ resizeMode, advanced = [] }: MediaTrackConstraints): string[] {
  const isMentioned = resizeMode !== undefined || advanced.some(set => set.resizeMode !== undefined)
  return isMentioned ? ['none', 'crop-and-scale'] : ['none']
}

interface Size {
  readonly width: number
  readonly height: number
}

/** Sizes of a ratio that is wanted come before others, and those of the first one before all. */
function possibleSizes(widths: readonly number[], heights: readonly number[], ratios: readonly number[]): Size[] {
  const sizes = new Map<number, Size>()
  const add = (width: number, height: number): void => {
    const { width: w, height: h } = pictureRanges
    if (isWithin(width, w) && isWithin(height, h)) sizes.set(width * 65_536 + height, { width, height })
  }
  for (const ratio of ratios) {
    for (const width of widths) add(width, Math.round(width / ratio))
    for (const height of heights) add(Math.round(height * ratio), height)
  }
  for (const width of widths) for (const height of heights) add(width, height)
  return [...sizes.values()]
}

function candidates(preferred: number, values: readonly number[], range: Required<NumberRange>): number[] {
  return [...new Set([preferred, ...values, range.max, range.min])].filter(value => isWithin(value, range))
}

/** The numbers that the constraints on a property have. */
function mentioned(constraints: MediaTrackConstraints, property: keyof typeof pictureRanges | 'aspectRatio'): number[] {
  const sets: readonly MediaTrackConstraintSet[] = [constraints, ...(constraints.advanced ?? [])]
  return sets.flatMap(set => numbersOf(set[property])).slice(0, maxMentioned)
}

function numbersOf(constraint: ConstrainNumber | undefined): number[] {
  if (constraint === undefined) return []
  if (typeof constraint === 'number') return [constraint]
  const { exact, ideal, min, max } = constraint
  return [exact, ideal, min, max].filter(value => value !== undefined)
}

function isWithin(value: number, { min, max }: Required<NumberRange>): boolean {
  return value >= min && value <= max
}
