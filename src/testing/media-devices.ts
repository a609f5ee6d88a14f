import {
  constrainableProperties,
  type MediaTrackConstraints,
  type MediaTrackSupportedConstraints,
} from '../pc/media/constraints.ts'
import { type MediaEnvironment, systemMediaEnvironment } from '../pc/media/media-environment.ts'
import { createRandomMediaStream, type MediaStream } from '../pc/media/media-stream.ts'
import { confineTrack } from '../pc/media/media-stream-track.ts'
import { OverconstrainedError } from '../pc/media/overconstrained-error.ts'
import type { MediaKind } from '../pc/media/track-signal.ts'
import {
  constructorToken,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  requireToken,
  setEventHandler,
  TypedEventTarget,
} from '../pc/webidl.ts'
import { DeviceChangeEvent } from './device-change-event.ts'
import { InputDeviceInfo, type MediaDeviceInfo } from './media-device-info.ts'
import {
  type MediaStreamConstraints,
  type RequestedMedia,
  requestedOfDisplay,
  requestedOfUser,
} from './stream-constraints.ts'
import { type SyntheticDevice, syntheticCamera, syntheticMicrophone } from './synthetic-devices.ts'
import type { SyntheticFeed } from './synthetic-feed.ts'

const maxDevices = 16
const deviceKinds = { audio: 'audioinput', video: 'videoinput' } as const

const display: readonly SyntheticDevice[] = [
  syntheticMicrophone(1, 'loopback'),
  syntheticCamera(1, { name: 'screen', defaults: { width: 320, height: 180, frameRate: 15 } }),
]

/** The events of the devices, by type. */
export interface MediaDevicesEventMap {
  devicechange: DeviceChangeEvent
}

