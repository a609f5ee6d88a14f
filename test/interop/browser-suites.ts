import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import { nextMessage, reached } from '../support/events.ts'
import { prng } from '../support/prng.ts'
import type { TestPage } from './browser.ts'
import { connectPair, type Pair, type PairOptions } from './browser-pair.ts'

/** A browser with a page, for all the tests of a suite. */
export interface BrowserUnderTest {
  /** As it is called in titles. */
  readonly name: string
  page(): TestPage
}

/** Opens the browser before the tests of the suite that calls this, and closes it after them. */
export function withBrowser(name: string, open: (context: Mocha.Context) => Promise<TestPage>): BrowserUnderTest {
  let page: TestPage | undefined
  before(async function () {
    this.timeout(60_000)
    page = await open(this)
  })
  after(async function () {
    this.timeout(30_000)
    await page?.close()
  })
  return {
    name,
    page: () => {
      assert.ok(page, `${name} is open`)
      return page
    },
  }
}

export async function withPair(
  browser: BrowserUnderTest,
  options: PairOptions,
  use: (pair: Pair) => Promise<void>,
): Promise<void> {
  const pair = await connectPair(browser.page(), options)
  try {
    await use(pair)
  } finally {
    await pair.close()
  }
}

export const offerers = ['browser', 'icefloe'] as const

type Offerer = (typeof offerers)[number]

const texts = ['hello', 'Grüße, 世界, 🧊', '']
const bigMessageBytes = 200_000

/** Connects, exchanges messages of all kinds, and closes from either side. */
export function connects(browser: BrowserUnderTest, options: PairOptions, mdns: boolean): void {
  const { name } = browser
  const { offerer, trickle } = options
  describe(`when ${who(browser, offerer)} offers, ${trickle ? 'candidates trickling' : 'all candidates in the descriptions'}`, () => {
    let pair: Pair
    before(async () => {
      pair = await connectPair(browser.page(), options)
    })
    after(() => pair?.close())

    it('opens the channel at both ends', () => {
      assert.equal(pair.channels.data?.readyState, 'open')
      assert.equal(pair.icefloe.connectionState, 'connected')
    })

    it(`has seen ${mdns ? 'names in place of addresses' : 'addresses'} from ${name}`, async () => {
      const hosts = (await pair.browserCandidates()).filter(line => line.includes(' typ host'))
      assert.ok(hosts.length > 0)
      for (const line of hosts) assert.equal(/ [0-9a-f-]{36}\.local /.test(line), mdns, line)
    })

    it(`gets back whatever ${name} is sent`, async () => {
      const { data } = pair.channels
      assert.ok(data)
      await pair.browser.echo('data')
      for (const message of [...texts, ...binaries()]) {
        const answer = nextMessage(data)
        if (typeof message === 'string') data.send(message)
        else data.send(message)
        const received = await answer
        assertSame(received instanceof ArrayBuffer ? new Uint8Array(received) : received, message)
      }
    })

    it(`sends back whatever ${name} sends`, async () => {
      const { data } = pair.channels
      assert.ok(data)
      data.addEventListener('message', event => data.send((event as MessageEvent).data))
      for (const message of [...texts, ...binaries()]) {
        assertSame(await pair.browser.roundTrip('data', message), message)
      }
    })
  })

  describe(`closing, when ${who(browser, offerer)} offers${trickle ? '' : ' without trickling'}`, () => {
    it(`lets ${name} see that icefloe has closed the channel`, async () => {
      await withPair(browser, options, async ({ browser: peer, channels, icefloe }) => {
        channels.data?.close()
        await peer.untilChannel('data', 'closed')
        await closedHere(channels.data)
        assert.equal(icefloe.connectionState, 'connected')
      })
    })

    it(`sees that ${name} has closed the channel`, async () => {
      await withPair(browser, options, async ({ browser: peer, channels, icefloe }) => {
        await peer.closeChannel('data')
        await closedHere(channels.data)
        await peer.untilChannel('data', 'closed')
        assert.equal(icefloe.connectionState, 'connected')
      })
    })

    it(`lets ${name} see that icefloe has closed the connection`, async () => {
      await withPair(browser, options, async ({ browser: peer, icefloe }) => {
        icefloe.close()
        await peer.untilChannel('data', 'closed')
      })
    })

    it(`sees that ${name} has closed the connection`, async () => {
      await withPair(browser, options, async ({ browser: peer, channels }) => {
        await peer.close()
        await closedHere(channels.data)
      })
    })
  })
}

