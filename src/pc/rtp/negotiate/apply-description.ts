import type { AppliedMedia } from '../../negotiation/media-negotiation.ts'
import { codecsMatch } from '../codec-dictionary-match.ts'
import { fallbackMode } from '../scalability-modes.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { CreateTransceiver } from '../transceivers.ts'
import { applyLocal } from './apply-local.ts'
import { applyRemote } from './apply-remote.ts'
import { disassociate, type MediaState, type TransceiverRecord } from './media-state.ts'
import { isInUse } from './sections.ts'
import type { CreateEncoding } from './simulcast-envelope.ts'
import { stopTransceiver } from './stop-transceiver.ts'

/** What applying a description brings about outside of negotiation. */
export interface ApplyEffects {
  readonly createTransceiver: CreateTransceiver
  readonly createEncoding: (
    kind: TransceiverSlots['kind'],
    ...parameters: Parameters<CreateEncoding>
  ) => ReturnType<CreateEncoding>
  /** The event named `track` is due. */
  readonly fireTrack: (slots: TransceiverSlots) => void
}

/** RFC 8829 §5.9 to §5.11, webrtc-pc §4.4.1.4, steps 4.6.4 to 4.6.14, as far as they are about transceivers. */
export function applyDescription(state: MediaState, applied: AppliedMedia, effects: ApplyEffects): void {
  const { side, type, session } = applied
  // Step 4.6.4: the signaling state is stable as long as no offer is pending.
  if (type === 'offer' && state.pendingOffer === undefined) for (const record of state.records) remember(record)
  state.numbers.learn(session)
  if (side === 'local') applyLocal(state, applied)
  else applyRemote(state, applied, effects)
  if (type === 'offer') state.pendingOffer = { side, session }
  if (type === 'answer') agree(state, applied)
  state.streams.prune(
    new Set(state.records.flatMap(({ slots, stable }) => [...slots.receiver.streams, ...(stable?.streams ?? [])])),
  )
}

function remember(record: TransceiverRecord): void {
  const { slots } = record
  const [encoding, ...more] = slots.sender.encodings
  const isRidless = encoding !== undefined && more.length === 0 && encoding.parameters.rid === undefined
  record.stable = {
    mid: slots.mid,
    jsepMid: slots.jsepMid,
    mLineIndex: slots.mLineIndex,
    isPlaced: record.isPlaced,
    receptive: slots.receptive,
    negotiated: slots.negotiated,
    ridlessEncodings: isRidless ? slots.sender.encodings : undefined,
    streams: slots.receiver.streams,
  }
}

/** An offer and its answer are the current descriptions now. */
function agree(state: MediaState, { side, session, offer }: AppliedMedia): void {
  if (offer === undefined) throw new TypeError('an answer comes with its offer')
  state.current =
    side === 'local'
      ? { local: session, remote: offer, answerer: 'local' }
      : { local: offer, remote: session, answerer: 'remote' }
  state.pendingOffer = undefined
  state.promised = new Map()
  // RFC 8829 §5.2.2 makes no section for a transceiver that was stopped before it had one. webrtc-pc §4.7.3, step 5.1
  // would ask for negotiation for ever: it has ended, too.
  const isNowhere = ({ slots }: TransceiverRecord): boolean => slots.stopping && slots.mLineIndex === undefined
  for (const record of state.records) if (isNowhere(record)) stopTransceiver(state, record.slots)
  state.remove(isNowhere)
  // Step 4.6.13: the section of a transceiver that has stopped is free for others
  const { local, remote } = state.current
  const isOver = ({ slots: { stopped, mLineIndex } }: TransceiverRecord): boolean => {
    if (!stopped || mLineIndex === undefined) return false
    return !isInUse(local.media[mLineIndex]) || !isInUse(remote.media[mLineIndex])
  }
  const over = new Set(state.records.filter(isOver))
  state.remove(record => over.has(record))
  // RFC 8829 §3.4.1: it has stopped and is disassociated
  for (const record of over) disassociate(record)
  for (const record of state.records) {
    record.stable = undefined
    record.isProvisional = false
    dropUnknownCodecs(record.slots)
    settleScalability(record.slots)
  }
}

/** Step 4.6.14.2: a codec that was not negotiated is not asked for any more. */
function dropUnknownCodecs({ sender }: TransceiverSlots): void {
  if (sender.codecs.length === 0) return
  for (const encoding of sender.encodings) {
    const { codec, ...rest } = encoding.parameters
    if (codec !== undefined && !sender.codecs.some(each => codecsMatch(each, codec, true))) encoding.parameters = rest
  }
}

/** webrtc-svc §4.2.3: a mode that the negotiated codec has not got gives way to one that it has. */
function settleScalability({ sender }: TransceiverSlots): void {
  for (const encoding of sender.encodings) {
    const scalabilityMode = fallbackMode(encoding.parameters, sender.codecs)
    if (scalabilityMode !== undefined) encoding.parameters = { ...encoding.parameters, scalabilityMode }
  }
}
