import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { RTCConfiguration } from 'icefloe'
import type { DtlsConfiguration } from './dtls-choice.ts'
import { configurationsFor, type Path } from './paths.ts'
import { DemoPeer } from './peer.ts'
import type { PeerEvent } from './peer-events.ts'
import type { DemoRelay } from './relay.ts'

/** A browser has so long to connect, and so long to come back after its event stream was cut. */
const CONNECT_TIMEOUT_MS = 30_000
const STREAM_GRACE_MS = 10_000
const MAX_EVENTS_KEPT = 500
const MAX_REMOTE_CANDIDATES = 100

/** The signalling of one connection: the peer, and what it has reported so far for whoever reads the event stream. */
export class Session {
  readonly id: string = randomUUID()
  readonly peer: DemoPeer
  /** What the page is to construct its end with. */
  readonly pageConfiguration: RTCConfiguration
  /** The latest ones, and how many there were before them. */
  readonly #events: string[] = []
  #forgotten = 0
  readonly #onClosed: (session: Session) => void
  readonly #connectTimer: NodeJS.Timeout
  #graceTimer: NodeJS.Timeout | undefined
  #stream: ServerResponse | undefined
  #remoteCandidates = 0
  #closed = false

  constructor(path: Path, dtls: DtlsConfiguration, relay: DemoRelay, onClosed: (session: Session) => void) {
    this.#onClosed = onClosed
    const configurations = configurationsFor(path, relay, this.id.slice(0, 8))
    this.pageConfiguration = configurations.page
    const configuration = { ...configurations.icefloe, certificates: dtls.certificates }
    this.peer = new DemoPeer(configuration, dtls.extensions, event => this.#take(event))
    const seconds = CONNECT_TIMEOUT_MS / 1000
    this.#connectTimer = setTimeout(() => this.close(`Not connected within ${seconds} s`), CONNECT_TIMEOUT_MS)
    this.#connectTimer.unref()
    this.#awaitStream()
  }

  /** A description was taken: candidates for it may follow. */
  described(): void {
    this.#remoteCandidates = 0
  }

  /** @returns false if there were as many candidates for one description as this session takes */
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
    response.write(this.#events.slice(Math.max(0, lastEventId + 1 - this.#forgotten)).join('') || '\n')
  }

  close(reason: string): void {
    this.peer.close(reason)
  }

  #take(event: PeerEvent): void {
    if (this.#closed) return
    this.#tell(event)
    if (event.type === 'facts') clearTimeout(this.#connectTimer)
    if (event.type === 'closed') this.#finish()
  }

  #tell(event: PeerEvent): void {
    const text = `id: ${this.#forgotten + this.#events.length}\ndata: ${JSON.stringify(event)}\n\n`
    this.#events.push(text)
    if (this.#events.length > MAX_EVENTS_KEPT) {
      this.#events.shift()
      this.#forgotten += 1
    }
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
