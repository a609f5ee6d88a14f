/** Where icefloe and TypeScript's lib.dom cannot agree, and why. The test fails for an entry that is no longer true. */

/** Interfaces of the standards that lib.dom does not have at all. */
export const absentFromDom: Readonly<Record<string, string>> = {
  RTCIceCandidatePairEvent: 'webrtc-extensions §9.3',
  RTCIdentityAssertion: 'webrtc-identity §9.3',
}

/** What the standards have and lib.dom has not, by interface: with these added, its objects are taken for icefloe's. */
export const missingFromDom: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  MediaStreamTrack: { isolated: 'webrtc-identity §11.1.1', onisolationchange: 'webrtc-identity §11.1.1' },
  RTCDataChannel: { priority: 'webrtc-priority §5' },
  RTCError: { httpRequestStatusCode: 'webrtc-identity §10.1' },
  RTCIceCandidate: { relayProtocol: 'webrtc-pc §4.8.1', url: 'webrtc-pc §4.8.1' },
  RTCIceTransport: {
    component: 'webrtc-pc §5.6',
    getLocalCandidates: 'webrtc-pc §5.6',
    getLocalParameters: 'webrtc-pc §5.6',
    getRemoteCandidates: 'webrtc-pc §5.6',
    getRemoteParameters: 'webrtc-pc §5.6',
    onicecandidatepairadd: 'webrtc-extensions §9.1',
    onicecandidatepairnominate: 'webrtc-extensions §9.1',
    onicecandidatepairremove: 'webrtc-extensions §9.1',
    removeCandidatePair: 'webrtc-extensions §9.2',
    role: 'webrtc-pc §5.6',
    selectCandidatePair: 'webrtc-extensions §9.2',
  },
  RTCPeerConnection: {
    getIdentityAssertion: 'webrtc-identity §9',
    idpErrorInfo: 'webrtc-identity §9',
    idpLoginUrl: 'webrtc-identity §9',
    peerIdentity: 'webrtc-identity §9',
    setIdentityProvider: 'webrtc-identity §9',
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
    stopped: 'as all browsers have it, although no document does any more',
  },
}

const frames = 'lib.dom has their constructors without an argument, the standard with the frame to copy'
const worker = 'browsers have a Worker of their own, Node has that of node:worker_threads'
const constants = 'lib.dom leaves out the constants that a constructor inherits from the one it extends'

/** Dictionaries of icefloe that lib.dom does not take for its own. */
export const dictionariesNotForDom: Readonly<Record<string, string>> = {
  RTCConfiguration: 'rtcpMuxPolicy may be `negotiate`, as in RFC 8829',
}

/** Objects of icefloe that lib.dom does not take for its own. */
export const notForDom: Readonly<Record<string, string>> = {}

/** Constructors of icefloe that lib.dom does not take for its own. */
export const constructorsNotForDom: Readonly<Record<string, string>> = {
  RTCEncodedAudioFrame: frames,
  RTCEncodedVideoFrame: frames,
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

const aliases = 'names for what lib.dom builds other types of'

/** Names of WebRTC in lib.dom that icefloe does not export. */
export const namesOfDomAlone: Readonly<Record<string, string>> = {
  RTCCertificateExpiration: aliases,
  RTCOfferAnswerOptions: aliases,
  RTCRtpCodingParameters: aliases,
  RTCRtpReceiverTransform: aliases,
  RTCRtpSenderTransform: aliases,
}
