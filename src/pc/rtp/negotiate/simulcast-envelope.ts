import { ExtensionUri } from '../../../rtp/extension-values.ts'
import { proposedSendRids, type SdpDirection, type SdpRtpMedia, sends, simulcastToSend } from '../../../sdp/index.ts'
import type { RTCRtpEncodingParameters } from '../parameters.ts'
import type { EncodingSlots, TransceiverSlots } from '../slots.ts'
import { proposedEncodings } from './send-encodings.ts'

/** Makes an encoding with SSRCs of its own. */
export type CreateEncoding = (parameters: RTCRtpEncodingParameters) => EncodingSlots

/** webrtc-pc §5.4.1: what a remote offer asks to be sent. Nothing: no simulcast. */
export function proposedEnvelope(
  kind: TransceiverSlots['kind'],
  offer: SdpRtpMedia,
): readonly RTCRtpEncodingParameters[] {
  return proposedEncodings(kind, proposedSendRids(offer))
}

/** webrtc-pc §4.4.1.4, step 4.6.11.2.6: a sender of one encoding becomes one of what is proposed. */
export function adoptEnvelope(
  { sender }: TransceiverSlots,
  proposed: readonly RTCRtpEncodingParameters[],
  createEncoding: CreateEncoding,
): void {
  const [only, ...more] = sender.encodings
  if (proposed.length === 0 || more.length > 0 || only === undefined || only.parameters.rid !== undefined) return
  sender.encodings = proposed.map(createEncoding)
  sender.transactionId = null
}

/**
 * webrtc-pc §4.4.1.4, steps 4.6.11.1.7.1 and 4.6.11.2.8: an answer leaves of the encodings those that both sides have.
 *
 * Only where this side was about to send simulcast: a section that is on hold says nothing about it.
 *
 * @param direction as this side sees it
 */
export function narrowEnvelope(
  { sender }: TransceiverSlots,
  local: SdpRtpMedia,
  remote: SdpRtpMedia,
  direction: SdpDirection,
): void {
  if (sender.encodings.length <= 1 || !sends(direction)) return
  const accepted = new Set(canTellRids(local, remote) ? simulcastToSend(local, remote).map(({ rid }) => rid) : [])
  const kept = sender.encodings.filter(({ parameters: { rid } }) => rid !== undefined && accepted.has(rid))
  const next = kept.length === 0 ? sender.encodings.slice(0, 1) : kept
  if (next.length < sender.encodings.length) sender.encodings = next
}

/** RFC 8853 §5.5: the streams of a simulcast are told apart by their RtpStreamIds. */
function canTellRids(local: SdpRtpMedia, remote: SdpRtpMedia): boolean {
  return [local, remote].every(each => each.headerExtensions.some(({ uri }) => uri === ExtensionUri.rtpStreamId))
}
