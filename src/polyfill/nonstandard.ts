import { EncodedTrackSource } from '../pc/media/encoded-track-source.ts'
import type { MediaStreamTrack } from '../pc/media/media-stream-track.ts'
import { interfaces, type WebRtcInterfaces } from './interfaces.ts'

// What `wrtc` has beyond the standard is about raw samples and pictures. icefloe has none: it encodes and decodes nothing.

/** Makes tracks, as that of wrtc does. They carry nothing: samples cannot be given to them. */
export class RTCAudioSource {
  /** A track of its own for each call; what takes it is negotiated as for any other. */
  createTrack(): MediaStreamTrack {
    return new EncodedTrackSource('audio', { codec: 'audio/opus' }).track
  }

  /** @throws {Error} always: it says what to use instead */
  onData(_data: unknown): never {
    throw notInIcefloe('RTCAudioSource.onData', adviceForAudio)
  }
}

export interface RTCVideoSourceInit {
  readonly isScreencast?: boolean
  readonly needsDenoising?: boolean
}

/** Makes tracks, as that of wrtc does. They carry nothing: pictures cannot be given to them. */
export class RTCVideoSource {
  readonly isScreencast: boolean
  readonly needsDenoising: boolean | undefined

  constructor({ isScreencast = false, needsDenoising }: RTCVideoSourceInit = {}) {
    this.isScreencast = isScreencast
    this.needsDenoising = needsDenoising
  }

  /** A track of its own for each call; what takes it is negotiated as for any other. */
  createTrack(): MediaStreamTrack {
    return new EncodedTrackSource('video', { codec: 'video/VP8' }).track
  }

  /** @throws {Error} always: it says what to use instead */
  onFrame(_frame: unknown): never {
    throw notInIcefloe('RTCVideoSource.onFrame', adviceForVideo)
  }
}

export interface Nonstandard {
  readonly RTCAudioSource: typeof RTCAudioSource
  readonly RTCVideoSource: typeof RTCVideoSource
  readonly RTCAudioSink: never
  readonly RTCVideoSink: never
  readonly i420ToRgba: never
  readonly rgbaToI420: never
}

const adviceForAudio = 'EncodedTrackSource takes encoded audio, RtpTrackSource packets'
const adviceForVideo = 'EncodedTrackSource takes encoded video, RtpTrackSource packets'

/** As of `wrtc`: sources, whose tracks carry nothing. Any other member is an error that says what to use. */
export const nonstandard: Nonstandard = withoutMembers(
  { RTCAudioSource, RTCVideoSource },
  {
    RTCAudioSink: 'EncodedTrackSink gives encoded audio, RtpTrackSink packets',
    RTCVideoSink: 'EncodedTrackSink gives encoded video, RtpTrackSink packets',
    i420ToRgba: 'icefloe has no raw pictures',
    rgbaToI420: 'icefloe has no raw pictures',
  },
)

/** What packages have as their default that are overridden by icefloe itself. */
export interface PackageDefault extends WebRtcInterfaces {
  readonly nonstandard: Nonstandard
}

export const packageDefault: PackageDefault = { ...interfaces, nonstandard }

type Sources = Pick<Nonstandard, 'RTCAudioSource' | 'RTCVideoSource'>

function withoutMembers(
  target: Sources,
  advice: Readonly<Record<Exclude<keyof Nonstandard, keyof Sources>, string>>,
): Nonstandard {
  for (const [name, instead] of Object.entries(advice)) {
    // Not enumerable: who copies the members that there are gets no error.
    Object.defineProperty(target, name, {
      get() {
        throw notInIcefloe(name, instead)
      },
    })
  }
  return target as Nonstandard
}

function notInIcefloe(name: string, instead: string): Error {
  return new Error(`nonstandard.${name} of wrtc is not in icefloe: ${instead}; see docs/compat.md`)
}
