import type { FrameDependency } from '../../rtp/payload/frame.ts'
import {
  boolean,
  type Converter,
  type Dictionary,
  dictionary,
  domString,
  double,
  enforceRange,
  type Member,
  optional,
  required,
  sequence,
} from '../webidl.ts'
import { viewBytes } from './buffer-source.ts'

/** A frame of an encoder, to be sent. */
export interface WrittenFrame {
  /** A whole picture, or a packet of an audio encoder. Its bytes must not change any more. */
  data: Uint8Array | ArrayBuffer | ArrayBufferView
  /** In units of the codec's clock, modulo 2^32. */
  timestamp?: number
  /** The same in milliseconds. */
  timestampMs?: number
  /** How long it lasts: where no timestamp is given, the next frame follows then. */
  durationMs?: number
  /** Whether it can be decoded without any other; if not given, the frame is looked into. */
  keyframe?: boolean
  /** What the payload descriptor of VP8 and VP9 tells of it. */
  dependency?: FrameDependency
  /** Of a simulcast: which encoding it belongs to. */
  rid?: string
  /** Audio: the first frame after a silence in which nothing was sent. */
  startsTalkspurt?: boolean
}

/** One picture of VP9 refers to no more than three others. */
const toReferences: Converter<number[]> = (value, context) => sequence(enforceRange.octet)(value, context).slice(0, 3)

const toPictureIdBits: Converter<7 | 15> = (value, context) => {
  const bits = enforceRange.octet(value, context)
  if (bits !== 7 && bits !== 15) throw new TypeError(`${context} is neither 7 nor 15`)
  return bits
}

const toDependency: Converter<FrameDependency> = dictionary('FrameDependency', {
  baseLayerIndex: optional(enforceRange.octet),
  discardable: optional(boolean),
  interLayer: optional(boolean),
  interPicture: optional(boolean),
  keyframeIndex: optional(enforceRange.octet),
  layerSync: optional(boolean),
  pictureId: optional(enforceRange.unsignedShort),
  pictureIdBits: optional(toPictureIdBits),
  references: optional(toReferences),
  spatialId: optional(enforceRange.octet),
  switchingPoint: optional(boolean),
  temporalId: optional(enforceRange.octet),
})

type FrameMembers = {
  readonly data: Member<Uint8Array, true>
  readonly dependency: Member<FrameDependency, false>
  readonly durationMs: Member<number, false>
  readonly keyframe: Member<boolean, false>
  readonly rid: Member<string, false>
  readonly startsTalkspurt: Member<boolean, false>
  readonly timestamp: Member<number, false>
  readonly timestampMs: Member<number, false>
}

export type ConvertedFrame = Dictionary<FrameMembers>

export const toWrittenFrame: Converter<ConvertedFrame> = dictionary<FrameMembers>('WrittenFrame', {
  data: required(viewBytes),
  dependency: optional(toDependency),
  durationMs: optional(double),
  keyframe: optional(boolean),
  rid: optional(domString),
  startsTalkspurt: optional(boolean),
  timestamp: optional(double),
  timestampMs: optional(double),
})
