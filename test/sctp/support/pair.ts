import { SctpAssociation } from '../../../src/sctp/association.ts'
import type { SctpEvent } from '../../../src/sctp/events.ts'
import type { SctpOptions } from '../../../src/sctp/options.ts'
import { type Prng, prng } from '../../support/prng.ts'

/** What the network between the two ends does to packets. */
export interface Conditions {
  /** One way, in milliseconds. */
  readonly delay?: number
  /** Added to the delay at random, up to so much: packets overtake each other. */
  readonly jitter?: number
  /** Shares of packets, from 0 to 1. */
  readonly loss?: number
  readonly duplicate?: number
  readonly corrupt?: number
  /** Bytes per millisecond; packets queue up to `queueBytes` behind it. */
  readonly rate?: number
  readonly queueBytes?: number
}

/** One end, and what it has told. */
export interface End {
  readonly association: SctpAssociation
  readonly events: SctpEvent[]
}

interface InFlight {
  readonly at: number
  readonly order: number
  readonly to: Side
  readonly packet: Uint8Array
}

export type Side = 'a' | 'b'

/** Two associations on a virtual clock with a network between them. The same seed gives the same course. */
export class Pair {
  readonly random: Prng
  readonly a: End
  readonly b: End
  now = 1_000
  conditions: Conditions
  /** Sees each packet before the network does; returning false drops it. */
  filter: ((from: Side, packet: Uint8Array) => boolean) | undefined
  /** Called with each event of an end, at once. */
  onEvent: ((side: Side, event: SctpEvent) => void) | undefined
  packets = 0
  #order = 0
  #inFlight: InFlight[] = []
  #lineFreeAt = { a: 0, b: 0 }

  constructor(
    seed: number,
    options: { a?: Partial<SctpOptions>; b?: Partial<SctpOptions>; conditions?: Conditions } = {},
  ) {
    this.random = prng(seed)
    const random = (length: number): Uint8Array => this.random.bytes(length)
    this.conditions = options.conditions ?? {}
    this.a = { association: new SctpAssociation({ random, ...options.a }), events: [] }
    this.b = { association: new SctpAssociation({ random, ...options.b }), events: [] }
  }

  end(side: Side): End {
    return side === 'a' ? this.a : this.b
  }

  /** Both ends connect, as WebRTC does, and the network runs until both are up. */
  connect(): this {
    this.a.association.connect(this.now)
    this.b.association.connect(this.now)
    this.run(60_000, () => this.#isUp())
    if (!this.#isUp()) throw new Error('the pair did not connect')
    return this
  }

  /** Runs the clock until nothing is in flight and the condition holds, or `ms` have passed. */
  run(ms: number, until: () => boolean = () => false): void {
    const end = this.now + ms
    this.pump()
    while (!until()) {
      const next = this.#next()
      if (next === undefined || next > end) {
        if (Number.isFinite(end)) this.now = end
        return
      }
      this.now = Math.max(next, this.now)
      this.#deliver()
      for (const { association } of [this.a, this.b]) {
        const due = association.pollTimeout()
        if (due !== undefined && due <= this.now) association.handleTimeout(this.now)
      }
      this.pump()
    }
  }

  /** Polls both ends until they have nothing to say. */
  pump(): void {
    for (const side of ['a', 'b'] as const) {
      const { association, events } = this.end(side)
      for (let event = association.pollEvent(); event !== undefined; event = association.pollEvent()) {
        events.push(event)
        this.onEvent?.(side, event)
      }
      let polls = 0
      for (let packet = association.pollTransmit(this.now); packet; packet = association.pollTransmit(this.now)) {
        if (++polls > 10_000) throw new Error('an end does not stop sending')
        this.#transmit(side, packet.slice())
      }
    }
  }

  messages(side: Side): Extract<SctpEvent, { type: 'message' }>[] {
    return this.end(side).events.filter(event => event.type === 'message')
  }

  #transmit(from: Side, packet: Uint8Array): void {
    this.packets++
    const { delay = 1, jitter = 0, loss = 0, duplicate = 0, corrupt = 0, rate, queueBytes = 100_000 } = this.conditions
    if (this.filter?.(from, packet) === false) return
    if (this.random.float() < loss) return
    let leaves = this.now
    if (rate !== undefined) {
      const free = Math.max(this.#lineFreeAt[from], this.now)
      if ((free - this.now) * rate > queueBytes) return
      leaves = free + packet.length / rate
      this.#lineFreeAt[from] = leaves
    }
    const copies = this.random.float() < duplicate ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const copy = packet.slice()
      if (this.random.float() < corrupt) {
        const at = this.random.next() % copy.length
        copy[at] = (copy[at] ?? 0) ^ (1 << (this.random.next() & 7))
      }
      const at = leaves + delay + this.random.float() * jitter
      this.#inFlight.push({ at, order: this.#order++, to: from === 'a' ? 'b' : 'a', packet: copy })
    }
  }

  #next(): number | undefined {
    const times = [this.a.association.pollTimeout(), this.b.association.pollTimeout(), ...this.#inFlight.map(p => p.at)]
    const known = times.filter(time => time !== undefined)
    return known.length === 0
      ? undefined
      : known.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY)
  }

  #deliver(): void {
    const due = this.#inFlight.filter(packet => packet.at <= this.now)
    this.#inFlight = this.#inFlight.filter(packet => packet.at > this.now)
    due.sort((x, y) => x.at - y.at || x.order - y.order)
    for (const { to, packet } of due) this.end(to).association.receive(packet, this.now)
  }

  #isUp(): boolean {
    return this.a.association.state === 'established' && this.b.association.state === 'established'
  }
}
