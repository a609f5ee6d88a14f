import {
  type Converter,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  instance,
  requireArguments,
  required,
} from '../webidl.ts'
import { isMediaStreamTrack, type MediaStreamTrack } from './media-stream-track.ts'

/** mediacapture-streams §4.4 */
export interface MediaStreamTrackEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  track: MediaStreamTrack
}

const toInit: Converter<Required<MediaStreamTrackEventInit>> = dictionary('MediaStreamTrackEventInit', {
  ...eventInitMembers,
  track: required(instance('MediaStreamTrack', isMediaStreamTrack)),
})

/** mediacapture-streams §4.4: the tracks of a stream have changed. */
export class MediaStreamTrackEvent extends Event {
  static {
    exposeInterface(MediaStreamTrackEvent, 'MediaStreamTrackEvent')
  }

  readonly #track: MediaStreamTrack

  constructor(type: string, eventInitDict: MediaStreamTrackEventInit) {
    requireArguments(arguments.length, 2, 'MediaStreamTrackEvent constructor')
    const eventType = domString(type, 'MediaStreamTrackEvent constructor: argument 1')
    const init = toInit(eventInitDict, 'MediaStreamTrackEvent constructor: argument 2')
    super(eventType, init)
    this.#track = init.track
  }

  get track(): MediaStreamTrack {
    return this.#track
  }
}
