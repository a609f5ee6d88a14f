import { type Prng, prng } from '../support/prng.ts'
import type { Endpoint, Pair } from './support.ts'

/** What happens to datagrams on the way; probabilities from 0 to 1. */
export interface LinkConditions {
  readonly delayMs: number
  /** Added to the delay, at random; datagrams overtake each other. */
  readonly jitterMs: number
  readonly loss: number
  readonly duplication: number
  /** One bit of the datagram is flipped. */
  readonly corruption: number
}

const perfect: LinkConditions = { delayMs: 10, jitterMs: 0, loss: 0, duplication: 0, corruption: 0 }

interface Delivery {
  readonly at: number
  readonly to: Endpoint
  readonly datagram: Uint8Array
}

/** A pair on a virtual clock, joined by a link that loses things. */
export class Link {
  now = 0
  /** Datagrams that were sent, lost ones included. */
  sent = 0
  readonly #pair: Pair
  readonly #conditions: LinkConditions
  readonly #random: Prng
  #deliveries: Delivery[] = []

  constructor(pair: Pair, seed: number, conditions: Partial<LinkConditions> = {}) {
    this.#pair = pair
    this.#conditions = { ...perfect, ...conditions }
    this.#random = prng(seed)
  }

  send(from: Endpoint, datagram: Uint8Array): void {
    const to = from === this.#pair.client ? this.#pair.server : this.#pair.client
    const { delayMs, jitterMs, loss, duplication, corruption } = this.#conditions
    this.sent++
    const copies = this.#random.float() < duplication ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.float() < loss) continue
      const at = this.now + delayMs + this.#random.float() * jitterMs
      const damaged = this.#random.float() < corruption ? flipBit(datagram, this.#random) : datagram
      this.#deliveries.push({ at, to, datagram: damaged })
    }
  }

  /** Lets time pass until `done`, or `untilMs`. */
  run(untilMs: number, done: () => boolean = () => false): void {
    this.#flush()
    while (!done()) {
      const next = this.#next()
      if (next === undefined || next > untilMs) {
        this.now = Math.max(this.now, untilMs)
        return
      }
      this.now = Math.max(this.now, next)
      this.#deliver()
      for (const { dtls } of [this.#pair.client, this.#pair.server]) {
        if ((dtls.pollTimeout() ?? Number.POSITIVE_INFINITY) <= this.now) dtls.handleTimeout(this.now)
      }
      this.#flush()
    }
  }

  #next(): number | undefined {
    const times = this.#deliveries.map(({ at }) => at)
    for (const { dtls } of [this.#pair.client, this.#pair.server]) {
      const timeout = dtls.pollTimeout()
      if (timeout !== undefined) times.push(timeout)
    }
    return times.length === 0 ? undefined : Math.min(...times)
  }

  #deliver(): void {
    const due = this.#deliveries.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)
    this.#deliveries = this.#deliveries.filter(({ at }) => at > this.now)
    for (const { to, datagram } of due) to.receive(datagram, this.now)
  }

  #flush(): void {
    for (const endpoint of [this.#pair.client, this.#pair.server]) {
      for (const datagram of endpoint.transmits()) this.send(endpoint, datagram)
    }
  }
}

function flipBit(datagram: Uint8Array, random: Prng): Uint8Array {
  const damaged = new Uint8Array(datagram)
  const at = random.next() % damaged.length
  damaged[at] = (damaged[at] ?? 0) ^ (1 << (random.next() % 8))
  return damaged
}
