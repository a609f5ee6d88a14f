import { type RTCDataChannel, type RTCIceCandidateInit, RTCPeerConnection } from 'icefloe'
import { nextMessage, reached } from './events.ts'
import type { PeerEvent } from './peer.ts'

/**
 * Does what the page does, without a browser: connects to a demo server through its HTTP signalling and sends one
 * message over a data channel.
 *
 * @param offerer which end makes the offer
 * @returns what happened, for the table
 */
export async function roundTripOverHttp(url: string, offerer: 'visitor' | 'server'): Promise<string> {
  const visitor = new Visitor(url)
  try {
    const chat = offerer === 'visitor' ? await visitor.offer() : await visitor.acceptOffer()
    await reached(chat, 'open', () => chat.readyState === 'open')
    const text = 'Is there anybody out there?'
    const sent = performance.now()
    const answer = nextMessage(chat)
    chat.send(text)
    if ((await answer) !== text) throw new Error('The message came back changed')
    return `message there and back in ${(performance.now() - sent).toFixed(1)} ms`
  } finally {
    await visitor.close()
  }
}

class Visitor {
  readonly #url: string
  readonly #connection = new RTCPeerConnection()
  readonly #abort = new AbortController()
  readonly #candidates: RTCIceCandidateInit[] = []
  #session: string | undefined
  #sending: Promise<unknown> = Promise.resolve()

  constructor(url: string) {
    this.#url = url
    this.#connection.addEventListener('icecandidate', event => {
      if (event.candidate === null) return
      this.#candidates.push(event.candidate.toJSON())
      if (this.#session !== undefined) this.#sendCandidates()
    })
  }

  async offer(): Promise<RTCDataChannel> {
    const chat = this.#connection.createDataChannel('chat')
    await this.#connection.setLocalDescription()
    const { id, answer } = await this.#post('sessions', { offer: this.#connection.localDescription })
    await this.#connection.setRemoteDescription(answer)
    this.#begin(id)
    return chat
  }

  async acceptOffer(): Promise<RTCDataChannel> {
    const chat = new Promise<RTCDataChannel>(resolve => {
      this.#connection.addEventListener('datachannel', ({ channel }) => channel.label === 'chat' && resolve(channel))
    })
    const { id, offer } = await this.#post('sessions', {})
    await this.#connection.setRemoteDescription(offer)
    await this.#connection.setLocalDescription()
    await this.#post(`sessions/${id}/answer`, { answer: this.#connection.localDescription })
    this.#begin(id)
    return await chat
  }

  async close(): Promise<void> {
    this.#connection.close()
    this.#abort.abort()
    await this.#sending.catch(() => undefined)
    if (this.#session !== undefined) await fetch(`${this.#url}sessions/${this.#session}`, { method: 'DELETE' })
  }

  /** From here on candidates go both ways. A failure shows as the connection that does not come about. */
  #begin(session: string): void {
    this.#session = session
    this.#sendCandidates()
    this.#readEvents(session).catch(() => this.#connection.close())
  }

  #sendCandidates(): void {
    const candidates = this.#candidates.splice(0)
    const path = `sessions/${this.#session}/candidates`
    if (candidates.length > 0) this.#sending = this.#sending.then(() => this.#post(path, { candidates }))
  }

  async #readEvents(session: string): Promise<void> {
    const response = await fetch(`${this.#url}sessions/${session}/events`, { signal: this.#abort.signal })
    if (response.body === null) throw new Error('The server sends no events')
    let text = ''
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) await this.#take(event)
    }
  }

  async #take(text: string): Promise<void> {
    const data = /^data: (.*)$/m.exec(text)?.[1]
    if (data === undefined) return
    const event = JSON.parse(data) as PeerEvent
    if (event.type === 'candidate' && event.candidate !== null) await this.#connection.addIceCandidate(event.candidate)
  }

  async #post(path: string, body: object): Promise<Reply> {
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text === '' ? '{}' : text)
  }
}

interface Reply {
  readonly id: string
  readonly offer: { type: 'offer'; sdp: string }
  readonly answer: { type: 'answer'; sdp: string }
}
