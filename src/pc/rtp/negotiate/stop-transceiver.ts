import type { TransceiverSlots } from '../slots.ts'
import type { MediaState } from './media-state.ts'

/** webrtc-pc §5.4: stop the RTCRtpTransceiver. The events of the track are for later: see `MediaEvents`. */
export function stopTransceiver(state: MediaState, slots: TransceiverSlots): void {
  // Step 2
  if (!slots.stopping) stopSendingAndReceiving(state, slots)
  // Steps 3 to 6
  slots.stopped = true
  slots.receptive = false
  slots.currentDirection = null
  slots.receiver.streams = []
  slots.negotiated = undefined
  slots.sender.negotiated(undefined)
  slots.receiver.negotiated(undefined)
}

/** webrtc-pc §5.4: stop sending and receiving. The RTCP BYE leaves when the session is configured without the section. */
function stopSendingAndReceiving(state: MediaState, slots: TransceiverSlots): void {
  // Steps 3 and 4
  slots.sender.stopSending()
  slots.receiver.stopReceiving()
  // Step 5
  state.events.ended.push(slots.receiver)
  // Steps 6 and 7
  slots.direction = 'inactive'
  slots.stopping = true
}
