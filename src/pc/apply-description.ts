import type { SdpSession, SdpSetup } from '../sdp/index.ts'
import { effectiveTransport } from '../sdp/index.ts'
import { bundleGroups, isCarried } from './negotiation/bundle-plan.ts'

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
 * RFC 9143 §7.3 and §7.4: an answer bundles what the offer bundles, and leaves no section without a transport.
 *
 * @param bringsTransport whether a section of the offer has a transport of its own
 * @throws {DOMException} InvalidAccessError
 */
export function checkAnswerBundling(
  offer: SdpSession,
  answer: SdpSession,
  bringsTransport: (index: number) => boolean,
): void {
  const offered = bundleGroups(offer)
  const answered = bundleGroups(answer)
  for (const group of answered) {
    if (!offered.some(whole => group.every(index => whole.includes(index)))) {
      throw invalid('the answer bundles sections that were not offered in one group')
    }
  }
  const bundled = new Set(answered.flat())
  answer.media.forEach((section, index) => {
    if (section.port === 0 || bundled.has(index) || !isCarried(section)) return
    // RFC 9143 §7.3.2: what is offered bundle-only, or was bundled before, cannot be taken out in an answer
    if (!bringsTransport(index)) throw invalid(`m= section ${index} was offered only if bundled`)
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

function invalid(message: string): DOMException {
  return new DOMException(message, 'InvalidAccessError')
}
