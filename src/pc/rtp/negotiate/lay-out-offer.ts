import { isDataSection, type SdpMedia, type SdpRtpMedia, type SdpSession, sends } from '../../../sdp/index.ts'
import type { OfferedSection, OfferLayout } from '../../negotiation/media-negotiation.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { MediaState, TransceiverRecord } from './media-state.ts'
import { MidGenerator } from './mid-generator.ts'
import type { OfferNumbers } from './number-space.ts'
import { mediaSection, rejectedSection, type SectionParts } from './rtp-section.ts'
import { encodingCodecs, sectionCodecs } from './section-codecs.ts'
import { offeredExtensions } from './section-extensions.ts'
import { isInUse, isRejected, rtpOf } from './sections.ts'

/** RFC 8829 §5.2: the sections of the next offer. Which transceivers they are for is remembered as promised. */
export function layOutOffer(state: MediaState, layout: OfferLayout): readonly OfferedSection[] {
  const offer = new OfferInTheMaking(state, layout)
  const sections = offer.sections()
  state.promised = offer.promised
  return sections
}

class OfferInTheMaking {
  readonly promised = new Map<number, TransceiverRecord>()
  readonly #state: MediaState
  readonly #layout: OfferLayout
  readonly #numbers: OfferNumbers
  readonly #mids: MidGenerator
  /** Transceivers that need a section. */
  readonly #waiting: TransceiverRecord[]
  #hasData: boolean

