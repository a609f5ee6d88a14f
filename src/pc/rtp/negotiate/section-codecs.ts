import { codecRole, type SdpCodec, type SdpRtpMedia, sameCodec, sameFeedback } from '../../../sdp/index.ts'
import type { MediaKind } from '../../media/track-signal.ts'
import { isOnRequest, localCodecs, toSdpCodec } from '../codecs.ts'
import type { RTCRtpCodec } from '../parameters.ts'
import type { TransceiverSlots } from '../slots.ts'

/** The codecs that a section may have. */
export interface SectionCodecs {
  /** The most preferred one first, each with its retransmissions behind it. */
  readonly codecs: readonly SdpCodec[]
  /** The application has said what it prefers. */
  readonly isPreferred: boolean
}

/**
 * The codecs that are available to a transceiver.
 *
 * webrtc-pc §5.4 setCodecPreferences: those that the application prefers, in its order; if it has set no preference that
 * is of use, all but those that have to be asked for. `rtx` among the preferences is for all of them.
 *
 * @param encodings the codecs that the application has set for encodings: they are asked for too
 * @param answer what the section was answered with last: see {@link continued}
 */
export function sectionCodecs(
  kind: MediaKind,
  preferences: readonly RTCRtpCodec[],
  encodings: readonly RTCRtpCodec[] = [],
  answer?: SdpRtpMedia | undefined,
): SectionCodecs {
  const available = localCodecs(kind)
  const preferred = inPreferredOrder(available, preferences)
  const isPreferred = preferred.some(codec => codecRole(codec) === 'media')
  const asked = inPreferredOrder(available, encodings)
  const chosen = isPreferred ? preferred : available.filter(codec => !isOnRequest(codec) || asked.includes(codec))
  const repaired = !isPreferred || preferences.some(({ mimeType }) => mimeType.toLowerCase() === `${kind}/rtx`)
  const ordered = answer === undefined ? chosen : continued(chosen, answer, isPreferred)
  return { codecs: repaired && kind === 'video' ? ordered.flatMap(withRtx) : ordered, isPreferred }
}

/** webrtc-pc §5.2.5 codec. */
export function encodingCodecs({ sender }: TransceiverSlots): readonly RTCRtpCodec[] {
  return sender.encodings.flatMap(({ parameters }) => parameters.codec ?? [])
}

function inPreferredOrder(available: readonly SdpCodec[], preferences: readonly RTCRtpCodec[]): readonly SdpCodec[] {
  const chosen = new Set<SdpCodec>()
  for (const preference of preferences) {
    const wanted = toSdpCodec(preference)
    const found = available.find(codec => !chosen.has(codec) && sameCodec(codec, wanted))
    if (found !== undefined) chosen.add(found)
  }
  return [...chosen]
}

/**
 * The codecs of a section that was negotiated before.
 *
 * RFC 8829 §5.2.2: those of the most recent answer come first, in its order, unless the application prefers another one,
 * and with no other feedback than it has; what was not in it comes behind.
 */
function continued(codecs: readonly SdpCodec[], answer: SdpRtpMedia, isPreferred: boolean): readonly SdpCodec[] {
  const place = (codec: SdpCodec): number => answer.codecs.findIndex(each => sameCodec(each, codec))
  const ranked = codecs.map(codec => ({ codec, at: place(codec) }))
  if (!isPreferred) ranked.sort((a, b) => rank(a.at) - rank(b.at))
  return ranked.map(({ codec, at }) => {
    const answered = answer.codecs[at]
    if (answered === undefined) return codec
    const feedback = codec.feedback.filter(own => answered.feedback.some(each => sameFeedback(each, own)))
    return { ...codec, feedback }
  })
}

function rank(at: number): number {
  return at < 0 ? Number.MAX_SAFE_INTEGER : at
}

/** RFC 4588 §8.1: with the clock rate of the codec, and its payload type. */
function withRtx(codec: SdpCodec): readonly SdpCodec[] {
  const { payloadType, clockRate } = codec
  return [codec, { payloadType: payloadType + 1, name: 'rtx', clockRate, fmtp: `apt=${payloadType}`, feedback: [] }]
}
