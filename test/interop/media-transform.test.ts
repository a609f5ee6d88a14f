import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import { RTCRtpScriptTransform } from '../../src/index.ts'
import { opusSamples, vp8PictureSize } from '../../src/rtp/payload/index.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { echoTracks } from './media-suites.ts'
import { frames } from './media-synthetic-suites.ts'
import { count, eventually, statsOf, transformMedia, untilDecoded } from './media-verbs.ts'

/** The 20 ms that browsers put into a frame of Opus; inverted, its first byte says something else. */
const samplesOfFrame = 960

/** A worker of Node 20 runs TypeScript only once tsx is told to in its own thread. */
const program = `import('tsx/esm/api').then(({ register }) => {
  register()
  return import(${JSON.stringify(new URL('../pc/encoded-transform/transform-program.ts', import.meta.url).href)})
})`

/** What is decoded here is what the browser meant only if both ends undo what the other has done. */
function exchangesTransformedFrames(browser: BrowserUnderTest): void {
  let worker: Worker
  before(() => {
    worker = new Worker(program, { eval: true })
  })
  after(() => worker.terminate())

  /** The browser transforms both ways; icefloe decrypts what comes, if it is to, and encrypts what it sends back. */
  const options = (decrypts: boolean): PairOptions => ({
    offerer: 'browser',
    trickle: true,
    channels: {},
    prepare: async (icefloe, peer) => {
      if (decrypts) {
        echoTracks(icefloe)
        icefloe.addEventListener('track', ({ transceiver: { sender, receiver } }) => {
          const codec = receiver.track.kind === 'video' ? 'video/VP8' : 'audio/opus'
          for (const end of [sender, receiver])
            end.transform = new RTCRtpScriptTransform(worker, { mode: 'xor', codec })
        })
      }
      await peer.playMedia()
      await transformMedia(peer)
      await peer.sendMedia({ audio: true, video: true, codec: 'video/VP8' })
    },
  })

  it(`decrypts what ${browser.name} encrypts, and encrypts for it`, async () => {
    await withPair(browser, options(true), async ({ browser: peer, icefloe }) => {
      await untilDecoded(peer, 'the picture')
      const audio = async () => (await statsOf(peer, 'inbound-rtp')).find(({ kind }) => kind === 'audio')
      await eventually('the sound', audio, stats => count(stats, 'totalAudioEnergy') > 0)
      for (const { data } of await frames(icefloe, 'audio', 10)) assert.equal(opusSamples(data), samplesOfFrame)
    })
  })

  it(`passes on what ${browser.name} encrypts as it is, without the key`, async () => {
    await withPair(browser, options(false), async ({ icefloe }) => {
      for (const { data } of await frames(icefloe, 'audio', 10)) assert.notEqual(opusSamples(data), samplesOfFrame)
      const [picture] = await frames(icefloe, 'video', 1)
      // Of VP8, the start code and the size are left readable.
      assert.ok(picture && vp8PictureSize(picture.data))
    })
  })
}

describe('encoded transforms with Chromium', function () {
  this.timeout(30_000)
  exchangesTransformedFrames(withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia)))
})

describe('encoded transforms with Firefox', function () {
  this.timeout(30_000)
  const preferences = firefoxSendsFakeMedia
  exchangesTransformedFrames(withBrowser('Firefox', context => openFirefox(context, { preferences })))
})
