// The public exports of `icefloe`: the W3C interfaces under their own names, and what Node needs beside them.
export type { Environment } from './base/environment.ts'
export { createSystemEnvironment } from './net/system-environment.ts'
export type {
  RTCBundlePolicy,
  RTCConfiguration,
  RTCConfigurationTargetLatency,
  RTCIceServer,
  RTCIceTransportPolicy,
  RTCRtcpMuxPolicy,
  RTCRtpHeaderEncryptionPolicy,
} from './pc/configuration.ts'
export type { ConnectionExtensions } from './pc/connection-extensions.ts'
export {
  type ConnectionReport,
  explainConnection,
  type ServerReport,
  type TransportReport,
} from './pc/connection-report.ts'
export type { RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState } from './pc/connection-states.ts'
export type { RTCDataChannelInit } from './pc/data-channel-init.ts'
export {
  deserializeEncodedFrame,
  RTCEncodedAudioFrame,
  type RTCEncodedAudioFrameMetadata,
  type RTCEncodedAudioFrameOptions,
  type RTCEncodedFrameMetadata,
  RTCEncodedVideoFrame,
  type RTCEncodedVideoFrameMetadata,
  type RTCEncodedVideoFrameOptions,
  type SerializedEncodedFrame,
  serializeEncodedFrame,
} from './pc/encoded-transform/encoded-frames.ts'
export { RTCRtpScriptTransform } from './pc/encoded-transform/script-transform.ts'
export {
  RTCDataChannelEvent,
  type RTCDataChannelEventInit,
  RTCErrorEvent,
  type RTCErrorEventInit,
  RTCPeerConnectionIceErrorEvent,
  type RTCPeerConnectionIceErrorEventInit,
  RTCPeerConnectionIceEvent,
  type RTCPeerConnectionIceEventInit,
} from './pc/events.ts'
export type { NatMapping, TcpCandidateType } from './pc/gathering/host-options.ts'
export { IcePort, type IcePortOptions, type UnknownRequest } from './pc/gathering/ice-port.ts'
export type { PortRange } from './pc/gathering/ports.ts'
export type {
  RTCIdentityAssertionResult,
  RTCIdentityProvider,
  RTCIdentityProviderDetails,
  RTCIdentityProviderOptions,
  RTCIdentityValidationResult,
} from './pc/identity/identity-provider.ts'
export { type IdentityProviderRegistration, registerIdentityProvider } from './pc/identity/provider-registry.ts'
export { RTCIdentityAssertion } from './pc/identity/rtc-identity-assertion.ts'
export type { RTCPeerConnectionErrorCallback } from './pc/legacy-callbacks.ts'
export type * from './pc/media/constraints.ts'
export * from './pc/media/encoded-track-sink.ts'
export * from './pc/media/encoded-track-source.ts'
export type { WrittenFrame } from './pc/media/frame-argument.ts'
export type { ReceivedFrame } from './pc/media/frame-reader.ts'
export { KeyframeRequestEvent } from './pc/media/keyframe-request-event.ts'
export type { MediaEnvironment } from './pc/media/media-environment.ts'
export { MediaStream, type MediaStreamEventMap } from './pc/media/media-stream.ts'
export {
  MediaStreamTrack,
  type MediaStreamTrackEventMap,
  type MediaStreamTrackState,
} from './pc/media/media-stream-track.ts'
export { MediaStreamTrackEvent, type MediaStreamTrackEventInit } from './pc/media/media-stream-track-event.ts'
export { OverconstrainedError } from './pc/media/overconstrained-error.ts'
export type { RTCResolutionRestriction } from './pc/media/resolution-restriction.ts'
export * from './pc/media/rtp-track-sink.ts'
export * from './pc/media/rtp-track-source.ts'
export {
  type TargetBitrateEncoding,
  TargetBitrateEvent,
  type TargetBitrateEventInit,
} from './pc/media/target-bitrate-event.ts'
export type { MediaCodec, MediaKind } from './pc/media/track-signal.ts'
export {
  type CertificateImport,
  type ExportedCertificate,
  exportCertificate,
  exportPrivateKeyJwk,
  importCertificate,
} from './pc/portable-certificate.ts'
export { RTCCertificate, type RTCDtlsFingerprint, type RTCKeygenAlgorithm } from './pc/rtc-certificate.ts'
export {
  RTCDataChannel,
  type RTCDataChannelEventMap,
  type RTCDataChannelState,
  type RTCPriorityType,
} from './pc/rtc-data-channel.ts'
export type { RTCErrorDetailType, RTCErrorInit } from './pc/rtc-error.ts'
export { RTCError } from './pc/rtc-error.ts'
export type {
  RTCIceCandidateInit,
  RTCIceCandidateType,
  RTCIceComponent,
  RTCIceProtocol,
  RTCIceServerTransportProtocol,
  RTCIceTcpCandidateType,
  RTCLocalIceCandidateInit,
} from './pc/rtc-ice-candidate.ts'
export { RTCIceCandidate } from './pc/rtc-ice-candidate.ts'
export {
  RTCIceCandidatePair,
  RTCIceCandidatePairEvent,
  type RTCIceCandidatePairEventInit,
} from './pc/rtc-ice-candidate-pair.ts'
export type { RTCAnswerOptions, RTCOfferOptions, RTCSessionDescriptionCallback } from './pc/rtc-peer-connection.ts'
export { RTCPeerConnection, type RTCPeerConnectionEventMap } from './pc/rtc-peer-connection.ts'
export type {
  RTCLocalSessionDescriptionInit,
  RTCSdpType,
  RTCSessionDescriptionInit,
} from './pc/rtc-session-description.ts'
export { RTCSessionDescription } from './pc/rtc-session-description.ts'
export type {
  RTCDtlsTransportEventMap,
  RTCDtlsTransportState,
  RTCIceGathererState,
  RTCIceParameters,
  RTCIceRole,
  RTCIceTransportEventMap,
  RTCIceTransportState,
  RTCSctpTransportEventMap,
  RTCSctpTransportState,
} from './pc/rtc-transports.ts'
export { RTCDtlsTransport, RTCIceTransport, RTCSctpTransport } from './pc/rtc-transports.ts'
export {
  RTCDTMFToneChangeEvent,
  type RTCDTMFToneChangeEventInit,
  RTCTrackEvent,
  type RTCTrackEventInit,
} from './pc/rtp/events.ts'
export type * from './pc/rtp/parameters.ts'
export { RTCDTMFSender, type RTCDTMFSenderEventMap } from './pc/rtp/rtc-dtmf-sender.ts'
export { RTCRtpReceiver } from './pc/rtp/rtc-rtp-receiver.ts'
export { RTCRtpSender } from './pc/rtp/rtc-rtp-sender.ts'
export { RTCRtpTransceiver } from './pc/rtp/rtc-rtp-transceiver.ts'
export type { RTCRtpTransceiverDirection } from './pc/rtp/slots.ts'
export { certificateFromSeed, type SeededCertificateOptions } from './pc/seeded-certificate.ts'
export type { SignalingState as RTCSignalingState } from './pc/signaling.ts'
export type * from './pc/stats/dictionaries.ts'
export { RTCStatsReport } from './pc/stats.ts'
// Packages that icefloe is installed in place of have a default, and wrtc has `nonstandard`: see docs/compat.md.
export {
  type Nonstandard,
  nonstandard,
  type PackageDefault,
  packageDefault as default,
  type RTCAudioSource,
  type RTCVideoSource,
  type RTCVideoSourceInit,
} from './polyfill/nonstandard.ts'
