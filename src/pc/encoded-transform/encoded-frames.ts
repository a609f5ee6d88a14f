import { types } from 'node:util'
import conversions from 'webidl-conversions'
import type { MediaKind } from '../media/track-signal.ts'
import {
  type Converter,
  dictionary,
  domString,
  exposeInterface,
  instance,
  optional,
  requireArguments,
  sequence,
  unsignedLong,
  unsignedShort,
} from '../webidl.ts'

/**
 * webrtc-encoded-transform §4.1. What is not known of a frame is not there.
 *
 * Times are in milliseconds since the time origin of the thread that the connection lives on.
 */
export interface RTCEncodedFrameMetadata {
  synchronizationSource?: number
  payloadType?: number
  contributingSources?: number[]
  rtpTimestamp?: number
  /** Of a received frame: when its last packet came. */
  receiveTime?: number
  /** In the clock of the capturing system, where the header extension abs-capture-time tells it. */
  captureTime?: number
  /** Milliseconds. */
  senderCaptureTimeOffset?: number
  mimeType?: string
}

/** webrtc-encoded-transform §4.2 */
export interface RTCEncodedVideoFrameMetadata extends RTCEncodedFrameMetadata {
  frameId?: number
  dependencies?: number[]
  width?: number
  height?: number
  spatialIndex?: number
  temporalIndex?: number
  /** Microseconds. */
  timestamp?: number
}

/** webrtc-encoded-transform §4.4 */
export interface RTCEncodedAudioFrameMetadata extends RTCEncodedFrameMetadata {
  /** 0 to 65535. */
  sequenceNumber?: number
  /** Linear: 0 is silence, 1 is 0 dBov. */
  audioLevel?: number
}

/** webrtc-encoded-transform §4.3 */
export interface RTCEncodedVideoFrameOptions {
  metadata?: RTCEncodedVideoFrameMetadata
}

/** webrtc-encoded-transform §4.5 */
export interface RTCEncodedAudioFrameOptions {
  metadata?: RTCEncodedAudioFrameMetadata
}

export type EncodedFrameType = 'key' | 'delta'

/** A frame as plain values: what crosses from one thread to another. */
export interface SerializedEncodedFrame {
  readonly kind: MediaKind
  /** Audio: always 'key'. */
  readonly type: EncodedFrameType
  readonly metadata: RTCEncodedVideoFrameMetadata & RTCEncodedAudioFrameMetadata
  readonly data: ArrayBuffer
}

type Metadata = SerializedEncodedFrame['metadata']

/** Whose frame it is, and which: [[owner]] and [[counter]] of webrtc-encoded-transform §2.1.2. */
export interface FrameOwnership {
  readonly owner: object
  readonly counter: number
}

/** The internal slots of a frame. An application cannot make one: it stands for what only this library may construct. */
class FrameSlots implements SerializedEncodedFrame {
  readonly kind: MediaKind
  readonly type: EncodedFrameType
  readonly metadata: Metadata
  data: ArrayBuffer
  readonly ownership: FrameOwnership | undefined
  /** It was written to encoded streams: there is nothing in it any more. */
  isSpent = false

  constructor({ kind, type, metadata, data }: SerializedEncodedFrame, ownership?: FrameOwnership) {
    this.kind = kind
    this.type = type
    this.metadata = metadata
    this.data = data
    this.ownership = ownership
  }
}

const double: Converter<number> = (value, context) => conversions.double(value, { context })
const octet: Converter<number> = (value, context) => conversions.octet(value, { context })
const unsignedLongLong: Converter<number> = (value, context) => conversions['unsigned long long'](value, { context })
const longLong: Converter<number> = (value, context) => conversions['long long'](value, { context })

const commonMembers = {
  captureTime: optional(double),
  contributingSources: optional(sequence(unsignedLong)),
  mimeType: optional(domString),
  payloadType: optional(octet),
  receiveTime: optional(double),
  rtpTimestamp: optional(unsignedLong),
  senderCaptureTimeOffset: optional(double),
  synchronizationSource: optional(unsignedLong),
} as const

const toVideoOptions = dictionary('RTCEncodedVideoFrameOptions', {
  metadata: optional(
    dictionary('RTCEncodedVideoFrameMetadata', {
      ...commonMembers,
      dependencies: optional(sequence(unsignedLongLong)),
      frameId: optional(unsignedLongLong),
      height: optional(unsignedShort),
      spatialIndex: optional(unsignedLong),
      temporalIndex: optional(unsignedLong),
      timestamp: optional(longLong),
      width: optional(unsignedShort),
    }),
  ),
})

