import { addressKey } from '../../base/address.ts'
import type { CandidatePairView, IceAgent, IceCandidate, LocalCandidate, PairReference } from '../../ice/index.ts'
import type { RtpSession } from '../../rtp/session/rtp-session.ts'
import { remoteCertificateId, usedCertificateId } from '../certificate-stats.ts'
import type { SectionTransport } from '../negotiation/section-transport.ts'
import type { DtlsOutcome, PeerTransport } from '../peer-transport.ts'
import type { RTCCertificate } from '../rtc-certificate.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { RTCIceCandidatePairStats, RTCTransportStats } from './dictionaries.ts'
import {
  type CandidateEntry,
  type CandidatePairEntry,
  type Entry,
  present,
  type Some,
  type TransportEntry,
} from './entry.ts'

/** What the transports of a connection are described with. */
export interface TransportContext {
  readonly certificates: readonly RTCCertificate[]
  /** The RTP session on a transport, if there is one. */
  sessionOf(dtls: RTCDtlsTransport): RtpSession | undefined
  /** Milliseconds since 1970 of a monotonic time. */
  wallTimeOf(monotonic: number): number
}

/** The id of a transport in the statistics, and what those of its candidates and pairs begin with. */
interface Named {
  readonly id: string
  readonly prefix: string
  readonly transport: PeerTransport
  readonly dtlsRole: 'client' | 'server' | undefined
  readonly session: RtpSession | undefined
  readonly context: TransportContext
  readonly generation: Generation
}

/** The username fragments of a generation of ICE: with others, pairs and candidates are other objects. */
interface Generation {
  readonly local: string | undefined
  readonly remote: string | undefined
}

/** Of pairs that were in use. */
const generations = new WeakMap<PairReference, Generation>()

/** webrtc-stats §8.17: the id of the transport that carries a section's RTP, and its data. */
export function transportStatsId({ serial }: Pick<SectionTransport, 'serial'>): string {
  return `T${serial}`
}

/** What webrtc-stats defines for a transport: it, its candidates and their pairs. */
export function sectionStats(section: SectionTransport, context: TransportContext): Entry[] {
  const { serial, rtp, rtcp, dtlsRole } = section
  const session = context.sessionOf(rtp.dtls)
  const id = transportStatsId(section)
  const prefix = serial === 0 ? '' : `${serial}-`
  const named = { id, prefix, transport: rtp, dtlsRole, session, context }
  if (rtcp === undefined) return transportStats(named, {})
  const rtcpTransportStatsId = `${id}-RTCP`
  return [
    ...transportStats(named, { rtcpTransportStatsId }),
    ...transportStats(
      { ...named, id: rtcpTransportStatsId, prefix: `${serial}-RTCP-`, transport: rtcp, session: undefined },
      {},
    ),
  ]
}

function transportStats(
  unnamed: Omit<Named, 'generation'>,
  more: Pick<TransportEntry, 'rtcpTransportStatsId'>,
): Entry[] {
  const named: Named = { ...unnamed, generation: currentGeneration(unnamed.transport) }
  const { certificates } = named.context
  const { driver, ice, dtls, negotiated, iceParameters } = named.transport
  const { counters } = driver
  const pairs = driver.ice.pairs()
  const selected = pairs.find(pair => pair.selected)
  const former = selected === undefined ? formerPair(named) : undefined
  const reference = driver.ice.selectedReference
  if (selected !== undefined && reference !== undefined) generations.set(reference, named.generation)
  const usedId = selected === undefined ? former?.id : pairId(selected, named)
  const transport: TransportEntry = {
    id: named.id,
    type: 'transport',
    packetsSent: counters.packetsSent,
    packetsReceived: counters.packetsReceived,
    bytesSent: counters.bytesSent,
    bytesReceived: counters.bytesReceived,
    iceRole: ice.role,
    iceLocalUsernameFragment: iceParameters.usernameFragment,
    iceState: ice.state,
    dtlsState: dtls.state,
    dtlsRole: named.dtlsRole ?? 'unknown',
    ...(usedId === undefined ? {} : { selectedCandidatePairId: usedId }),
    selectedCandidatePairChanges: counters.selectedPairChanges,
    ...(negotiated === undefined ? {} : dtlsStats(negotiated, certificates)),
    ...(driver.srtpCipher === undefined ? {} : { srtpCipher: driver.srtpCipher }),
    ...more,
    packetsDropped: Object.fromEntries(counters.drops),
  }
  const current = [...pairs.map(pair => pairStats(pair, named)), ...candidateStats(named, pairs, driver.ice.candidates)]
  return [transport, ...current, ...(former?.entries ?? [])]
}

function currentGeneration({ driver }: PeerTransport): Generation {
  const { localParameters, remoteParameters } = driver.ice
  return { local: localParameters.usernameFragment, remote: remoteParameters?.usernameFragment }
}

/**
 * webrtc-stats §7.1, candidate-pair: the one in use stays after a restart of ICE, until one of the new generation takes its
 * place; its candidates stay with it.
 */
function formerPair(named: Named): { readonly id: string; readonly entries: readonly Entry[] } | undefined {
  const reference = named.transport.driver.ice.selectedReference
  if (reference === undefined) return undefined
  const generation = generations.get(reference) ?? { local: `before ${named.generation.local}`, remote: undefined }
  generations.set(reference, generation)
  const former = { ...named, generation }
  const pair = reference.view(true)
  return { id: pairId(pair, former), entries: [pairStats(pair, former), ...candidateStats(former, [pair], none)] }
}

