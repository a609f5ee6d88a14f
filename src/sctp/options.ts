import type { RandomSource } from '../base/environment.ts'
import type { SctpDropReason } from './errors.ts'
import type { SenderStatistics } from './sender.ts'

export interface SctpOptions {
  readonly random: RandomSource
  /** 5000 unless told otherwise, as is usual in WebRTC. */
  readonly localPort?: number
  readonly remotePort?: number
  /** Bytes of an SCTP packet, common header included. */
  readonly packetSize?: number
  /** Bytes of the largest message taken from the peer. */
  readonly maxReceiveMessageSize?: number
  readonly outboundStreams?: number
  readonly inboundStreams?: number
  /** The retransmission timeout before anything was measured, in milliseconds: three round trips are a good guess. */
  readonly initialRtoMs?: number
}

export interface SctpStatistics extends SenderStatistics {
  readonly packetsSent: number
  readonly packetsReceived: number
  /** The smoothed round trip; undefined before the first measurement. */
  readonly roundTripMs: number | undefined
  readonly rtoMs: number
  /** Bytes charged for messages and parts of messages not yet fetched. */
  readonly bytesHeld: number
  /** How often packets, or chunks of them, were refused. */
  readonly drops: ReadonlyMap<SctpDropReason, number>
}
