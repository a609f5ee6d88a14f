import { ntpEpochMs } from '../../rtp/ntp.ts'
import type { ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { ReceiveStreamStatistics, RemoteOutboundStatistics } from '../../rtp/session/statistics.ts'
import type { RTCInboundRtpStreamStats } from './dictionaries.ts'
import { type InboundEntry, present, type RemoteOutboundEntry, type Some } from './entry.ts'
import { type OwnedEntry, type SectionContext, type StreamMembers, streamMembers } from './media-context.ts'
import { type ReceivedMedia, receivedMediaOf } from './received-media.ts'

/** `inbound-rtp` of each stream of which a packet was received, and `remote-outbound-rtp` of those that tell what they send. */
export function inboundStats(context: SectionContext): OwnedEntry[] {
  const { mid, receiver } = context.slots
  const streams = mid === null ? [] : (receiver.transport?.session.knownStreams(mid) ?? [])
  return streams.flatMap(stream => {
    const { statistics } = stream
    const name = `${context.objects.serialOf(stream)}-${stream.ssrc}`
    // What is received has the parameters of our description.
    const codecs = context.slots.negotiated?.local.codecs ?? []
    const common = streamMembers(stream, codecs, context)
    const inbound = inboundEntry(name, stream, statistics, common, context)
    const remote = statistics.remote && remoteOutboundEntry(name, statistics.remote, common, context)
    return [{ entry: inbound, owner: receiver.object }, ...(remote === undefined ? [] : [{ entry: remote }])]
  })
}

/** webrtc-stats §8.5. */
function inboundEntry(
  name: string,
  stream: ReceiveStream,
  statistics: ReceiveStreamStatistics,
  common: StreamMembers,
  { slots, wallTimeOf, now }: SectionContext,
): InboundEntry {
  const { lastPacketReceivedAt, remote } = statistics
  const media = receivedMediaOf(stream, slots.kind)
  return {
    id: inboundId(name),
    type: 'inbound-rtp',
    ...common,
    trackIdentifier: slots.receiver.track.id,
    ...(slots.mid === null ? {} : { mid: slots.mid }),
    ...present({ rid: stream.rid }),
    ...(remote === undefined ? {} : { remoteId: remoteOutboundId(name) }),
    packetsReceived: statistics.packetsReceived,
    packetsLost: statistics.packetsLost,
    jitter: statistics.jitter,
    bytesReceived: statistics.bytesReceived,
    headerBytesReceived: statistics.headerBytesReceived,
    ...(lastPacketReceivedAt === undefined ? {} : { lastPacketReceivedTimestamp: wallTimeOf(lastPacketReceivedAt) }),
    nackCount: statistics.nackCount,
    ...noRepairPackets,
    ...(stream.lastCodec?.rtx === undefined ? {} : repairMembers(stream, statistics)),
    ...(slots.kind === 'video' ? pictureMembers(media, statistics, now) : sampleMembers(media)),
    ...present({ estimatedPlayoutTimestamp: playoutTime(stream, remote, media, now) }),
  }
}

/** webrtc-stats §8.5, retransmittedPacketsReceived: only if RTX was negotiated. */
function repairMembers(
  { rtxSsrc }: ReceiveStream,
  { retransmittedPacketsReceived, retransmittedBytesReceived }: ReceiveStreamStatistics,
): Some<RTCInboundRtpStreamStats> {
  return { retransmittedPacketsReceived, retransmittedBytesReceived, ...present({ rtxSsrc }) }
}

/** webrtc-stats §8.5, what MUST NOT exist for audio. A frame counts as decoded as {@link ReceivedPictures} has it. */
function pictureMembers(
  { pictures, isReadable }: ReceivedMedia,
  { firCount, pliCount }: ReceiveStreamStatistics,
  now: number,
): Some<RTCInboundRtpStreamStats> {
  if (pictures === undefined) return { firCount, pliCount }
  const { size, pace, totalDelay } = pictures
  return {
    firCount,
    pliCount,
    framesReceived: pictures.framesReceived,
    framesDecoded: pictures.framesDecoded,
    framesRendered: pictures.framesDecoded,
    framesDropped: pictures.framesDropped,
    ...decodedElsewhere,
    ...(isReadable ? { keyFramesDecoded: pictures.keyFramesDecoded } : {}),
    // webrtc-stats §8.5, frameWidth: not before the first frame
    ...(size === undefined ? {} : { frameWidth: size.width, frameHeight: size.height }),
    ...(pictures.framesDecoded === 0 ? {} : { framesPerSecond: pictures.rate.framesPerSecond(now) }),
    framesAssembledFromMultiplePackets: pictures.framesAssembledFromMultiplePackets,
    totalAssemblyTime: pictures.totalAssemblyTime,
    totalInterFrameDelay: pace.totalInterFrameDelay,
    totalSquaredInterFrameDelay: pace.totalSquaredInterFrameDelay,
    pauseCount: pace.pauseCount,
    totalPausesDuration: pace.totalPausesDuration,
    freezeCount: pace.freezeCount,
    totalFreezesDuration: pace.totalFreezesDuration,
    packetsDiscarded: pictures.latePackets,
    jitterBufferDelay: totalDelay,
    jitterBufferEmittedCount: pictures.emitted,
    ...nothingHeldBack,
    totalProcessingDelay: pictures.totalDecodedDelay,
  }
}

/** webrtc-stats §8.5: forward error correction is never negotiated. */
const noRepairPackets = { fecPacketsReceived: 0, fecBytesReceived: 0, fecPacketsDiscarded: 0 }

/** webrtc-stats §8.5: nothing is played here, and so nothing concealed, stretched or shortened. */
const nothingMadeUp = {
  concealedSamples: 0,
  silentConcealedSamples: 0,
  concealmentEvents: 0,
  insertedSamplesForDeceleration: 0,
  removedSamplesForAcceleration: 0,
}

/** webrtc-stats §8.5: the application decodes. What time it takes is not spent here. */
const decodedElsewhere = { totalDecodeTime: 0, decoderImplementation: 'application', powerEfficientDecoder: false }

/** A receiver waits for packets that are missing, and for nothing else: what holds back longer comes behind its track. */
const nothingHeldBack = { jitterBufferTargetDelay: 0, jitterBufferMinimumDelay: 0 }

/** webrtc-stats §8.5, what MUST NOT exist for video. */
function sampleMembers({ samples }: ReceivedMedia): Some<RTCInboundRtpStreamStats> {
  if (samples === undefined) return {}
  const { audioLevel, totalAudioEnergy } = samples
  return {
    totalSamplesReceived: samples.samples,
    totalSamplesDuration: samples.duration,
    ...present({ audioLevel, totalAudioEnergy }),
    ...nothingMadeUp,
    // Each packet is passed on as it comes.
    packetsDiscarded: 0,
    jitterBufferDelay: 0,
    jitterBufferEmittedCount: samples.samples,
    ...nothingHeldBack,
    totalProcessingDelay: 0,
  }
}

/** webrtc-stats §8.5, estimatedPlayoutTimestamp: of what could be played last, and the time since then. */
function playoutTime(
  { lastCodec }: ReceiveStream,
  remote: RemoteOutboundStatistics | undefined,
  { last }: ReceivedMedia,
  now: number,
): number | undefined {
  if (remote === undefined || last === undefined || lastCodec === undefined) return undefined
  // The report may be about what comes after: a signed distance on the circle of 32 bits.
  const distance = (last.timestamp - remote.rtpTimestamp) | 0
  return ntpEpochMs + remote.remoteTimestamp + (distance / lastCodec.clockRate) * 1_000 + (now - last.at)
}

/** webrtc-stats §8.10: as of the report's arrival. */
function remoteOutboundEntry(
  name: string,
  remote: RemoteOutboundStatistics,
  common: StreamMembers,
  context: SectionContext,
): RemoteOutboundEntry {
  return {
    id: remoteOutboundId(name),
    type: 'remote-outbound-rtp',
    timestamp: context.wallTimeOf(remote.receivedAt),
    ...common,
    localId: inboundId(name),
    packetsSent: remote.packetsSent,
    bytesSent: remote.bytesSent,
    reportsSent: remote.reportsSent,
    remoteTimestamp: remote.remoteTimestamp,
    ...present({ roundTripTime: remote.roundTripTime }),
    totalRoundTripTime: remote.totalRoundTripTime,
    roundTripTimeMeasurements: remote.roundTripTimeMeasurements,
  }
}

function inboundId(name: string): string {
  return `I${name}`
}

function remoteOutboundId(name: string): string {
  return `RO${name}`
}
