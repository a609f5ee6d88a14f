import { codecRole, formatParameters, sameCodec, sameFormat } from '../../sdp/index.ts'
import { toSdpCodec } from './codecs.ts'
import type { RTCRtpCodec } from './parameters.ts'

/**
 * webrtc-pc §5.4: the codec dictionary match algorithm.
 *
 * @param ignoreAsymmetricalParameters whether parameters that each side has for itself (levels, for example) may differ
 */
export function codecsMatch(first: RTCRtpCodec, second: RTCRtpCodec, ignoreAsymmetricalParameters = false): boolean {
  // webrtc-pc §5.4 codec dictionary match, steps 1 to 3
  if (first.mimeType.toLowerCase() !== second.mimeType.toLowerCase()) return false
  if (first.clockRate !== second.clockRate) return false
  if (first.channels !== second.channels) return false
  const [left, right] = [first.sdpFmtpLine, second.sdpFmtpLine]
  // webrtc-pc §5.4 codec dictionary match, step 4
  if (left === undefined || right === undefined) return left === right
  // webrtc-pc §5.4 codec dictionary match, step 5.1
  if (!isKeyValue(left) || !isKeyValue(right)) return left === right
  // webrtc-pc §5.4 codec dictionary match, step 5.3: parameters that are symmetrical
  if (!sameCodec(toSdpCodec(first), toSdpCodec(second))) return false
  // webrtc-pc §5.4 codec dictionary match, step 5.4
  return ignoreAsymmetricalParameters || sameFormat(left, right)
}

/** webrtc-pc §5.4 setCodecPreferences, step 8: whether a codec carries media, and does not only help another. */
export function isMediaCodec(codec: RTCRtpCodec): boolean {
  const role = codecRole(toSdpCodec(codec))
  return role === 'media' || role === 'telephone-event'
}

/** `name=value;name=value`; not `0-15` or `111/111`. */
function isKeyValue(fmtp: string): boolean {
  return fmtp.includes('=') && formatParameters(fmtp).size > 0
}
