/** The members of webrtc-stats that a call without a server has not, and why; by type of entry. `docs/deviations.md` says the same. */

const encodes = 'who encodes is behind the track, and does not tell'
const decodes = 'who decodes is behind the track, and does not tell'
const fec = 'forward error correction is not implemented'
const ecn = 'sockets of Node neither read nor write the ECN bits'
const ccfb = 'the feedback of RFC 8888 is not implemented: transport-wide congestion control takes its place'
const corruption = 'the extension for corruption detection is not implemented'
const socketErrors = 'a socket of Node tells of errors later, and not of which packet'
const svc = 'encodings with several layers are what the application makes of them'
const microphone = 'there is no microphone with echo cancellation'
const devices = 'there is no device that plays audio'
const server = 'only for candidates from a STUN or TURN server'
const chain = 'only for a certificate that another one has signed'
const simulcast = 'only where encodings have one: a simulcast'
const remb = 'only where the peer takes REMB instead of transport-wide feedback'

/** That nothing tells here, whatever the call. */
export const never: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'inbound-rtp': {
    qpSum: decodes,
    playoutId: devices,
    fecSsrc: fec,
    packetsReceivedWithEct1: ecn,
    packetsReceivedWithCe: ecn,
    packetsReportedAsLost: ccfb,
    packetsReportedAsLostButRecovered: ccfb,
    totalCorruptionProbability: corruption,
    totalSquaredCorruptionProbability: corruption,
    corruptionMeasurements: corruption,
  },
  'outbound-rtp': {
    qpSum: encodes,
    psnrSum: encodes,
    psnrMeasurements: encodes,
    scalabilityMode: svc,
    packetsSentWithEct1: ecn,
  },
  'remote-inbound-rtp': {
    packetsReceivedWithEct1: ccfb,
    packetsReceivedWithCe: ccfb,
    packetsReportedAsLost: ccfb,
    packetsReportedAsLostButRecovered: ccfb,
    packetsWithBleachedEct1Marking: ccfb,
  },
  'media-source': { echoReturnLoss: microphone, echoReturnLossEnhancement: microphone },
  'media-playout': {
    timestamp: devices,
    type: devices,
    id: devices,
    kind: devices,
    synthesizedSamplesDuration: devices,
    synthesizedSamplesEvents: devices,
    totalSamplesDuration: devices,
    totalPlayoutDelay: devices,
    totalSamplesCount: devices,
  },
  transport: { ccfbMessagesSent: ccfb, ccfbMessagesReceived: ccfb },
  'candidate-pair': { packetsDiscardedOnSend: socketErrors, bytesDiscardedOnSend: socketErrors },
  // webrtc-stats §8.18: these MUST NOT be there
  'remote-candidate': { url: server, relayProtocol: server },
}

/** That other tests see: the call of the test has no use for them. */
export const elsewhere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'outbound-rtp': { rid: simulcast },
  'candidate-pair': { availableIncomingBitrate: remb },
  'local-candidate': { url: server, relayProtocol: server, relatedAddress: server, relatedPort: server },
  'remote-candidate': { relatedAddress: server, relatedPort: server },
  certificate: { issuerCertificateId: chain },
}
