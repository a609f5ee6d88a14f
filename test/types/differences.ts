/** Where icefloe and TypeScript's lib.dom cannot agree, and why. The test fails for an entry that is no longer true. */

/** What the standards have and lib.dom has not, by interface: with these added, its objects are taken for icefloe's. */
export const missingFromDom: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  MediaStreamTrack: { isolated: 'webrtc-identity §8.1', onisolationchange: 'webrtc-identity §8.1' },
  RTCDataChannel: { priority: 'webrtc-priority §5' },
  RTCError: { httpRequestStatusCode: 'webrtc-identity §10.1' },
  RTCIceCandidate: { relayProtocol: 'webrtc-pc §4.8.1', url: 'webrtc-pc §4.8.1' },
  RTCIceTransport: {
    component: 'webrtc-pc §5.6',
    getLocalCandidates: 'webrtc-pc §5.6',
    getLocalParameters: 'webrtc-pc §5.6',
    getRemoteCandidates: 'webrtc-pc §5.6',
    getRemoteParameters: 'webrtc-pc §5.6',
    role: 'webrtc-pc §5.6',
  },
  RTCPeerConnectionIceEvent: { url: 'webrtc-pc §4.8.2' },
  RTCRtpHeaderExtensionCapability: { direction: 'webrtc-extensions §5.1' },
  RTCRtpReceiver: { createEncodedStreams: 'an extension of icefloe, as Chromium had it' },
  RTCRtpSender: { createEncodedStreams: 'an extension of icefloe, as Chromium had it' },
  RTCRtpTransceiver: {
    getHeaderExtensionsToNegotiate: 'webrtc-extensions §5.3',
    getNegotiatedHeaderExtensions: 'webrtc-extensions §5.3',
    rtpHeaderEncryptionNegotiated: 'webrtc-extensions §12.2',
    setHeaderExtensionsToNegotiate: 'webrtc-extensions §5.3',
  },
}

const timestamp = 'the standard has moved the timestamp of frames into their metadata'
const worker = 'browsers have a Worker of their own, Node has that of node:worker_threads'
const constants = 'lib.dom leaves out the constants that a constructor inherits from the one it extends'

/** Dictionaries of icefloe that lib.dom does not take for its own. */
export const dictionariesNotForDom: Readonly<Record<string, string>> = {
  RTCConfiguration: 'rtcpMuxPolicy may be `negotiate`, as in RFC 8829',
}

/** Objects of icefloe that lib.dom does not take for its own. */
export const notForDom: Readonly<Record<string, string>> = {
  RTCEncodedAudioFrame: timestamp,
  RTCEncodedVideoFrame: timestamp,
}

/** Constructors of icefloe that lib.dom does not take for its own. */
export const constructorsNotForDom: Readonly<Record<string, string>> = {
  RTCEncodedAudioFrame: timestamp,
  RTCEncodedVideoFrame: timestamp,
  RTCRtpScriptTransform: worker,
}

/** Constructors of lib.dom that icefloe does not take for its own. */
export const constructorsNotFromDom: Readonly<Record<string, string>> = {
  MediaStreamTrackEvent: constants,
  OverconstrainedError: constants,
  RTCDTMFToneChangeEvent: constants,
  RTCDataChannelEvent: constants,
  RTCError: constants,
  RTCErrorEvent: constants,
  RTCPeerConnectionIceErrorEvent: constants,
  RTCPeerConnectionIceEvent: constants,
  RTCRtpReceiver: 'lib.dom has not the static disableHardwareDecoding of webrtc-extensions §14.1',
  RTCRtpScriptTransform: worker,
  RTCRtpSender: 'lib.dom has not the static disableHardwareEncoding of webrtc-extensions §14.2',
  RTCTrackEvent: constants,
}

/** Interfaces that lib.dom has as a dictionary, without a constructor. */
export const withoutConstructor: ReadonlySet<string> = new Set(['RTCIceCandidatePair'])

const statistics = 'statistics are read as any, as RTCStatsReport of lib.dom gives them out'
const aliases = 'names for what lib.dom builds other types of'

/** Names of WebRTC in lib.dom that icefloe does not export. */
export const namesOfDomAlone: Readonly<Record<string, string>> = {
  RTCCertificateExpiration: aliases,
  RTCDegradationPreference: 'icefloe encodes nothing, so nothing can be degraded',
  RTCDtlsRole: statistics,
  RTCIceCandidatePairStats: statistics,
  RTCInboundRtpStreamStats: statistics,
  RTCOfferAnswerOptions: aliases,
  RTCOutboundRtpStreamStats: statistics,
  RTCQualityLimitationReason: statistics,
  RTCReceivedRtpStreamStats: statistics,
  RTCRtpCodingParameters: aliases,
  RTCRtpReceiverTransform: aliases,
  RTCRtpSenderTransform: aliases,
  RTCRtpStreamStats: statistics,
  RTCSentRtpStreamStats: statistics,
  RTCStatsIceCandidatePairState: statistics,
  RTCStatsType: statistics,
  RTCTransportStats: statistics,
}
