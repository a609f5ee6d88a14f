/**
 * The most that one section may say. A description beyond these is refused: nothing real comes near, and each entry
 * costs memory, or packets to be routed by it, for as long as the section lives.
 */
export const maxSources = 1024
export const maxSourceAttributes = 32
export const maxSourceGroups = 1024
export const maxGroupSources = 64
export const maxStreams = 64
/** Lines, of the section and of the session section. */
export const maxHeaderExtensions = 512
export const maxFeedback = 64
/** Lines, those that are discarded included. */
export const maxRids = 256
/**
 * Characters of a mid. RFC 8285 §4.2: a value that the MID header extension takes in its one-byte form, the only one that
 * may be sent before the peer has agreed to another. Browsers have the same bound.
 */
export const maxMidLength = 16
