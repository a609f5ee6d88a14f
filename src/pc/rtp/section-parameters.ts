import type { SessionCodec } from '../../rtp/session/types.ts'
import { agreedHeaderExtensions, type SdpHeaderExtension, type SdpRtpMedia } from '../../sdp/index.ts'
import type { MediaKind } from '../media/track-signal.ts'
import { toCodecParameters } from './codecs.ts'
import type { RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters } from './parameters.ts'
import type { NegotiatedSection } from './slots.ts'

/** The codecs of a description that are in use, and their retransmissions, in the order of use. */
export function describedCodecs(
  used: readonly SessionCodec[],
  description: SdpRtpMedia,
  kind: MediaKind,
): RTCRtpCodecParameters[] {
  const payloadTypes = used.flatMap(({ payloadType, rtx }) => (rtx === undefined ? [payloadType] : [payloadType, rtx]))
  return [...new Set(payloadTypes)].flatMap(payloadType => {
    const codec = description.codecs.find(each => each.payloadType === payloadType)
    return codec === undefined ? [] : [toCodecParameters(kind, codec)]
  })
}

/** The header extensions that were negotiated for sending, or for receiving. */
export function headerExtensionParameters(
  { local, remote }: NegotiatedSection,
  goes: (direction: SdpHeaderExtension['direction'] & string) => boolean,
): RTCRtpHeaderExtensionParameters[] {
  return agreedHeaderExtensions(local.headerExtensions, remote.headerExtensions)
    .filter(({ direction }) => goes(direction ?? 'sendrecv'))
    .map(({ uri, id, encrypted }) => ({ uri, id, encrypted }))
}
