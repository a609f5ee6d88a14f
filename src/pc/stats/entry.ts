import type { CertificateEntry } from '../certificate-stats.ts'
import type {
  RTCAudioSourceStats,
  RTCCodecStats,
  RTCDataChannelStats,
  RTCIceCandidatePairStats,
  RTCIceCandidateStats,
  RTCInboundRtpStreamStats,
  RTCOutboundRtpStreamStats,
  RTCPeerConnectionStats,
  RTCRemoteInboundRtpStreamStats,
  RTCRemoteOutboundRtpStreamStats,
  RTCStats,
  RTCTransportStats,
  RTCVideoSourceStats,
} from './dictionaries.ts'

/** A dictionary with the time left out, if it is that of the report, and its type made exact. */
type Of<Dictionary extends RTCStats, Type extends string> = Readonly<
  Omit<Dictionary, 'timestamp' | 'type'> & { type: Type; timestamp?: number }
>

export type CodecEntry = Of<RTCCodecStats, 'codec'>
/** Besides the standard: which encoding of a simulcast it is. */
export type InboundEntry = Of<RTCInboundRtpStreamStats, 'inbound-rtp'> & { readonly rid?: string }
export type RemoteInboundEntry = Of<RTCRemoteInboundRtpStreamStats, 'remote-inbound-rtp'>
export type OutboundEntry = Of<RTCOutboundRtpStreamStats, 'outbound-rtp'>
export type RemoteOutboundEntry = Of<RTCRemoteOutboundRtpStreamStats, 'remote-outbound-rtp'>
export type AudioSourceEntry = Of<RTCAudioSourceStats, 'media-source'>
export type VideoSourceEntry = Of<RTCVideoSourceStats, 'media-source'>
export type PeerConnectionEntry = Of<RTCPeerConnectionStats, 'peer-connection'>
export type DataChannelEntry = Of<RTCDataChannelStats, 'data-channel'>
export type CandidateEntry = Of<RTCIceCandidateStats, 'local-candidate' | 'remote-candidate'>

/** Besides the standard: why the latest check failed. */
export type CandidatePairEntry = Of<RTCIceCandidatePairStats, 'candidate-pair'> & { readonly lastFailure?: string }

export type TransportEntry = Of<RTCTransportStats, 'transport'> & {
  /** Besides the standard: the key exchange, as the option `dtls` names it. */
  readonly tlsGroup?: string
  /** Of earlier versions of webrtc-stats: where RTCP goes that is not multiplexed. */
  readonly rtcpTransportStatsId?: string
  /** Besides the standard: packets that were refused on the way in, by reason. */
  readonly packetsDropped: Readonly<Record<string, number>>
}

/** Besides the standard: a component of the ICE candidate pool. */
export interface PoolEntry {
  readonly id: string
  readonly type: 'icefloe-pooled-component'
  readonly timestamp?: number
  readonly state: string
  readonly hostCandidates: number
  readonly srflxCandidates: number
  readonly relayCandidates: number
}

/** Members of a dictionary, without those that all have. */
export type Some<Dictionary extends RTCStats> = Partial<Readonly<Omit<Dictionary, keyof RTCStats>>>

/** What is found out about a monitored object; `timestamp` only if it is not that of the report. */
export type Entry =
  | CodecEntry
  | InboundEntry
  | RemoteInboundEntry
  | OutboundEntry
  | RemoteOutboundEntry
  | AudioSourceEntry
  | VideoSourceEntry
  | PeerConnectionEntry
  | DataChannelEntry
  | CandidateEntry
  | CandidatePairEntry
  | TransportEntry
  | PoolEntry
  | CertificateEntry

/** webrtc-stats §4.2: what is not known does not exist. */
export function present<Members extends object>(members: Members): Present<Members> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<Members>
}

type Present<Members> = { readonly [Name in keyof Members]?: Exclude<Members[Name], undefined> }
