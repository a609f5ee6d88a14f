import { isDataSection, isRtpSection, type SdpGroup, type SdpMedia, type SdpSession } from '../../sdp/index.ts'
import type { RTCBundlePolicy } from '../configuration.ts'

/** Transports that a peer can make us have: each costs sockets, an ICE agent and a DTLS association. Further sections are rejected. */
export const maxTransports = 64

/** RFC 9143 §7.1: a bundle-only section is in use although its port is zero. */
export function isLive(section: SdpMedia | undefined): section is SdpMedia {
  return section !== undefined && (section.port !== 0 || section.bundleOnly)
}

/** Live, and of a kind that a transport of ours carries. */
export function isCarried(section: SdpMedia | undefined): section is SdpMedia {
  return isLive(section) && (isRtpSection(section) || isDataSection(section))
}

const knownGroups = new WeakMap<SdpSession, readonly (readonly number[])[]>()

/** The BUNDLE groups of a description, as indices of m= sections; mids that name none are left out. */
export function bundleGroups(session: SdpSession): readonly (readonly number[])[] {
  const known = knownGroups.get(session) ?? findGroups(session)
  knownGroups.set(session, known)
  return known
}

function findGroups(session: SdpSession): number[][] {
  const indexOf = new Map(session.media.flatMap(({ mid }, index) => (mid === undefined ? [] : [[mid, index] as const])))
  const claimed = new Set<number>()
  // RFC 9143 §7: a section is in one group; of several the first counts
  const claim = (mid: string): number[] => {
    const index = indexOf.get(mid)
    if (index === undefined || claimed.has(index) || !isLive(session.media[index])) return []
    claimed.add(index)
    return [index]
  }
  return session.groups.filter(isBundle).map(group => group.mids.flatMap(claim))
}

/**
 * For each section the index of the one whose transport it is on if what the description bundles is bundled; undefined
 * for one that is not in use.
 */
export function bundledHomes(session: SdpSession): readonly (number | undefined)[] {
  const known = knownHomes.get(session) ?? findHomes(session)
  knownHomes.set(session, known)
  return known
}

const knownHomes = new WeakMap<SdpSession, readonly (number | undefined)[]>()

function findHomes(session: SdpSession): readonly (number | undefined)[] {
  const homes: (number | undefined)[] = session.media.map((section, index) => (isLive(section) ? index : undefined))
  for (const group of bundleGroups(session)) {
    // RFC 9143 §7.3.1: the first one in the group that has a transport to bring
    const tag = group.find(index => session.media[index]?.port !== 0)
    for (const index of group) homes[index] = tag
  }
  return homes
}

/** RFC 8829 §5.3.1: which of the offered sections the bundle policy lets us accept. */
export function acceptable(policy: RTCBundlePolicy, offer: SdpSession): boolean[] {
  const homes = bundledHomes(offer)
  const transports = new Set<number>()
  const firsts = firstsOf(policy, offer)
  return offer.media.map((section, index) => {
    const home = homes[index]
    if (home === undefined || !isCarried(section)) return false
    const first = firsts.get(section.kind)
    if (first !== undefined && first !== index && homes[first] !== home) return false
    if (!transports.has(home) && transports.size >= maxTransports) return false
    transports.add(home)
    return true
  })
}

/** By the kind of a section: the one whose transport all others of the policy's scope must be on. */
function firstsOf(policy: RTCBundlePolicy, { media }: SdpSession): ReadonlyMap<string, number> {
  const firsts = new Map<string, number>()
  if (policy === 'max-compat') return firsts
  let firstOfAll: number | undefined
  media.forEach((section, index) => {
    if (!isCarried(section)) return
    firstOfAll ??= index
    if (!firsts.has(section.kind)) firsts.set(section.kind, policy === 'max-bundle' ? firstOfAll : index)
  })
  return firsts
}

/** A section of the offer that is being made. */
export interface OfferedPlace<Transport> {
  /** Undefined: a place that is not used. */
  readonly kind: string | undefined
  readonly transport: Transport | undefined
}