/** webrtc-stats §8.17: tlsVersion and what follows from it exist only after the negotiation is complete. */
function dtlsStats(
  { session, localCertificates, remoteCertificates }: DtlsOutcome,
  certificates: readonly RTCCertificate[],
): Pick<
  TransportEntry,
  'tlsVersion' | 'dtlsCipher' | 'tlsGroup' | Extract<keyof RTCTransportStats, `${string}CertificateId`>
> {
  const used = usedCertificateId(certificates, localCertificates)
  return {
    tlsVersion: session.version,
    dtlsCipher: session.cipherSuite,
    tlsGroup: session.group,
    ...(used === undefined ? {} : { localCertificateId: used }),
    remoteCertificateId: remoteCertificateId(remoteCertificates),
  }
}

function pairStats(pair: CandidatePairView, named: Named): CandidatePairEntry {
  return {
    id: pairId(pair, named),
    type: 'candidate-pair',
    transportId: named.id,
    localCandidateId: candidateId('L', pair.local, named),
    remoteCandidateId: candidateId('R', pair.remote, named),
    state: pair.state,
    nominated: pair.nominated,
    ...trafficStats(pair, named),
    ...(pair.selected ? bitrateStats(named.session) : {}),
    requestsSent: pair.requestsSent,
    requestsReceived: pair.requestsReceived,
    responsesSent: pair.responsesSent,
    responsesReceived: pair.responsesReceived,
    consentRequestsSent: pair.consentRequestsSent,
    totalRoundTripTime: pair.totalRoundTripMs / 1000,
    ...(pair.roundTripMs === undefined ? {} : { currentRoundTripTime: pair.roundTripMs / 1000 }),
    ...(pair.lastFailure === undefined ? {} : { lastFailure: pair.lastFailure }),
  }
}

/** webrtc-stats §8.19: packets are all, bytes without connectivity checks. */
function trafficStats(pair: CandidatePairView, { transport, context }: Named): PairMembers {
  const traffic = transport.driver.counters.traffic.of(pair.local.base, pair.remote.address)
  const { packetsSent, packetsReceived, bytesSent, bytesReceived, lastSentAt, lastReceivedAt } = traffic
  const checks = pair.requestsSent + pair.retransmissionsSent + pair.consentRequestsSent + pair.responsesSent
  return {
    packetsSent: packetsSent + checks,
    packetsReceived: packetsReceived + pair.requestsReceived + pair.responsesReceived,
    bytesSent,
    bytesReceived,
    ...(lastSentAt === undefined ? {} : { lastPacketSentTimestamp: context.wallTimeOf(lastSentAt) }),
    ...(lastReceivedAt === undefined ? {} : { lastPacketReceivedTimestamp: context.wallTimeOf(lastReceivedAt) }),
  }
}

type PairMembers = Some<RTCIceCandidatePairStats>

/** webrtc-stats §8.19, availableOutgoingBitrate: only of the pair in use, and only if it was computed. */
function bitrateStats(session: RtpSession | undefined): PairMembers {
  if (session === undefined) return {}
  const { availableOutgoingBitrate, availableIncomingBitrate } = session.statistics
  return present({ availableOutgoingBitrate, availableIncomingBitrate })
}

/** webrtc-stats §7.1, local-candidate and remote-candidate: those of the pairs, and the others of the generation. */
function candidateStats(
  named: Named,
  pairs: readonly CandidatePairView[],
  { localCandidates, remoteCandidates }: IceAgent['candidates'],
): Entry[] {
  const entries = new Map<string, CandidateEntry>()
  for (const [side, candidates] of [
    ['L', [...pairs.map(({ local }) => local), ...localCandidates]] as const,
    ['R', [...pairs.map(({ remote }) => remote), ...remoteCandidates]] as const,
  ]) {
    for (const candidate of candidates) {
      const id = candidateId(side, candidate, named)
      if (!entries.has(id)) entries.set(id, candidateEntry(id, side, candidate, named))
    }
  }
  return [...entries.values()]
}

const none: IceAgent['candidates'] = { localCandidates: [], remoteCandidates: [] }

function candidateEntry(id: string, side: 'L' | 'R', candidate: IceCandidate, named: Named): CandidateEntry {
  const { describer } = named.transport
  const { address, port, relatedAddress, relatedPort } = describer.describe(candidate)
  const { url, relayProtocol }: Partial<LocalCandidate> = side === 'L' ? candidate : {}
  const { local, remote } = named.generation
  return {
    id,
    type: side === 'L' ? 'local-candidate' : 'remote-candidate',
    transportId: named.id,
    // webrtc-stats §8.18, address: of the peer's, only those that the application has told
    address: side === 'R' && candidate.type === 'prflx' ? null : address,
    port,
    protocol: candidate.protocol,
    candidateType: candidate.type,
    priority: candidate.priority,
    foundation: candidate.foundation,
    ...present({
      usernameFragment: side === 'L' ? local : remote,
      relatedAddress,
      relatedPort,
      tcpType: candidate.tcpType,
      url,
      relayProtocol,
    }),
  }
}

function pairId(pair: CandidatePairView, { prefix, generation }: Named): string {
  return `CP${prefix}${generation.local} ${pair.id}`
}

/** As private as the candidate itself is. */
function candidateId(side: 'L' | 'R', candidate: IceCandidate, named: Named): string {
  const { address, port } = candidate.address
  const shown = named.transport.describer.shownAddress(candidate)
  const place = shown === address ? addressKey(candidate.address) : `${shown}:${port}`
  return `I${named.prefix}${named.generation.local} ${side}${candidate.type}:${candidate.protocol === 'tcp' ? 'tcp:' : ''}${place}`
}
