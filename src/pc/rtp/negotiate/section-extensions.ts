import {
  answerHeaderExtensions,
  type LocalHeaderExtension,
  type SdpHeaderExtension,
  type SdpRtpMedia,
  sends,
} from '../../../sdp/index.ts'
import type { RTCRtpHeaderExtensionCapability, RTCRtpHeaderExtensionParameters } from '../parameters.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { OfferNumbers } from './number-space.ts'

/** webrtc-extensions §5.1: the header extensions that a transceiver is to have; those that are `stopped` are left out. */
function wantedExtensions({ headerExtensionsToNegotiate }: TransceiverSlots): readonly LocalHeaderExtension[] {
  return headerExtensionsToNegotiate.flatMap(({ uri, direction }) =>
    direction === 'stopped' ? [] : [{ uri, direction }],
  )
}

/**
 * The a=extmap lines of an offer.
 *
 * webrtc-extensions §5.1, in the place of RFC 8829 §5.2.1 and §5.2.2: those that the transceiver is to have.
 *
 * @param own those that the section has now
 */
export function offeredExtensions(
  slots: TransceiverSlots,
  numbers: OfferNumbers,
  own: readonly SdpHeaderExtension[],
): readonly SdpHeaderExtension[] {
  return wantedExtensions(slots).flatMap(({ uri, direction = 'sendrecv' }) => {
    const id = numbers.extensionId(uri, own)
    if (id === undefined) return []
    // RFC 8285 §5: both ways need not be said
    return [{ id, uri, encrypted: false, ...(direction === 'sendrecv' ? {} : { direction }) }]
  })
}

/** The a=extmap lines of an answer. */
export function answeredExtensions(slots: TransceiverSlots, offer: SdpRtpMedia): readonly SdpHeaderExtension[] {
  return answerHeaderExtensions(offer.headerExtensions, wantedExtensions(slots), offer.extmapAllowMixed)
}

/** webrtc-extensions §5.1: the steps when an answer is applied. */
export function settleExtensions(slots: TransceiverSlots, agreed: readonly SdpHeaderExtension[]): void {
  const directions = new Map(agreed.map(({ uri, direction }) => [uri, direction ?? 'sendrecv']))
  const negotiated = slots.headerExtensionsToNegotiate.map(({ uri }): RTCRtpHeaderExtensionCapability => {
    return { uri, direction: directions.get(uri) ?? 'stopped' }
  })
  slots.negotiatedHeaderExtensions = negotiated
  slots.headerExtensionsToNegotiate = negotiated
}

/** webrtc-pc §5.2.7: the header extensions of what is sent. */
export function sentExtensions(agreed: readonly SdpHeaderExtension[]): readonly RTCRtpHeaderExtensionParameters[] {
  const sent = agreed.filter(({ direction = 'sendrecv' }) => sends(direction))
  return sent.map(({ uri, id, encrypted }) => ({ uri, id, encrypted }))
}
