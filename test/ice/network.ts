import { addressKey, type TransportAddress } from '../../src/base/address.ts'
import type { Transmit } from '../../src/base/machine.ts'
import { IceAgent, type IceAgentOptions } from '../../src/ice/agent.ts'
import { hostCandidate, type LocalCandidate } from '../../src/ice/candidate.ts'
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
  readonly candidates: readonly LocalCandidate[]
  /** A NAT in front of the host: all its sockets are seen at this IP address, on their own port. */
  readonly publicIp?: string
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
  readonly #sockets = new Map<string, { readonly host: Host; readonly local: TransportAddress }>()
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
    for (const { base } of candidates) {
      const seen = options.publicIp === undefined ? base : address(options.publicIp, base.port)
      this.#sockets.set(addressKey(seen), { host, local: base })
    }
    this.#hosts.push(host)
    return host
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
  }

  #send(transmit: Transmit, from: Host): void {
    const { loss, duplicate, minDelayMs, maxDelayMs } = this.weather
    const target = this.#sockets.get(addressKey(transmit.remote))
    const source = from.publicIp === undefined ? transmit.local : address(from.publicIp, transmit.local.port)
    if (target === undefined) return
    // An address-and-port-restricted NAT.
    if (target.host.publicIp !== undefined && !target.host.opened.has(addressKey(source))) return
    const copies = this.random.float() < duplicate ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      if (this.random.float() < loss) continue
      const at = this.now + minDelayMs + this.random.float() * (maxDelayMs - minDelayMs)
      const data = Uint8Array.from(transmit.data)
      this.#arrivals.push({ at, order: this.#order++, host: target.host, data, local: target.local, remote: source })
    }
    this.#arrivals.sort((a, b) => a.at - b.at || a.order - b.order)
  }
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
