import assert from 'node:assert/strict'
import {
  EncodedTrackSink,
  type MediaStreamTrack,
  type RTCPeerConnection,
  RtpTrackSink,
  RtpTrackSource,
} from '../../src/index.ts'
import { vp8PictureSize } from '../../src/rtp/payload/index.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, withBrowser, withPair } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { count, eventually, ownStats, setActive, statsOf, untilDecoded } from './media-verbs.ts'

const rids = ['q', 'h', 'f'] as const
const scales = { q: 4, h: 2, f: 1 }
const size = { width: 960, height: 540 }
/** Low enough for the smallest estimate of the path with which Chromium begins. */
const bitrates = { q: 60_000, h: 120_000, f: 300_000 }

const encodings = rids.map(rid => ({ rid, maxBitrate: bitrates[rid], scaleResolutionDownBy: scales[rid] }))

const simulcast: PairOptions = {
  offerer: 'browser',
  trickle: true,
  channels: {},
  prepare: async (_, browser) => {
    await browser.playMedia()
    await browser.sendMedia({ video: true, ...size, encodings, codec: 'video/VP8' })
  },
}

describe('a simulcast of Chromium', function () {
  this.timeout(40_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))

  it('arrives by RID, each encoding in its own size, and gives a keyframe of each that is asked', async () => {
    await withPair(browser, simulcast, async ({ icefloe, answer }) => {
      assert.match(answer.sdp, /a=simulcast:recv q;h;f/)
      const { track } = onlyReceiver(icefloe)
      const sink = new EncodedTrackSink(track)
      const sizes = new Map<string | undefined, { width: number; height: number }>()
      const keyframes = new Map<string | undefined, number>()
      sink.onframe = ({ rid, keyframe, data }) => {
        const picture = keyframe ? vp8PictureSize(data) : undefined
        if (picture === undefined) return
        sizes.set(rid, picture)
        keyframes.set(rid, (keyframes.get(rid) ?? 0) + 1)
      }
      await eventually(
        'all encodings',
        () => sizes.size,
        count => count === rids.length,
      )
      // Rounded, as the encoder likes it.
      for (const rid of rids) {
        const picture = sizes.get(rid)
        assert.ok(picture && Math.abs(picture.width - size.width / scales[rid]) <= 2, `${rid}: ${picture?.width}`)
      }
      const ask = new RtpTrackSink(track)
      for (const rid of rids) {
        const before = keyframes.get(rid) ?? 0
        const asking = setInterval(() => ask.requestKeyframe(rid), 100)
        try {
          await eventually(
            `a keyframe of ${rid}`,
            () => keyframes.get(rid) ?? 0,
            count => count > before,
          )
        } finally {
          clearInterval(asking)
        }
      }
      const inbound = await ownStats(icefloe, 'inbound-rtp')
      assert.deepEqual(new Set(inbound.map(({ rid }) => rid)), new Set(rids))
      sink.close()
      ask.close()
    })
  })

  it('goes on to another connection, one encoding of it, and is decoded there', async () => {
    await withPair(browser, simulcast, async ({ icefloe }) => {
      for (const rid of ['h', 'q'] as const) await forwards(browser, onlyReceiver(icefloe).track, rid)
    })
  })

  it('rests where Chromium has paused an encoding, and goes on later', async () => {
    await withPair(browser, simulcast, async ({ icefloe, browser: peer }) => {
      const sink = new RtpTrackSink(onlyReceiver(icefloe).track)
      const packets = new Map<string | undefined, number>()
      sink.onpacket = ({ rid, isPadding }) => {
        if (!isPadding) packets.set(rid, (packets.get(rid) ?? 0) + 1)
      }
      const more = (what: string, rid: string, by: number): Promise<number> => {
        const before = packets.get(rid) ?? 0
        return eventually(
          what,
          () => packets.get(rid) ?? 0,
          count => count >= before + by,
        )
      }
      for (const rid of rids) await more(`${rid} at first`, rid, 10)
      await setActive(peer, { h: false })
      await more('what was on its way', 'f', 15)
      const paused = packets.get('h') ?? 0
      await Promise.all([more('q meanwhile', 'q', 30), more('f meanwhile', 'f', 30)])
      assert.equal(packets.get('h'), paused)
      await setActive(peer, { h: true })
      await more('h again', 'h', 10)
      sink.close()
    })
  })
})

/** Gives one encoding of a track to another connection of the browser, which has to decode it, in its size. */
async function forwards(browser: BrowserUnderTest, track: MediaStreamTrack, rid: 'q' | 'h'): Promise<void> {
  const sink = new RtpTrackSink(track)
  const source = new RtpTrackSource('video', { paced: true })
  source.onkeyframerequest = () => sink.requestKeyframe(rid)
  sink.onpacket = packet => {
    if (packet.rid === rid) source.write(packet.data)
  }
  const options: PairOptions = {
    offerer: 'icefloe',
    trickle: true,
    channels: {},
    prepare: async (icefloe, peer) => {
      await peer.playMedia()
      icefloe.addTransceiver(source.track, { direction: 'sendonly' })
    },
  }
  try {
    await withPair(browser, options, async ({ browser: viewer }) => {
      await untilDecoded(viewer, `${rid}, forwarded`)
      const [inbound] = await statsOf(viewer, 'inbound-rtp')
      assert.ok(Math.abs(count(inbound, 'frameWidth') - size.width / scales[rid]) <= 2, JSON.stringify(inbound))
    })
  } finally {
    sink.close()
    source.close()
  }
}

function onlyReceiver(icefloe: RTCPeerConnection) {
  const [receiver] = icefloe.getReceivers()
  assert.ok(receiver)
  return receiver
}
