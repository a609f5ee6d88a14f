import type { IceParameters } from '../ice/index.ts'
import type { SdpCandidate, SdpFingerprint, SdpMedia, SdpSession, SdpSetup } from '../sdp/index.ts'
import { bundleGroup, defaultMaxMessageSize, effectiveTransport, isDataSection, taggedSection } from '../sdp/index.ts'

/** RFC 8841 §10: what the remote side says about the SCTP association and the transport it runs on. */
export interface RemoteData {
  readonly index: number
  /** The section whose transport carries it: another one only if data is bundle-only. */
  readonly transportIndex: number
  readonly transportMid: string | undefined
  readonly mid: string | undefined
  readonly ice: IceParameters
  readonly fingerprints: readonly SdpFingerprint[]
  readonly setup: SdpSetup
  readonly candidates: readonly SdpCandidate[]
  readonly endOfCandidates: boolean
  readonly sctpPort: number
  /** Bytes; Infinity if the peer takes messages of any size. */
  readonly maxMessageSize: number
}

// RFC 8841 §5.1: the port of a peer that does not name one
const defaultSctpPort = 5000

/** The index of the first usable data section, or -1. */
export function findDataSection(session: SdpSession): number {
  return session.media.findIndex(
    section =>
      isDataSection(section) &&
      // RFC 8841 §10.2: SCTP port zero closes the association
      section.sctpPort !== 0 &&
      // RFC 9143 §7.1: a bundle-only section is in use although its port is zero
      (section.port !== 0 || section.bundleOnly),
  )
}

/**
 * What a remote description says about data, or undefined if it has no usable data section.
 *
 * @throws {DOMException} InvalidAccessError if it lacks what WebRTC cannot do without
 */
export function readRemoteData(session: SdpSession, type: 'offer' | 'answer' | 'pranswer'): RemoteData | undefined {
  const index = findDataSection(session)
  const section = session.media[index]
  if (section === undefined) return undefined
  const carrier = transportSection(session, section)
  const transport = effectiveTransport(session, carrier)
  if (transport.iceUfrag === undefined || transport.icePwd === undefined) {
    throw invalid('the data section has no ICE credentials (a=ice-ufrag, a=ice-pwd)')
  }
  // RFC 8827 §6.5: a peer is known by its fingerprint alone
  if (transport.fingerprints.length === 0) throw invalid('the data section has no a=fingerprint')
  return {
    index,
    transportIndex: session.media.indexOf(carrier),
    transportMid: carrier.mid,
    mid: section.mid,
    ice: {
      usernameFragment: transport.iceUfrag,
      password: transport.icePwd,
      ...(session.iceLite ? { lite: true } : {}),
      ...(transport.iceOptions.includes('renomination') ? { renomination: true } : {}),
    },
    fingerprints: transport.fingerprints,
    setup: readSetup(transport.setup, type),
    candidates: carrier.candidates,
    endOfCandidates: transport.endOfCandidates,
    sctpPort: section.sctpPort ?? defaultSctpPort,
    maxMessageSize: readMaxMessageSize(section.maxMessageSize),
  }
}

/**
 * RFC 8829 §5.8.3 and §5.10: an answer has the sections of its offer, in the same order.
 *
 * @throws {DOMException} InvalidAccessError
 */
export function checkAnswerFits(offer: SdpSession, answer: SdpSession): void {
  if (answer.media.length !== offer.media.length) {
    throw invalid(`the answer has ${answer.media.length} m= sections, the offer ${offer.media.length}`)
  }
  offer.media.forEach((offered, index) => {
    const answered = answer.media[index]
    if (answered?.kind !== offered.kind) throw invalid(`m= section ${index} is not of the offered type`)
    if (answered.mid !== undefined && answered.mid !== offered.mid) {
      throw invalid(`m= section ${index} has not the offered mid`)
    }
    if (offered.port === 0 && !offered.bundleOnly && answered.port !== 0) {
      throw invalid(`m= section ${index} was not offered, but is accepted`)
    }
  })
}

/**
 * RFC 8829 §5.8.3: an offer keeps the sections that were there, in their order, and may add some at the end.
 *
 * @throws {DOMException} InvalidAccessError
 */
export function checkOfferContinues(previous: SdpSession | undefined, offer: SdpSession): void {
  previous?.media.forEach((before, index) => {
    const now = offer.media[index]
    if (now === undefined) throw invalid(`m= section ${index} of the last description is missing`)
    const recycled = before.port === 0 && !before.bundleOnly
    if (!recycled && (now.kind !== before.kind || now.mid !== before.mid)) {
      throw invalid(`m= section ${index} is not the one it was before`)
    }
  })
}

/** The DTLS role of the answerer. RFC 8842 §5.3: active unless the offerer or an existing association decides. */
export function answererSetup(offered: SdpSetup, current: 'client' | 'server' | undefined): 'active' | 'passive' {
  if (offered === 'active') return 'passive'
  if (offered === 'passive') return 'active'
  return current === 'server' ? 'passive' : 'active'
}

/** Only what can be changed without changing what was generated may differ. */
export function isToleratedMunging(generated: SdpSession, given: SdpSession): boolean {
  if (generated.media.length !== given.media.length) return false
  return generated.media.every((section, index) => {
    const other = given.media[index]
    if (other === undefined) return false
    const transport = effectiveTransport(generated, section)
    const otherTransport = effectiveTransport(given, other)
    return (
      section.kind === other.kind &&
      section.mid === other.mid &&
      (section.port === 0) === (other.port === 0) &&
      transport.iceUfrag === otherTransport.iceUfrag &&
      transport.icePwd === otherTransport.icePwd &&
      transport.setup === otherTransport.setup &&
      section.sctpPort === other.sctpPort &&
      JSON.stringify(transport.fingerprints) === JSON.stringify(otherTransport.fingerprints)
    )
  })
}

/** RFC 9143 §7.1.3: a bundle-only section uses the transport of the section that the group is tagged with. */
function transportSection(session: SdpSession, section: SdpMedia): SdpMedia {
  if (!section.bundleOnly || section.iceUfrag !== undefined) return section
  const group = bundleGroup(session, section)
  return (group === undefined ? undefined : taggedSection(session, group)) ?? section
}

function readSetup(setup: SdpSetup | undefined, type: 'offer' | 'answer' | 'pranswer'): SdpSetup {
  // RFC 8842 §5.2 and §5.3: an offer may leave the role open, an answer must choose
  if (setup === undefined) {
    if (type === 'offer') return 'actpass'
    throw invalid('the answer has no a=setup')
  }
  if (setup === 'holdconn') throw invalid('a=setup:holdconn cannot be used with DTLS')
  if (type !== 'offer' && setup === 'actpass') throw invalid('an answer with a=setup:actpass leaves the DTLS role open')
  return setup
}

function readMaxMessageSize(size: number | undefined): number {
  if (size === undefined) return defaultMaxMessageSize
  // RFC 8841 §6.1: zero means that messages of any size are taken
  return size === 0 ? Number.POSITIVE_INFINITY : size
}

function invalid(message: string): DOMException {
  return new DOMException(message, 'InvalidAccessError')
}