const toAudioOptions = dictionary('RTCEncodedAudioFrameOptions', {
  metadata: optional(
    dictionary('RTCEncodedAudioFrameMetadata', {
      ...commonMembers,
      audioLevel: optional(double),
      // A short in the text; but RFC 3550 numbers packets without a sign, and that is what the member is said to be.
      sequenceNumber: optional(unsignedShort),
    }),
  ),
})

let videoSlots: (frame: RTCEncodedVideoFrame) => FrameSlots
let audioSlots: (frame: RTCEncodedAudioFrame) => FrameSlots

/** webrtc-encoded-transform §4.3: a picture, encoded. */
export class RTCEncodedVideoFrame {
  readonly #slots: FrameSlots

  static {
    exposeInterface(RTCEncodedVideoFrame, 'RTCEncodedVideoFrame')
    videoSlots = frame => frame.#slots
  }

  /**
   * A copy of a frame, with its data. It belongs to no transform: none takes it.
   *
   * @throws {TypeError} if it is not given a frame, or if the data of that frame was transferred
   */
  constructor(originalFrame: RTCEncodedVideoFrame, options: RTCEncodedVideoFrameOptions = {}) {
    const given: unknown = originalFrame
    if (given instanceof FrameSlots) {
      this.#slots = given
      return
    }
    const name = 'RTCEncodedVideoFrame constructor'
    requireArguments(arguments.length, 1, name)
    const original = instance('RTCEncodedVideoFrame', isVideoFrame)(given, `${name}: argument 1`)
    const { metadata = {} } = toVideoOptions(options, `${name}: argument 2`)
    this.#slots = copySlots(original.#slots, metadata)
  }

  get type(): EncodedFrameType {
    return this.#slots.type
  }

  /** The RTP timestamp: an extension, which browsers have kept. 0 if it is not known. */
  get timestamp(): number {
    return this.#slots.metadata.rtpTimestamp ?? 0
  }

  /** The encoded picture: VP8, VP9 as they are; H.264 as a byte stream (annex B). */
  get data(): ArrayBuffer {
    return this.#slots.data
  }

  set data(data: ArrayBuffer) {
    this.#slots.data = toArrayBuffer(data, 'RTCEncodedVideoFrame data')
  }

  getMetadata(): RTCEncodedVideoFrameMetadata {
    return copyMetadata(this.#slots.metadata)
  }
}

/** webrtc-encoded-transform §4.5: what an audio encoder puts into a packet. */
export class RTCEncodedAudioFrame {
  readonly #slots: FrameSlots

  static {
    exposeInterface(RTCEncodedAudioFrame, 'RTCEncodedAudioFrame')
    audioSlots = frame => frame.#slots
  }

  /**
   * A copy of a frame, with its data. It belongs to no transform: none takes it.
   *
   * @throws {TypeError} if it is not given a frame, or if the data of that frame was transferred
   */
  constructor(originalFrame: RTCEncodedAudioFrame, options: RTCEncodedAudioFrameOptions = {}) {
    const given: unknown = originalFrame
    if (given instanceof FrameSlots) {
      this.#slots = given
      return
    }
    const name = 'RTCEncodedAudioFrame constructor'
    requireArguments(arguments.length, 1, name)
    const original = instance('RTCEncodedAudioFrame', isAudioFrame)(given, `${name}: argument 1`)
    const { metadata = {} } = toAudioOptions(options, `${name}: argument 2`)
    this.#slots = copySlots(original.#slots, metadata)
  }

  /** The RTP timestamp: an extension, which browsers have kept. 0 if it is not known. */
  get timestamp(): number {
    return this.#slots.metadata.rtpTimestamp ?? 0
  }

  get data(): ArrayBuffer {
    return this.#slots.data
  }

  set data(data: ArrayBuffer) {
    this.#slots.data = toArrayBuffer(data, 'RTCEncodedAudioFrame data')
  }

