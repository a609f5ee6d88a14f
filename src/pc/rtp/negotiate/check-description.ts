import {
  answerDirection,
  bundleGroup,
  codecParameters,
  commonDirection,
  conflictingExtensionIds,
  conflictingPayloadTypes,
  effectiveTransport,
  isRtpSection,
  maxMidLength,
  rtpProfile,
  SdpError,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
  taggedSection,
  undefinedRids,
  unofferedFeedback,
} from '../../../sdp/index.ts'
import { bundleGroups } from '../../negotiation/bundle-plan.ts'
import type { AppliedMedia } from '../../negotiation/media-negotiation.ts'
import { directionOf, isInUse, isRejected, rtpOf } from './sections.ts'

/**
 * RFC 8829 §5.8.3: what a description says about audio and video, before anything follows it. That each mid is there once
 * is seen to where descriptions are parsed.
 *
 * @throws {DOMException} InvalidAccessError, with the section and the reason (webrtc-pc §4.4.1.4, step 4.5.6)
 */
export function checkDescription({ side, type, session, offer }: AppliedMedia): void {
  session.media.forEach((section, index) => {
    checkMid(section, index)
    if (!isInUse(section)) return
    const where = nameOf(section, index)
    const rtp = readRtp(session, section, where)
    checkRtp(rtp, section, where)
    if (side === 'remote') checkSecurity(session, section, where)
    if (type !== 'offer' && offer !== undefined) checkAnswer({ session, section, rtp, where }, offer, index)
  })
  checkBundles(session)
}

/** As in browsers: RTP could not carry it. The message must not hold it either: it may have a million characters. */
function checkMid({ mid = '' }: SdpMedia, index: number): void {
  if (mid.length <= maxMidLength) return
  throw invalid(`m= section ${index}: the mid has ${mid.length} characters, and may have ${maxMidLength}`)
}

/** Characters of what a message repeats. */
const maxQuoted = 64

interface CheckedSection {
  readonly session: SdpSession
  readonly section: SdpMedia
  readonly rtp: SdpRtpMedia
  readonly where: string
}

function readRtp(session: SdpSession, section: SdpMedia, where: string): SdpRtpMedia {
  try {
    return rtpOf(session, section)
  } catch (error) {
    // The lines are well-formed, but do not go together, or there are too many of them.
    if (error instanceof SdpError) throw invalid(`${where}: ${error.message}`)
    throw error
  }
}

function checkRtp(rtp: SdpRtpMedia, section: SdpMedia, where: string): void {
  // RFC 8829 §5.8.3: all rid-ids of a simulcast must exist
  const [rid] = undefinedRids(rtp)
  if (rid !== undefined) throw invalid(`${where}: a=simulcast has the rid ${rid}, which no a=rid describes`)
  // RFC 5761 §4: these would be taken for RTCP
  const mistakable = rtp.codecs.find(({ payloadType }) => section.rtcpMux && payloadType >= 64 && payloadType <= 95)
  if (mistakable !== undefined) {
    throw invalid(`${where}: payload type ${mistakable.payloadType} cannot be told from RTCP, which is multiplexed`)
  }
  // RFC 8829 §5.10: so must the payload types that retransmissions are of
  const formats = new Set(section.formats.map(Number))
  for (const codec of rtp.codecs) {
    const parameters = codecParameters(codec)
    if (parameters.codec !== 'rtx') continue
    if (parameters.apt === undefined || !formats.has(parameters.apt)) {
      throw invalid(`${where}: the rtx of payload type ${codec.payloadType} repairs no payload type of the section`)
    }
  }
}

/** RFC 8829 §5.1.1, §5.1.2: DTLS-SRTP is meant if there is a fingerprint, and it has to be meant. */
function checkSecurity(session: SdpSession, section: SdpMedia, where: string): void {
  const group = bundleGroup(session, section)
  const carriers = [section, group === undefined ? undefined : taggedSection(session, group)]
  const hasFingerprint = carriers.some(
    carrier => carrier !== undefined && effectiveTransport(session, carrier).fingerprints.length > 0,
  )
  if (hasFingerprint) return
  const isPlain = rtpProfile(section.protocol)?.secure === false
  throw invalid(
    isPlain
      ? `${where}: ${section.protocol} without a=fingerprint is RTP in the clear, and media has to be encrypted by DTLS-SRTP`
      : `${where}: there is no a=fingerprint, and so no DTLS-SRTP`,
  )
}

function checkAnswer({ session, section, rtp, where }: CheckedSection, offer: SdpSession, index: number): void {
  const offered = offer.media[index]
  if (offered === undefined || !isRtpSection(offered) || isRejected(offered)) {
    throw invalid(`${where}: it was not offered`)
  }
  // RFC 8829 §5.8.3: type and protocol are those of the offer
  if (offered.kind !== section.kind) throw invalid(`${where}: it was offered as ${offered.kind}`)
  if (offered.protocol !== section.protocol) {
    throw invalid(`${where}: the protocol is ${section.protocol}, but ${offered.protocol} was offered`)
  }
  // RFC 3264 §6.1: no direction that the offer does not leave
  const given = directionOf(session, section)
  if (commonDirection(given, answerDirection(directionOf(offer, offered), 'sendrecv')) !== given) {
    throw invalid(`${where}: ${given} is no answer to ${directionOf(offer, offered)}`)
  }
  // RFC 8829 §5.11: no feedback that was not offered
  const [feedback] = unofferedFeedback(rtpOf(offer, offered), rtp)
  if (feedback !== undefined) {
    throw invalid(
      `${where}: the feedback "${`${feedback.type} ${feedback.parameter ?? ''}`.slice(0, maxQuoted)}" was not offered`,
    )
  }
}

/** RFC 9143 §9.1.1, RFC 8285 §7: the sections of a group share payload types and identifiers. */
function checkBundles(session: SdpSession): void {
  for (const group of bundleGroups(session)) {
    const sections = group.map(index => session.media[index]).filter(isInUse)
    const rtp = sections.map(section => rtpOf(session, section))
    const [payloadType] = conflictingPayloadTypes(rtp)
    if (payloadType !== undefined) throw invalid(`payload type ${payloadType} has two meanings in a BUNDLE group`)
    const [id] = conflictingExtensionIds(rtp)
    if (id !== undefined) throw invalid(`a=extmap:${id} has two meanings in a BUNDLE group`)
  }
}

function nameOf({ kind, mid }: SdpMedia, index: number): string {
  return `m= section ${index} (${kind}${mid === undefined ? '' : `, mid ${mid}`})`
}

function invalid(message: string): DOMException {
  return new DOMException(message, 'InvalidAccessError')
}
