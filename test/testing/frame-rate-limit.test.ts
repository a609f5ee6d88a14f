import assert from 'node:assert/strict'
import type { MediaStreamTrack } from '../../src/pc/media/media-stream-track.ts'
import { sourceOf } from '../../src/pc/media/media-stream-track.ts'
import type { RTCRtpEncodingParameters } from '../../src/pc/rtp/parameters.ts'
import { FrameRateLimit } from '../../src/testing/frame-rate-limit.ts'
import { createMediaDevices } from '../../src/testing/media-devices.ts'
import { type VirtualMedia, virtualMedia } from '../pc/media/virtual-media.ts'
import { Collector, connected } from '../pc/rtp/fakes.ts'

const clockRate = 90_000

/** The timestamps that are wanted of so many frames at 30 a second. */
function wanted(limit: FrameRateLimit, frames: number, max: number | undefined, from = 0): number[] {
  const timestamps = Array.from({ length: frames }, (_, index) => (from + index * 3_000) % 2 ** 32)
  return timestamps.filter(timestamp => limit.wants(timestamp, max))
}

/** A synthetic camera at 30 frames a second that a sender takes; as on a connection, but for the network. */
async function camera(encodings: RTCRtpEncodingParameters[], kept?: MediaStreamTrack, media = virtualMedia(1)) {
  const devices = createMediaDevices({ environment: media.environment }).mediaDevices
  const [opened] = (await devices.getUserMedia({ video: true })).getTracks()
  const track = kept ?? opened ?? assert.fail('no track')
  const { host, transceiver, streams } = connected('video', { track, encodings })
  const frames = async (ms: number): Promise<number> => {
    const before = count()
    await media.run(ms)
    return count() - before
  }
  const count = (): number => streams.flatMap(({ sent }) => sent).filter(({ marker }) => marker).length
  const limit = async (maxFramerate: number | undefined): Promise<void> => {
    const { object: sender } = transceiver.sender
    const parameters = sender.getParameters()
    const [encoding] = parameters.encodings
    assert.ok(encoding)
    delete encoding.maxFramerate
    if (maxFramerate !== undefined) encoding.maxFramerate = maxFramerate
    const done = sender.setParameters(parameters)
    await host.settle()
    await done
  }
  // The first frame is due at once.
  await media.run(1)
  return { media, track, transceiver, frames, limit }
}

/** Frames that somebody gets who asks for nothing. */
async function watched(media: VirtualMedia, track: MediaStreamTrack, ms: number): Promise<number> {
  const collector = new Collector()
  const leave = sourceOf(track).subscribe(collector)
  await media.run(ms)
  leave()
  return collector.packets.filter(({ packet }) => packet.marker).length
}

describe('The frame rate of synthetic media', () => {
  it('is limited to any rate, evenly', () => {
    assert.equal(wanted(new FrameRateLimit(clockRate), 300, undefined).length, 300)
    assert.deepEqual(wanted(new FrameRateLimit(clockRate), 9, 10), [0, 9_000, 18_000])
    for (const max of [0.5, 1, 7, 10, 12.5, 20, 29, 29.97, 30, 60]) {
      const { length } = wanted(new FrameRateLimit(clockRate), 300, max)
      assert.ok(Math.abs(length - Math.min(300, 10 * max)) < 1, `${length} frames in ten seconds at ${max} a second`)
    }
    assert.deepEqual(wanted(new FrameRateLimit(clockRate), 300, 0), [])
    assert.deepEqual(wanted(new FrameRateLimit(clockRate), 300, 1e-9), [0])
  })

  it('is limited while timestamps wrap around', () => {
    const from = 2 ** 32 - 30_000
    assert.equal(wanted(new FrameRateLimit(clockRate), 300, 10, from).length, 100)
  })

  it('follows a limit that rises at once, and makes up for nothing after a pause', () => {
    const limit = new FrameRateLimit(clockRate)
    assert.deepEqual(wanted(limit, 3, 0.1), [0])
    assert.deepEqual(wanted(limit, 6, 15, 9_000), [9_000, 15_000, 21_000])
    assert.deepEqual(wanted(limit, 6, 15, 900_000), [900_000, 906_000, 912_000])
  })

  it('is the maxFramerate of the encoding that is sent, as long as it is set', async () => {
    const { frames, limit } = await camera([{ maxFramerate: 10 }])
    assert.equal(await frames(3_000), 30)
    await limit(undefined)
    const unlimited = await frames(3_000)
    assert.ok(unlimited >= 89 && unlimited <= 91, `${unlimited} frames in three seconds`)
    await limit(0)
    assert.equal(await frames(3_000), 0)
    await limit(5)
    assert.equal(await frames(3_000), 15)
  })

  it('is that of each encoding apart, of each sender of the track', async () => {
    const first = await camera([
      { rid: 'a', maxFramerate: 20 },
      { rid: 'b', maxFramerate: 1 },
    ])
    const { media, track } = first
    const second = await camera([{ maxFramerate: 5 }], track, media)
    assert.equal(await first.frames(2_000), 42)
    assert.equal(await second.frames(2_000), 10)
    second.transceiver.object.stop()
    assert.equal(await first.frames(2_000), 42)
    first.transceiver.object.stop()
    assert.equal(await watched(media, track, 2_000), 60)
  })
})
