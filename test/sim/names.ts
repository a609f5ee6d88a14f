import type { MdnsRegistration, RandomSource, Resolver } from '../../src/base/environment.ts'
import { parseIp } from '../../src/base/ip.ts'
import { randomUuid } from '../../src/base/random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** How long an answer takes, and how long a resolver waits for one that never comes. */
const dnsAnswerMs = 5
const dnsLimitMs = 5_000
const mdnsAnswerMs = 3
const mdnsLimitMs = 5_000

/** What a DNS name resolves to; `silent`: its server never answers. */
export type DnsEntry = readonly string[] | 'silent'

/** Every name of a simulated world. */
export class Names {
  /** DNS names, in lower case. What is not in it does not exist. */
  readonly dns: Map<string, DnsEntry> = new Map()
  /** Multicast DNS names, in lower case, that every host can resolve. */
  readonly mdns: Map<string, readonly string[]> = new Map()
  /** Multicast DNS names that hosts have registered: multicast stays on its link. */
  readonly #registered = new Map<string, { readonly address: string; readonly link: unknown }>()
  readonly #time: VirtualTime

  constructor(time: VirtualTime) {
    this.#time = time
  }

  /**
   * The resolver of a host.
   *
   * @param linkOf which link an address of the host is on, undefined if the host does not have it
   * @param links the links that the host is on now
   */
  resolver(random: RandomSource, linkOf: (address: string) => unknown, links: () => readonly unknown[]): Resolver {
    return {
      resolveHost: name => this.#resolveHost(name),
      resolveMdns: name => this.#resolveMdns(name.toLowerCase(), links()),
      registerMdns: async address => {
        const link = linkOf(address)
        return link === undefined ? undefined : this.#register(`${randomUuid(random)}.local`, address, link)
      },
    }
  }

  #resolveHost(name: string): Promise<readonly string[]> {
    const literal = parseIp(name)
    if (literal !== undefined) return Promise.resolve([literal.address])
    const entry = this.dns.get(name.toLowerCase().replace(/\.$/, '')) ?? []
    return entry === 'silent' ? this.#after(dnsLimitMs, []) : this.#after(dnsAnswerMs, entry)
  }

  #resolveMdns(name: string, links: readonly unknown[]): Promise<readonly string[]> {
    const everywhere = this.mdns.get(name)
    if (everywhere !== undefined) return this.#after(mdnsAnswerMs, everywhere)
    const registered = this.#registered.get(name)
    if (registered === undefined || !links.includes(registered.link)) return this.#after(mdnsLimitMs, [])
    return this.#after(mdnsAnswerMs, [registered.address])
  }

  #register(name: string, address: string, link: unknown): MdnsRegistration {
    this.#registered.set(name, { address, link })
    return { name, release: () => this.#registered.delete(name) }
  }

  #after(ms: number, addresses: readonly string[]): Promise<readonly string[]> {
    return new Promise(resolve => {
      this.#time.set(ms, () => resolve(addresses))
    })
  }
}
