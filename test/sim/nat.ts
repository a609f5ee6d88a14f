import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Prng } from '../support/prng.ts'
import type { Protocol } from './packet.ts'
import type { Realm, Station } from './realm.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What a decision of a NAT depends on. RFC 4787 §4.1, §5. */
export type NatDependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent'

export interface NatBehavior {
  /** RFC 4787 §4.1: when two destinations see an inner endpoint under the same outer one. */
  readonly mapping: NatDependence
  /** RFC 4787 §5: who may send to a mapping, depending on where it was used to send to. */
  readonly filtering: NatDependence
  /** RFC 4787 §6: whether inner hosts reach each other by their outer addresses (they see each other's outer ones then). */
  readonly hairpin: boolean
  /** RFC 4787 §4.3: how long a UDP mapping lives after its last outgoing packet. */
  readonly mappingTimeoutMs: number
  /** RFC 4787 §4.3, REQ-6: an incoming packet keeps a mapping too. */
  readonly refreshesInbound: boolean
  /** RFC 4787 §4.2.1: the outer port is the inner one, where it is free. */
  readonly preservesPorts: boolean
  /** Lets no UDP out. */
  readonly blocksUdp: boolean
  /** The only ports that TCP may connect to; absent: all. */
  readonly tcpPorts?: readonly number[]
  /** The inner host that has the outer address for itself: every port is its own, and nothing is filtered. */
  readonly exposes?: string
}

const usual = {
  hairpin: false,
  // RFC 4787 §4.3, REQ-5: five minutes are recommended
  mappingTimeoutMs: 300_000,
  refreshesInbound: false,
  preservesPorts: true,
  blocksUdp: false,
} as const

/** The four classics, in the terms of RFC 4787. */
export const fullCone: NatBehavior = { ...usual, mapping: 'endpoint-independent', filtering: 'endpoint-independent' }
export const restrictedCone: NatBehavior = { ...usual, mapping: 'endpoint-independent', filtering: 'address-dependent' }
export const portRestrictedCone: NatBehavior = {
  ...usual,
  mapping: 'endpoint-independent',
  filtering: 'address-and-port-dependent',
}
export const symmetric: NatBehavior = {
  ...usual,
  mapping: 'address-and-port-dependent',
  filtering: 'address-and-port-dependent',
  preservesPorts: false,
}

/** RFC 5382 REQ-5: at least two hours and four minutes. */
const tcpMappingTimeoutMs = 7_440_000

/** RFC 4787 §4.2.1, REQ-3: ports of other hosts are not put among the well-known ones. */
const firstFreePort = 1024

interface Mapping {
  readonly protocol: Protocol
  readonly inner: TransportAddress
  /** The same object in every packet of the mapping. */
  readonly outer: TransportAddress
  usedAt: number
  /** Where it was used to send to, and when last; by the key that filtering asks for. */
  readonly remotes: Map<string, number>
  /** Forwarded by hand: never expires, filters nothing. */
  readonly isStatic: boolean
}

export interface NatOptions {
  readonly name: string
  /** At most one of each family. Inner hosts keep the addresses of other families, unchanged. */
  readonly addresses: readonly string[]
  readonly behavior: NatBehavior
  readonly inside: Realm
  readonly outside: Realm
  readonly time: VirtualTime
  readonly random: Prng
}

/** A network address translator between two realms, for UDP and TCP. */
export class Nat implements Station {
  readonly name: string
  readonly inside: Realm
  readonly outside: Realm
  /** May be changed at any time; mappings that exist stay. */
  behavior: NatBehavior
  readonly #time: VirtualTime
  readonly #random: Prng
  readonly #byInner = new Map<string, Mapping>()
  readonly #byOuter = new Map<string, Mapping>()
  #addresses: readonly string[]
  /** Set by a reboot: who comes back must not find its old port by being the first. */
  #avoidsOldPorts = false

