import { addressKey } from '../base/address.ts'
import type { DtlsError, DtlsSession } from '../dtls/index.ts'
import { type CandidatePairView, explainPairs } from '../ice/index.ts'
import type { Connection } from './connection.ts'
import type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './connection-states.ts'
import type { DataSession } from './data-session.ts'
import { connectionOf, type RTCPeerConnection } from './rtc-peer-connection.ts'
import type { RTCDtlsTransportState } from './rtc-transports.ts'

/** A server that was of no use. */
export interface ServerReport {
  readonly url: string
  /** A STUN error code, or 701 if the server could not be reached. */
  readonly errorCode: number
  readonly errorText: string
}

/** What a connection knows of why it is there, or is not. It names the addresses of candidates, and holds no secret. */
export interface ConnectionReport {
  readonly connectionState: RTCPeerConnectionState
  readonly iceConnectionState: RTCIceConnectionState
  readonly iceGatheringState: RTCIceGatheringState
  readonly dtlsState: RTCDtlsTransportState | undefined
  /** Version, cipher suite and key exchange; undefined until they were negotiated. */
  readonly dtls: DtlsSession | undefined
  /** The latest ones; bounded. */
  readonly serverFailures: readonly ServerReport[]
  /** Every candidate pair with what happened to it: checks, answers, errors, the last reason. Best first. */
  readonly pairs: readonly CandidatePairView[]
  /** Packets that were refused on the way in, by reason. */
  readonly packetsDropped: Readonly<Record<string, number>>
  /** The same for people: a line for each of the above that matters. */
  readonly lines: readonly string[]
}

/** Why a connection is there, or is not: what became of its servers and of each of its candidate pairs. */
export function explainConnection(peer: RTCPeerConnection): ConnectionReport {
  const connection = connectionOf(peer)
  const transport = connection.negotiator.session?.transport
  const pairs = transport?.driver.ice.pairs() ?? []
  const report = {
    connectionState: connection.connectionState,
    iceConnectionState: connection.iceConnectionState,
    iceGatheringState: connection.iceGatheringState,
    dtlsState: transport?.dtls.state,
    dtls: transport?.negotiated?.session,
    serverFailures: connection.serverFailures.map(({ url, errorCode, errorText }) => ({ url, errorCode, errorText })),
    pairs,
    packetsDropped: Object.fromEntries(transport?.driver.counters.drops ?? []),
  }
  return { ...report, lines: linesOf(report, connection) }
}

/** In the middle of a restart, the path that still carries data belongs to none of the pairs. */
function carrier(session: DataSession, pairs: readonly CandidatePairView[]): string[] {
  const pair = session.transport.driver.ice.selectedPair
  if (pair === undefined || pairs.some(({ selected }) => selected)) return []
  const [from, to] = [pair.local, pair.remote].map(({ address }) => addressKey(address))
  return [`ICE has been restarted. Until a new path is found, data goes from ${from} to ${to}, as before.`]
}

function handshake(
  { dtlsState, dtls }: Pick<ConnectionReport, 'dtlsState' | 'dtls'>,
  failure: DtlsError | undefined,
): string[] {
  if (dtlsState === 'failed') return [`The path worked, but DTLS has failed: ${failure?.message}.`]
  if (dtls === undefined) return []
  // webrtc-stats §8.17: the version as on the wire, in four digits
  const version = dtls.version === 'FEFC' ? '1.3' : '1.2'
  return [`DTLS is at version ${version}, with ${dtls.cipherSuite} and ${dtls.group}.`]
}

function linesOf(report: Omit<ConnectionReport, 'lines'>, { negotiator, isClosed }: Connection): string[] {
  const { connectionState, iceGatheringState, serverFailures, pairs } = report
  const lines = [`The connection is ${connectionState}; gathering is ${iceGatheringState}.`]
  if (isClosed) return lines
  if (negotiator.session === undefined) lines.push('There is no local description yet, so nothing was tried.')
  else if (negotiator.signaling.remote === undefined)
    lines.push('The peer has not answered: there is no remote description.')
  else lines.push(...carrier(negotiator.session, pairs), ...explainPairs(pairs))
  lines.push(...handshake(report, negotiator.session?.transport.failure))
  return [
    ...lines,
    ...serverFailures.map(({ url, errorCode, errorText }) => `${url}: ${errorCode} ${errorText}`.trim()),
  ]
}
