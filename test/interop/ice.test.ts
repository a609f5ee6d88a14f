import assert from 'node:assert/strict'
import { reached } from '../support/events.ts'
import type { Description } from './browser.ts'
import type { PairOptions } from './browser-pair.ts'
import {
  type BrowserUnderTest,
  exchangesMessages,
  offerers,
  selected,
  withBrowser,
  withPair,
} from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { openFirefox } from './firefox.ts'

const browsers = { Chromium: openChromium, Firefox: openFirefox }

for (const [name, open] of Object.entries(browsers)) {
  describe(`the kinds of ICE with ${name}`, () => {
    const browser = withBrowser(name, open)
    for (const offerer of offerers) {
      findsNames(browser, offerer)
      connectsOverTcp(browser, offerer)
      answersAsLite(browser, offerer)
      restarts(browser, offerer)
    }
  })
}

type Offerer = (typeof offerers)[number]

function findsNames(browser: BrowserUnderTest, offerer: Offerer): void {
  it(`is found by its names alone ${when(browser, offerer)}`, async () => {
    const names: string[] = []
    const options: PairOptions = {
      ...{ offerer, trickle: true, channels: { data: {} } },
      icefloeExtensions: { hideHostAddresses: true },
      signals: (candidate, from) => {
        if (from === 'icefloe') names.push(candidate.split(' ')[4] ?? '')
        return from === 'icefloe'
      },
    }
    await withPair(browser, options, async pair => {
      await exchangesMessages(pair)
      assert.ok(names.length > 0)
      for (const each of names) assert.match(each, /^[0-9a-f-]{36}\.local$/)
    })
  })
}

/** Browsers open TCP connections and take none, so that icefloe has to. */
function connectsOverTcp(browser: BrowserUnderTest, offerer: Offerer): void {
  it(`connects over TCP where UDP does not pass ${when(browser, offerer)}`, async () => {
    const options: PairOptions = {
      ...{ offerer, trickle: true, channels: { data: {} } },
      icefloeExtensions: { tcpCandidates: ['passive'] },
      signals: candidate => / tcp /i.test(candidate),
    }
    await withPair(browser, options, async pair => {
      await exchangesMessages(pair)
      assert.equal((await selected(pair.icefloe)).protocol, 'tcp')
    })
  })
}

function answersAsLite(browser: BrowserUnderTest, offerer: Offerer): void {
  it(`connects as an ICE lite agent ${when(browser, offerer)}`, async () => {
    const options: PairOptions = {
      ...{ offerer, trickle: true, channels: { data: {} } },
      icefloeExtensions: { iceLite: true },
    }
    await withPair(browser, options, async pair => {
      await exchangesMessages(pair)
      assert.match((offerer === 'icefloe' ? pair.offer : pair.answer).sdp, /^a=ice-lite\r$/m)
      assert.equal(pair.icefloe.sctp?.transport.iceTransport.role, 'controlled')
    })
  })
}

function restarts(browser: BrowserUnderTest, offerer: Offerer): void {
  it(`keeps the channel through ICE restarts from either side ${when(browser, offerer)}`, async () => {
    await withPair(browser, { offerer, trickle: true, channels: { data: {} } }, async pair => {
      const { icefloe } = pair
      let before = pair.offer
      for (const restarter of [offerer, ...offerers, ...offerers]) {
        const { offer, answer } = await pair.restartIce(restarter)
        assert.notEqual(ufrag(offer), ufrag(before))
        before = answer
        const own = ufrag(restarter === 'icefloe' ? offer : answer)
        const settled = () => ['connected', 'completed'].includes(icefloe.iceConnectionState)
        await reached(icefloe, 'iceconnectionstatechange', settled, 'ICE connected again')
        await exchangesMessages(pair)
        assert.equal((await selected(icefloe)).usernameFragment, own)
      }
    })
  })
}

function when({ name }: BrowserUnderTest, offerer: Offerer): string {
  return `when ${offerer === 'browser' ? name : 'icefloe'} offers`
}

function ufrag({ sdp }: Description): string {
  return /^a=ice-ufrag:(.*)\r$/m.exec(sdp)?.[1] ?? ''
}
