import { answerDirection, reverseDirection, type SdpMedia, type SdpSession, sends } from '../../../sdp/index.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { MediaState, Side } from './media-state.ts'
import { directionOf, isInUse, isRejected, rtpOf } from './sections.ts'

/** webrtc-pc §4.7.3: step 5 of "check if negotiation is needed". */
export function isNegotiationNeeded(
  state: MediaState,
  local: SdpSession | undefined,
  remote: SdpSession | undefined,
): boolean {
  return state.records.some(({ slots }) => needsNegotiation(slots, local, remote, state.current?.answerer))
}

function needsNegotiation(
  slots: TransceiverSlots,
  local: SdpSession | undefined,
  remote: SdpSession | undefined,
  answerer: Side | undefined,
): boolean {
  const { stopping, stopped, mLineIndex } = slots
  // Step 5.1
  if (stopping && !stopped) return true
  const section = mLineIndex === undefined ? undefined : local?.media[mLineIndex]
  const peer = mLineIndex === undefined ? undefined : remote?.media[mLineIndex]
  // Step 5.4
  if (stopped) return section !== undefined && !isRejected(section) && !(peer !== undefined && isRejected(peer))
  // Step 5.2
  if (local === undefined || section === undefined) return true
  // Step 5.3.1
  if (slots.direction !== 'stopped' && sends(slots.direction) && !hasStreams(local, section, slots)) return true
  const offered = remote === undefined || peer === undefined ? undefined : directionOf(remote, peer)
  const described = directionOf(local, section)
  // Step 5.3.3
  if (answerer === 'local') {
    return slots.direction !== 'stopped' && described !== answerDirection(offered, slots.direction)
  }
  // Step 5.3.2
  const answered = offered === undefined ? undefined : reverseDirection(offered)
  return described !== slots.direction && answered !== slots.direction
}

/** Whether the a=msid lines of a section are those that the sender would have now. */
function hasStreams(session: SdpSession, section: SdpMedia, { sender }: TransceiverSlots): boolean {
  if (!isInUse(section)) return false
  const { streams } = rtpOf(session, section)
  if (streams.length === 0) return false
  const described = new Set(streams.map(({ id }) => id).filter(id => id !== '-'))
  return described.size === sender.streamIds.length && sender.streamIds.every(id => described.has(id))
}
