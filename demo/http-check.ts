import {
  type RTCConfiguration,
  type RTCDataChannel,
  type RTCIceCandidateInit,
  RTCPeerConnection,
  type RTCSessionDescriptionInit,
} from 'icefloe'
import { nextMessage, reached } from './events.ts'
import type { Path } from './paths.ts'
import type { PeerEvent } from './peer-events.ts'

/**
 * Does what the page does, without a browser: connects to a demo server through its HTTP signalling and sends one
 * message over a data channel.
 *
 * @param offerer which end makes the offer
 * @returns what happened, for the table
 */
export async function roundTripOverHttp(
  url: string,
  { offerer, path }: { readonly offerer: 'visitor' | 'server'; readonly path: Path },
): Promise<string> {
  const visitor = await Visitor.create(url, path)
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
  readonly #session: string
  readonly #connection: RTCPeerConnection
  readonly #abort = new AbortController()
  /** Candidates that were found before the other end knows the description that they belong to. */
  #waiting: RTCIceCandidateInit[] | undefined = []
  #sending: Promise<unknown> = Promise.resolve()

  private constructor(url: string, { id, configuration }: Created) {
    this.#url = url
    this.#session = id
    this.#connection = new RTCPeerConnection(configuration)
    this.#connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate === null) return
      if (this.#waiting === undefined) this.#sendCandidates([candidate.toJSON()])
      else this.#waiting.push(candidate.toJSON())
    })
  }

  static async create(url: string, path: Path): Promise<Visitor> {
    return new Visitor(url, await post<Created>(`${url}sessions`, { path }))
  }

  async offer(): Promise<RTCDataChannel> {
    const chat = this.#connection.createDataChannel('chat')
    await this.#connection.setLocalDescription()
    const offer = this.#connection.localDescription
    const { answer } = await this.#post<{ answer: RTCSessionDescriptionInit }>('offer', { offer })
    await this.#connection.setRemoteDescription(answer)
    this.#begin()
    return chat
  }

  async acceptOffer(): Promise<RTCDataChannel> {
    const chat = new Promise<RTCDataChannel>(resolve => {
      this.#connection.addEventListener('datachannel', ({ channel }) => channel.label === 'chat' && resolve(channel))
    })
    const { offer } = await this.#post<{ offer: RTCSessionDescriptionInit }>('offer', {})
    await this.#connection.setRemoteDescription(offer)
    await this.#connection.setLocalDescription()
    await this.#post('answer', { answer: this.#connection.localDescription })
    this.#begin()
    return await chat
  }

  async close(): Promise<void> {
    this.#connection.close()
    this.#abort.abort()
    await this.#sending.catch(() => undefined)
    await fetch(`${this.#url}sessions/${this.#session}`, { method: 'DELETE' })
  }

  /** From here on candidates go both ways. A failure shows as the connection that does not come about. */
  #begin(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    this.#sendCandidates(waiting)
    this.#readEvents().catch(() => this.#connection.close())
  }

  #sendCandidates(candidates: readonly RTCIceCandidateInit[]): void {
    if (candidates.length > 0) this.#sending = this.#sending.then(() => this.#post('candidates', { candidates }))
  }

  async #readEvents(): Promise<void> {
    const url = `${this.#url}sessions/${this.#session}/events`
    const response = await fetch(url, { signal: this.#abort.signal })
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

  #post<Reply>(action: string, body: object): Promise<Reply> {
    return post(`${this.#url}sessions/${this.#session}/${action}`, body)
  }
}

interface Created {
  readonly id: string
  readonly configuration: RTCConfiguration
}

async function post<Reply>(url: string, body: object): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${response.status} ${text}`)
  return JSON.parse(text === '' ? '{}' : text) as Reply
}
