import type { TransportAddress } from '../../src/base/address.ts'
import type { DatagramHandler, UdpSocket } from '../../src/base/environment.ts'
import type { Prng } from '../support/prng.ts'
import type { Packet, Router } from './packet.ts'
import type { SimHost } from './sim-host.ts'

/** What happened to datagrams. */
export interface DatagramCounters {
  delivered: number
  unreachable: number
}

/** One datagram on its way. */
export class Datagram implements Packet {
  readonly protocol = 'udp'
  readonly #data: Uint8Array
  readonly #counters: DatagramCounters

  constructor(data: Uint8Array, counters: DatagramCounters) {
    this.#data = data
    this.#counters = counters
  }

  get size(): number {
    return this.#data.length
  }

  corrupted(random: Prng): Datagram {
    const flipped = Uint8Array.from(this.#data)
    const bit = random.next() % Math.max(1, 8 * flipped.length)
    const at = bit >> 3
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit & 7))
    return new Datagram(flipped, this.#counters)
  }

  arrived(host: SimHost, from: TransportAddress, to: TransportAddress): void {
    const socket = host.udpSocket(to)
    if (socket === undefined) {
      this.#counters.unreachable++
      return
    }
    this.#counters.delivered++
    // Each receiver owns its bytes, as with a real socket.
    socket.receive(Uint8Array.from(this.#data), from)
  }

  lost(): void {}
}

export class SimUdpSocket implements UdpSocket {
  readonly local: TransportAddress
  sendErrors = 0
  readonly #host: SimHost
  readonly #router: Router
  readonly #receive: DatagramHandler
  #closed = false

  constructor(host: SimHost, router: Router, local: TransportAddress, receive: DatagramHandler) {
    this.#host = host
    this.#router = router
    this.local = local
    this.#receive = receive
  }

  send(data: Uint8Array, to: TransportAddress): void {
    if (this.#closed) return
    const isPossible = to.family === this.local.family && to.port > 0 && to.port <= 0xffff
    if (!isPossible || this.#host.realmOf(this.local.address) === undefined) this.sendErrors++
    else this.#router.sendDatagram(data, this.#host, this.local, to)
  }

  receive(data: Uint8Array, from: TransportAddress): void {
    if (!this.#closed) this.#receive(data, from, this)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#host.forgetUdpSocket(this)
  }
}
