import {
  type ConnectionExtensions,
  type RTCConfiguration,
  type RTCDataChannel,
  type RTCDataChannelInit,
  type RTCError,
  type RTCErrorEvent,
  RTCPeerConnection,
} from '../../src/index.ts'
import { reached } from '../support/events.ts'
import { type BrowserEvent, BrowserPeer, type Description, type TestPage } from './browser.ts'

export interface PairOptions {
  readonly offerer: 'browser' | 'icefloe'
  readonly trickle: boolean
  /** Opened by the end that offers; those that are `negotiated` by both. */
  readonly channels: Readonly<Record<string, RTCDataChannelInit>>
  /** Which candidates (`candidate:...`) an end gets to know of the other; all if absent. */
  readonly signals?: (candidate: string, from: 'browser' | 'icefloe') => boolean
  /** What becomes of a description on its way. */
  readonly alter?: (sdp: string, from: 'browser' | 'icefloe') => string
  /** The browser's RTCConfiguration; the default one if absent. */
  readonly browserConfiguration?: object
  readonly icefloeConfiguration?: RTCConfiguration
  readonly icefloeExtensions?: ConnectionExtensions
  /** What is done with the two ends before one of them offers. */
  readonly prepare?: (icefloe: RTCPeerConnection, browser: BrowserPeer) => Promise<void> | void
}

/** icefloe and a browser. */
export interface Pair {
  readonly icefloe: RTCPeerConnection
  readonly browser: BrowserPeer
  /** icefloe's ends of the channels. */
  readonly channels: Readonly<Record<string, RTCDataChannel>>
  /** What icefloe's DTLS transport has told. */
  readonly errors: readonly RTCError[]
  readonly offer: Description
  readonly answer: Description
  /** Every candidate line that the browser tells, in its description or one by one. Waits for the last. */
  browserCandidates(): Promise<readonly string[]>
  /** Restarts ICE, with an offer of this end. */
  restartIce(offerer: 'browser' | 'icefloe'): Promise<{ offer: Description; answer: Description }>
  /** Agrees on what has changed, with an offer of this end. */
  renegotiate(offerer: 'browser' | 'icefloe'): Promise<{ offer: Description; answer: Description }>
  close(): Promise<void>
}

/** Connects, until every channel is open at both ends. */
export async function connectPair(page: TestPage, options: PairOptions): Promise<Pair> {
  return await pair(page, options, ends => ends.untilOpen())
}

/** Exchanges the descriptions, for connections that are not to be. */
export async function startPair(page: TestPage, options: PairOptions): Promise<Pair> {
  return await pair(page, options, async () => undefined)
}

async function pair(page: TestPage, options: PairOptions, ready: (ends: Ends) => Promise<void>): Promise<Pair> {
  const ends = await Ends.create(page, options)
  try {
    await options.prepare?.(ends.icefloe, ends.browser)
    await ends.createChannels()
    const { offer, answer } = options.offerer === 'icefloe' ? await ends.offer() : await ends.answer()
    await ready(ends)
    return {
      icefloe: ends.icefloe,
      browser: ends.browser,
      channels: ends.channels,
      errors: ends.errors,
      offer,
      answer,
      browserCandidates: () => ends.browserCandidates(options.offerer === 'browser' ? offer : answer),
      restartIce: offerer => ends.restartIce(offerer),
      renegotiate: offerer => (offerer === 'browser' ? ends.answer() : ends.offer()),
      close: () => ends.close(),
    }
  } catch (error) {
    await ends.close()
    throw new Error(`no connection:\n${ends.history.join('\n')}`, { cause: error })
  }
}

