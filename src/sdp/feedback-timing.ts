import type { SdpMedia } from './description.ts'
import { rtpProfile } from './profile.ts'
import type { SdpRtpMedia } from './rtp-description.ts'

/** Milliseconds. RFC 8829 §5.1.2: what makes AVPF compatible with a peer of AVP. */
const avpInterval = 4000
const interval = /^[0-9]{1,9}$/

/**
 * The least time between regular RTCP packets, `trr-int`, in milliseconds.
 *
 * RFC 8829 §5.1.2: zero with a feedback profile, or with any a=rtcp-fb line; 4000 otherwise. RFC 4585 §4.2: or what a
 * line says; of several the largest.
 */
export function regularRtcpInterval(media: SdpMedia, rtp: SdpRtpMedia): number {
  const feedback = rtp.codecs.flatMap(codec => codec.feedback)
  let said: number | undefined
  for (const { type, parameter = '' } of feedback) {
    if (type.toLowerCase() === 'trr-int' && interval.test(parameter)) said = Math.max(said ?? 0, Number(parameter))
  }
  if (said !== undefined) return said
  return rtpProfile(media.protocol)?.feedback === true || feedback.length > 0 ? 0 : avpInterval
}
