import { parseIp } from '../base/ip.ts'
import type { IceParameters } from '../ice/index.ts'
import type { SdpCandidate, SdpFingerprint, SdpMedia, SdpOrigin, SdpSession, SdpSetup } from '../sdp/index.ts'
import { bundleGroup, taggedSection } from '../sdp/index.ts'
import { findDataSection } from './apply-description.ts'

/** What this end says about its transport in every description. */
export interface LocalTransportDescription {
  readonly ice: IceParameters
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  readonly fingerprints: readonly SdpFingerprint[]
  readonly candidates: readonly SdpCandidate[]
  readonly endOfCandidates: boolean
}

export interface LocalDataDescription {
  readonly sctpPort: number
  readonly maxMessageSize: number
}

export interface OfferInput {
  readonly origin: SdpOrigin
  /** The description this offer continues: its m= sections keep their places. */
  readonly previous: SdpSession | undefined
  readonly wantsData: boolean
  readonly transport: LocalTransportDescription
  readonly data: LocalDataDescription
}

export interface AnswerInput {
  readonly origin: SdpOrigin
  readonly offer: SdpSession
  readonly setup: 'active' | 'passive'
  readonly transport: LocalTransportDescription
  readonly data: LocalDataDescription
}

/** RFC 8829 §5.2: an offer with the m= sections of before in their places, and one for data if it is wanted. */
export function createOffer(input: OfferInput): SdpSession {
  const { previous } = input
  const media: SdpMedia[] = []
  const dataIndex = previous === undefined ? -1 : findDataSection(previous)
  previous?.media.forEach((section, index) => {
    // RFC 8829 §5.2.2: a section that is no longer used is offered again with port zero
    if (index !== dataIndex) media.push(rejected(section))
    else media.push(dataSection(section.mid ?? '0', 'actpass', input.transport, input.data))
  })
  if (dataIndex === -1 && input.wantsData) {
    media.push(dataSection(unusedMid(media), 'actpass', input.transport, input.data))
  }
  return session(input.origin, media, input.transport.iceLite)
}

/** RFC 8829 §5.3: an answer section for each offered one; all but the data section are rejected. */
export function createAnswer(input: AnswerInput): SdpSession {
  const dataIndex = findDataSection(input.offer)
  const tagIndex = carrierIndex(input.offer, dataIndex)
  const media = input.offer.media.map((section, index) => {
    if (index === dataIndex) return answeredData(section, input, tagIndex === undefined)
    return index === tagIndex ? inactive(section, input) : rejected(section)
  })
  return session(input.origin, media, input.transport.iceLite)
}

function session(origin: SdpOrigin, media: readonly SdpMedia[], iceLite: boolean): SdpSession {
  const mids = media.filter(section => section.port !== 0 || section.bundleOnly).flatMap(section => section.mid ?? [])
  return {
    origin,
    sessionName: '-',
    // RFC 9143 §7.2.1: every section that is in use shares one transport
    groups: mids.length > 0 ? [{ semantics: 'BUNDLE', mids }] : [],
    // RFC 8839 §5.3: a lite agent says so for the whole session
    iceLite,
    iceOptions: [],
    fingerprints: [],
    attributes: [],
    media,
  }
}

function dataSection(
  mid: string | undefined,
  setup: SdpSetup,
  transport: LocalTransportDescription,
  data: LocalDataDescription,
): SdpMedia {
  return {
    kind: 'application',
    ...transportFields(transport, setup),
    protocol: 'UDP/DTLS/SCTP',
    formats: ['webrtc-datachannel'],
    ...(mid === undefined ? {} : { mid }),
    bundleOnly: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    sctpPort: data.sctpPort,
    maxMessageSize: data.maxMessageSize,
    attributes: [],
  }
}

function answeredData(offered: SdpMedia, input: AnswerInput, ownTransport: boolean): SdpMedia {
  const transport = ownTransport ? input.transport : { ...input.transport, candidates: [], endOfCandidates: false }
  return {
    ...dataSection(offered.mid, input.setup, transport, input.data),
    protocol: offered.protocol,
    formats: offered.formats,
  }
}

