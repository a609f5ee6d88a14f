/** SRTP and SRTCP: `icefloe/srtp`. */

export type { SrtpDrop, SrtpDropCounts, SrtpDropped } from './drops.ts'
export { SrtpError, type SrtpErrorCode } from './errors.ts'
export { indexWindowSize } from './index-window.ts'
export type { DtlsRole, MasterKey } from './key-derivation.ts'
export { keyingMaterialLength, type SrtpProfile, SrtpProfileId, srtpProfile, srtpProfiles } from './profiles.ts'
export { maxMkiLength, type SrtpKeys, SrtpSession, type SrtpSessionOptions } from './session.ts'
export { maxStreams, type StreamPosition } from './streams.ts'