/** mediacapture-streams §9.2: devices that there are not. */
export class MediaDevices extends TypedEventTarget<MediaDevicesEventMap> {
  static {
    exposeInterface(MediaDevices, 'MediaDevices', { constructorLength: 0, implementedBy: value => #slots in value })
  }

  readonly #slots: DeviceSlots

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: DeviceSlots) {
    requireToken(token)
    super()
    this.#slots = slots
  }

  /** Microphones, then cameras. */
  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return deviceInfos(this.#slots.devices)
  }

  getSupportedConstraints(): MediaTrackSupportedConstraints {
    if (!(#slots in this)) throw new TypeError('MediaDevices.getSupportedConstraints: Illegal invocation')
    return Object.fromEntries(
      constrainableProperties.map(property => [property, true]),
    ) as MediaTrackSupportedConstraints
  }

  /**
   * A stream of Opus silence and of a moving picture in VP8, 160 by 120 pixels and 30 frames a second unless the constraints
   * say otherwise. Frames are made while somebody takes them.
   *
   * @returns a promise that is rejected with a TypeError if nothing is requested, a NotFoundError if there is no such device,
   *   an OverconstrainedError if none meets the constraints
   */
  async getUserMedia(constraints: MediaStreamConstraints = {}): Promise<MediaStream> {
    const slots = this.#slots
    const { requested, peerIdentity } = requestedOfUser(constraints)
    const stream = openStream(slots, requested, slots.devices)
    // webrtc-identity §11.1: all of its tracks are isolated
    if (peerIdentity !== undefined) for (const track of stream.getTracks()) confineTrack(track, peerIdentity)
    return stream
  }

  /** A stream of a moving picture in VP8, and of Opus silence if audio is requested. */
  async getDisplayMedia(options: MediaStreamConstraints = {}): Promise<MediaStream> {
    return openStream(this.#slots, requestedOfDisplay(options), display)
  }

  get ondevicechange(): HeldEventHandler {
    return getEventHandler(this, 'devicechange')
  }

  set ondevicechange(handler: EventHandler<MediaDevices, DeviceChangeEvent>) {
    setEventHandler(this, 'devicechange', handler)
  }
}

export interface SyntheticDeviceCounts {
  /** 1 if not given. */
  readonly microphones?: number
  /** 1 if not given. */
  readonly cameras?: number
}

export interface MediaDevicesOptions extends SyntheticDeviceCounts {
  /** Clock, timers and randomness; the system's if not given. */
  readonly environment?: MediaEnvironment
}

export interface MediaDevicesHandle {
  readonly mediaDevices: MediaDevices
  /** As if devices were plugged in or pulled out: fires `devicechange`; the tracks of those that are gone end. */
  setDevices(counts: SyntheticDeviceCounts): void
}

/** Devices of one's own: as many as a test needs, or none. */
export function createMediaDevices(options: MediaDevicesOptions = {}): MediaDevicesHandle {
  const slots: DeviceSlots = {
    environment: options.environment ?? systemMediaEnvironment,
    devices: makeDevices(options),
    feeds: new Map(),
  }
  const mediaDevices = new MediaDevices(constructorToken, slots)
  return {
    mediaDevices,
    setDevices: counts => {
      const before = new Set(slots.devices.map(({ deviceId }) => deviceId))
      slots.devices = makeDevices(counts)
      endFeedsOfMissing(slots)
      const devices = deviceInfos(slots.devices)
      const inserted = devices.filter(({ deviceId }) => !before.has(deviceId))
      mediaDevices.dispatchEvent(new DeviceChangeEvent('devicechange', { devices }, constructorToken, inserted))
    },
  }
}

/** A microphone and a camera that do not exist: `navigator.mediaDevices` for programs without devices. */
export const mediaDevices: MediaDevices = createMediaDevices().mediaDevices

interface DeviceSlots {
  readonly environment: MediaEnvironment
  devices: readonly SyntheticDevice[]
  /** What is open, and of which device. */
  readonly feeds: Map<SyntheticFeed, string>
}

function makeDevices({ microphones = 1, cameras = 1 }: SyntheticDeviceCounts): readonly SyntheticDevice[] {
  if (!(microphones >= 0 && microphones <= maxDevices && cameras >= 0 && cameras <= maxDevices)) {
    throw new RangeError(`${microphones} microphones and ${cameras} cameras`)
  }
  return [
    ...Array.from({ length: microphones }, (_, i) => syntheticMicrophone(i + 1)),
    ...Array.from({ length: cameras }, (_, i) => syntheticCamera(i + 1, { facingMode: facing(i) })),
  ]
}

/** As telephones have them: one for those who hold it, then one for what they look at. */
function facing(index: number): 'user' | 'environment' {
  return index % 2 === 0 ? 'user' : 'environment'
}

function deviceInfos(devices: readonly SyntheticDevice[]): MediaDeviceInfo[] {
  return devices.map(device => new InputDeviceInfo(constructorToken, device))
}

/** mediacapture-streams §10.1 getUserMedia, step 11. */
function openStream(slots: DeviceSlots, requested: RequestedMedia, devices: readonly SyntheticDevice[]): MediaStream {
  const feeds: SyntheticFeed[] = []
  try {
    for (const [kind, constraints] of requested) feeds.push(openDevice(slots, kind, constraints, devices))
  } catch (error) {
    for (const feed of feeds) feed.close()
    throw error
  }
  return createRandomMediaStream(
    slots.environment.random,
    feeds.map(feed => feed.track),
  )
}

/** The first device that meets the constraints; what the last one lacks is told if none does. */
function openDevice(
  slots: DeviceSlots,
  kind: MediaKind,
  constraints: MediaTrackConstraints,
  devices: readonly SyntheticDevice[],
): SyntheticFeed {
  const ofKind = devices.filter(device => device.kind === deviceKinds[kind])
  let failure: unknown = new DOMException(`no device for ${kind}`, 'NotFoundError')
  for (const device of preferred(ofKind, constraints)) {
    try {
      const feed = device.open(constraints, slots.environment, () => slots.feeds.delete(feed))
      slots.feeds.set(feed, device.deviceId)
      return feed
    } catch (error) {
      if (!(error instanceof OverconstrainedError)) throw error
      failure = error
    }
  }
  throw failure
}

/** A device that is wanted by its identifier comes first, even if it need not be that one. */
function preferred(
  devices: readonly SyntheticDevice[],
  { deviceId }: MediaTrackConstraints,
): readonly SyntheticDevice[] {
  const wanted = typeof deviceId === 'string' || Array.isArray(deviceId) ? deviceId : deviceId?.ideal
  const isWanted = (device: SyntheticDevice): boolean =>
    typeof wanted === 'string' ? wanted === device.deviceId : wanted?.includes(device.deviceId) === true
  return [...devices.filter(isWanted), ...devices.filter(device => !isWanted(device))]
}

function endFeedsOfMissing({ devices, feeds }: DeviceSlots): void {
  const present = new Set([...devices, ...display].map(device => device.deviceId))
  for (const [feed, deviceId] of [...feeds]) if (!present.has(deviceId)) feed.close()
}
