import type { Environment } from '../../src/base/environment.ts'
import type { Prng } from '../support/prng.ts'
import { prng } from '../support/prng.ts'
import { type DnsEntry, Names } from './names.ts'
import type { Nat, NatBehavior } from './nat.ts'
import { type HostOptions, type NatPlace, SimNetwork } from './sim-network.ts'
import { VirtualTime } from './virtual-time.ts'

/** A run with more events than this at one go is taken for one that never comes to rest. */
export const maxEvents = 5_000_000

/**
 * A world of its own: virtual time, seeded randomness, a simulated network. The same seed gives the same bytes.
 *
 * ```ts
 * const sim = new Simulation(seed)
 * const alice = sim.host('alice', ['192.0.2.1', '2001:db8::1'])   // an Environment
 * sim.network.setConditions({ loss: 0.1, delayMs: 20 })
 * const connected = await sim.run(() => peer.connectionState === 'connected', 30_000)
 * ```
 */
export class Simulation {
  readonly time: VirtualTime = new VirtualTime()
  readonly network: SimNetwork
  readonly #names: Names = new Names(this.time)
  /** Multicast DNS names, in lower case, that every host can resolve. */
  readonly mdnsNames: Map<string, readonly string[]> = this.#names.mdns
  /** DNS names, in lower case, and their addresses. */
  readonly dns: Map<string, DnsEntry> = this.#names.dns
  readonly #seeds: Prng
  readonly #held = new Set<Promise<unknown>>()

  constructor(seed: number) {
    this.#seeds = prng(seed)
    this.network = new SimNetwork(this.time, prng(this.#seeds.next()))
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.time.now()
  }

  /**
   * A new host with these IP addresses: the environment of a peer on it. Each has a random source of its own.
   *
   * @param options `behind`: the NAT it is behind
   */
  host(name: string, addresses: readonly string[], options: HostOptions = {}): Environment {
    const source = prng(this.#seeds.next())
    const random = (length: number): Uint8Array => source.bytes(length)
    const host = this.network.addHost(name, addresses, options)
    return {
      clock: this.time,
      timers: this.time,
      random,
      network: host,
      resolver: this.#names.resolver(
        random,
        address => host.realmOf(address),
        () => host.realms(),
      ),
    }
  }

  /** A new NAT, with these addresses on its outside; hosts and other NATs are put `behind` it. */
  nat(name: string, behavior: NatBehavior, place: NatPlace): Nat {
    return this.network.addNat(name, behavior, place)
  }

  /**
   * Runs, event by event, until a virtual time or until a condition holds.
   *
   * @param limitMs how much virtual time to give a condition
   * @returns whether the condition came to hold; false too if nothing was left to happen. Always true for a time.
   */
  async run(until: number | (() => boolean), limitMs = 60_000): Promise<boolean> {
    const end = typeof until === 'number' ? until : this.now + limitMs
    const isDone = typeof until === 'number' ? () => false : until
    await this.#settle()
    for (let events = 0; !isDone(); events++) {
      const next = this.time.next()
      if (next === undefined || next > end) {
        if (typeof until === 'number') this.time.advanceTo(end)
        return typeof until === 'number'
      }
      if (events > maxEvents) throw new Error(`still busy after ${maxEvents} events, at ${this.now} ms`)
      this.time.step()
      await this.#settle()
    }
    return true
  }

  /** Runs for some virtual time. */
  async runFor(ms: number): Promise<void> {
    await this.run(this.now + ms)
  }

  /** Virtual time stands still until a promise that needs real time (WebCrypto, a file) is settled. */
  hold<T>(work: Promise<T>): Promise<T> {
    this.#held.add(work)
    const release = (): void => {
      this.#held.delete(work)
    }
    work.then(release, release)
    return work
  }

  /**
   * Lets promises settle between two events. Node gives a turn of its loop when every promise job, however long the
   * chain, is done; it costs two microseconds.
   */
  async #settle(): Promise<void> {
    await turn()
    while (this.#held.size > 0) {
      await Promise.allSettled(this.#held)
      await turn()
    }
  }
}

function turn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
