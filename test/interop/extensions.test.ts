import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import { reached } from '../support/events.ts'
import { offerers, withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { echoOptions, untilMedia } from './media-suites.ts'

/** What Chromium has of RFC 9335 is behind its experimental features. */
const chromiumEncryptsHeaders = '--enable-experimental-web-platform-features'

const always = { alwaysNegotiateDataChannels: true } as const

function kinds(sdp: string | undefined): string[] {
  return [...(sdp ?? '').matchAll(/^m=(\w+)/gm)].map(([, kind = '']) => kind)
}

function untilConnected(peer: RTCPeerConnection): Promise<void> {
  return reached(peer, 'connectionstatechange', () => peer.connectionState === 'connected', 'the connection')
}

function headersEncrypted(peer: RTCPeerConnection): boolean[] {
  return peer.getTransceivers().map(({ rtpHeaderEncryptionNegotiated }) => rtpHeaderEncryptionNegotiated)
}

describe('What extends WebRTC, with Chromium', () => {
  const chromium = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))

  for (const offerer of offerers) {
    it(`connects SCTP without a channel if ${offerer} always negotiates data`, async () => {
      const configuration = offerer === 'browser' ? { browserConfiguration: always } : { icefloeConfiguration: always }
      const options = { ...echoOptions({ audio: true }, offerer), ...configuration }
      await withPair(chromium, options, async ({ icefloe, offer }) => {
        assert.deepEqual(kinds(offer.sdp), ['application', 'audio'])
        await untilConnected(icefloe)
        const { sctp } = icefloe
        assert.ok(sctp)
        await reached(sctp, 'statechange', () => sctp.state === 'connected', 'SCTP')
        const channel = icefloe.createDataChannel('later')
        await reached(channel, 'open', () => channel.readyState === 'open', 'the channel')
        assert.equal(icefloe.signalingState, 'stable')
      })
    })
  }

  it('leaves out the header extensions that are stopped, and sends media without them', async () => {
    const options = echoOptions({ video: true }, 'icefloe')
    const prepare: typeof options.prepare = async (icefloe, browser) => {
      await options.prepare?.(icefloe, browser)
      const [transceiver] = icefloe.getTransceivers()
      assert.ok(transceiver)
      const wanted = transceiver.getHeaderExtensionsToNegotiate()
      for (const each of wanted) if (!each.uri.endsWith(':mid')) each.direction = 'stopped'
      transceiver.setHeaderExtensionsToNegotiate(wanted)
    }
    await withPair(chromium, { ...options, prepare }, async pair => {
      await untilMedia(pair.browser, 'the echo', stats => (stats['inbound-rtp video']?.framesDecoded ?? 0) > 15)
      for (const { sdp } of [pair.offer, pair.answer]) assert.equal(sdp.match(/^a=extmap:/gm)?.length, 1)
      const negotiated = pair.icefloe.getTransceivers()[0]?.getNegotiatedHeaderExtensions() ?? []
      const going = negotiated.filter(({ direction }) => direction !== 'stopped').map(({ uri }) => uri)
      assert.deepEqual(going, ['urn:ietf:params:rtp-hdrext:sdes:mid'])
    })
  })
})

describe('Encrypted header extensions of RTP (RFC 9335), with Chromium', () => {
  const args = [...chromiumSendsFakeMedia, chromiumEncryptsHeaders]
  const chromium = withBrowser('Chromium', context => openChromium(context, args))

  for (const offerer of offerers) {
    it(`carry audio and video both ways with ${offerer} offering`, async () => {
      await withPair(chromium, echoOptions({ audio: true, video: true }, offerer), async pair => {
        // The echo comes back only if both ends decipher what the other one sends: the MID is among it.
        await untilMedia(pair.browser, 'the echo', stats => {
          const [audio, video] = ['inbound-rtp audio', 'inbound-rtp video'].map(name => stats[name])
          return (audio?.packetsReceived ?? 0) > 50 && (video?.framesDecoded ?? 0) > 15
        })
        assert.deepEqual(new Set(headersEncrypted(pair.icefloe)), new Set([true]))
        for (const { sdp } of [pair.offer, pair.answer]) assert.match(sdp, /^a=cryptex\r$/m)
      })
    })
  }

  it('are what one who requires them gets', async () => {
    const options = {
      ...echoOptions({ audio: true }, 'browser'),
      icefloeConfiguration: { rtpHeaderEncryptionPolicy: 'require' },
    } as const
    await withPair(chromium, options, async ({ icefloe }) => {
      await untilConnected(icefloe)
      assert.deepEqual(headersEncrypted(icefloe), [true])
    })
  })
})