  constructor(state: MediaState, layout: OfferLayout) {
    this.#state = state
    this.#layout = layout
    this.#numbers = state.numbers.forOffer()
    const descriptions = [layout.previousLocal, layout.previousRemote]
    this.#mids = new MidGenerator(
      descriptions,
      state.records.map(({ slots }) => slots.mid),
    )
    // webrtc-pc §5.4 stop: for an offer, stopping is as good as stopped
    this.#waiting = state.records.filter(
      ({ slots }) => !slots.stopping && !slots.stopped && slots.mLineIndex === undefined,
    )
    this.#hasData = this.#places().some((section, index) => isUsedForData(section) && !this.#isRecyclable(index))
  }

  sections(): readonly OfferedSection[] {
    const sections = this.#places().map((was, index) => this.#continued(was, index))
    // webrtc-extensions §15.3, in RFC 8829 §5.2.1: before the sections of transceivers
    if (sections.length === 0 && this.#layout.dataFirst === true) sections.push(this.#data())
    // RFC 8829 §5.2.1: in the order in which the transceivers were added
    for (const record of this.#waiting.splice(0)) sections.push(this.#added(record, sections.length))
    // RFC 8829 §5.2.1: lastly, data
    if (this.#layout.wantsData && !this.#hasData) sections.push(this.#data())
    return sections
  }

  #data(): OfferedSection {
    this.#hasData = true
    return { type: 'data', mid: this.#mids.next() }
  }

  /** The sections of before, as the latest description of each has it. */
  #places(): readonly SdpMedia[] {
    const { previousLocal, previousRemote } = this.#layout
    const local = previousLocal?.media ?? []
    return [...local, ...(previousRemote?.media ?? []).slice(local.length)]
  }

  /** RFC 8829 §5.2.2: what comes in the place of a section that was there before. */
  #continued(was: SdpMedia, index: number): OfferedSection {
    const record = this.#state.at(index)
    if (record !== undefined && !isOver(record.slots)) {
      return this.#media(record, index, record.slots.mid ?? this.#mids.next())
    }
    if (this.#isRecyclable(index)) return this.#recycled(was, index)
    if (isUsedForData(was) && was.mid !== undefined) return { type: 'data', mid: was.mid }
    return { type: 'rejected', section: rejectedSection(was) }
  }

  /**
   * RFC 8829 §5.2.2: a section that one side has rejected, in the descriptions that are current, is used again for
   * whatever has been added; RFC 3264 §8.2 permits data as well.
   */
  #recycled(was: SdpMedia, index: number): OfferedSection {
    const record = this.#waiting.shift()
    if (record !== undefined) return this.#added(record, index)
    if (this.#layout.wantsData && !this.#hasData) return this.#data()
    return { type: 'rejected', section: rejectedSection(was) }
  }

  #isRecyclable(index: number): boolean {
    const { current, pendingOffer } = this.#state
    const rejects = (session: SdpSession | undefined): boolean => {
      const section = session?.media[index]
      return section !== undefined && isRejected(section)
    }
    if (!rejects(current?.local) && !rejects(current?.remote)) return false
    // The offer that is pending may have recycled it already.
    return pendingOffer?.side !== 'local' || rejects(pendingOffer.session)
  }

  /** RFC 8829 §5.2.1: a section for a transceiver that had none; its mid is only proposed. */
  #added(record: TransceiverRecord, index: number): OfferedSection {
    this.promised.set(index, record)
    return this.#media(record, index, this.#mids.next())
  }

  #media(record: TransceiverRecord, index: number, mid: string): OfferedSection {
    const { slots } = record
    // Only a transceiver that has ended is `stopped`; those get no section.
    const direction = slots.direction === 'stopped' ? 'inactive' : slots.direction
    const frame = { kind: slots.kind, protocol: 'UDP/TLS/RTP/SAVPF', mid, direction }
    return { type: 'media', section: mediaSection(frame, this.#parts(record, index), record, this.#state.host.cname) }
  }

  #parts(record: TransceiverRecord, index: number): SectionParts {
    const { slots } = record
    const isNew = slots.mLineIndex === undefined
    const own = isNew ? undefined : sectionRtp(this.#layout.previousLocal ?? this.#layout.previousRemote, index)
    const answer = isNew ? undefined : this.#lastAnswer(index)
    const { codecs } = sectionCodecs(slots.kind, slots.preferredCodecs, encodingCodecs(slots), answer)
    return {
      codecs: this.#numbers.payloadTypes(codecs, own?.codecs ?? []),
      headerExtensions: offeredExtensions(slots, this.#numbers, own?.headerExtensions ?? []),
      extmapAllowMixed: true,
      // RFC 8829 §5.2.2: not again if the answer did not have it
      rtcpRsize: answer?.rtcpRsize ?? true,
      ...offeredSimulcast(slots),
    }
  }

  #lastAnswer(index: number): SdpRtpMedia | undefined {
    const { current } = this.#state
    return current === undefined ? undefined : sectionRtp(current[current.answerer], index)
  }
}

/**
 * RFC 8829 §5.2.1: a rid for each encoding that has one, and a simulcast if there are several. webrtc-pc §4.4.2: in the
 * order of the encodings, without restrictions.
 */
function offeredSimulcast(slots: TransceiverSlots): Pick<SdpRtpMedia, 'rids' | 'simulcast'> {
  if (slots.direction === 'stopped' || !sends(slots.direction)) return { rids: [] }
  const rids = slots.sender.encodings.flatMap(({ parameters }) => parameters.rid ?? [])
  return {
    rids: rids.map(id => ({ id, direction: 'send', restrictions: [] })),
    ...(rids.length < 2 ? {} : { simulcast: { send: rids.map(rid => [{ rid, paused: false }]) } }),
  }
}

function sectionRtp(session: SdpSession | undefined, index: number): SdpRtpMedia | undefined {
  const section = session?.media[index]
  return session !== undefined && isInUse(section) ? rtpOf(session, section) : undefined
}

function isOver(slots: TransceiverSlots): boolean {
  return slots.stopping || slots.stopped
}

/** RFC 8841 §10.2: SCTP port zero closes the association. */
function isUsedForData(section: SdpMedia): boolean {
  return isDataSection(section) && !isRejected(section) && section.sctpPort !== 0
}
