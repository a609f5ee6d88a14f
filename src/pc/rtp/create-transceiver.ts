import { Transceiver, type TransceiverInit } from './transceiver.ts'

export { createEncoding } from './encodings.ts'
export type { TransceiverInit } from './transceiver.ts'

/** webrtc-pc §5.2, §5.3, §5.4: creates a sender, a receiver and their transceiver, with SSRCs of their own. */
export function createTransceiver(init: TransceiverInit): Transceiver {
  return new Transceiver(init)
}
