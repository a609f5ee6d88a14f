import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import { nextMessage, reached } from '../support/events.ts'
import type { BrowserPeer } from './browser.ts'
import type { Pair } from './browser-pair.ts'
import { type BrowserUnderTest, offerers, withPair } from './browser-suites.ts'
import { echoOptions } from './media-suites.ts'
import {
  count,
  eventually,
  ownStats,
  removeSender,
  replaceVideo,
  setDirection,
  statsOf,
  stopTransceiver,
  transceiversOf,
  untilDecoded,
  untilHeard,
} from './media-verbs.ts'

type Offerer = 'browser' | 'icefloe'

const audio = (offerer: Offerer = 'browser') => echoOptions({ audio: true }, offerer)
const video = (offerer: Offerer = 'browser') => echoOptions({ video: true, codec: 'video/VP8' }, offerer)
const both = (offerer: Offerer = 'browser') => echoOptions({ audio: true, video: true, codec: 'video/VP8' }, offerer)

/** What a call of icefloe and a browser goes through while it lasts. */
export function changesCalls(browser: BrowserUnderTest): void {
  const { name } = browser
  const who = (offerer: Offerer): string => (offerer === 'browser' ? name : 'icefloe')

  for (const offerer of offerers) {
    it(`takes video into a call of audio with ${name}, with ${who(offerer)} offering`, async () => {
      await withPair(browser, audio(), async pair => {
        await untilHeard(pair.browser, 'audio at first')
        await pair.browser.sendMedia({ video: true, codec: 'video/VP8' })
        if (offerer === 'icefloe') pair.icefloe.addTransceiver('video')
        await pair.renegotiate(offerer)
        await untilDecoded(pair.browser, 'video that was added')
        await untilHeard(pair.browser, 'audio as before')
      })
    })

    it(`goes on with media through a restart of ICE that ${who(offerer)} offers`, async () => {
      await withPair(browser, both(), async pair => {
        await untilDecoded(pair.browser, 'video before')
        const before = await localFragment(pair.icefloe)
        await pair.restartIce(offerer)
        await eventually(
          'new credentials',
          () => localFragment(pair.icefloe),
          fragment => fragment !== before,
        )
        await untilDecoded(pair.browser, 'video after', 30)
        await untilHeard(pair.browser, 'audio after')
        assert.equal(pair.icefloe.connectionState, 'connected')
      })
    })
  }
  holdsAndResumes(browser)
  replacesAndRemoves(browser)
  survivesGlare(browser)
  mixesWithData(browser)
}

function holdsAndResumes(browser: BrowserUnderTest): void {
  const { name } = browser
  it(`holds and resumes video, each from its end, with ${name}`, async () => {
    await withPair(browser, video(), async pair => {
      const { icefloe, browser: peer } = pair
      await untilDecoded(peer, 'video at first')
      const [transceiver] = icefloe.getTransceivers()
      assert.ok(transceiver)
      transceiver.direction = 'inactive'
      await pair.renegotiate('icefloe')
      assert.equal(transceiver.currentDirection, 'inactive')
      assert.equal(transceiver.receiver.track.muted, true)
      assert.equal((await transceiversOf(peer))[0]?.currentDirection, 'inactive')
      const held = await settledFrames(peer)
      transceiver.direction = 'sendrecv'
      await pair.renegotiate('icefloe')
      await untilDecoded(peer, `video that icefloe resumed; ${held} pictures before`)
      await setDirection(peer, 0, 'recvonly')
      await pair.renegotiate('browser')
      assert.equal(transceiver.currentDirection, 'sendonly')
      await setDirection(peer, 0, 'sendrecv')
      await pair.renegotiate('browser')
      assert.equal(transceiver.currentDirection, 'sendrecv')
      await untilDecoded(peer, `video that ${name} resumed`)
    })
  })
}

function replacesAndRemoves(browser: BrowserUnderTest): void {
  const { name } = browser
  it(`goes on when ${name} replaces its track, without negotiation`, async () => {
    await withPair(browser, video(), async ({ browser: peer, icefloe }) => {
      await untilDecoded(peer, 'the first track')
      await replaceVideo(peer, 0, null)
      const [receiver] = icefloe.getReceivers()
      assert.ok(receiver)
      await replaceVideo(peer, 0, { width: 640, height: 480 })
      const inbound = async () => (await statsOf(peer, 'inbound-rtp'))[0]
      const before = count(await inbound(), 'framesDecoded')
      await eventually('the second track', inbound, stats => count(stats, 'framesDecoded') > before + 10)
      assert.equal(receiver.track.readyState, 'live')
    })
  })

  it(`ends the video that ${name} removes, and then its section`, async () => {
    await withPair(browser, both(), async pair => {
      const { browser: peer, icefloe } = pair
      await untilDecoded(peer, 'video')
      const transceiver = icefloe.getTransceivers()[1]
      assert.ok(transceiver)
      const { track } = transceiver.receiver
      await removeSender(peer, 1)
      await pair.renegotiate('browser')
      assert.equal(transceiver.currentDirection, 'sendonly')
      assert.deepEqual([track.muted, track.readyState], [true, 'live'])
      await stopTransceiver(peer, 1)
      await pair.renegotiate('browser')
      assert.deepEqual([transceiver.currentDirection, track.readyState], ['stopped', 'ended'])
      assert.equal(icefloe.getTransceivers().length, 1)
      await untilHeard(peer, 'audio as before')
    })
  })

  it(`stops sending what icefloe removes, and rejects what it stops, with ${name}`, async () => {
    await withPair(browser, both(), async pair => {
      const { browser: peer, icefloe } = pair
      await untilDecoded(peer, 'video')
      const transceiver = icefloe.getTransceivers()[1]
      assert.ok(transceiver)
      icefloe.removeTrack(transceiver.sender)
      await pair.renegotiate('icefloe')
      assert.equal(transceiver.currentDirection, 'recvonly')
      assert.equal((await transceiversOf(peer))[1]?.currentDirection, 'sendonly')
      transceiver.stop()
      await pair.renegotiate('icefloe')
      assert.equal((await transceiversOf(peer)).filter(({ stopped }) => !stopped).length, 1)
      await untilHeard(peer, 'audio as before')
    })
  })
}

