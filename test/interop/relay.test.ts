import assert from 'node:assert/strict'
import {
  type RTCConfiguration,
  type RTCDataChannel,
  RTCPeerConnection,
  type RTCPeerConnectionIceErrorEvent,
} from '../../src/index.ts'
import { eventually } from '../dtls/program.ts'
import { nextMessage, reached } from '../support/events.ts'
import { BrowserPeer, type TestPage } from './browser.ts'
import type { PairOptions } from './browser-pair.ts'
import {
  type BrowserUnderTest,
  exchangesMessages,
  offerers,
  selected,
  withBrowser,
  withPair,
} from './browser-suites.ts'
import { chromiumShowsAddresses, chromiumTakesAnyCertificate, openChromium } from './chromium.ts'
import { startCoturn } from './coturn.ts'
import { firefoxShowsAddresses, firefoxUsesLoopback, openFirefox } from './firefox.ts'
import { startOwnTurnServer } from './own-turn-server.ts'
import { type RelayServer, type RelayTransport, relayTransports } from './relay-server.ts'

/**
 * Both browsers, each so that it takes a TURN server on this host whose certificate nobody knows. They show their
 * addresses, for an end that is relayed alone does not look up names: draft-ietf-mmusic-mdns-ice-candidates §3.2.1.
 */
const browsers = {
  Chromium: (context: Mocha.Context) => openChromium(context, [chromiumTakesAnyCertificate, chromiumShowsAddresses]),
  Firefox: (context: Mocha.Context) =>
    openFirefox(context, {
      preferences: { ...firefoxUsesLoopback, ...firefoxShowsAddresses },
      anyCertificate: true,
    }),
}

describe('relayed by coturn', () => {
  relays(startCoturn)
})

describe('relayed by the TURN server of icefloe', () => {
  relays(startOwnTurnServer)
})

function relays(start: (context: Mocha.Context) => Promise<RelayServer>): void {
  let running: RelayServer | undefined
  before(async function () {
    this.timeout(60_000)
    running = await start(this)
  })
  after(() => running?.stop())
  const server = () => {
    assert.ok(running, 'the server is running')
    return running
  }

  for (const [name, open] of Object.entries(browsers)) {
    describe(name, () => {
      const browser = withBrowser(name, open)
      for (const transport of relayTransports) {
        relaysPages(browser, server, transport)
        for (const offerer of offerers) relaysBothEnds(browser, server, transport, offerer)
      }
      relaysBulk(browser, server)
      meetsDirectEnd(browser, server)
      prefersDirectPath(browser, server)
      leavesNothing(browser, server)
    })
  }
  relaysIcefloe(server)
  refusesStrangers(server)
  trustsNobodyElse(server)
}

type Server = () => RelayServer

