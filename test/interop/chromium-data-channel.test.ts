import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { nextMessage, reached } from '../support/events.ts'
import { prng } from '../support/prng.ts'
import { launchChromium, openTestPage, type TestPage } from './chromium.ts'
import { connectPair, type Pair, type PairOptions } from './chromium-pair.ts'

const offerers = ['chromium', 'icefloe'] as const

describe('Chromium, with addresses hidden behind mDNS names', () => {
  const page = inChromium([])

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(page, { offerer, trickle, channels: { data: {} } }, true)
  }

  for (const offerer of offerers) {
    it(`connects 20 of 20 times when ${offerer} offers`, async function () {
      this.timeout(60_000)
      for (let run = 1; run <= 20; run++) {
        await withPair(page(), { offerer, trickle: true, channels: { data: {} } }, async ({ chromium, channels }) => {
          const { data } = channels
          data?.addEventListener('message', event => data.send((event as MessageEvent).data))
          assert.equal(await chromium.roundTrip('data', `run ${run}`), `run ${run}`)
        })
      }
    })
  }

  for (const offerer of offerers) agreesOnChannels(page, offerer)
  carriesBulk(page)
})

describe('Chromium, with addresses shown', () => {
  const page = inChromium(['--disable-features=WebRtcHideLocalIpsWithMdns'])

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(page, { offerer, trickle, channels: { data: {} } }, false)
  }
})

/** One browser and one page for the tests of the suite. */
function inChromium(args: readonly string[]): () => TestPage {
  let browser: Browser | undefined
  let page: TestPage | undefined
  before(async function () {
    this.timeout(60_000)
    browser = await launchChromium(this, args)
    page = await openTestPage(browser)
  })
  after(async () => {
    await page?.close()
    await browser?.close()
  })
  return () => {
    assert.ok(page, 'the page is open')
    return page
  }
}

async function withPair(page: TestPage, options: PairOptions, use: (pair: Pair) => Promise<void>): Promise<void> {
  const pair = await connectPair(page.page, options)
  try {
    await use(pair)
  } finally {
    await pair.close()
  }
}

const texts = ['hello', 'Grüße, 世界, 🧊', '']
const bigMessageBytes = 200_000

function connects(page: () => TestPage, options: PairOptions, mdns: boolean): void {
  const { offerer, trickle } = options
  describe(`when ${offerer} offers, ${trickle ? 'candidates trickling' : 'all candidates in the descriptions'}`, () => {
    let pair: Pair
    before(async () => {
      pair = await connectPair(page().page, options)
    })
    after(() => pair?.close())

    it('opens the channel at both ends', () => {
      assert.equal(pair.channels.data?.readyState, 'open')
      assert.equal(pair.icefloe.connectionState, 'connected')
    })

    it(`has seen ${mdns ? 'names in place of addresses' : 'addresses'} from Chromium`, () => {
      const hosts = pair.chromiumCandidates().filter(line => line.includes(' typ host'))
      assert.ok(hosts.length > 0)
      for (const line of hosts) assert.equal(/ [0-9a-f-]{36}\.local /.test(line), mdns, line)
    })

    it('gets back whatever Chromium is sent', async () => {
      const { data } = pair.channels
      assert.ok(data)
      await pair.chromium.echo('data')
      for (const message of [...texts, ...binaries()]) {
        const answer = nextMessage(data)
        if (typeof message === 'string') data.send(message)
        else data.send(message)
        const received = await answer
        assertSame(received instanceof ArrayBuffer ? new Uint8Array(received) : received, message)
      }
    })

    it('sends back whatever Chromium sends', async () => {
      const { data } = pair.channels
      assert.ok(data)
      data.addEventListener('message', event => data.send((event as MessageEvent).data))
      for (const message of [...texts, ...binaries()]) {
        assertSame(await pair.chromium.roundTrip('data', message), message)
      }
    })
  })

  describe(`closing, when ${offerer} offers${trickle ? '' : ' without trickling'}`, () => {
    it('lets Chromium see that icefloe has closed the channel', async () => {
      await withPair(page(), options, async ({ chromium, channels, icefloe }) => {
        channels.data?.close()
        await chromium.untilChannel('data', 'closed')
        await closedHere(channels.data)
        assert.equal(icefloe.connectionState, 'connected')
      })
    })

    it('sees that Chromium has closed the channel', async () => {
      await withPair(page(), options, async ({ chromium, channels, icefloe }) => {
        await chromium.closeChannel('data')
        await closedHere(channels.data)
        await chromium.untilChannel('data', 'closed')
        assert.equal(icefloe.connectionState, 'connected')
      })
    })

    it('lets Chromium see that icefloe has closed the connection', async () => {
      await withPair(page(), options, async ({ chromium, icefloe }) => {
        icefloe.close()
        await chromium.untilChannel('data', 'closed')
      })
    })

    it('sees that Chromium has closed the connection', async () => {
      await withPair(page(), options, async ({ chromium, channels }) => {
        await chromium.close()
        await closedHere(channels.data)
      })
    })
  })
}

