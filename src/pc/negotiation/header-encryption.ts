import { isRtpSection, type SdpMedia, type SdpSession } from '../../sdp/index.ts'
import { bundledHomes, isLive } from './bundle-plan.ts'

/** RFC 9335 §4: the attribute of who can receive packets whose header extensions are enciphered; of a section or a session. */
const attribute = { name: 'cryptex' } as const

/**
 * For each section whether its packets may come with their header extensions enciphered.
 *
 * RFC 9335 §4: of the sections in a bundle all have to say so, or the MID of a packet could not be read for all.
 */
export function takesHeaderEncryption(session: SdpSession): boolean[] {
  const homes = bundledHomes(session)
  const isForAll = session.attributes.some(isCryptex)
  const refusing = new Set<number | undefined>()
  session.media.forEach((section, index) => {
    if (!isForAll && isMedia(section) && !section.attributes.some(isCryptex)) refusing.add(homes[index])
  })
  return session.media.map((section, index) => isMedia(section) && !refusing.has(homes[index]))
}

/** RFC 9335 §4: an offer, in all sections of audio and video, or an answer, in those that the offer had it in. */
export function withHeaderEncryption(session: SdpSession, offer?: SdpSession): SdpSession {
  const isOffered = offer && takesHeaderEncryption(offer)
  const media = session.media.map((section, index) =>
    isMedia(section) && isOffered?.[index] !== false
      ? { ...section, attributes: [...section.attributes, attribute] }
      : section,
  )
  return { ...session, media }
}

/**
 * webrtc-extensions §12.1: what the policy `require` asks of a remote description.
 *
 * @throws {DOMException} InvalidAccessError
 */
export function requireHeaderEncryption(session: SdpSession): void {
  const takes = takesHeaderEncryption(session)
  const index = session.media.findIndex((section, at) => isMedia(section) && takes[at] !== true)
  if (index === -1) return
  const message = `m= section ${index} has no a=cryptex, which rtpHeaderEncryptionPolicy 'require' asks for`
  throw new DOMException(message, 'InvalidAccessError')
}

function isMedia(section: SdpMedia): boolean {
  return isLive(section) && isRtpSection(section)
}

function isCryptex({ name }: { readonly name: string }): boolean {
  return name === attribute.name
}
