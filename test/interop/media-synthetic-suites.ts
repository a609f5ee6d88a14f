import assert from 'node:assert/strict'
import { EncodedTrackSink, type MediaStream, type ReceivedFrame, type RTCPeerConnection } from '../../src/index.ts'
import { opusSamples, vp8PictureSize } from '../../src/rtp/payload/index.ts'
import { mediaDevices } from '../../src/testing/index.ts'
import type { PairOptions } from './browser-pair.ts'
import { type BrowserUnderTest, withPair } from './browser-suites.ts'
import { count, eventually, statsOf, untilDecoded } from './media-verbs.ts'

/** The synthetic devices of `icefloe/testing`, sent to a browser. */
export function decodesSyntheticMedia(browser: BrowserUnderTest): void {
  it(`decodes the picture and the silence of icefloe's devices in ${browser.name}`, async () => {
    const [width, height] = [320, 180]
    const stream = await mediaDevices.getUserMedia({ audio: true, video: { width, height, frameRate: 25 } })
    const options: PairOptions = {
      offerer: 'icefloe',
      trickle: true,
      channels: {},
      prepare: async (icefloe, peer) => {
        await peer.playMedia()
        for (const track of stream.getTracks()) icefloe.addTrack(track, stream)
      },
    }
    try {
      await withPair(browser, options, async ({ browser: peer }) => {
        await untilDecoded(peer, 'the picture', 25)
        await eventually(
          'the silence',
          async () => (await statsOf(peer, 'inbound-rtp')).find(({ kind }) => kind === 'audio'),
          stats => count(stats, 'jitterBufferEmittedCount') > 48_000,
        )
        const video = (await statsOf(peer, 'inbound-rtp')).find(({ kind }) => kind === 'video')
        assert.deepEqual([video?.frameWidth, video?.frameHeight], [width, height])
      })
    } finally {
      stopAll(stream)
    }
  })
}

interface Sent {
  readonly width: number
  readonly height: number
}

/** What a browser encodes comes out as whole frames. */
export function givesFrames(browser: BrowserUnderTest, { width, height }: Sent): void {
  it(`gives the VP8 and Opus frames of ${browser.name}, whole and in order`, async () => {
    const media = { audio: true, video: true, codec: 'video/VP8', width, height }
    await withPair(browser, sending(media), async ({ icefloe }) => {
      const [audio, video] = await Promise.all([frames(icefloe, 'audio', 50), frames(icefloe, 'video', 20)])
      for (const { data, codec } of audio) {
        assert.equal(codec.mimeType, 'audio/opus')
        const samples = opusSamples(data)
        assert.ok(samples !== undefined && samples % 120 === 0 && samples > 0, `${samples} samples`)
      }
      assertSteps(audio, ({ data }) => opusSamples(data) ?? 0)
      assert.equal(video[0]?.keyframe, true)
      for (const { data, keyframe } of video) {
        assert.deepEqual(vp8PictureSize(data), keyframe ? { width, height } : undefined)
      }
    })
  })
}

/** Without loss each frame begins where the one before ends; a pause of the encoder makes it later, never earlier. */
function assertSteps(all: readonly ReceivedFrame[], samplesOf: (frame: ReceivedFrame) => number): void {
  let end: number | undefined
  for (const frame of all) {
    if (end !== undefined && !frame.afterLoss)
      assert.ok(((frame.timestamp - end) | 0) >= 0, `${frame.timestamp}, ${end}`)
    end = (frame.timestamp + samplesOf(frame)) >>> 0
  }
}

/** What a browser sends to an icefloe that takes it. */
export function sending(media: Parameters<import('./browser.ts').BrowserPeer['sendMedia']>[0]): PairOptions {
  return {
    offerer: 'browser',
    trickle: true,
    channels: {},
    prepare: (_, browser) => browser.sendMedia(media),
  }
}

/** The next frames of the only track of that kind, from a keyframe on. */
export async function frames(
  icefloe: RTCPeerConnection,
  kind: 'audio' | 'video',
  number: number,
): Promise<readonly ReceivedFrame[]> {
  const receiver = icefloe.getReceivers().find(({ track }) => track.kind === kind)
  assert.ok(receiver)
  const sink = new EncodedTrackSink(receiver.track)
  const all: ReceivedFrame[] = []
  for await (const frame of sink) {
    if (all.length > 0 || frame.keyframe) all.push(frame)
    if (all.length === number) break
  }
  sink.close()
  return all
}

function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}
