/** In place of `wrtc` and `@roamhq/wrtc`. */
import type { MediaStream } from '../index.ts'
import { type PackageDefault, packageDefault } from '../polyfill/nonstandard.ts'
import { type MediaDevices, type MediaStreamConstraints, mediaDevices } from '../testing/index.ts'

export * from '../polyfill/exports.ts'
export { nonstandard } from '../polyfill/nonstandard.ts'
export { mediaDevices } from '../testing/index.ts'

/** Opus silence and a moving picture in VP8: see `icefloe/testing`. */
export function getUserMedia(constraints?: MediaStreamConstraints): Promise<MediaStream> {
  return mediaDevices.getUserMedia(constraints)
}

/** What `require('wrtc')` is. */
export interface Wrtc extends PackageDefault {
  readonly getUserMedia: typeof getUserMedia
  readonly mediaDevices: MediaDevices
}

const wrtc: Wrtc = { ...packageDefault, getUserMedia, mediaDevices }

export default wrtc
// What `require()` gives, in place of the module's namespace.
export { wrtc as 'module.exports' }
