import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'
import { EncodedTrackSink } from '../../src/pc/media/encoded-track-sink.ts'
import type { ReceivedFrame } from '../../src/pc/media/frame-reader.ts'
import type { MediaStreamTrack } from '../../src/pc/media/media-stream-track.ts'
import { OverconstrainedError } from '../../src/pc/media/overconstrained-error.ts'
import { vp8PictureSize } from '../../src/rtp/payload/vp8.ts'
import { DeviceChangeEvent } from '../../src/testing/device-change-event.ts'
import { InputDeviceInfo, MediaDeviceInfo } from '../../src/testing/media-device-info.ts'
import { createMediaDevices, MediaDevices, mediaDevices } from '../../src/testing/media-devices.ts'
import { opusSilencePacket } from '../../src/testing/opus-silence.ts'
import { type VirtualMedia, virtualMedia } from '../pc/media/virtual-media.ts'

/** The frames that a track gives in that time. */
async function watch(media: VirtualMedia, track: MediaStreamTrack, ms: number): Promise<ReceivedFrame[]> {
  const sink = new EncodedTrackSink(track, { environment: media.environment })
  const frames: ReceivedFrame[] = []
  sink.onframe = frame => frames.push(frame)
  await media.run(ms)
  sink.close()
  return frames
}

/** Of the keyframes, in their order. */
function sizesOf(frames: readonly ReceivedFrame[]): string[] {
  return frames.flatMap(({ data, keyframe }) => {
    const size = keyframe ? vp8PictureSize(data) : undefined
    return size === undefined ? [] : [`${size.width} x ${size.height}`]
  })
}

function named(name: string, constraint?: string): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof Error)
    assert.equal(error.name, name)
    if (constraint !== undefined) assert.ok(error instanceof OverconstrainedError && error.constraint === constraint)
    return true
  }
}

const soleTrack = async (devices: MediaDevices, video: object | boolean): Promise<MediaStreamTrack> => {
  const [track] = (await devices.getUserMedia({ video })).getTracks()
  return track ?? assert.fail('no track')
}

