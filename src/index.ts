// The public exports of `icefloe`: the W3C interfaces under their own names, and what Node needs beside them.
export type { Environment } from './base/environment.ts'
export type {
  RTCBundlePolicy,
  RTCConfiguration,
  RTCIceServer,
  RTCIceTransportPolicy,
  RTCRtcpMuxPolicy,
} from './pc/configuration.ts'
export type { ConnectionExtensions } from './pc/connection-extensions.ts'
export { type ConnectionReport, explainConnection, type ServerReport } from './pc/connection-report.ts'
export type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './pc/connection-states.ts'
export type { RTCDataChannelInit } from './pc/data-channel-init.ts'
export {
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from './pc/events.ts'
export type { NatMapping, TcpCandidateType } from './pc/gathering/host-options.ts'
export { IcePort, type IcePortOptions, type UnknownRequest } from './pc/gathering/ice-port.ts'
export type { PortRange } from './pc/gathering/ports.ts'
export {
  type CertificateImport,
  type ExportedCertificate,
  exportCertificate,
  exportPrivateKeyJwk,
  importCertificate,
} from './pc/portable-certificate.ts'
export { RTCCertificate, type RTCKeygenAlgorithm } from './pc/rtc-certificate.ts'
export { RTCDataChannel } from './pc/rtc-data-channel.ts'
export type { RTCErrorDetailType, RTCErrorInit } from './pc/rtc-error.ts'
export { RTCError } from './pc/rtc-error.ts'
export type { RTCIceCandidateInit } from './pc/rtc-ice-candidate.ts'
export { RTCIceCandidate } from './pc/rtc-ice-candidate.ts'
export type { RTCOfferOptions } from './pc/rtc-peer-connection.ts'
export { RTCPeerConnection } from './pc/rtc-peer-connection.ts'
export type {
  RTCLocalSessionDescriptionInit,
  RTCSdpType,
  RTCSessionDescriptionInit,
} from './pc/rtc-session-description.ts'
export { RTCSessionDescription } from './pc/rtc-session-description.ts'
export type {
  RTCDtlsTransportState,
  RTCIceGathererState,
  RTCIceParameters,
  RTCIceRole,
  RTCIceTransportState,
  RTCSctpTransportState,
} from './pc/rtc-transports.ts'
export { RTCDtlsTransport, RTCIceCandidatePair, RTCIceTransport, RTCSctpTransport } from './pc/rtc-transports.ts'
export { certificateFromSeed, type SeededCertificateOptions } from './pc/seeded-certificate.ts'
export type { SignalingState as RTCSignalingState } from './pc/signaling.ts'
export { RTCStatsReport } from './pc/stats.ts'
