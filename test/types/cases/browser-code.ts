// Code as applications have it for browsers: typed against TypeScript's lib.dom, which it does not import.

const iceServers: RTCIceServer[] = [
  { urls: 'stun:stun.example.org' },
  { urls: ['turn:turn.example.org?transport=udp'], username: 'user', credential: 'secret' },
]
const configuration: RTCConfiguration = { iceServers, bundlePolicy: 'max-bundle', iceTransportPolicy: 'all' }

export class Call {
  readonly pc: RTCPeerConnection = new RTCPeerConnection(configuration)
  readonly remoteStreams = new Map<string, MediaStream>()
  channel: RTCDataChannel | null = null
  makingOffer = false

  constructor(
    readonly signal: (message: {
      description?: RTCSessionDescription | null
      candidate?: RTCIceCandidate | null
    }) => void,
  ) {
    const { pc } = this
    pc.onnegotiationneeded = async () => {
      try {
        this.makingOffer = true
        await pc.setLocalDescription()
        signal({ description: pc.localDescription })
      } finally {
        this.makingOffer = false
      }
    }
    pc.onicecandidate = ({ candidate }) => signal({ candidate })
    pc.onicecandidateerror = event => console.warn(event.errorCode, event.errorText, event.url)
    pc.oniceconnectionstatechange = function (this: RTCPeerConnection, _event: Event) {
      if (this.iceConnectionState === 'failed') this.restartIce()
    }
    pc.ontrack = (event: RTCTrackEvent) => {
      const [stream] = event.streams
      if (stream) this.remoteStreams.set(stream.id, stream)
      event.track.onended = () => console.log(event.track.kind, event.transceiver.mid)
    }
    pc.ondatachannel = event => this.use(event.channel)
    pc.addEventListener('connectionstatechange', function (event) {
      console.log(this.connectionState, event.type)
    })
    pc.addEventListener('track', ({ receiver }) => receiver.getParameters().codecs.length, { once: true })
    const listener = (event: RTCDataChannelEvent): void => console.log(event.channel.label)
    pc.addEventListener('datachannel', listener)
    pc.removeEventListener('datachannel', listener)
    pc.addEventListener('something-else', (event: Event) => console.log(event.type))
    pc.ontrack = null
  }

  use(channel: RTCDataChannel): void {
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = 65_536
    channel.onopen = () => channel.send('hello')
    channel.onmessage = (event: MessageEvent) => {
      const data: string | ArrayBuffer = event.data
      if (typeof data === 'string') channel.send(data)
      else channel.send(new Uint8Array(data))
    }
    channel.onclose = event => console.log(event.type)
    channel.addEventListener('bufferedamountlow', () => channel.bufferedAmount)
    channel.addEventListener('message', function (event) {
      console.log(this.id, event.data)
    })
    channel.onmessage?.call(channel, new MessageEvent('message', { data: 'itself' }))
    this.channel = channel
  }

  async receive(
    polite: boolean,
    description?: RTCSessionDescriptionInit,
    candidate?: RTCIceCandidateInit | null,
  ): Promise<void> {
    const { pc } = this
    if (description) {
      const collision = description.type === 'offer' && (this.makingOffer || pc.signalingState !== 'stable')
      if (collision && !polite) return
      await pc.setRemoteDescription(new RTCSessionDescription(description))
      if (description.type === 'offer') {
        const answer: RTCSessionDescriptionInit = await pc.createAnswer()
        await pc.setLocalDescription(answer)
      }
    } else if (candidate) await pc.addIceCandidate(new RTCIceCandidate(candidate))
    else await pc.addIceCandidate()
  }

