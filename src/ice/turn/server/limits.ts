import type { TransportAddress } from '../../../base/address.ts'
import type { RandomSource } from '../../../base/environment.ts'
import type { PeerKind } from './peer-rules.ts'

/** RFC 8656 §6, §7.2: seconds that an allocation lives if its client asks for nothing else, or for less. */
export const defaultLifetimeSeconds = 600

/** RFC 8656 §7.2: no more than an hour is recommended. */
export const maxLifetimeSeconds = 3600

/** RFC 8656 §5: a nonce expires at least once an hour. */
export const nonceLifetimeMs = 3_600_000

/** RFC 8656 §7.2: a reserved port is held for at least 30 seconds. */
export const reservationMs = 30_000

/** How often another port is tried where the operating system refuses one. */
export const maxPortAttempts = 10

/** A client on TCP or TLS that has no allocation after this time is disconnected. */
export const idleConnectionMs = 30_000

/** Requests in a row that are not authentic, after which a client on TCP or TLS is disconnected: nobody is to guess on. */
export const maxRefusals = 10

/** Bytes of an unfinished message that are kept for a client on TCP or TLS without an allocation. */
export const maxStrangerBytes = 4096

/** RFC 6062 §5.2, §5.3: a connection to a peer waits for its ConnectionBind for 30 seconds. */
export const connectionBindMs = 30_000

/** RFC 6062 §5.2: at least 30 seconds are given to a peer to take the connection. */
export const peerConnectMs = 30_000

/** Bytes that a peer may have sent before its connection is bound to a client's. */
export const maxEarlyPeerBytes = 65_536

/** What a server may be told, and what it does if it isn't. */
export interface TurnServerPolicy {
  readonly random: RandomSource
  /** Milliseconds since 1970, for credentials that expire. */
  readonly wallTime: () => number
  /** RFC 8489 §9.2.4: the domain name of the provider is recommended. */
  readonly realm: string
  /** Passwords by user name. They are hashed at once and not kept. */
  readonly users?: Readonly<Record<string, string>> | undefined
  /** Makes user names of the form `expiry[:user]` valid: see `Users`. */
  readonly secret?: string | undefined
  /** Told in SOFTWARE; nothing if empty. */
  readonly software?: string | undefined
  /** The addresses that relayed transport addresses have, as peers see them; at most one of each family. */
  readonly relayAddresses: readonly Pick<TransportAddress, 'address' | 'family'>[]
  /** Addresses of the host besides, that no client is to reach through it. */
  readonly ownAddresses?: readonly string[] | undefined
  /** The lowest and the highest port to relay from: 49152 to 65535. */
  readonly relayPorts?: readonly [number, number] | undefined
  readonly allowLoopbackPeers?: boolean | undefined
  readonly allowPrivatePeers?: boolean | undefined
  readonly allowOwnPeers?: boolean | undefined
  readonly allowPeer?: ((address: string, kind: PeerKind) => boolean | undefined) | undefined
  /** Whether clients may relay TCP (RFC 6062): not unless told so. */
  readonly tcpRelay?: boolean | undefined
  /** Allocations at one time, those being made and reserved ports included: 4096. */
  readonly maxAllocations?: number | undefined
  /** The same for one user: 100. */
  readonly maxAllocationsPerUser?: number | undefined
  /** Peer addresses that one relayed address knows, by permission or channel: 100. */
  readonly maxPermissions?: number | undefined
  /** Channels of one allocation: 256. */
  readonly maxChannels?: number | undefined
  /** Connections to and from peers of one TCP allocation: 16. */
  readonly maxPeerConnections?: number | undefined
  /** Clients that are connected over TCP or TLS at one time: 4096. */
  readonly maxConnections?: number | undefined
  /** The same from one IPv4 address or /64 of IPv6: 256. */
  readonly maxConnectionsPerSource?: number | undefined
  /** Bytes a second that a user may relay, both ways together; unlimited if absent. */
  readonly maxBytesPerSecondPerUser?: number | undefined
  /** Answers a second over UDP to requests from one source that are not authenticated: 100. */
  readonly maxUnauthenticatedPerSecond?: number | undefined
  readonly maxLifetimeSeconds?: number | undefined
  readonly nonceLifetimeMs?: number | undefined
}

/** What may be left out of the policy, decided. */
export type ServerLimits = {
  readonly [Limit in 'relayPorts' | 'nonceLifetimeMs' | Extract<keyof TurnServerPolicy, `max${string}`>]: NonNullable<
    TurnServerPolicy[Limit]
  >
}

export function serverLimits(policy: TurnServerPolicy): ServerLimits {
  return {
    // RFC 8656 §7.2: the dynamic ports
    relayPorts: policy.relayPorts ?? [49_152, 65_535],
    maxAllocations: policy.maxAllocations ?? 4096,
    maxAllocationsPerUser: policy.maxAllocationsPerUser ?? 100,
    maxPermissions: policy.maxPermissions ?? 100,
    maxChannels: policy.maxChannels ?? 256,
    maxPeerConnections: policy.maxPeerConnections ?? 16,
    maxConnections: policy.maxConnections ?? 4096,
    maxConnectionsPerSource: policy.maxConnectionsPerSource ?? 256,
    maxBytesPerSecondPerUser: policy.maxBytesPerSecondPerUser ?? Number.POSITIVE_INFINITY,
    maxUnauthenticatedPerSecond: policy.maxUnauthenticatedPerSecond ?? 100,
    maxLifetimeSeconds: policy.maxLifetimeSeconds ?? maxLifetimeSeconds,
    nonceLifetimeMs: policy.nonceLifetimeMs ?? nonceLifetimeMs,
  }
}
