import type { Page } from 'playwright-core'
import { type RTCDataChannel, type RTCDataChannelInit, RTCPeerConnection } from '../../src/index.ts'
import { reached } from '../support/events.ts'
import { type ChromiumEvent, ChromiumPeer, type Description } from './chromium.ts'

export interface PairOptions {
  readonly offerer: 'chromium' | 'icefloe'
  readonly trickle: boolean
  /** Opened by the end that offers; those that are `negotiated` by both. */
  readonly channels: Readonly<Record<string, RTCDataChannelInit>>
}

/** icefloe and Chromium, connected, with every channel open at both ends. */
export interface Pair {
  readonly icefloe: RTCPeerConnection
  readonly chromium: ChromiumPeer
  /** icefloe's ends of the channels. */
  readonly channels: Readonly<Record<string, RTCDataChannel>>
  readonly offer: Description
  readonly answer: Description
  /** Every candidate line that Chromium has told so far, in descriptions or one by one. */
  chromiumCandidates(): readonly string[]
  close(): Promise<void>
}

export async function connectPair(page: Page, options: PairOptions): Promise<Pair> {
  const ends = await Ends.create(page, options)
  try {
    await ends.createChannels()
    const { offer, answer } = options.offerer === 'icefloe' ? await ends.offer() : await ends.answer()
    await ends.untilOpen()
    return {
      icefloe: ends.icefloe,
      chromium: ends.chromium,
      channels: ends.channels,
      offer,
      answer,
      chromiumCandidates: () => ends.chromiumCandidates(options.offerer === 'chromium' ? offer : answer),
      close: () => ends.close(),
    }
  } catch (error) {
    await ends.close()
    throw error
  }
}

class Ends {
  readonly icefloe: RTCPeerConnection = new RTCPeerConnection()
  readonly channels: Record<string, RTCDataChannel> = {}
  readonly #options: PairOptions
  readonly #fromChromium: { candidate: string }[] = []
  /** Candidates wait until the other end has the description that they belong to. */
  #toIcefloe: ((event: ChromiumEvent) => void) | undefined
  readonly #waitingForIcefloe: ChromiumEvent[] = []
  readonly #waitingForChromium: (object | null)[] = []
  #chromium: ChromiumPeer | undefined
  #chromiumReady = false
  #failure: unknown

  private constructor(options: PairOptions) {
    this.#options = options
    this.icefloe.addEventListener('datachannel', ({ channel }) => {
      this.channels[channel.label] = channel
      this.icefloe.dispatchEvent(new Event('testchannel'))
    })
    this.icefloe.addEventListener('icecandidate', ({ candidate }) => {
      if (!options.trickle) return
      if (this.#chromiumReady) this.#tellChromium(candidate?.toJSON() ?? null)
      else this.#waitingForChromium.push(candidate?.toJSON() ?? null)
    })
  }

  static async create(page: Page, options: PairOptions): Promise<Ends> {
    const ends = new Ends(options)
    ends.#chromium = await ChromiumPeer.create(page, event => ends.#heard(event))
    return ends
  }

  get chromium(): ChromiumPeer {
    if (this.#chromium === undefined) throw new Error('Chromium has no connection yet')
    return this.#chromium
  }

  async createChannels(): Promise<void> {
    for (const [label, init] of Object.entries(this.#options.channels)) {
      const both = init.negotiated === true
      if (both || this.#options.offerer === 'icefloe')
        this.channels[label] = this.icefloe.createDataChannel(label, init)
      if (both || this.#options.offerer === 'chromium') await this.chromium.createChannel(label, init)
    }
  }

  async offer(): Promise<{ offer: Description; answer: Description }> {
    await this.icefloe.setLocalDescription()
    const offer = await this.#description()
    const answer = await this.chromium.answer(offer, this.#options.trickle)
    this.#flushToChromium()
    await this.icefloe.setRemoteDescription(answer)
    this.#flushToIcefloe()
    return { offer, answer }
  }

  async answer(): Promise<{ offer: Description; answer: Description }> {
    const offer = await this.chromium.offer(this.#options.trickle)
    await this.icefloe.setRemoteDescription(offer)
    this.#flushToIcefloe()
    await this.icefloe.setLocalDescription()
    const answer = await this.#description()
    await this.chromium.acceptAnswer(answer)
    this.#flushToChromium()
    return { offer, answer }
  }

  async untilOpen(): Promise<void> {
    for (const label of Object.keys(this.#options.channels)) {
      await reached(this.icefloe, 'testchannel', () => label in this.channels, `channel ${label} at icefloe`)
      const channel = this.channels[label]
      if (channel === undefined) continue
      channel.binaryType = 'arraybuffer'
      await reached(channel, 'open', () => channel.readyState === 'open', `channel ${label} open`)
      await this.chromium.untilChannel(label, 'open')
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  chromiumCandidates({ sdp }: Description): readonly string[] {
    const inDescription = [...sdp.matchAll(/^a=(candidate:.*)$/gm)].map(([, line]) => line ?? '')
    return [...inDescription, ...this.#fromChromium.map(({ candidate }) => candidate)]
  }

  async close(): Promise<void> {
    this.icefloe.close()
    await this.#chromium?.close()
  }

  async #description(): Promise<Description> {
    const { icefloe } = this
    if (!this.#options.trickle) {
      const complete = () => icefloe.iceGatheringState === 'complete'
      await reached(icefloe, 'icegatheringstatechange', complete, 'gathering complete')
    }
    const { type, sdp } = icefloe.localDescription ?? {}
    if ((type !== 'offer' && type !== 'answer') || sdp === undefined) throw new Error('There is no local description')
    return { type, sdp }
  }

  #heard(event: ChromiumEvent): void {
    if (event.type !== 'candidate' || !this.#options.trickle) return
    if (event.candidate !== null) this.#fromChromium.push(event.candidate)
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

  #flushToChromium(): void {
    this.#chromiumReady = true
    for (const candidate of this.#waitingForChromium.splice(0)) this.#tellChromium(candidate)
  }

  #tellChromium(candidate: object | null): void {
    this.chromium.addCandidate(candidate).catch((error: unknown) => this.#fail(error))
  }

  /** The first candidate that an end has refused; one that comes after the end of the connection does not count. */
  #fail(error: unknown): void {
    if (this.icefloe.connectionState !== 'closed') this.#failure ??= error
  }
}
