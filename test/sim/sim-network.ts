import type { TransportAddress } from '../../src/base/address.ts'
import { addressKey } from '../../src/base/address.ts'
import type { DatagramHandler, Network, NetworkInterface, UdpSocket } from '../../src/base/environment.ts'
import type { Prng } from '../support/prng.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What happens to the datagrams of one direction between two hosts. Probabilities are from 0 to 1. */
export interface LinkConditions {
  readonly loss: number
  /** Delivered twice. */
  readonly duplicate: number
  /** Held back by `reorderMs`, so that later ones overtake. */
  readonly reorder: number
  readonly reorderMs: number
  /** Delivered with one bit flipped. */
  readonly corrupt: number
  readonly delayMs: number
  /** Added to the delay, evenly spread from 0 to this. */
  readonly jitterMs: number
  /** Datagrams with more bytes than this vanish. */
  readonly mtu: number
  /** Bytes a millisecond that pass; what comes faster waits in a queue. */
  readonly bytesPerMs: number
  /** Bytes that may wait; what comes on top is lost. */
  readonly queueBytes: number
}

/** A short wire: 1 ms, nothing lost. */
export const quietLink: LinkConditions = {
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 5,
  corrupt: 0,
  delayMs: 1,
  jitterMs: 0,
  mtu: 65_507,
  bytesPerMs: Number.POSITIVE_INFINITY,
  queueBytes: Number.POSITIVE_INFINITY,
}

export interface SimPacket {
  /** Virtual milliseconds at which it was sent. */
  readonly at: number
  readonly from: TransportAddress
  readonly to: TransportAddress
  readonly data: Uint8Array
}

/** Sees every packet as it is sent. Nothing returned lets it pass, bytes go in its place. */
export type PacketTap = (packet: SimPacket) => Uint8Array | 'drop' | undefined

const firstEphemeralPort = 49_152

/** Hosts, their sockets, and what lies between them; all on virtual time and one seeded random source. */
export class SimNetwork {
  /** What happened to datagrams so far. */
  readonly counters = { sent: 0, delivered: 0, lost: 0, tooBig: 0, queueFull: 0, unreachable: 0, tapped: 0 }
  readonly #time: VirtualTime
  readonly #random: Prng
  readonly #hostOfAddress = new Map<string, string>()
  readonly #sockets = new Map<string, SimUdpSocket>()
  readonly #taps = new Set<PacketTap>()
  readonly #links = new Map<string, Link>()
  readonly #conditions = new Map<string, Partial<LinkConditions>>()
  /** What was given to sockets in this turn, and what was in it then. */
  readonly #unread: { readonly owned: Uint8Array; readonly sent: Uint8Array }[] = []
  #everywhere: Partial<LinkConditions> = {}
  #nextPort = firstEphemeralPort

  constructor(time: VirtualTime, random: Prng) {
    this.#time = time
    this.#random = random
  }

  /** Sets conditions for all links; those set for a pair of hosts go before. */
  setConditions(conditions: Partial<LinkConditions>): void {
    this.#everywhere = conditions
  }

  /** Sets conditions from one host to another, in this direction only. */
  setLink(fromHost: string, toHost: string, conditions: Partial<LinkConditions>): void {
    this.#conditions.set(linkKey(fromHost, toHost), conditions)
  }

  /** Shows every packet from now on to the tap; the result takes it away. */
  tap(tap: PacketTap): () => void {
    this.#taps.add(tap)
    return () => {
      this.#taps.delete(tap)
    }
  }

  /**
   * Delivers a packet from anywhere: an off-path attacker may write any source address, and sees nothing.
   *
   * @param delayMs from now; link conditions don't apply
   */
  inject(data: Uint8Array, from: TransportAddress, to: TransportAddress, delayMs = 0): void {
    const known = this.#sockets.get(addressKey(from))?.local ?? from
    this.#deliverLater(Uint8Array.from(data), known, to, delayMs)
  }

  /** Puts a host with these addresses into the network. */
  addHost(name: string, addresses: readonly string[]): Network {
    const interfaces = addresses.map((address, index) => networkInterface(address, index))
    for (const address of addresses) {
      const owner = this.#hostOfAddress.get(address)
      if (owner !== undefined && !isLoopback(address)) throw new Error(`${address} belongs to ${owner}`)
      this.#hostOfAddress.set(address, name)
    }
    return {
      interfaces: () => interfaces,
      bindUdp: async (address, port, receive) => {
        if (!addresses.includes(address)) throw systemError('EADDRNOTAVAIL', address, port)
        return this.#bind(address, port, receive)
      },
    }
  }