/** What a section says about the transport, with the default destination that RFC 8839 §4.2.1 asks for. */
function transportFields(transport: LocalTransportDescription, setup: SdpSetup): TransportFields {
  return {
    ...defaultDestination(transport.candidates),
    iceUfrag: transport.ice.usernameFragment,
    icePwd: transport.ice.password,
    // draft-thatcher-ice-renomination §3: said by either side that can do it
    iceOptions: transport.iceRenomination ? ['trickle', 'renomination'] : ['trickle'],
    fingerprints: transport.fingerprints,
    setup,
    candidates: transport.candidates,
    endOfCandidates: transport.endOfCandidates,
  }
}

type TransportFields = Pick<
  SdpMedia,
  | 'port'
  | 'connection'
  | 'iceUfrag'
  | 'icePwd'
  | 'iceOptions'
  | 'fingerprints'
  | 'setup'
  | 'candidates'
  | 'endOfCandidates'
>

/** Port and address that an m= section names while `candidates` are known. */
export function defaultDestination(candidates: readonly SdpCandidate[]): { port: number; connection: string } {
  const target = defaultCandidate(candidates)
  // RFC 8840 §4.1.1: port 9 and an unspecified address while there is no candidate
  return target === undefined
    ? { port: 9, connection: 'IN IP4 0.0.0.0' }
    : { port: target.port, connection: connectionOf(target) }
}

/** The type that is most likely to work comes first: RFC 8839 §4.2.1.1. */
const defaultOrder = ['relay', 'srflx', 'host']

/** A default destination is a UDP address: TCP candidates and names (draft-ietf-mmusic-mdns-ice-candidates §3.1.3) are none. */
function defaultCandidate(candidates: readonly SdpCandidate[]): SdpCandidate | undefined {
  const usable = candidates.filter(({ protocol, address }) => protocol === 'udp' && parseIp(address) !== undefined)
  const ranked = defaultOrder.flatMap(type => usable.filter(candidate => candidate.type === type))
  return ranked.find(({ address }) => !address.includes(':')) ?? ranked[0]
}

function connectionOf(candidate: SdpCandidate): string {
  return `IN ${candidate.address.includes(':') ? 'IP6' : 'IP4'} ${candidate.address}`
}

/** RFC 3264 §6: a stream is rejected with port zero, its formats as offered. */
function rejected(offered: SdpMedia): SdpMedia {
  return {
    kind: offered.kind,
    port: 0,
    connection: 'IN IP4 0.0.0.0',
    protocol: offered.protocol,
    formats: offered.formats,
    ...(offered.mid === undefined ? {} : { mid: offered.mid }),
    ...(offered.kind === 'application' ? {} : { direction: 'inactive' as const }),
    bundleOnly: false,
    iceOptions: [],
    fingerprints: [],
    candidates: [],
    endOfCandidates: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    attributes: [],
  }
}

/** An audio or video section that carries nothing, kept alive because data is bundled onto its transport. */
function inactive(offered: SdpMedia, input: AnswerInput): SdpMedia {
  return {
    ...rejected(offered),
    ...transportFields(input.transport, input.setup),
    direction: 'inactive',
    rtcpMux: offered.rtcpMux,
    attributes: offered.attributes.filter(({ name }) => name === 'rtpmap' || name === 'fmtp'),
  }
}

/**
 * The section that must stay although it is of no use here.
 *
 * RFC 9143 §7.3.3: a bundle-only section has no transport of its own, so the offerer-tagged section that brings one
 * cannot be rejected.
 */
function carrierIndex(offer: SdpSession, dataIndex: number): number | undefined {
  const data = offer.media[dataIndex]
  if (data === undefined || !data.bundleOnly) return undefined
  const group = bundleGroup(offer, data)
  const carrier = group === undefined ? undefined : taggedSection(offer, group)
  return carrier === undefined || carrier === data ? undefined : offer.media.indexOf(carrier)
}

function unusedMid(media: readonly SdpMedia[]): string {
  const used = new Set(media.map(section => section.mid))
  let next = media.length
  while (used.has(String(next))) next++
  return String(next)
}
