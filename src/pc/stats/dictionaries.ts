// The dictionaries of webrtc-stats, under their names there: what `RTCStatsReport` is made of.

import type { RTCDataChannelState } from '../rtc-data-channel.ts'
import type {
  RTCIceCandidateType,
  RTCIceServerTransportProtocol,
  RTCIceTcpCandidateType,
} from '../rtc-ice-candidate.ts'
import type { RTCDtlsTransportState, RTCIceRole, RTCIceTransportState } from '../rtc-transports.ts'

/** webrtc-pc §8.4 */
export interface RTCStats {
  /** Milliseconds since 1970. */
  timestamp: number
  type: RTCStatsType
  id: string
}

/** webrtc-stats §7.1 */
export type RTCStatsType =
  | 'codec'
  | 'inbound-rtp'
  | 'outbound-rtp'
  | 'remote-inbound-rtp'
  | 'remote-outbound-rtp'
  | 'media-source'
  | 'media-playout'
  | 'peer-connection'
  | 'data-channel'
  | 'transport'
  | 'candidate-pair'
  | 'local-candidate'
  | 'remote-candidate'
  | 'certificate'

/** webrtc-stats §8.2 */
export interface RTCRtpStreamStats extends RTCStats {
  ssrc: number
  kind: string
  transportId?: string
  codecId?: string
}

/** webrtc-stats §8.3 */
export interface RTCCodecStats extends RTCStats {
  payloadType: number
  transportId: string
  mimeType: string
  clockRate?: number
  channels?: number
  sdpFmtpLine?: string
}

/** webrtc-stats §8.4 */
export interface RTCReceivedRtpStreamStats extends RTCRtpStreamStats {
  packetsReceived?: number
  packetsReceivedWithEct1?: number
  packetsReceivedWithCe?: number
  packetsReportedAsLost?: number
  packetsReportedAsLostButRecovered?: number
  packetsLost?: number
  /** Seconds. */
  jitter?: number
}

/** webrtc-stats §8.5 */
export interface RTCInboundRtpStreamStats extends RTCReceivedRtpStreamStats {
  trackIdentifier: string
  mid?: string
  remoteId?: string
  framesDecoded?: number
  keyFramesDecoded?: number
  framesRendered?: number
  framesDropped?: number
  /** Pixels. */
  frameWidth?: number
  /** Pixels. */
  frameHeight?: number
  /** Of the last second. */
  framesPerSecond?: number
  qpSum?: number
  /** Seconds. */
  totalDecodeTime?: number
  /** Seconds. */
  totalInterFrameDelay?: number
  /** Seconds, squared. */
  totalSquaredInterFrameDelay?: number
  pauseCount?: number
  /** Seconds. */
  totalPausesDuration?: number
  freezeCount?: number
  /** Seconds. */
  totalFreezesDuration?: number
  /** Milliseconds since 1970. */
  lastPacketReceivedTimestamp?: number
  headerBytesReceived?: number
  packetsDiscarded?: number
  fecBytesReceived?: number
  fecPacketsReceived?: number
  fecPacketsDiscarded?: number
  bytesReceived?: number
  nackCount?: number
  firCount?: number
  pliCount?: number
  /** Seconds. */
  totalProcessingDelay?: number
  /** Milliseconds since 1900 by the clock of the sender: as NTP counts. */
  estimatedPlayoutTimestamp?: number
  /** Seconds. */
  jitterBufferDelay?: number
  /** Seconds. */
  jitterBufferTargetDelay?: number
  jitterBufferEmittedCount?: number
  /** Seconds. */
  jitterBufferMinimumDelay?: number
  totalSamplesReceived?: number
  concealedSamples?: number
  silentConcealedSamples?: number
  concealmentEvents?: number
  insertedSamplesForDeceleration?: number
  removedSamplesForAcceleration?: number
  /** Linear, 0 to 1: 1 is 0 dBov. */
  audioLevel?: number
  /** Squares of linear levels, times seconds. */
  totalAudioEnergy?: number
  /** Seconds. */
  totalSamplesDuration?: number
  framesReceived?: number
  decoderImplementation?: string
  playoutId?: string
  powerEfficientDecoder?: boolean
  framesAssembledFromMultiplePackets?: number
  /** Seconds. */
  totalAssemblyTime?: number
  retransmittedPacketsReceived?: number
  retransmittedBytesReceived?: number
  rtxSsrc?: number
  fecSsrc?: number
  totalCorruptionProbability?: number
  totalSquaredCorruptionProbability?: number
  corruptionMeasurements?: number
}