function survivesGlare(browser: BrowserUnderTest): void {
  const { name } = browser
  it(`yields to ${name} when both offer at once, and then gets what it wanted`, async () => {
    await withPair(browser, audio(), async pair => {
      const { icefloe, browser: peer } = pair
      await untilHeard(peer, 'audio')
      await peer.sendMedia({ video: true, codec: 'video/VP8' })
      const wanted = icefloe.addTransceiver('video', { direction: 'recvonly' })
      await icefloe.setLocalDescription()
      // Its own offer is rolled back: webrtc-pc §4.4.1.4, perfect negotiation.
      await pair.renegotiate('browser')
      await untilDecoded(peer, 'what the browser offered')
      assert.equal(wanted.mid, null)
      await pair.renegotiate('icefloe')
      assert.equal(wanted.currentDirection, 'inactive')
      await untilHeard(peer, 'audio as before')
    })
  })

  it(`has its way when both offer at once and ${name} yields`, async () => {
    await withPair(browser, audio(), async pair => {
      const { icefloe, browser: peer } = pair
      await untilHeard(peer, 'audio')
      await peer.sendMedia({ video: true, codec: 'video/VP8' })
      await peer.offer(true)
      icefloe.addTransceiver('video')
      await pair.renegotiate('icefloe')
      await pair.renegotiate('browser')
      await untilDecoded(peer, 'what the browser wanted')
      await untilHeard(peer, 'audio as before')
    })
  })
}

function mixesWithData(browser: BrowserUnderTest): void {
  const { name } = browser
  for (const offerer of offerers) {
    it(`opens a channel in a call of media with ${name}, which ${offerer === 'browser' ? name : 'icefloe'} offers`, async () => {
      await withPair(browser, both(), async pair => {
        await untilDecoded(pair.browser, 'video')
        if (offerer === 'browser') await pair.browser.createChannel('late', {})
        else pair.icefloe.createDataChannel('late')
        await pair.renegotiate(offerer)
        await pair.browser.untilChannel('late', 'open')
        await untilDecoded(pair.browser, 'video as before')
      })
    })

    it(`takes media into a call of data with ${name}, which ${offerer === 'browser' ? name : 'icefloe'} offers`, async () => {
      const prepare = (icefloe: RTCPeerConnection) => {
        icefloe.addEventListener('track', ({ track, transceiver }) => {
          transceiver.direction = 'sendrecv'
          void transceiver.sender.replaceTrack(track)
        })
      }
      await withPair(browser, { offerer, trickle: true, channels: { data: {} }, prepare }, async pair => {
        const { browser: peer, icefloe, channels } = pair
        await peer.playMedia()
        await peer.sendMedia({ audio: true, video: true, codec: 'video/VP8' })
        if (offerer === 'icefloe') for (const kind of ['audio', 'video'] as const) icefloe.addTransceiver(kind)
        await pair.renegotiate(offerer)
        await untilDecoded(peer, 'video that was added')
        await untilHeard(peer, 'audio that was added')
        await peer.echo('data')
        const { data } = channels
        assert.ok(data)
        await reached(data, 'open', () => data.readyState === 'open', 'the channel')
        const answer = nextMessage(data)
        data.send('still here')
        assert.equal(await answer, 'still here')
      })
    })
  }
}

async function localFragment(icefloe: Pair['icefloe']): Promise<unknown> {
  return (await ownStats(icefloe, 'transport'))[0]?.iceLocalUsernameFragment
}

/** The pictures that were decoded once no more of them come: twice the same. */
async function settledFrames(peer: BrowserPeer): Promise<number> {
  let last = -1
  return await eventually(
    'no more pictures',
    async () => count((await statsOf(peer, 'inbound-rtp'))[0], 'framesDecoded'),
    value => {
      const settled = value === last
      last = value
      return settled
    },
  )
}