  getMetadata(): RTCEncodedAudioFrameMetadata {
    return copyMetadata(this.#slots.metadata)
  }
}

export type RTCEncodedFrame = RTCEncodedVideoFrame | RTCEncodedAudioFrame

/** The frame that an application gets to see. */
export function createEncodedFrame(contents: SerializedEncodedFrame, ownership?: FrameOwnership): RTCEncodedFrame {
  const slots: unknown = new FrameSlots(contents, ownership)
  return contents.kind === 'video'
    ? new RTCEncodedVideoFrame(slots as RTCEncodedVideoFrame)
    : new RTCEncodedAudioFrame(slots as RTCEncodedAudioFrame)
}

/** [[owner]] and [[counter]]; undefined for what is no frame, and for a frame that an application has made. */
export function frameOwnership(value: unknown): FrameOwnership | undefined {
  return isVideoFrame(value) || isAudioFrame(value) ? slotsOf(value).ownership : undefined
}

/**
 * Takes the data out of a frame that goes on its way. What the application has of it stays as it is, for it is a copy that
 * goes.
 *
 * @returns undefined if that was done before
 */
export function spendFrame(frame: RTCEncodedFrame): ArrayBuffer | undefined {
  const slots = slotsOf(frame)
  if (slots.isSpent) return undefined
  // What was transferred elsewhere is empty.
  const data = slots.data.byteLength === 0 ? new ArrayBuffer(0) : slots.data.slice(0)
  slots.data = new ArrayBuffer(0)
  slots.isSpent = true
  return data
}

/**
 * A frame as plain values, to be posted to another thread; its data is not copied. Node clones no objects but its own, so
 * `structuredClone(frame)` and `postMessage(frame)` do not: post this, with `data` in the transfer list, and make a frame of
 * it again there with {@link deserializeEncodedFrame}.
 *
 * Source: the serialization steps of webrtc-encoded-transform §4.3.4 and §4.5.4.
 *
 * @throws {TypeError} if it is not given a frame
 */
export function serializeEncodedFrame(frame: RTCEncodedFrame): SerializedEncodedFrame {
  if (!isVideoFrame(frame) && !isAudioFrame(frame)) throw new TypeError('serializeEncodedFrame: not an encoded frame')
  const { kind, type, metadata, data } = slotsOf(frame)
  return { kind, type, metadata: copyMetadata(metadata), data }
}

/**
 * A frame of what {@link serializeEncodedFrame} has given. Like every copy it belongs to no transform.
 *
 * @throws {TypeError} if it is not that
 */
export function deserializeEncodedFrame(value: SerializedEncodedFrame): RTCEncodedFrame {
  const context = 'deserializeEncodedFrame'
  const { kind, type, metadata, data } = value
  if ((kind !== 'video' && kind !== 'audio') || (type !== 'key' && type !== 'delta')) {
    throw new TypeError(`${context}: not a serialized frame`)
  }
  const options = kind === 'video' ? toVideoOptions({ metadata }, context) : toAudioOptions({ metadata }, context)
  return createEncodedFrame({ kind, type, metadata: options.metadata ?? {}, data: toArrayBuffer(data, context) })
}

function slotsOf(frame: RTCEncodedFrame): FrameSlots {
  return frame instanceof RTCEncodedVideoFrame ? videoSlots(frame) : audioSlots(frame)
}

/** webrtc-encoded-transform §4.3.1: a deep copy, with what is given in place of what was there; without an owner. */
function copySlots({ kind, type, metadata, data, isSpent }: FrameSlots, replaced: Metadata): FrameSlots {
  if (isSpent) throw new TypeError('the data of the frame was given away')
  return new FrameSlots({ kind, type, metadata: copyMetadata({ ...metadata, ...replaced }), data: data.slice(0) })
}

function copyMetadata(metadata: Metadata): Metadata {
  const copy = { ...metadata }
  if (copy.contributingSources) copy.contributingSources = [...copy.contributingSources]
  if (copy.dependencies) copy.dependencies = [...copy.dependencies]
  return copy
}

function toArrayBuffer(value: unknown, context: string): ArrayBuffer {
  if (!types.isArrayBuffer(value)) throw new TypeError(`${context} is not of type 'ArrayBuffer'`)
  return value
}

function isVideoFrame(value: unknown): value is RTCEncodedVideoFrame {
  return value instanceof RTCEncodedVideoFrame
}

function isAudioFrame(value: unknown): value is RTCEncodedAudioFrame {
  return value instanceof RTCEncodedAudioFrame
}
