import { isRtpSection, type SdpMedia, type SdpSession } from '../../../sdp/index.ts'
import type { AppliedMedia } from '../../negotiation/media-negotiation.ts'
import type { AgreedDescriptions } from './media-state.ts'
import { isInUse, rtpOf } from './sections.ts'

/**
 * What a description of the peer may not change of what was agreed on: packets that are on their way would be misread.
 *
 * @throws {DOMException} InvalidAccessError, with the section and the reason (webrtc-pc §4.4.1.4, step 4.5.6)
 */
export function checkContinuity({ side, session }: AppliedMedia, current: AgreedDescriptions | undefined): void {
  if (side !== 'remote' || current === undefined) return
  session.media.forEach((section, index) => {
    const before = current.remote.media[index]
    if (before === undefined || before.mid !== section.mid || !isInUse(before) || !isInUse(section)) return
    const known = extensionsOf(current.remote, before)
    for (const [id, uri] of extensionsOf(session, section)) {
      // RFC 8285 §7: an identifier that was agreed on is not remapped
      if ((known.get(id) ?? uri) !== uri) {
        throw new DOMException(`m= section ${index}: a=extmap:${id} has another meaning already`, 'InvalidAccessError')
      }
    }
  })
}

function extensionsOf(session: SdpSession, section: SdpMedia): ReadonlyMap<number, string> {
  if (!isRtpSection(section)) return new Map()
  return new Map(rtpOf(session, section).headerExtensions.map(({ id, uri }) => [id, uri]))
}
