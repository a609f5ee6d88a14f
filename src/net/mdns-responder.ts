import type { CancelTimer, Clock, MdnsRegistration, RandomSource, Resolver, Timers } from '../base/environment.ts'
import { parseIp } from '../base/ip.ts'
import { PerSecond } from '../base/per-second.ts'
import { randomUuid } from '../base/random.ts'
import { type MessageSource, mdnsPort, type OpenRespondingChannel, type RespondingChannel } from './mdns-channel.ts'
import { isReachable, loadMdnsCodec, type MdnsCodec, type MdnsQuery, type OwnRecord } from './mdns-message.ts'

/** Names registered at the same time; further ones are refused. */
export const maxRegisteredNames = 256

/** RFC 6762 §10: the TTL of address records, in seconds. */
export const recordTtl = 120

/** RFC 6762 §6.7: clients that do not take part in the protocol are not to remember a record for longer, in seconds. */
export const legacyTtl = 10

/** RFC 6762 §6: a record is multicast no more often than this. */
export const multicastIntervalMs = 1_000

/**
 * When a name is announced, in milliseconds after it was registered.
 *
 * RFC 6762 §8.3: twice, one second apart. The first one waits too (draft-ietf-mmusic-mdns-ice-candidates §3.1.2.1 allows
 * it), because in the second after it a question could not be answered: nobody asks sooner than the name was signalled,
 * and everybody asks then.
 */
export const announceAtMs = [1_000, 2_000] as const

/** Messages answered in a second: more come from programs that have gone wrong, or mean harm. */
export const maxAnswersPerSecond = 100

export interface MdnsResponderOptions {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: RandomSource
  readonly openChannel: OpenRespondingChannel
  readonly loadCodec?: () => Promise<MdnsCodec>
}

/** A name, what it stands for, and when the records of it were multicast last: by kind of record and family. */
interface Registered {
  readonly name: string
  readonly address: string
  readonly records: { readonly address: OwnRecord; readonly negative: OwnRecord }
  readonly lastMulticast: Map<string, number>
  readonly timers: Map<string, CancelTimer>
  /** Whether anybody was told of the name: then it is owed a goodbye. */
  told: boolean
}

interface WantedRecord {
  readonly owner: Registered
  readonly record: OwnRecord
  readonly unicast: boolean
}

interface Connection {
  readonly codec: MdnsCodec
  readonly channel: RespondingChannel
}

/**
 * Takes `.local` names that stand in place of addresses of this host, and answers for them on the link.
 *
 * draft-ietf-mmusic-mdns-ice-candidates §3.1.1: a name is a random UUID and stands for one address. It is not probed for,
 * nor defended against others: nobody has the same by chance.
 */
export class MdnsResponder implements Pick<Resolver, 'registerMdns'> {
  readonly #options: MdnsResponderOptions
  readonly #names = new Map<string, Registered>()
  readonly #answers = new PerSecond(maxAnswersPerSecond)
  #connecting: Promise<Connection | undefined> | undefined
  #connection: Connection | undefined

  constructor(options: MdnsResponderOptions) {
    this.#options = options
  }

