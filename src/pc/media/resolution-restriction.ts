import { type Converter, dictionary, optional, unsignedLong } from '../webidl.ts'

/** webrtc-extensions §7: of a picture, whichever way round it is. */
export interface RTCResolutionRestriction {
  maxWidth?: number
  maxHeight?: number
}

export const toResolutionRestriction: Converter<RTCResolutionRestriction> = dictionary('RTCResolutionRestriction', {
  maxHeight: optional(unsignedLong),
  maxWidth: optional(unsignedLong),
})
