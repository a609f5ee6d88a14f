import {
  type Converter,
  dictionary,
  domString,
  enumeration,
  exposeInterface,
  optional,
  required,
  withDefault,
} from './webidl.ts'

/** webrtc-pc §4.6.1 */
export type RTCSdpType = (typeof sdpTypes)[number]

const sdpTypes = ['offer', 'pranswer', 'answer', 'rollback'] as const

/** webrtc-pc §4.6.2 */
export interface RTCSessionDescriptionInit {
  type: RTCSdpType
  sdp?: string
}

/** webrtc-pc §4.6.2: as for setLocalDescription, which infers a type that is missing. */
export interface RTCLocalSessionDescriptionInit {
  type?: RTCSdpType
  sdp?: string
}

const sdpType = enumeration('RTCSdpType', sdpTypes)

export const toSessionDescriptionInit: Converter<{ type: RTCSdpType; sdp: string }> = dictionary(
  'RTCSessionDescriptionInit',
  { sdp: withDefault(domString, ''), type: required(sdpType) },
)

export const toLocalSessionDescriptionInit: Converter<{ type?: RTCSdpType; sdp: string }> = dictionary(
  'RTCLocalSessionDescriptionInit',
  { sdp: withDefault(domString, ''), type: optional(sdpType) },
)

/** webrtc-pc §4.6.2 */
export class RTCSessionDescription {
  static {
    exposeInterface(RTCSessionDescription, 'RTCSessionDescription')
  }

  readonly #type: RTCSdpType
  readonly #sdp: string

  constructor(descriptionInitDict: RTCSessionDescriptionInit) {
    const init = toSessionDescriptionInit(descriptionInitDict, 'RTCSessionDescription constructor: argument 1')
    this.#type = init.type
    this.#sdp = init.sdp
  }

  get type(): RTCSdpType {
    return this.#type
  }

  get sdp(): string {
    return this.#sdp
  }

  toJSON(): RTCSessionDescriptionInit {
    return { type: this.#type, sdp: this.#sdp }
  }
}
