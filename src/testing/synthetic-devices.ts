import type {
  Constrainable,
  MediaTrackCapabilities,
  MediaTrackConstraints,
  MediaTrackSettings,
} from '../pc/media/constraints.ts'
import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import { selectSettings } from '../pc/media/select-settings.ts'
import { opusClockRate } from '../rtp/payload/opus.ts'
import { type PictureDefaults, pictureRanges, possiblePictures } from './camera-settings.ts'
import { movingPicture } from './moving-picture.ts'
import { opusSilence } from './opus-silence.ts'
import { SyntheticFeed } from './synthetic-feed.ts'
import type { SyntheticSource } from './synthetic-source.ts'

export type MediaDeviceKind = 'audioinput' | 'audiooutput' | 'videoinput'

/** Something that tracks can be had from. */
export interface SyntheticDevice {
  readonly kind: MediaDeviceKind
  readonly deviceId: string
  readonly groupId: string
  readonly label: string
  readonly capabilities: MediaTrackCapabilities
  /** @throws {OverconstrainedError} if no settings of it meet the constraints */
  open(constraints: MediaTrackConstraints, environment: MediaEnvironment, closed: () => void): SyntheticFeed
}

const groupId = 'synthetic'

/** Gives silence, in Opus. */
export function syntheticMicrophone(number: number, name = 'microphone'): SyntheticDevice {
  const identity = { deviceId: `synthetic-${name}-${number}`, groupId }
  const label = `Synthetic ${name} ${number}`
  const sampleRate = opusClockRate
  const capabilities: MediaTrackCapabilities = {
    ...identity,
    channelCount: { min: 1, max: 2 },
    sampleRate: { min: sampleRate, max: sampleRate },
  }
  const possible = (): MicrophoneSettings[] =>
    [1, 2].map(channelCount => ({ ...identity, sampleRate, channelCount: channelCount === 2 ? 2 : 1 }))
  const make = ({ channelCount }: MicrophoneSettings): SyntheticSource => opusSilence({ channels: channelCount })
  return {
    ...identity,
    kind: 'audioinput',
    label,
    capabilities,
    open: (constraints, environment, closed) => {
      const base = { kind: 'audio', mimeType: 'audio/opus', label, environment, closed } as const
      return openFeed(base, capabilities, possible, make, constraints)
    },
  }
}

/** Gives a moving picture, in VP8. */
export function syntheticCamera(
  number: number,
  name = 'camera',
  defaults: PictureDefaults = { width: 160, height: 120, frameRate: 30 },
): SyntheticDevice {
  const identity = { deviceId: `synthetic-${name}-${number}`, groupId }
  const label = `Synthetic ${name} ${number}`
  const { width, height } = pictureRanges
  const aspectRatio = { min: width.min / height.max, max: width.max / height.min }
  const capabilities: MediaTrackCapabilities = { ...identity, ...pictureRanges, aspectRatio }
  const possible = (constraints: MediaTrackConstraints): CameraSettings[] =>
    possiblePictures(defaults, constraints).map(picture => ({ ...identity, ...picture }))
  const make = (settings: CameraSettings): SyntheticSource =>
    movingPicture({ width: settings.width, height: settings.height, framesPerSecond: settings.frameRate })
  return {
    ...identity,
    kind: 'videoinput',
    label,
    capabilities,
    open: (constraints, environment, closed) => {
      const base = { kind: 'video', mimeType: 'video/VP8', label, environment, closed } as const
      return openFeed(base, capabilities, possible, make, constraints)
    },
  }
}

type MicrophoneSettings = MediaTrackSettings & { readonly channelCount: 1 | 2 }
type CameraSettings = MediaTrackSettings & {
  readonly width: number
  readonly height: number
  readonly frameRate: number
}

interface FeedBase {
  readonly kind: 'audio' | 'video'
  readonly mimeType: string
  readonly label: string
  readonly environment: MediaEnvironment
  readonly closed: () => void
}

function openFeed<Settings extends MediaTrackSettings>(
  base: FeedBase,
  capabilities: MediaTrackCapabilities,
  possible: (constraints: MediaTrackConstraints) => Settings[],
  make: (settings: Settings) => SyntheticSource,
  constraints: MediaTrackConstraints,
): SyntheticFeed {
  let settings = selectSettings(possible(constraints), constraints)
  const constrainable: Constrainable = {
    capabilities,
    settings: () => settings,
    apply: wanted => {
      settings = selectSettings(possible(wanted), wanted)
      feed.renew()
    },
  }
  const feed: SyntheticFeed = new SyntheticFeed({ ...base, constrainable, constraints, source: () => make(settings) })
  return feed
}
