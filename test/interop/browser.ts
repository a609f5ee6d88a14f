import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the tests need of a page, whoever drives it: Playwright and Puppeteer both give it. */
export interface DrivenPage {
  exposeFunction(name: string, callback: (number: number, event: BrowserEvent) => void): Promise<unknown>
  goto(url: string): Promise<unknown>
  evaluate(expression: string): Promise<unknown>
  close(): Promise<void>
}

/** An empty page with `browser-page.js`, on a server of its own. */
export interface TestPage {
  evaluate(expression: string): Promise<unknown>
  close(): Promise<void>
}

const scriptNames = ['browser-page.js', 'browser-media.js']
const scripts = new Map(scriptNames.map(name => [`/${name}`, readFileSync(new URL(name, import.meta.url))]))
const tags = scriptNames.map(name => `<script src="${name}"></script>`)
const html = `<!doctype html><title>icefloe</title><body>${tags.join('')}`

export async function openTestPage(page: DrivenPage): Promise<TestPage> {
  const server = createServer(({ url = '' }, response) => {
    const script = scripts.get(url)
    response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript')
    response.end(script ?? html)
  })
  const closeServer = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    await page.exposeFunction('tell', heard)
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } catch (error) {
    await closeServer()
    throw error
  }
  return {
    evaluate: expression => page.evaluate(expression),
    close: async () => {
      try {
        await page.close()
      } finally {
        await closeServer()
      }
    },
  }
}

/**
 * The first of these programs that exists.
 *
 * Where there is none the test is skipped, and says so; in CI it fails.
 */
export function findBrowser(context: Mocha.Context, name: string, variable: string, places: readonly string[]): string {
  const path = [process.env[variable], ...places].find(place => place !== undefined && existsSync(place))
  if (path !== undefined) return path
  const reason = `no ${name} found: install it, or set ${variable}`
  if (process.env.CI) throw new Error(reason)
  console.log(`      skipped: ${reason}`)
  return context.skip()
}

export type BrowserEvent =
  | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateJson | null }
  | { readonly type: 'datachannel'; readonly label: string }
  | { readonly type: 'candidateerror'; readonly url: string; readonly errorCode: number; readonly errorText: string }

export interface RTCIceCandidateJson {
  readonly candidate: string
  readonly sdpMid: string | null
  readonly sdpMLineIndex: number | null
  readonly usernameFragment: string | null
}

export interface Description {
  readonly type: 'offer' | 'answer'
  readonly sdp: string
}

/** What a browser sends. */
export interface BrowserMedia {
  readonly audio?: boolean
  readonly video?: boolean
  readonly width?: number
  readonly height?: number
  readonly frameRate?: number
  /** RTCRtpEncodingParameters: a simulcast. */
  readonly encodings?: readonly object[]
  /** `video/VP8`: preferred to all others. */
  readonly codec?: string
}

/** What a browser tells of a connection that has failed. */
export interface BrowserFailure {
  readonly dtlsState: string
  readonly dtlsErrors: readonly {
    readonly errorDetail: string
    readonly message: string
    readonly sentAlert: number | null
    readonly receivedAlert: number | null
  }[]
}

/** Who listens to the peer of a number; numbers are given out once in a process, whatever the browser and page. */
const listeners = new Map<number, (event: BrowserEvent) => void>()
let lastNumber = 0

/** To be called with what a page tells. */
export function heard(number: number, event: BrowserEvent): void {
  listeners.get(number)?.(event)
}

/** An RTCPeerConnection inside a page, driven from here. */
export class BrowserPeer {
  readonly #page: TestPage
  readonly #number: number = ++lastNumber

  private constructor(page: TestPage) {
    this.#page = page
  }

