import { isRtpSection, receives, type SdpMedia } from '../../../sdp/index.ts'
import type { AppliedMedia } from '../../negotiation/media-negotiation.ts'
import { associate, type MediaState, setCurrentDirection, type TransceiverRecord } from './media-state.ts'
import { settleSection, widenSection } from './negotiated-section.ts'
import { processRemoval, setRemoteStreams } from './remote-tracks.ts'
import { directionOf, isInUse, isRejected, rtpOf } from './sections.ts'
import { narrowEnvelope } from './simulcast-envelope.ts'
import { stopTransceiver } from './stop-transceiver.ts'

/** RFC 8829 §5.9, webrtc-pc §4.4.1.4, step 4.6.11.1: transceivers follow a description of this side. */
export function applyLocal(state: MediaState, applied: AppliedMedia): void {
  applied.session.media.forEach((section, index) => {
    if (!isRtpSection(section)) return
    const record = transceiverOf(state, applied, section, index)
    // Step 4.6.11.1.3
    if (record === undefined || record.slots.stopped) return
    if (applied.type === 'offer') applyOfferedSection(record, applied, section)
    else applyAnsweredSection(state, record, applied, index)
  })
}

/** RFC 8829 §5.9: the one that is associated with the section, or that createOffer has promised it to. */
function transceiverOf(
  state: MediaState,
  { type }: AppliedMedia,
  section: SdpMedia,
  index: number,
): TransceiverRecord | undefined {
  const record = state.at(index)
  if (type !== 'offer' || section.mid === undefined || record?.slots.mid === section.mid) return record
  const promised = state.promised.get(index)
  // It may have been given to a section of the peer meanwhile.
  if (promised === undefined || !state.records.includes(promised) || promised.slots.mLineIndex !== undefined)
    return record
  associate(state, promised, index, section.mid)
  return promised
}

function applyOfferedSection(record: TransceiverRecord, { session }: AppliedMedia, section: SdpMedia): void {
  const { slots } = record
  const direction = directionOf(session, section)
  record.isPlaced = true
  // Step 4.6.11.1.5
  slots.receptive = receives(direction)
  // Step 4.6.11.1.6
  if (!isRejected(section)) widenSection(slots, rtpOf(session, section), direction)
}

function applyAnsweredSection(
  state: MediaState,
  record: TransceiverRecord,
  { session, offer, type }: AppliedMedia,
  index: number,
): void {
  const { slots } = record
  const [section, offered] = [session.media[index], offer?.media[index]]
  // RFC 8829 §5.11: no media any more. The section is free for others, so nothing can come of this transceiver.
  if (!isInUse(section) || !isInUse(offered) || offer === undefined) {
    stopTransceiver(state, slots)
    return
  }
  const [local, remote] = [rtpOf(session, section), rtpOf(offer, offered)]
  const direction = directionOf(session, section)
  record.isPlaced = true
  // Step 4.6.11.1.5
  slots.receptive = receives(direction)
  // Step 4.6.11.1.7.1
  narrowEnvelope(slots, local, remote, direction)
  // Step 4.6.11.1.7.3
  if (!receives(direction) && slots.firedDirection !== null && receives(slots.firedDirection)) {
    setRemoteStreams(state, slots, [])
    processRemoval(state, slots)
  }
  // Step 4.6.11.1.7.4
  setCurrentDirection(record, direction)
  slots.firedDirection = direction
  // Steps 4.6.11.1.6 and 4.6.11.1.7.2
  slots.sender.transactionId = null
  const source = { remoteSession: offer, remoteSection: offered }
  settleSection(record, { mid: slots.mid ?? '', local, remote, direction, isFinal: type === 'answer', ...source })
}