  /** Called by sockets. */
  send(data: Uint8Array, from: TransportAddress, to: TransportAddress): void {
    this.counters.sent++
    const sent = Uint8Array.from(data)
    if (this.#unread.length === 0) this.#time.endOfTurn(() => this.#read())
    this.#unread.push({ owned: data, sent })
    const passed = this.#passTaps({ at: this.#time.now(), from, to, data: sent })
    if (passed === undefined) this.counters.tapped++
    else this.#transmit(passed, from, to)
  }

  /** Called by sockets. */
  unbind(local: TransportAddress): void {
    this.#sockets.delete(addressKey(local))
  }

  #bind(address: string, port: number, receive: DatagramHandler): UdpSocket {
    const family = address.includes(':') ? 6 : 4
    const local: TransportAddress = { address, port: port === 0 ? this.#nextPort++ : port, family }
    if (this.#sockets.has(addressKey(local))) throw systemError('EADDRINUSE', address, port)
    const socket = new SimUdpSocket(this, local, receive)
    this.#sockets.set(addressKey(local), socket)
    return socket
  }

  /** A real socket may read the bytes after `send` has returned: whoever writes to them again sends something else. */
  #read(): void {
    for (const { owned, sent } of this.#unread.splice(0)) {
      if (Buffer.compare(owned, sent) !== 0) {
        throw new Error('a datagram was written to after it was given to the socket')
      }
    }
  }

  #passTaps(packet: SimPacket): Uint8Array | undefined {
    let data = packet.data
    for (const tap of this.#taps) {
      const result = tap({ ...packet, data })
      if (result === 'drop') return undefined
      if (result !== undefined) data = result
    }
    return data
  }

  #transmit(data: Uint8Array, from: TransportAddress, to: TransportAddress): void {
    const link = this.#linkBetween(from, to)
    const { conditions } = link
    if (data.length > conditions.mtu) {
      this.counters.tooBig++
      return
    }
    if (this.#happens(conditions.loss)) {
      this.counters.lost++
      return
    }
    const waitMs = link.enqueue(data.length, this.#time.now())
    if (waitMs === undefined) {
      this.counters.queueFull++
      return
    }
    const bytes = this.#happens(conditions.corrupt) ? this.#flipBit(data) : data
    this.#deliverLater(bytes, from, to, waitMs + this.#delay(conditions))
    if (this.#happens(conditions.duplicate)) this.#deliverLater(bytes, from, to, waitMs + this.#delay(conditions))
  }

  #linkBetween(from: TransportAddress, to: TransportAddress): Link {
    const key = linkKey(this.#hostOfAddress.get(from.address), this.#hostOfAddress.get(to.address))
    const conditions = { ...quietLink, ...(this.#conditions.get(key) ?? this.#everywhere) }
    const link = this.#links.get(key) ?? new Link()
    this.#links.set(key, link)
    link.conditions = conditions
    return link
  }

  #delay(conditions: LinkConditions): number {
    const jitter = conditions.jitterMs > 0 ? conditions.jitterMs * this.#random.float() : 0
    return conditions.delayMs + jitter + (this.#happens(conditions.reorder) ? conditions.reorderMs : 0)
  }

  /** What is certain or impossible costs no random number. */
  #happens(probability: number): boolean {
    return probability > 0 && (probability >= 1 || this.#random.float() < probability)
  }

  #flipBit(data: Uint8Array): Uint8Array {
    const flipped = Uint8Array.from(data)
    const bit = this.#random.next() % Math.max(1, 8 * data.length)
    const at = bit >> 3
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
    return flipped
  }

  #deliverLater(data: Uint8Array, from: TransportAddress, to: TransportAddress, delayMs: number): void {
    this.#time.set(delayMs, () => {
      const socket = this.#sockets.get(addressKey(to))
      if (socket === undefined) {
        this.counters.unreachable++
        return
      }
      this.counters.delivered++
      // Each receiver owns its bytes, as with a real socket.
      socket.receive(Uint8Array.from(data), from)
    })
  }
}

/** One direction between two hosts: when the bytes in its queue will have left. */
class Link {
  conditions: LinkConditions = quietLink
  #busyUntil = 0

  /** How long the datagram takes to leave; undefined if there is no room for it. */
  enqueue(bytes: number, now: number): number | undefined {
    const { bytesPerMs, queueBytes } = this.conditions
    const waitMs = Math.max(0, this.#busyUntil - now)
    if (waitMs > 0 && waitMs * bytesPerMs + bytes > queueBytes) return undefined
    const leavesIn = waitMs + bytes / bytesPerMs
    this.#busyUntil = now + leavesIn
    return leavesIn
  }
}

class SimUdpSocket implements UdpSocket {
  readonly local: TransportAddress
  sendErrors = 0
  readonly #network: SimNetwork
  readonly #receive: DatagramHandler
  #closed = false

  constructor(network: SimNetwork, local: TransportAddress, receive: DatagramHandler) {
    this.#network = network
    this.local = local
    this.#receive = receive
  }

  send(data: Uint8Array, to: TransportAddress): void {
    if (this.#closed) return
    if (to.family !== this.local.family || !(to.port > 0 && to.port <= 0xffff)) this.sendErrors++
    else this.#network.send(data, this.local, to)
  }

  receive(data: Uint8Array, from: TransportAddress): void {
    if (!this.#closed) this.#receive(data, from, this)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#network.unbind(this.local)
  }
}

function networkInterface(address: string, index: number): NetworkInterface {
  const internal = isLoopback(address)
  return { name: internal ? 'lo' : `eth${index}`, address, family: address.includes(':') ? 6 : 4, internal }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function linkKey(fromHost: string | undefined, toHost: string | undefined): string {
  return `${fromHost ?? '?'} > ${toHost ?? '?'}`
}

function systemError(code: string, address: string, port: number): Error {
  return Object.assign(new Error(`bind ${code} ${address}:${port}`), { code })
}
