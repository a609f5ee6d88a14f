import type { TransportAddress } from '../../src/base/address.ts'
import type { Packet } from './packet.ts'
import type { SimHost } from './sim-host.ts'

/** After a loss, the wait before the same is sent again; doubled each time. RFC 6298 §2.4 says one second; systems take less. */
const firstRetryMs = 200
const maxRetryMs = 10_000

/** Something in one direction of a connection, in order: bytes, or an end. `open` is the first. */
export type Segment =
  | { readonly kind: 'open' | 'accepted' | 'end' }
  | { readonly kind: 'bytes'; readonly data: Uint8Array }

/**
 * One direction of a TCP connection: what is put in comes out once and in order, or the pipe gives up.
 *
 * It stands for windows, acknowledgements and retransmission: it knows at once what the network has lost, and sends it
 * again after a while.
 */
export class TcpPipe {
  /** Bytes put in and not arrived yet. */
  outstandingBytes = 0
  readonly #host: SimHost
  readonly #from: TransportAddress
  readonly #to: TransportAddress
  readonly #giveUpMs: number
  readonly #gaveUp: () => void
  #waiting: Segment[] = []
  #inFlight: Segment[] = []
  /** What was sent in an earlier epoch counts no more: it is sent again. */
  #epoch = 0
  #lastArrival = 0
  #isStalled = false
  #lostSince: number | undefined
  #retries = 0
  #closed = false

  constructor(host: SimHost, from: TransportAddress, to: TransportAddress, giveUpMs: number, gaveUp: () => void) {
    this.#host = host
    this.#from = from
    this.#to = to
    this.#giveUpMs = giveUpMs
    this.#gaveUp = gaveUp
  }

  put(segment: Segment): void {
    if (this.#closed) return
    if (segment.kind === 'bytes') this.outstandingBytes += segment.data.length
    this.#waiting.push(segment)
    this.#flush()
  }

  /** Sends nothing any more, and forgets what has not arrived. */
  close(): void {
    this.#closed = true
    this.#epoch++
    this.#waiting = []
    this.#inFlight = []
  }

  #flush(): void {
    while (!this.#isStalled) {
      const segment = this.#waiting.shift()
      if (segment === undefined) return
      this.#send(segment)
    }
  }

  #send(segment: Segment): void {
    const router = this.#host.router
    const shown = segment.kind === 'bytes' ? router.passTaps(segment.data, this.#from, this.#to) : undefined
    const sent: Segment = shown === undefined || segment.kind !== 'bytes' ? segment : { kind: 'bytes', data: shown }
    this.#inFlight.push(segment)
    const epoch = this.#epoch
    let isLost = segment.kind === 'bytes' && shown === undefined
    if (!isLost) {
      let isSent = false
      const packet: Packet = {
        protocol: 'tcp',
        size: segment.kind === 'bytes' ? segment.data.length : 0,
        opens: segment.kind === 'open',
        notBefore: this.#lastArrival,
        arrived: (host, from, to) => this.#arrived(epoch, sent, host, from, to),
        lost: () => {
          if (isSent) this.#lostOnArrival(epoch)
          else isLost = true
        },
      }
      this.#lastArrival = router.route(packet, this.#host, this.#from, this.#to) ?? this.#lastArrival
      isSent = true
    }
    if (!isLost) return
    // What is under way already arrives: only this one and what comes after it waits.
    this.#inFlight.pop()
    this.#waiting.unshift(segment)
    this.#stall()
  }

  #arrived(epoch: number, segment: Segment, host: SimHost, from: TransportAddress, to: TransportAddress): void {
    if (epoch !== this.#epoch) return
    this.#inFlight.shift()
    if (segment.kind === 'bytes') this.outstandingBytes -= segment.data.length
    this.#lostSince = undefined
    this.#retries = 0
    host.tcp.take(segment, from, to)
  }

  #lostOnArrival(epoch: number): void {
    if (epoch !== this.#epoch) return
    this.#epoch++
    this.#waiting = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#stall()
  }

  #stall(): void {
    const { time } = this.#host.router
    this.#isStalled = true
    this.#lostSince ??= time.now()
    const waitMs = Math.min(maxRetryMs, firstRetryMs * 2 ** this.#retries++)
    time.set(waitMs, () => {
      if (this.#closed) return
      this.#isStalled = false
      if (time.now() - (this.#lostSince ?? time.now()) < this.#giveUpMs) this.#flush()
      else this.#gaveUp()
    })
  }
}
