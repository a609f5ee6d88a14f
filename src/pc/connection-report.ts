import { addressKey } from '../base/address.ts'
import type { DtlsSession } from '../dtls/index.ts'
import { type CandidatePairView, explainPairs } from '../ice/index.ts'
import type { Connection } from './connection.ts'
import type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './connection-states.ts'
import type { SectionTransport } from './negotiation/section-transport.ts'
import type { PeerTransport } from './peer-transport.ts'
import { connectionOf, type RTCPeerConnection } from './rtc-peer-connection.ts'
import type { RTCDtlsTransportState, RTCIceTransportState } from './rtc-transports.ts'

/** A server that was of no use. */
export interface ServerReport {
  readonly url: string
  /** A STUN error code, or 701 if the server could not be reached. */
  readonly errorCode: number
  readonly errorText: string
}

/** What is known of one of its transports. */
export interface TransportReport {
  /** The mid of the section that brings it, if that has one. */
  readonly mid: string | undefined
  /** `rtcp` if RTCP has this one of its own; otherwise everything is on it. */
  readonly component: 'rtp' | 'rtcp'
  readonly iceState: RTCIceTransportState
  readonly dtlsState: RTCDtlsTransportState
  readonly dtls: DtlsSession | undefined
  readonly pairs: readonly CandidatePairView[]
  readonly packetsDropped: Readonly<Record<string, number>>
}

/** What a connection knows of why it is there, or is not. It names the addresses of candidates, and holds no secret. */
export interface ConnectionReport {
  readonly connectionState: RTCPeerConnectionState
  readonly iceConnectionState: RTCIceConnectionState
  readonly iceGatheringState: RTCIceGatheringState
  /** Of the first transport, which is the only one if all is bundled. */
  readonly dtlsState: RTCDtlsTransportState | undefined
  /** Of that one, too: version, cipher suite and key exchange; undefined until they were negotiated. */
  readonly dtls: DtlsSession | undefined
  /** The latest ones; bounded. */
  readonly serverFailures: readonly ServerReport[]
  /** Every candidate pair with what happened to it: checks, answers, errors, the last reason. Of each transport the best first. */
  readonly pairs: readonly CandidatePairView[]
  /** Packets that were refused on the way in, by reason. */
  readonly packetsDropped: Readonly<Record<string, number>>
  /** The same for each transport, in the order of the sections that bring them; RTCP that has its own behind its RTP. */
  readonly transports: readonly TransportReport[]
  /** The same for people: a line for each of the above that matters. */
  readonly lines: readonly string[]
}

/** Why a connection is there, or is not: what became of its servers and of each of its candidate pairs. */
export function explainConnection(peer: RTCPeerConnection): ConnectionReport {
  const connection = connectionOf(peer)
  const places = connection.negotiator.transports.all.flatMap(placesOf)
  const transports = places.map(reportOf)
  const [first] = transports
  const report = {
    connectionState: connection.progress.connectionState,
    iceConnectionState: connection.progress.iceConnectionState,
    iceGatheringState: connection.progress.iceGatheringState,
    dtlsState: first?.dtlsState,
    dtls: first?.dtls,
    serverFailures: connection.progress.serverFailures.map(({ url, errorCode, errorText }) => ({
      url,
      errorCode,
      errorText,
    })),
    pairs: transports.flatMap(({ pairs }) => pairs),
    packetsDropped: sum(transports.map(({ packetsDropped }) => packetsDropped)),
    transports,
  }
  return { ...report, lines: linesOf(report, connection, places) }
}

/** A transport, and the section that brings it. */
interface Place {
  readonly mid: string | undefined
  readonly transport: PeerTransport
}

function placesOf({ mid, components }: SectionTransport): Place[] {
  return components.map(transport => ({ mid, transport }))
}

function reportOf({ mid, transport }: Place): TransportReport {
  return {
    mid,
    component: transport.ice.component,
    iceState: transport.ice.state,
    dtlsState: transport.dtls.state,
    dtls: transport.negotiated?.session,
    pairs: transport.driver.ice.pairs(),
    packetsDropped: Object.fromEntries(transport.driver.counters.drops),
  }
}

function sum(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const each of counts)
    for (const [reason, count] of Object.entries(each)) total[reason] = (total[reason] ?? 0) + count
  return total
}

/** In the middle of a restart, the path that still carries data belongs to none of the pairs. */
function carrier({ driver }: PeerTransport, pairs: readonly CandidatePairView[]): string[] {
  const pair = driver.ice.selectedPair
  if (pair === undefined || pairs.some(({ selected }) => selected)) return []
  const [from, to] = [pair.local, pair.remote].map(({ address }) => addressKey(address))
  return [`ICE has been restarted. Until a new path is found, data goes from ${from} to ${to}, as before.`]
}

function handshake({ dtls, driver, negotiated, failure }: PeerTransport): string[] {
  if (dtls.state === 'failed') return [`The path worked, but DTLS has failed: ${failure?.message}.`]
  if (negotiated === undefined) return []
  const { session } = negotiated
  // webrtc-stats §8.17: the version as on the wire, in four digits
  const version = session.version === 'FEFC' ? '1.3' : '1.2'
  const lines = [`DTLS is at version ${version}, with ${session.cipherSuite} and ${session.group}.`]
  if (driver.lacksSrtp) lines.push('The peer does not negotiate SRTP: neither audio nor video goes over this path.')
  return lines
}

function linesOf(
  report: Omit<ConnectionReport, 'lines'>,
  { negotiator, isClosed }: Connection,
  places: readonly Place[],
): string[] {
  const { connectionState, iceGatheringState, serverFailures } = report
  const lines = [`The connection is ${connectionState}; gathering is ${iceGatheringState}.`]
  if (isClosed) return lines
  if (places.length === 0) lines.push('There is no local description yet, so nothing was tried.')
  else if (negotiator.signaling.remote === undefined)
    lines.push('The peer has not answered: there is no remote description.')
  else for (const place of places) lines.push(...linesOfTransport(place, places.length > 1))
  return [
    ...lines,
    ...serverFailures.map(({ url, errorCode, errorText }) => `${url}: ${errorCode} ${errorText}`.trim()),
  ]
}

function linesOfTransport({ mid, transport }: Place, isOneOfSeveral: boolean): string[] {
  const pairs = transport.driver.ice.pairs()
  const name = transport.ice.component === 'rtcp' ? 'The transport of RTCP' : 'The transport'
  const title = isOneOfSeveral ? [`${name} of m= section ${mid ?? '?'} is ${transport.ice.state}.`] : []
  return [...title, ...carrier(transport, pairs), ...explainPairs(pairs), ...handshake(transport)]
}