  /**
   * Takes a fresh name for an address; undefined if it is none that a peer could reach, or there are too many names.
   *
   * The name is there at once, and also where the link cannot be used: draft-ietf-mmusic-mdns-ice-candidates §3.1.1, its
   * absence would tell an application something about the network.
   */
  registerMdns(address: string): Promise<MdnsRegistration | undefined> {
    const ip = parseIp(address)
    if (ip === undefined || !isReachable(ip.address) || this.#names.size >= maxRegisteredNames) {
      return Promise.resolve(undefined)
    }
    // draft-ietf-mmusic-mdns-ice-candidates §3.1.1: a version 4 UUID in `.local`
    const name = `${randomUuid(this.#options.random)}.local`
    const registered = registration(name, ip.address, ip.family)
    this.#names.set(name, registered)
    this.#connecting ??= this.#connect()
    for (const at of announceAtMs) this.#later(registered, `announce ${at}`, at, () => this.#announce(registered))
    return Promise.resolve({ name, release: () => this.#release(registered) })
  }

  /** The address of a name of ours; empty if it is none. */
  addressesOf(name: string): readonly string[] {
    const registered = this.#names.get(name.toLowerCase())
    return registered === undefined ? [] : [registered.address]
  }

  async #connect(): Promise<Connection | undefined> {
    try {
      const codec = await (this.#options.loadCodec ?? loadMdnsCodec)()
      const channel = await this.#options.openChannel((message, from) => this.#receive(codec, message, from))
      return this.#connected({ codec, channel })
    } catch {
      // The names work within this process; the next one tries again.
      this.#connecting = undefined
      return undefined
    }
  }

  #connected(connection: Connection): Connection | undefined {
    if (this.#names.size === 0) {
      connection.channel.close()
      return undefined
    }
    this.#connection?.channel.close()
    this.#connection = connection
    return connection
  }

  #receive(codec: MdnsCodec, message: Uint8Array, from: MessageSource): void {
    const query = codec.decodeQuery(message)
    if (query === undefined || !this.#concernsUs(query) || !this.#answers.take(this.#options.clock.now())) return
    const delay = this.#answerDelay(query)
    if (delay === 0) {
      this.#answer(query, from)
      return
    }
    const [owner] = query.questions.flatMap(({ name }) => this.#names.get(name) ?? [])
    // Kept with one of the names: released, it takes the answer with it.
    if (owner !== undefined) this.#later(owner, 'delayed', delay, () => this.#answer(query, from))
  }

  #concernsUs(query: MdnsQuery): boolean {
    return query.questions.some(({ name }) => this.#names.has(name))
  }

  /** RFC 6762 §6: one question for a unique record is answered without delay. */
  #answerDelay({ truncated, questions }: MdnsQuery): number {
    const [byte = 0] = this.#options.random(1)
    // RFC 6762 §7.2: known answers are still to come
    if (truncated) return 400 + (100 * byte) / 256
    // RFC 6762 §6.3: others may be answering another of the questions
    return questions.length > 1 ? 20 + (100 * byte) / 256 : 0
  }

  #answer(query: MdnsQuery, from: MessageSource): void {
    const wanted = this.#wanted(query, from)
    if (wanted.length === 0) return
    // RFC 6762 §6.7: who asks from another port does not take part in the protocol
    if (from.port !== mdnsPort) {
      this.#answerLegacy(wanted, query, from)
      return
    }
    const unicast = wanted.filter(one => one.unicast)
    if (unicast.length > 0) this.#answerUnicast(unicast, from)
    for (const one of wanted) {
      if (!one.unicast) this.#multicast(one.owner, one.record, from.family)
    }
  }

  #wanted(query: MdnsQuery, from: MessageSource): WantedRecord[] {
    const wanted: WantedRecord[] = []
    for (const { name, type, unicast } of query.questions) {
      const owner = this.#names.get(name)
      if (owner === undefined) continue
      const { address, negative } = owner.records
      // RFC 6762 §6.1: what we know not to exist is denied
      const record = type === 'ANY' || type === address.type ? address : negative
      if (record === address && isKnown(owner, query)) continue
      wanted.push({ owner, record, unicast: unicast && !from.isOwn && this.#isRecent(owner, record, from.family) })
    }
    return wanted
  }

  /** RFC 6762 §5.4: within a quarter of its TTL; else all are told, not only who asks. */
  #isRecent(owner: Registered, record: OwnRecord, family: 4 | 6): boolean {
    const last = owner.lastMulticast.get(sentKey(record, family))
    return last !== undefined && this.#options.clock.now() - last < (recordTtl * 1_000) / 4
  }

