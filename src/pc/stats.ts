import { addressKey } from '../base/address.ts'
import type { CandidatePairView, CandidateType, IceCandidate, LocalCandidate } from '../ice/index.ts'
import { certificateStats, remoteCertificateId, usedCertificateId } from './certificate-stats.ts'
import type { DataChannel } from './data-channel.ts'
import type { DataChannels } from './data-channels.ts'
import type { DataSession } from './data-session.ts'
import type { Gatherer } from './gathering/gatherer.ts'
import type { DtlsOutcome } from './peer-transport.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { exposeInterface } from './webidl.ts'

/** webrtc-stats §8.1: what every entry has; `timestamp` is milliseconds since 1970. */
export interface RTCStats {
  readonly id: string
  readonly type: string
  readonly timestamp: number
  readonly [member: string]: unknown
}

/** webrtc-pc §8.4: a read-only map from identifiers to statistics. */
export class RTCStatsReport {
  static {
    exposeInterface(RTCStatsReport, 'RTCStatsReport')
  }

  readonly #entries: ReadonlyMap<string, RTCStats>

  /** @internal */
  constructor(entries: readonly RTCStats[]) {
    this.#entries = new Map(entries.map(entry => [entry.id, entry]))
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): RTCStats | undefined {
    return this.#entries.get(id)
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  keys(): MapIterator<string> {
    return this.#entries.keys()
  }

  values(): MapIterator<RTCStats> {
    return this.#entries.values()
  }

  entries(): MapIterator<[string, RTCStats]> {
    return this.#entries.entries()
  }

  forEach(callback: (value: RTCStats, key: string, report: RTCStatsReport) => void, thisArg?: unknown): void {
    for (const [key, value] of this.#entries) callback.call(thisArg, value, key, this)
  }

  [Symbol.iterator](): MapIterator<[string, RTCStats]> {
    return this.entries()
  }
}

const transportId = 'T0'

/** Collects what webrtc-stats defines for a connection that carries data: the states of this very moment. */
export function collectStats(input: StatsInput): RTCStats[] {
  const { opened, closed } = input.channels.counters
  const entries: Entry[] = [
    { id: 'P', type: 'peer-connection', dataChannelsOpened: opened, dataChannelsClosed: closed },
    ...[...input.channels.channels].map(channelStats),
    ...input.pool.map(poolStats),
  ]
  if (input.session !== undefined) {
    const { remoteCertificates = [] } = input.session.transport.negotiated ?? {}
    entries.push(
      ...transportStats(input.session, input.certificates),
      ...certificateStats(input.certificates, remoteCertificates),
    )
  }
  return entries.map(({ id, type, ...members }) => ({ id, type, timestamp: input.timestamp, ...members }))
}

export interface StatsInput {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly channels: DataChannels
  readonly session: DataSession | undefined
  readonly certificates: readonly RTCCertificate[]
  /** Components that were gathered ahead and not yet used. */
  readonly pool: readonly Pick<Gatherer, 'state' | 'candidates'>[]
}

interface Entry {
  readonly id: string
  readonly type: string
  readonly [member: string]: unknown
}

/** Not of the standard: a component of the ICE candidate pool. */
function poolStats({ state, candidates }: Pick<Gatherer, 'state' | 'candidates'>, index: number): Entry {
  const count = (type: CandidateType): number => candidates.filter(({ candidate }) => candidate.type === type).length
  return {
    id: `POOL${index}`,
    type: 'icefloe-pooled-component',
    state,
    hostCandidates: count('host'),
    srflxCandidates: count('srflx'),
    relayCandidates: count('relay'),
  }
}

function channelStats(channel: DataChannel, index: number): Entry {
  return {
    // A channel has no stream until the DTLS role is known, and then keeps it.
    id: channel.id === null ? `D-${index}` : `D${channel.id}`,
    type: 'data-channel',
    label: channel.parameters.label,
    protocol: channel.parameters.protocol,
    ...(channel.id === null ? {} : { dataChannelIdentifier: channel.id }),
    state: channel.state,
    messagesSent: channel.messagesSent,
    bytesSent: channel.bytesSent,
    messagesReceived: channel.messagesReceived,
    bytesReceived: channel.bytesReceived,
  }
}

function transportStats(session: DataSession, certificates: readonly RTCCertificate[]): Entry[] {
  const { driver, ice, dtls, negotiated } = session.transport
  const { counters } = driver
  const pairs = driver.ice.pairs()
  const selected = pairs.find(pair => pair.selected)
  const transport: Entry = {
    id: transportId,
    type: 'transport',
    packetsSent: counters.packetsSent,
    packetsReceived: counters.packetsReceived,
    bytesSent: counters.bytesSent,
    bytesReceived: counters.bytesReceived,
    iceRole: ice.role,
    iceLocalUsernameFragment: session.iceParameters.usernameFragment,
    iceState: ice.state,
    dtlsState: dtls.state,
    dtlsRole: session.dtlsRole ?? 'unknown',
    ...(selected === undefined ? {} : { selectedCandidatePairId: pairId(selected) }),
    selectedCandidatePairChanges: counters.selectedPairChanges,
    ...(negotiated === undefined ? {} : dtlsStats(negotiated, certificates)),
    // Not of the standard: packets that were refused on the way in, by reason.
    packetsDropped: Object.fromEntries(counters.drops),
  }
  return [transport, ...pairs.map(pair => pairStats(pair, session)), ...candidateStats(session, pairs)]
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

function pairStats(pair: CandidatePairView, session: DataSession): Entry {
  return {
    id: pairId(pair),
    type: 'candidate-pair',
    transportId,
    localCandidateId: candidateId('L', pair.local, session),
    remoteCandidateId: candidateId('R', pair.remote, session),
    state: pair.state,
    nominated: pair.nominated,
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

function candidateStats(session: DataSession, pairs: readonly CandidatePairView[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { local, remote } of pairs) {
    for (const [side, candidate] of [['L', local] as const, ['R', remote] as const]) {
      const id = candidateId(side, candidate, session)
      entries.set(id, candidateEntry(id, side, candidate, session))
    }
  }
  return [...entries.values()]
}

function candidateEntry(id: string, side: 'L' | 'R', candidate: IceCandidate, session: DataSession): Entry {
  const { describer, driver } = session.transport
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
  const known = Object.entries(members).filter(([, value]) => value !== undefined)
  return {
    id,
    type: side === 'L' ? 'local-candidate' : 'remote-candidate',
    transportId,
    ...Object.fromEntries(known),
  }
}

function pairId(pair: CandidatePairView): string {
  return `CP${pair.id}`
}

/** As private as the candidate itself is. */
function candidateId(side: 'L' | 'R', candidate: IceCandidate, session: DataSession): string {
  const { address, port } = candidate.address
  const shown = session.transport.describer.shownAddress(candidate)
  const place = shown === address ? addressKey(candidate.address) : `${shown}:${port}`
  return `I${side}${candidate.type}:${candidate.protocol === 'tcp' ? 'tcp:' : ''}${place}`
}
