import type { TransportAddress } from '../../../base/address.ts'
import { firstChannel, lastChannel } from '../channel-data.ts'
import { channelLifetimeMs, permissionLifetimeMs } from '../timing.ts'
import type { AddressMap } from './address-map.ts'
import { type Allocation, type Channel, type Peer, prune, type Relay, type RelayTable, unbind } from './allocation.ts'
import type { ServerLimits } from './limits.ts'
import type { PeerRules } from './peer-rules.ts'

/** What is at the addresses of this host, and what clients may reach of it and of the world. */
export interface Surroundings {
  readonly rules: PeerRules
  /** The relayed addresses of this server, for what is relayed. */
  readonly relays: RelayTable
  /** Where this server takes requests. */
  readonly listening: AddressMap<unknown>
}

export interface PermissionsOptions extends Surroundings {
  readonly limits: ServerLimits
}

/** What a request is to be refused with, if it is. */
type ErrorCode = number | undefined

/** Grants permissions and binds channels, as far as the rules and limits let it. */
export class Permissions {
  readonly #options: PermissionsOptions

  constructor(options: PermissionsOptions) {
    this.#options = options
  }

  /** RFC 8656 §10.2: all of them or none. */
  create(allocation: Allocation, addresses: readonly TransportAddress[] | undefined, now: number): ErrorCode {
    if (addresses === undefined || addresses.length === 0) return 400
    const wanted = new Map<string, Relay>()
    for (const address of addresses) {
      const relay = relayFor(allocation, address)
      if (relay === undefined) return 443
      if (this.#options.rules.judge(address.address) === 'forbidden') return 403
      wanted.set(address.address, relay)
    }
    for (const relay of allocation.relays) {
      const addresses = [...wanted.keys()].filter(address => wanted.get(address) === relay)
      if (!this.#hasRoom(relay, addresses, now)) return 508
    }
    for (const [address, relay] of wanted) this.#permit(relay, address, now)
    return undefined
  }

  /** RFC 8656 §12.2. */
  bind(
    allocation: Allocation,
    number: number | undefined,
    addresses: readonly TransportAddress[] | undefined,
    now: number,
  ): ErrorCode {
    const address = addresses?.[0]
    if (number === undefined || address === undefined || address.port === 0) return 400
    if (number < firstChannel || number > lastChannel) return 400
    const relay = relayFor(allocation, address)
    if (relay === undefined) return 443
    const byNumber = current(allocation.channels.get(number), now)
    const byAddress = current(relay.peers.get(address.address)?.channels?.get(address.port), now)
    // RFC 8656 §12.2: neither the number nor the address may be bound to another
    if (byNumber !== byAddress) return 400
    if (!isReachable(address, this.#options)) return 403
    const isFull = byNumber === undefined && allocation.channels.size >= this.#options.limits.maxChannels
    if (isFull || !this.#hasRoom(relay, [address.address], now)) return 508
    const peer = this.#permit(relay, address.address, now)
    if (byNumber !== undefined) byNumber.expiresAt = now + channelLifetimeMs
    else addChannel({ number, address, peer, relay, expiresAt: now + channelLifetimeMs })
    return undefined
  }

  #permit(relay: Relay, address: string, now: number): Peer {
    const judged = this.#options.rules.judge(address)
    const reach = judged === 'forbidden' ? 'relays' : judged
    const permittedUntil = now + permissionLifetimeMs
    const known = relay.peers.get(address)
    if (known !== undefined) return Object.assign(known, { permittedUntil, reach })
    const peer: Peer = { permittedUntil, reach, channels: undefined }
    relay.peers.set(address, peer)
    return peer
  }

  #hasRoom(relay: Relay, addresses: readonly string[], now: number): boolean {
    const { maxPermissions } = this.#options.limits
    // What has expired makes room, and has to go before it is counted who is new.
    if (relay.peers.size + addresses.length > maxPermissions) prune(relay, now)
    return relay.peers.size + addresses.filter(address => !relay.peers.has(address)).length <= maxPermissions
  }
}

/**
 * Whether a peer may be reached at a port as well, and not just at its address. RFC 8656 §21.1.4: at an address of this host
 * that is so only for relayed addresses of other clients, unless the rules let them go further; §21.1.7: never this server.
 */
export function isReachable(address: TransportAddress, { rules, relays, listening }: Surroundings): boolean {
  const reach = rules.judge(address.address)
  if (reach === 'open') return true
  if (reach === 'forbidden') return false
  return relays.get(address) !== undefined || (reach === 'guarded' && listening.get(address) === undefined)
}

function relayFor(allocation: Allocation, address: TransportAddress): Relay | undefined {
  return allocation.relays.find(relay => relay.address.family === address.family)
}

/** The channel, unless it has expired: then it makes way. */
function current(channel: Channel | undefined, now: number): Channel | undefined {
  if (channel === undefined || channel.expiresAt > now) return channel
  unbind(channel)
  return undefined
}

function addChannel(channel: Channel): void {
  channel.relay.allocation.channels.set(channel.number, channel)
  channel.peer.channels ??= new Map()
  channel.peer.channels.set(channel.address.port, channel)
}
