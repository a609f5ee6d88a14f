import assert from 'node:assert/strict'
import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Transmit } from '../../src/base/machine.ts'
import { IceAgent, type IceAgentOptions } from '../../src/ice/agent.ts'
import {
  activeTcpPort,
  hostCandidate,
  type LocalCandidate,
  relayCandidate,
  tcpHostCandidate,
} from '../../src/ice/candidate.ts'
import type { IceEvent } from '../../src/ice/events.ts'
import type { IceState } from '../../src/ice/ice-state.ts'
import { createIceParameters } from '../../src/ice/parameters.ts'
import { type Prng, prng } from '../support/prng.ts'

export function address(ip: string, port: number): TransportAddress {
  return { address: ip, port, family: ip.includes(':') ? 6 : 4 }
}

/** How datagrams fare. Probabilities are 0 to 1, times in milliseconds; a spread of delays reorders. */
export interface Weather {
  readonly loss: number
  readonly duplicate: number
  readonly minDelayMs: number
  readonly maxDelayMs: number
}

export const calm: Weather = { loss: 0, duplicate: 0, minDelayMs: 1, maxDelayMs: 1 }

/** An agent with its sockets and a record of what it has said and sent. */
export interface Host {
  readonly name: string
  readonly agent: IceAgent
  readonly candidates: LocalCandidate[]
  /** A NAT in front of the host: all its sockets are seen at this IP address, on their own port. */
  publicIp?: string
  readonly events: { readonly at: number; readonly event: IceEvent }[]
  readonly sent: { readonly at: number; readonly transmit: Transmit }[]
  /** Addresses that a NAT lets through, because something was sent there. */
  readonly opened: Set<string>
}

interface Arrival {
  readonly at: number
  readonly order: number
  readonly host: Host
  readonly data: Uint8Array
  readonly local: TransportAddress
  readonly remote: TransportAddress
}

/** A virtual network on a virtual clock: the same seed gives the same course of events. */
export class Network {
  now = 1000
  weather: Weather
  /** Drops what it says yes to. */
  filter: (transmit: Transmit, from: Host) => boolean = () => false
  readonly random: Prng
  readonly #hosts: Host[] = []
  /** What the way from one end to the other takes longer than the weather says, in milliseconds. */
  detour: (transmit: Transmit) => number = () => 0
  readonly #sockets = new Map<string, { readonly host: Host; readonly local: TransportAddress }>()
  /** By what opened them: where connections come from. */
  readonly #connections = new Map<string, TransportAddress>()
  readonly #refusals: { readonly host: Host; readonly base: TransportAddress; readonly remote: TransportAddress }[] = []
  #arrivals: Arrival[] = []
  #order = 0
  #timeouts = 0

  constructor(seed: number, weather: Weather = calm) {
    this.random = prng(seed)
    this.weather = weather
  }

  /** How often timers have fired. */
  get timeouts(): number {
    return this.#timeouts
  }

