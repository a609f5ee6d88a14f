import type { RTCIceCandidate, RTCIceCandidatePair } from 'icefloe'

/** A candidate, as its end tells of it. */
export interface ToldCandidate {
  readonly type: string
  readonly protocol: string
  readonly tcpType?: string
  readonly address: string
  readonly port: number
  /** For one that a server has given: which, and how that is reached. */
  readonly url?: string
  readonly relayProtocol?: string
}

/** @returns undefined for the candidate that says that there are no more */
export function tell(candidate: RTCIceCandidate): ToldCandidate | undefined {
  const { type, protocol, tcpType, address, port, url, relayProtocol } = candidate
  if (type === null || protocol === null || address === null || port === null) return undefined
  const ofServer = { ...(url && { url }), ...(relayProtocol && { relayProtocol }) }
  return { type, protocol, ...(tcpType && { tcpType }), address, port, ...ofServer }
}

/** The two ends of the pair that carries data. */
export interface ToldPair {
  /** The user name fragment of this end: another one after each ICE restart. */
  readonly generation: string
  readonly local: ToldCandidate
  readonly remote: ToldCandidate
}

export function tellPair(pair: RTCIceCandidatePair | null | undefined): ToldPair | undefined {
  if (!pair) return undefined
  const local = tell(pair.local)
  const remote = tell(pair.remote)
  return local && remote && { generation: pair.local.usernameFragment ?? '', local, remote }
}
