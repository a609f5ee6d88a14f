import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { DemoPeer, type PeerEvent } from './peer.ts'

/** A browser has so long to connect, and so long to come back after its event stream was cut. */
const CONNECT_TIMEOUT_MS = 30_000
const STREAM_GRACE_MS = 10_000
const MAX_EVENTS = 500
const MAX_REMOTE_CANDIDATES = 100

/** The signalling of one connection: the peer, and what it has reported so far for whoever reads the event stream. */
export class Session {
  readonly id: string = randomUUID()
  readonly peer: DemoPeer
  readonly #events: string[] = []
  readonly #onClosed: (session: Session) => void
  readonly #connectTimer: NodeJS.Timeout
  #graceTimer: NodeJS.Timeout | undefined
  #stream: ServerResponse | undefined
  #remoteCandidates = 0
  #closed = false

  constructor(onClosed: (session: Session) => void) {
    this.#onClosed = onClosed
    this.peer = new DemoPeer(event => this.#take(event))
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#connectTimer = setTimeout(() => this.close(`Not connected within ${seconds} s`), CONNECT_TIMEOUT_MS)
    this.#connectTimer.unref()
    this.#awaitStream()
  }

  /** @returns false if this session has had as many candidates as it takes */
  countCandidate(): boolean {
    this.#remoteCandidates += 1
    return this.#remoteCandidates <= MAX_REMOTE_CANDIDATES
  }

  /**
   * Writes every event after number `lastEventId` to the response, and goes on as new ones come.
   *
   * One stream at a time: a new one takes the place of the old one, which the browser has given up.
   */
  stream(response: ServerResponse, lastEventId: number): void {
    clearTimeout(this.#graceTimer)
    this.#stream?.end()
    this.#stream = response
    response.on('close', () => {
      if (this.#stream !== response) return
      this.#stream = undefined
      this.#awaitStream()
    })
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(this.#events.slice(lastEventId + 1).join('') || '\n')
  }

  close(reason: string): void {
    this.peer.close(reason)
  }

  #take(event: PeerEvent): void {
    if (this.#closed) return
    if (this.#events.length < MAX_EVENTS) this.#tell(event)
    if (event.type === 'facts') clearTimeout(this.#connectTimer)
    if (event.type === 'closed') this.#finish()
  }

  #tell(event: PeerEvent): void {
    const text = `id: ${this.#events.length}\ndata: ${JSON.stringify(event)}\n\n`
    this.#events.push(text)
    this.#stream?.write(text)
  }

  #finish(): void {
    this.#closed = true
    clearTimeout(this.#connectTimer)
    clearTimeout(this.#graceTimer)
    this.#stream?.end()
    this.#stream = undefined
    this.#onClosed(this)
  }

  #awaitStream(): void {
    if (this.#closed) return
    this.#graceTimer = setTimeout(() => this.close('The page has gone'), STREAM_GRACE_MS)
    this.#graceTimer.unref()
  }
}
