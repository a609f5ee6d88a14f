import type { TransportAddress } from '../../../base/address.ts'
import type { RandomSource } from '../../../base/environment.ts'
import type { AllocatePlan } from './allocate-request.ts'
import {
  type Allocation,
  createRelayTable,
  prune,
  type Relay,
  type RelayTable,
  type Usage,
  unbind,
} from './allocation.ts'
import { maxPortAttempts, reservationMs, type ServerLimits } from './limits.ts'
import { Bandwidth } from './rate-limit.ts'
import { RelayPorts } from './relay-ports.ts'
import type { ClientPath, SocketId, TurnServerEvent } from './sockets.ts'
import type { Account } from './users.ts'

/** How often the peers of a relay are looked through for those that have expired. */
const pruneIntervalMs = 30_000

/** A port that is kept for whoever brings the token. RFC 8656 §7.2. */
interface Reservation {
  readonly token: string
  readonly socket: SocketId
  readonly address: TransportAddress
  readonly usage: Usage
  readonly expiresAt: number
}

/** An allocation whose sockets are being opened. */
interface Opening {
  readonly allocation: Allocation
  readonly lifetimeMs: number
  /** One for each address family. */
  readonly groups: readonly PortGroup[]
  readonly done: (outcome: AllocationOutcome) => void
}

/** A port to relay from, or two in a row that are to be had together. */
interface PortGroup {
  readonly family: 4 | 6
  readonly ports: AllocatePlan['ports']
  attempts: number
  state: 'opening' | 'open' | 'failed'
  sockets: { readonly socket: SocketId; readonly port: number; state: 'opening' | 'open' | 'failed' }[]
}

/** What came of an Allocate request: nothing if no family was to be had, part of it if only one was. */
export interface AllocationOutcome {
  readonly allocation: Allocation
  readonly missing: readonly (4 | 6)[]
}

export interface AllocatorOptions {
  readonly random: RandomSource
  readonly limits: ServerLimits
  readonly relayAddresses: readonly Pick<TransportAddress, 'address' | 'family'>[]
  readonly newSocket: () => SocketId
  readonly emit: (event: TurnServerEvent) => void
  /** A relay has got its socket. */
  readonly began: (relay: Relay) => void
  /** A relay is about to lose it. */
  readonly ended: (relay: Relay) => void
}

/** Who makes allocations and ends them, with the ports, quotas and reservations that belong to it. */
export class Allocator {
  /** The relayed addresses in use, by what is relayed. */
  readonly relays: { readonly udp: RelayTable; readonly tcp: RelayTable } = {
    udp: createRelayTable(),
    tcp: createRelayTable(),
  }
  readonly #options: AllocatorOptions
  readonly #allocations = new Set<Allocation>()
  readonly #usage = new Map<string, Usage>()
  readonly #reservations = new Map<string, Reservation>()
  readonly #openings = new Map<SocketId, Opening>()
  readonly #ports: ReadonlyMap<4 | 6, RelayPorts>
  #inUse = 0

  constructor(options: AllocatorOptions) {
    this.#options = options
    const { random, limits, relayAddresses } = options
    this.#ports = new Map(relayAddresses.map(({ family }) => [family, new RelayPorts(random, limits.relayPorts)]))
  }

