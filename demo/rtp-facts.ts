import type { RTCPeerConnection } from 'icefloe'

/** What a connection has sent of one kind and received of it, from the beginning; read out of `getStats()`. */
export interface RtpFacts {
  readonly received: {
    readonly packets: number
    readonly bytes: number
    readonly lost: number
    /** Packets that were sent again because they were asked for. */
    readonly repaired: number
    readonly nacks: number
    readonly keyframeRequests: number
  }
  readonly sent: {
    readonly packets: number
    readonly bytes: number
    readonly repaired: number
    /** What the other end has asked for. */
    readonly nacks: number
    readonly keyframeRequests: number
    /** 0 to 1, of the packets since the report before. Undefined before the first one. */
    readonly fractionLost: number | undefined
    readonly roundTripMs: number | undefined
  }
}

export type MediaFacts = Readonly<Record<'audio' | 'video', RtpFacts>>

export async function mediaFacts(connection: RTCPeerConnection): Promise<MediaFacts> {
  const entries = [...(await connection.getStats()).values()] as readonly Stats[]
  return { audio: rtpFacts(entries, 'audio'), video: rtpFacts(entries, 'video') }
}

type Stats = Readonly<Record<string, unknown>>

function rtpFacts(entries: readonly Stats[], kind: string): RtpFacts {
  const of = (type: string) => entries.filter(entry => entry.type === type && entry.kind === kind)
  const [inbound, outbound, reports] = [of('inbound-rtp'), of('outbound-rtp'), of('remote-inbound-rtp')]
  const roundTrip = highest(reports, 'roundTripTime')
  return {
    received: {
      packets: sum(inbound, 'packetsReceived'),
      bytes: sum(inbound, 'bytesReceived'),
      lost: sum(inbound, 'packetsLost'),
      repaired: sum(inbound, 'retransmittedPacketsReceived'),
      nacks: sum(inbound, 'nackCount'),
      keyframeRequests: sum(inbound, 'pliCount') + sum(inbound, 'firCount'),
    },
    sent: {
      packets: sum(outbound, 'packetsSent'),
      bytes: sum(outbound, 'bytesSent'),
      repaired: sum(outbound, 'retransmittedPacketsSent'),
      nacks: sum(outbound, 'nackCount'),
      keyframeRequests: sum(outbound, 'pliCount') + sum(outbound, 'firCount'),
      fractionLost: highest(reports, 'fractionLost'),
      roundTripMs: roundTrip === undefined ? undefined : roundTrip * 1000,
    },
  }
}

function sum(entries: readonly Stats[], name: string): number {
  return entries.reduce((total, entry) => total + (typeof entry[name] === 'number' ? entry[name] : 0), 0)
}

function highest(entries: readonly Stats[], name: string): number | undefined {
  const values = entries.map(entry => entry[name]).filter(value => typeof value === 'number')
  return values.length === 0 ? undefined : Math.max(...values)
}
