import { setBounded } from '../base/bounded-map.ts'
import type { CancelTimer, Clock, Resolver, Timers } from '../base/environment.ts'
import { type MulticastChannel, type OpenMulticastChannel, openMdnsChannel } from './mdns-channel.ts'
import {
  type AddressRecord,
  type AddressType,
  isMdnsCandidateName,
  loadMdnsCodec,
  type MdnsCodec,
} from './mdns-message.ts'

/** How long a name may take. */
export const resolveLimitMs = 5_000

/** Names asked for at the same time. Further ones are not resolved: a peer decides how many it sends. */
export const maxConcurrentNames = 64

/** Answers kept, and for how long at most: RFC 6762 §10 gives address records 120 seconds. */
export const maxKnownNames = 64
export const maxKnownMs = 120_000

/** The channel is closed when no name was asked for so long. */
export const idleLimitMs = 2_000

/**
 * When the questions of a name are sent, in milliseconds after it was asked for.
 *
 * RFC 6762 §5.2: at least one second lies between the first two of the same question, and twice as much before the next.
 * IPv6 is asked a moment later and mostly not at all: a candidate's name stands for one address, a responder may limit
 * itself to one response a second (Chromium does), and "no such record" is a response too.
 */
const schedule: readonly (readonly [at: number, type: AddressType])[] = [
  [0, 'A'],
  [100, 'AAAA'],
  [1_000, 'A'],
  [1_100, 'AAAA'],
  [3_000, 'A'],
  [3_100, 'AAAA'],
]

export interface MdnsResolverOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly openChannel?: OpenMulticastChannel
  readonly loadCodec?: () => Promise<MdnsCodec>
  /** The addresses of a name that this process answers for itself: it need not ask the link. */
  readonly ownAddresses?: (name: string) => readonly string[]
}

interface Query {
  readonly answer: Promise<readonly string[]>
  readonly resolve: (addresses: readonly string[]) => void
  readonly cancel: readonly CancelTimer[]
}

interface Connection {
  readonly codec: MdnsCodec
  readonly channel: MulticastChannel
}

/**
 * Resolves the `.local` names that browsers put in place of their addresses (draft-ietf-mmusic-mdns-ice-candidates §3.2).
 *
 * All names share one channel, which is opened for the first and closed when none was asked for a while.
 *
 * Questions do not ask for unicast responses: RFC 6762 §15.1: of several programs on a host that have the port, unicast
 * reaches one only, and a browser is such a program.
 */
export class MdnsResolver implements Pick<Resolver, 'resolveMdns'> {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #openChannel: OpenMulticastChannel
  readonly #loadCodec: () => Promise<MdnsCodec>
  readonly #ownAddresses: (name: string) => readonly string[]
  readonly #queries = new Map<string, Query>()
  readonly #known = new Map<string, { readonly addresses: readonly string[]; readonly until: number }>()
  #connecting: Promise<Connection> | undefined
  #cancelIdle: CancelTimer | undefined

  constructor(options: MdnsResolverOptions) {
    this.#clock = options.clock
    this.#timers = options.timers
    this.#openChannel = options.openChannel ?? openMdnsChannel
    this.#loadCodec = options.loadCodec ?? loadMdnsCodec
    this.#ownAddresses = options.ownAddresses ?? (() => [])
  }

  /** The addresses of a name, in canonical form; empty if it is no candidate's name or nobody answers. Never rejects. */
  resolveMdns(name: string): Promise<readonly string[]> {
    const key = name.toLowerCase()
    if (!isMdnsCandidateName(key)) return Promise.resolve([])
    const own = this.#ownAddresses(key)
    if (own.length > 0) return Promise.resolve(own)
    const known = this.#known.get(key)
    if (known !== undefined && known.until > this.#clock.now()) return Promise.resolve(known.addresses)
    const asked = this.#queries.get(key)
    if (asked !== undefined) return asked.answer
    if (this.#queries.size >= maxConcurrentNames) return Promise.resolve([])
    return this.#ask(key)
  }

  #ask(name: string): Promise<readonly string[]> {
    this.#cancelIdle?.()
    let resolve: (addresses: readonly string[]) => void = ignore
    const answer = new Promise<readonly string[]>(settle => {
      resolve = settle
    })
    const cancel = schedule.map(([at, type]) => this.#timers.set(at, () => this.#sendQuestion(name, type)))
    cancel.push(this.#timers.set(resolveLimitMs, () => this.#finish(name, [])))
    this.#queries.set(name, { answer, resolve, cancel })
    return answer
  }

  #sendQuestion(name: string, type: AddressType): void {
    this.#connecting ??= this.#connect()
    this.#connecting
      .then(({ codec, channel }) => {
        if (this.#queries.has(name)) channel.send(codec.encodeQuestion(name, type))
      })
      .catch(ignore)
  }

  async #connect(): Promise<Connection> {
    const codec = await this.#loadCodec()
    const channel = await this.#openChannel(message => this.#receive(codec.decodeAddresses(message)))
    return { codec, channel }
  }

  #receive(records: readonly AddressRecord[]): void {
    for (const name of new Set(records.map(record => record.name))) {
      const own = records.filter(record => record.name === name)
      // RFC 6762 §10.1: a TTL of zero says goodbye
      const current = own.filter(record => record.ttl > 0)
      if (current.length < own.length) this.#known.delete(name)
      if (current.length > 0 && this.#queries.has(name)) this.#answer(name, current)
    }
  }

  #answer(name: string, records: readonly AddressRecord[]): void {
    const addresses = [...new Set(records.map(record => record.address))]
    const lifetime = Math.min(maxKnownMs, ...records.map(record => record.ttl * 1000))
    setBounded(this.#known, name, { addresses, until: this.#clock.now() + lifetime }, maxKnownNames)
    this.#finish(name, addresses)
  }

  #finish(name: string, addresses: readonly string[]): void {
    const query = this.#queries.get(name)
    if (query === undefined) return
    this.#queries.delete(name)
    for (const cancel of query.cancel) cancel()
    query.resolve(addresses)
    if (this.#queries.size === 0) this.#cancelIdle = this.#timers.set(idleLimitMs, () => this.#disconnect())
  }

  #disconnect(): void {
    this.#connecting?.then(({ channel }) => channel.close()).catch(ignore)
    this.#connecting = undefined
  }
}

function ignore(): void {}
