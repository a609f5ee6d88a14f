import type { RTCDataChannel } from 'icefloe'

/**
 * Bytes that may wait in a channel before a sender pauses, and the level at which it goes on. Enough to keep the
 * association busy; little enough that the memory of a fast sender stays small.
 */
const HIGH_WATER_BYTES = 1024 * 1024
const LOW_WATER_BYTES = 256 * 1024

/** Splits `data` into messages of at most `size` bytes; the pieces are views, nothing is copied. */
export function* pieces(data: Uint8Array, size: number): Generator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += size) yield data.subarray(offset, offset + size)
}

/**
 * Sends every message, and waits for `bufferedamountlow` whenever too many bytes are queued.
 *
 * @returns true when all was handed to the channel; false if the channel was closed before that
 */
export async function sendAll(channel: RTCDataChannel, messages: Iterable<Uint8Array>): Promise<boolean> {
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES
  for (const message of messages) {
    if (channel.bufferedAmount > HIGH_WATER_BYTES) await bufferedAmountLow(channel)
    if (channel.readyState !== 'open') return false
    channel.send(message as Uint8Array<ArrayBuffer>)
  }
  return true
}

/** Resolves at the next `bufferedamountlow`, or when the channel closes: then there is nothing left to wait for. */
function bufferedAmountLow(channel: RTCDataChannel): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      channel.removeEventListener('bufferedamountlow', done)
      channel.removeEventListener('close', done)
      resolve()
    }
    channel.addEventListener('bufferedamountlow', done)
    channel.addEventListener('close', done)
  })
}
