import * as exported from './exports.ts'

export type WebRtcInterfaces = Readonly<typeof exported>

/** The same as one object. */
export const interfaces: WebRtcInterfaces = { ...exported }
