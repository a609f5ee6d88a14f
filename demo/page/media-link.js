import { request } from './signalling.js'

const CONNECT_TIMEOUT_MS = 15_000
const GATHER_TIMEOUT_MS = 2000

/**
 * A connection for audio and video between the page and icefloe. The page offers; everything is in one request.
 * Tells about itself through events:
 *
 * - `open`: it is connected
 * - `end` {reason, failed}: it is over
 */
export class MediaLink extends EventTarget {
  peer = new RTCPeerConnection()
  /** What icefloe sends, as far as it is there. */
  remote = new MediaStream()
  id
  #timer
  #ended = false

  /**
   * @param path of the request: `/media/echo`
   * @param prepare is given the connection, to add tracks or transceivers to
   */
  async start(path, prepare) {
    const { peer } = this
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#timer = setTimeout(() => this.#end(`No connection within ${seconds} s`, true), CONNECT_TIMEOUT_MS)
    peer.addEventListener('track', ({ track }) => this.remote.addTrack(track))
    peer.addEventListener('connectionstatechange', () => this.#stateChanged())
    try {
      prepare(peer)
      await peer.setLocalDescription()
      await gathered(peer)
      const { id, answer } = await request('POST', path, { offer: peer.localDescription })
      this.id = id
      if (this.#ended) release(id)
      else await peer.setRemoteDescription(answer)
    } catch (error) {
      this.#end(error.message, true)
    }
  }

  close() {
    this.#end('Disconnected', false)
  }

  /** What the browser's statistics say. */
  async stats() {
    return [...(await this.peer.getStats()).values()]
  }

  #stateChanged() {
    const { connectionState } = this.peer
    if (connectionState === 'failed') this.#end('The connection has failed', true)
    if (connectionState !== 'connected') return
    clearTimeout(this.#timer)
    this.dispatchEvent(new Event('open'))
    // A DTLS transport that the other end has closed leaves the state of the connection as it is.
    for (const { transport } of this.peer.getReceivers()) {
      transport?.addEventListener('statechange', () => {
        if (transport.state === 'closed') this.#end('icefloe has ended the connection', true)
      })
    }
  }

  #end(reason, failed) {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.peer.close()
    if (this.id !== undefined) release(this.id)
    this.dispatchEvent(Object.assign(new Event('end'), { reason, failed }))
  }
}

/** Offers one codec of a kind alone, with what repairs its packets. */
export function chooseCodec(peer, kind, name) {
  const { codecs } = RTCRtpReceiver.getCapabilities(kind)
  const isNamed = ({ mimeType }) => mimeType.toLowerCase() === `${kind}/${name}`.toLowerCase()
  const chosen = [...codecs.filter(isNamed), ...codecs.filter(({ mimeType }) => /\/(rtx|ulpfec)$/i.test(mimeType))]
  for (const transceiver of peer.getTransceivers()) {
    if (transceiver.receiver.track.kind === kind) transceiver.setCodecPreferences?.(chosen)
  }
}

/** The browser can send and receive it. */
export function hasCodec(kind, name) {
  return [RTCRtpSender, RTCRtpReceiver].every(end =>
    end.getCapabilities(kind).codecs.some(({ mimeType }) => mimeType.toLowerCase() === `${kind}/${name}`.toLowerCase()),
  )
}

/** Tells the server, also while the page is being left. */
function release(id) {
  fetch(`/media/peers/${id}`, { method: 'DELETE', keepalive: true }).catch(() => {})
}

async function gathered(peer) {
  if (peer.iceGatheringState === 'complete') return
  await new Promise(resolve => {
    setTimeout(resolve, GATHER_TIMEOUT_MS)
    peer.addEventListener('icegatheringstatechange', () => peer.iceGatheringState === 'complete' && resolve())
  })
}
