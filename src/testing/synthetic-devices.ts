import type {
  Constrainable,
  MediaTrackCapabilities,
  MediaTrackConstraints,
  MediaTrackSettings,
} from '../pc/media/constraints.ts'
import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import { selectSettings } from '../pc/media/select-settings.ts'
import { opusClockRate } from '../rtp/payload/opus.ts'
import { CameraMedia } from './camera-media.ts'
import { type PictureDefaults, type PictureSettings, pictureRanges, possiblePictures } from './camera-settings.ts'
import { SilentMedia, silenceFrameMs } from './silent-media.ts'
import { type FeedMedia, SyntheticFeed } from './synthetic-feed.ts'

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
/** Of silence, nothing is to be heard either way: what applications ask for is what they are told. */
const choices = [true, false]
/** Bits. */
const sampleSize = 16

/** Gives silence, in Opus. */
export function syntheticMicrophone(number: number, name = 'microphone'): SyntheticDevice {
  const identity = { deviceId: `synthetic-${name}-${number}`, groupId }
  const label = `Synthetic ${name} ${number}`
  const sampleRate = opusClockRate
  const latency = silenceFrameMs / 1_000
  const capabilities: MediaTrackCapabilities = {
    ...identity,
    autoGainControl: choices,
    channelCount: { min: 1, max: 2 },
    echoCancellation: choices,
    latency: { min: latency, max: latency },
    noiseSuppression: choices,
    sampleRate: { min: sampleRate, max: sampleRate },
    sampleSize: { min: sampleSize, max: sampleSize },
  }
  const fixed = { ...identity, latency, sampleRate, sampleSize }
  const possible = everyMicrophone().map(settings => ({ ...fixed, ...settings }))
  return {
    ...identity,
    kind: 'audioinput',
    label,
    capabilities,
    open: (constraints, environment, closed) => {
      const media = (settings: () => MicrophoneSettings): FeedMedia =>
        new SilentMedia(environment, () => settings().channelCount)
      const base = { kind: 'audio', label, environment, closed } as const
      return openFeed(base, capabilities, () => possible, media, constraints)
    },
  }
}

/** What a microphone can be set to; first what it is if nobody says anything. */
function everyMicrophone(): MicrophoneSettings[] {
  return choices.flatMap(echoCancellation =>
    choices.flatMap(autoGainControl =>
      choices.flatMap(noiseSuppression =>
        ([1, 2] as const).map(channelCount => ({ echoCancellation, autoGainControl, noiseSuppression, channelCount })),
      ),
    ),
  )
}

/** What is particular to a camera. */
export interface CameraOptions {
  readonly name?: string
  readonly defaults?: PictureDefaults
  /** Mediacapture-streams, VideoFacingModeEnum; it faces nobody if not given. */
  readonly facingMode?: string
}

/** Gives a moving picture, in VP8. */
export function syntheticCamera(number: number, options: CameraOptions = {}): SyntheticDevice {
  const { name = 'camera', defaults = { width: 160, height: 120, frameRate: 30 }, facingMode } = options
  const identity = { deviceId: `synthetic-${name}-${number}`, groupId }
  const label = `Synthetic ${name} ${number}`
  const { width, height } = pictureRanges
  const aspectRatio = { min: width.min / height.max, max: width.max / height.min }
  const capabilities: MediaTrackCapabilities = {
    ...identity,
    ...pictureRanges,
    aspectRatio,
    backgroundBlur: [false],
    facingMode: facingMode === undefined ? [] : [facingMode],
    resizeMode: ['none', 'crop-and-scale'],
  }
  const fixed = { ...identity, backgroundBlur: false, ...(facingMode === undefined ? {} : { facingMode }) }
  const possible = (constraints: MediaTrackConstraints): CameraSettings[] =>
    possiblePictures(defaults, constraints).map(picture => ({ ...fixed, ...picture }))
  return {
    ...identity,
    kind: 'videoinput',
    label,
    capabilities,
    open: (constraints, environment, closed) => {
      const media = (settings: () => CameraSettings): FeedMedia => new CameraMedia(environment, settings)
      const base = { kind: 'video', label, environment, closed } as const
      return openFeed(base, capabilities, possible, media, constraints)
    },
  }
}

type MicrophoneSettings = MediaTrackSettings & { readonly channelCount: 1 | 2 }
type CameraSettings = MediaTrackSettings & PictureSettings

interface FeedBase {
  readonly kind: 'audio' | 'video'
  readonly label: string
  readonly environment: MediaEnvironment
  readonly closed: () => void
}

function openFeed<Settings extends MediaTrackSettings>(
  base: FeedBase,
  capabilities: MediaTrackCapabilities,
  possible: (constraints: MediaTrackConstraints) => readonly Settings[],
  media: (settings: () => Settings) => FeedMedia,
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
  const feed: SyntheticFeed = new SyntheticFeed({ ...base, constrainable, constraints, media: media(() => settings) })
  return feed
}
