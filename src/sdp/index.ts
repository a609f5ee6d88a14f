export { maxCandidateLength, parseCandidate, serializeCandidate } from './candidate.ts'
export { type CodecRole, codecRole, sameCodec, sameEncoding, sameFeedback, sameFormat } from './codec-match.ts'
export {
  type Av1Parameters,
  codecParameters,
  type EventRange,
  formatParameters,
  type H264Parameters,
  type OpusParameters,
  type SdpCodecParameters,
} from './codec-parameters.ts'
export { answeredDataForm, defaultMaxMessageSize, isDataSection } from './data-section.ts'
export type {
  SdpAttribute,
  SdpBandwidth,
  SdpCandidate,
  SdpDirection,
  SdpFingerprint,
  SdpGroup,
  SdpMedia,
  SdpOrigin,
  SdpSection,
  SdpSession,
  SdpSetup,
} from './description.ts'
export { answerDirection, commonDirection, receives, reverseDirection, sends } from './direction.ts'
export { emptySection } from './empty-section.ts'
export { SdpError } from './errors.ts'
export { regularRtcpInterval } from './feedback-timing.ts'
export {
  formatH264ProfileLevelId,
  type H264Profile,
  type H264ProfileLevel,
  parseH264ProfileLevelId,
} from './h264-profile.ts'
export {
  conflictingPayloadTypes,
  type NegotiatedCodec,
  negotiateCodecs,
  unofferedFeedback,
} from './negotiate-codecs.ts'
export {
  agreedHeaderExtensions,
  answerHeaderExtensions,
  conflictingExtensionIds,
  type LocalHeaderExtension,
} from './negotiate-extensions.ts'
export {
  answerSimulcast,
  proposedSendRids,
  type SimulcastAbilities,
  type SimulcastAnswer,
  simulcastToSend,
  undefinedRids,
} from './negotiate-simulcast.ts'
export { maxMediaSections, maxTextLength, parseSdp } from './parse.ts'
export { assignPayloadTypes } from './payload-types.ts'
export { isRtpSection, type RtpProfile, rtpProfile } from './profile.ts'
export type {
  SdpCodec,
  SdpFeedback,
  SdpHeaderExtension,
  SdpRid,
  SdpRidDirection,
  SdpRtcp,
  SdpRtpMedia,
  SdpSimulcast,
  SdpSimulcastStream,
  SdpSimulcastVersion,
  SdpSource,
  SdpSourceGroup,
  SdpStream,
} from './rtp-description.ts'
export { maxMidLength } from './rtp-limits.ts'
export { rtpMedia } from './rtp-media.ts'
export { repairedSources, trackStreams } from './rtp-sources.ts'
export { withRtpMedia } from './rtp-write.ts'
export { serializeSdp } from './serialize.ts'
export { bundleGroup, effectiveTransport, type SdpTransport, taggedSection } from './transport.ts'
