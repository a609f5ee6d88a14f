import type { SessionCodec } from '../../rtp/session/types.ts'
import { codecRole, type SdpCodec, sameCodec, sameEncoding } from '../../sdp/index.ts'
import type { MediaCodec } from '../media/track-signal.ts'
import { codecsMatch } from './codec-dictionary-match.ts'
import { toRtpCodec, toSdpCodec } from './codecs.ts'
import type { RTCRtpCodec } from './parameters.ts'
import type { EncodingSlots, NegotiatedSection } from './slots.ts'

/**
 * The encoding that packets belong to, or why there is none.
 *
 * @param rid of the packets; undefined: their source has one stream
 * @param chosen of a source with several streams, the one that a sender with one encoding sends
 */
export function encodingFor(
  encodings: readonly EncodingSlots[],
  rid: string | undefined,
  chosen: string | undefined,
): EncodingSlots | 'no-encoding' | 'other-encoding' {
  const [first] = encodings
  if (first === undefined) return 'no-encoding'
  if (rid === undefined) return first
  const found = encodings.find(({ parameters }) => parameters.rid === rid)
  if (found !== undefined) return found
  if (encodings.length > 1 || first.parameters.rid !== undefined) return 'no-encoding'
  return rid === chosen ? first : 'other-encoding'
}

/**
 * The negotiated codec that packets can be sent as.
 *
 * @param codec of the packets; undefined: whatever the section prefers
 * @param preferred what the application has set for the encoding
 */
export function sendCodecFor(
  section: NegotiatedSection,
  codec: MediaCodec | undefined,
  preferred: RTCRtpCodec | undefined,
): SessionCodec | undefined {
  const candidates = section.rtp.send.flatMap(session => {
    const described = section.remote.codecs.find(each => each.payloadType === session.payloadType)
    return described === undefined ? [] : [{ session, described }]
  })
  if (codec !== undefined) return candidates.find(({ described }) => carries(described, codec))?.session
  const media = candidates.filter(({ described }) => codecRole(described) === 'media')
  // webrtc-pc §5.2.5 codec: the first one that matches it, if there is any
  const wanted =
    preferred && media.find(each => codecsMatch(toRtpCodec(section.rtp.kind, each.described), preferred, true))
  return (wanted ?? media[0])?.session
}

/** Whether packets of `codec` are what a payload type stands for; what the codec leaves open fits. */
function carries(described: SdpCodec, codec: MediaCodec): boolean {
  const own = toSdpCodec({ ...codec, channels: codec.channels ?? described.channels ?? 1 })
  return codec.sdpFmtpLine === undefined ? sameEncoding(described, own) : sameCodec(described, own)
}
