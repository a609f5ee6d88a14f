import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const quietly = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * Starts the system's Chromium, headless and with a profile of its own.
 *
 * Where there is none the test is skipped, and says so; in CI it fails.
 */
export async function launchChromium(context: Mocha.Context, args: readonly string[] = []): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM_PATH, ...places].find(path => path !== undefined && existsSync(path))
  if (executablePath === undefined) {
    const reason = 'no Chromium found: install it, or set CHROMIUM_PATH'
    if (process.env.CI) throw new Error(reason)
    console.log(`      skipped: ${reason}`)
    context.skip()
  }
  // Chromium's own sandbox does not work for root, which containers often are.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath, args: [...quietly, ...sandbox, ...args] })
}

/** An empty page with `chromium-page.js`, on a server of its own. */
export interface TestPage {
  readonly page: Page
  close(): Promise<void>
}

export async function openTestPage(browser: Browser): Promise<TestPage> {
  const script = readFileSync(new URL('./chromium-page.js', import.meta.url))
  const server = createServer((request, response) => {
    const isScript = request.url === '/chromium-page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><title>icefloe</title><script src="chromium-page.js"></script>')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const page = await browser.newPage()
  await page.exposeFunction('tell', (number: number, event: ChromiumEvent) => listeners.get(number)?.(event))
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return {
    page,
    close: async () => {
      await page.close()
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export type ChromiumEvent =
  | { readonly type: 'candidate'; readonly candidate: RTCIceCandidateJson | null }
  | { readonly type: 'datachannel'; readonly label: string }

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

/** Who listens to the peer of a number; numbers are given out once in a process, whatever the browser and page. */
const listeners = new Map<number, (event: ChromiumEvent) => void>()
let lastNumber = 0

/** An RTCPeerConnection inside a page, driven from here. */
export class ChromiumPeer {
  readonly #page: Page
  readonly #number: number = ++lastNumber

  private constructor(page: Page) {
    this.#page = page
  }

  static async create(page: Page, listener: (event: ChromiumEvent) => void): Promise<ChromiumPeer> {
    const peer = new ChromiumPeer(page)
    listeners.set(peer.#number, listener)
    await peer.#call('create')
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

  addCandidate(candidate: object | null): Promise<void> {
    return this.#call('addCandidate', candidate)
  }

  attributes(label: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#call('attributes', label)
  }

  untilChannel(label: string, state: 'open' | 'closed'): Promise<void> {
    return this.#call('untilChannel', label, state)
  }

  untilConnection(state: string): Promise<void> {
    return this.#call('untilConnection', state)
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

  async close(): Promise<void> {
    await this.#call('close')
    listeners.delete(this.#number)
  }

  #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const request = JSON.stringify([this.#number, ...args])
    return this.#page.evaluate<T>(`interop.${method}(...${request})`)
  }
}
