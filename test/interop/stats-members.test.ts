import assert from 'node:assert/strict'
import type { RTCPeerConnection } from '../../src/index.ts'
import type { StatsEntry } from '../pc/stats/stats-entry.ts'
import type { Pair } from './browser-pair.ts'
import { withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { echoOptions, untilMedia } from './media-suites.ts'

/** What is under way has arrived by then, and what the browser remembers of its statistics (50 ms) is old. */
const underWayMs = 500
const ntpEpochMs = 2_208_988_800_000

function underWay(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, underWayMs))
}

async function mine(peer: RTCPeerConnection, type: string, kind?: string): Promise<StatsEntry> {
  return only([...(await peer.getStats()).values()], type, kind)
}

/** One of the browser's, whole. */
async function theirs({ browser }: Pair, type: string, kind?: string): Promise<StatsEntry> {
  return only(await browser.media<readonly StatsEntry[]>('rtpStats', type), type, kind)
}

function only(entries: readonly StatsEntry[], type: string, kind: string | undefined): StatsEntry {
  const found = entries.filter(each => each.type === type && (kind === undefined || each.kind === kind))
  assert.equal(found.length, 1, `${type} ${kind}`)
  return found[0] as StatsEntry
}

/** A count of one end that lies between two of the other, taken before and after. */
function assertBetween(what: string, before: unknown, value: unknown, after: unknown): void {
  const context = `${what}: ${before} <= ${value} <= ${after}`
  assert.ok(Number(before) > 0 && Number(before) <= Number(value) && Number(value) <= Number(after), context)
}

async function untilPictures(pair: Pair): Promise<void> {
  await untilMedia(
    pair.browser,
    'pictures and reports',
    stats =>
      (stats['inbound-rtp video']?.framesDecoded ?? 0) > 30 && stats['remote-outbound-rtp audio']?.ssrc !== undefined,
  )
}