  #answerLegacy(wanted: readonly WantedRecord[], { id, questions }: MdnsQuery, from: MessageSource): void {
    const connection = this.#connection
    if (connection === undefined) return
    const answers = wanted.map(({ owner, record }) => {
      owner.told = true
      return record
    })
    const legacy = { id, questions }
    connection.channel.reply(
      connection.codec.encodeResponse({ answers, additionals: [], ttl: legacyTtl, legacy }),
      from,
    )
  }

  #answerUnicast(wanted: readonly WantedRecord[], from: MessageSource): void {
    const connection = this.#connection
    if (connection === undefined) return
    const answers = wanted.map(({ record }) => record)
    const additionals = wanted.flatMap(({ owner, record }) => additionalsOf(owner, record))
    connection.channel.reply(connection.codec.encodeResponse({ answers, additionals, ttl: recordTtl }), from)
  }

  /** Multicasts a record to the links of its address, now or as soon as it may be. */
  #multicast(owner: Registered, record: OwnRecord, family: 4 | 6): void {
    const connection = this.#connection
    if (connection === undefined) return
    const key = sentKey(record, family)
    const now = this.#options.clock.now()
    // RFC 6762 §6: at least a second lies between two of the same record on the same interface
    const wait = (owner.lastMulticast.get(key) ?? Number.NEGATIVE_INFINITY) + multicastIntervalMs - now
    if (wait > 0) {
      this.#later(owner, key, wait, () => this.#multicast(owner, record, family))
      return
    }
    owner.lastMulticast.set(key, now)
    owner.told = true
    const additionals = additionalsOf(owner, record)
    const message = connection.codec.encodeResponse({ answers: [record], additionals, ttl: recordTtl })
    connection.channel.send(message, { family, address: owner.address })
  }

  #announce(registered: Registered): void {
    for (const family of [4, 6] as const) this.#multicast(registered, registered.records.address, family)
  }

  #release(registered: Registered): void {
    if (!this.#names.delete(registered.name)) return
    for (const cancel of registered.timers.values()) cancel()
    if (registered.told) this.#sayGoodbye(registered)
    if (this.#names.size > 0) return
    this.#connection?.channel.close()
    this.#connection = undefined
    this.#connecting = undefined
  }

  /** RFC 6762 §10.1: a TTL of zero says that a record is gone. */
  #sayGoodbye({ address, records }: Registered): void {
    const connection = this.#connection
    if (connection === undefined) return
    const message = connection.codec.encodeResponse({ answers: [records.address], additionals: [], ttl: 0 })
    connection.channel.send(message, { address })
  }

  /** Does something for a name later, unless the same is waiting already or the name is released. */
  #later(owner: Registered, what: string, delayMs: number, action: () => void): void {
    if (owner.timers.has(what)) return
    const cancel = this.#options.timers.set(delayMs, () => {
      owner.timers.delete(what)
      action()
    })
    owner.timers.set(what, cancel)
  }
}

function registration(name: string, address: string, family: 4 | 6): Registered {
  const common = { name, address, type: family === 4 ? 'A' : 'AAAA' } as const
  return {
    name,
    address,
    records: { address: { kind: 'address', ...common }, negative: { kind: 'negative', ...common } },
    lastMulticast: new Map(),
    timers: new Map(),
    told: false,
  }
}

/** RFC 6762 §6.2: an address of one family comes with the assertion that there is none of the other. */
function additionalsOf(owner: Registered, record: OwnRecord): OwnRecord[] {
  return record.kind === 'address' ? [owner.records.negative] : []
}

/** RFC 6762 §7.1: what the asker knows, for at least half its time still, is not told again. */
function isKnown({ name, address }: Registered, { known }: MdnsQuery): boolean {
  return known.some(record => record.name === name && record.address === address && record.ttl >= recordTtl / 2)
}

function sentKey(record: OwnRecord, family: 4 | 6): string {
  return `${record.kind} ${family}`
}
