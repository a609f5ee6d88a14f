import {
  answeredDataForm,
  emptySection,
  type SdpMedia,
  type SdpOrigin,
  type SdpSession,
  type SdpSetup,
} from '../sdp/index.ts'
import { bundleGroups } from './negotiation/bundle-plan.ts'
import type { OfferedSection } from './negotiation/media-negotiation.ts'
import {
  bundleOnly,
  inactive,
  type LocalTransportDescription,
  onSharedTransport,
  type RtcpLines,
  rejected,
  withTransport,
} from './negotiation/write-transport.ts'

export interface LocalDataDescription {
  readonly sctpPort: number
  readonly maxMessageSize: number
}

/** How a section of an offer comes by its transport. */
export type OfferedLines =
  | { readonly type: 'rejected' }
  | {
      readonly type: 'own' | 'shared' | 'bundle-only'
      /** Of a bundle-only section: that of its group. */
      readonly transport: LocalTransportDescription
      readonly rtcp: RtcpLines
    }

export interface OfferInput {
  readonly origin: SdpOrigin
  readonly iceLite: boolean
  readonly sections: readonly OfferedSection[]
  readonly lines: readonly OfferedLines[]
  /** The BUNDLE groups, by index of their sections. */
  readonly groups: readonly (readonly number[])[]
  readonly data: LocalDataDescription
}

/** An offered section that is accepted. */
export interface AcceptedSection {
  /** Undefined for the data section, and for one that is kept because others are bundled onto its transport. */
  readonly media: SdpMedia | undefined
  readonly transport: LocalTransportDescription
  readonly setup: SdpSetup
  readonly rtcp: RtcpLines
}

export interface AnswerInput {
  readonly origin: SdpOrigin
  readonly iceLite: boolean
  readonly offer: SdpSession
  /** By index; undefined: the section is rejected. */
  readonly accepted: readonly (AcceptedSection | undefined)[]
  /** The index of the section for data channels, or -1. */
  readonly dataIndex: number
  /** The offered BUNDLE groups, without what does not stay in them; the section that brings the transport comes first. */
  readonly groups: readonly (readonly number[])[]
  readonly data: LocalDataDescription
}

/** RFC 8829 §5.2: an offer with the m= sections that were laid out, each with what it says of its transport. */
export function createOffer(input: OfferInput): SdpSession {
  const media = input.sections.map((section, index) => offeredSection(section, input.lines[index], input.data))
  return session(input, media)
}

/** RFC 8829 §5.3: an answer section for each offered one. */
export function createAnswer(input: AnswerInput): SdpSession {
  const shared = new Set(input.groups.flatMap(group => group.slice(1)))
  const media = input.offer.media.map((offered, index) => {
    const accepted = input.accepted[index]
    if (accepted === undefined) return rejected(offered)
    const { transport, setup, rtcp } = accepted
    const section =
      index === input.dataIndex ? answeredData(offered, input.data) : (accepted.media ?? inactive(offered))
    return shared.has(index)
      ? onSharedTransport(section, transport, setup, rtcp)
      : withTransport(section, transport, setup, rtcp)
  })
  return session(input, media)
}

/**
 * RFC 9143 §7.3: the offered groups, reduced to what is accepted and on one transport.
 *
 * @param transportOf what a section would be on, if it is accepted
 */
export function answerGroups(
  offer: SdpSession,
  isAccepted: (index: number) => boolean,
  transportOf: (index: number) => { readonly isBundled: boolean } | undefined,
): number[][] {
  const groups = bundleGroups(offer).map(group => {
    const tag = tagOf(offer, group, isAccepted, transportOf)
    if (tag === undefined) return []
    const members = group.filter(index => index !== tag && isAccepted(index) && transportOf(index) === transportOf(tag))
    return isAccepted(tag) || members.length > 0 ? [tag, ...members] : []
  })
  return groups.filter(group => group.length > 0)
}

function tagOf(
  { media }: SdpSession,
  group: readonly number[],
  isAccepted: (index: number) => boolean,
  transportOf: (index: number) => { readonly isBundled: boolean } | undefined,
): number | undefined {
  const bringing = group.filter(index => media[index]?.port !== 0)
  const [offered] = bringing
  // RFC 9143 §7.3: the tag of a group that was negotiated stays; §7.3.1: of a new one it is the first that is accepted.
  // §7.3.3: and where that leaves bundle-only sections without a transport, the first is kept for them.
  const isNegotiated = group.some(index => transportOf(index)?.isBundled === true)
  return isNegotiated ? offered : (bringing.find(isAccepted) ?? offered)
}

function offeredSection(
  offered: OfferedSection,
  lines: OfferedLines | undefined,
  data: LocalDataDescription,
): SdpMedia {
  if (offered.type === 'rejected') return rejected(offered.section)
  const section = offered.type === 'data' ? dataSection(offered.mid, data) : offered.section
  switch (lines?.type) {
    case 'own':
      // RFC 8842 §5.2: the answerer chooses the role
      return withTransport(section, lines.transport, 'actpass', lines.rtcp)
    case 'shared':
      return onSharedTransport(section, lines.transport, 'actpass', lines.rtcp)
    case 'bundle-only':
      return bundleOnly(section, lines.transport, 'actpass', lines.rtcp)
    default:
      return rejected(section)
  }
}

function session(
  { origin, iceLite, groups }: Pick<OfferInput, 'origin' | 'iceLite' | 'groups'>,
  media: readonly SdpMedia[],
): SdpSession {
  const named = groups.map(group => group.flatMap(index => media[index]?.mid ?? []))
  return {
    origin,
    sessionName: '-',
    groups: named.filter(mids => mids.length > 0).map(mids => ({ semantics: 'BUNDLE', mids })),
    // RFC 8839 §5.3: a lite agent says so for the whole session
    iceLite,
    iceOptions: [],
    fingerprints: [],
    attributes: [],
    media,
  }
}

function dataSection(mid: string | undefined, data: LocalDataDescription): SdpMedia {
  return {
    ...emptySection('application', 9, 'UDP/DTLS/SCTP', ['webrtc-datachannel']),
    ...(mid === undefined ? {} : { mid }),
    sctpPort: data.sctpPort,
    maxMessageSize: data.maxMessageSize,
  }
}

function answeredData(offered: SdpMedia, data: LocalDataDescription): SdpMedia {
  return { ...dataSection(offered.mid, data), ...answeredDataForm(offered, data.sctpPort) }
}
