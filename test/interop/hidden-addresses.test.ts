import assert from 'node:assert/strict'
import { hostInterfaces } from '../../src/net/host.ts'
import type { Pair, PairOptions } from './browser-pair.ts'
import { offerers, withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'

type Offerer = PairOptions['offerer']

describe('Chromium and icefloe, both with addresses hidden behind mDNS names', () => {
  before(function () {
    if (hostInterfaces().some(({ internal }) => !internal)) return
    console.log('      skipped: with loopback only, Chromium never ends gathering')
    this.skip()
  })
  const chromium = withBrowser('Chromium', openChromium)

  for (const offerer of offerers) {
    const whoOffers = `when ${offerer === 'browser' ? 'Chromium' : 'icefloe'} offers`

    it(`connect ${whoOffers}, and tell no address of this host`, async function () {
      this.timeout(30_000)
      await withPair(chromium, options(offerer), async pair => {
        assertHides(pair, offerer)
        const ofBrowser = (await pair.browserCandidates()).filter(line => line.includes(' typ host'))
        assert.ok(ofBrowser.length > 0)
        for (const line of ofBrowser) assert.match(line, / [0-9a-f-]{36}\.local /)
        await assertEchoes(pair)
      })
    })

    it(`connect ${whoOffers} although Chromium knows nothing but the names of icefloe, and icefloe nothing`, async function () {
      this.timeout(30_000)
      await withPair(chromium, options(offerer, 'icefloe'), assertEchoes)
    })

    it(`connect ${whoOffers} although icefloe knows nothing but the names of Chromium, and Chromium nothing`, async function () {
      this.timeout(30_000)
      await withPair(chromium, options(offerer, 'browser'), assertEchoes)
    })
  }
})

/** @param signals whose candidates are signalled; those of both if absent */
function options(offerer: Offerer, signals?: Offerer): PairOptions {
  return {
    offerer,
    trickle: true,
    channels: { data: {} },
    icefloeExtensions: { hideHostAddresses: true, tcpCandidates: ['active', 'passive'] },
    ...(signals === undefined ? {} : { signals: (_, from) => from === signals }),
  }
}

/** Nothing that leaves icefloe for the peer has an address of this host in it, and neither has what the application sees. */
function assertHides({ icefloe, offer, answer }: Pair, offerer: Offerer): void {
  const transport = icefloe.sctp?.transport.iceTransport
  const told = [
    (offerer === 'icefloe' ? offer : answer).sdp,
    icefloe.localDescription?.sdp,
    JSON.stringify(transport?.getLocalCandidates()),
    JSON.stringify(transport?.getSelectedCandidatePair()?.local),
  ].join('\n')
  for (const { address } of hostInterfaces()) assert.ok(!told.includes(address), `${address} is told in:\n${told}`)
  for (const protocol of ['udp', 'tcp']) {
    assert.match(told, new RegExp(`candidate:\\S+ 1 ${protocol} \\d+ [0-9a-f-]{36}\\.local \\d+ typ host`))
  }
}

async function assertEchoes({ browser, channels: { data } }: Pair): Promise<void> {
  assert.ok(data)
  data.addEventListener('message', event => data.send((event as MessageEvent).data))
  for (const text of ['found you', 'x'.repeat(100_000)]) assert.equal(await browser.roundTrip('data', text), text)
}
