import assert from 'node:assert/strict'
import type { MediaStreamTrack, RTCConfiguration, RTCDataChannel, RTCPeerConnection } from '../../src/index.ts'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { mediaDevices } from '../../src/testing/index.ts'
import { reached } from '../support/events.ts'
import { observe } from '../support/observed-environment.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, withPair } from './browser-suites.ts'
import { echoOptions, untilMedia } from './media-suites.ts'

/** What a peer does not do; it is taken out of our description before the peer sees it, as if it did not know of it. */
export interface Abilities {
  readonly bundles: boolean
  readonly multiplexes: boolean
}

export interface TransportPlan extends Abilities {
  readonly configuration: RTCConfiguration
  /** The components of ICE before the answer, and those that are left of it after: each has a gatherer and a DTLS association. */
  readonly before: number
  readonly after: number
  /** The tracks, of one of audio and two of video, that are negotiated. */
  readonly tracks: number
}

/** icefloe offers one track of audio, two of video and a data channel, which is four sections. */
export function negotiatesTransports(browser: BrowserUnderTest, plans: readonly TransportPlan[]): void {
  for (const plan of plans) {
    const { configuration, before, after, tracks } = plan
    it(`${described(configuration)}: ${before} then ${after} towards ${browser.name}, which ${abilities(plan)}`, async () => {
      const { environment, open, opened } = observe(createSystemEnvironment())
      const addresses = environment.network.interfaces().filter(({ internal }) => !internal).length
      const sent: MediaStreamTrack[] = []
      const channels: RTCDataChannel[] = []
      // The data section is the last one: where one section alone is negotiated, it is not.
      const hasData = tracks > 1
      const options: PairOptions = {
        offerer: 'icefloe',
        trickle: true,
        channels: {},
        icefloeConfiguration: configuration,
        icefloeExtensions: { environment },
        browserConfiguration: { rtcpMuxPolicy: 'negotiate' },
        alter: (sdp, from) => (from === 'icefloe' ? without(sdp, plan) : sdp),
        prepare: async (icefloe, peer) => {
          await peer.playMedia()
          sent.push(...(await addTracks(icefloe)))
          channels.push(icefloe.createDataChannel('data'))
        },
      }
      try {
        await withPair(browser, options, async ({ browser: peer, icefloe }) => {
          await untilMedia(peer, 'what icefloe sends', sums => plays(sums, tracks))
          for (const channel of channels) {
            if (hasData) await reached(channel, 'open', () => channel.readyState === 'open', 'the channel')
            else assert.equal(channel.readyState, 'closed')
          }
          assert.equal((await transportsOf(icefloe)).length, after, 'components in the statistics')
          assert.equal(open.size, after * addresses, 'sockets after the answer')
          assert.equal(
            icefloe.getTransceivers().filter(({ currentDirection }) => currentDirection === 'sendonly').length,
            tracks,
          )
        })
      } finally {
        for (const track of sent) track.stop()
      }
      assert.equal(opened(), before * addresses, 'sockets before the answer')
      assert.equal(open.size, 0, 'sockets after closing')
    })
  }
}

/** The peer offers a track of audio and one of video, and icefloe sends both back. */
export function answersTransports(browser: BrowserUnderTest): void {
  const cases = [
    { bundlePolicy: 'balanced', bundles: true, multiplexes: true, components: 1 },
    { bundlePolicy: 'balanced', bundles: false, multiplexes: true, components: 2 },
    { bundlePolicy: 'balanced', bundles: false, multiplexes: false, components: 4 },
    // RFC 8829 §5.3.1: one section alone is accepted
    { bundlePolicy: 'max-bundle', bundles: false, multiplexes: false, components: 2 },
  ] as const
  for (const { components, bundlePolicy, ...plan } of cases) {
    it(`${bundlePolicy}: answers with ${components} when ${browser.name} offers, which ${abilities(plan)}`, async () => {
      const { environment, open } = observe(createSystemEnvironment())
      const options: PairOptions = {
        ...echoOptions({ audio: true, video: true }, 'browser'),
        icefloeConfiguration: { bundlePolicy, rtcpMuxPolicy: 'negotiate' },
        icefloeExtensions: { environment },
        browserConfiguration: { rtcpMuxPolicy: 'negotiate' },
        alter: (sdp, from) => (from === 'browser' ? without(sdp, plan) : sdp),
      }
      await withPair(browser, options, async ({ browser: peer, icefloe }) => {
        await untilMedia(peer, 'the echo', sums => plays(sums, bundlePolicy === 'max-bundle' ? 1 : 2))
        const addresses = environment.network.interfaces().filter(({ internal }) => !internal).length
        assert.equal((await transportsOf(icefloe)).length, components, 'components in the statistics')
        assert.equal(open.size, components * addresses, 'sockets')
      })
      assert.equal(open.size, 0, 'sockets after closing')
    })
  }
}

async function addTracks(icefloe: RTCPeerConnection): Promise<MediaStreamTrack[]> {
  const tracks: MediaStreamTrack[] = []
  for (const kind of ['audio', 'video', 'video'] as const) {
    const stream = await mediaDevices.getUserMedia({ [kind]: true })
    const [track] = stream.getTracks()
    assert.ok(track)
    icefloe.addTransceiver(track, { direction: 'sendonly', streams: [stream] })
    tracks.push(track)
  }
  return tracks
}

async function transportsOf(icefloe: RTCPeerConnection): Promise<readonly object[]> {
  return [...(await icefloe.getStats()).values()].filter(({ type }) => type === 'transport')
}

/** Every track that was negotiated is there, and RTCP of icefloe goes out: without it there is no sender report to see. */
function plays(sums: Readonly<Record<string, Readonly<Record<string, number>>>>, tracks: number): boolean {
  const audio = sums['inbound-rtp audio']?.packetsReceived ?? 0
  const decoded = sums['inbound-rtp video']?.framesDecoded ?? 0
  const reports = sums['remote-outbound-rtp audio']?.packetsSent ?? 0
  return audio > 50 && reports > 0 && (tracks === 1 || decoded > 15)
}

function without(sdp: string, { bundles, multiplexes }: Abilities): string {
  const unknown = [...(bundles ? [] : ['group:BUNDLE', 'bundle-only']), ...(multiplexes ? [] : ['rtcp-mux'])]
  const lines = sdp.split('\r\n').filter(line => !unknown.some(name => line.startsWith(`a=${name}`)))
  return lines.join('\r\n')
}

function described({ bundlePolicy = 'balanced', rtcpMuxPolicy = 'require' }: RTCConfiguration): string {
  return `${bundlePolicy}, ${rtcpMuxPolicy}`
}

function abilities({ bundles, multiplexes }: Abilities): string {
  const does = (what: string, able: boolean): string => (able ? `does ${what}` : `does not ${what}`)
  return `${does('bundle', bundles)} and ${does('multiplex', multiplexes)}`
}