  constructor(options: NatOptions) {
    this.name = options.name
    this.behavior = options.behavior
    this.inside = options.inside
    this.outside = options.outside
    this.#time = options.time
    this.#random = options.random
    this.#addresses = options.addresses
    this.inside.gateway = this
    for (const address of this.#addresses) this.outside.claim(address, this)
  }

  /** Its addresses on the outside. */
  get addresses(): readonly string[] {
    return this.#addresses
  }

  /** Live mappings. */
  get mappingCount(): number {
    return [...this.#byOuter.values()].filter(mapping => !this.#isExpired(mapping)).length
  }

  /** Forgets every mapping but forwarded ports, as a reboot does: the next packet of each inner endpoint gets another port. */
  rebind(): void {
    for (const table of [this.#byInner, this.#byOuter]) {
      for (const [key, mapping] of table) if (!mapping.isStatic) table.delete(key)
    }
    this.#avoidsOldPorts = true
  }

  /** Moves to other outer addresses, as providers do at night; mappings are gone. */
  readdress(addresses: readonly string[]): void {
    for (const address of this.#addresses) this.outside.release(address)
    for (const address of addresses) this.outside.claim(address, this)
    this.#addresses = addresses
    this.#byInner.clear()
    this.#byOuter.clear()
  }

  /** Forwards an outer port to an inner endpoint; no filter applies to it. */
  forward(protocol: Protocol, port: number, inner: TransportAddress): void {
    const address = this.#outerAddress(inner.family)
    if (address === undefined) throw new Error(`${this.name} has no address of family ${inner.family}`)
    this.#addStatic(protocol, { address, port, family: inner.family }, inner)
  }

  /**
   * Lets a packet out.
   *
   * @returns the source address that it has outside; undefined if it must not leave
   */
  outbound(protocol: Protocol, from: TransportAddress, to: TransportAddress): TransportAddress | undefined {
    const { behavior } = this
    if (protocol === 'udp' ? behavior.blocksUdp : behavior.tcpPorts?.includes(to.port) === false) return undefined
    const isHairpin = this.#addresses.includes(to.address)
    if (isHairpin && !behavior.hairpin) return undefined
    const mapping = this.#mappingFor(protocol, from, to)
    if (mapping === undefined) return undefined
    const now = this.#time.now()
    mapping.usedAt = now
    if (behavior.filtering !== 'endpoint-independent') mapping.remotes.set(dependentPart(behavior.filtering, to), now)
    return mapping.outer
  }

  /**
   * Lets a packet in that came to one of the outer addresses.
   *
   * @param opens whether it asks for a TCP connection
   * @returns the inner endpoint that it is for; undefined if there is none or it is filtered
   */
  inbound(
    protocol: Protocol,
    from: TransportAddress,
    to: TransportAddress,
    opens: boolean,
  ): TransportAddress | undefined {
    const mapping = this.#mappingAt(protocol, to)
    if (mapping === undefined || (opens && !mapping.isStatic)) return undefined
    if (!this.#passesFilter(mapping, from)) return undefined
    if (this.behavior.refreshesInbound) mapping.usedAt = this.#time.now()
    return mapping.inner
  }

  /** The mapping that an outer endpoint belongs to, whether filters let anything in or not. */
  peek(protocol: Protocol, outer: TransportAddress): { inner: TransportAddress; outer: TransportAddress } | undefined {
    return this.#mappingAt(protocol, outer)
  }

  #mappingFor(protocol: Protocol, from: TransportAddress, to: TransportAddress): Mapping | undefined {
    const fixed = this.#byInner.get(innerKey(protocol, from, ''))
    if (fixed?.isStatic) return fixed
    const key = innerKey(protocol, from, dependentPart(this.behavior.mapping, to))
    const known = this.#byInner.get(key)
    if (known !== undefined && !this.#isExpired(known)) return known
    const outer = this.#allocate(protocol, from)
    if (outer === undefined) return undefined
    if (from.address === this.behavior.exposes) return this.#addStatic(protocol, outer, from)
    const mapping: Mapping = {
      protocol,
      inner: from,
      outer,
      usedAt: this.#time.now(),
      remotes: new Map(),
      isStatic: false,
    }
    if (known !== undefined) this.#forgetOuter(known)
    this.#byInner.set(key, mapping)
    this.#byOuter.set(outerKey(protocol, outer), mapping)
    return mapping
  }

  #mappingAt(protocol: Protocol, outer: TransportAddress): Mapping | undefined {
    const mapping = this.#byOuter.get(outerKey(protocol, outer))
    if (mapping !== undefined && !this.#isExpired(mapping)) return mapping
    const { exposes } = this.behavior
    if (exposes === undefined || outer.address !== this.#outerAddress(outer.family)) return undefined
    return this.#addStatic(protocol, outer, { address: exposes, port: outer.port, family: outer.family })
  }

  #passesFilter(mapping: Mapping, from: TransportAddress): boolean {
    const { filtering } = this.behavior
    if (mapping.isStatic || filtering === 'endpoint-independent') return true
    // RFC 4787 §5: the rule belongs to the mapping that the outgoing packet has used
    const sentAt = mapping.remotes.get(dependentPart(filtering, from))
    return sentAt !== undefined && this.#time.now() - sentAt <= this.#timeout(mapping.protocol)
  }

  #isExpired(mapping: Mapping): boolean {
    return !mapping.isStatic && this.#time.now() - mapping.usedAt > this.#timeout(mapping.protocol)
  }

  #timeout(protocol: Protocol): number {
    return protocol === 'tcp' ? tcpMappingTimeoutMs : this.behavior.mappingTimeoutMs
  }

  #allocate(protocol: Protocol, inner: TransportAddress): TransportAddress | undefined {
    const { family } = inner
    const address = this.#outerAddress(family)
    if (address === undefined) return undefined
    const isExposed = inner.address === this.behavior.exposes
    const preserved: TransportAddress = { address, port: inner.port, family }
    if (isExposed) return preserved
    if (this.behavior.preservesPorts && !this.#avoidsOldPorts && this.#isFree(protocol, preserved)) return preserved
    for (;;) {
      const port = firstFreePort + (this.#random.next() % (65_536 - firstFreePort))
      const outer: TransportAddress = { address, port, family }
      if (port !== inner.port && this.#isFree(protocol, outer)) return outer
    }
  }

  #isFree(protocol: Protocol, outer: TransportAddress): boolean {
    const taken = this.#byOuter.get(outerKey(protocol, outer))
    return taken === undefined || this.#isExpired(taken)
  }

  /** Unless the outer endpoint belongs to another mapping by now. */
  #forgetOuter(mapping: Mapping): void {
    const key = outerKey(mapping.protocol, mapping.outer)
    if (this.#byOuter.get(key) === mapping) this.#byOuter.delete(key)
  }

  #addStatic(protocol: Protocol, outer: TransportAddress, inner: TransportAddress): Mapping {
    const mapping: Mapping = { protocol, inner, outer, usedAt: 0, remotes: new Map(), isStatic: true }
    this.#byInner.set(innerKey(protocol, inner, ''), mapping)
    this.#byOuter.set(outerKey(protocol, outer), mapping)
    return mapping
  }

  #outerAddress(family: 4 | 6): string | undefined {
    return this.#addresses.find(address => address.includes(':') === (family === 6))
  }
}

function dependentPart(dependence: NatDependence, remote: TransportAddress): string {
  if (dependence === 'endpoint-independent') return ''
  return dependence === 'address-dependent' ? remote.address : addressKey(remote)
}

function innerKey(protocol: Protocol, inner: TransportAddress, dependent: string): string {
  return `${protocol} ${inner.port} ${inner.address} ${dependent}`
}

function outerKey(protocol: Protocol, outer: TransportAddress): string {
  return `${protocol} ${outer.port} ${outer.address}`
}
