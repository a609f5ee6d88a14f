import { isH264Keyframe, joinAnnexB, NalType, nalType, splitAnnexB } from '../../rtp/payload/h264-nal.ts'

/** What an MP4 file, or the `description` of WebCodecs, tells of a stream: ISO/IEC 14496-15 §5.3.3.1, as far as packets need it. */
export interface AvcDescription {
  /** Bytes of the length before each NAL unit. */
  readonly lengthBytes: 1 | 2 | 4
  /** Sequence parameter sets, then picture parameter sets. */
  readonly parameterSets: readonly Uint8Array[]
}

const lengthSizes = [1, 2, undefined, 4] as const

/** Reads an AVCDecoderConfigurationRecord. @throws {TypeError} if it is none */
export function parseAvcDescription(record: Uint8Array, context: string): AvcDescription {
  const lengthBytes = lengthSizes[((record[4] ?? 0) & 3) as 0 | 1 | 2 | 3]
  if (record[0] !== 1 || record.length < 7 || lengthBytes === undefined)
    throw new TypeError(`${context} is no avcC record`)
  const parameterSets: Uint8Array[] = []
  const afterSequence = readSets(record, 6, (record[5] ?? 0) & 0x1f, parameterSets)
  const end = afterSequence < 0 ? -1 : readSets(record, afterSequence + 1, record[afterSequence] ?? 0, parameterSets)
  if (end < 0 || end > record.length) throw new TypeError(`${context} is an avcC record that ends too early`)
  return { lengthBytes, parameterSets }
}

/**
 * The access units of MP4 files and of WebCodecs' `avc` format have the length of each NAL unit before it and no start codes:
 * ISO/IEC 14496-15 §5.3. This makes a byte stream (annex B) of one; anything else is given back as it is.
 *
 * @param description of the stream; without one, lengths are of four bytes and the parameter sets are part of the stream
 */
export function annexBOf(accessUnit: Uint8Array, description?: AvcDescription): Uint8Array {
  const units = splitAvc(accessUnit, description?.lengthBytes ?? 4)
  const stream = units === undefined ? accessUnit : joinAnnexB(units)
  const sets = description?.parameterSets ?? []
  if (sets.length === 0 || !isH264Keyframe(stream)) return stream
  const all = splitAnnexB(stream)
  if (all.some(unit => nalType(unit) === NalType.sequenceParameters)) return stream
  // H.264 §7.4.1.2.3: a delimiter is the first NAL unit of its access unit.
  const [first] = all
  const delimiters = first !== undefined && nalType(first) === NalType.accessUnitDelimiter ? 1 : 0
  return joinAnnexB([...all.slice(0, delimiters), ...sets, ...all.slice(delimiters)])
}

/**
 * The NAL units, if lengths lead exactly to the end. A byte stream begins with zeros and a one, which as a length makes no
 * sense: the NAL unit would be one byte long, or end in the middle of what follows.
 */
function splitAvc(data: Uint8Array, lengthBytes: number): readonly Uint8Array[] | undefined {
  const units: Uint8Array[] = []
  let at = 0
  while (at + lengthBytes <= data.length) {
    const length = readLength(data, at, lengthBytes)
    at += lengthBytes
    if (length === 0 || length > data.length - at) return undefined
    units.push(data.subarray(at, at + length))
    at += length
  }
  return at === data.length && units.length > 0 ? units : undefined
}

function readLength(data: Uint8Array, at: number, lengthBytes: number): number {
  let length = 0
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (data[at + i] ?? 0)
  return length
}

/** Where the sets end; -1 if they do not. */
function readSets(record: Uint8Array, begin: number, count: number, sets: Uint8Array[]): number {
  let at = begin
  for (let i = 0; i < count; i++) {
    const end = at + 2 + readLength(record, at, 2)
    if (end > record.length) return -1
    sets.push(record.slice(at + 2, end))
    at = end
  }
  return at
}
