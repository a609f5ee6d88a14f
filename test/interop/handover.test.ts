import assert from 'node:assert/strict'
import { type RTCDataChannel, RTCPeerConnection } from '../../src/index.ts'
import { nextMessage, reached } from '../support/events.ts'
import { BrowserPeer, type Description, type RTCIceCandidateJson, type TestPage } from './browser.ts'
import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, chromiumShowsAddresses, openChromium } from './chromium.ts'
import { echoTracks, untilMedia } from './media-suites.ts'

const media = { audio: true, video: true }

/** icefloe in the middle, and two connections of a browser. */
interface Trio {
  readonly icefloe: RTCPeerConnection
  readonly first: BrowserPeer
  readonly second: BrowserPeer
  /** What the DTLS transport of icefloe was, in order. */
  readonly states: readonly string[]
}

async function withTrio(page: TestPage, use: (trio: Trio) => Promise<void>): Promise<void> {
  const icefloe = new RTCPeerConnection()
  const [first, second] = [await createPeer(page, icefloe), await createPeer(page, icefloe)]
  const states: string[] = []
  try {
    await use({ icefloe, first, second, states })
  } finally {
    icefloe.close()
    untold.delete(icefloe)
    await first.close()
    await second.close()
  }
}

/** Candidates of the browser that icefloe has not heard yet: they wait for the description that they belong to. */
const untold = new Map<RTCPeerConnection, RTCIceCandidateJson[]>()

async function createPeer(page: TestPage, icefloe: RTCPeerConnection): Promise<BrowserPeer> {
  return await BrowserPeer.create(page, {}, event => {
    if (event.type !== 'candidate' || event.candidate === null) return
    untold.set(icefloe, [...(untold.get(icefloe) ?? []), event.candidate])
    passCandidates(icefloe)
  })
}

/** icefloe knows by their user name fragment whose they are. */
function passCandidates(icefloe: RTCPeerConnection): void {
  const isKnown = ({ usernameFragment }: RTCIceCandidateJson): boolean =>
    icefloe.remoteDescription?.sdp.includes(`a=ice-ufrag:${usernameFragment}\r`) === true
  const waiting = untold.get(icefloe) ?? []
  untold.set(
    icefloe,
    waiting.filter(candidate => !isKnown(candidate)),
  )
  for (const candidate of waiting.filter(isKnown)) void icefloe.addIceCandidate(candidate)
}

/** Candidates of icefloe that come later go to this one from now on. */
function tell(icefloe: RTCPeerConnection, browser: BrowserPeer): void {
  icefloe.onicecandidate = ({ candidate }) => {
    if (candidate !== null) void browser.addCandidate(candidate.toJSON())
  }
}

function described({ localDescription }: RTCPeerConnection): Description {
  const { type, sdp } = localDescription ?? {}
  assert.ok((type === 'offer' || type === 'answer') && sdp !== undefined)
  return { type, sdp }
}

async function offerTo(icefloe: RTCPeerConnection, browser: BrowserPeer): Promise<void> {
  icefloe.onicecandidate = null
  await icefloe.setLocalDescription()
  const isComplete = (): boolean => icefloe.iceGatheringState === 'complete'
  // A restart begins to gather in a task of its own.
  await new Promise(resolve => setTimeout(resolve, 50))
  await reached(icefloe, 'icegatheringstatechange', isComplete, 'all candidates')
  await icefloe.setRemoteDescription(await browser.answer(described(icefloe), true))
  passCandidates(icefloe)
}

async function answerTo(icefloe: RTCPeerConnection, browser: BrowserPeer): Promise<void> {
  icefloe.onicecandidate = null
  await icefloe.setRemoteDescription(await browser.offer(true))
  passCandidates(icefloe)
  const candidates: (() => void)[] = []
  icefloe.onicecandidate = ({ candidate }) => {
    if (candidate !== null) candidates.push(() => void browser.addCandidate(candidate.toJSON()))
  }
  await icefloe.setLocalDescription()
  await browser.acceptAnswer(described(icefloe))
  for (const pass of candidates) pass()
  tell(icefloe, browser)
}

