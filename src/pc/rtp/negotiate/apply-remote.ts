import { isRtpSection, receives, reverseDirection, type SdpDirection, type SdpMedia } from '../../../sdp/index.ts'
import type { AppliedMedia } from '../../negotiation/media-negotiation.ts'
import type { RTCRtpEncodingParameters } from '../parameters.ts'
import type { ApplyEffects } from './apply-description.ts'
import {
  associate,
  disassociate,
  inheritedExtensions,
  type MediaState,
  setCurrentDirection,
  type TransceiverRecord,
} from './media-state.ts'
import { MidGenerator } from './mid-generator.ts'
import { settleSection } from './negotiated-section.ts'
import { processRemoteTracks, remoteStreamIds } from './remote-tracks.ts'
import { directionOf, isInUse, isRejected, rtpOf } from './sections.ts'
import { defaultEncoding } from './send-encodings.ts'
import { adoptEnvelope, narrowEnvelope, proposedEnvelope } from './simulcast-envelope.ts'
import { stopTransceiver } from './stop-transceiver.ts'

/** RFC 8829 §5.10, webrtc-pc §4.4.1.4, step 4.6.11.2: transceivers follow a description of the peer. */
export function applyRemote(state: MediaState, applied: AppliedMedia, effects: ApplyEffects): void {
  applied.session.media.forEach((section, index) => {
    if (!isRtpSection(section)) return
    const record = applied.type === 'offer' ? transceiverForOffer(state, applied, index, effects) : state.at(index)
    if (record === undefined || record.slots.stopped) return
    applySection(state, record, applied, index, effects)
  })
}

function applySection(
  state: MediaState,
  record: TransceiverRecord,
  applied: AppliedMedia,
  index: number,
  effects: ApplyEffects,
): void {
  const { slots } = record
  const { session, type } = applied
  const section = session.media[index]
  // Steps 4.6.11.2.10 and 4.6.11.2.11: as this side sees it; nothing is received where a section is rejected.
  const direction = section === undefined ? 'inactive' : reverseDirection(directionOf(session, section))
  const rtp = isInUse(section) ? rtpOf(session, section) : undefined
  const ids = remoteStreamIds(state, rtp, direction)
  // Step 4.6.11.2.12
  processRemoteTracks(state, slots, direction, ids, effects.fireTrack)
  if (rtp === undefined) {
    // Step 4.6.11.2.15
    stopTransceiver(state, slots)
    return
  }
  if (type !== 'offer') applyAnsweredSection(record, applied, index, direction)
}

/** Steps 4.6.11.2.8 and 4.6.11.2.14. */
function applyAnsweredSection(
  record: TransceiverRecord,
  { session, offer, type }: AppliedMedia,
  index: number,
  direction: SdpDirection,
): void {
  const { slots } = record
  const [section, offered] = [session.media[index], offer?.media[index]]
  if (offer === undefined || !isInUse(section) || !isInUse(offered)) return
  const [local, remote] = [rtpOf(offer, offered), rtpOf(session, section)]
  record.isPlaced = true
  narrowEnvelope(slots, local, remote, direction)
  setCurrentDirection(record, direction)
  const source = { remoteSession: session, remoteSection: section }
  settleSection(record, { mid: slots.mid ?? '', local, remote, direction, isFinal: type === 'answer', ...source })
}

/** Steps 4.6.11.2.1 to 4.6.11.2.9: the transceiver that a section of an offer is for. */
function transceiverForOffer(
  state: MediaState,
  { session }: AppliedMedia,
  index: number,
  effects: ApplyEffects,
): TransceiverRecord | undefined {
  const section = session.media[index]
  if (section === undefined) return undefined
  const associated = state.at(index)
  // RFC 8829 §5.10: the section is recycled
  const isRecycled = associated !== undefined && section.mid !== undefined && associated.slots.mid !== section.mid
  if (isRecycled) disassociate(associated)
  const known = isRecycled ? undefined : associated
  // Of a section that was never used, or is not any more, there is nothing to represent.
  if (isRejected(section)) return known
  const direction = directionOf(session, section)
  const kind = section.kind === 'audio' ? 'audio' : 'video'
  const proposed = proposedEnvelope(kind, rtpOf(session, section))
  const found = known ?? findUnused(state, kind, direction)
  if (found !== undefined) {
    // Step 4.6.11.2.6
    adoptEnvelope(found.slots, proposed, parameters => effects.createEncoding(kind, parameters))
  }
  const record = found ?? create(state, kind, proposed, effects)
  if (known === undefined) associate(state, record, index, section.mid ?? newMid(state, session.media))
  return record
}

/** RFC 8829 §5.10: one that addTrack() has added, and that has no section yet. */
function findUnused(state: MediaState, kind: 'audio' | 'video', offered: SdpDirection): TransceiverRecord | undefined {
  if (!receives(offered)) return undefined
  return state.records.find(
    ({ slots }) =>
      slots.addedByTrack && slots.kind === kind && slots.mLineIndex === undefined && !slots.stopping && !slots.stopped,
  )
}

/** Step 4.6.11.2.7 */
function create(
  state: MediaState,
  kind: 'audio' | 'video',
  proposed: readonly RTCRtpEncodingParameters[],
  { createTransceiver }: ApplyEffects,
): TransceiverRecord {
  const slots = createTransceiver({
    kind,
    direction: 'recvonly',
    track: null,
    streamIds: [],
    encodings: proposed.length === 0 ? [defaultEncoding(kind)] : proposed,
    addedByTrack: false,
    ...inheritedExtensions(state, kind),
    host: state.host,
  })
  return state.add(slots, { hasTrack: false, isProvisional: true })
}

/** RFC 8829 §5.10: a name for a section of a peer that gives it none. */
function newMid(state: MediaState, sections: readonly SdpMedia[]): string {
  const taken = [...sections.map(({ mid }) => mid ?? null), ...state.records.map(({ slots }) => slots.mid)]
  return new MidGenerator([], taken).next()
}
