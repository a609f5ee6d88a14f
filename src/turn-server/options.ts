import type { Environment } from '../base/environment.ts'
import type { PeerKind } from '../ice/turn/server/peer-rules.ts'

/** Where a server takes requests. */
export interface ListenOptions {
  /** An address of this host; `0.0.0.0` and `::` stand for all of their family. */
  readonly address: string
  /** 3478, and 5349 for TLS, if absent; 0 for any. */
  readonly port?: number
  /** `udp` if absent. */
  readonly transport?: 'udp' | 'tcp' | 'tls'
  /** For TLS: the chain, as PEM. */
  readonly certificate?: string
  /** For TLS: the private key, as PEM. */
  readonly key?: string
}

export interface TurnServerOptions {
  readonly listen: readonly ListenOptions[]
  /** The name under which users are known; the domain of the provider is recommended. RFC 8489 §9.2.4. */
  readonly realm: string
  /** Passwords by user name. Without users and secret, the server answers STUN alone. */
  readonly users?: Readonly<Record<string, string>>
  /**
   * The secret that is shared with a web service, which hands out credentials for a time: the user name is
   * `expiry[:user]`, in seconds since 1970, the password the base64 of its HMAC-SHA1. With it, clients send their user
   * names in the clear.
   */
  readonly secret?: string
  /** The addresses of this host to relay from, one of each family at most; if absent, the first ones it listens on. */
  readonly relayOn?: readonly string[]
  /** What peers see instead of those, where a NAT maps each to a public address, port by port; one of each family at most. */
  readonly relayAddress?: string | readonly string[]
  /** The lowest and the highest port to relay from; 49152 and 65535 if absent. */
  readonly relayPorts?: readonly [number, number]
  /** Lets clients reach loopback addresses through this server: for tests. */
  readonly allowLoopbackPeers?: boolean
  /** Lets clients reach private addresses (RFC 1918, unique local, shared): for servers within a private network. */
  readonly allowPrivatePeers?: boolean
  /** Lets clients reach other ports of this host than those of other clients. */
  readonly allowOwnPeers?: boolean
  /**
   * Decides about a peer's address before the other rules do; undefined leaves it to them. Tunnels (6to4, Teredo, ISATAP)
   * and the ports that the server listens on are refused all the same.
   */
  readonly allowPeer?: (address: string, kind: PeerKind) => boolean | undefined
  /** Whether clients may relay TCP connections, RFC 6062; not if absent. */
  readonly tcpRelay?: boolean
  /** Told to clients in SOFTWARE; nothing if absent. */
  readonly software?: string
  /** Allocations at one time, with reserved ports: 4096 if absent. */
  readonly maxAllocations?: number
  /** Allocations of one user at one time, with reserved ports: 100 if absent. */
  readonly maxAllocationsPerUser?: number
  /** Addresses of peers for each relayed address: 100 if absent. */
  readonly maxPermissions?: number
  /** Channels of an allocation: 256 if absent. */
  readonly maxChannels?: number
  /** TCP connections of an allocation to and from peers: 16 if absent. */
  readonly maxPeerConnections?: number
  /** Clients on TCP and TLS at one time: 4096 if absent. */
  readonly maxConnections?: number
  /** The same from one IPv4 address, or one /64 of IPv6: 256 if absent. */
  readonly maxConnectionsPerSource?: number
  /** What a user may relay, both ways together, in bytes a second; unlimited if absent. What is more is dropped. */
  readonly maxBytesPerSecondPerUser?: number
  /** Answers a second to one source over UDP that has not authenticated itself: 100 if absent. */
  readonly maxUnauthenticatedPerSecond?: number
  /** The longest life of an allocation between refreshes, in seconds: 3600 if absent, and never below 600. */
  readonly maxLifetimeSeconds?: number
  /** The real one if absent. */
  readonly environment?: Environment
}
