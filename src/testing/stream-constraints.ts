import { constraintsFor, type MediaTrackConstraints, toMediaTrackConstraints } from '../pc/media/constraints.ts'
import type { MediaKind } from '../pc/media/track-signal.ts'
import { boolean, type Converter, dictionary, domString, optional, withDefault } from '../pc/webidl.ts'

/** mediacapture-streams §10.2 */
export interface MediaStreamConstraints {
  audio?: boolean | MediaTrackConstraints
  video?: boolean | MediaTrackConstraints
  /** webrtc-identity §11.1: the tracks are kept from the application, and may be sent to this peer alone. */
  peerIdentity?: string
}

/** What is wanted of the kinds that are requested. */
export type RequestedMedia = ReadonlyMap<MediaKind, MediaTrackConstraints>

type Wanted = boolean | MediaTrackConstraints

interface ConvertedConstraints extends MediaStreamConstraints {
  audio: Wanted
  video: Wanted
}

const toWanted: Converter<Wanted> = (value, context) => {
  const isDictionary = value === null || typeof value === 'object' || typeof value === 'function'
  return isDictionary ? toMediaTrackConstraints(value, context) : boolean(value, context)
}

const toUserMedia: Converter<ConvertedConstraints> = dictionary('MediaStreamConstraints', {
  audio: withDefault(toWanted, false),
  peerIdentity: optional(domString),
  video: withDefault(toWanted, false),
})

const toDisplayMedia: Converter<ConvertedConstraints> = dictionary('DisplayMediaStreamOptions', {
  audio: withDefault(toWanted, false),
  video: withDefault<Wanted>(toWanted, true),
})

/** @throws {TypeError} if nothing is requested */
export function requestedOfUser(constraints: unknown): {
  readonly requested: RequestedMedia
  readonly peerIdentity: string | undefined
} {
  const converted = toUserMedia(constraints, 'MediaDevices.getUserMedia: argument 1')
  const requested = selectKinds(converted)
  // mediacapture-streams §10.1 getUserMedia, step 3
  if (requested.size === 0) throw new TypeError('MediaDevices.getUserMedia: neither audio nor video is requested')
  return { requested, peerIdentity: converted.peerIdentity }
}

/** @throws {TypeError} if no video is requested, or something of it is required: Screen Capture, getDisplayMedia() */
export function requestedOfDisplay(options: unknown): RequestedMedia {
  const requested = selectKinds(toDisplayMedia(options, 'MediaDevices.getDisplayMedia: argument 1'))
  if (!requested.has('video')) throw new TypeError('MediaDevices.getDisplayMedia: video is always requested')
  for (const { advanced = [], ...constraints } of requested.values()) {
    if (advanced.length > 0) throw new TypeError('MediaDevices.getDisplayMedia: advanced constraints are not allowed')
    for (const constraint of Object.values(constraints)) refuseRequired(constraint)
  }
  return requested
}

function refuseRequired(constraint: unknown): void {
  if (typeof constraint !== 'object' || constraint === null || !('min' in constraint || 'exact' in constraint)) return
  throw new TypeError('MediaDevices.getDisplayMedia: constraints with min or exact are not allowed')
}

function selectKinds({ audio, video }: ConvertedConstraints): RequestedMedia {
  const requested = new Map<MediaKind, MediaTrackConstraints>()
  // getUserMedia, steps 2, 11.3.2 and 11.3.3: what does not apply to the kind is removed
  if (audio !== false) requested.set('audio', constraintsFor('audio', audio === true ? {} : audio))
  if (video !== false) requested.set('video', constraintsFor('video', video === true ? {} : video))
  return requested
}
