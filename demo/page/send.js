/** Bytes that may wait in a channel before a sender pauses, and the level at which it goes on. */
const HIGH_WATER_BYTES = 1024 * 1024
const LOW_WATER_BYTES = 256 * 1024
export const MESSAGE_BYTES = 64 * 1024

/**
 * Sends every message of an iterable, and waits for `bufferedamountlow` whenever too many bytes are queued.
 *
 * @returns true when all was handed to the channel; false if the channel was closed before that
 */
export async function sendAll(channel, messages, meter) {
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES
  for (const message of messages) {
    if (channel.bufferedAmount > HIGH_WATER_BYTES) await bufferedAmountLow(channel)
    if (channel.readyState !== 'open') return false
    channel.send(message)
    meter.count(message.byteLength)
  }
  return true
}

function bufferedAmountLow(channel) {
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
