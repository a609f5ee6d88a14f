import type { RtpSendStream } from '../../rtp/session/send-stream.ts'
import type { RemoteInboundStatistics, SendStreamStatistics } from '../../rtp/session/statistics.ts'
import { sends } from '../../sdp/index.ts'
import type { EncodingSlots } from '../rtp/slots.ts'
import { type Entry, present } from './entry.ts'
import type { OwnedEntry, SectionContext } from './media-context.ts'

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
    const common = commonMembers(stream, context)
    const outbound = outboundEntry(name, { encoding, index, stream, statistics, common }, context)
    const remote = statistics.remote && remoteInboundEntry(name, statistics.remote, common, context)
    return [{ entry: outbound, owner: sender.object }, ...(remote === undefined ? [] : [{ entry: remote }])]
  })
}

interface Sent {
  readonly encoding: EncodingSlots
  readonly index: number
  readonly stream: RtpSendStream
  readonly statistics: SendStreamStatistics
  readonly common: Readonly<Record<string, unknown>>
}

/** webrtc-stats §8.2: the codec is that of the latest packet. What is sent has the parameters of the peer's description. */
function commonMembers(stream: RtpSendStream, context: SectionContext): Readonly<Record<string, unknown>> {
  const { slots, transportId } = context
  const codecs = slots.negotiated?.remote.codecs ?? []
  const codecId = context.codecIdOf(codecs, stream.lastCodec?.payloadType)
  return { ssrc: stream.ssrc, kind: slots.kind, ...present({ transportId, codecId }) }
}

/** webrtc-stats §8.8. What only an encoder could tell is left out. */
function outboundEntry(name: string, sent: Sent, { slots, mediaSourceId }: SectionContext): Entry {
  const { encoding, index, stream, statistics, common } = sent
  const { active, rid } = encoding.parameters
  const { currentDirection, stopping } = slots
  const isSending = !stopping && currentDirection !== null && currentDirection !== 'stopped' && sends(currentDirection)
  return {
    id: outboundId(name),
    type: 'outbound-rtp',
    ...common,
    ...(slots.mid === null ? {} : { mid: slots.mid }),
    ...present({ mediaSourceId, rtxSsrc: stream.rtxSsrc }),
    ...(statistics.remote === undefined ? {} : { remoteId: remoteInboundId(name) }),
    active: active !== false && isSending,
    packetsSent: statistics.packetsSent,
    bytesSent: statistics.bytesSent,
    headerBytesSent: statistics.headerBytesSent,
    retransmittedPacketsSent: statistics.retransmittedPacketsSent,
    retransmittedBytesSent: statistics.retransmittedBytesSent,
    totalPacketSendDelay: statistics.totalPacketSendDelay,
    nackCount: statistics.nackCount,
    // webrtc-stats §8.8: these MUST NOT exist for audio
    ...(slots.kind === 'video' ? videoMembers(statistics, { rid, encodingIndex: index }) : {}),
  }
}

function videoMembers(
  { framesSent, firCount, pliCount }: SendStreamStatistics,
  encoding: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  // Each payload format of video that we have sets the marker on the last packet of a frame.
  return { ...present(encoding), framesSent, firCount, pliCount }
}

/** webrtc-stats §8.6: as of the report's arrival. */
function remoteInboundEntry(
  name: string,
  remote: RemoteInboundStatistics,
  common: Readonly<Record<string, unknown>>,
  context: SectionContext,
): Entry {
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
