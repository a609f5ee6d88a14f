import type { ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { ReceiveStreamStatistics, RemoteOutboundStatistics } from '../../rtp/session/statistics.ts'
import { type Entry, present } from './entry.ts'
import type { OwnedEntry, SectionContext } from './media-context.ts'

/** `inbound-rtp` of each stream of which a packet was received, and `remote-outbound-rtp` of those that tell what they send. */
export function inboundStats(context: SectionContext): OwnedEntry[] {
  const { mid, receiver } = context.slots
  const streams = mid === null ? [] : (receiver.transport?.session.knownStreams(mid) ?? [])
  return streams.flatMap(stream => {
    const { statistics } = stream
    const name = `${context.objects.serialOf(stream)}-${stream.ssrc}`
    const common = commonMembers(stream, context)
    const inbound = inboundEntry(name, stream, statistics, common, context)
    const remote = statistics.remote && remoteOutboundEntry(name, statistics.remote, common, context)
    return [{ entry: inbound, owner: receiver.object }, ...(remote === undefined ? [] : [{ entry: remote }])]
  })
}

/** webrtc-stats §8.2: the codec is that of the latest packet. What is received has the parameters of our description. */
function commonMembers(stream: ReceiveStream, context: SectionContext): Readonly<Record<string, unknown>> {
  const { slots, transportId } = context
  const codecs = slots.negotiated?.local.codecs ?? []
  const codecId = context.codecIdOf(codecs, stream.lastCodec?.payloadType)
  return { ssrc: stream.ssrc, kind: slots.kind, ...present({ transportId, codecId }) }
}

/** webrtc-stats §8.5. What only a jitter buffer, a decoder or a player could tell is left out. */
function inboundEntry(
  name: string,
  stream: ReceiveStream,
  statistics: ReceiveStreamStatistics,
  common: Readonly<Record<string, unknown>>,
  { slots, wallTimeOf }: SectionContext,
): Entry {
  const { lastPacketReceivedAt } = statistics
  return {
    id: inboundId(name),
    type: 'inbound-rtp',
    ...common,
    trackIdentifier: slots.receiver.track.id,
    ...(slots.mid === null ? {} : { mid: slots.mid }),
    // Not of the standard: which encoding of a simulcast it is.
    ...present({ rid: stream.rid }),
    ...(statistics.remote === undefined ? {} : { remoteId: remoteOutboundId(name) }),
    packetsReceived: statistics.packetsReceived,
    packetsLost: statistics.packetsLost,
    jitter: statistics.jitter,
    bytesReceived: statistics.bytesReceived,
    headerBytesReceived: statistics.headerBytesReceived,
    ...(lastPacketReceivedAt === undefined ? {} : { lastPacketReceivedTimestamp: wallTimeOf(lastPacketReceivedAt) }),
    nackCount: statistics.nackCount,
    // webrtc-stats §8.5: these MUST NOT exist for audio
    ...(slots.kind === 'video' ? { firCount: statistics.firCount, pliCount: statistics.pliCount } : {}),
    ...(stream.lastCodec?.rtx === undefined ? {} : repairMembers(stream, statistics)),
  }
}

/** webrtc-stats §8.5, retransmittedPacketsReceived: only if RTX was negotiated. */
function repairMembers(
  { rtxSsrc }: ReceiveStream,
  { retransmittedPacketsReceived, retransmittedBytesReceived }: ReceiveStreamStatistics,
): Readonly<Record<string, unknown>> {
  return { retransmittedPacketsReceived, retransmittedBytesReceived, ...present({ rtxSsrc }) }
}

/** webrtc-stats §8.10: as of the report's arrival. */
function remoteOutboundEntry(
  name: string,
  remote: RemoteOutboundStatistics,
  common: Readonly<Record<string, unknown>>,
  context: SectionContext,
): Entry {
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
