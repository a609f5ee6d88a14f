import { parseIp } from '../../base/ip.ts'
import type { IceParameters } from '../../ice/index.ts'
import {
  emptySection,
  isRtpSection,
  type SdpAttribute,
  type SdpCandidate,
  type SdpFingerprint,
  type SdpMedia,
  type SdpSetup,
} from '../../sdp/index.ts'

/** What this end says about one of its transports. */
export interface LocalTransportDescription {
  readonly ice: IceParameters
  readonly iceRenomination: boolean
  readonly fingerprints: readonly SdpFingerprint[]
  /** Of both components. */
  readonly candidates: readonly SdpCandidate[]
  readonly endOfCandidates: boolean
  /** RTCP has a component of its own, as long as nobody has agreed to multiplex it. */
  readonly hasRtcp: boolean
}

/** What a section says about RTCP: RFC 8829 §5.2.1, §5.3.1. */
export interface RtcpLines {
  /** a=rtcp-mux */
  readonly mux: boolean
  /** a=rtcp-mux-only */
  readonly muxOnly: boolean
}

/** A section that brings a transport, with its candidates. */
export function withTransport(
  section: SdpMedia,
  transport: LocalTransportDescription,
  setup: SdpSetup,
  rtcp: RtcpLines,
): SdpMedia {
  const { candidates, endOfCandidates } = transport
  const written = { ...withParameters(section, transport, setup), candidates, endOfCandidates }
  if (!isRtpSection(section)) return written
  return withRtcp({ ...written, attributes: transport.hasRtcp ? withRtcpAttribute(written) : written.attributes }, rtcp)
}

/**
 * A section on the transport of another one. RFC 9143 §7.3: its address is that of the group.
 *
 * §7.1.3 would have it say nothing else of the transport. Browsers repeat the parameters all the same, and rely on it: over
 * an answer without the fingerprints, Firefox crashes.
 */
export function onSharedTransport(
  section: SdpMedia,
  transport: LocalTransportDescription,
  setup: SdpSetup,
  rtcp: RtcpLines,
): SdpMedia {
  return withRtcp(withParameters(section, transport, setup), rtcp)
}

function withParameters(section: SdpMedia, transport: LocalTransportDescription, setup: SdpSetup): SdpMedia {
  return {
    ...section,
    ...defaultDestination(transport.candidates),
    iceUfrag: transport.ice.usernameFragment,
    icePwd: transport.ice.password,
    // draft-thatcher-ice-renomination §3: said by either side that can do it
    iceOptions: transport.iceRenomination ? ['trickle', 'renomination'] : ['trickle'],
    fingerprints: transport.fingerprints,
    setup,
  }
}

/**
 * RFC 9143 §6: a section that is there if it is bundled, and otherwise is not. It says nothing of a transport; browsers repeat
 * the parameters of the group here, too, and GStreamer relies on it.
 */
export function bundleOnly(
  section: SdpMedia,
  transport: LocalTransportDescription,
  setup: SdpSetup,
  rtcp: RtcpLines,
): SdpMedia {
  const unplaced = { port: 0, connection: 'IN IP4 0.0.0.0', bundleOnly: true }
  return withRtcp({ ...withParameters(section, transport, setup), ...unplaced }, rtcp)
}

/**
 * RFC 8829 §5.2.1 leaves a=rtcp-mux out of sections that bring no transport; libwebrtc refuses descriptions without it
 * ("RTCP-MUX must be enabled when BUNDLE is enabled"). RFC 8858 §3 has a=rtcp-mux-only in all of a group.
 */
function withRtcp(section: SdpMedia, { mux, muxOnly }: RtcpLines): SdpMedia {
  return isRtpSection(section) ? { ...section, rtcpMux: mux, rtcpMuxOnly: muxOnly } : section
}

/** RFC 3264 §6: a stream is rejected with port zero, its formats as offered. */
export function rejected(offered: SdpMedia): SdpMedia {
  return {
    ...emptySection(offered.kind, 0, offered.protocol, offered.formats),
    ...(offered.mid === undefined ? {} : { mid: offered.mid }),
    ...(offered.kind === 'application' ? {} : { direction: 'inactive' as const }),
  }
}

/** A section that carries nothing, kept because others are bundled onto its transport. */
export function inactive(offered: SdpMedia): SdpMedia {
  return {
    ...rejected(offered),
    attributes: offered.attributes.filter(({ name }) => name === 'rtpmap' || name === 'fmtp'),
  }
}

/** A section to which a candidate was added: its default destinations follow. RFC 8839 §4.2.1 */
export function withCandidate(section: SdpMedia, candidate: SdpCandidate): SdpMedia {
  const candidates = [...section.candidates, candidate]
  const added = { ...section, candidates, ...defaultDestination(candidates) }
  return section.attributes.some(isRtcp) ? { ...added, attributes: withRtcpAttribute(added) } : added
}

/** Port and address that an m= section names while `candidates` are known. */
export function defaultDestination(candidates: readonly SdpCandidate[]): { port: number; connection: string } {
  const target = defaultCandidate(candidates, 1)
  // RFC 8840 §4.1.1: port 9 and an unspecified address while there is no candidate
  return target === undefined
    ? { port: 9, connection: 'IN IP4 0.0.0.0' }
    : { port: target.port, connection: connectionOf(target) }
}

/** RFC 3605 §2.1: where RTCP goes if it is not multiplexed: to the default candidate of component 2. */
function withRtcpAttribute({ attributes, candidates }: SdpMedia): SdpAttribute[] {
  const target = defaultCandidate(candidates, 2)
  // RFC 8829 §5.2.1: the default value while there is none
  const value = target === undefined ? '9 IN IP4 0.0.0.0' : `${target.port} ${connectionOf(target)}`
  return [{ name: 'rtcp', value }, ...attributes.filter(attribute => !isRtcp(attribute))]
}

function isRtcp({ name }: SdpAttribute): boolean {
  return name === 'rtcp'
}

/** The type that is most likely to work comes first: RFC 8839 §4.2.1.1. */
const defaultOrder = ['relay', 'srflx', 'host']

/** A default destination is a UDP address: TCP candidates and names (draft-ietf-mmusic-mdns-ice-candidates §3.1.3) are none. */
function defaultCandidate(candidates: readonly SdpCandidate[], component: number): SdpCandidate | undefined {
  const usable = candidates.filter(
    candidate =>
      candidate.component === component && candidate.protocol === 'udp' && parseIp(candidate.address) !== undefined,
  )
  const ranked = defaultOrder.flatMap(type => usable.filter(candidate => candidate.type === type))
  return ranked.find(({ address }) => !address.includes(':')) ?? ranked[0]
}

function connectionOf(candidate: SdpCandidate): string {
  return `IN ${candidate.address.includes(':') ? 'IP6' : 'IP4'} ${candidate.address}`
}
