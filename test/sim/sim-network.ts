import type { TransportAddress } from '../../src/base/address.ts'
import type { Prng } from '../support/prng.ts'
import { prng } from '../support/prng.ts'
import { type Link, type LinkConditions, Links } from './link.ts'
import { Nat, type NatBehavior } from './nat.ts'
import type { Packet, Protocol, Router } from './packet.ts'
import { Realm, type Station } from './realm.ts'
import { SimHost } from './sim-host.ts'
import { Datagram } from './udp.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface SimPacket {
  /** A datagram, or bytes of a TCP stream as they were written. */
  readonly protocol: Protocol
  /** Virtual milliseconds at which it was sent. */
  readonly at: number
  /** Sender and destination as the sender sees them: before any NAT. */
  readonly from: TransportAddress
  readonly to: TransportAddress
  readonly data: Uint8Array
}

/** Sees every packet as it is sent. Nothing returned lets it pass, bytes go in its place. */
export type PacketTap = (packet: SimPacket) => Uint8Array | 'drop' | undefined

export interface HostOptions {
  /** The NAT that it is behind, for addresses of the families that the NAT has; others are public. */
  readonly behind?: Nat
}

export interface NatPlace {
  /** Its addresses on the outside. */
  readonly addresses: readonly string[]
  /** Another NAT that it is behind itself. */
  readonly behind?: Nat
}

/** Hosts, their sockets, and what lies between them; all on virtual time and one seeded random source. */
export class SimNetwork implements Router {
  /** What happened to packets so far: datagrams, and `filtered` for what NATs kept out or in. */
  readonly counters = {
    sent: 0,
    delivered: 0,
    lost: 0,
    tooBig: 0,
    queueFull: 0,
    unreachable: 0,
    tapped: 0,
    filtered: 0,
  }
  readonly time: VirtualTime
  readonly random: Prng
  readonly #public = new Realm()
  readonly #hosts = new Map<string, SimHost>()
  readonly #taps = new Set<PacketTap>()
  readonly #links = new Links()
  /** What was given to sockets in this turn, and what was in it then. */
  readonly #unread: { readonly owned: Uint8Array; readonly sent: Uint8Array }[] = []

  constructor(time: VirtualTime, random: Prng) {
    this.time = time
    this.random = random
  }

  /** Sets conditions for all links; those set for a pair of hosts go before. */
  setConditions(conditions: Partial<LinkConditions>): void {
    this.#links.setEverywhere(conditions)
  }

  /**
   * Sets conditions from one host to another, in this direction only, whatever NATs are between them. For what is sent
   * to a NAT but for nobody behind it, the NAT is the host.
   */
  setLink(fromHost: string, toHost: string, conditions: Partial<LinkConditions>): void {
    this.#links.set(fromHost, toHost, conditions)
  }

  /** Cuts a host off, or joins it again; nobody is told. */
  setDown(hostName: string, isDown = true): void {
    this.#host(hostName).isDown = isDown
  }

  /** Shows every packet from now on to the tap; the result takes it away. */
  tap(tap: PacketTap): () => void {
    this.#taps.add(tap)
    return () => {
      this.#taps.delete(tap)
    }
  }

