import { addressKey } from '../../base/address.ts'
import type { CandidatePairView, IceCandidate, LocalCandidate } from '../../ice/index.ts'
import type { RtpSession } from '../../rtp/session/rtp-session.ts'
import { remoteCertificateId, usedCertificateId } from '../certificate-stats.ts'
import type { SectionTransport } from '../negotiation/section-transport.ts'
import type { DtlsOutcome, PeerTransport } from '../peer-transport.ts'
import type { RTCCertificate } from '../rtc-certificate.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import { type Entry, present } from './entry.ts'

/** What the transports of a connection are described with. */
export interface TransportContext {
  readonly certificates: readonly RTCCertificate[]
  /** The RTP session on a transport, if there is one. */
  sessionOf(dtls: RTCDtlsTransport): RtpSession | undefined
}

/** The id of a transport in the statistics, and what those of its candidates and pairs begin with. */
interface Named {
  readonly id: string
  readonly prefix: string
  readonly transport: PeerTransport
  readonly dtlsRole: 'client' | 'server' | undefined
  readonly session: RtpSession | undefined
}

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
  const named: Named = { id, prefix, transport: rtp, dtlsRole, session }
  const { certificates } = context
  if (rtcp === undefined) return transportStats(named, certificates, {})
  // Of earlier versions of webrtc-stats: where RTCP goes that is not multiplexed.
  const rtcpTransportStatsId = `${id}-RTCP`
  return [
    ...transportStats(named, certificates, { rtcpTransportStatsId }),
    ...transportStats(
      { id: rtcpTransportStatsId, prefix: `${serial}-RTCP-`, transport: rtcp, dtlsRole, session: undefined },
      certificates,
      {},
    ),
  ]
}

function transportStats(
  named: Named,
  certificates: readonly RTCCertificate[],
  more: Readonly<Record<string, unknown>>,
): Entry[] {
  const { driver, ice, dtls, negotiated, iceParameters } = named.transport
  const { counters } = driver
  const pairs = driver.ice.pairs()
  const selected = pairs.find(pair => pair.selected)
  const transport: Entry = {
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
    ...(selected === undefined ? {} : { selectedCandidatePairId: pairId(selected, named) }),
    selectedCandidatePairChanges: counters.selectedPairChanges,
    ...(negotiated === undefined ? {} : dtlsStats(negotiated, certificates)),
    ...(driver.srtpCipher === undefined ? {} : { srtpCipher: driver.srtpCipher }),
    ...more,
    // Not of the standard: packets that were refused on the way in, by reason.
    packetsDropped: Object.fromEntries(counters.drops),
  }
  return [transport, ...pairs.map(pair => pairStats(pair, named)), ...candidateStats(named, pairs)]
}

/** webrtc-stats §8.17: tlsVersion and what follows from it exist only after the negotiation is complete. */
function dtlsStats(
  { session, localCertificates }: DtlsOutcome,
  certificates: readonly RTCCertificate[],
): Readonly<Record<string, unknown>> {
  const used = usedCertificateId(certificates, localCertificates)
  return {
    tlsVersion: session.version,
    dtlsCipher: session.cipherSuite,
    // Not of the standard: the key exchange, as the option `dtls` names it.
    tlsGroup: session.group,
    ...(used === undefined ? {} : { localCertificateId: used }),
    remoteCertificateId,
  }
}

function pairStats(pair: CandidatePairView, named: Named): Entry {
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
    // Not of the standard: why the latest check failed.
    ...(pair.lastFailure === undefined ? {} : { lastFailure: pair.lastFailure }),
  }
}

/** webrtc-stats §8.19: packets are all, bytes without connectivity checks. */
function trafficStats(pair: CandidatePairView, { transport }: Named): Readonly<Record<string, number>> {
  const { packetsSent, packetsReceived, bytesSent, bytesReceived } = transport.driver.counters.traffic.of(
    pair.local.base,
    pair.remote.address,
  )
  const checks = pair.requestsSent + pair.retransmissionsSent + pair.consentRequestsSent + pair.responsesSent
  return {
    packetsSent: packetsSent + checks,
    packetsReceived: packetsReceived + pair.requestsReceived + pair.responsesReceived,
    bytesSent,
    bytesReceived,
  }
}

/** webrtc-stats §8.19, availableOutgoingBitrate: only of the pair in use, and only if it was computed. */
function bitrateStats(session: RtpSession | undefined): Readonly<Record<string, unknown>> {
  if (session === undefined) return {}
  const { availableOutgoingBitrate, availableIncomingBitrate } = session.statistics
  return present({ availableOutgoingBitrate, availableIncomingBitrate })
}

function candidateStats(named: Named, pairs: readonly CandidatePairView[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { local, remote } of pairs) {
    for (const [side, candidate] of [['L', local] as const, ['R', remote] as const]) {
      const id = candidateId(side, candidate, named)
      entries.set(id, candidateEntry(id, side, candidate, named))
    }
  }
  return [...entries.values()]
}

function candidateEntry(id: string, side: 'L' | 'R', candidate: IceCandidate, named: Named): Entry {
  const { describer, driver } = named.transport
  const { localParameters, remoteParameters } = driver.ice
  const { address, port, relatedAddress, relatedPort, tcpType } = describer.describe(candidate)
  const { url, relayProtocol }: Partial<LocalCandidate> = side === 'L' ? candidate : {}
  const members = {
    address,
    port,
    protocol: candidate.protocol,
    candidateType: candidate.type,
    priority: candidate.priority,
    foundation: candidate.foundation,
    usernameFragment: (side === 'L' ? localParameters : remoteParameters)?.usernameFragment,
    relatedAddress,
    relatedPort,
    tcpType,
    url,
    relayProtocol,
  }
  return {
    id,
    type: side === 'L' ? 'local-candidate' : 'remote-candidate',
    transportId: named.id,
    ...present(members),
  }
}

function pairId(pair: CandidatePairView, { prefix }: Named): string {
  return `CP${prefix}${pair.id}`
}

/** As private as the candidate itself is. */
function candidateId(side: 'L' | 'R', candidate: IceCandidate, named: Named): string {
  const { address, port } = candidate.address
  const shown = named.transport.describer.shownAddress(candidate)
  const place = shown === address ? addressKey(candidate.address) : `${shown}:${port}`
  return `I${named.prefix}${side}${candidate.type}:${candidate.protocol === 'tcp' ? 'tcp:' : ''}${place}`
}
