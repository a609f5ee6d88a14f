import { randomUUID } from 'node:crypto'
import type { RTCPeerConnection } from 'icefloe'
import { HttpError } from './http.ts'
import { fragmentOf, restartedOffer, type SdpFragment } from './sdp-fragment.ts'

const CONNECT_TIMEOUT_MS = 30_000
const GATHER_TIMEOUT_MS = 3000
const MAX_CANDIDATES = 200

/** One connection that began with an offer over HTTP. */
export class OfferSession {
  readonly id: string = randomUUID()
  readonly peer: RTCPeerConnection
  /** RFC 9725 §4.3.1: names the ICE generation; another one after a restart. */
  etag: string = newEtag()
  readonly #closed: () => void
  readonly #timer: NodeJS.Timeout
  #offer = ''
  #candidates = 0
  #isClosed = false

  /** @param closed is called once, whoever ends the connection */
  constructor(peer: RTCPeerConnection, closed: (session: OfferSession) => void) {
    this.peer = peer
    this.#closed = () => closed(this)
    this.#timer = setTimeout(() => this.close(), CONNECT_TIMEOUT_MS)
    this.#timer.unref()
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'connected') clearTimeout(this.#timer)
      if (peer.connectionState === 'failed') this.close()
    })
  }

  /**
   * @param offered is called when the transceivers of the offer are there
   * @returns the answer, with all candidates: a client cannot be told any later
   * @throws {HttpError} 400 if the offer cannot be read, 422 if there is something in it that cannot be had
   */
  async answer(offer: string, offered: (peer: RTCPeerConnection) => Promise<void> | void): Promise<string> {
    const { peer } = this
    await peer.setRemoteDescription({ type: 'offer', sdp: offer }).catch((error: unknown) => {
      throw new HttpError(400, `The offer: ${error instanceof Error ? error.message : error}`)
    })
    this.#offer = offer
    await offered(peer)
    await peer.setLocalDescription()
    const sdp = await gathered(peer)
    // RFC 9725 §4.4.3: no partially successful answers.
    if (/^m=\S+ 0 /m.test(sdp)) throw new HttpError(422, 'A section of the offer is of no use')
    for (const { receiver } of peer.getTransceivers()) {
      const { transport } = receiver
      // It leaves `connectionState` as it is that the other end has closed the DTLS transport: webrtc-pc §4.3.3.
      transport?.addEventListener('statechange', () => transport.state === 'closed' && this.close())
    }
    return sdp
  }

  /** RFC 9725 §4.3.2. @throws {HttpError} 400 for what is no candidate, 429 for too many */
  async addCandidates({ usernameFragment, candidates }: SdpFragment): Promise<void> {
    for (const { candidate, sdpMid } of candidates) {
      this.#candidates += 1
      if (this.#candidates > MAX_CANDIDATES) throw new HttpError(429, 'Too many candidates')
      await this.peer.addIceCandidate({ candidate, sdpMid, usernameFragment }).catch((error: unknown) => {
        throw new HttpError(400, `A candidate: ${error instanceof Error ? error.message : error}`)
      })
    }
  }

  /** These credentials are not those of the last offer. */
  restarts({ usernameFragment }: SdpFragment): boolean {
    return !this.#offer.split(/\r?\n/).includes(`a=ice-ufrag:${usernameFragment}`)
  }

  /** RFC 9725 §4.3.3. @returns the fragment for the client */
  async restart(fragment: SdpFragment): Promise<string> {
    const { peer } = this
    const offer = restartedOffer(this.#offer, fragment)
    await peer.setRemoteDescription({ type: 'offer', sdp: offer }).catch((error: unknown) => {
      throw new HttpError(400, `The restart: ${error instanceof Error ? error.message : error}`)
    })
    await peer.setLocalDescription()
    this.#offer = offer
    this.#candidates = 0
    this.etag = newEtag()
    return fragmentOf(await gathered(peer))
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.peer.close()
    this.#closed()
  }
}

function newEtag(): string {
  return `"${randomUUID()}"`
}

/** The local description, once its candidates are in it. */
async function gathered(peer: RTCPeerConnection): Promise<string> {
  // After a restart the state is still that of the generation before, for a moment: the description tells.
  const isComplete = () =>
    peer.localDescription?.sdp.includes('a=end-of-candidates') ?? peer.signalingState === 'closed'
  if (!isComplete()) {
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, GATHER_TIMEOUT_MS)
      peer.addEventListener('icegatheringstatechange', () => {
        if (!isComplete()) return
        clearTimeout(timer)
        resolve()
      })
    })
  }
  if (peer.localDescription === null) throw new HttpError(409, 'The connection was closed meanwhile')
  return peer.localDescription.sdp
}