describe('mediaDevices for tests', () => {
  it('cannot be constructed by applications, and looks as WebIDL has it', () => {
    assert.throws(() => Reflect.construct(MediaDevices, []), new TypeError('Illegal constructor'))
    assert.equal(String(mediaDevices), '[object MediaDevices]')
    const supported = mediaDevices.getSupportedConstraints()
    assert.deepEqual([supported.width, supported.frameRate, supported.deviceId], [true, true, true])
    assert.equal(Object.values(supported).includes(false), false)
  })

  it('enumerates a microphone and a camera', async () => {
    const devices = await mediaDevices.enumerateDevices()
    assert.deepEqual(
      devices.map(device => device.kind),
      ['audioinput', 'videoinput'],
    )
    const [, camera] = devices
    assert.ok(camera instanceof InputDeviceInfo && camera instanceof MediaDeviceInfo)
    assert.deepEqual(camera.getCapabilities().width, { min: 16, max: 1_920 })
    assert.deepEqual(JSON.parse(JSON.stringify(camera)), {
      deviceId: 'synthetic-camera-1',
      kind: 'videoinput',
      label: 'Synthetic camera 1',
      groupId: 'synthetic',
    })
  })

  it('gives a stream of silence and of a moving picture, while somebody takes them', async () => {
    const media = virtualMedia(1)
    const devices = createMediaDevices({ environment: media.environment }).mediaDevices
    const stream = await devices.getUserMedia({ audio: true, video: true })
    const [audio, video] = [stream.getAudioTracks()[0], stream.getVideoTracks()[0]]
    assert.ok(audio && video && stream.active)
    assert.equal(media.time.next(), undefined, 'nobody takes anything yet')
    const sounds = await watch(media, audio, 1_000)
    assert.ok(sounds.length >= 47 && sounds.length <= 51, `${sounds.length} packets in a second`)
    assert.ok(sounds.every(({ data }) => Buffer.compare(data, opusSilencePacket()) === 0))
    const pictures = await watch(media, video, 1_000)
    assert.ok(pictures.length >= 27 && pictures.length <= 31, `${pictures.length} pictures in a second`)
    assert.deepEqual(
      pictures.map(({ keyframe }) => keyframe),
      pictures.map((_, i) => i === 0),
    )
    assert.deepEqual(vp8PictureSize(pictures[0]?.data ?? new Uint8Array()), { width: 160, height: 120 })
    assert.equal(media.time.next(), undefined, 'nobody takes anything any more')
    const later = await watch(media, video, 200)
    const ahead = ((later[0]?.timestamp ?? 0) - (pictures.at(-1)?.timestamp ?? 0)) / 90
    assert.ok(ahead > 0 && ahead < 200, `the clock goes on: ${ahead} ms`)
  })

  it('makes pictures as the constraints demand, and says what it makes', async () => {
    const media = virtualMedia(2)
    const devices = createMediaDevices({ environment: media.environment }).mediaDevices
    const track = await soleTrack(devices, { width: { exact: 320 }, frameRate: { max: 10 } })
    assert.deepEqual(track.getConstraints(), { width: { exact: 320 }, frameRate: { max: 10 } })
    const { width, height, frameRate, deviceId } = track.getSettings()
    assert.deepEqual([width, height, frameRate, deviceId], [320, 240, 10, 'synthetic-camera-1'])
    const frames = await watch(media, track, 1_000)
    assert.ok(frames.length >= 8 && frames.length <= 10, `${frames.length} pictures`)
    assert.deepEqual(sizesOf(frames), ['320 x 240'])
    await track.applyConstraints({ width: 64, height: 64 })
    assert.deepEqual(track.getConstraints(), { width: 64, height: 64 })
    assert.deepEqual([track.getSettings().width, track.getSettings().height], [64, 64])
    const smaller = await watch(media, track, 500)
    assert.deepEqual(sizesOf(smaller), ['64 x 64'])
  })

  it('changes the picture while it is watched', async () => {
    const media = virtualMedia(3)
    const devices = createMediaDevices({ environment: media.environment }).mediaDevices
    const track = await soleTrack(devices, true)
    const watching = watch(media, track, 1_000)
    await media.run(500)
    await track.applyConstraints({ width: { min: 200, max: 300 }, height: { ideal: 100 } })
    const timestamps = (await watching).map(({ timestamp }) => timestamp)
    assert.ok(
      timestamps.every((timestamp, i) => i === 0 || timestamp > (timestamps[i - 1] ?? 0)),
      timestamps.join(),
    )
    const { width, height } = track.getSettings()
    assert.deepEqual(sizesOf(await watching), ['160 x 120', `${width} x ${height}`])
  })

  it('selects settings as the constraints have it', async () => {
    const cases: [object, Partial<Record<'width' | 'height' | 'frameRate', number>>][] = [
      [
        { width: 1280, height: 720 },
        { width: 1280, height: 720, frameRate: 30 },
      ],
      [
        { width: { min: 640 }, aspectRatio: 16 / 9 },
        { width: 640, height: 360 },
      ],
      [{ aspectRatio: { exact: 1 } }, { width: 160, height: 160 }],
      [{ width: { ideal: 5_000 } }, { width: 1_920 }],
      [
        { width: 640, advanced: [{ width: 320, height: 240 }, { width: { exact: 400 } }] },
        { width: 320, height: 240 },
      ],
      [{ frameRate: { min: 50 }, advanced: [{ frameRate: 1_000 }] }, { frameRate: 50 }],
      [{ channelCount: { exact: 7 }, width: {}, deviceId: [] }, { width: 160 }],
    ]
    for (const [constraints, expected] of cases) {
      const settings = (await soleTrack(mediaDevices, constraints)).getSettings()
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(settings[key as keyof typeof expected], value, `${key} of ${JSON.stringify(constraints)}`)
      }
    }
  })

  it('rejects what no device can do, and names the constraint', async () => {
    const cases: [object, string][] = [
      [{ width: { min: 2_000 } }, 'width'],
      [{ frameRate: { exact: 1_000 } }, 'frameRate'],
      [{ deviceId: { exact: 'another' } }, 'deviceId'],
      [{ facingMode: { exact: '' } }, 'facingMode'],
      [{ facingMode: { exact: 'environment' } }, 'facingMode'],
      [{ resizeMode: { exact: 'INVALID' } }, 'resizeMode'],
      [{ backgroundBlur: { exact: true } }, 'backgroundBlur'],
      [{ groupId: 'x'.repeat(501) }, 'groupId'],
      [{ width: { exact: 16 }, aspectRatio: { min: 2 } }, ''],
    ]
    for (const [video, constraint] of cases) {
      await assert.rejects(mediaDevices.getUserMedia({ audio: true, video }), named('OverconstrainedError', constraint))
    }
    const track = await soleTrack(mediaDevices, true)
    await assert.rejects(track.applyConstraints({ height: { exact: 9_999 } }), named('OverconstrainedError', 'height'))
    assert.deepEqual([track.getConstraints(), track.getSettings().height], [{}, 120])
  })

  it('can be set as those of a browser, which tells what they are set to', async () => {
    const [microphone] = (await mediaDevices.getUserMedia({ audio: true })).getTracks()
    assert.deepEqual(microphone?.getSettings(), {
      deviceId: 'synthetic-microphone-1',
      groupId: 'synthetic',
      autoGainControl: true,
      channelCount: 1,
      echoCancellation: true,
      latency: 0.02,
      noiseSuppression: true,
      sampleRate: 48_000,
      sampleSize: 16,
    })
    await microphone.applyConstraints({ echoCancellation: { exact: false }, noiseSuppression: false, channelCount: 2 })
    const { autoGainControl, echoCancellation, noiseSuppression, channelCount } = microphone.getSettings()
    assert.deepEqual([autoGainControl, echoCancellation, noiseSuppression, channelCount], [true, false, false, 2])
    const camera = await soleTrack(mediaDevices, { resizeMode: { exact: 'crop-and-scale' }, facingMode: 'environment' })
    const settings = camera.getSettings()
    assert.deepEqual(
      [settings.facingMode, settings.resizeMode, settings.backgroundBlur],
      ['user', 'crop-and-scale', false],
    )
    await camera.applyConstraints({ resizeMode: 'INVALID' })
    assert.equal(camera.getSettings().resizeMode, 'none')
    assert.deepEqual(camera.getCapabilities().resizeMode, ['none', 'crop-and-scale'])
    const devices = await mediaDevices.enumerateDevices()
    const capabilities = devices.map(device => (device instanceof InputDeviceInfo ? device.getCapabilities() : {}))
    assert.deepEqual(capabilities, [microphone.getCapabilities(), camera.getCapabilities()])
    assert.deepEqual(capabilities[0]?.echoCancellation, [true, false])
  })

  it('has a camera for each side', async () => {
    const { mediaDevices: many } = createMediaDevices({ cameras: 2 })
    const back = await soleTrack(many, { facingMode: { exact: 'environment' } })
    assert.deepEqual(
      [back.getSettings().deviceId, back.getCapabilities().facingMode],
      ['synthetic-camera-2', ['environment']],
    )
    const screen = (await many.getDisplayMedia()).getVideoTracks()[0]
    assert.deepEqual([screen?.getCapabilities().facingMode, screen?.getSettings().facingMode], [[], undefined])
  })

  it('rejects a call that asks for nothing, or for nonsense', async () => {
    for (const args of [
      [],
      [{}],
      [{ audio: false, video: 0 }],
      ['text'],
      [{ video: { frameRate: {}, width: { min: Symbol('x') } } }],
    ]) {
      await assert.rejects(Reflect.apply(mediaDevices.getUserMedia, mediaDevices, args), TypeError)
    }
    await assert.rejects(mediaDevices.getUserMedia({ video: { frameRate: Number.NaN } }), TypeError)
  })

  it('finds no device where there is none', async () => {
    const { mediaDevices: none } = createMediaDevices({ microphones: 0, cameras: 0 })
    assert.deepEqual(await none.enumerateDevices(), [])
    await assert.rejects(none.getUserMedia({ audio: true }), named('NotFoundError'))
    const { mediaDevices: deaf } = createMediaDevices({ microphones: 0 })
    await assert.rejects(deaf.getUserMedia({ audio: true, video: true }), named('NotFoundError'))
  })

  it('opens the device that is asked for', async () => {
    const { mediaDevices: many } = createMediaDevices({ cameras: 3 })
    for (const deviceId of ['synthetic-camera-2', { exact: 'synthetic-camera-2' }, ['synthetic-camera-2']]) {
      const track = await soleTrack(many, { deviceId })
      assert.equal(track.getSettings().deviceId, 'synthetic-camera-2')
      assert.equal(track.label, 'Synthetic camera 2')
    }
  })

  it('ends the tracks of devices that are pulled out, and tells of it', async () => {
    const media = virtualMedia(4)
    const { mediaDevices: devices, setDevices } = createMediaDevices({ cameras: 2, environment: media.environment })
    const [kept, lost] = await Promise.all(
      [1, 2].map(number => soleTrack(devices, { deviceId: { exact: `synthetic-camera-${number}` } })),
    )
    const log: string[] = []
    devices.ondevicechange = event => {
      assert.ok(event instanceof DeviceChangeEvent)
      log.push(`${event.type} ${event.devices.length}`)
    }
    if (lost) lost.onended = () => log.push('ended')
    const events: DeviceChangeEvent[] = []
    devices.addEventListener('devicechange', event => events.push(event))
    setDevices({ cameras: 1 })
    await media.run(1)
    assert.deepEqual(log, ['devicechange 2', 'ended'])
    assert.deepEqual([kept?.readyState, lost?.readyState], ['live', 'ended'])
    assert.deepEqual(lost?.getSettings(), { deviceId: 'synthetic-camera-2', groupId: 'synthetic' })
    setDevices({ cameras: 3 })
    assert.deepEqual(
      events.map(({ userInsertedDevices }) => userInsertedDevices.map(({ deviceId }) => deviceId)),
      [[], ['synthetic-camera-2', 'synthetic-camera-3']],
    )
    assert.throws(() => setDevices({ cameras: 17 }), RangeError)
  })

  it('does not keep the process alive while frames are taken', async function () {
    this.timeout(60_000)
    const program = fileURLToPath(new URL('./media-devices-program.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    let output = ''
    for await (const data of child.stdout) output += String(data)
    assert.equal(output, 'audio/opus live live')
    assert.deepEqual(await exited, [0, null])
  })

  it('shows a screen that is none', async () => {
    const stream = await mediaDevices.getDisplayMedia()
    assert.deepEqual(
      stream.getTracks().map(track => [track.kind, track.label]),
      [['video', 'Synthetic screen 1']],
    )
    const both = await mediaDevices.getDisplayMedia({ video: { width: 640 }, audio: true })
    assert.deepEqual(
      both.getTracks().map(track => track.kind),
      ['audio', 'video'],
    )
    assert.equal(both.getVideoTracks()[0]?.getSettings().width, 640)
    for (const video of [false, { width: { exact: 1 } }, { height: { min: 1 } }, { advanced: [{ width: 1 }] }]) {
      await assert.rejects(mediaDevices.getDisplayMedia({ video }), TypeError)
    }
  })
})
