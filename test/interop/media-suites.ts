import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { lossy } from '../support/lossy-environment.ts'
import type { BrowserMedia, BrowserPeer } from './browser.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, offerers, withPair } from './browser-suites.ts'

type Sums = Readonly<Record<string, Readonly<Record<string, number>>>>

const pollMs = 250

/** Waits until the browser's statistics say so. */
export async function untilMedia(
  browser: BrowserPeer,
  what: string,
  condition: (stats: Sums) => boolean,
  timeoutMs = 20_000,
): Promise<Sums> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const stats = await browser.mediaStats()
    if (condition(stats)) return stats
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms: ${JSON.stringify(stats)}`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

/** Sends every track back that comes. */
export function echoTracks(icefloe: RTCPeerConnection): void {
  icefloe.addEventListener('track', ({ track, transceiver }) => {
    transceiver.direction = 'sendrecv'
    void transceiver.sender.replaceTrack(track)
  })
}

/** A browser that sends and plays, and icefloe that sends it all back. */
export function echoOptions(media: BrowserMedia, offerer: 'browser' | 'icefloe'): PairOptions {
  return {
    offerer,
    trickle: true,
    channels: {},
    prepare: async (icefloe, browser) => {
      echoTracks(icefloe)
      await browser.playMedia()
      await browser.sendMedia(media)
      if (offerer === 'browser') return
      if (media.audio) icefloe.addTransceiver('audio')
      if (media.video) icefloe.addTransceiver('video')
    },
  }
}

const value = (stats: Sums, name: string, key: string): number => stats[name]?.[key] ?? 0

/** Audio and video there and back, whoever offers. */
export function echoesMedia(browser: BrowserUnderTest, codecs: readonly string[]): void {
  for (const codec of codecs) {
    it(`decodes the ${codec} that icefloe sends back to ${browser.name}`, async () => {
      const kind = codec.startsWith('audio') ? 'audio' : 'video'
      await withPair(browser, echoOptions({ [kind]: true, codec }, 'browser'), async pair => {
        await untilMedia(pair.browser, `${codec} from icefloe`, stats => isDecoded(stats, kind))
        const used = await pair.browser.codecs()
        assert.ok(
          used.some(each => each.toLowerCase() === codec.toLowerCase()),
          `${codec} among ${used}`,
        )
      })
    })
  }

  for (const offerer of offerers) {
    it(`echoes audio and video of ${browser.name} in one connection, with ${offerer === 'browser' ? browser.name : 'icefloe'} offering`, async () => {
      await withPair(browser, echoOptions({ audio: true, video: true }, offerer), async pair => {
        await untilMedia(
          pair.browser,
          'audio and video',
          stats => isDecoded(stats, 'audio') && isDecoded(stats, 'video'),
        )
      })
    })
  }
}

function isDecoded(stats: Sums, kind: string): boolean {
  const name = `inbound-rtp ${kind}`
  return kind === 'video' ? value(stats, name, 'framesDecoded') > 15 : value(stats, name, 'packetsReceived') > 50
}

export interface LossPlan {
  readonly seconds: number
  readonly fraction: number
  readonly seed: number
}

/** Loses packets in both directions for a while, with all browsers at the same time, and looks at what they could decode. */
export function repairsLoss(browsers: readonly BrowserUnderTest[], plan: LossPlan): void {
  const names = browsers.map(({ name }) => name).join(' and of ')
  it(`repairs ${plan.fraction * 100} % loss of the echo of ${names} for ${plan.seconds} s`, async function () {
    this.timeout((plan.seconds + 60) * 1000)
    await Promise.all(browsers.map((browser, index) => repairs(browser, { ...plan, seed: plan.seed + index })))
  })
}

async function repairs(browser: BrowserUnderTest, { seconds, fraction, seed }: LossPlan): Promise<void> {
  const path = lossy(createSystemEnvironment(), { fraction, seed })
  const options = echoOptions({ audio: true, video: true, codec: 'video/VP8' }, 'browser')
  await withPair(browser, { ...options, icefloeExtensions: { environment: path.environment } }, async pair => {
    await untilMedia(pair.browser, 'the first pictures', stats => isDecoded(stats, 'video'))
    const before = await pair.browser.mediaStats()
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    const after = await pair.browser.mediaStats()
    const gained = (name: string, key: string) => value(after, name, key) - value(before, name, key)
    const sent = gained('outbound-rtp video', 'framesSent')
    const decoded = gained('inbound-rtp video', 'framesDecoded')
    const context = `${browser.name}, seed ${seed}; ${JSON.stringify({ sent, decoded, lost: path.lost() })}`
    assert.ok(path.lost().sent > 0 && path.lost().received > 0, context)
    assert.ok(gained('outbound-rtp video', 'retransmittedPacketsSent') > 0, `icefloe asks: ${context}`)
    assert.ok(decoded > 0.9 * sent, `most pictures come back: ${context}`)
  })
}
