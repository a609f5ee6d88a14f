/** Why a message had no effect. */
export type ServerDrop =
  | 'malformed'
  /** ChannelData or an indication of a client that has no allocation. */
  | 'no-allocation'
  | 'no-channel'
  | 'no-permission'
  /** To or from an address of this server that no allocation has. */
  | 'forbidden'
  | 'over-bandwidth'
  /** For a client on TCP or TLS that takes less than its peers send. */
  | 'slow-client'
  /** Too many requests that are not authenticated, from one source. */
  | 'rate-limited'
  /** The answer would be too large for the question. */
  | 'amplification'
  /** A method or an attribute that is not for a server, or that it doesn't know. */
  | 'unsupported'

/** Packets that were relayed, and the bytes of the application in them. */
export interface RelayedTraffic {
  packets: number
  bytes: number
}

/** What has happened since the server was started. */
export interface ServerCounters {
  /** Binding requests that were answered. */
  bindings: number
  /** Requests that were authentic. */
  requests: number
  /** Allocations that were made. */
  allocations: number
  readonly toPeers: RelayedTraffic
  readonly toClients: RelayedTraffic
  /** Error responses, by code. */
  readonly refusals: Record<number, number>
  readonly drops: Record<ServerDrop, number>
}

export function createCounters(): ServerCounters {
  return {
    bindings: 0,
    requests: 0,
    allocations: 0,
    toPeers: { packets: 0, bytes: 0 },
    toClients: { packets: 0, bytes: 0 },
    refusals: {},
    drops: {
      malformed: 0,
      'no-allocation': 0,
      'no-channel': 0,
      'no-permission': 0,
      forbidden: 0,
      'over-bandwidth': 0,
      'slow-client': 0,
      'rate-limited': 0,
      amplification: 0,
      unsupported: 0,
    },
  }
}

export function countRefusal(counters: ServerCounters, code: number): void {
  counters.refusals[code] = (counters.refusals[code] ?? 0) + 1
}
