import assert from 'node:assert/strict'
import { type MediaStreamTrack, RTCPeerConnection, RtpTrackSink, RtpTrackSource } from '../../src/index.ts'
import { mediaDevices } from '../../src/testing/index.ts'
import type { BrowserPeer } from './browser.ts'
import type { PairOptions } from './browser-pair.ts'
import { withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { count, eventually, type Stats, statsOf, untilDecoded } from './media-verbs.ts'

const size = { width: 640, height: 360 }
const rids = ['q', 'h', 'f'] as const
const scales = { q: 4, h: 2, f: 1 }
type Encoding = Parameters<RTCPeerConnection['addTransceiver']>[1] & object

describe('the synthetic camera in Chromium', function () {
  this.timeout(40_000)
  const browser = withBrowser('Chromium', context => openChromium(context))

  /** A connection on which the browser is sent the camera. */
  function sends(track: MediaStreamTrack, sendEncodings: NonNullable<Encoding['sendEncodings']>): PairOptions {
    return {
      offerer: 'icefloe',
      trickle: true,
      channels: {},
      prepare: async (icefloe, peer) => {
        await peer.playMedia()
        icefloe.addTransceiver(track, { direction: 'sendonly', sendEncodings })
      },
    }
  }

  it('is decoded, pictures that build upon others as well, and gives a keyframe when it is asked for one', async () => {
    const track = await openCamera()
    await withPair(browser, sends(track, [{}]), async ({ icefloe, browser: viewer }) => {
      await untilDecoded(viewer, 'the picture', 60)
      const before = await inbound(viewer)
      assert.deepEqual([before.frameWidth, before.frameHeight], [size.width, size.height])
      const [keyframes, frames] = [count(before, 'keyFramesDecoded'), count(before, 'framesDecoded')]
      assert.ok(keyframes >= 1 && frames - keyframes >= 30, `${keyframes} keyframes of ${frames}`)
      const [sender] = icefloe.getSenders()
      assert.ok(sender)
      await sender.setParameters(sender.getParameters(), { encodingOptions: [{ keyFrame: true }] })
      await eventually(
        'another keyframe',
        () => inbound(viewer),
        stats => count(stats, 'keyFramesDecoded') > keyframes,
      )
      await untilDecoded(viewer, 'what builds upon it', 20)
    })
    track.stop()
  })

  it('comes in the size and at the rate that an encoding asks for, which may change', async () => {
    const track = await openCamera()
    await withPair(browser, sends(track, [{ scaleResolutionDownBy: 2 }]), async ({ icefloe, browser: viewer }) => {
      const [sender] = icefloe.getSenders()
      assert.ok(sender)
      const arrives = (width: number, height: number) =>
        eventually(
          `${width} x ${height}`,
          () => inbound(viewer),
          stats => stats.frameWidth === width && stats.frameHeight === height,
        )
      await arrives(320, 180)
      await change(sender, encoding => {
        encoding.scaleResolutionDownBy = 8
      })
      await arrives(80, 45)
      await change(sender, encoding => {
        encoding.active = false
      })
      // What is on its way arrives; then nothing does.
      let last = -1
      await eventually(
        'silence',
        async () => count(await inbound(viewer), 'framesReceived'),
        frames => {
          const isSame = frames === last
          last = frames
          return isSame
        },
      )
      await change(sender, encoding => {
        encoding.active = true
        encoding.scaleResolutionDownBy = 1
      })
      await arrives(size.width, size.height)
      await untilDecoded(viewer, 'the whole picture', 20)
    })
    track.stop()
  })

  it('is the first encoding of a simulcast where the browser takes one alone', async () => {
    const track = await openCamera()
    const encodings = rids.map(rid => ({ rid, scaleResolutionDownBy: scales[rid] }))
    await withPair(browser, sends(track, encodings), async ({ browser: viewer }) => {
      await untilDecoded(viewer, 'the picture', 20)
      const { frameWidth, frameHeight } = await inbound(viewer)
      assert.deepEqual([frameWidth, frameHeight], [size.width / scales.q, size.height / scales.q])
    })
    track.stop()
  })

  it('is a simulcast, each encoding of which Chromium decodes in its own size', async () => {
    const track = await openCamera()
    const call = await simulcast(track)
    try {
      for (const rid of rids) {
        const forwarded = forward(call.received, rid)
        await withPair(browser, sends(forwarded.track, [{}]), async ({ browser: viewer }) => {
          await untilDecoded(viewer, `${rid}, forwarded`, 30)
          const stats = await inbound(viewer)
          const { frameWidth, frameHeight } = stats
          assert.deepEqual([frameWidth, frameHeight], [size.width / scales[rid], size.height / scales[rid]], rid)
          assert.ok(count(stats, 'framesDecoded') - count(stats, 'keyFramesDecoded') >= 10, rid)
        })
        forwarded.close()
      }
    } finally {
      call.close()
      track.stop()
    }
  })
})

async function openCamera(): Promise<MediaStreamTrack> {
  const [track] = (await mediaDevices.getUserMedia({ video: { ...size, frameRate: 30 } })).getTracks()
  return track ?? assert.fail('no track')
}

async function inbound(viewer: BrowserPeer): Promise<Stats> {
  return (await statsOf(viewer, 'inbound-rtp'))[0] ?? { type: 'inbound-rtp', id: 'none yet' }
}

type Sender = ReturnType<RTCPeerConnection['getSenders']>[number]
type EncodingParameters = ReturnType<Sender['getParameters']>['encodings'][number]

async function change(sender: Sender, alter: (encoding: EncodingParameters) => void): Promise<void> {
  const parameters = sender.getParameters()
  for (const encoding of parameters.encodings) alter(encoding)
  await sender.setParameters(parameters)
}

/** Sends a simulcast of a track to a second icefloe. */
async function simulcast(track: MediaStreamTrack): Promise<{ received: MediaStreamTrack; close(): void }> {
  const [sender, receiver] = [new RTCPeerConnection(), new RTCPeerConnection()]
  sender.onicecandidate = ({ candidate }) => candidate && receiver.addIceCandidate(candidate)
  receiver.onicecandidate = ({ candidate }) => candidate && sender.addIceCandidate(candidate)
  const sendEncodings = rids.map(rid => ({ rid, scaleResolutionDownBy: scales[rid] }))
  sender.addTransceiver(track, { direction: 'sendonly', sendEncodings })
  await sender.setLocalDescription()
  await receiver.setRemoteDescription(sender.localDescription ?? assert.fail('no offer'))
  await receiver.setLocalDescription()
  await sender.setRemoteDescription(receiver.localDescription ?? assert.fail('no answer'))
  const close = (): void => {
    sender.close()
    receiver.close()
  }
  return { received: receiver.getReceivers()[0]?.track ?? assert.fail('no track'), close }
}

/** One encoding of a track that is received, as a track of its own. */
function forward(received: MediaStreamTrack, rid: string): { track: MediaStreamTrack; close(): void } {
  const sink = new RtpTrackSink(received)
  const source = new RtpTrackSource('video', { paced: true })
  source.onkeyframerequest = () => sink.requestKeyframe(rid)
  sink.onpacket = packet => {
    if (packet.rid === rid) source.write(packet.data)
  }
  const close = (): void => {
    sink.close()
    source.close()
  }
  return { track: source.track, close }
}
