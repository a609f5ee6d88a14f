/** The interface objects of WebRTC, by their names: what the global object of a browser has of them. */
export { RTCEncodedAudioFrame, RTCEncodedVideoFrame } from '../pc/encoded-transform/encoded-frames.ts'
export { RTCRtpScriptTransform } from '../pc/encoded-transform/script-transform.ts'
export {
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from '../pc/events.ts'
export { RTCIdentityAssertion } from '../pc/identity/rtc-identity-assertion.ts'
export { MediaStream } from '../pc/media/media-stream.ts'
export { MediaStreamTrack } from '../pc/media/media-stream-track.ts'
export { MediaStreamTrackEvent } from '../pc/media/media-stream-track-event.ts'
export { OverconstrainedError } from '../pc/media/overconstrained-error.ts'
export { RTCCertificate } from '../pc/rtc-certificate.ts'
export { RTCDataChannel } from '../pc/rtc-data-channel.ts'
export { RTCError } from '../pc/rtc-error.ts'
export { RTCIceCandidate } from '../pc/rtc-ice-candidate.ts'
export { RTCIceCandidatePair, RTCIceCandidatePairEvent } from '../pc/rtc-ice-candidate-pair.ts'
export { RTCPeerConnection } from '../pc/rtc-peer-connection.ts'
export { RTCSessionDescription } from '../pc/rtc-session-description.ts'
export { RTCDtlsTransport, RTCIceTransport, RTCSctpTransport } from '../pc/rtc-transports.ts'
export { RTCDTMFToneChangeEvent, RTCTrackEvent } from '../pc/rtp/events.ts'
export { RTCDTMFSender } from '../pc/rtp/rtc-dtmf-sender.ts'
export { RTCRtpReceiver } from '../pc/rtp/rtc-rtp-receiver.ts'
export { RTCRtpSender } from '../pc/rtp/rtc-rtp-sender.ts'
export { RTCRtpTransceiver } from '../pc/rtp/rtc-rtp-transceiver.ts'
export { RTCStatsReport } from '../pc/stats.ts'
