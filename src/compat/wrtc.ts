/** In place of `wrtc` and `@roamhq/wrtc`. */
import type { MediaStream } from '../index.ts'
import { interfaces, type WebRtcInterfaces } from '../polyfill/interfaces.ts'
import { type MediaDevices, type MediaStreamConstraints, mediaDevices } from '../testing/index.ts'

export {
  MediaStream,
  MediaStreamTrack,
  MediaStreamTrackEvent,
  OverconstrainedError,
  RTCCertificate,
  RTCDataChannel,
  RTCDataChannelEvent,
  RTCDTMFSender,
  RTCDTMFToneChangeEvent,
  RTCDtlsTransport,
  RTCEncodedAudioFrame,
  RTCEncodedVideoFrame,
  RTCError,
  RTCErrorEvent,
  RTCIceCandidate,
  RTCIceCandidatePair,
  RTCIceTransport,
  RTCPeerConnection,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
  RTCRtpReceiver,
  RTCRtpScriptTransform,
  RTCRtpSender,
  RTCRtpTransceiver,
  RTCSctpTransport,
  RTCSessionDescription,
  RTCStatsReport,
  RTCTrackEvent,
} from '../index.ts'
export { mediaDevices } from '../testing/index.ts'

/** Opus silence and a moving picture in VP8: see `icefloe/testing`. */
export function getUserMedia(constraints?: MediaStreamConstraints): Promise<MediaStream> {
  return mediaDevices.getUserMedia(constraints)
}

/** Raw samples and pictures, of which icefloe has none: any member is an error that says what to use. */
export const nonstandard: Readonly<Record<NonstandardName, never>> = withoutMembers({
  RTCAudioSource: 'EncodedTrackSource takes encoded audio, RtpTrackSource packets',
  RTCAudioSink: 'EncodedTrackSink gives encoded audio, RtpTrackSink packets',
  RTCVideoSource: 'EncodedTrackSource takes encoded video, RtpTrackSource packets',
  RTCVideoSink: 'EncodedTrackSink gives encoded video, RtpTrackSink packets',
  i420ToRgba: 'icefloe has no raw pictures',
  rgbaToI420: 'icefloe has no raw pictures',
})

type NonstandardName =
  | 'RTCAudioSource'
  | 'RTCAudioSink'
  | 'RTCVideoSource'
  | 'RTCVideoSink'
  | 'i420ToRgba'
  | 'rgbaToI420'

/** What `require('wrtc')` is. */
export interface Wrtc extends WebRtcInterfaces {
  readonly getUserMedia: typeof getUserMedia
  readonly mediaDevices: MediaDevices
  readonly nonstandard: typeof nonstandard
}

const wrtc: Wrtc = { ...interfaces, getUserMedia, mediaDevices, nonstandard }

export default wrtc
// What `require()` gives, in place of the module's namespace.
export { wrtc as 'module.exports' }

function withoutMembers(advice: Readonly<Record<NonstandardName, string>>): typeof nonstandard {
  const target = {}
  for (const [name, instead] of Object.entries(advice)) {
    // Not enumerable: who copies the members that there are gets no error.
    Object.defineProperty(target, name, {
      get() {
        throw new Error(`nonstandard.${name} of wrtc is not in icefloe: ${instead}; see docs/compat.md`)
      },
    })
  }
  return target as typeof nonstandard
}