/** What is to be known of a transport that a section has. */
export interface PlannedTransport {
  readonly isNegotiated: boolean
  /** The answer has put it into a BUNDLE group. */
  readonly isBundled: boolean
  readonly mLineIndex: number
}

/** How a section of our offer gets its transport. */
export type OfferedTransport<Transport> =
  | { readonly type: 'rejected' }
  /** It brings one: the one it has, or a new one. */
  | { readonly type: 'own'; readonly transport: Transport | undefined }
  /** It is on one that another section brings. */
  | { readonly type: 'shared'; readonly transport: Transport }
  | { readonly type: 'bundle-only' }

export interface OfferPlan<Transport> {
  readonly sections: readonly OfferedTransport<Transport>[]
  /** The BUNDLE groups, by index, the section that brings the transport first. */
  readonly groups: readonly (readonly number[])[]
}

/** RFC 8829 §4.1.1, §5.2.1 and §5.2.2: which sections bring a transport, and which are bundled with which. */
export function planOffer<Transport extends PlannedTransport>(
  policy: RTCBundlePolicy,
  places: readonly OfferedPlace<Transport>[],
): OfferPlan<Transport> {
  const bundle = places.find(({ kind, transport }) => kind !== undefined && transport?.isBundled === true)?.transport
  const homes = homesOfTransports(places)
  const sections = places.map(({ kind, transport }, index): OfferedTransport<Transport> => {
    if (kind === undefined) return { type: 'rejected' }
    if (transport !== undefined) {
      return homes.get(transport) === index ? { type: 'own', transport } : { type: 'shared', transport }
    }
    // RFC 9143 §7.5.1: what is added to a group that was negotiated cannot leave it in the answer: it needs nothing of its own
    if (bundle !== undefined) return { type: 'shared', transport: bundle }
    const bringsOne = policy === 'max-compat' || carrierOf(policy, places, kind) === index
    return bringsOne ? { type: 'own', transport: undefined } : { type: 'bundle-only' }
  })
  return { sections, groups: planGroups(policy, places, sections, bundle) }
}

/** Which section brings each transport: the one that brought it before, if it is still there. RFC 9143 §7.5. */
function homesOfTransports<Transport extends PlannedTransport>(
  places: readonly OfferedPlace<Transport>[],
): ReadonlyMap<Transport, number> {
  const homes = new Map<Transport, number>()
  places.forEach(({ kind, transport }, index) => {
    if (kind === undefined || transport === undefined) return
    if (!homes.has(transport) || transport.mLineIndex === index) homes.set(transport, index)
  })
  return homes
}

/** RFC 8829 §4.1.1: the section that brings a transport for one of this kind, unless each brings its own. */
function carrierOf(policy: RTCBundlePolicy, places: readonly OfferedPlace<unknown>[], kind: string): number {
  return places.findIndex(place => place.kind !== undefined && (policy === 'max-bundle' || place.kind === kind))
}

/** RFC 8829 §5.2.2: the groups of the most recent answer, and what is new in the first of them, or in one of its own. */
function planGroups<Transport extends PlannedTransport>(
  policy: RTCBundlePolicy,
  places: readonly OfferedPlace<Transport>[],
  sections: readonly OfferedTransport<Transport>[],
  bundle: Transport | undefined,
): number[][] {
  const groups = new Map<Transport | undefined, number[]>()
  const add = (key: Transport | undefined, index: number): void => {
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [index])
    // RFC 9143 §7.2.1: a section with a transport comes first
    else if (sections[index]?.type === 'own' && key !== undefined) group.unshift(index)
    else group.push(index)
  }
  const carriers = new Set<number>()
  sections.forEach(({ type }, index) => {
    if (type === 'bundle-only') carriers.add(carrierOf(policy, places, places[index]?.kind ?? ''))
  })
  sections.forEach((section, index) => {
    if (section.type === 'rejected') return
    const transport = 'transport' in section ? section.transport : undefined
    if (transport?.isBundled === true) add(transport, index)
    else if (transport?.isNegotiated !== true || carriers.has(index)) add(bundle, index)
  })
  return [...groups.values()]
}

function isBundle({ semantics }: SdpGroup): boolean {
  return semantics === 'BUNDLE'
}
