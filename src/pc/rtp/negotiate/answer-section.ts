import {
  answerDirection,
  answerSimulcast,
  isRtpSection,
  negotiateCodecs,
  receives,
  type SdpDirection,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
  type SimulcastAnswer,
  sends,
} from '../../../sdp/index.ts'
import type { TransceiverSlots } from '../slots.ts'
import type { MediaState } from './media-state.ts'
import { mediaSection } from './rtp-section.ts'
import { encodingCodecs, sectionCodecs } from './section-codecs.ts'
import { answeredExtensions } from './section-extensions.ts'
import { directionOf, isRejected, rtpOf } from './sections.ts'
import { maxEncodings } from './send-encodings.ts'

/** RFC 8829 §5.3.1: the answer to a section of audio or video; undefined: it is rejected. */
export function answerSection(state: MediaState, offer: SdpSession, index: number): SdpMedia | undefined {
  const offered = offer.media[index]
  const record = state.at(index)
  if (offered === undefined || record === undefined || !isRtpSection(offered) || isRejected(offered)) return undefined
  const { slots } = record
  // webrtc-pc §5.4 stop: a transceiver that is stopping does not affect an answer; its direction is inactive
  if (slots.stopped || slots.direction === 'stopped') return undefined
  const theirs = rtpOf(offer, offered)
  const ours = sectionCodecs(slots.kind, slots.preferredCodecs, encodingCodecs(slots))
  const codecs = negotiateCodecs(theirs.codecs, ours.codecs, ours.isPreferred ? 'local' : 'remote')
  if (codecs.length === 0) return undefined
  const direction = answerDirection(directionOf(offer, offered), slots.direction)
  const payloadTypes = new Set(codecs.map(({ remote }) => remote.payloadType))
  return mediaSection(
    // RFC 8829 §5.1.2, §5.3.1: exactly the protocol of the offer, and its mid if it has one
    { kind: slots.kind, protocol: offered.protocol, mid: offered.mid, direction },
    {
      codecs: codecs.map(({ answer }) => answer),
      headerExtensions: answeredExtensions(slots, theirs),
      extmapAllowMixed: theirs.extmapAllowMixed,
      rtcpRsize: theirs.rtcpRsize,
      ...simulcastOf(slots, theirs, direction, payloadTypes),
    },
    record,
    state.host.cname,
  )
}

function simulcastOf(
  slots: TransceiverSlots,
  offer: SdpRtpMedia,
  direction: SdpDirection,
  payloadTypes: ReadonlySet<number>,
): SimulcastAnswer {
  // webrtc-pc §4.4.2 createAnswer: no rid that is not among the encodings
  const rids = slots.sender.encodings.flatMap(({ parameters }) => parameters.rid ?? [])
  return answerSimulcast(offer, {
    maxSend: sends(direction) && rids.length > 1 ? maxEncodings : 0,
    maxReceive: receives(direction) ? maxEncodings : 0,
    sendRids: new Set(rids),
    payloadTypes,
  })
}
