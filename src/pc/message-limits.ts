/** webrtc-pc §6.1.1.2, step 3: how many bytes each channel buffers, at least, and the largest message it sends. */
export const sendBufferSize: number = 16 * 1024 * 1024

/** webrtc-pc §6.1.1.2, steps 4 to 6: [[MaxMessageSize]]. @param remote what the peer takes, in bytes; Infinity if anything */
export function maxMessageSize(remote: number): number {
  return Math.min(remote, sendBufferSize)
}

/** webrtc-pc §6.1.1.2, steps 4 to 6: [[MaxBufferSize]]. */
export function maxBufferSize(remote: number): number {
  return remote === Number.POSITIVE_INFINITY ? sendBufferSize : Math.max(remote, sendBufferSize)
}
