import { isMediaStream, type MediaStream } from '../media/media-stream.ts'
import { isMediaStreamTrack, type MediaStreamTrack } from '../media/media-stream-track.ts'
import {
  type Converter,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  implementsInterface,
  instance,
  optional,
  requireArguments,
  required,
  sequence,
  withDefault,
} from '../webidl.ts'
import { RTCRtpReceiver } from './rtc-rtp-receiver.ts'
import { RTCRtpTransceiver } from './rtc-rtp-transceiver.ts'

interface EventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

/** webrtc-pc §5.7 */
export interface RTCTrackEventInit extends EventInit {
  receiver: RTCRtpReceiver
  track: MediaStreamTrack
  streams?: MediaStream[]
  transceiver: RTCRtpTransceiver
}

const toTrackEventInit: Converter<RTCTrackEventInit> = dictionary('RTCTrackEventInit', {
  ...eventInitMembers,
  receiver: required(instance('RTCRtpReceiver', isReceiver)),
  streams: optional(sequence(instance('MediaStream', isMediaStream))),
  track: required(instance('MediaStreamTrack', isMediaStreamTrack)),
  transceiver: required(instance('RTCRtpTransceiver', isTransceiver)),
})

/** webrtc-pc §5.7: the peer has added a track. */
export class RTCTrackEvent extends Event {
  static {
    exposeInterface(RTCTrackEvent, 'RTCTrackEvent')
  }

  readonly #init: RTCTrackEventInit
  readonly #streams: readonly MediaStream[]

  constructor(type: string, eventInitDict: RTCTrackEventInit) {
    requireArguments(arguments.length, 2, 'RTCTrackEvent constructor')
    const eventType = domString(type, 'RTCTrackEvent constructor: argument 1')
    const init = toTrackEventInit(eventInitDict, 'RTCTrackEvent constructor: argument 2')
    super(eventType, init)
    this.#init = init
    this.#streams = Object.freeze(init.streams ?? [])
  }

  get receiver(): RTCRtpReceiver {
    return this.#init.receiver
  }

  get track(): MediaStreamTrack {
    return this.#init.track
  }

  /** The streams that the track belongs to: always the same array, which cannot be changed. */
  get streams(): readonly MediaStream[] {
    return this.#streams
  }

  get transceiver(): RTCRtpTransceiver {
    return this.#init.transceiver
  }
}

/** webrtc-pc §7.4 */
export interface RTCDTMFToneChangeEventInit extends EventInit {
  tone?: string
}

const toToneChangeEventInit: Converter<Required<RTCDTMFToneChangeEventInit>> = dictionary(
  'RTCDTMFToneChangeEventInit',
  { ...eventInitMembers, tone: withDefault(domString, '') },
)

/** webrtc-pc §7.4: a tone has begun; the empty string: all tones have ended. */
export class RTCDTMFToneChangeEvent extends Event {
  static {
    exposeInterface(RTCDTMFToneChangeEvent, 'RTCDTMFToneChangeEvent')
  }

  readonly #tone: string

  constructor(type: string, eventInitDict: RTCDTMFToneChangeEventInit = {}) {
    requireArguments(arguments.length, 1, 'RTCDTMFToneChangeEvent constructor')
    const eventType = domString(type, 'RTCDTMFToneChangeEvent constructor: argument 1')
    const init = toToneChangeEventInit(eventInitDict, 'RTCDTMFToneChangeEvent constructor: argument 2')
    super(eventType, init)
    this.#tone = init.tone
  }

  get tone(): string {
    return this.#tone
  }
}

function isReceiver(value: unknown): value is RTCRtpReceiver {
  return implementsInterface(RTCRtpReceiver, value)
}

function isTransceiver(value: unknown): value is RTCRtpTransceiver {
  return implementsInterface(RTCRtpTransceiver, value)
}
