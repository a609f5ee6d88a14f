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
    endOfCandidates: media.endOfCandidates || lookUp(session).endOfCandidates,
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
  return lookUp(session).bundles.get(mid)
}

/** The section whose transport a group shares. RFC 9143 §7.2.1: the one that the first mid names. */
export function taggedSection(session: SdpSession, group: SdpGroup): SdpMedia | undefined {
  const [tag] = group.mids
  return tag === undefined ? undefined : lookUp(session).sections.get(tag)
}

/** What is asked of a session for each of its sections, of which there may be a thousand, and as many groups. */
interface SessionIndex {
  /** By mid; of several groups the first. */
  readonly bundles: ReadonlyMap<string, SdpGroup>
  /** By mid; of several sections the first. */
  readonly sections: ReadonlyMap<string, SdpMedia>
  readonly endOfCandidates: boolean
}

const indices = new WeakMap<SdpSession, SessionIndex>()

function lookUp(session: SdpSession): SessionIndex {
  const known = indices.get(session) ?? createIndex(session)
  indices.set(session, known)
  return known
}

function createIndex({ groups, media, attributes }: SdpSession): SessionIndex {
  const bundles = new Map<string, SdpGroup>()
  for (const group of groups) {
    if (group.semantics !== 'BUNDLE') continue
    for (const mid of group.mids) if (!bundles.has(mid)) bundles.set(mid, group)
  }
  const sections = new Map<string, SdpMedia>()
  for (const section of media) {
    if (section.mid !== undefined && !sections.has(section.mid)) sections.set(section.mid, section)
  }
  return { bundles, sections, endOfCandidates: attributes.some(({ name }) => name === 'end-of-candidates') }
}
