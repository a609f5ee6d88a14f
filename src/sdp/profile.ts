import type { SdpMedia } from './description.ts'

/** What the protocol of an m= line says about RTP. */
export interface RtpProfile {
  /** SAVP or SAVPF. With `RTP/AVP` and `RTP/AVPF` only a fingerprint tells that SRTP is meant. */
  readonly secure: boolean
  /** AVPF or SAVPF: the feedback timing of RFC 4585. */
  readonly feedback: boolean
  readonly transport: 'udp' | 'tcp'
  /** One of the two that an offer of ours names: `UDP/TLS/RTP/SAVPF`, `TCP/DTLS/RTP/SAVPF`. */
  readonly canonical: boolean
}

/** RFC 8829 §5.1.2: the profiles to be accepted in an offer. */
const profiles: ReadonlyMap<string, RtpProfile> = new Map([
  ['RTP/AVP', profile(false, false, 'udp')],
  ['RTP/AVPF', profile(false, true, 'udp')],
  ['RTP/SAVP', profile(true, false, 'udp')],
  ['RTP/SAVPF', profile(true, true, 'udp')],
  ['TCP/DTLS/RTP/SAVP', profile(true, false, 'tcp')],
  ['TCP/DTLS/RTP/SAVPF', profile(true, true, 'tcp', true)],
  ['UDP/TLS/RTP/SAVP', profile(true, false, 'udp')],
  ['UDP/TLS/RTP/SAVPF', profile(true, true, 'udp', true)],
])

/**
 * The RTP profile of an m= line's protocol.
 *
 * @returns undefined if it is not RTP, or not a profile that a peer connection has to know
 */
export function rtpProfile(protocol: string): RtpProfile | undefined {
  return profiles.get(protocol)
}

/** Whether a section carries RTP as a peer connection knows it: audio or video, with one of the profiles of RFC 8829 §5.1.2. */
export function isRtpSection(media: SdpMedia): boolean {
  return (media.kind === 'audio' || media.kind === 'video') && profiles.has(media.protocol)
}

function profile(secure: boolean, feedback: boolean, transport: 'udp' | 'tcp', canonical = false): RtpProfile {
  return { secure, feedback, transport, canonical }
}
