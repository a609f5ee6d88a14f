import { MessageChannel } from 'node:worker_threads'
import * as icefloe from '../../src/index.ts'
import { createEncodedFrame } from '../../src/pc/encoded-transform/encoded-frames.ts'
import { createTransformEvent, KeyFrameRequestEvent } from '../../src/pc/encoded-transform/script-transformer.ts'
import { RTCIceCandidatePair } from '../../src/pc/rtc-ice-candidate-pair.ts'
import { createTransportObjects, RTCSctpTransport } from '../../src/pc/rtc-transports.ts'
import { constructorToken } from '../../src/pc/webidl.ts'
import { DeviceChangeEvent, mediaDevices } from '../../src/testing/index.ts'

export type Instances = ReadonlyMap<string, object>

export interface Stage {
  /** One of each interface, by name. */
  readonly instances: Instances
  close(): void
}

/** One of everything, without a packet. */
export async function createStage(): Promise<Stage> {
  const peer = new icefloe.RTCPeerConnection()
  const worker = new MessageChannel()
  const connection = new MessageChannel()
  const transformEvent = createTransformEvent({ port: connection.port1, options: 1 })
  const instances = new Map<string, object>(
    [
      peer,
      ...mediaObjects(peer),
      ...transportObjects(),
      ...events(peer),
      ...(await devices()),
      transformEvent,
      transformEvent.transformer,
      new icefloe.RTCRtpScriptTransform(worker.port1),
      await icefloe.RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' }),
      await peer.getStats(),
      peer.createDataChannel('channel'),
      new icefloe.RTCSessionDescription({ type: 'offer', sdp: 'v=0' }),
      candidate(),
      new icefloe.RTCError({ errorDetail: 'dtls-failure' }, 'message'),
      new icefloe.OverconstrainedError('width', 'message'),
    ].map(instance => [instance.constructor.name, instance]),
  )
  const close = (): void => {
    // The devices outlive the stage.
    mediaDevices.ondevicechange = null
    peer.close()
    worker.port1.close()
    connection.port1.close()
  }
  return { instances, close }
}

function candidate(): icefloe.RTCIceCandidate {
  return new icefloe.RTCIceCandidate({ sdpMid: '0', candidate: 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host' })
}

function mediaObjects(peer: icefloe.RTCPeerConnection): object[] {
  const transceiver = peer.addTransceiver('audio')
  const { sender, receiver } = transceiver
  if (sender.dtmf === null) throw new Error('a sender of audio has no DTMF sender')
  const data = new ArrayBuffer(1)
  return [
    transceiver,
    sender,
    receiver,
    sender.dtmf,
    receiver.track,
    new icefloe.MediaStream([receiver.track]),
    createEncodedFrame({ kind: 'video', type: 'key', metadata: {}, data }),
    createEncodedFrame({ kind: 'audio', type: 'key', metadata: {}, data }),
  ]
}

function transportObjects(): object[] {
  const { ice, dtls } = createTransportObjects(
    {
      component: 'rtp',
      role: 'unknown',
      state: 'new',
      gatheringState: 'new',
      localCandidates: [],
      remoteCandidates: [],
      selectedPair: null,
      localParameters: null,
      remoteParameters: null,
    },
    { state: 'new', remoteCertificates: [] },
  )
  const sctp = { transport: dtls, state: 'connecting' as const, maxMessageSize: null, maxChannels: null }
  return [
    ice,
    dtls,
    new RTCSctpTransport(constructorToken, sctp),
    new RTCIceCandidatePair(constructorToken, candidate(), candidate()),
  ]
}

function events(peer: icefloe.RTCPeerConnection): object[] {
  const transceiver = peer.addTransceiver('video')
  const { receiver } = transceiver
  const { track } = receiver
  const channel = peer.createDataChannel('of the event')
  return [
    new icefloe.RTCPeerConnectionIceEvent('icecandidate', { candidate: candidate() }),
    new icefloe.RTCPeerConnectionIceErrorEvent('icecandidateerror', { errorCode: 701 }),
    new icefloe.RTCDataChannelEvent('datachannel', { channel }),
    new icefloe.RTCErrorEvent('error', { error: new icefloe.RTCError({ errorDetail: 'dtls-failure' }) }),
    new icefloe.RTCIceCandidatePairEvent('icecandidatepairadd', {
      candidatePair: new RTCIceCandidatePair(constructorToken, candidate(), candidate()),
    }),
    new icefloe.RTCTrackEvent('track', { receiver, track, transceiver }),
    new icefloe.RTCDTMFToneChangeEvent('tonechange'),
    new icefloe.MediaStreamTrackEvent('addtrack', { track }),
    new KeyFrameRequestEvent('keyframerequest'),
    new DeviceChangeEvent('devicechange'),
  ]
}

async function devices(): Promise<object[]> {
  const [device] = await mediaDevices.enumerateDevices()
  if (device === undefined) throw new Error('no device')
  // A device of input implements both interfaces.
  return [mediaDevices, device]
}
