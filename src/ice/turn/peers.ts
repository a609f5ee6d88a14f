import { addressKey, type TransportAddress } from '../../base/address.ts'
import { setBounded } from '../../base/bounded-map.ts'
import { parseIp } from '../../base/ip.ts'
import type { Peer, Permission } from './peer.ts'

/** How many peers are remembered at once; a new one beyond that takes the place of the one that was longest unused. */
export const maxPeers = 128

/** How many packets wait for the permission of a peer; more are dropped, as a full network would. */
export const maxWaitingPackets = 16

/** How many addresses are remembered that send to us under a permission, without having been sent to. */
export const maxStrangers = 32

/** The peers of an allocation, and their permissions. */
export class PeerTable {
  readonly #peers = new Map<string, Peer>()
  readonly #permissions = new Map<string, Permission>()
  readonly #strangers = new Map<string, TransportAddress>()

  get permissions(): Iterable<Permission> {
    return this.#permissions.values()
  }

  find(address: TransportAddress): Peer | undefined {
    return this.#peers.get(addressKey(address))
  }

  /** The permission that covers an address. */
  permissionFor(address: TransportAddress): Permission | undefined {
    return this.#permissions.get(address.address)
  }

  /** Takes a permission in; who calls asks the server for it. */
  addPermission(address: TransportAddress): Permission {
    const permission: Permission = { address, state: { kind: 'asked' } }
    this.#permissions.set(address.address, permission)
    return permission
  }

  /** Takes a peer in. Returns the one that had to go for it, if any. */
  add(peer: Peer): Peer | undefined {
    const evicted = this.#peers.size >= maxPeers ? this.#longestUnused() : undefined
    if (evicted !== undefined) this.#remove(evicted)
    this.#strangers.delete(addressKey(peer.address))
    this.#peers.set(addressKey(peer.address), peer)
    return evicted
  }

  /** The peers that a permission is for. */
  *peersOf(permission: Permission): IterableIterator<Peer> {
    for (const peer of this.#peers.values()) if (peer.permission === permission) yield peer
  }

  /** The object that stands for an address that data has come from. */
  sender(address: TransportAddress): TransportAddress {
    const key = addressKey(address)
    const known = this.#peers.get(key)?.address ?? this.#strangers.get(key)
    if (known !== undefined) return known
    setBounded(this.#strangers, key, address, maxStrangers)
    return address
  }

  #longestUnused(): Peer | undefined {
    let found: Peer | undefined
    for (const peer of this.#peers.values()) if (found === undefined || peer.usedAt < found.usedAt) found = peer
    return found
  }

  #remove(peer: Peer): void {
    this.#peers.delete(addressKey(peer.address))
    for (const _ of this.peersOf(peer.permission)) return
    this.#permissions.delete(peer.permission.address.address)
  }
}

/** The canonical form of an address, which is most often itself; undefined if it is no IP address. */
export function canonicalAddress(address: TransportAddress): TransportAddress | undefined {
  // An IPv4-mapped address must not pass for an IPv6 one: a permission or a channel for it would be for somebody else.
  const ip = parseIp(address.address)
  if (ip === undefined) return undefined
  return ip.address === address.address && ip.family === address.family ? address : { ...ip, port: address.port }
}