  async send(stream: MediaStream): Promise<RTCRtpSender[]> {
    const senders = stream.getTracks().map(track => this.pc.addTrack(track, stream))
    const encodings: RTCRtpEncodingParameters[] = [{ rid: 'h' }, { rid: 'l', scaleResolutionDownBy: 2, active: false }]
    const init: RTCRtpTransceiverInit = { direction: 'sendonly', sendEncodings: encodings, streams: [stream] }
    const transceiver: RTCRtpTransceiver = this.pc.addTransceiver('video', init)
    const parameters = transceiver.sender.getParameters()
    for (const encoding of parameters.encodings) encoding.maxBitrate = 500_000
    await transceiver.sender.setParameters(parameters)
    await transceiver.sender.replaceTrack(stream.getVideoTracks()[0] ?? null)
    const capabilities: RTCRtpCapabilities | null = RTCRtpReceiver.getCapabilities('video')
    const codecs = capabilities?.codecs.filter(codec => codec.mimeType !== 'video/rtx') ?? []
    transceiver.setCodecPreferences(codecs)
    transceiver.direction = 'inactive'
    transceiver.sender.dtmf?.insertDTMF('123', 100)
    return senders
  }

  async statistics(): Promise<number> {
    const report: RTCStatsReport = await this.pc.getStats()
    let bytes = 0
    report.forEach(stats => {
      if (stats.type === 'inbound-rtp') bytes += stats.bytesReceived
    })
    for (const [id, stats] of report) console.log(id, stats.type, stats.timestamp)
    for (const stats of report.values()) if (stats.type === 'transport') console.log(stats.selectedCandidatePairId)
    const all: readonly RTCStats[] = [...report.values()]
    const transport: RTCTransportStats | undefined = all.find(
      (stats): stats is RTCTransportStats => stats.type === 'transport',
    )
    const pair: RTCIceCandidatePairStats = report.get(transport?.selectedCandidatePairId ?? '')
    console.log(pair?.currentRoundTripTime?.toFixed(3), report.get('no such id')?.timestamp)
    report.forEach((stats: RTCOutboundRtpStreamStats) => {
      console.log(stats.qualityLimitationReason === 'bandwidth')
    })
    return bytes + (report.get('T01')?.bytesSent ?? 0) + report.size
  }

  transports(): string[] {
    const sctp = this.pc.sctp
    if (sctp === null) return []
    sctp.onstatechange = () => console.log(sctp.state, sctp.maxMessageSize / 1024)
    sctp.transport.onerror = event => console.log(event.type)
    sctp.transport.iceTransport.addEventListener('statechange', function () {
      console.log(this.state)
    })
    const pair = sctp.transport.iceTransport.getSelectedCandidatePair()
    return [pair?.local?.candidate ?? '', pair?.remote?.address ?? '']
  }
}

export async function certificate(): Promise<RTCPeerConnection> {
  const certificates = [
    await RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as { name: string }),
  ]
  const [first] = certificates
  for (const { algorithm, value } of first?.getFingerprints() ?? []) console.log(algorithm, value)
  const pc = new RTCPeerConnection({ certificates })
  const init: RTCDataChannelInit = { ordered: false, maxRetransmits: 0, negotiated: true, id: 3 }
  pc.createDataChannel('label', init).close()
  const offer = await pc.createOffer({ iceRestart: true, offerToReceiveAudio: true })
  pc.dispatchEvent(new RTCDataChannelEvent('datachannel', { channel: pc.createDataChannel(offer.sdp ?? '') }))
  const { iceServers: servers = [] } = pc.getConfiguration()
  pc.setConfiguration({ ...pc.getConfiguration(), iceServers: servers })
  return pc
}

export function tracks(track: MediaStreamTrack): MediaStream {
  track.addEventListener('mute', function () {
    console.log(this.label)
  })
  const constraints = { width: { ideal: 640 }, frameRate: 30 }
  track.applyConstraints(constraints).catch((error: unknown) => {
    if (error instanceof OverconstrainedError) console.log(error.constraint)
    else if (error instanceof RTCError) console.log(error.errorDetail, error.sctpCauseCode)
  })
  const stream = new MediaStream([track])
  stream.onaddtrack = event => event.track.stop()
  return new MediaStream(stream)
}