/** webrtc-stats §8.6 */
export interface RTCRemoteInboundRtpStreamStats extends RTCReceivedRtpStreamStats {
  localId?: string
  /** Seconds. */
  roundTripTime?: number
  /** Seconds. */
  totalRoundTripTime?: number
  /** 0 to 1. */
  fractionLost?: number
  roundTripTimeMeasurements?: number
  packetsWithBleachedEct1Marking?: number
}

/** webrtc-stats §8.7 */
export interface RTCSentRtpStreamStats extends RTCRtpStreamStats {
  packetsSent?: number
  bytesSent?: number
}

/** webrtc-stats §8.8 */
export interface RTCOutboundRtpStreamStats extends RTCSentRtpStreamStats {
  mid?: string
  mediaSourceId?: string
  remoteId?: string
  rid?: string
  encodingIndex?: number
  headerBytesSent?: number
  retransmittedPacketsSent?: number
  retransmittedBytesSent?: number
  rtxSsrc?: number
  /** Bits per second. */
  targetBitrate?: number
  totalEncodedBytesTarget?: number
  /** Pixels. */
  frameWidth?: number
  /** Pixels. */
  frameHeight?: number
  /** Of the last second. */
  framesPerSecond?: number
  framesSent?: number
  hugeFramesSent?: number
  framesEncoded?: number
  keyFramesEncoded?: number
  qpSum?: number
  psnrSum?: Record<string, number>
  psnrMeasurements?: number
  /** Seconds. */
  totalEncodeTime?: number
  /** Seconds. */
  totalPacketSendDelay?: number
  qualityLimitationReason?: RTCQualityLimitationReason
  /** Seconds. */
  qualityLimitationDurations?: Record<string, number>
  qualityLimitationResolutionChanges?: number
  nackCount?: number
  firCount?: number
  pliCount?: number
  encoderImplementation?: string
  powerEfficientEncoder?: boolean
  active?: boolean
  scalabilityMode?: string
  packetsSentWithEct1?: number
}

/** webrtc-stats §8.9 */
export type RTCQualityLimitationReason = 'none' | 'cpu' | 'bandwidth' | 'other'

/** webrtc-stats §8.10 */
export interface RTCRemoteOutboundRtpStreamStats extends RTCSentRtpStreamStats {
  localId?: string
  /** Milliseconds since 1970 by the clock of the peer. */
  remoteTimestamp?: number
  reportsSent?: number
  /** Seconds. */
  roundTripTime?: number
  /** Seconds. */
  totalRoundTripTime?: number
  roundTripTimeMeasurements?: number
}

/** webrtc-stats §8.11 */
export interface RTCMediaSourceStats extends RTCStats {
  trackIdentifier: string
  kind: string
}

/** webrtc-stats §8.12 */
export interface RTCAudioSourceStats extends RTCMediaSourceStats {
  /** Linear, 0 to 1: 1 is 0 dBov. */
  audioLevel?: number
  /** Squares of linear levels, times seconds. */
  totalAudioEnergy?: number
  /** Seconds. */
  totalSamplesDuration?: number
  /** Decibels. */
  echoReturnLoss?: number
  /** Decibels. */
  echoReturnLossEnhancement?: number
}