/** Connects so often, one after the other, with one message there and back each time. */
export function connectsRepeatedly(browser: BrowserUnderTest, offerer: Offerer, times: number): void {
  it(`connects ${times} of ${times} times when ${who(browser, offerer)} offers`, async function () {
    this.timeout(60_000)
    for (let run = 1; run <= times; run++) {
      await withPair(
        browser,
        { offerer, trickle: true, channels: { data: {} } },
        async ({ browser: peer, channels }) => {
          const { data } = channels
          data?.addEventListener('message', event => data.send((event as MessageEvent).data))
          assert.equal(await peer.roundTrip('data', `run ${run}`), `run ${run}`)
        },
      )
    }
  })
}

/** Connects although the browser hears of no candidate of icefloe: its own are names, and have to be resolved. */
export function connectsThroughNames(browser: BrowserUnderTest, offerer: Offerer): void {
  it(`connects to ${browser.name} through names alone when ${who(browser, offerer)} offers`, async () => {
    const options: PairOptions = {
      offerer,
      trickle: true,
      channels: { data: {} },
      signals: (_, from) => from === 'browser',
    }
    await withPair(browser, options, async ({ browser: peer, channels: { data } }) => {
      assert.ok(data)
      await peer.echo('data')
      const answer = nextMessage(data)
      data.send('found you')
      assert.equal(await answer, 'found you')
    })
  })
}

export function agreesOnChannels(browser: BrowserUnderTest, offerer: Offerer): void {
  const { name } = browser
  it(`agrees with ${name} on the kinds of channels when ${who(browser, offerer)} offers`, async () => {
    const channels = {
      plain: {},
      unordered: { ordered: false },
      retransmits: { ordered: false, maxRetransmits: 3, protocol: 'icefloe.test' },
      lifetime: { maxPacketLifeTime: 250 },
      negotiated: { negotiated: true, id: 100 },
    }
    await withPair(browser, { offerer, trickle: true, channels }, async pair => {
      for (const label of Object.keys(channels)) {
        const channel = pair.channels[label]
        assert.ok(channel)
        const { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated } = channel
        assert.deepEqual(
          { id, protocol, ordered, maxRetransmits, maxPacketLifeTime, negotiated },
          await pair.browser.attributes(label),
          label,
        )
        channel.addEventListener('message', event => channel.send((event as MessageEvent).data))
        assert.equal(await pair.browser.roundTrip(label, label), label)
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

export function carriesBulk(browser: BrowserUnderTest): void {
  const { name } = browser
  const options: PairOptions = { offerer: 'browser', trickle: true, channels: { data: {} } }

  it(`takes 8 MiB from ${name}`, async () => {
    await withPair(browser, options, async ({ browser: peer, channels: { data } }) => {
      assert.ok(data)
      let received = 0
      data.addEventListener('message', event => {
        received += (event as MessageEvent).data.byteLength
      })
      await peer.sendBulk('data', bulkBytes, bulkMessageBytes)
      await reached(data, 'message', () => received === bulkBytes, 'all bytes')
    })
  })

  it(`sends 8 MiB to ${name}`, async () => {
    await withPair(browser, options, async ({ browser: peer, channels: { data } }) => {
      assert.ok(data)
      await peer.countBulk('data')
      for (let sent = 0; sent < bulkBytes; sent += bulkMessageBytes) data.send(new Uint8Array(bulkMessageBytes))
      await peer.untilBulk('data', bulkBytes)
    })
  })
}

function who({ name }: BrowserUnderTest, offerer: Offerer): string {
  return offerer === 'browser' ? name : 'icefloe'
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

/** Text, nothing, and 200,000 bytes, each there and back. */
export async function exchangesMessages({ browser, channels: { data } }: Pair): Promise<void> {
  assert.ok(data)
  await browser.echo('data')
  const big = Buffer.from(prng(7).bytes(200_000))
  for (const message of ['hello', '', big]) {
    const answer = nextMessage(data)
    if (typeof message === 'string') data.send(message)
    else data.send(message)
    const received = await answer
    if (received instanceof ArrayBuffer)
      assert.ok(big.equals(new Uint8Array(received)), '200,000 bytes come back whole')
    else assert.equal(received, message)
  }
}

/** The pair in use, in icefloe's statistics: the types of its candidates, how ours is reached, and our credentials. */
export async function selected(connection: RTCPeerConnection): Promise<Readonly<Record<string, unknown>>> {
  const report = await connection.getStats()
  const transport = [...report.values()].find(({ type }) => type === 'transport')
  const pair = report.get(String(transport?.selectedCandidatePairId))
  const [local, remote] = [pair?.localCandidateId, pair?.remoteCandidateId].map(id => report.get(String(id)))
  return {
    ...{ local: local?.candidateType, remote: remote?.candidateType },
    ...{ protocol: local?.protocol, relayProtocol: local?.relayProtocol },
    usernameFragment: transport?.iceLocalUsernameFragment,
  }
}
