/** RTP and RTCP: packets, header extensions, reports, feedback and retransmission: `icefloe/rtp`. */

export { ArrivalLog, type ArrivalLogOptions } from './arrival-log.ts'
export * from './congestion/index.ts'
export { RtpError, type RtpErrorCode } from './errors.ts'
export {
  type AbsCaptureTime,
  type AudioLevel,
  absSendTimeFromNtp,
  ExtensionUri,
  type PlayoutDelay,
  readAbsCaptureTime,
  readAbsSendTime,
  readAudioLevel,
  readMid,
  readMixerAudioLevels,
  readPlayoutDelay,
  readRtpStreamId,
  readTransmissionOffset,
  readTransportSequence,
  readVideoOrientation,
  type TransportSequence,
  type VideoOrientation,
  writeAbsCaptureTime,
  writeAbsSendTime,
  writeAudioLevel,
  writeIdentifier,
  writeMixerAudioLevels,
  writePlayoutDelay,
  writeTransmissionOffset,
  writeTransportSequence,
  writeVideoOrientation,
} from './extension-values.ts'
export { FeedbackTimeline } from './feedback-timeline.ts'
export {
  buildExtension,
  type ExtensionElement,
  extensionElements,
  findExtension,
  HeaderExtensionMap,
  holdsElements,
  locateExtension,
  renameExtension,
  rewriteExtension,
} from './header-extensions.ts'
export {
  JitterBuffer,
  type JitterBufferOptions,
  type JitterDrop,
  type JitterDropped,
  type JitterEvent,
  type JitterStatistics,
} from './jitter-buffer.ts'
export { maxMissingPackets, type NackOptions, NackTracker, type NackVerdict } from './nack.ts'
export { middleOfNtp, ntpFromWallTime, roundTripTime, shortDelay, wallTimeFromNtp } from './ntp.ts'
export {
  isRtcp,
  oneByteProfile,
  parseRtp,
  type RtpDrop,
  type RtpDropped,
  type RtpExtension,
  type RtpPacket,
  rtpFixedHeaderBytes,
  rtpHeaderLength,
  rtpLength,
  serializeRtp,
  twoByteProfile,
} from './packet.ts'
export * from './payload/index.ts'
export { type ReceptionOptions, ReceptionStatistics, type ReceptionVerdict } from './reception.ts'
export {
  maxDescribedSsrcs,
  maxLearnedSsrcs,
  type Route,
  type RouteDrop,
  type RoutedSection,
  type RouterOptions,
  RtpRouter,
} from './router.ts'
export {
  type ParseRtcpOptions,
  parseRtcp,
  type RtcpCompound,
  type RtcpDrop,
  serializeRtcp,
} from './rtcp/compound.ts'
export { maxFeedbackPackets } from './rtcp/transport-feedback.ts'
export {
  type ApplicationDefined,
  type BitrateEntry,
  type BitrateNotification,
  type BitrateRequest,
  type Bye,
  type CongestionFeedback,
  type ExtendedReport,
  type ExtendedReportBlock,
  type FullIntraRequest,
  type Nack,
  type PacketArrival,
  PayloadFormat,
  type PictureLossIndication,
  type ReceiverEstimatedMaxBitrate,
  type ReceiverReport,
  type ReferenceTimeDelay,
  type ReportBlock,
  type RtcpPacket,
  RtcpType,
  type SdesChunk,
  SdesItem,
  type SenderReport,
  type SliceLossIndication,
  type SourceDescription,
  type StreamArrival,
  type TransportFeedback,
  TransportFormat,
  type UnknownRtcp,
} from './rtcp/types.ts'
export { maxMembers, type RtcpDue, RtcpSchedule, type RtcpScheduleOptions } from './rtcp-schedule.ts'
export { type RtxOptions, RtxSender, unwrapRtx } from './rtx.ts'
export { type HistoryDrop, maxHistoryPackets, SendHistory, type SendHistoryOptions } from './send-history.ts'
export { SequenceUnwrapper } from './sequence.ts'
export {
  type OutgoingPacket,
  type ReceivedPacket,
  type ReceiveStream,
  type RtpSendDrop,
  type RtpSendStream,
  RtpSession,
  type RtpSessionDrop,
  type RtpSessionEvent,
  type RtpSessionOptions,
  type RtpTransmit,
} from './session/rtp-session.ts'
export type * from './session/statistics.ts'
export type * from './session/types.ts'
export {
  maxConflictingAddresses,
  maxKnownSources,
  type SourceSighting,
  type SourceVerdict,
  SsrcConflicts,
} from './ssrc-conflicts.ts'
export { isDynamicPayloadType, type StaticPayloadType, staticPayloadType } from './static-payload-types.ts'
