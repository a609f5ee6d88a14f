import type { RTCIceCandidate, RTCPeerConnection } from 'icefloe'
import { type FragmentCandidate, fragmentType, writeFragment } from './sdp-fragment.ts'

/** The client's end of WHIP and WHEP: offers, trickles candidates, and ends the session. */
export class OfferClient {
  readonly #peer: RTCPeerConnection
  readonly #authorization: Readonly<Record<string, string>>
  /** What was gathered before the session was there to be told of it. */
  readonly #waiting: FragmentCandidate[] = []
  #location: URL | undefined
  #etag: string | null = null
  #patches: Promise<unknown> = Promise.resolve()

  constructor(peer: RTCPeerConnection, token?: string) {
    this.#peer = peer
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    peer.addEventListener('icecandidate', ({ candidate }) => this.#gathered(candidate))
  }

  /** Offers what the connection is to carry. Rejects if the server refuses. */
  async open(url: string): Promise<void> {
    const peer = this.#peer
    await peer.setLocalDescription()
    const headers = { ...this.#authorization, 'content-type': 'application/sdp' }
    // A redirection with 307 or 308 sends the offer again: RFC 9725 §4.5.
    const response = await fetch(url, { method: 'POST', headers, body: peer.localDescription?.sdp ?? '' })
    const text = await response.text()
    if (response.status !== 201) throw new Error(`${url}: ${response.status} ${text}`)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${url}: 201, but no Location`)
    this.#location = new URL(location, response.url)
    this.#etag = response.headers.get('etag')
    await peer.setRemoteDescription({ type: 'answer', sdp: text })
    this.#send()
  }

  /** Ends the session, here and at the server. */
  async close(): Promise<void> {
    const location = this.#location
    this.#location = undefined
    this.#peer.close()
    await this.#patches
    if (location === undefined) return
    try {
      const response = await fetch(location, { method: 'DELETE', headers: this.#authorization })
      await response.arrayBuffer()
    } catch {
      // A server that is gone has no session any more.
    }
  }

  #gathered(candidate: RTCIceCandidate | null): void {
    // All is bundled, so that the first section has the candidates. RFC 9725 §4.3.2.
    this.#waiting.push({ candidate: candidate?.candidate ?? '', sdpMid: candidate?.sdpMid ?? '0' })
    this.#send()
  }

  #send(): void {
    if (this.#location === undefined || this.#waiting.length === 0) return
    const location = this.#location
    const body = writeFragment(this.#peer.localDescription?.sdp ?? '', this.#waiting.splice(0))
    const headers = {
      ...this.#authorization,
      'content-type': fragmentType,
      ...(this.#etag === null ? {} : { 'if-match': this.#etag }),
    }
    this.#patches = this.#patches.then(async () => {
      try {
        const response = await fetch(location, { method: 'PATCH', headers, body })
        await response.arrayBuffer()
        // RFC 9725 §4.3: not every server takes candidates one by one; those of the offer may be enough.
        if (!response.ok) console.warn(`candidates: ${response.status}`)
      } catch (error) {
        console.warn(error)
      }
    })
  }
}
