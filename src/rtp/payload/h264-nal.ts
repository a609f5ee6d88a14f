/** NAL unit types of H.264, and the packet types of RFC 6184 §5.2. */
export const NalType = {
  slice: 1,
  idrSlice: 5,
  supplemental: 6,
  sequenceParameters: 7,
  pictureParameters: 8,
  accessUnitDelimiter: 9,
  endOfSequence: 10,
  stapA: 24,
  fuA: 28,
} as const

const startCode = Uint8Array.of(0, 0, 0, 1)

/** The type of a NAL unit; 0, which is none, if it is empty. */
export function nalType(unit: Uint8Array): number {
  return (unit[0] ?? 0) & 0x1f
}

/**
 * The NAL units of a byte stream as in annex B of H.264, as views: each begins behind a start code of three or four bytes.
 *
 * What comes before the first start code is not part of any.
 */
export function splitAnnexB(stream: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  let begin = -1
  for (let at = 0; ; ) {
    const code = findStartCode(stream, at)
    if (begin >= 0) {
      const end = trimZeros(stream, begin, code < 0 ? stream.length : code)
      if (end > begin) units.push(stream.subarray(begin, end))
    }
    if (code < 0) return units
    begin = at = code + 3
  }
}

/** A byte stream of NAL units, each behind a start code of four bytes. */
export function joinAnnexB(units: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const unit of units) length += startCode.length + unit.length
  const stream = new Uint8Array(length)
  let at = 0
  for (const unit of units) {
    stream.set(startCode, at)
    stream.set(unit, at + startCode.length)
    at += startCode.length + unit.length
  }
  return stream
}

/** Whether an access unit in a byte stream can be decoded without any other: it has a slice of an IDR picture. */
export function isH264Keyframe(stream: Uint8Array): boolean {
  return splitAnnexB(stream).some(unit => nalType(unit) === NalType.idrSlice)
}

/**
 * Whether a NAL unit can be the first of an access unit that is whole: what goes before the slices, or the slice with the
 * first macroblock.
 *
 * H.264 §7.3.3: first_mb_in_slice is the first value behind the type, an exponential Golomb code in which a one is zero.
 */
export function mayBeginAccessUnit(unit: Uint8Array): boolean {
  const type = nalType(unit)
  if (type === NalType.slice || type === NalType.idrSlice) return ((unit[1] ?? 0) & 0x80) !== 0
  return type >= NalType.supplemental && type <= NalType.accessUnitDelimiter
}

function findStartCode(stream: Uint8Array, from: number): number {
  for (let at = stream.indexOf(1, from + 2); at >= 0; at = stream.indexOf(1, at + 1)) {
    if (stream[at - 1] === 0 && stream[at - 2] === 0) return at - 2
  }
  return -1
}

/** H.264 §7.4.1: a NAL unit does not end in zeros; those there are belong to the byte stream. */
function trimZeros(stream: Uint8Array, begin: number, end: number): number {
  while (end > begin && stream[end - 1] === 0) end--
  return end
}
