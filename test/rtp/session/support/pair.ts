import assert from 'node:assert/strict'
import { isRtcp, type RtpPacket } from '../../../../src/rtp/packet.ts'
import { type ReceivedPacket, RtpSession, type RtpSessionEvent } from '../../../../src/rtp/session/rtp-session.ts'
import type { RtpTransmit } from '../../../../src/rtp/session/transmit.ts'
import { prng } from '../../../support/prng.ts'

export const rtpOverhead = 16
const seal = 0xa5

/** What a link does to the datagrams of one direction. */
export interface LinkOptions {
  readonly delayMs?: number
  /** Shares from 0 to 1. */
  readonly loss?: number
  readonly reorder?: number
  readonly duplicate?: number
  /** Bits per second; what does not fit a queue of 200 ms is lost. */
  readonly bitrate?: number
}

interface Flying {
  readonly at: number
  readonly order: number
  readonly to: Peer
  readonly data: Uint8Array
}

export interface Peer {
  readonly name: string
  readonly session: RtpSession
  readonly received: ReceivedPacket[]
  readonly receivedAt: number[]
  /** RTP datagrams as they left, without the room behind them. */
  readonly sent: { readonly data: Uint8Array; readonly at: number }[]
  readonly sentRtcp: { readonly data: Uint8Array; readonly at: number }[]
  readonly events: (RtpSessionEvent & { readonly at: number })[]
  readonly drops: string[]
}

export interface PairOptions {
  readonly seed: number
  readonly aToB?: LinkOptions
  readonly bToA?: LinkOptions
  readonly maxBitrate?: number
  readonly wallTimeAtZero?: number
}

/** Two sessions on a virtual clock and a link that loses, reorders, repeats and delays as a seed says. */
export class SessionPair {
  now = 0
  readonly a: Peer
  readonly b: Peer
  /** How often timers fired in all. */
  wakeups = 0
  readonly #random: ReturnType<typeof prng>
  readonly #links: Map<Peer, Required<LinkOptions>>
  readonly #busyUntil = new Map<Peer, number>()
  #flying: Flying[] = []
  #order = 0
  /** Decides about a datagram itself; false: it is lost. */
  filter: (from: Peer, data: Uint8Array) => boolean = () => true

  constructor({ seed, aToB = {}, bToA = {}, maxBitrate, wallTimeAtZero = 1_700_000_000_000 }: PairOptions) {
    this.#random = prng(seed)
    this.a = this.#peer('a', maxBitrate, wallTimeAtZero)
    this.b = this.#peer('b', maxBitrate, wallTimeAtZero + 12_345)
    const defaults = { delayMs: 20, loss: 0, reorder: 0, duplicate: 0, bitrate: Number.POSITIVE_INFINITY }
    this.#links = new Map([
      [this.a, { ...defaults, ...aToB }],
      [this.b, { ...defaults, ...bToA }],
    ])
  }

  ready(): void {
    this.a.session.ready(rtpOverhead, rtpOverhead + 4, this.now)
    this.b.session.ready(rtpOverhead, rtpOverhead + 4, this.now)
    this.drain()
  }

  /** Runs for so many milliseconds; `tick` is called every `everyMs`. */
  run(milliseconds: number, everyMs = 10, tick: (now: number) => void = () => {}): void {
    const end = this.now + milliseconds
    let nextTick = this.now
    while (this.now < end) {
      const next = Math.min(
        end,
        nextTick,
        this.#flying[0]?.at ?? end,
        this.a.session.pollTimeout() ?? end,
        this.b.session.pollTimeout() ?? end,
      )
      this.now = Math.max(next, this.now)
      this.wakeups++
      assert.ok(this.wakeups < 2_000_000, 'the timers spin')
      while ((this.#flying[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now)
        this.#deliver(this.#flying.shift() as Flying)
      for (const { session } of [this.a, this.b]) {
        if ((session.pollTimeout() ?? Number.POSITIVE_INFINITY) <= this.now) session.handleTimeout(this.now)
      }
      if (this.now >= nextTick) {
        tick(this.now)
        nextTick += everyMs
      }
      this.drain()
    }
  }

  drain(): void {
    for (const peer of [this.a, this.b]) {
      const { session } = peer
      for (let out = session.pollTransmit(this.now); out; out = session.pollTransmit(this.now)) this.#send(peer, out)
      for (let event = session.pollEvent(); event; event = session.pollEvent()) {
        peer.events.push({ ...event, at: this.now })
      }
    }
  }

  #send(from: Peer, transmit: RtpTransmit): void {
    const wire = onWire(transmit)
    const sent = transmit.kind === 'rtp' ? from.sent : from.sentRtcp
    sent.push({ data: wire, at: this.now })
    const link = this.#links.get(from) as Required<LinkOptions>
    const to = from === this.a ? this.b : this.a
    if (!this.filter(from, wire) || this.#random.float() < link.loss) return
    const free = Math.max(this.#busyUntil.get(from) ?? 0, this.now)
    if (free - this.now > 200) return
    const through = free + (wire.length * 8_000) / link.bitrate
    this.#busyUntil.set(from, through)
    const late = this.#random.float() < link.reorder ? this.#random.float() * 30 : 0
    this.#fly(through + link.delayMs + late, to, wire)
    if (this.#random.float() < link.duplicate) this.#fly(through + link.delayMs + late + 1, to, wire)
  }

  #fly(at: number, to: Peer, data: Uint8Array): void {
    const flying = { at, order: this.#order++, to, data }
    let place = this.#flying.length
    while (place > 0 && (this.#flying[place - 1] as Flying).at > at) place--
    this.#flying.splice(place, 0, flying)
  }

  #deliver({ to, data }: Flying): void {
    const copy = data.slice()
    if (isRtcp(copy)) {
      const drop = to.session.receiveRtcp(copy, this.now)
      if (drop) to.drops.push(drop.drop)
      return
    }
    const received = to.session.receive(copy, this.now)
    if ('drop' in received) to.drops.push(received.drop)
    else {
      to.received.push(received)
      to.receivedAt.push(this.now)
    }
  }

  #peer(name: string, maxBitrate: number | undefined, wallTimeAtZero: number): Peer {
    const random = (length: number): Uint8Array => this.#random.bytes(length)
    const limit = maxBitrate === undefined ? {} : { maxBitrate }
    const session = new RtpSession({ random, cname: `${name}@example`, wallTimeAtZero, ...limit }, 0)
    return { name, session, received: [], receivedAt: [], sent: [], sentRtcp: [], events: [], drops: [] }
  }
}

/** What protection would put on the wire, with a mark in place of the tag; and whether it was asked for in the right way. */
export function onWire({ kind, data, length, protection }: RtpTransmit): Uint8Array {
  if (kind === 'rtcp') {
    assert.equal(protection, 'copy')
    return data.slice(0, length)
  }
  if (protection === 'in-place') {
    assert.equal(data.length, length + rtpOverhead)
    data.fill(seal, length)
  } else if (protection === 'done') {
    assert.ok(
      data.subarray(-rtpOverhead).every(byte => byte === seal),
      'what is done was protected before',
    )
    return data.slice(0, data.length - rtpOverhead)
  }
  return data.slice(0, length)
}

export function mediaPackets(peer: Peer): readonly RtpPacket[] {
  return peer.received.map(({ packet }) => packet)
}
