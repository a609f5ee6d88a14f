import {
  isRtpSection,
  rtpMedia,
  type SdpDirection,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
} from '../../../sdp/index.ts'

/** RFC 3264 §6, RFC 9143 §6: port zero, unless that only says that the section has no transport of its own. */
export function isRejected(section: SdpMedia): boolean {
  return section.port === 0 && !section.bundleOnly
}

/** Whether a section carries audio or video. */
export function isInUse(section: SdpMedia | undefined): section is SdpMedia {
  return section !== undefined && isRtpSection(section) && !isRejected(section)
}

/** RFC 8866 §6.7: that of the section, or of the session, or `sendrecv`; of a rejected section: `inactive`. */
export function directionOf(session: SdpSession, section: SdpMedia): SdpDirection {
  if (isRejected(section)) return 'inactive'
  return section.direction ?? session.direction ?? 'sendrecv'
}

/**
 * What a section says about RTP; read once.
 *
 * @throws {SdpError} see {@link rtpMedia}
 */
export function rtpOf(session: SdpSession, section: SdpMedia): SdpRtpMedia {
  let rtp = known.get(section)
  if (rtp === undefined) {
    rtp = rtpMedia(session, section)
    known.set(section, rtp)
  }
  return rtp
}

// Sections are values: what one says does not change.
const known = new WeakMap<SdpMedia, SdpRtpMedia>()