describe('the members of statistics with Chromium', function () {
  this.timeout(40_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  const options = echoOptions({ audio: true, video: true, codec: 'video/VP8' }, 'browser')

  it('count the pictures that it encodes', async () => {
    await withPair(browser, options, async pair => {
      await untilPictures(pair)
      const before = await mine(pair.icefloe, 'inbound-rtp', 'video')
      await underWay()
      const sent = await theirs(pair, 'outbound-rtp', 'video')
      await underWay()
      const after = await mine(pair.icefloe, 'inbound-rtp', 'video')
      assertBetween('frames received', before.framesReceived, sent.framesSent, after.framesReceived)
      assertBetween('frames decoded', before.framesDecoded, sent.framesSent, after.framesDecoded)
      assertBetween('keyframes', before.keyFramesDecoded, sent.keyFramesEncoded, after.keyFramesDecoded)
      assert.deepEqual([after.framesDropped, after.packetsDiscarded], [0, 0])
      const sizes = [before, after].map(({ frameWidth, frameHeight }) => `${frameWidth}x${frameHeight}`)
      assert.ok(sizes.includes(`${sent.frameWidth}x${sent.frameHeight}`), `${sizes}`)
      assert.equal(after.mid, sent.mid)
    })
  })

  it('count the pictures that it decodes', async () => {
    await withPair(browser, options, async pair => {
      await untilPictures(pair)
      const before = await mine(pair.icefloe, 'outbound-rtp', 'video')
      await underWay()
      const received = await theirs(pair, 'inbound-rtp', 'video')
      await underWay()
      const after = await mine(pair.icefloe, 'outbound-rtp', 'video')
      assertBetween('frames', before.framesEncoded, received.framesReceived, after.framesEncoded)
      assert.ok(received.keyFramesDecoded > 0 && received.keyFramesDecoded <= after.keyFramesEncoded)
      const sizes = [before, after].map(({ frameWidth, frameHeight }) => `${frameWidth}x${frameHeight}`)
      assert.ok(sizes.includes(`${received.frameWidth}x${received.frameHeight}`), `${sizes}`)
      const source = await mine(pair.icefloe, 'media-source', 'video')
      assert.ok(source.frames >= after.framesEncoded, `${source.frames} >= ${after.framesEncoded}`)
      assert.equal(after.qualityLimitationReason, 'none')
    })
  })

  it('tell of the audio how long it is, and how loud, and of both the time when it was sent', async () => {
    await withPair(browser, options, async pair => {
      await untilPictures(pair)
      await untilMedia(
        pair.browser,
        'reports',
        stats => (stats['remote-inbound-rtp video']?.roundTripTimeMeasurements ?? 0) > 1,
      )
      const before = await mine(pair.icefloe, 'inbound-rtp', 'audio')
      await underWay()
      const source = await theirs(pair, 'media-source', 'audio')
      const sent = await theirs(pair, 'outbound-rtp', 'audio')
      await underWay()
      const after = await mine(pair.icefloe, 'inbound-rtp', 'audio')
      // Chromium puts 20 ms into a packet.
      assertBetween('samples', before.totalSamplesReceived, sent.packetsSent * 960, after.totalSamplesReceived)
      assert.ok(Math.abs(after.totalSamplesDuration * 48_000 - after.totalSamplesReceived) < 1)
      // The beep of the fake device is heard on both sides, and is not louder than it can be.
      assert.ok(source.totalAudioEnergy > 0 && after.totalAudioEnergy > 0)
      assert.ok(after.totalAudioEnergy <= after.totalSamplesDuration && after.audioLevel <= 1)
      for (const kind of ['audio', 'video']) {
        const { estimatedPlayoutTimestamp, timestamp } = await mine(pair.icefloe, 'inbound-rtp', kind)
        // One clock for both; and what was played last was sent within the last second.
        assert.ok(Math.abs(estimatedPlayoutTimestamp - ntpEpochMs - timestamp) < 1_000, `${kind}: ${timestamp}`)
      }
    })
  })

  it('mirror each other on transports, candidates and certificates', async () => {
    await withPair(browser, options, async pair => {
      await untilPictures(pair)
      const [transport, other] = [await mine(pair.icefloe, 'transport'), await theirs(pair, 'transport')]
      for (const member of ['tlsVersion', 'dtlsCipher', 'srtpCipher', 'dtlsState']) {
        assert.equal(transport[member], other[member], member)
      }
      assert.deepEqual([transport.dtlsRole, other.dtlsRole].sort(), ['client', 'server'])
      assert.deepEqual([transport.iceRole, other.iceRole].sort(), ['controlled', 'controlling'])
      assert.equal(transport.selectedCandidatePairChanges > 0, true)
      const report = await pair.icefloe.getStats()
      const certificates = await pair.browser.media<readonly StatsEntry[]>('rtpStats', 'certificate')
      for (const [own, foreign] of [
        ['localCertificateId', 'remoteCertificateId'],
        ['remoteCertificateId', 'localCertificateId'],
      ] as const) {
        const certificate = report.get(transport[own])
        const same = certificates.find(({ id }) => id === other[foreign])
        for (const member of ['fingerprint', 'fingerprintAlgorithm', 'base64Certificate']) {
          assert.equal(certificate[member], same?.[member], member)
        }
      }
      await assertMirrored(pair, report.get(transport.selectedCandidatePairId), other)
    })
  })
})

/** The pair in use at both ends. */
async function assertMirrored(pair: Pair, before: StatsEntry, other: StatsEntry): Promise<void> {
  await underWay()
  const pairs = await pair.browser.media<readonly StatsEntry[]>('rtpStats', 'candidate-pair')
  const [locals, remotes] = [
    await pair.browser.media<readonly StatsEntry[]>('rtpStats', 'local-candidate'),
    await pair.browser.media<readonly StatsEntry[]>('rtpStats', 'remote-candidate'),
  ]
  await underWay()
  const report = await pair.icefloe.getStats()
  const after = report.get(before.id)
  const used = pairs.find(({ id }) => id === other.selectedCandidatePairId)
  assert.ok(used)
  assertBetween('packets to icefloe', before.packetsReceived, used.packetsSent, after.packetsReceived)
  assertBetween('bytes to icefloe', before.bytesReceived, used.bytesSent, after.bytesReceived)
  assertBetween('packets to Chromium', before.packetsSent, used.packetsReceived, after.packetsSent)
  assertBetween('bytes to Chromium', before.bytesSent, used.bytesReceived, after.bytesSent)
  assert.deepEqual([after.state, after.nominated], [used.state, used.nominated])
  const [local, remote] = [report.get(after.localCandidateId), report.get(after.remoteCandidateId)]
  const [theirLocal, theirRemote] = [
    locals.find(({ id }) => id === used.localCandidateId),
    remotes.find(({ id }) => id === used.remoteCandidateId),
  ]
  assert.deepEqual([local.port, remote.port], [theirRemote?.port, theirLocal?.port])
  assert.deepEqual([local.protocol, local.usernameFragment], [theirRemote?.protocol, theirRemote?.usernameFragment])
  for (const entry of [after, used]) {
    for (const member of ['lastPacketSentTimestamp', 'lastPacketReceivedTimestamp']) {
      assert.ok(entry[member] <= entry.timestamp && entry[member] > entry.timestamp - 1_000, member)
    }
  }
}
