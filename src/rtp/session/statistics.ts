import type { RtpDrop } from '../packet.ts'
import type { RouteDrop } from '../router.ts'
import type { RtcpDrop } from '../rtcp/compound.ts'

/** What a peer's reports tell about a stream that is sent: `remote-inbound-rtp` of webrtc-stats. */
export interface RemoteInboundStatistics {
  /** Monotonic milliseconds: when the last report came. */
  readonly receivedAt: number
  readonly packetsReceived: number
  readonly packetsLost: number
  /** Seconds. */
  readonly jitter: number
  /** 0 to 1, since the report before. */
  readonly fractionLost: number
  /** Seconds, of the last report that told one. */
  readonly roundTripTime: number | undefined
  readonly totalRoundTripTime: number
  readonly roundTripTimeMeasurements: number
}

/** `outbound-rtp` of webrtc-stats; with what its retransmission stream sends. */
export interface SendStreamStatistics {
  readonly packetsSent: number
  /** Of payload. */
  readonly bytesSent: number
  /** Of headers and padding. */
  readonly headerBytesSent: number
  readonly retransmittedPacketsSent: number
  readonly retransmittedBytesSent: number
  /** Packets with the marker, once each: of video, the last ones of the frames. */
  readonly framesSent: number
  /** Seconds between send() and leaving, of all packets together. */
  readonly totalPacketSendDelay: number
  /** Packets that were not taken. */
  readonly packetsDropped: number
  /** NACK, PLI and FIR messages received. */
  readonly nackCount: number
  readonly pliCount: number
  readonly firCount: number
  /** Undefined before the first report about it. */
  readonly remote: RemoteInboundStatistics | undefined
}

/** What a peer's sender reports tell: `remote-outbound-rtp` of webrtc-stats. */
export interface RemoteOutboundStatistics {
  /** Monotonic milliseconds: when the last report came. */
  readonly receivedAt: number
  readonly packetsSent: number
  readonly bytesSent: number
  readonly reportsSent: number
  /** Milliseconds since 1970 by the peer's clock: when the last report was sent. */
  readonly remoteTimestamp: number
  /** The RTP timestamp that belongs to `remoteTimestamp`. */
  readonly rtpTimestamp: number
  /** Seconds, from extended reports. */
  readonly roundTripTime: number | undefined
  readonly totalRoundTripTime: number
  readonly roundTripTimeMeasurements: number
}

/** `inbound-rtp` of webrtc-stats; with what came by retransmission. */
export interface ReceiveStreamStatistics {
  readonly packetsReceived: number
  /** RFC 3550 §6.4.1: what a retransmission stream repairs counts as lost. */
  readonly packetsLost: number
  /** Seconds. */
  readonly jitter: number
  /** Of payload. */
  readonly bytesReceived: number
  /** Of headers and padding. */
  readonly headerBytesReceived: number
  readonly retransmittedPacketsReceived: number
  readonly retransmittedBytesReceived: number
  /** Packets that were there already, or came too late to tell. */
  readonly packetsDuplicated: number
  /** Monotonic milliseconds. */
  readonly lastPacketReceivedAt: number | undefined
  /** NACK, PLI and FIR messages sent. */
  readonly nackCount: number
  readonly pliCount: number
  readonly firCount: number
  readonly remote: RemoteOutboundStatistics | undefined
}

/**
 * Why something that was received is not passed on: besides what the formats say,
 *
 * - `duplicate`: the packet was there already, or came too late to tell
 * - `unknown-original`: it repeats a packet of a stream that is not known yet
 * - `no-original`: it repeats none: it only probes the path
 * - `own-loop`: it has an SSRC of this end
 * - `malformed`: of RTCP, a packet whose contents contradict its own counts; the others of its datagram were taken
 * - `closed`: the session is
 */
export type RtpSessionDropReason =
  | RtpDrop
  | RtcpDrop
  | RouteDrop
  | 'duplicate'
  | 'unknown-original'
  | 'no-original'
  | 'own-loop'
  | 'malformed'
  | 'closed'

export interface RtpSessionDrop {
  readonly drop: RtpSessionDropReason
}

/** Of the transport as a whole. */
export interface RtpSessionStatistics {
  /** Bits per second, all streams together; undefined until the peer has told anything to compute it from. */
  readonly availableOutgoingBitrate: number | undefined
  /** Bits per second by the peer's wish or our own estimate of what it sends; undefined if neither is known. */
  readonly availableIncomingBitrate: number | undefined
  /** Bits per second. */
  readonly targetBitrate: number
  /** Seconds; undefined before the first. */
  readonly roundTripTime: number | undefined
  readonly rtcpPacketsSent: number
  readonly rtcpPacketsReceived: number
  /** RTCP packets in compounds that were left out, as their contents do not add up. */
  readonly malformedRtcp: number
  /** Feedback about streams that are not sent here, or that says what cannot be. */
  readonly ignoredFeedback: number
  /** Retransmissions that were asked for beyond what may be spent on them. */
  readonly refusedRetransmissions: number
  readonly queuedPackets: number
  /** How long what waits takes to leave, in milliseconds. */
  readonly queueMs: number
  /** By reason. */
  readonly drops: ReadonlyMap<RtpSessionDropReason, number>
}