/** webrtc-stats §8.13 */
export interface RTCVideoSourceStats extends RTCMediaSourceStats {
  /** Pixels. */
  width?: number
  /** Pixels. */
  height?: number
  frames?: number
  /** Of the last second. */
  framesPerSecond?: number
}

/** webrtc-stats §8.14 */
export interface RTCAudioPlayoutStats extends RTCStats {
  kind: string
  /** Seconds. */
  synthesizedSamplesDuration?: number
  synthesizedSamplesEvents?: number
  /** Seconds. */
  totalSamplesDuration?: number
  /** Seconds. */
  totalPlayoutDelay?: number
  totalSamplesCount?: number
}

/** webrtc-stats §8.15 */
export interface RTCPeerConnectionStats extends RTCStats {
  dataChannelsOpened?: number
  dataChannelsClosed?: number
}

/** webrtc-stats §8.16 */
export interface RTCDataChannelStats extends RTCStats {
  label?: string
  protocol?: string
  dataChannelIdentifier?: number
  state: RTCDataChannelState
  messagesSent?: number
  bytesSent?: number
  messagesReceived?: number
  bytesReceived?: number
}

/** webrtc-stats §8.17 */
export interface RTCTransportStats extends RTCStats {
  packetsSent?: number
  packetsReceived?: number
  bytesSent?: number
  bytesReceived?: number
  iceRole?: RTCIceRole
  iceLocalUsernameFragment?: string
  dtlsState: RTCDtlsTransportState
  iceState?: RTCIceTransportState
  selectedCandidatePairId?: string
  localCertificateId?: string
  remoteCertificateId?: string
  tlsVersion?: string
  dtlsCipher?: string
  dtlsRole?: RTCDtlsRole
  srtpCipher?: string
  selectedCandidatePairChanges?: number
  ccfbMessagesSent?: number
  ccfbMessagesReceived?: number
}

/** webrtc-stats §8.17 */
export type RTCDtlsRole = 'client' | 'server' | 'unknown'

/** webrtc-stats §8.18 */
export interface RTCIceCandidateStats extends RTCStats {
  transportId: string
  address?: string | null
  port?: number
  protocol?: string
  candidateType: RTCIceCandidateType
  priority?: number
  url?: string
  relayProtocol?: RTCIceServerTransportProtocol
  foundation?: string
  relatedAddress?: string
  relatedPort?: number
  usernameFragment?: string
  tcpType?: RTCIceTcpCandidateType
}

/** webrtc-stats §8.19 */
export interface RTCIceCandidatePairStats extends RTCStats {
  transportId: string
  localCandidateId: string
  remoteCandidateId: string
  state: RTCStatsIceCandidatePairState
  nominated?: boolean
  packetsSent?: number
  packetsReceived?: number
  bytesSent?: number
  bytesReceived?: number
  /** Milliseconds since 1970. */
  lastPacketSentTimestamp?: number
  /** Milliseconds since 1970. */
  lastPacketReceivedTimestamp?: number
  /** Seconds. */
  totalRoundTripTime?: number
  /** Seconds. */
  currentRoundTripTime?: number
  /** Bits per second. */
  availableOutgoingBitrate?: number
  /** Bits per second. */
  availableIncomingBitrate?: number
  requestsReceived?: number
  requestsSent?: number
  responsesReceived?: number
  responsesSent?: number
  consentRequestsSent?: number
  packetsDiscardedOnSend?: number
  bytesDiscardedOnSend?: number
}

/** webrtc-stats §8.19.1 */
export type RTCStatsIceCandidatePairState = 'frozen' | 'waiting' | 'in-progress' | 'failed' | 'succeeded'

/** webrtc-stats §8.20 */
export interface RTCCertificateStats extends RTCStats {
  fingerprint: string
  fingerprintAlgorithm: string
  base64Certificate: string
  issuerCertificateId?: string
}