  host(name: string, ips: readonly string[], options: Partial<IceAgentOptions> & { publicIp?: string } = {}): Host {
    const bytes = (length: number) => this.random.bytes(length)
    const agent = new IceAgent({ role: 'controlling', random: bytes, local: createIceParameters(bytes), ...options })
    const candidates = ips.map((ip, index) =>
      hostCandidate(address(ip, 5000 + this.#sockets.size + index), { localPreference: 65535 - index }),
    )
    const host: Host = {
      name,
      agent,
      candidates,
      ...(options.publicIp === undefined ? {} : { publicIp: options.publicIp }),
      events: [],
      sent: [],
      opened: new Set(),
    }
    for (const { base } of candidates) this.#open(host, base)
    this.#hosts.push(host)
    return host
  }

  /** Gives a host another address. Its candidate is known to nobody yet. */
  addInterface(host: Host, ip: string, localPreference = 65535): LocalCandidate {
    const candidate = hostCandidate(address(ip, 6000 + this.#sockets.size), { localPreference })
    return this.#addCandidate(host, candidate)
  }

  /** Takes an address from a host: nothing reaches it any more, and nothing leaves. The agent is told. */
  removeInterface(host: Host, candidate: LocalCandidate): void {
    host.candidates.splice(host.candidates.indexOf(candidate), 1)
    for (const [key, { local }] of this.#sockets) if (local === candidate.base) this.#sockets.delete(key)
    this.act(host, (agent, now) => agent.removeLocalCandidates(candidate.base, now))
  }

  /** An address on a relay in the public net, which needs no NAT to be opened. */
  addRelay(host: Host, ip: string): LocalCandidate {
    const mapped = host.candidates[0]?.base ?? address('192.0.2.255', 1)
    const relayed = address(ip, 7000 + this.#sockets.size)
    const server = { serverAddress: address(ip, 3478), serverTransport: 'udp', url: 'turn:relay.test' } as const
    return this.#addCandidate(host, relayCandidate({ relayed, mapped, localPreference: 65535, ...server }))
  }

  addTcp(host: Host, ip: string, tcpType: 'active' | 'passive'): LocalCandidate {
    const port = tcpType === 'active' ? activeTcpPort : 8000 + this.#sockets.size
    return this.#addCandidate(host, tcpHostCandidate(address(ip, port), tcpType))
  }

  /** Breaks all TCP connections of a host. Both ends notice. */
  breakConnections(host: Host): void {
    for (const [way, source] of [...this.#connections]) {
      const [base, remote] = way.split(' ')
      const opener = this.#sockets.get(addressKey(source))
      const acceptor = this.#sockets.get(remote ?? '')
      if (opener === undefined || acceptor === undefined || (opener.host !== host && acceptor.host !== host)) continue
      this.#connections.delete(way)
      this.#sockets.delete(addressKey(source))
      const target = opener.host.agent.pairs().find(pair => addressKey(pair.remote.address) === remote)
      assert.equal(base, addressKey(opener.local))
      this.act(acceptor.host, (agent, now) => agent.unreachable(acceptor.local, source, now))
      if (target === undefined) continue
      this.act(opener.host, (agent, now) => agent.unreachable(opener.local, target.remote.address, now))
    }
  }

  /** The NAT in front of a host forgets everything and shows another IP address from here on. */
  rebind(host: Host, publicIp: string): void {
    for (const [key, { host: other }] of this.#sockets) if (other === host) this.#sockets.delete(key)
    host.publicIp = publicIp
    host.opened.clear()
    for (const { base } of host.candidates) this.#open(host, base)
  }

  #addCandidate(host: Host, candidate: LocalCandidate): LocalCandidate {
    host.candidates.push(candidate)
    if (candidate.tcpType !== 'active') this.#open(host, candidate.base)
    return candidate
  }

  #open(host: Host, base: TransportAddress): void {
    this.#sockets.set(addressKey(seenAs(host, base)), { host, local: base })
  }

  /** Does something with an agent and takes what it has to send and say. */
  act<Result>(host: Host, action: (agent: IceAgent, now: number) => Result): Result {
    const result = action(host.agent, this.now)
    this.#collect(host)
    return result
  }

  /** Lets a datagram arrive from anywhere. */
  inject(data: Uint8Array, from: TransportAddress, host: Host, local?: TransportAddress): unknown {
    const to = local ?? host.candidates[0]?.base ?? address('192.0.2.255', 1)
    return this.act(host, (agent, now) => agent.receive(data, to, from, now))
  }

  /** Runs for a time, or until `done` holds; returns whether it did. */
  run(forMs: number, done: () => boolean = () => false): boolean {
    const end = this.now + forMs
    for (let steps = 0; ; steps++) {
      if (done()) return true
      if (steps > 1_000_000) throw new Error('the agents never come to rest')
      const next = this.#nextAt()
      if (next === undefined || next > end) break
      this.now = Math.max(this.now, next)
      this.#step()
    }
    this.now = end
    return done()
  }

  #nextAt(): number | undefined {
    const times = this.#hosts.map(host => host.agent.pollTimeout())
    times.push(this.#arrivals[0]?.at)
    const known = times.filter(time => time !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  #step(): void {
    while ((this.#arrivals[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now) {
      const arrival = this.#arrivals.shift()
      if (arrival === undefined) break
      this.act(arrival.host, (agent, now) => agent.receive(arrival.data, arrival.local, arrival.remote, now))
    }
    for (const host of this.#hosts) {
      if ((host.agent.pollTimeout() ?? Number.POSITIVE_INFINITY) > this.now) continue
      this.#timeouts++
      this.act(host, (agent, now) => agent.handleTimeout(now))
      const next = host.agent.pollTimeout()
      if (next !== undefined && next <= this.now) throw new Error(`${host.name}: a timer that stays due spins for ever`)
    }
  }

  #collect(host: Host): void {
    const { agent } = host
    for (let event = agent.pollEvent(); event !== undefined; event = agent.pollEvent()) {
      host.events.push({ at: this.now, event })
    }
    for (let next = agent.pollTransmit(); next !== undefined; next = agent.pollTransmit()) {
      host.sent.push({ at: this.now, transmit: next })
      host.opened.add(addressKey(next.remote))
      if (!this.filter(next, host)) this.#send(next, host)
    }
    for (let refusal = this.#refusals.pop(); refusal !== undefined; refusal = this.#refusals.pop()) {
      const { base, remote } = refusal
      this.act(refusal.host, (agent, now) => agent.unreachable(base, remote, now))
    }
  }

  #send(transmit: Transmit, from: Host): void {
    const { loss, duplicate, minDelayMs, maxDelayMs } = this.weather
    const target = this.#sockets.get(addressKey(transmit.remote))
    const candidate = from.candidates.find(({ base }) => base === transmit.local)
    if (candidate === undefined) return
    if (candidate.protocol === 'tcp') {
      this.#sendOverTcp(transmit, from, candidate)
      return
    }
    const source = seenAs(from, transmit.local)
    if (target === undefined) return
    // An address-and-port-restricted NAT.
    const guarded = seenAs(target.host, target.local) !== target.local
    if (guarded && !target.host.opened.has(addressKey(source))) return
    const copies = this.random.float() < duplicate ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      if (this.random.float() < loss) continue
      const at = this.now + minDelayMs + this.random.float() * (maxDelayMs - minDelayMs) + this.detour(transmit)
      this.#arrive(at, target, transmit.data, source)
    }
  }

  /** Nothing is lost or overtaken. A connection is opened by the first message; nobody there refuses it. */
  #sendOverTcp(transmit: Transmit, from: Host, { tcpType, base }: LocalCandidate): void {
    const { minDelayMs } = this.weather
    const target = this.#sockets.get(addressKey(transmit.remote))
    if (tcpType === 'passive') {
      if (target !== undefined) this.#arrive(this.now + minDelayMs, target, transmit.data, base)
      return
    }
    if (target === undefined) {
      this.#refusals.push({ host: from, base, remote: transmit.remote })
      return
    }
    const way = `${addressKey(base)} ${addressKey(transmit.remote)}`
    const source = this.#connections.get(way) ?? address(base.address, 40_000 + this.#order++)
    this.#connections.set(way, source)
    this.#sockets.set(addressKey(source), { host: from, local: base })
    this.#arrive(this.now + minDelayMs, target, transmit.data, source)
  }

  #arrive(
    at: number,
    { host, local }: { readonly host: Host; readonly local: TransportAddress },
    bytes: Uint8Array,
    remote: TransportAddress,
  ): void {
    this.#arrivals.push({ at, order: this.#order++, host, data: Uint8Array.from(bytes), local, remote })
    this.#arrivals.sort((a, b) => a.at - b.at || a.order - b.order)
  }
}

/** Where a socket is seen from outside: behind the NAT of its host, but for those on relays. */
function seenAs(host: Host, base: TransportAddress): TransportAddress {
  const isRelayed = host.candidates.some(candidate => candidate.base === base && candidate.type === 'relay')
  return host.publicIp === undefined || isRelayed ? base : address(host.publicIp, base.port)
}

/** Exchanges everything at once: parameters, candidates, end of candidates. */
export function signal(network: Network, a: Host, b: Host): void {
  exchangeParameters(network, a, b)
  for (const host of [a, b]) addCandidates(network, host)
  tellCandidates(network, a, b)
  tellCandidates(network, b, a)
}

export function exchangeParameters(network: Network, a: Host, b: Host): void {
  network.act(a, (agent, now) => agent.setRemoteParameters(b.agent.localParameters, now))
  network.act(b, (agent, now) => agent.setRemoteParameters(a.agent.localParameters, now))
}

/** Adds a host's own candidates. */
export function addCandidates(network: Network, host: Host): void {
  for (const candidate of host.candidates) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
  network.act(host, (agent, now) => agent.endOfLocalCandidates(now))
}

/** Lets a host use a candidate of its own, and its peer know of it if given. */
export function addCandidate(network: Network, host: Host, candidate: LocalCandidate, peer?: Host): void {
  network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
  if (peer !== undefined) network.act(peer, (agent, now) => agent.addRemoteCandidate(candidate, now))
}

/** Tells the candidates of one host to another. */
export function tellCandidates(network: Network, of: Host, to: Host): void {
  for (const candidate of of.candidates) network.act(to, (agent, now) => agent.addRemoteCandidate(candidate, now))
  network.act(to, (agent, now) => agent.endOfRemoteCandidates(now))
}

export function states(host: Host): IceState[] {
  return host.events.flatMap(({ event }) => (event.type === 'state' ? [event.state] : []))
}

/** When a host first reached a state. */
export function reachedAt(host: Host, state: IceState): number | undefined {
  return host.events.find(({ event }) => event.type === 'state' && event.state === state)?.at
}

export function isUp(host: Host): boolean {
  return host.agent.state === 'connected' || host.agent.state === 'completed'
}

/** Whether both use the two ends of the same pair, and both know that it is nominated. */
export function agree(a: Host, b: Host): boolean {
  const ours = a.agent.selectedPair
  const theirs = b.agent.selectedPair
  if (ours === undefined || theirs === undefined) return false
  const nominated = (host: Host) => host.agent.pairs().some(pair => pair.selected && pair.nominated)
  return (
    nominated(a) &&
    nominated(b) &&
    addressKey(ours.local.address) === addressKey(theirs.remote.address) &&
    addressKey(theirs.local.address) === addressKey(ours.remote.address)
  )
}

/** For messages of tests that fail. */
export function describePairs(a: Host, b: Host): string {
  const rows = [a, b].map(({ name, agent }) => [
    `${name}: ${agent.role} ${agent.state}`,
    ...agent
      .pairs()
      .map(
        row =>
          `${row.local.address.address} to ${row.remote.address.address} ${row.state}${row.nominated ? ' nominated' : ''}${row.selected ? ' selected' : ''}`,
      ),
  ])
  return rows.flat().join('; ')
}
