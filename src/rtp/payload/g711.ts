/**
 * The companding of ITU-T G.711: 14 (mu-law) or 13 (A-law) bits of a sample, taken as the highest of 16, in 8.
 *
 * Both cut the range of values into segments, each twice as wide as the one below, and each of 16 equal steps.
 */

/** 16-bit samples as PCMU. */
export function encodeMuLaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, sample => muLawOf(sample))
}

/** PCMU as 16-bit samples. */
export function decodeMuLaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, code => muLawSamples[code] as number)
}

/** 16-bit samples as PCMA. */
export function encodeALaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, sample => aLawOf(sample))
}

/** PCMA as 16-bit samples. */
export function decodeALaw(bytes: Uint8Array): Int16Array {
  return Int16Array.from(bytes, code => aLawSamples[code] as number)
}

/** What makes the segments of mu-law begin at powers of two, in units of 16-bit samples. */
const muLawBias = 0x84
const muLawLargest = 0x7fff - muLawBias

function muLawOf(sample: number): number {
  const biased = Math.min(Math.abs(sample), muLawLargest) + muLawBias
  const segment = 24 - Math.clz32(biased)
  const step = (biased >>> (segment + 3)) & 0x0f
  // All bits are inverted on the line, so that silence has many ones.
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff
}

function muLawSample(code: number): number {
  const plain = ~code & 0xff
  const magnitude = ((((plain & 0x0f) << 3) + muLawBias) << ((plain >>> 4) & 7)) - muLawBias
  return (plain & 0x80) === 0 ? magnitude : -magnitude
}

function aLawOf(sample: number): number {
  const positive = sample >= 0
  // Of 16 bits A-law takes 13; negative values are counted from -1 down.
  const magnitude = (positive ? sample : -sample - 1) >>> 3
  const segment = magnitude < 32 ? 0 : 27 - Math.clz32(magnitude)
  const step = segment < 2 ? (magnitude >>> 1) & 0x0f : (magnitude >>> segment) & 0x0f
  // Every other bit is inverted on the line.
  return ((positive ? 0x80 : 0) | (segment << 4) | step) ^ 0x55
}

function aLawSample(code: number): number {
  const plain = code ^ 0x55
  const segment = (plain >>> 4) & 7
  const middle = ((plain & 0x0f) << 4) + 8
  const magnitude = segment === 0 ? middle : (middle + 0x100) << (segment - 1)
  return (plain & 0x80) === 0 ? -magnitude : magnitude
}

const muLawSamples = Int16Array.from({ length: 256 }, (_, code) => muLawSample(code))
const aLawSamples = Int16Array.from({ length: 256 }, (_, code) => aLawSample(code))
