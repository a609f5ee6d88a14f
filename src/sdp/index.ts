export { maxCandidateLength, parseCandidate, serializeCandidate } from './candidate.ts'
export { defaultMaxMessageSize, isDataSection } from './data-section.ts'
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
export { SdpError } from './errors.ts'
export { maxMediaSections, maxTextLength, parseSdp } from './parse.ts'
export { serializeSdp } from './serialize.ts'
export { bundleGroup, effectiveTransport, type SdpTransport, taggedSection } from './transport.ts'
