import { type AbsCaptureTime, ExtensionUri, readAbsCaptureTime, readAudioLevel } from '../../rtp/extension-values.ts'
import { findExtension } from '../../rtp/header-extensions.ts'
import { wallTimeFromNtp } from '../../rtp/ntp.ts'
import { type FrameDependency, type Vp9Descriptor, vp8PictureSize } from '../../rtp/payload/index.ts'
import type { MediaCodec, MediaKind } from '../media/track-signal.ts'
import type { RTCEncodedFrameMetadata, SerializedEncodedFrame } from './encoded-frames.ts'
import type { TransformSide } from './frame-channel.ts'
import type { RecordedFrame } from './frame-recorder.ts'

/** What a packet is in the terms that were negotiated. */
export interface FrameOrigin {
  readonly codec: MediaCodec
  readonly payloadType: number
  readonly ssrc: number
}

export interface FrameDescriberOptions {
  readonly side: TransformSide
  readonly kind: MediaKind
  /** Monotonic milliseconds, and those since 1970. */
  readonly now: () => number
  readonly wallTime: () => number
}

interface CaptureTime {
  readonly timestamp: number
  /** Milliseconds since the time origin. */
  readonly time: number
  readonly offsetMs: number | undefined
}

/** Says of the frames of a stream what is known of them: webrtc-encoded-transform §4.1, §4.2, §4.4. */
export class FrameDescriber {
  readonly #options: FrameDescriberOptions
  #frameId = 0
  #size: { readonly width: number; readonly height: number } | undefined
  #capture: CaptureTime | undefined

  constructor(options: FrameDescriberOptions) {
    this.#options = options
  }

  /** @param rtpTimestamp on the wire */
  describe(frame: RecordedFrame, rtpTimestamp: number): SerializedEncodedFrame['metadata'] {
    const { side, kind } = this.#options
    const { origin } = frame
    const metadata: RTCEncodedFrameMetadata = {
      synchronizationSource: origin.ssrc,
      payloadType: origin.payloadType,
      contributingSources: [...frame.first.csrcs],
      rtpTimestamp,
      mimeType: origin.codec.mimeType,
      ...(side === 'receiver' ? { receiveTime: frame.arrivedAt } : {}),
      ...this.#captureTime(frame),
    }
    return kind === 'video' ? { ...metadata, ...this.#video(frame) } : { ...metadata, ...this.#audio(frame) }
  }

  #video({ data, dependency = {}, keyframe }: RecordedFrame): SerializedEncodedFrame['metadata'] {
    const isSent = this.#options.side === 'sender'
    // What has no layers is the lowest one.
    const { spatialId = 0, temporalId = 0 } = dependency
    // VP9 tells the sizes of its layers in the descriptor, VP8 that of its picture in the frame.
    const sizes = (dependency as Partial<Vp9Descriptor>).scalability?.sizes
    if (keyframe) this.#size = sizes?.at(-1) ?? vp8PictureSize(data) ?? this.#size
    return {
      // webrtc-encoded-transform §4.2.1: of received frames only where the dependency descriptor tells it.
      ...(isSent ? this.#identity(keyframe, dependency) : {}),
      spatialIndex: spatialId,
      temporalIndex: temporalId,
      ...this.#size,
    }
  }

  /** What an encoder makes without layers builds upon the frame before; with layers, it is not known upon which. */
  #identity(keyframe: boolean, { temporalId, spatialId }: FrameDependency): SerializedEncodedFrame['metadata'] {
    const frameId = this.#frameId++
    if (keyframe) return { frameId, dependencies: [] }
    return temporalId === undefined && spatialId === undefined
      ? { frameId, dependencies: frameId === 0 ? [] : [frameId - 1] }
      : { frameId }
  }

  #audio(frame: RecordedFrame): SerializedEncodedFrame['metadata'] {
    const value = extensionOf(frame, ExtensionUri.audioLevel)
    const level = value && readAudioLevel(value)?.level
    return {
      // webrtc-encoded-transform §4.4.1: only of incoming frames
      ...(this.#options.side === 'receiver' ? { sequenceNumber: frame.first.sequenceNumber } : {}),
      // webrtc-encoded-transform §4.4.1: 127 is silence, the rest a level in -dBov
      ...(level === undefined ? {} : { audioLevel: level === 127 ? 0 : 10 ** (-level / 20) }),
    }
  }

  /** webrtc-encoded-transform §2.1.2, readEncodedData, step 6: where a packet does not tell it, it follows from one that did. */
  #captureTime(frame: RecordedFrame): RTCEncodedFrameMetadata {
    const { timestamp } = frame.first
    const value = extensionOf(frame, ExtensionUri.absCaptureTime)
    const told = value && readAbsCaptureTime(value)
    if (told) this.#capture = this.#readCapture(told, timestamp)
    const capture = this.#capture
    if (capture === undefined) return {}
    const elapsed = (((timestamp - capture.timestamp) | 0) * 1_000) / frame.origin.codec.clockRate
    const offset = capture.offsetMs === undefined ? {} : { senderCaptureTimeOffset: capture.offsetMs }
    return { captureTime: capture.time + elapsed, ...offset }
  }

  #readCapture({ captureTime, clockOffset }: AbsCaptureTime, timestamp: number): CaptureTime {
    const { now, wallTime } = this.#options
    const timeOrigin = wallTime() - now()
    // abs-capture-time.md: signed 32.32 fixed-point seconds
    const offsetMs = clockOffset === undefined ? this.#capture?.offsetMs : (Number(clockOffset) / 2 ** 32) * 1_000
    return { timestamp, time: wallTimeFromNtp(captureTime) - timeOrigin, offsetMs }
  }
}

function extensionOf({ first, context }: RecordedFrame, uri: string): Uint8Array | undefined {
  const id = context.extensions.idOf(uri)
  return id === undefined ? undefined : findExtension(first.extension, id)
}
