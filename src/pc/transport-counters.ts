import { PairTraffic } from './pair-traffic.ts'

/** The kinds of packets of a transport, as they are told apart on the wire. */
export type CountedKind = 'stun' | 'dtls' | 'rtp' | 'rtcp' | 'unknown'

/** Packets by kind. */
export type PacketCounts = Record<CountedKind, number>

/** Traffic of a transport, its bytes without ICE connectivity checks, and what was dropped, by reason. */
export interface TransportCounters {
  packetsSent: number
  packetsReceived: number
  bytesSent: number
  bytesReceived: number
  selectedPairChanges: number
  /** `rtp` and `rtcp` are protected packets; whether they could be trusted is told by `drops`. */
  readonly sent: PacketCounts
  readonly received: PacketCounts
  readonly drops: Map<string, number>
  /** By candidate pair, without ICE connectivity checks. */
  readonly traffic: PairTraffic
}

/** @param now monotonic milliseconds */
export function newTransportCounters(now: () => number): TransportCounters {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    selectedPairChanges: 0,
    sent: noPackets(),
    received: noPackets(),
    drops: new Map(),
    traffic: new PairTraffic(now),
  }
}

function noPackets(): PacketCounts {
  return { stun: 0, dtls: 0, rtp: 0, rtcp: 0, unknown: 0 }
}