/** Channels and media with the first one. */
async function begin({ icefloe, first, states }: Trio): Promise<RTCDataChannel> {
  echoTracks(icefloe)
  await first.playMedia()
  await first.sendMedia(media)
  icefloe.addTransceiver('audio')
  icefloe.addTransceiver('video')
  const channel = icefloe.createDataChannel('initial')
  await offerTo(icefloe, first)
  await reached(channel, 'open', () => channel.readyState === 'open', 'the first channel')
  await untilEchoed(first)
  const dtls = icefloe.sctp?.transport
  assert.ok(dtls)
  dtls.onstatechange = () => (states as string[]).push(dtls.state)
  return channel
}

async function untilEchoed(browser: BrowserPeer): Promise<void> {
  const received = (stats: Awaited<ReturnType<BrowserPeer['mediaStats']>>, kind: string): number =>
    stats[`inbound-rtp ${kind}`]?.packetsReceived ?? 0
  await untilMedia(browser, 'audio and video', stats => {
    const frames = stats['inbound-rtp video']?.framesDecoded ?? 0
    return received(stats, 'audio') > 25 && frames > 5
  })
}

/** Everything that was there with the first one is there with the second. */
async function checkReached({ icefloe, second, states }: Trio, channel: RTCDataChannel): Promise<void> {
  await reached(icefloe, 'connectionstatechange', () => states.at(-1) === 'connected', 'connected')
  assert.deepEqual(states, ['new', 'connecting', 'connected'])
  assert.equal(channel.readyState, 'closed')
  const own = icefloe.createDataChannel('ours')
  await second.untilChannel('ours', 'open')
  await second.echo('ours')
  await reached(own, 'open', () => own.readyState === 'open', 'a channel of icefloe')
  const echoed = nextMessage(own)
  own.send('hello again')
  assert.equal(await echoed, 'hello again')
  let theirs: RTCDataChannel | undefined
  icefloe.ondatachannel = event => {
    theirs = event.channel
  }
  await second.createChannel('theirs', {})
  await reached(icefloe, 'datachannel', () => theirs !== undefined, 'a channel of the browser')
  theirs?.addEventListener('message', ({ data }) => theirs?.send(data))
  await second.untilChannel('theirs', 'open')
  assert.equal(await second.roundTrip('theirs', 'and back'), 'and back')
  await untilEchoed(second)
}

describe('A handover between two connections of Chromium', function () {
  this.timeout(60_000)
  const chromium = withBrowser('Chromium', context =>
    openChromium(context, [chromiumShowsAddresses, ...chromiumSendsFakeMedia]),
  )

  for (const restarts of [false, true]) {
    it(`by an answer to an offer of icefloe ${restarts ? 'with' : 'without'} an ICE restart`, async () => {
      await withTrio(chromium.page(), async trio => {
        const channel = await begin(trio)
        const { icefloe, first, second } = trio
        await second.playMedia()
        await second.sendMedia(media)
        if (restarts) icefloe.restartIce()
        await offerTo(icefloe, second)
        await checkReached(trio, channel)
        // It was told.
        await first.untilChannel('initial', 'closed')
      })
    })
  }

  it('by an offer of the other connection', async () => {
    await withTrio(chromium.page(), async trio => {
      const channel = await begin(trio)
      const { icefloe, second } = trio
      await second.playMedia()
      await second.sendMedia(media)
      // So that it knows the sections of the session.
      const { sdp = '' } = icefloe.localDescription ?? {}
      await second.answer({ type: 'offer', sdp }, false)
      await second.restartIce()
      await answerTo(icefloe, second)
      await checkReached(trio, channel)
    })
  })

  it('to a third one, and nothing of those before is in the way', async () => {
    await withTrio(chromium.page(), async trio => {
      await begin(trio)
      const { icefloe, second, states } = trio
      await offerTo(icefloe, second)
      await reached(icefloe, 'connectionstatechange', () => states.at(-1) === 'connected', 'connected')
      const third = await createPeer(chromium.page(), icefloe)
      await third.playMedia()
      await third.sendMedia(media)
      await offerTo(icefloe, third)
      await untilEchoed(third)
      assert.deepEqual(states, ['new', 'connecting', 'connected', 'new', 'connecting', 'connected'])
      await third.close()
    })
  })
})
