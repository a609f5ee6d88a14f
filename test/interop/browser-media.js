/** What the browser's half of the tests does with audio and video: after `browser-page.js`. */
const { peerOf, close: closePeer } = globalThis.interop

Object.assign(globalThis.interop, {
  /**
   * Sends what the fake devices give. With `encodings`, the video is a simulcast of these; `codec` (`video/VP8`) is preferred.
   * `width` and `height` are those of the picture.
   */
  async sendMedia(number, { audio, video, width = 320, height = 240, frameRate = 15, encodings, codec }) {
    const { connection } = peerOf(number)
    const picture = { width, height, frameRate }
    // One after the other: the tab of a headless Firefox crashes over fake devices of both kinds at once.
    const streams = []
    if (audio === true) streams.push(await navigator.mediaDevices.getUserMedia({ audio: true, video: false }))
    if (video === true) streams.push(await navigator.mediaDevices.getUserMedia({ audio: false, video: picture }))
    for (const stream of streams) {
      keep(captured, number, stream)
      const [track] = stream.getTracks()
      const isSimulcast = track.kind === 'video' && encodings !== undefined
      const sender = isSimulcast
        ? connection.addTransceiver(track, { streams: [stream], sendEncodings: encodings }).sender
        : connection.addTrack(track, stream)
      // At once: Chromium lets frames pass for good where there is no transform when the turn ends.
      transform(number, sender)
      transform(number, connection.getTransceivers().find(transceiver => transceiver.sender === sender).receiver)
    }
    if (codec !== undefined) prefer(connection, codec)
  },

  receiveMedia(number, kind) {
    peerOf(number).connection.addTransceiver(kind, { direction: 'recvonly' })
  },

  /** Decodes whatever the peer sends: a browser does so only where it is shown, a library without a screen always. */
  playMedia(number) {
    if (globalThis.document === undefined) return
    const { connection } = peerOf(number)
    connection.addEventListener('track', ({ track }) => play(number, track))
  },

  /** The sums of the statistics of RTP, by `inbound-rtp video` and the like; those that are not numbers are left out. */
  async mediaStats(number) {
    const report = await peerOf(number).connection.getStats()
    const sums = {}
    for (const stats of report.values()) {
      if (stats.kind === undefined || !stats.type.endsWith('-rtp')) continue
      const name = `${stats.type} ${stats.kind}`
      sums[name] ??= {}
      for (const [key, value] of Object.entries(stats)) {
        if (typeof value === 'number') sums[name][key] = (sums[name][key] ?? 0) + value
      }
    }
    return sums
  },

  async codecs(number) {
    const report = await peerOf(number).connection.getStats()
    return [...report.values()].filter(({ type }) => type === 'codec').map(({ mimeType }) => mimeType)
  },

  /** The statistics of RTP of one type, whole: `inbound-rtp`, each as a plain object. */
  async rtpStats(number, type) {
    const report = await peerOf(number).connection.getStats()
    return [...report.values()].filter(stats => stats.type === type).map(stats => JSON.parse(JSON.stringify(stats)))
  },

  /** Switches the encodings of the video that is sent on and off, by RID. */
  async setActive(number, active) {
    const sender = peerOf(number)
      .connection.getSenders()
      .find(({ track }) => track?.kind === 'video')
    const parameters = sender.getParameters()
    for (const encoding of parameters.encodings) encoding.active = active[encoding.rid] ?? encoding.active
    await sender.setParameters(parameters)
  },

  transceivers(number) {
    const { connection } = peerOf(number)
    return connection.getTransceivers().map(({ mid, direction, currentDirection, receiver, stopped = false }) => {
      return {
        mid,
        direction,
        currentDirection,
        kind: receiver.track.kind,
        stopped: stopped || direction === 'stopped',
      }
    })
  },

  setDirection(number, index, direction) {
    peerOf(number).connection.getTransceivers()[index].direction = direction
  },

  stopTransceiver: (number, index) => peerOf(number).connection.getTransceivers()[index].stop(),

  removeSender(number, index) {
    const { connection } = peerOf(number)
    connection.removeTrack(connection.getTransceivers()[index].sender)
  },

  /** Another track of the fake devices, of another size, or none. */
  async replaceVideo(number, index, size) {
    const { sender } = peerOf(number).connection.getTransceivers()[index]
    if (size === null) {
      await sender.replaceTrack(null)
      return
    }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, frameRate: 15 } })
    keep(captured, number, stream)
    await sender.replaceTrack(stream.getVideoTracks()[0])
  },

  /** Resolves with the tones that were sent, once they have been. */
  async insertDtmf(number, tones, duration, gap) {
    const { dtmf } = peerOf(number)
      .connection.getSenders()
      .find(({ track }) => track?.kind === 'audio')
    const sent = []
    const done = new Promise(resolve => {
      dtmf.ontonechange = ({ tone }) => {
        if (tone === '') resolve(undefined)
        else sent.push(tone)
      }
    })
    dtmf.insertDTMF(tones, duration, gap)
    await done
    return sent.join('')
  },

  /** Frames are changed by a worker, before they are sent and before they are decoded: the same change undoes itself. */
  transformMedia(number) {
    workers.set(number, new Worker(URL.createObjectURL(new Blob([transformer], { type: 'text/javascript' }))))
    peerOf(number).connection.addEventListener('track', ({ receiver }) => transform(number, receiver))
  },

  close(number) {
    closePeer(number)
    workers.get(number)?.terminate()
    workers.delete(number)
    for (const stream of captured.get(number) ?? []) for (const track of stream.getTracks()) track.stop()
    captured.delete(number)
    for (const element of shown.get(number) ?? []) element.remove()
    shown.delete(number)
  },
})

/** The streams of devices and the elements that play what comes, by the number of the peer. */
const captured = new Map()
const shown = new Map()
const workers = new Map()

/** The worker inverts frames but for the first bytes of pictures: whoever puts packets together reads them. */
const transformer = `
  onrtctransform = ({ transformer: { readable, writable } }) => {
    const change = new TransformStream({
      transform(frame, controller) {
        const bytes = new Uint8Array(frame.data)
        for (let i = frame instanceof RTCEncodedVideoFrame ? 10 : 0; i < bytes.length; i++) bytes[i] ^= 0x55
        frame.data = bytes.buffer
        controller.enqueue(frame)
      },
    })
    readable.pipeThrough(change).pipeTo(writable)
  }
`

function transform(number, end) {
  const worker = workers.get(number)
  if (worker !== undefined && end.transform === null) end.transform = new RTCRtpScriptTransform(worker, {})
}

function keep(map, number, value) {
  map.set(number, [...(map.get(number) ?? []), value])
}

function play(number, track) {
  const element = document.createElement(track.kind)
  // Of what is muted, Chromium's statistics have no energy.
  element.muted = false
  element.autoplay = true
  element.srcObject = new MediaStream([track])
  document.body.append(element)
  keep(shown, number, element)
}

function prefer(connection, mimeType) {
  for (const transceiver of connection.getTransceivers()) {
    const { kind } = transceiver.receiver.track
    if (!mimeType.startsWith(kind)) continue
    const { codecs } = RTCRtpReceiver.getCapabilities(kind)
    const same = codec => codec.mimeType.toLowerCase() === mimeType.toLowerCase()
    const preferred = codecs.filter(same)
    if (preferred.length === 0) throw new Error(`no ${mimeType} here`)
    transceiver.setCodecPreferences([...preferred, ...codecs.filter(codec => !same(codec))])
  }
}