/** What the browser and the server do without us: if this fails, then look there. */
function relaysPages(browser: BrowserUnderTest, server: Server, transport: RelayTransport): void {
  it(`connects two ends in ${browser.name} over ${transport}`, async () => {
    const configuration = relayOnly(server(), transport)
    const [one, other] = await Promise.all([
      createPeer(browser.page(), configuration),
      createPeer(browser.page(), configuration),
    ])
    try {
      await one.createChannel('data', {})
      await one.acceptAnswer(await other.answer(await one.offer(false), false))
      await Promise.all([one.untilChannel('data', 'open'), other.untilChannel('data', 'open')])
      await other.echo('data')
      assert.equal(await one.roundTrip('data', 'through the relay'), 'through the relay')
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  })
}

function relaysBothEnds(
  browser: BrowserUnderTest,
  server: Server,
  transport: RelayTransport,
  offerer: 'browser' | 'icefloe',
): void {
  const who = offerer === 'browser' ? browser.name : 'icefloe'
  for (const trickle of [true, false]) {
    it(`connects over ${transport} when ${who} offers${trickle ? '' : ' all candidates at once'}`, async () => {
      const options = pairOptions(server(), { offerer, trickle }, [transport], [transport])
      await withPair(browser, options, async pair => {
        await exchangesMessages(pair)
        assert.deepEqual(await pair.browser.selectedTypes(), { local: 'relay', remote: 'relay' })
        const { local, remote, relayProtocol } = await selected(pair.icefloe)
        assert.deepEqual(
          { local, remote, relayProtocol },
          { local: 'relay', remote: 'relay', relayProtocol: transport },
        )
      })
    })
  }
}

const bulkBytes = 8 * 1024 * 1024
const bulkMessageBytes = 64 * 1024

function relaysBulk(browser: BrowserUnderTest, server: Server): void {
  for (const transport of relayTransports) {
    it(`carries 8 MiB each way over ${transport}`, async function () {
      this.timeout(60_000)
      const options = pairOptions(server(), { offerer: 'icefloe', trickle: true }, [transport], [transport])
      await withPair(browser, options, async ({ browser: peer, channels: { data } }) => {
        assert.ok(data)
        await peer.countBulk('data')
        for (let sent = 0; sent < bulkBytes; sent += bulkMessageBytes) data.send(new Uint8Array(bulkMessageBytes))
        await peer.untilBulk('data', bulkBytes)
        let received = 0
        data.addEventListener('message', event => {
          received += (event as MessageEvent).data.byteLength
        })
        await peer.sendBulk('data', bulkBytes, bulkMessageBytes)
        await reached(data, 'message', () => received === bulkBytes, 'all bytes', 30_000)
      })
    })
  }
}

/** One end has nothing but its relay, the other has no server at all. */
function meetsDirectEnd(browser: BrowserUnderTest, server: Server): void {
  for (const relayed of ['browser', 'icefloe'] as const) {
    const who = relayed === 'browser' ? browser.name : 'icefloe'
    it(`connects when ${who} alone is relayed`, async () => {
      const options = { offerer: 'icefloe', trickle: true, channels: { data: {} } } as const
      const configured =
        relayed === 'browser'
          ? { ...options, browserConfiguration: relayOnly(server(), 'udp') }
          : { ...options, icefloeConfiguration: relayOnly(server(), 'udp') }
      await withPair(browser, configured, async pair => {
        await exchangesMessages(pair)
        const { local, remote } = await selected(pair.icefloe)
        assert.equal(relayed === 'browser' ? remote : local, 'relay')
      })
    })
  }
}

function prefersDirectPath(browser: BrowserUnderTest, server: Server): void {
  for (const offerer of offerers) {
    const who = offerer === 'browser' ? browser.name : 'icefloe'
    it(`does not end up on the relay when there is a direct path and ${who} offers`, async () => {
      const all: RTCConfiguration = { iceServers: [server().iceServer(...relayTransports)] }
      const options: PairOptions = {
        ...{ offerer, trickle: true, channels: { data: {} } },
        ...{ browserConfiguration: all, icefloeConfiguration: all, icefloeExtensions: { tlsCa: server().ca } },
      }
      await withPair(browser, options, async pair => {
        await exchangesMessages(pair)
        const direct = async () => {
          const { local, remote } = await selected(pair.icefloe)
          return local !== 'relay' && remote !== 'relay'
        }
        for (let tries = 0; !(await direct()); tries++) {
          assert.ok(tries < 50, JSON.stringify(await selected(pair.icefloe)))
          await new Promise(resolve => setTimeout(resolve, 100))
        }
      })
    })
  }
}

/** All tests before this one have closed what they opened. */
function leavesNothing(browser: BrowserUnderTest, server: Server): void {
  it(`has given back every relayed address, as ${browser.name} has`, async () => {
    await eventually(
      () => server().allocations() === 0,
      'all given back',
      8_000,
      () => `, ${server().allocations()} not`,
    )
  })
}

/** Both ends are ours. */
function relaysIcefloe(server: Server): void {
  for (const transport of relayTransports) {
    it(`connects icefloe to icefloe over ${transport}`, async () => {
      const create = () => new RTCPeerConnection(relayOnly(server(), transport), { tlsCa: server().ca })
      const [one, other] = [create(), create()]
      try {
        for (const [from, to] of [
          [one, other],
          [other, one],
        ] as const) {
          from.addEventListener('icecandidate', ({ candidate }) => {
            to.addIceCandidate(candidate ?? undefined).catch(() => {})
          })
        }
        const channel = one.createDataChannel('data')
        let arrived: RTCDataChannel | undefined
        other.addEventListener('datachannel', event => {
          arrived = event.channel
          arrived.addEventListener('message', message => arrived?.send((message as MessageEvent).data))
        })
        await one.setLocalDescription()
        await other.setRemoteDescription(one.localDescription ?? assert.fail())
        await other.setLocalDescription()
        await one.setRemoteDescription(other.localDescription ?? assert.fail())
        await reached(channel, 'open', () => channel.readyState === 'open', 'the channel open')
        const answer = nextMessage(channel)
        channel.send('through the relay')
        assert.equal(await answer, 'through the relay')
        const { local, remote } = await selected(one)
        assert.deepEqual({ local, remote }, { local: 'relay', remote: 'relay' })
      } finally {
        one.close()
        other.close()
      }
    })
  }
}

function refusesStrangers(server: Server): void {
  for (const transport of relayTransports) {
    it(`hears that it is not authorized over ${transport}`, async () => {
      const iceServer = { ...server().iceServer(transport), credential: 'guessed' }
      const errors = await gatheringErrors({ iceServers: [iceServer], iceTransportPolicy: 'relay' }, server().ca)
      assert.ok(errors.length > 0)
      for (const { errorCode, url } of errors)
        assert.deepEqual({ errorCode, url }, { errorCode: 401, url: iceServer.urls[0] })
    })
  }
}

function trustsNobodyElse(server: Server): void {
  it('does not talk to a server whose authority it does not know', async () => {
    const errors = await gatheringErrors(relayOnly(server(), 'tls'), undefined)
    assert.ok(errors.length > 0)
    for (const { errorCode } of errors) assert.equal(errorCode, 701)
  })
}

/** Gathers to the end, and no candidate at all. */
async function gatheringErrors(
  configuration: RTCConfiguration,
  ca: string | undefined,
): Promise<readonly RTCPeerConnectionIceErrorEvent[]> {
  const connection = new RTCPeerConnection(configuration, ca === undefined ? {} : { tlsCa: ca })
  const errors: RTCPeerConnectionIceErrorEvent[] = []
  connection.addEventListener('icecandidateerror', error => errors.push(error))
  try {
    connection.createDataChannel('data')
    await connection.setLocalDescription()
    const complete = () => connection.iceGatheringState === 'complete'
    await reached(connection, 'icegatheringstatechange', complete, 'gathering complete')
    assert.doesNotMatch(connection.localDescription?.sdp ?? '', /a=candidate/)
    return errors
  } finally {
    connection.close()
  }
}

function relayOnly(server: RelayServer, ...transports: readonly RelayTransport[]): RTCConfiguration {
  return { iceServers: [server.iceServer(...transports)], iceTransportPolicy: 'relay' }
}

function pairOptions(
  server: RelayServer,
  options: Pick<PairOptions, 'offerer' | 'trickle'>,
  browserTransports: readonly RelayTransport[],
  icefloeTransports: readonly RelayTransport[],
): PairOptions {
  return {
    ...options,
    channels: { data: {} },
    browserConfiguration: relayOnly(server, ...browserTransports),
    icefloeConfiguration: relayOnly(server, ...icefloeTransports),
    icefloeExtensions: { tlsCa: server.ca },
  }
}

function createPeer(page: TestPage, configuration: object): Promise<BrowserPeer> {
  return BrowserPeer.create(page, configuration, () => {})
}
