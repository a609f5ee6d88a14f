import { randomUUID } from 'node:crypto'
import { type RTCDtlsTransport, RTCPeerConnection, type RTCSessionDescriptionInit } from 'icefloe'
import { gathered } from './gathered.ts'
import { LossyPath } from './lossy-path.ts'

/** A browser has so long to connect, and so long to come back when nothing is heard of it any more. */
const CONNECT_TIMEOUT_MS = 20_000
const SILENCE_TIMEOUT_MS = 10_000

/**
 * The Node.js end of a connection that carries audio and video. The browser offers; what is to become of its tracks is
 * said between its offer and the answer. When the browser leaves, the connection is closed, and `closed` is called once.
 */
export class MediaPeer {
  readonly id: string = randomUUID()
  readonly path: LossyPath = new LossyPath()
  readonly connection: RTCPeerConnection = new RTCPeerConnection({}, { environment: this.path.environment })
  readonly #onClosed: (peer: MediaPeer) => void
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(onClosed: (peer: MediaPeer) => void) {
    this.#onClosed = onClosed
    this.#closeAfter(CONNECT_TIMEOUT_MS)
    this.connection.addEventListener('connectionstatechange', () => this.#stateChanged())
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @param prepare is called when the transceivers of the offer are there */
  async answer(
    offer: RTCSessionDescriptionInit,
    prepare: () => Promise<void> | void,
  ): Promise<RTCSessionDescriptionInit> {
    try {
      await this.connection.setRemoteDescription(offer)
      await prepare()
      await this.connection.setLocalDescription()
      for (const transport of this.#transports()) {
        // webrtc-pc §4.3.3: a DTLS transport that the other end has closed leaves the state of the connection as it is.
        transport.addEventListener('statechange', () => transport.state === 'closed' && this.close())
      }
      return await gathered(this.connection)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.connection.close()
    this.#onClosed(this)
  }

  #transports(): ReadonlySet<RTCDtlsTransport> {
    const transports = this.connection.getTransceivers().map(({ receiver }) => receiver.transport)
    return new Set(transports.filter(transport => transport !== null))
  }

  #stateChanged(): void {
    const { connectionState } = this.connection
    if (connectionState === 'connected') clearTimeout(this.#timer)
    else if (connectionState === 'failed' || connectionState === 'closed') this.close()
    else if (connectionState === 'disconnected') this.#closeAfter(SILENCE_TIMEOUT_MS)
  }

  #closeAfter(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.close(), ms)
    this.#timer.unref()
  }
}
