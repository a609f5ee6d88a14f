import type { RtpSendStream } from '../../rtp/session/send-stream.ts'
import type { RemoteInboundStatistics, SendStreamStatistics } from '../../rtp/session/statistics.ts'
import { sends } from '../../sdp/index.ts'
import type { EncodingSlots } from '../rtp/slots.ts'
import type { RTCOutboundRtpStreamStats } from './dictionaries.ts'
import { type OutboundEntry, present, type RemoteInboundEntry, type Some } from './entry.ts'
import { type OwnedEntry, type SectionContext, type StreamMembers, streamMembers } from './media-context.ts'
import { type SentEncoding, sentMediaOf } from './sent-media.ts'

/** `outbound-rtp` of each encoding that was negotiated, and `remote-inbound-rtp` of those that the peer has reported about. */
export function outboundStats(context: SectionContext): OwnedEntry[] {
  const { sender } = context.slots
  const { transport, encodings } = sender
  return encodings.flatMap((encoding, index) => {
    const stream = transport?.session.knownSendStream(encoding.ssrc)
    if (stream === undefined) return []
    const { statistics } = stream
    // webrtc-stats §8.1: with another SSRC it is another monitored object
    const name = `${context.objects.serialOf(stream)}-${stream.ssrc}`
    // What is sent has the parameters of the peer's description.
    const common = streamMembers(stream, context.slots.negotiated?.remote.codecs ?? [], context)
    const sent = { encoding, index, stream, statistics, common, media: sentMediaOf(sender).encoding(stream.ssrc) }
    const outbound = outboundEntry(name, sent, context)
    const remote = statistics.remote && remoteInboundEntry(name, statistics.remote, common, context)
    return [{ entry: outbound, owner: sender.object }, ...(remote === undefined ? [] : [{ entry: remote }])]
  })
}

interface Sent {
  readonly encoding: EncodingSlots
  readonly index: number
  readonly stream: RtpSendStream
  readonly statistics: SendStreamStatistics
  readonly common: StreamMembers
  /** Undefined if nothing was ever sent. */
  readonly media: SentEncoding | undefined
}

/** webrtc-stats §8.8. */
function outboundEntry(name: string, sent: Sent, { slots, mediaSourceId, now }: SectionContext): OutboundEntry {
  const { encoding, stream, statistics, common, media } = sent
  const { currentDirection, stopping } = slots
  const isSending = !stopping && currentDirection !== null && currentDirection !== 'stopped' && sends(currentDirection)
  return {
    id: outboundId(name),
    type: 'outbound-rtp',
    ...common,
    ...(slots.mid === null ? {} : { mid: slots.mid }),
    ...present({ mediaSourceId, rtxSsrc: stream.rtxSsrc }),
    ...(statistics.remote === undefined ? {} : { remoteId: remoteInboundId(name) }),
    active: encoding.parameters.active !== false && isSending,
    packetsSent: statistics.packetsSent,
    bytesSent: statistics.bytesSent,
    headerBytesSent: statistics.headerBytesSent,
    retransmittedPacketsSent: statistics.retransmittedPacketsSent,
    retransmittedBytesSent: statistics.retransmittedBytesSent,
    totalPacketSendDelay: statistics.totalPacketSendDelay,
    nackCount: statistics.nackCount,
    ...present({ targetBitrate: media?.target }),
    ...(slots.kind === 'video' ? videoMembers(sent, now) : {}),
  }
}

/** webrtc-stats §8.8, what MUST NOT exist for audio. */
function videoMembers({ encoding, index, statistics, media }: Sent, now: number): Some<RTCOutboundRtpStreamStats> {
  const { rid } = encoding.parameters
  const { framesSent, firCount, pliCount } = statistics
  return {
    ...present({ rid }),
    encodingIndex: index,
    // Each payload format of video that we have sets the marker on the last packet of a frame.
    framesSent,
    firCount,
    pliCount,
    ...(media === undefined ? {} : encoderMembers(media, now)),
  }
}

/** webrtc-stats §8.8: the application encodes. What time it takes is not spent here. */
const encodedElsewhere = { totalEncodeTime: 0, encoderImplementation: 'application', powerEfficientEncoder: false }

/** A frame was encoded when the source of the track gives it: whoever encodes is behind the track. */
function encoderMembers({ pictures, limitation }: SentEncoding, now: number): Some<RTCOutboundRtpStreamStats> {
  const { size } = pictures
  return {
    framesEncoded: pictures.frames,
    ...encodedElsewhere,
    ...(pictures.isReadable ? { keyFramesEncoded: pictures.keyFrames } : {}),
    // webrtc-stats §8.8, frameWidth: not before the first frame
    ...(size === undefined ? {} : { frameWidth: size.width, frameHeight: size.height }),
    ...(pictures.frames === 0 ? {} : { framesPerSecond: pictures.rate.framesPerSecond(now) }),
    hugeFramesSent: pictures.hugeFrames,
    totalEncodedBytesTarget: Math.round(pictures.targetBytes),
    qualityLimitationReason: limitation.reason,
    qualityLimitationDurations: limitation.durations(now),
    qualityLimitationResolutionChanges: limitation.resolutionChanges,
  }
}

/** webrtc-stats §8.6: as of the report's arrival. */
function remoteInboundEntry(
  name: string,
  remote: RemoteInboundStatistics,
  common: StreamMembers,
  context: SectionContext,
): RemoteInboundEntry {
  return {
    id: remoteInboundId(name),
    type: 'remote-inbound-rtp',
    timestamp: context.wallTimeOf(remote.receivedAt),
    ...common,
    localId: outboundId(name),
    packetsReceived: remote.packetsReceived,
    packetsLost: remote.packetsLost,
    jitter: remote.jitter,
    fractionLost: remote.fractionLost,
    ...present({ roundTripTime: remote.roundTripTime }),
    totalRoundTripTime: remote.totalRoundTripTime,
    roundTripTimeMeasurements: remote.roundTripTimeMeasurements,
  }
}

function outboundId(name: string): string {
  return `O${name}`
}

function remoteInboundId(name: string): string {
  return `RI${name}`
}
