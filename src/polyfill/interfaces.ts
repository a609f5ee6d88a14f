import { RTCEncodedAudioFrame, RTCEncodedVideoFrame } from '../pc/encoded-transform/encoded-frames.ts'
import { RTCRtpScriptTransform } from '../pc/encoded-transform/script-transform.ts'
import {
  RTCDataChannelEvent,
  RTCErrorEvent,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
} from '../pc/events.ts'
import { RTCIdentityAssertion } from '../pc/identity/rtc-identity-assertion.ts'
import { MediaStream } from '../pc/media/media-stream.ts'
import { MediaStreamTrack } from '../pc/media/media-stream-track.ts'
import { MediaStreamTrackEvent } from '../pc/media/media-stream-track-event.ts'
import { OverconstrainedError } from '../pc/media/overconstrained-error.ts'
import { RTCCertificate } from '../pc/rtc-certificate.ts'
import { RTCDataChannel } from '../pc/rtc-data-channel.ts'
import { RTCError } from '../pc/rtc-error.ts'
import { RTCIceCandidate } from '../pc/rtc-ice-candidate.ts'
import { RTCIceCandidatePair, RTCIceCandidatePairEvent } from '../pc/rtc-ice-candidate-pair.ts'
import { RTCPeerConnection } from '../pc/rtc-peer-connection.ts'
import { RTCSessionDescription } from '../pc/rtc-session-description.ts'
import { RTCDtlsTransport, RTCIceTransport, RTCSctpTransport } from '../pc/rtc-transports.ts'
import { RTCDTMFToneChangeEvent, RTCTrackEvent } from '../pc/rtp/events.ts'
import { RTCDTMFSender } from '../pc/rtp/rtc-dtmf-sender.ts'
import { RTCRtpReceiver } from '../pc/rtp/rtc-rtp-receiver.ts'
import { RTCRtpSender } from '../pc/rtp/rtc-rtp-sender.ts'
import { RTCRtpTransceiver } from '../pc/rtp/rtc-rtp-transceiver.ts'
import { RTCStatsReport } from '../pc/stats.ts'

/** The interface objects of WebRTC, by their names: what the global object of a browser has of them. */
export interface WebRtcInterfaces {
  readonly OverconstrainedError: typeof OverconstrainedError
  readonly MediaStream: typeof MediaStream
  readonly MediaStreamTrack: typeof MediaStreamTrack
  readonly MediaStreamTrackEvent: typeof MediaStreamTrackEvent
  readonly RTCCertificate: typeof RTCCertificate
  readonly RTCDTMFSender: typeof RTCDTMFSender
  readonly RTCDTMFToneChangeEvent: typeof RTCDTMFToneChangeEvent
  readonly RTCDataChannel: typeof RTCDataChannel
  readonly RTCDataChannelEvent: typeof RTCDataChannelEvent
  readonly RTCDtlsTransport: typeof RTCDtlsTransport
  readonly RTCEncodedAudioFrame: typeof RTCEncodedAudioFrame
  readonly RTCEncodedVideoFrame: typeof RTCEncodedVideoFrame
  readonly RTCError: typeof RTCError
  readonly RTCErrorEvent: typeof RTCErrorEvent
  readonly RTCIceCandidate: typeof RTCIceCandidate
  readonly RTCIceCandidatePair: typeof RTCIceCandidatePair
  readonly RTCIceCandidatePairEvent: typeof RTCIceCandidatePairEvent
  readonly RTCIceTransport: typeof RTCIceTransport
  readonly RTCIdentityAssertion: typeof RTCIdentityAssertion
  readonly RTCPeerConnection: typeof RTCPeerConnection
  readonly RTCPeerConnectionIceErrorEvent: typeof RTCPeerConnectionIceErrorEvent
  readonly RTCPeerConnectionIceEvent: typeof RTCPeerConnectionIceEvent
  readonly RTCRtpReceiver: typeof RTCRtpReceiver
  readonly RTCRtpScriptTransform: typeof RTCRtpScriptTransform
  readonly RTCRtpSender: typeof RTCRtpSender
  readonly RTCRtpTransceiver: typeof RTCRtpTransceiver
  readonly RTCSctpTransport: typeof RTCSctpTransport
  readonly RTCSessionDescription: typeof RTCSessionDescription
  readonly RTCStatsReport: typeof RTCStatsReport
  readonly RTCTrackEvent: typeof RTCTrackEvent
}

export const interfaces: WebRtcInterfaces = {
  OverconstrainedError,
  MediaStream,
  MediaStreamTrack,
  MediaStreamTrackEvent,
  RTCCertificate,
  RTCDTMFSender,
  RTCDTMFToneChangeEvent,
  RTCDataChannel,
  RTCDataChannelEvent,
  RTCDtlsTransport,
  RTCEncodedAudioFrame,
  RTCEncodedVideoFrame,
  RTCError,
  RTCErrorEvent,
  RTCIceCandidate,
  RTCIceCandidatePair,
  RTCIceCandidatePairEvent,
  RTCIceTransport,
  RTCIdentityAssertion,
  RTCPeerConnection,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
  RTCRtpReceiver,
  RTCRtpScriptTransform,
  RTCRtpSender,
  RTCRtpTransceiver,
  RTCSctpTransport,
  RTCSessionDescription,
  RTCStatsReport,
  RTCTrackEvent,
}
