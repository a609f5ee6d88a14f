import type { TransportAddress } from '../../../base/address.ts'
import { AddressMap } from './address-map.ts'
import type { Bandwidth } from './rate-limit.ts'
import type { ClientPath, SocketId } from './sockets.ts'
import type { Account } from './users.ts'

/** What one user has in use. */
export interface Usage {
  readonly owner: string
  /** Allocations, those being made included, and reserved ports. */
  count: number
  readonly bandwidth: Bandwidth | undefined
}

/**
 * What a client has on the server: one or two relayed transport addresses, and the channels it names peers by.
 *
 * RFC 8656 §6.
 */
export interface Allocation {
  /** RFC 8656 §6: the 5-tuple. */
  readonly client: ClientPath
  readonly account: Account
  readonly usage: Usage
  readonly transport: 'udp' | 'tcp'
  /** Of the Allocate request, to know it again: RFC 8656 §7.2. */
  readonly transactionId: Uint8Array
  /** Empty as long as it is being made. */
  relays: Relay[]
  state: 'opening' | 'open' | 'closed'
  reservationToken: Uint8Array | undefined
  readonly channels: Map<number, Channel>
}

/** A relayed transport address, with what its client may exchange with whom. */
export interface Relay {
  readonly socket: SocketId
  readonly allocation: Allocation
  /** As peers see it. */
  readonly address: TransportAddress
  expiresAt: number
  /** When its peers are next looked through for those that have expired. */
  pruneAt: number
  readonly peers: Map<string, Peer>
}

/** A peer's IP address. RFC 8656 §9: a permission is for an address, whatever the port. */
export interface Peer {
  permittedUntil: number
  /** Whether it may be an address of this very server: each datagram is then looked at more closely. */
  reach: 'open' | 'guarded' | 'relays'
  /** By port. */
  channels: Map<number, Channel> | undefined
}

/** RFC 8656 §12: a channel number and a peer's transport address that stand for each other. */
export interface Channel {
  readonly number: number
  readonly address: TransportAddress
  readonly peer: Peer
  readonly relay: Relay
  expiresAt: number
}

/** The relayed transport addresses of a server, by address. */
export type RelayTable = AddressMap<Relay>

export function createRelayTable(): RelayTable {
  return new AddressMap()
}

/** Forgets peers whose permission and channels have expired. */
export function prune(relay: Relay, now: number): void {
  for (const [address, peer] of relay.peers) {
    for (const channel of peer.channels?.values() ?? []) if (channel.expiresAt <= now) unbind(channel)
    if (peer.permittedUntil <= now && peer.channels === undefined) relay.peers.delete(address)
  }
}

/** RFC 8656 §12: once it has expired, number and address may be bound to others. */
export function unbind(channel: Channel): void {
  const { peer, relay } = channel
  relay.allocation.channels.delete(channel.number)
  peer.channels?.delete(channel.address.port)
  if (peer.channels?.size === 0) peer.channels = undefined
}
