import type { TransportAddress } from '../base/address.ts'
import type { IceAgent } from '../ice/index.ts'
import type { CandidateSocket } from './gathering/candidate-socket.ts'
import { type CountedKind, newTransportCounters, type TransportCounters } from './transport-counters.ts'

/** The largest datagram sent while the path MTU is unknown: the IPv6 minimum MTU less the IPv6 and UDP headers (RFC 8200 §5). */
export const initialDatagramSize = 1232

/** The sockets of a transport: sends over the pair that ICE has selected, and counts. */
export class Wire {
  readonly counters: TransportCounters
  readonly #ice: IceAgent
  readonly #sockets = new Map<TransportAddress, CandidateSocket>()

  /** @param now monotonic milliseconds */
  constructor(ice: IceAgent, now: () => number) {
    this.#ice = ice
    this.counters = newTransportCounters(now)
  }

  /** Whether there is a way to the peer. RFC 7675 §5.1: without consent there is none, and nothing is sent. */
  get isUsable(): boolean {
    const pair = this.#ice.selectedPair
    return pair !== undefined && this.#sockets.has(pair.local.base)
  }

  add(base: TransportAddress, socket: CandidateSocket): void {
    this.#sockets.set(base, socket)
  }

  remove(base: TransportAddress): void {
    this.#sockets.delete(base)
  }

  clear(): void {
    this.#sockets.clear()
  }

  /** Sends to the peer at once; the data belongs to the socket from then on. @returns false if there is no way to it */
  send(data: Uint8Array, kind: CountedKind): boolean {
    const { counters } = this
    const pair = this.#ice.selectedPair
    const socket = pair && this.#sockets.get(pair.local.base)
    if (pair === undefined || socket === undefined) return false
    counters.packetsSent++
    counters.bytesSent += data.length
    counters.sent[kind]++
    counters.traffic.sent(data.length, pair.local.base, pair.remote.address)
    socket.send(data, pair.remote.address)
    return true
  }

  /** Sends what ICE wants to be sent. */
  sendIce(): void {
    for (let next = this.#ice.pollTransmit(); next !== undefined; next = this.#ice.pollTransmit()) {
      const socket = this.#sockets.get(next.local)
      if (socket === undefined) continue
      this.counters.packetsSent++
      this.counters.sent.stun++
      socket.send(next.data, next.remote)
    }
  }

  /** Counts what was dropped. */
  drop(reason: string): void {
    const { drops } = this.counters
    drops.set(reason, (drops.get(reason) ?? 0) + 1)
  }
}
