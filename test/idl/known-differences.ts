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

const providerScope =
  'In the scope of a script that a provider is loaded from alone: that runs in a process of its own.'
const sframe = 'SFrame is not implemented; a script transform can encrypt frames.'
const sourceEvents = 'RTCRtpReceiver is no EventTarget, in any document: the events have nowhere to fire.'
const workerScope =
  'A scope that this library does not make: a worker of Node gets `onrtctransform` from icefloe/worker.'
const encodedStreams = 'An extension: what Chromium has for encoded frames on the thread of the connection.'
const frameTimestamp = 'Gone from the document for the metadata, and still there in all browsers.'

type Differences = Readonly<Record<string, string>>

/** Where icefloe differs from the documents, and why. One that has gone has to go from here, too. */
export const knownDifferences: Readonly<Record<Aspect, Differences>> = {
  shapes: {
    ...because(providerScope, [
      'RTCIdentityProviderGlobalScope: is missing',
      'RTCIdentityProviderRegistrar: is missing',
    ]),
    ...because(sframe, [
      'RTCRtpSFrameEncryptor: is missing',
      'RTCRtpSFrameDecryptor: is missing',
      'SFrameEncryptorStream: is missing',
      'SFrameDecryptorStream: is missing',
      'SFrameTransformErrorEvent: is missing',
    ]),
    ...because(sourceEvents, ['RTCRtpReceiver.onssrcchange: is missing', 'RTCRtpReceiver.oncsrcchange: is missing']),
    ...because(encodedStreams, [
      'RTCRtpSender.createEncodedStreams: is not in the documents',
      'RTCRtpReceiver.createEncodedStreams: is not in the documents',
    ]),
    ...because('As all browsers have it, although no document does any more.', [
      'RTCRtpTransceiver.stopped: is not in the documents',
    ]),
    ...because(frameTimestamp, [
      'RTCEncodedVideoFrame.timestamp: is not in the documents',
      'RTCEncodedAudioFrame.timestamp: is not in the documents',
    ]),
    ...because(workerScope, ['DedicatedWorkerGlobalScope: is missing']),
    ...because('Node has its own; `icefloe/polyfill` adds what belongs there.', ['Navigator: is missing']),
    ...because('It is in a document of its own, Screen Capture.', [
      'MediaDevices.getDisplayMedia: is not in the documents',
    ]),
  },
  receivers: {},
  arguments: {},
  dictionaries: {},
  conversions: {},
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
