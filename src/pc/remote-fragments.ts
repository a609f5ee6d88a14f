import type { SdpSession } from '../sdp/index.ts'
import { bundleGroups } from './negotiation/bundle-plan.ts'

/**
 * The user name fragments that the candidates of the m= sections belong to, by index.
 *
 * RFC 9143 §7.1.3: a bundled section that has none of its own uses that of the tagged section. All at once, as a description
 * may have a thousand sections in one group.
 */
export function remoteFragments(session: SdpSession): readonly (string | undefined)[] {
  const shared = new Map<number, string | undefined>()
  for (const group of bundleGroups(session)) {
    const tag = group.find(index => session.media[index]?.iceUfrag !== undefined)
    const fragment = tag === undefined ? undefined : session.media[tag]?.iceUfrag
    for (const index of group) if (!shared.has(index)) shared.set(index, fragment)
  }
  return session.media.map(({ iceUfrag }, index) => iceUfrag ?? shared.get(index) ?? session.iceUfrag)
}
