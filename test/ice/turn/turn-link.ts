import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { TurnClient, type TurnClientOptions } from '../../../src/ice/turn/client.ts'
import type { TurnEvent } from '../../../src/ice/turn/events.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { credentials, ScriptedServer } from './scripted-server.ts'

export interface LinkQuality {
  /** The part of the datagrams that is lost, and the part that arrives twice. */
  readonly loss?: number
  readonly duplication?: number
  readonly minDelayMs?: number
  readonly maxDelayMs?: number
}

interface Delivery {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** A client and a scripted server with a network between them, on virtual time. The same seed makes the same run. */
export class TurnLink {
  now = 1_000
  readonly client: TurnClient
  readonly server: ScriptedServer = new ScriptedServer()
  readonly events: TurnEvent[] = []
  readonly received: { readonly peer: TransportAddress; readonly data: Uint8Array }[] = []
  readonly drops: Record<string, number> = {}
  readonly random: Prng
  readonly #quality: Required<LinkQuality>
  readonly #deliveries: Delivery[] = []
  #order = 0
  #wakeUps = 0

  constructor(options: Partial<TurnClientOptions> = {}, quality: LinkQuality = {}, seed = 1) {
    this.random = prng(seed)
    this.#quality = { loss: 0, duplication: 0, minDelayMs: 10, maxDelayMs: 10, ...quality }
    const random = prng(seed + 1_000_000)
    this.client = new TurnClient({ random: n => random.bytes(n), reliable: false, credentials, ...options })
  }

  /** A link whose client has its allocation. */
  static allocated(options: Partial<TurnClientOptions> = {}, prepare?: (server: ScriptedServer) => void): TurnLink {
    const link = new TurnLink(options)
    prepare?.(link.server)
    link.start()
    link.run(1_000)
    assert.equal(link.client.state, 'allocated')
    link.events.length = 0
    return link
  }

  start(): void {
    this.client.start(this.now)
    this.drain()
  }

  send(data: Uint8Array, peer: TransportAddress): void {
    this.client.send(data, peer, this.now)
    this.drain()
  }

  close(): void {
    this.client.close(this.now)
    this.drain()
  }

  /** A datagram of a peer at the relayed address. */
  peerSends(peer: TransportAddress, data: Uint8Array): void {
    const message = this.server.fromPeer(peer, data, this.now)
    if (message !== undefined) this.toClient(message)
  }

  /** Something that reaches the client as if the server had sent it. */
  toClient(message: Uint8Array): void {
    this.#carry(() => this.#receive(message))
  }

  /** Something that reaches the client now. */
  inject(message: Uint8Array): void {
    this.#receive(message)
  }

  /** Runs for this long, or until a condition holds; tells whether it does. */
  run(ms: number, until?: () => boolean): boolean {
    const end = this.now + ms
    for (;;) {
      if (until?.()) return true
      const delivery = this.#next()
      const timer = this.client.pollTimeout() ?? Number.POSITIVE_INFINITY
      const at = Math.max(this.now, Math.min(delivery?.at ?? Number.POSITIVE_INFINITY, timer))
      if (at > end) break
      this.#wakeUps = at > this.now ? 0 : this.#wakeUps + 1
      assert.ok(this.#wakeUps < 10_000, 'time stands still')
      this.now = at
      if (delivery !== undefined && delivery.at <= at) {
        this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1)
        delivery.act()
      } else {
        this.client.handleTimeout(this.now)
        this.drain()
      }
    }
    this.now = end
    return until?.() ?? false
  }

  drain(): void {
    for (let event = this.client.pollEvent(); event !== undefined; event = this.client.pollEvent()) {
      this.events.push(event)
    }
    for (let data = this.client.pollTransmit(this.now); data !== undefined; data = this.client.pollTransmit(this.now)) {
      const message = data
      this.#carry(() => {
        for (const response of this.server.receive(message, this.now)) this.toClient(response)
      })
    }
  }

  #receive(message: Uint8Array): void {
    const result = this.client.receive(message, this.now)
    if ('data' in result) this.received.push(result)
    else if ('drop' in result) this.drops[result.drop] = (this.drops[result.drop] ?? 0) + 1
    this.drain()
  }

  #carry(act: () => void): void {
    const { loss, duplication, minDelayMs, maxDelayMs } = this.#quality
    const copies = this.random.float() < loss ? 0 : this.random.float() < duplication ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const at = this.now + minDelayMs + this.random.float() * (maxDelayMs - minDelayMs)
      this.#deliveries.push({ at, order: this.#order++, act })
    }
  }

  #next(): Delivery | undefined {
    let first: Delivery | undefined
    for (const each of this.#deliveries) {
      if (first === undefined || each.at < first.at || (each.at === first.at && each.order < first.order)) first = each
    }
    return first
  }
}

/** The one event of a type. */
export function only<Type extends TurnEvent['type']>(
  events: readonly TurnEvent[],
  type: Type,
): Extract<TurnEvent, { type: Type }> {
  const found = events.filter(event => event.type === type)
  assert.equal(found.length, 1, `${type} among ${events.map(event => event.type).join(', ')}`)
  return found[0] as Extract<TurnEvent, { type: Type }>
}

export function peer(last: number, port = 4_000): TransportAddress {
  return { address: `192.0.2.${last}`, port, family: 4 }
}

/** Something that could be DTLS. */
export function bulk(length = 100): Uint8Array {
  return new Uint8Array(length).fill(22)
}

/** Something that could be a connectivity check. */
export function stunLike(mark = 0): Uint8Array {
  return Uint8Array.of(0, 1, 0, 0, mark)
}
