/** In place of `webrtc-polyfill`: as there, nothing is installed. */
export * from '../polyfill/exports.ts'
export { interfaces as default } from '../polyfill/interfaces.ts'