  static async create(
    page: TestPage,
    configuration: object,
    listener: (event: BrowserEvent) => void,
  ): Promise<BrowserPeer> {
    const peer = new BrowserPeer(page)
    listeners.set(peer.#number, listener)
    await peer.#call('create', configuration)
    return peer
  }

  createChannel(label: string, options: object): Promise<void> {
    return this.#call('createChannel', label, options)
  }

  /** The description is complete if it does not trickle: gathering is waited for. */
  offer(trickle: boolean): Promise<Description> {
    return this.#call('offer', trickle)
  }

  answer(offer: Description, trickle: boolean): Promise<Description> {
    return this.#call('answer', offer, trickle)
  }

  acceptAnswer(answer: Description): Promise<void> {
    return this.#call('acceptAnswer', answer)
  }

  /** The next offer will have new ICE credentials. */
  restartIce(): Promise<void> {
    return this.#call('restartIce')
  }

  addCandidate(candidate: object | null): Promise<void> {
    return this.#call('addCandidate', candidate)
  }

  attributes(label: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#call('attributes', label)
  }

  untilChannel(label: string, state: 'open' | 'closed'): Promise<void> {
    return this.#call('untilChannel', label, state)
  }

  channelState(label: string): Promise<string> {
    return this.#call('channelState', label)
  }

  untilConnection(state: string): Promise<void> {
    return this.#call('untilConnection', state)
  }

  /** DTLS, as the browser's statistics have it; what they don't say is undefined. */
  transportStats(): Promise<Readonly<Record<string, string | undefined>>> {
    return this.#call('transportStats')
  }

  /** The types of the two candidates of the pair in use, as the browser's statistics have them. */
  selectedTypes(): Promise<{ readonly local: string; readonly remote: string }> {
    return this.#call('selectedTypes')
  }

  /** Waits until the browser gives the connection up. */
  untilFailed(): Promise<BrowserFailure> {
    return this.#call('untilFailed')
  }

  /** The certificates that icefloe has shown, in DER and base64; undefined where the browser does not tell. */
  remoteCertificates(): Promise<readonly string[] | undefined> {
    return this.#call('remoteCertificates')
  }

  echo(label: string): Promise<void> {
    return this.#call('echo', label)
  }

  async roundTrip(label: string, data: string | Uint8Array): Promise<string | Uint8Array> {
    const message = typeof data === 'string' ? { text: data } : { base64: Buffer.from(data).toString('base64') }
    const answer: { text: string } | { base64: string } = await this.#call('roundTrip', label, message)
    return 'text' in answer ? answer.text : new Uint8Array(Buffer.from(answer.base64, 'base64'))
  }

  /** Sends so many bytes in all; resolves when the last message is in the channel's buffer. */
  sendBulk(label: string, bytes: number, messageBytes: number): Promise<void> {
    return this.#call('sendBulk', label, bytes, messageBytes)
  }

  countBulk(label: string): Promise<void> {
    return this.#call('countBulk', label)
  }

  /** Resolves when so many bytes have come since {@link countBulk}. */
  untilBulk(label: string, bytes: number): Promise<void> {
    return this.#call('untilBulk', label, bytes)
  }

  closeChannel(label: string): Promise<void> {
    return this.#call('closeChannel', label)
  }

  /** What it sends: of its devices, which stand in for real ones. */
  sendMedia(media: BrowserMedia): Promise<void> {
    return this.#call('sendMedia', media)
  }

  /** Offers to receive one more track. */
  receiveMedia(kind: 'audio' | 'video'): Promise<void> {
    return this.#call('receiveMedia', kind)
  }

  /** Decodes, from now on, whatever comes. */
  playMedia(): Promise<void> {
    return this.#call('playMedia')
  }

  /** Sums of its statistics, by `inbound-rtp video` and the like. */
  mediaStats(): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>> {
    return this.#call('mediaStats')
  }

  /** The codecs in use, `video/VP8`. */
  codecs(): Promise<readonly string[]> {
    return this.#call('codecs')
  }

  /** A verb of `browser-media.js` that few tests use: `media-verbs.ts` has their signatures. */
  media<T>(verb: string, ...args: readonly unknown[]): Promise<T> {
    return this.#call(verb, ...args)
  }

  async close(): Promise<void> {
    await this.#call('close')
    listeners.delete(this.#number)
  }

  async #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const request = JSON.stringify([this.#number, ...args])
    return (await this.#page.evaluate(`interop.${method}(...${request})`)) as T
  }
}