function agreesOnChannels(page: () => TestPage, offerer: 'chromium' | 'icefloe'): void {
  it(`agrees with Chromium on the kinds of channels when ${offerer} offers`, async () => {
    const channels = {
      plain: {},
      unordered: { ordered: false },
      retransmits: { ordered: false, maxRetransmits: 3, protocol: 'icefloe.test' },
      lifetime: { maxPacketLifeTime: 250 },
      negotiated: { negotiated: true, id: 100 },
    }
    await withPair(page(), { offerer, trickle: true, channels }, async pair => {
      for (const label of Object.keys(channels)) {
        const channel = pair.channels[label]
        assert.ok(channel)
        const { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated } = channel
        assert.deepEqual(
          { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated },
          await pair.chromium.attributes(label),
          label,
        )
        channel.addEventListener('message', event => channel.send((event as MessageEvent).data))
        assert.equal(await pair.chromium.roundTrip(label, label), label)
      }
      assert.equal(pair.channels.unordered?.ordered, false)
      assert.equal(pair.channels.retransmits?.maxRetransmits, 3)
      assert.equal(pair.channels.retransmits?.protocol, 'icefloe.test')
      assert.equal(pair.channels.lifetime?.maxPacketLifeTime, 250)
      assert.equal(pair.channels.negotiated?.id, 100)
    })
  })
}

const bulkBytes = 8 * 1024 * 1024
const bulkMessageBytes = 64 * 1024

function carriesBulk(page: () => TestPage): void {
  const options: PairOptions = { offerer: 'chromium', trickle: true, channels: { data: {} } }

  it('takes 8 MiB from Chromium', async () => {
    await withPair(page(), options, async ({ chromium, channels: { data } }) => {
      assert.ok(data)
      let received = 0
      data.addEventListener('message', event => {
        received += (event as MessageEvent).data.byteLength
      })
      await chromium.sendBulk('data', bulkBytes, bulkMessageBytes)
      await reached(data, 'message', () => received === bulkBytes, 'all bytes')
    })
  })

  it('sends 8 MiB to Chromium', async () => {
    await withPair(page(), options, async ({ chromium, channels: { data } }) => {
      assert.ok(data)
      await chromium.countBulk('data')
      for (let sent = 0; sent < bulkBytes; sent += bulkMessageBytes) data.send(new Uint8Array(bulkMessageBytes))
      await chromium.untilBulk('data', bulkBytes)
    })
  })
}

function binaries(): readonly Uint8Array<ArrayBuffer>[] {
  const random = prng(200)
  return [0, 1, 1200, bigMessageBytes].map(length => new Uint8Array(random.bytes(length)))
}

function assertSame(received: unknown, sent: string | Uint8Array): void {
  if (typeof sent === 'string') assert.equal(received, sent)
  else {
    assert.ok(received instanceof Uint8Array, 'binary comes back as binary')
    assert.equal(received.length, sent.length)
    assert.ok(Buffer.compare(received, sent) === 0, `${sent.length} bytes come back whole`)
  }
}

async function closedHere(channel: (EventTarget & { readonly readyState: string }) | undefined): Promise<void> {
  assert.ok(channel)
  await reached(channel, 'close', () => channel.readyState === 'closed', 'the channel closed at icefloe')
}
