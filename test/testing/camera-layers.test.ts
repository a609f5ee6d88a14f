import assert from 'node:assert/strict'
import { EncodedTrackSink } from '../../src/pc/media/encoded-track-sink.ts'
import { type MediaStreamTrack, sourceOf } from '../../src/pc/media/media-stream-track.ts'
import type { RTCRtpEncodingParameters } from '../../src/pc/rtp/parameters.ts'
import { isPayloadDropped, Vp8Depacketizer, vp8PictureSize } from '../../src/rtp/payload/index.ts'
import { scaledSize } from '../../src/testing/camera-layer.ts'
import { createMediaDevices } from '../../src/testing/media-devices.ts'
import { type VirtualMedia, virtualMedia } from '../pc/media/virtual-media.ts'
import { connected, type FakeSendStream } from '../pc/rtp/fakes.ts'

interface Layer {
  /** Of its keyframes. */
  readonly sizes: string[]
  readonly frames: number
  /** The first one can be decoded. */
  readonly isComplete: boolean
}

/** A camera of 320 by 180 pixels, 30 times a second. */
async function openCamera(media: VirtualMedia): Promise<MediaStreamTrack> {
  const devices = createMediaDevices({ environment: media.environment }).mediaDevices
  const video = { width: 320, height: 180, frameRate: 30 }
  const [track] = (await devices.getUserMedia({ video })).getTracks()
  return track ?? assert.fail('no track')
}

/** A sender of the camera; as on a connection, but for the network. */
function send(media: VirtualMedia, track: MediaStreamTrack, encodings: RTCRtpEncodingParameters[]) {
  const { host, transceiver, streams } = connected('video', { track, encodings })
  const { object: sender } = transceiver.sender
  const change = async (alter: (encodings: RTCRtpEncodingParameters[]) => void): Promise<void> => {
    const parameters = sender.getParameters()
    alter(parameters.encodings)
    const done = sender.setParameters(parameters)
    await host.settle()
    await done
  }
  /** What is sent in that time, encoding by encoding. */
  const run = async (ms: number): Promise<Layer[]> => {
    for (const { sent } of streams) sent.length = 0
    await media.run(ms)
    return streams.map(layerOf)
  }
  return { transceiver, streams, change, run, layers: () => streams.map(layerOf) }
}

function layerOf({ sent }: FakeSendStream): Layer {
  const depacketizer = new Vp8Depacketizer()
  const frames = sent.flatMap(packet => {
    const result = depacketizer.push(packet)
    assert.ok(!isPayloadDropped(result), JSON.stringify(result))
    return result
  })
  const sizes = frames.filter(({ keyframe }) => keyframe).map(({ data }) => nameOf(vp8PictureSize(data)))
  return { sizes, frames: frames.length, isComplete: frames[0]?.keyframe === true }
}

function nameOf(size: { readonly width: number; readonly height: number } | undefined): string {
  return `${size?.width} x ${size?.height}`
}

const simulcast: RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4 },
  { rid: 'h', scaleResolutionDownBy: 2, maxFramerate: 10 },
  { rid: 'f' },
]

