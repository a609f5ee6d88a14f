import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import type { StatsEntry as RTCStats } from '../pc/stats/stats-entry.ts'
import { withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { echoOptions, untilMedia } from './media-suites.ts'

type Numbers = Readonly<Record<string, number>>

/** What is under way has arrived by then, and what the browser remembers of its statistics (50 ms) is old. */
const underWayMs = 500
/** On the loopback of a busy machine, in seconds. */
const maxRoundTrip = 0.2

const kinds = ['audio', 'video'] as const

/** icefloe's one entry of a type and kind. */
async function entryOf(peer: RTCPeerConnection, type: string, kind: string): Promise<RTCStats> {
  const entries = [...(await peer.getStats()).values()].filter(each => each.type === type && each.kind === kind)
  assert.equal(entries.length, 1, `${type} ${kind}`)
  return entries[0] as RTCStats
}

function underWay(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, underWayMs))
}

/** A count of one end that lies between two of the other, taken before and after. */
function assertBetween(what: string, before: unknown, value: unknown, after: unknown): void {
  const context = `${what}: ${before} <= ${value} <= ${after}`
  assert.ok(Number(before) > 0 && Number(before) <= Number(value) && Number(value) <= Number(after), context)
}

describe('the statistics of media with Chromium', function () {
  this.timeout(40_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))

  it('agree with those of Chromium about what either sends and receives', async () => {
    await withPair(browser, echoOptions({ audio: true, video: true, codec: 'video/VP8' }, 'browser'), async pair => {
      const { icefloe } = pair
      await untilMedia(
        pair.browser,
        'reports in both directions',
        stats =>
          kinds.every(kind =>
            ['inbound-rtp', 'remote-inbound-rtp', 'remote-outbound-rtp'].every(
              type => stats[`${type} ${kind}`]?.ssrc !== undefined,
            ),
          ) && (stats['inbound-rtp video']?.framesDecoded ?? 0) > 30,
      )
      for (const kind of kinds) {
        const [received, sent] = [
          await entryOf(icefloe, 'inbound-rtp', kind),
          await entryOf(icefloe, 'outbound-rtp', kind),
        ]
        await underWay()
        const theirs = await pair.browser.mediaStats()
        await underWay()
        const [receivedLater, sentLater] = [
          await entryOf(icefloe, 'inbound-rtp', kind),
          await entryOf(icefloe, 'outbound-rtp', kind),
        ]
        const [outbound, inbound]: Numbers[] = [
          theirs[`outbound-rtp ${kind}`] ?? {},
          theirs[`inbound-rtp ${kind}`] ?? {},
        ]
        assert.deepEqual([received.ssrc, sent.ssrc], [outbound?.ssrc, inbound?.ssrc])
        assert.deepEqual([received.rtxSsrc, sent.rtxSsrc], [outbound?.rtxSsrc, inbound?.rtxSsrc])
        for (const [mine, other] of [
          ['packetsReceived', 'packetsSent'],
          ['bytesReceived', 'bytesSent'],
          ['headerBytesReceived', 'headerBytesSent'],
        ] as const) {
          assertBetween(`${kind} to icefloe, ${mine}`, received[mine], outbound?.[other], receivedLater[mine])
          assertBetween(`${kind} to Chromium, ${other}`, sent[other], inbound?.[mine], sentLater[other])
        }
        assert.deepEqual([receivedLater.packetsLost, inbound?.packetsLost], [0, 0])
        if (kind === 'video') assertBetween('frames', sent.framesSent, inbound?.framesReceived, sentLater.framesSent)
      }
    })
  })

  it('agree about codecs, reports and round trips', async () => {
    await withPair(browser, echoOptions({ audio: true, video: true, codec: 'video/VP8' }, 'browser'), async pair => {
      const { icefloe } = pair
      const isReported = (stats: Readonly<Record<string, Numbers>>): boolean =>
        kinds.every(kind => (stats[`remote-inbound-rtp ${kind}`]?.roundTripTimeMeasurements ?? 0) > 1)
      await untilMedia(pair.browser, 'round trips', isReported)
      await underWay()
      const theirs = await pair.browser.mediaStats()
      const report = await icefloe.getStats()
      const codecs = [...report.values()].filter(({ type }) => type === 'codec').map(({ mimeType }) => mimeType)
      assert.deepEqual([...new Set(codecs)].sort(), [...new Set(await pair.browser.codecs())].sort())
      for (const kind of kinds) {
        const mine = await entryOf(icefloe, 'remote-inbound-rtp', kind)
        const told = await entryOf(icefloe, 'remote-outbound-rtp', kind)
        const roundTrips = [mine.roundTripTime, theirs[`remote-inbound-rtp ${kind}`]?.roundTripTime]
        for (const each of roundTrips) assert.ok(Number(each) >= 0 && Number(each) < maxRoundTrip, `${roundTrips}`)
        assert.equal(mine.packetsLost, 0)
        const sent = await entryOf(icefloe, 'outbound-rtp', kind)
        assertBetween(`${kind} reported`, 1, mine.packetsReceived, sent.packetsSent)
        const received = await entryOf(icefloe, 'inbound-rtp', kind)
        assertBetween(`${kind} told`, 1, told.packetsSent, received.packetsReceived)
        // One clock for both.
        assert.ok(Math.abs(Number(told.remoteTimestamp) - told.timestamp) < 1_000 * maxRoundTrip)
        assert.ok(Math.abs(told.timestamp - received.timestamp) < 10_000)
      }
    })
  })
})
