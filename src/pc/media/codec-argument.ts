import { type Converter, dictionary, domString, enforceRange, enumeration, optional, required } from '../webidl.ts'
import type { MediaCodec, MediaKind } from './track-signal.ts'

export const toMediaKind: Converter<MediaKind> = enumeration('MediaKind', ['audio', 'video'])

/** webrtc-pc §5.2.11: the dictionary RTCRtpCodec. */
export const toMediaCodec: Converter<MediaCodec> = dictionary('RTCRtpCodec', {
  channels: optional(enforceRange.unsignedShort),
  clockRate: required(enforceRange.unsignedLong),
  mimeType: required(domString),
  sdpFmtpLine: optional(domString),
})
