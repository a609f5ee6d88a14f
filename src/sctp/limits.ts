/** Protocol parameters (RFC 9260 §16) and the bounds of everything that grows, each with its reason. */

// --- Retransmission -----------------------------------------------------------------------------------------------

/** RTO.Initial, until a round trip has been measured or the caller has told one. RFC 9260 §16. */
export const rtoInitialMs = 1_000
/**
 * RTO.Min. RFC 9260 §16 recommends 1 s, from an age of coarse clocks. Other stacks delay a SACK by up to 200 ms, so an
 * RTO below that would take their silence for loss; above it, a stall is only longer.
 */
export const rtoMinMs = 200
/**
 * RTO.Max. RFC 9260 §16 recommends 60 s, for a transport that has nothing else to watch the path. Here ICE does, and may
 * bring a dead path back within half a minute: the association should notice within seconds of that.
 */
export const rtoMaxMs = 10_000
/** Association.Max.Retrans. RFC 9260 §16 recommends 10, which at an RTO.Max of 60 s means minutes; this means the same minutes. */
export const maxAssociationRetransmissions = 20
/** Max.Init.Retransmits, RFC 9260 §16. */
export const maxInitRetransmissions = 8
/** RFC 9002 §6.1.1: a chunk is lost once something sent three packets later has arrived. */
export const packetThreshold = 3
/** The shortest time that reordering may take before it counts as loss, below which timers tell nothing. RFC 9002 §6.1.2. */
export const minReorderWindowMs = 2
/** The least delay before a tail loss probe. It is far above a loopback's round trip, so that a pause for garbage collection seldom costs a packet. */
export const minProbeDelayMs = 20
/** A retransmission timer that is served this late tells of a process that stood still, not of a silent peer. */
export const lateTimerMs = 50
/** The time for which such a timer is put off: one turn of the event loop, in which the acknowledgements that wait in the socket are read. */
export const lateTimerGraceMs = 20

// --- Congestion ---------------------------------------------------------------------------------------------------

/** RFC 9002 §7.2: ten packets, but no more than 14720 bytes unless two packets are more. */
export const initialWindowPackets = 10
export const initialWindowBytes = 14_720
/** The congestion window never grows beyond this: at 50 ms round trip it is 20 MB/s, and a single process does not send much faster. */
export const maxCongestionWindow: number = 1024 * 1024
/**
 * RFC 9260 §7.2.1: L, the packets by which one SACK may open the window in slow start. A receiver that takes datagrams in
 * batches acknowledges a batch at a time; the bytes acknowledged remain the other bound.
 */
export const slowStartPacketsPerSack = 32
/** Max.Burst: packets sent before either an acknowledgement or {@link burstIntervalMs} has passed. A third of what a default UDP receive buffer holds. */
export const maxBurstPackets = 32
export const burstIntervalMs = 1
/** RFC 9260 §6.1: a message is cut to use the rest of a packet only where at least this much is left (silly window avoidance). */
export const minFragmentBytes = 256
/** Chunks sent and not yet cumulatively acknowledged. A gap block cannot point further than 65535. */
export const maxOutstandingChunks = 32_768

/** RFC 8831 §6.4: the priority of a stream that has none of its own is that of a normal channel. */
export const defaultPriority = 256
/** Priorities are unsigned integers of two bytes; a weight of zero would be no share at all. */
export const maxPriority = 65_535

// --- Receiving ----------------------------------------------------------------------------------------------------

/** The receive window, unless twice the largest message is more. */
export const receiveBufferBytes: number = 2 * 1024 * 1024
/** The largest message taken, unless the caller says otherwise. */
export const maxReceiveMessageBytes: number = 1024 * 1024
/** What a chunk or message held costs beyond its bytes: charged to the window, so that one-byte chunks cannot hoard memory. */
export const heldOverheadBytes = 64
/** RFC 1122 §4.2.3.3: a window smaller than this is told as closed. */
export const minAdvertisedWindow = 2_048
/** TSNs beyond the cumulative one that are told apart: a bitmap of 4 KiB, allocated at the first gap. */
export const receivedWindowTsns = 32_768
/** Duplicate TSNs reported in one SACK. */
export const maxDuplicatesReported = 32
/** The longest capacity that is set aside on the guess that a message will be as long as the one before on its stream. */
export const maxPresumedMessageBytes: number = 256 * 1024

/** RFC 9260 §6.2: every second packet is acknowledged while a sender may be in slow start, and after a loss. */
export const quickAckPackets = 2
export const quickAckPhasePackets = 512
/**
 * Later a SACK is sent for so many packets. RFC 9260 §6.2 says SHOULD for every second one; acknowledging costs a third of
 * the throughput of a process that seals and sends each datagram, and a sender that waits sets the I bit (RFC 7053).
 */
export const bulkAckPackets = 8
/** RFC 9260 §6.1, D and §16: Max.Burst, what many senders send for each packet with a SACK. */
export const peerBurstPackets = 4
/** So many such packets are answered for one turn: a turn reads no more than 32 datagrams. */
export const peerBurstSnapshots = 8
/** SACK.Delay: RFC 9260 §6.2 allows 200 ms. Short, for senders that wait and do not set the I bit. */
export const sackDelayMs = 20
/** SACKs kept of earlier packets of a turn, so that a sender that counts three miss indications gets them. RFC 9260 §7.2.4. */
export const maxGapSnapshots = 2

// --- Association --------------------------------------------------------------------------------------------------

/** Valid.Cookie.Life, RFC 9260 §16. */
export const cookieLifetimeMs = 60_000
/** The largest cookie of a peer that is echoed. */
export const maxPeerCookieBytes = 4_096
/** Parameters read of one chunk. */
export const maxParameters = 64
/** HB.interval. RFC 9260 §16 recommends 30 s; ICE consent watches the path every few seconds already (RFC 7675). */
export const heartbeatIntervalMs = 60_000
/** The largest heartbeat that is answered. */
export const maxHeartbeatBytes = 1_024
/** Packets that answer others (INIT ACK, ABORT) waiting to be sent, and chunks that do (HEARTBEAT ACK, ERROR). More are not answered. */
export const maxPendingReplies = 8
export const maxPendingControlChunks = 8
/** The largest part of an unrecognized chunk or parameter that is sent back. */
export const maxReportedBytes = 256
/** RFC 9260 §9.2: T5-shutdown-guard is five times RTO.Max. */
export const shutdownGuardMs: number = 5 * rtoMaxMs
/** Bytes of an SCTP packet unless told otherwise: 1200 of UDP payload less 28 for DTLS. */
export const defaultPacketSize = 1_172
export const minPacketSize = 256
/** RFC 8831 §6.2: the number of streams SHOULD be 65535, the most there can be. */
export const maxStreams = 65_535
/** RFC 9260 §3.3.2: a smaller window in an INIT is an error. */
export const minInitWindow = 1_500
