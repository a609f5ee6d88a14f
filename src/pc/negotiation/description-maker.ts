import { isDataSection, isRtpSection, type SdpFingerprint, type SdpOrigin, type SdpSession } from '../../sdp/index.ts'
import { answererSetup } from '../apply-description.ts'
import type { RTCBundlePolicy, RTCRtcpMuxPolicy } from '../configuration.ts'
import {
  type AcceptedSection,
  answerGroups,
  createAnswer,
  createOffer,
  type LocalDataDescription,
  type OfferedLines,
} from '../create-description.ts'
import { acceptable, type OfferedTransport, planOffer } from './bundle-plan.ts'
import { withHeaderEncryption } from './header-encryption.ts'
import type { MediaNegotiation, OfferedSection } from './media-negotiation.ts'
import { findDataSection, readRemoteTransport } from './remote-section.ts'
import type { SectionTransport } from './section-transport.ts'
import type { SectionTransports } from './section-transports.ts'
import type { LocalTransportDescription } from './write-transport.ts'

export interface DescriptionMakerOptions {
  readonly transports: SectionTransports
  readonly media: MediaNegotiation
  readonly localData: LocalDataDescription
  readonly bundlePolicy: RTCBundlePolicy
  readonly rtcpMuxPolicy: RTCRtcpMuxPolicy
  readonly iceLite: boolean
  readonly iceRenomination: boolean
}

/** Puts offers and answers together: the sections of media and data, and what each says of its transport. */
export class DescriptionMaker {
  readonly #options: DescriptionMakerOptions

  constructor(options: DescriptionMakerOptions) {
    this.#options = options
  }

  /** RFC 8829 §5.2 */
  offer(origin: SdpOrigin, sections: readonly OfferedSection[], fingerprints: readonly SdpFingerprint[]): SdpSession {
    const { transports, bundlePolicy, iceLite, localData } = this.#options
    const places = sections.map((section, index) => ({ kind: kindOf(section), transport: transports.at(index) }))
    const plan = planOffer(bundlePolicy, places)
    const lines = plan.sections.map((section, index) => {
      const isNew = transports.at(index) === undefined
      const tag = section.type === 'bundle-only' ? plan.groups.find(group => group.includes(index))?.[0] : index
      const carrier = { section: plan.sections[tag ?? index] ?? section, index: tag ?? index }
      return this.#offeredLines(section, carrier, isNew, fingerprints)
    })
    const offer = createOffer({ origin, iceLite, sections, lines, groups: plan.groups, data: localData })
    return withHeaderEncryption(offer)
  }

  /** RFC 8829 §5.3 */
  answer(origin: SdpOrigin, offer: SdpSession, fingerprints: readonly SdpFingerprint[]): SdpSession {
    const { transports, iceLite, localData } = this.#options
    const permitted = this.permitted(offer)
    const dataIndex = findDataSection(offer)
    const sections = offer.media.map((_, index) =>
      permitted[index] === true && index !== dataIndex ? this.#options.media.answerSection(offer, index) : undefined,
    )
    const isAccepted = (index: number): boolean =>
      permitted[index] === true && (index === dataIndex || sections[index] !== undefined)
    const groups = answerGroups(offer, isAccepted, index => transports.at(index))
    const kept = new Set(groups.map(([tag]) => tag))
    const accepted = offer.media.map((_, index) => {
      const transport = transports.at(index)
      if (transport === undefined || !(isAccepted(index) || kept.has(index))) return undefined
      return this.#acceptedSection(offer, transport, sections[index], fingerprints)
    })
    const answer = createAnswer({ origin, iceLite, offer, accepted, dataIndex, groups, data: localData })
    return withHeaderEncryption(answer, offer)
  }

  /** Which of the offered sections may be accepted at all. */
  permitted(offer: SdpSession): boolean[] {
    const dataIndex = findDataSection(offer)
    return acceptable(this.#options.bundlePolicy, offer).map((permitted, index) => {
      const section = offer.media[index]
      // RFC 8831 §6.2: one association for all data channels
      return permitted && (index === dataIndex || (section !== undefined && !isDataSection(section)))
    })
  }

  /** @param carrier the section whose transport it is on, and its index */
  #offeredLines(
    section: OfferedTransport<SectionTransport>,
    carrier: { readonly section: OfferedTransport<SectionTransport>; readonly index: number },
    isNew: boolean,
    fingerprints: readonly SdpFingerprint[],
  ): OfferedLines {
    if (section.type === 'rejected') return section
    const { rtcpMuxPolicy } = this.#options
    const transport = 'transport' in carrier.section ? carrier.section.transport : undefined
    // RFC 8829 §5.2.2: a section says of rtcp-mux what the last answer said; rtcp-mux-only is for new ones
    const mux = section.type === 'bundle-only' || transport?.isNegotiated !== true || transport.rtcp === undefined
    const described =
      transport === undefined ? this.#describeNew(carrier.index, fingerprints) : this.#describe(transport, fingerprints)
    return {
      type: section.type,
      transport: described,
      rtcp: { mux, muxOnly: rtcpMuxPolicy === 'require' && isNew },
    }
  }

  #acceptedSection(
    offer: SdpSession,
    transport: SectionTransport,
    media: AcceptedSection['media'],
    fingerprints: readonly SdpFingerprint[],
  ): AcceptedSection {
    const { setup } = readRemoteTransport(offer, transport.mLineIndex, 'offer')
    return {
      media,
      transport: this.#describe(transport, fingerprints),
      setup: answererSetup(setup, transport.dtlsRole),
      rtcp: { mux: transport.rtcp === undefined, muxOnly: false },
    }
  }

  #describeNew(index: number, fingerprints: readonly SdpFingerprint[]): LocalTransportDescription {
    const { transports, iceRenomination, rtcpMuxPolicy } = this.#options
    return {
      ice: transports.promise(index),
      iceRenomination,
      fingerprints,
      candidates: [],
      endOfCandidates: false,
      hasRtcp: rtcpMuxPolicy === 'negotiate',
    }
  }

  #describe(transport: SectionTransport, fingerprints: readonly SdpFingerprint[]): LocalTransportDescription {
    const { iceRenomination } = this.#options
    const { nextIce } = transport
    return {
      ice: nextIce ?? transport.iceParameters,
      iceRenomination,
      fingerprints,
      candidates: nextIce === undefined ? transport.localCandidates : [],
      endOfCandidates: nextIce === undefined && transport.isGatheringComplete,
      hasRtcp: transport.rtcp !== undefined,
    }
  }
}

/** What the bundle policy goes by; undefined for a place that is not used. */
function kindOf(section: OfferedSection): string | undefined {
  if (section.type === 'data') return 'application'
  return section.type === 'media' && isRtpSection(section.section) ? section.section.kind : undefined
}