class Ends {
  readonly icefloe: RTCPeerConnection
  readonly channels: Record<string, RTCDataChannel> = {}
  readonly errors: RTCError[] = []
  /** What has been gathered and what has gone wrong. */
  readonly history: string[] = []
  readonly #options: PairOptions
  readonly #fromBrowser: { candidate: string }[] = []
  /** Candidates wait until the other end has the description that they belong to. */
  #toIcefloe: ((event: BrowserEvent) => void) | undefined
  readonly #waitingForIcefloe: BrowserEvent[] = []
  readonly #waitingForBrowser: (object | null)[] = []
  #browser: BrowserPeer | undefined
  #browserReady = false
  #browserComplete = false
  #listening = false
  #failure: unknown

  private constructor(options: PairOptions) {
    this.#options = options
    this.icefloe = new RTCPeerConnection(options.icefloeConfiguration, options.icefloeExtensions)
    this.icefloe.addEventListener('datachannel', ({ channel }) => {
      this.channels[channel.label] = channel
      this.icefloe.dispatchEvent(new Event('testchannel'))
    })
    this.icefloe.addEventListener('icecandidate', ({ candidate }) => {
      this.#note('icefloe', candidate?.candidate ?? 'no more candidates')
      if (!options.trickle || !this.#signals('icefloe', candidate?.candidate)) return
      if (this.#browserReady) this.#tellBrowser(candidate?.toJSON() ?? null)
      else this.#waitingForBrowser.push(candidate?.toJSON() ?? null)
    })
    this.icefloe.addEventListener('icecandidateerror', ({ url, errorCode, errorText }) => {
      this.#note('icefloe', `${url}: ${errorCode} ${errorText}`)
    })
    this.icefloe.addEventListener('connectionstatechange', () => this.#note('icefloe', this.icefloe.connectionState))
  }

  static async create(page: TestPage, options: PairOptions): Promise<Ends> {
    const ends = new Ends(options)
    ends.#browser = await BrowserPeer.create(page, options.browserConfiguration ?? {}, event => ends.#heard(event))
    return ends
  }

  get browser(): BrowserPeer {
    if (this.#browser === undefined) throw new Error('The browser has no connection yet')
    return this.#browser
  }

  async createChannels(): Promise<void> {
    for (const [label, init] of Object.entries(this.#options.channels)) {
      const both = init.negotiated === true
      if (both || this.#options.offerer === 'icefloe')
        this.channels[label] = this.icefloe.createDataChannel(label, init)
      if (both || this.#options.offerer === 'browser') await this.browser.createChannel(label, init)
    }
  }

  async offer(): Promise<{ offer: Description; answer: Description }> {
    await this.icefloe.setLocalDescription()
    const offer = await this.#description()
    const answer = this.#signalled('browser', await this.browser.answer(offer, this.#options.trickle))
    this.#flushToBrowser()
    await this.icefloe.setRemoteDescription(answer)
    this.#listenForErrors()
    this.#flushToIcefloe()
    return { offer, answer }
  }

  async answer(): Promise<{ offer: Description; answer: Description }> {
    const offer = this.#signalled('browser', await this.browser.offer(this.#options.trickle))
    await this.icefloe.setRemoteDescription(offer)
    this.#flushToIcefloe()
    await this.icefloe.setLocalDescription()
    this.#listenForErrors()
    const answer = await this.#description()
    await this.browser.acceptAnswer(answer)
    this.#flushToBrowser()
    return { offer, answer }
  }

  async restartIce(offerer: 'browser' | 'icefloe'): Promise<{ offer: Description; answer: Description }> {
    // Candidates of the new generation wait for its descriptions.
    this.#toIcefloe = undefined
    this.#browserReady = false
    if (offerer === 'browser') {
      await this.browser.restartIce()
      return await this.answer()
    }
    this.icefloe.restartIce()
    return await this.offer()
  }

  async untilOpen(): Promise<void> {
    for (const label of Object.keys(this.#options.channels)) {
      await reached(this.icefloe, 'testchannel', () => label in this.channels, `channel ${label} at icefloe`)
      const channel = this.channels[label]
      if (channel === undefined) continue
      channel.binaryType = 'arraybuffer'
      await reached(channel, 'open', () => channel.readyState === 'open', `channel ${label} open`)
      await this.browser.untilChannel(label, 'open')
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async browserCandidates({ sdp }: Description): Promise<readonly string[]> {
    const { icefloe } = this
    if (this.#options.trickle) await reached(icefloe, 'testcomplete', () => this.#browserComplete, 'the last candidate')
    const inDescription = [...sdp.matchAll(/^a=(candidate:.*)$/gm)].map(([, line]) => line ?? '')
    return [...inDescription, ...this.#fromBrowser.map(({ candidate }) => candidate)]
  }

  async close(): Promise<void> {
    this.icefloe.close()
    await this.#browser?.close()
  }

  #listenForErrors(): void {
    if (this.#listening) return
    this.#listening = true
    this.icefloe.sctp?.transport.addEventListener('error', event => {
      const { error } = event as RTCErrorEvent
      this.errors.push(error)
      this.#note('icefloe', error.message)
    })
  }

  async #description(): Promise<Description> {
    const { icefloe } = this
    if (!this.#options.trickle) {
      const complete = () => icefloe.iceGatheringState === 'complete'
      await reached(icefloe, 'icegatheringstatechange', complete, 'gathering complete')
    }
    const { type, sdp } = icefloe.localDescription ?? {}
    if ((type !== 'offer' && type !== 'answer') || sdp === undefined) throw new Error('There is no local description')
    return this.#signalled('icefloe', { type, sdp })
  }

  #signalled(from: 'browser' | 'icefloe', { type, sdp }: Description): Description {
    const kept = (line: string, candidate: string) => (this.#signals(from, candidate) ? line : '')
    const { alter = same } = this.#options
    return { type, sdp: alter(sdp.replaceAll(/^a=(candidate:.*)\r\n/gm, kept), from) }
  }

  /** The end of candidates is always signalled. */
  #signals(from: 'browser' | 'icefloe', candidate: string | undefined): boolean {
    if (candidate === undefined || candidate === '') return true
    return this.#options.signals?.(candidate, from) ?? true
  }

  #heard(event: BrowserEvent): void {
    if (event.type === 'candidateerror') this.#note('browser', `${event.url}: ${event.errorCode} ${event.errorText}`)
    if (event.type !== 'candidate') return
    this.#note('browser', event.candidate?.candidate ?? 'no more candidates')
    if (!this.#options.trickle || !this.#signals('browser', event.candidate?.candidate)) return
    if (event.candidate !== null) this.#fromBrowser.push(event.candidate)
    else {
      this.#browserComplete = true
      this.icefloe.dispatchEvent(new Event('testcomplete'))
    }
    if (this.#toIcefloe === undefined) this.#waitingForIcefloe.push(event)
    else this.#toIcefloe(event)
  }

  #flushToIcefloe(): void {
    this.#toIcefloe = event => {
      if (event.type !== 'candidate') return
      this.icefloe.addIceCandidate(event.candidate ?? undefined).catch((error: unknown) => this.#fail(error))
    }
    for (const event of this.#waitingForIcefloe.splice(0)) this.#toIcefloe(event)
  }

  #flushToBrowser(): void {
    this.#browserReady = true
    for (const candidate of this.#waitingForBrowser.splice(0)) this.#tellBrowser(candidate)
  }

  #tellBrowser(candidate: object | null): void {
    this.browser.addCandidate(candidate).catch((error: unknown) => this.#fail(error))
  }

  #note(end: 'browser' | 'icefloe', what: string): void {
    this.history.push(`${end}: ${what}`)
  }

  /** The first candidate that an end has refused; one that comes after the end of the connection does not count. */
  #fail(error: unknown): void {
    if (this.icefloe.connectionState !== 'closed') this.#failure ??= error
  }
}

function same(sdp: string): string {
  return sdp
}