  get families(): readonly (4 | 6)[] {
    return [...this.#ports.keys()]
  }

  get allocations(): ReadonlySet<Allocation> {
    return this.#allocations
  }

  get reservedPorts(): number {
    return this.#reservations.size
  }

  /** Whether one more may be made. RFC 8656 §7.2, step 10, and 508 for the server as a whole. */
  refusal(account: Account, plan: AllocatePlan): 486 | 508 | undefined {
    const { maxAllocations, maxAllocationsPerUser } = this.#options.limits
    // One that takes a reserved port counts already.
    if (plan.reservationToken !== undefined) return undefined
    const count = plan.ports === 'pair' ? 2 : 1
    if ((this.#usage.get(account.owner)?.count ?? 0) + count > maxAllocationsPerUser) return 486
    return this.#inUse + count > maxAllocations ? 508 : undefined
  }

  /**
   * Begins an allocation.
   *
   * @param done told once its sockets are open, or can't be; not if it was released before
   * @returns undefined if the reservation token is not valid
   */
  begin(
    request: {
      client: ClientPath
      account: Account
      transactionId: Uint8Array
      plan: AllocatePlan
      lifetimeMs: number
    },
    now: number,
    done: (outcome: AllocationOutcome) => void,
  ): Allocation | undefined {
    const { client, account, plan, lifetimeMs } = request
    const reservation = this.#redeem(plan.reservationToken, account, now)
    if (reservation === undefined && plan.reservationToken !== undefined) return undefined
    const allocation: Allocation = {
      client,
      account,
      usage: this.#take(account.owner),
      transport: plan.transport,
      // A copy: what was received is not ours to keep.
      transactionId: Uint8Array.from(request.transactionId),
      relays: [],
      state: 'opening',
      reservationToken: undefined,
      channels: new Map(),
    }
    this.#allocations.add(allocation)
    if (reservation !== undefined) {
      this.#addRelay(allocation, reservation.socket, reservation.address, now + lifetimeMs)
      allocation.state = 'open'
      done({ allocation, missing: [] })
      return allocation
    }
    const groups = plan.families.map(family => portGroup(family, plan.ports))
    const opening = { allocation, lifetimeMs, groups, done }
    for (const group of groups) this.#open(opening, group)
    this.#settle(opening, now)
    return allocation
  }

  /** A socket that was asked for is open, or can't be opened. Returns whether it was waited for. */
  opened(socket: SocketId, succeeded: boolean, now: number): boolean {
    const opening = this.#openings.get(socket)
    if (opening === undefined) return false
    this.#openings.delete(socket)
    for (const group of opening.groups) {
      const attempt = group.sockets.find(candidate => candidate.socket === socket)
      if (attempt === undefined) continue
      attempt.state = succeeded ? 'open' : 'failed'
      this.#settleGroup(opening, group)
    }
    this.#settle(opening, now)
    return true
  }

  /** Ends an allocation and frees all that it has. */
  release(allocation: Allocation): void {
    if (allocation.state === 'closed') return
    allocation.state = 'closed'
    this.#allocations.delete(allocation)
    this.#giveBack(allocation.usage)
    for (const relay of [...allocation.relays]) this.removeRelay(relay)
    for (const [socket, opening] of this.#openings) {
      if (opening.allocation !== allocation) continue
      this.#openings.delete(socket)
      for (const group of opening.groups) this.#abandon(group)
    }
  }

  /** RFC 8656 §8.1: ends one of the two relayed addresses of a dual allocation, with its permissions and channels. */
  removeRelay(relay: Relay): void {
    const { allocation } = relay
    this.#options.ended(relay)
    allocation.relays = allocation.relays.filter(other => other !== relay)
    for (const channel of [...allocation.channels.values()]) if (channel.relay === relay) unbind(channel)
    relay.peers.clear()
    this.relays[allocation.transport].delete(relay.address)
    this.#close(relay.socket, relay.address.family, relay.address.port)
  }

  /** Frees what has expired. `expired` is told of each allocation before it is released. */
  sweep(now: number, expired: (allocation: Allocation) => void): void {
    for (const reservation of [...this.#reservations.values()]) {
      if (reservation.expiresAt <= now) this.#forget(reservation)
    }
    for (const allocation of this.#allocations) {
      if (allocation.state !== 'open') continue
      for (const relay of [...allocation.relays]) this.#sweepRelay(relay, now)
      if (allocation.relays.length === 0) expired(allocation)
    }
  }

  /** Ends everything. */
  clear(): void {
    for (const reservation of [...this.#reservations.values()]) this.#forget(reservation)
    for (const allocation of [...this.#allocations]) this.release(allocation)
  }

  #sweepRelay(relay: Relay, now: number): void {
    if (relay.expiresAt <= now) this.removeRelay(relay)
    else if (relay.pruneAt <= now) {
      relay.pruneAt = now + pruneIntervalMs
      prune(relay, now)
    }
  }

  #open(opening: Opening, group: PortGroup): void {
    const port = group.attempts++ < maxPortAttempts ? this.#ports.get(group.family)?.take(group.ports) : undefined
    if (port === undefined) {
      group.state = 'failed'
      return
    }
    const ports = group.ports === 'pair' ? [port, port + 1] : [port]
    group.sockets = ports.map(each => ({ socket: this.#options.newSocket(), port: each, state: 'opening' }))
    for (const { socket, port: each } of group.sockets) {
      this.#openings.set(socket, opening)
      const { transport } = opening.allocation
      this.#options.emit({ type: 'open', socket, transport, family: group.family, port: each })
    }
  }

  /** All of a group or nothing: where the operating system has refused one of its ports, it is tried with others. */
  #settleGroup(opening: Opening, group: PortGroup): void {
    if (group.sockets.some(({ state }) => state === 'opening')) return
    if (group.sockets.every(({ state }) => state === 'open')) {
      group.state = 'open'
      return
    }
    this.#abandon(group)
    this.#open(opening, group)
  }

  #abandon(group: PortGroup): void {
    for (const { socket, port, state } of group.sockets.splice(0)) {
      this.#openings.delete(socket)
      if (state === 'failed') this.#ports.get(group.family)?.release(port)
      else this.#close(socket, group.family, port)
    }
  }

  #settle({ allocation, groups, lifetimeMs, done }: Opening, now: number): void {
    if (groups.some(({ state }) => state === 'opening')) return
    for (const group of groups) {
      const [first, second] = group.sockets
      if (group.state !== 'open' || first === undefined) continue
      this.#addRelay(allocation, first.socket, this.#address(group.family, first.port), now + lifetimeMs)
      if (second !== undefined) {
        const address = this.#address(group.family, second.port)
        allocation.reservationToken = this.#reserve(second.socket, address, allocation.account, now)
      }
    }
    allocation.state = 'open'
    done({ allocation, missing: groups.filter(({ state }) => state === 'failed').map(({ family }) => family) })
  }

  #addRelay(allocation: Allocation, socket: SocketId, address: TransportAddress, expiresAt: number): void {
    const relay: Relay = { socket, allocation, address, expiresAt, pruneAt: 0, peers: new Map() }
    allocation.relays.push(relay)
    this.relays[allocation.transport].set(address, relay)
    this.#options.began(relay)
  }

  #address(family: 4 | 6, port: number): TransportAddress {
    const address = this.#options.relayAddresses.find(each => each.family === family)?.address ?? ''
    return { address, port, family }
  }

  #reserve(socket: SocketId, address: TransportAddress, account: Account, now: number): Uint8Array {
    const token = this.#options.random(8)
    const key = tokenKey(token)
    const usage = this.#take(account.owner)
    this.#reservations.set(key, { token: key, socket, address, usage, expiresAt: now + reservationMs })
    return token
  }

  /** Takes a reserved port out for its user: whoever else has seen the token gets nothing for it. */
  #redeem(token: Uint8Array | undefined, account: Account, now: number): Reservation | undefined {
    const reservation = token && this.#reservations.get(tokenKey(token))
    if (reservation === undefined || reservation.expiresAt <= now) return undefined
    if (reservation.usage.owner !== account.owner) return undefined
    this.#reservations.delete(reservation.token)
    this.#giveBack(reservation.usage)
    return reservation
  }

  #forget(reservation: Reservation): void {
    this.#reservations.delete(reservation.token)
    this.#giveBack(reservation.usage)
    this.#close(reservation.socket, reservation.address.family, reservation.address.port)
  }

  #close(socket: SocketId, family: 4 | 6, port: number): void {
    this.#ports.get(family)?.release(port)
    this.#options.emit({ type: 'close', socket })
  }

  #take(owner: string): Usage {
    let usage = this.#usage.get(owner)
    if (usage === undefined) {
      const { maxBytesPerSecondPerUser: rate } = this.#options.limits
      usage = { owner, count: 0, bandwidth: rate === Number.POSITIVE_INFINITY ? undefined : new Bandwidth(rate) }
      this.#usage.set(owner, usage)
    }
    usage.count++
    this.#inUse++
    return usage
  }

  #giveBack(usage: Usage): void {
    this.#inUse--
    if (--usage.count === 0) this.#usage.delete(usage.owner)
  }
}

function portGroup(family: 4 | 6, ports: AllocatePlan['ports']): PortGroup {
  return { family, ports, attempts: 0, state: 'opening', sockets: [] }
}

function tokenKey(token: Uint8Array): string {
  return Buffer.from(token).toString('hex')
}
