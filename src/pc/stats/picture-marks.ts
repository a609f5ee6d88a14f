import type { FrameDependency } from '../../rtp/payload/frame.ts'
import { NalType, nalType } from '../../rtp/payload/h264-nal.ts'
import { isVp8Keyframe, vp8PictureSize } from '../../rtp/payload/vp8.ts'
import { parseVp8Descriptor, startsVp8Frame } from '../../rtp/payload/vp8-descriptor.ts'
import { isVp9Keyframe } from '../../rtp/payload/vp9.ts'
import { parseVp9Descriptor } from '../../rtp/payload/vp9-descriptor.ts'

/** What the payload of a packet tells of the picture that it is part of. */
export interface PictureMarks {
  /** It begins with the beginning of the picture, as far as it tells. */
  readonly starts: boolean
  readonly keyframe: boolean
  /** In pixels; undefined: not told. */
  readonly size: { readonly width: number; readonly height: number } | undefined
  readonly dependency: FrameDependency | undefined
}

export type MarkReader = (payload: Uint8Array) => PictureMarks

const within: PictureMarks = { starts: false, keyframe: false, size: undefined, dependency: undefined }

/** Who can read the payloads of a codec, by its MIME type in any case; undefined: nobody here. */
export function markReader(mimeType: string): MarkReader | undefined {
  return readers.get(mimeType.toLowerCase())
}

function readVp8(payload: Uint8Array): PictureMarks {
  if (!startsVp8Frame(payload)) return within
  const dependency = parseVp8Descriptor(payload)
  if (dependency === undefined) return within
  const body = payload.subarray(dependency.length)
  return { starts: true, keyframe: isVp8Keyframe(body), size: vp8PictureSize(body), dependency }
}

function readVp9(payload: Uint8Array): PictureMarks {
  // draft-ietf-payload-vp9-16 §4.2, B
  if (((payload[0] ?? 0) & 0x08) === 0) return within
  const dependency = parseVp9Descriptor(payload)
  // A layer above another one begins no picture.
  if (dependency === undefined || dependency.interLayer === true) return within
  const size = dependency.scalability?.sizes.at(-1)
  const isBase = dependency.interPicture !== true && (dependency.spatialId ?? 0) === 0
  const keyframe = isBase && isVp9Keyframe(payload.subarray(dependency.length))
  return { starts: true, keyframe, size, dependency }
}

/** RFC 6184 §5.2: parameter sets come before the picture, and what begins without them is known by what came before. */
function readH264(payload: Uint8Array): PictureMarks {
  const type = nalType(payload)
  if (type === NalType.stapA) return aggregate(payload)
  // RFC 6184 §5.8: the type is in the second octet, with the bit that begins the unit.
  if (type === NalType.fuA) return ((payload[1] ?? 0) & 0x9f) === (0x80 | NalType.idrSlice) ? keyframe : within
  return marksOf(type)
}

const keyframe: PictureMarks = { ...within, keyframe: true }
const starts: PictureMarks = { ...within, starts: true }
const startsKeyframe: PictureMarks = { ...starts, keyframe: true }

function marksOf(type: number): PictureMarks {
  if (type === NalType.idrSlice) return keyframe
  return type === NalType.sequenceParameters || type === NalType.accessUnitDelimiter ? starts : within
}

/** RFC 6184 §5.7.1: each unit behind its length. */
function aggregate(payload: Uint8Array): PictureMarks {
  let first: number | undefined
  let hasKeyframe = false
  for (let at = 1; at + 2 < payload.length; at += 2 + (((payload[at] as number) << 8) | (payload[at + 1] as number))) {
    const type = (payload[at + 2] as number) & 0x1f
    first ??= type
    hasKeyframe ||= type === NalType.idrSlice
  }
  const begins = first !== undefined && marksOf(first).starts
  if (hasKeyframe) return begins ? startsKeyframe : keyframe
  return begins ? starts : within
}

const readers: ReadonlyMap<string, MarkReader> = new Map([
  ['video/vp8', readVp8],
  ['video/vp9', readVp9],
  ['video/h264', readH264],
])
