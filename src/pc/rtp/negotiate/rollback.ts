import type { TransceiverSlots } from '../slots.ts'
import { disassociate, type MediaState, type TransceiverRecord } from './media-state.ts'
import { processRemoteTracks } from './remote-tracks.ts'
import { stopTransceiver } from './stop-transceiver.ts'

/** RFC 8829 §5.7, webrtc-pc §4.4.1.4, step 4.6.12: as if the pending offer had not been. */
export function rollBack(state: MediaState, fireTrack: (slots: TransceiverSlots) => void): void {
  const { pendingOffer } = state
  if (pendingOffer === undefined) return
  for (const record of state.records) {
    if (!record.slots.stopped) goBack(state, record, pendingOffer.side === 'remote', fireTrack)
  }
  // Step 4.6.12.3.7
  const isDoomed = (record: TransceiverRecord): boolean => record.isProvisional && !record.hasTrack
  for (const record of state.records) if (isDoomed(record)) stopTransceiver(state, record.slots)
  state.remove(isDoomed)
  for (const record of state.records) {
    // RFC 8829 §5.10: what is left of the offer has been made by addTrack() alone, and serves the next one
    if (record.isProvisional) record.slots.addedByTrack = true
    record.stable = undefined
    record.isProvisional = false
  }
  state.pendingOffer = undefined
}

function goBack(
  state: MediaState,
  record: TransceiverRecord,
  isRemote: boolean,
  fireTrack: (slots: TransceiverSlots) => void,
): void {
  const { slots, stable } = record
  // Step 4.6.12.3.1
  if (stable?.mLineIndex === undefined) disassociate(record)
  else {
    state.place(record, stable.mLineIndex)
    slots.mid = stable.mid
    slots.jsepMid = stable.jsepMid
  }
  // Steps 4.6.12.3.2 and 4.6.12.3.4: the transports themselves follow when sections are connected again.
  record.isPlaced = stable?.isPlaced ?? false
  // Step 4.6.12.3.3
  const hasRids = slots.sender.encodings.some(({ parameters }) => parameters.rid !== undefined)
  if (stable?.ridlessEncodings !== undefined && hasRids) slots.sender.encodings = stable.ridlessEncodings
  // Step 4.6.12.3.5; RFC 8829 §5.7: media is processed according to the previous descriptions
  slots.negotiated = stable?.negotiated
  slots.receptive = stable?.receptive ?? false
  // Step 4.6.12.3.6
  if (isRemote) {
    const ids = stable?.streams.map(({ id }) => id) ?? []
    processRemoteTracks(state, slots, slots.currentDirection, ids, fireTrack)
  }
}