  /**
   * Delivers a datagram from anywhere: an off-path attacker may write any source address, and sees nothing. It comes
   * from the public network, so NATs filter it.
   *
   * @param delayMs from now; link conditions don't apply
   */
  inject(data: Uint8Array, from: TransportAddress, to: TransportAddress, delayMs = 0): void {
    const sender = this.#public.owner(from.address)
    const known = sender instanceof Nat ? sender.peek('udp', from)?.outer : undefined
    const source = known ?? (sender instanceof SimHost ? sender.udpSocket(from)?.local : undefined) ?? from
    const datagram = new Datagram(Uint8Array.from(data), this.counters)
    this.time.set(delayMs, () => this.#arrive(datagram, this.#public, source, to))
  }

  /** Puts a host with these addresses into the network. */
  addHost(name: string, addresses: readonly string[], options: HostOptions = {}): SimHost {
    const host = new SimHost(name, this)
    this.#hosts.set(name, host)
    for (const address of addresses) host.addInterface(address, this.#realmFor(address, options.behind))
    return host
  }

  /** Puts a NAT into the network, in front of a realm of its own. */
  addNat(name: string, behavior: NatBehavior, { addresses, behind }: NatPlace): Nat {
    const outside = behind?.inside ?? this.#public
    const random = prng(this.random.next())
    return new Nat({ name, behavior, addresses, inside: new Realm(), outside, time: this.time, random })
  }

  /** An interface appears on a host. */
  addInterface(hostName: string, address: string, options: HostOptions = {}): void {
    this.#host(hostName).addInterface(address, this.#realmFor(address, options.behind))
  }

  /** An interface vanishes from a host; its sockets are not told. */
  removeInterface(hostName: string, address: string): void {
    this.#host(hostName).removeInterface(address)
  }

  sendDatagram(data: Uint8Array, host: SimHost, from: TransportAddress, to: TransportAddress): void {
    this.counters.sent++
    const sent = Uint8Array.from(data)
    if (this.#unread.length === 0) this.time.endOfTurn(() => this.#read())
    this.#unread.push({ owned: data, sent })
    const passed =
      this.#taps.size === 0 ? sent : this.#passTaps({ protocol: 'udp', at: this.time.now(), from, to, data: sent })
    if (passed === undefined) this.counters.tapped++
    else this.route(new Datagram(passed, this.counters), host, from, to)
  }

  passTaps(data: Uint8Array, from: TransportAddress, to: TransportAddress): Uint8Array | undefined {
    return this.#taps.size === 0 ? data : this.#passTaps({ protocol: 'tcp', at: this.time.now(), from, to, data })
  }

  route(packet: Packet, host: SimHost, from: TransportAddress, to: TransportAddress): number | undefined {
    if (host.isDown) return this.#count('lost', packet)
    let realm = host.realmOf(from.address)
    let source = from
    for (;;) {
      const owner = realm?.owner(to.address)
      if (realm !== undefined && owner !== undefined) {
        return this.#transmit(packet, this.#links.between(host, endOf(owner, packet.protocol, to)), realm, source, to)
      }
      const gateway = realm?.gateway
      if (!(gateway instanceof Nat)) return this.#count('unreachable', packet)
      const translated = gateway.outbound(packet.protocol, source, to)
      if (translated === undefined) return this.#count('filtered', packet)
      source = translated
      realm = gateway.outside
    }
  }

  #transmit(
    packet: Packet,
    link: Link,
    realm: Realm,
    from: TransportAddress,
    to: TransportAddress,
  ): number | undefined {
    const { conditions } = link
    if (packet.size > conditions.mtu && packet.protocol === 'udp') return this.#count('tooBig', packet)
    if (this.#happens(conditions.loss)) return this.#count('lost', packet)
    const waitMs = link.enqueue(packet.size, this.time.now())
    if (waitMs === undefined) return this.#count('queueFull', packet)
    const isDamaged = packet.corrupted !== undefined && this.#happens(conditions.corrupt)
    const sent = isDamaged ? (packet.corrupted?.(this.random) ?? packet) : packet
    const arrivesAt = this.#deliverLater(sent, realm, from, to, waitMs + this.#delay(conditions))
    if (packet.protocol === 'udp' && this.#happens(conditions.duplicate)) {
      this.#deliverLater(sent, realm, from, to, waitMs + this.#delay(conditions))
    }
    return arrivesAt
  }

  #deliverLater(packet: Packet, realm: Realm, from: TransportAddress, to: TransportAddress, delayMs: number): number {
    const now = this.time.now()
    const at = Math.max(now + delayMs, packet.notBefore ?? 0)
    this.time.set(at - now, () => this.#arrive(packet, realm, from, to))
    return at
  }

  /** The last part of the way: through the NATs in front of the receiver, as they are when the packet comes. */
  #arrive(packet: Packet, realm: Realm, from: TransportAddress, to: TransportAddress): void {
    let owner = realm.owner(to.address)
    let target = to
    while (owner instanceof Nat) {
      const inner: TransportAddress | undefined = owner.inbound(packet.protocol, from, target, packet.opens === true)
      if (inner === undefined) {
        this.#count('filtered', packet)
        return
      }
      target = inner
      owner = owner.inside.owner(inner.address)
    }
    if (!(owner instanceof SimHost)) this.#count('unreachable', packet)
    else if (owner.isDown) this.#count('lost', packet)
    else packet.arrived(owner, from, target)
  }

  #count(what: 'lost' | 'tooBig' | 'queueFull' | 'unreachable' | 'filtered', packet: Packet): undefined {
    this.counters[what]++
    packet.lost()
  }

  #realmFor(address: string, nat: Nat | undefined): Realm {
    const family = address.includes(':')
    for (let at = nat; at !== undefined; at = at.outside.gateway instanceof Nat ? at.outside.gateway : undefined) {
      if (at.addresses.some(outer => outer.includes(':') === family)) return at.inside
    }
    return this.#public
  }

  #host(name: string): SimHost {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`there is no host ${name}`)
    return host
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

  #delay(conditions: LinkConditions): number {
    const jitter = conditions.jitterMs > 0 ? conditions.jitterMs * this.random.float() : 0
    return conditions.delayMs + jitter + (this.#happens(conditions.reorder) ? conditions.reorderMs : 0)
  }

  /** What is certain or impossible costs no random number. */
  #happens(probability: number): boolean {
    return probability > 0 && (probability >= 1 || this.random.float() < probability)
  }
}

/** Whom a packet for an address of a station is for in the end, as far as that can be told before it arrives. */
function endOf(station: Station, protocol: Protocol, to: TransportAddress): Station {
  let end = station
  let target = to
  while (end instanceof Nat) {
    const inner = end.peek(protocol, target)?.inner
    const next = inner === undefined ? undefined : end.inside.owner(inner.address)
    if (inner === undefined || next === undefined) return end
    end = next
    target = inner
  }
  return end
}
