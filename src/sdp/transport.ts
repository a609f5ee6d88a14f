import type { SdpFingerprint, SdpGroup, SdpMedia, SdpSession, SdpSetup } from './description.ts'

/** What a media section says about its transport, by itself or through the session section. */
export interface SdpTransport {
  readonly iceLite: boolean
  readonly iceUfrag?: string
  readonly icePwd?: string
  readonly iceOptions: readonly string[]
  readonly fingerprints: readonly SdpFingerprint[]
  readonly setup?: SdpSetup
  readonly tlsId?: string
  readonly endOfCandidates: boolean
}

/**
 * The transport attributes that are in force for a media section: its own where it has them, those of the session
 * section otherwise.
 *
 * A section that is bundled into another one has none of its own: ask for the {@link taggedSection} of its group.
 *
 * RFC 8839 §5.4, RFC 8122 §5, RFC 8829 §5.8.3: each attribute on its own; a value of the media section takes precedence.
 */
export function effectiveTransport(session: SdpSession, media: SdpMedia): SdpTransport {
  const iceUfrag = media.iceUfrag ?? session.iceUfrag
  const icePwd = media.icePwd ?? session.icePwd
  const setup = media.setup ?? session.setup
  const tlsId = media.tlsId ?? session.tlsId
  return {
    iceLite: session.iceLite,
    iceOptions: media.iceOptions.length > 0 ? media.iceOptions : session.iceOptions,
    fingerprints: media.fingerprints.length > 0 ? media.fingerprints : session.fingerprints,
    endOfCandidates: media.endOfCandidates || session.attributes.some(({ name }) => name === 'end-of-candidates'),
    ...(iceUfrag === undefined ? {} : { iceUfrag }),
    ...(icePwd === undefined ? {} : { icePwd }),
    ...(setup === undefined ? {} : { setup }),
    ...(tlsId === undefined ? {} : { tlsId }),
  }
}

/** The BUNDLE group that a section is in. */
export function bundleGroup(session: SdpSession, media: SdpMedia): SdpGroup | undefined {
  const { mid } = media
  if (mid === undefined) return undefined
  return session.groups.find(group => group.semantics === 'BUNDLE' && group.mids.includes(mid))
}

/** The section whose transport a group shares. RFC 9143 §7.2.1: the one that the first mid names. */
export function taggedSection(session: SdpSession, group: SdpGroup): SdpMedia | undefined {
  return session.media.find(({ mid }) => mid !== undefined && mid === group.mids[0])
}