describe('the encodings of a synthetic camera', () => {
  it('come each in its own size and at its own rate, with a keyframe and what builds upon it', async () => {
    const media = virtualMedia(1)
    const { run } = send(media, await openCamera(media), simulcast)
    const layers = await run(1_990)
    assert.deepEqual(
      layers.map(({ sizes }) => sizes),
      [['80 x 45'], ['160 x 90'], ['320 x 180']],
    )
    assert.deepEqual(
      layers.map(({ frames }) => frames),
      [60, 20, 60],
    )
  })

  it('stop while they are not active, and begin again with a keyframe', async () => {
    const media = virtualMedia(2)
    const { run, change } = send(media, await openCamera(media), simulcast)
    await run(100)
    await change(encodings => {
      for (const encoding of encodings) encoding.active = encoding.rid !== 'h'
    })
    const without = await run(1_000)
    assert.deepEqual(
      without.map(({ frames, sizes }) => [frames > 25, sizes.length]),
      [
        [true, 0],
        [false, 0],
        [true, 0],
      ],
    )
    assert.equal(without[1]?.frames, 0)
    await change(encodings => {
      for (const encoding of encodings) encoding.active = true
    })
    const again = await run(1_000)
    assert.deepEqual(
      again.map(({ sizes }) => sizes),
      [[], ['160 x 90'], []],
    )
    assert.equal(again[1]?.isComplete, true)
  })

  it('are those of each sender of the track, and whoever watches it sees it as it is', async () => {
    const media = virtualMedia(3)
    const track = await openCamera(media)
    const small = send(media, track, [{ scaleResolutionDownBy: 8 }])
    const large = send(media, track, [{}])
    const many = send(media, track, simulcast)
    const sink = new EncodedTrackSink(track, { environment: media.environment })
    const seen: string[] = []
    sink.onframe = ({ rid, keyframe, data }) => {
      seen.push(keyframe ? `${rid} ${nameOf(vp8PictureSize(data))}` : 'more')
    }
    await media.run(1_000)
    sink.close()
    const sizes = [small, large, many].map(({ layers }) => layers().map(layer => layer.sizes))
    assert.deepEqual(sizes, [[['40 x 22']], [['320 x 180']], [['80 x 45'], ['160 x 90'], ['320 x 180']]])
    assert.equal(seen[0], 'undefined 320 x 180')
    assert.ok(seen.length >= 28 && seen.slice(1).every(frame => frame === 'more'), seen.join())
    large.transceiver.object.stop()
    const left = await many.run(500)
    assert.ok(left.every(({ frames, sizes: keyframes }) => frames >= 5 && keyframes.length === 0))
    assert.equal((await large.run(500))[0]?.frames, 0)
  })

  it('give a keyframe of what is asked for, at the next picture', async () => {
    const media = virtualMedia(4)
    const track = await openCamera(media)
    const { run } = send(media, track, simulcast)
    await run(300)
    sourceOf(track).requestKeyframe('f')
    assert.deepEqual(
      (await run(300)).map(({ sizes }) => sizes.length),
      [0, 0, 1],
    )
    sourceOf(track).requestKeyframe()
    assert.deepEqual(
      (await run(300)).map(({ sizes }) => sizes.length),
      [1, 1, 1],
    )
  })

  it('begin anew with the size that the camera or the encoding has now', async () => {
    const media = virtualMedia(5)
    const track = await openCamera(media)
    const { run, change } = send(media, track, [{ scaleResolutionDownBy: 2 }])
    assert.deepEqual((await run(300))[0]?.sizes, ['160 x 90'])
    await track.applyConstraints({ width: 640, height: 480 })
    assert.deepEqual((await run(300))[0]?.sizes, ['320 x 240'])
    await change(([encoding]) => {
      if (encoding) encoding.scaleResolutionDownBy = 1.5
    })
    assert.deepEqual((await run(300))[0]?.sizes, ['426 x 320'])
  })

  it('give a keyframe after what was not taken, which nothing can build upon', async () => {
    const media = virtualMedia(6)
    const { run, streams } = send(media, await openCamera(media), [{}])
    await run(300)
    for (const stream of streams) stream.drop = { drop: 'queue-full' }
    await run(300)
    for (const stream of streams) stream.drop = undefined
    const [layer] = await run(300)
    assert.deepEqual([layer?.sizes, layer?.isComplete], [['320 x 180'], true])
  })

  it('have the size that their parameters make of that of the camera', () => {
    const cases = [
      [640, 480, { scaleResolutionDownBy: 3 }, '213 x 160'],
      [16, 16, { scaleResolutionDownBy: 100 }, '1 x 1'],
      [640, 480, { scaleResolutionDownBy: 0.5 }, '640 x 480'],
      [640, 480, { scaleResolutionDownTo: { maxWidth: 320, maxHeight: 240 } }, '320 x 240'],
      [640, 480, { scaleResolutionDownTo: { maxWidth: 240, maxHeight: 320 } }, '320 x 240'],
      [480, 640, { scaleResolutionDownTo: { maxWidth: 320, maxHeight: 240 } }, '240 x 320'],
      [640, 480, { scaleResolutionDownTo: { maxWidth: 320, maxHeight: 320 } }, '320 x 240'],
      [640, 480, { scaleResolutionDownTo: { maxWidth: 1_280, maxHeight: 720 } }, '640 x 480'],
      [640, 480, {}, '640 x 480'],
    ] as const
    for (const [width, height, scale, expected] of cases) {
      assert.equal(nameOf(scaledSize({ width, height }, scale)), expected, JSON.stringify(scale))
    }
  })
})
