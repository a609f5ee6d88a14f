import assert from 'node:assert/strict'
import { type RTCPeerConnection, RtpTrackSink } from '../../src/index.ts'
import { dtmfDigit, TelephoneEventReceiver } from '../../src/rtp/payload/index.ts'
import { mediaDevices } from '../../src/testing/index.ts'
import { reached } from '../support/events.ts'
import { type BrowserUnderTest, withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { sending } from './media-synthetic-suites.ts'
import { count, eventually, insertDtmf, statsOf, untilHeard } from './media-verbs.ts'

const digits = '159#D'

/** RFC 4733: what keys were pressed. */
function sendsTones(browser: BrowserUnderTest): void {
  it(`hears the tones of ${browser.name}, each once and as long as it is`, async () => {
    await withPair(browser, sending({ audio: true }), async ({ icefloe, browser: peer }) => {
      const heard = listen(icefloe)
      await eventually(
        'sound',
        () => heard.packets(),
        packets => packets > 10,
      )
      assert.equal(await insertDtmf(peer, digits, 100, 70), digits)
      const tones = await eventually(
        'all tones',
        () => heard.tones(),
        all => all.length === digits.length,
      )
      assert.equal(tones.map(({ digit }) => digit).join(''), digits)
      // 100 ms; libwebrtc sends in steps of 20.
      for (const { digit, ms } of tones) assert.ok(ms >= 80 && ms <= 140, `${digit}: ${ms} ms`)
      heard.close()
    })
  })
}

interface Tone {
  readonly digit: string | undefined
  readonly ms: number
}

function listen(icefloe: RTCPeerConnection) {
  const [receiver] = icefloe.getReceivers()
  assert.ok(receiver)
  const sink = new RtpTrackSink(receiver.track)
  const events = new TelephoneEventReceiver()
  const tones: Tone[] = []
  let packets = 0
  sink.onpacket = ({ packet, codec }) => {
    packets++
    if (codec?.mimeType !== 'audio/telephone-event') return
    events.receive(packet, performance.now())
    for (let event = events.pollEvent(); event !== undefined; event = events.pollEvent()) {
      if (event.kind === 'end')
        tones.push({ digit: dtmfDigit(event.event), ms: (event.duration * 1_000) / codec.clockRate })
    }
  }
  return { tones: () => tones, packets: () => packets, close: () => sink.close() }
}

/** The browser plays tones to whoever listens: its sound is silent but for them. */
function receivesTones(browser: BrowserUnderTest): void {
  it(`is heard by ${browser.name} when it sends tones between silence`, async () => {
    const stream = await mediaDevices.getUserMedia({ audio: true })
    const options = {
      offerer: 'icefloe' as const,
      trickle: true,
      channels: {},
      prepare: async (icefloe: RTCPeerConnection, peer: { playMedia(): Promise<void> }) => {
        await peer.playMedia()
        for (const track of stream.getTracks()) icefloe.addTrack(track, stream)
      },
    }
    try {
      await withPair(browser, options, async ({ icefloe, browser: peer }) => {
        const energy = async () => count((await statsOf(peer, 'inbound-rtp'))[0], 'totalAudioEnergy')
        await untilHeard(peer, 'silence')
        assert.equal(await energy(), 0)
        const dtmf = icefloe.getSenders()[0]?.dtmf
        assert.ok(dtmf)
        let last: string | undefined
        dtmf.ontonechange = ({ tone }) => {
          last = tone
        }
        dtmf.insertDTMF(digits, 100, 50)
        await reached(dtmf, 'tonechange', () => last === '', 'the end of the tones')
        await eventually('a tone in the sound', energy, value => value > 0)
        await untilHeard(peer, 'silence again')
      })
    } finally {
      for (const track of stream.getTracks()) track.stop()
    }
  })
}

describe('tones with Chromium', function () {
  this.timeout(30_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  sendsTones(browser)
  receivesTones(browser)
})

describe('tones with Firefox', function () {
  this.timeout(30_000)
  const preferences = firefoxSendsFakeMedia
  const browser = withBrowser('Firefox', context => openFirefox(context, { preferences }))
  sendsTones(browser)
  receivesTones(browser)
})
