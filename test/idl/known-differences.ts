/** What is compared. */
export type Aspect =
  | 'shapes'
  | 'receivers'
  | 'arguments'
  | 'dictionaries'
  | 'conversions'
  | 'handlers'
  | 'attributes'
  | 'toJSON'
  | 'results'
  | 'statistics'

const identity =
  'Identity assertions are not verified: who asks for a peer identity gets a NotSupportedError, never less.'
const sframe = 'SFrame is not implemented; a script transform can encrypt frames.'
const pairs =
  'The application does not choose among candidate pairs: the agent nominates, and pairs are not told one by one.'
const sourceEvents = 'RTCRtpReceiver is no EventTarget, in any document: the events have nowhere to fire.'
const workerScope =
  'A scope that this library does not make: a worker of Node gets `onrtctransform` from icefloe/worker.'
const encodedStreams = 'An extension: what Chromium has for encoded frames on the thread of the connection.'
const encodedMedia = 'The application encodes what is sent, so that this is not for the sender to choose.'
const noHeaderEncryption = 'The RTP headers are not encrypted (RFC 9335), and nobody can ask for it.'
const dataChannels = 'A section for data is negotiated once a data channel was created.'
const noSource =
  'No source of this library has that property: as an unknown one, it is ignored, and not among the supported.'

type Differences = Readonly<Record<string, string>>

/** Where icefloe differs from the documents, and why. One that has gone has to go from here, too. */
export const knownDifferences: Readonly<Record<Aspect, Differences>> = {
  shapes: {
    ...because(identity, [
      'RTCPeerConnection.peerIdentity: is missing',
      'RTCPeerConnection.idpLoginUrl: is missing',
      'RTCPeerConnection.idpErrorInfo: is missing',
      'RTCPeerConnection.setIdentityProvider: is missing',
      'RTCPeerConnection.getIdentityAssertion: is missing',
      'RTCIdentityProviderGlobalScope: is missing',
      'RTCIdentityProviderRegistrar: is missing',
      'RTCIdentityAssertion: is missing',
    ]),
    ...because(sframe, [
      'RTCRtpSFrameEncryptor: is missing',
      'RTCRtpSFrameDecryptor: is missing',
      'SFrameEncryptorStream: is missing',
      'SFrameDecryptorStream: is missing',
      'SFrameTransformErrorEvent: is missing',
    ]),
    ...because(pairs, [
      'RTCIceTransport.onicecandidatepairadd: is missing',
      'RTCIceTransport.onicecandidatepairremove: is missing',
      'RTCIceTransport.onicecandidatepairnominate: is missing',
      'RTCIceTransport.selectCandidatePair: is missing',
      'RTCIceTransport.removeCandidatePair: is missing',
      'RTCIceCandidatePairEvent: is missing',
    ]),
    ...because(sourceEvents, ['RTCRtpReceiver.onssrcchange: is missing', 'RTCRtpReceiver.oncsrcchange: is missing']),
    ...because(encodedStreams, [
      'RTCRtpSender.createEncodedStreams: is not in the documents',
      'RTCRtpReceiver.createEncodedStreams: is not in the documents',
    ]),
    ...because(workerScope, ['DedicatedWorkerGlobalScope: is missing']),
    ...because('Node has its own; `icefloe/polyfill` adds what belongs there.', ['Navigator: is missing']),
    ...because('It is in a document of its own, Screen Capture.', [
      'MediaDevices.getDisplayMedia: is not in the documents',
    ]),
  },
  receivers: {},
  arguments: {},
  dictionaries: {
    ...because(noHeaderEncryption, bothUnread('RTCConfiguration.rtpHeaderEncryptionPolicy')),
    ...because(dataChannels, bothUnread('RTCConfiguration.alwaysNegotiateDataChannels')),
    ...because('Frames are given out as they come; a jitter buffer is made by whoever wants one.', [
      ...bothUnread('RTCConfiguration.targetLatency'),
    ]),
    ...because(
      encodedMedia,
      [
        'RTCRtpEncodingParameters.adaptivePtime',
        'RTCRtpEncodingParameters.ptime',
        'RTCRtpEncodingParameters.scalabilityMode',
        'RTCRtpEncodingParameters.scaleResolutionDownTo',
        'RTCResolutionRestriction.maxHeight',
        'RTCResolutionRestriction.maxWidth',
      ].flatMap(member => [
        `RTCPeerConnection.addTransceiver: does not read ${member}`,
        `RTCRtpSender.setParameters: does not read ${member}`,
      ]),
    ),
    ...because(encodedMedia, ['RTCRtpSender.setParameters: does not read RTCRtpSendParameters.degradationPreference']),
    ...because(
      noSource,
      [
        'autoGainControl',
        'backgroundBlur',
        'echoCancellation',
        'facingMode',
        'latency',
        'noiseSuppression',
        'resizeMode',
        'sampleSize',
      ].flatMap(property =>
        ['MediaTrackConstraints', 'MediaTrackConstraintSet'].map(
          set => `MediaStreamTrack.applyConstraints: does not read ${set}.${property}`,
        ),
      ),
    ),
    ...because(identity, ['MediaDevices.getUserMedia: does not read MediaStreamConstraints.peerIdentity']),
  },
  conversions: because(identity, [
    'new RTCPeerConnection: threw for Symbol(s) as RTCConfiguration.peerIdentity',
    'RTCPeerConnection.setConfiguration: threw for Symbol(s) as RTCConfiguration.peerIdentity',
  ]),
  handlers: {},
  attributes: {},
  toJSON: {},
  results: {},
  statistics: because('An extension: see docs/deviations.md.', [
    'RTCTransportStats.tlsGroup: is not in the documents',
    'RTCTransportStats.packetsDropped: is not in the documents',
    'RTCCertificateStats.keyAlgorithm: is not in the documents',
  ]),
}

function because(reason: string, differences: readonly string[]): Differences {
  return Object.fromEntries(differences.map(difference => [difference, reason]))
}

/** Of a configuration. */
function bothUnread(member: string): string[] {
  return [
    `new RTCPeerConnection: does not read ${member}`,
    `RTCPeerConnection.setConfiguration: does not read ${member}`,
  ]
}
