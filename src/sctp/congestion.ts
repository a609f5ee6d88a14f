import { distance32 } from '../base/serial.ts'
import { initialWindowBytes, initialWindowPackets, maxCongestionWindow, slowStartPacketsPerSack } from './limits.ts'
import { commonHeaderBytes } from './protocol.ts'

/**
 * The congestion window (RFC 9260 §7.2). Sizes are bytes of DATA chunks with their headers and padding.
 */
export class Congestion {
  #packetData: number
  #window: number
  #threshold = Number.POSITIVE_INFINITY
  #partialBytesAcked = 0
  /** The highest TSN outstanding when the loss was found that is being recovered from; undefined otherwise. */
  #recoveryExit: number | undefined
  #windowWasFull = false
  #onePacketOnly = false

  constructor(packetSize: number) {
    this.#packetData = packetSize - commonHeaderBytes
    this.#window = this.#initialWindow()
  }

  /** cwnd. */
  get window(): number {
    return this.#window
  }

  /** ssthresh. */
  get threshold(): number {
    return this.#threshold
  }

  get inFastRecovery(): boolean {
    return this.#recoveryExit !== undefined
  }

  /** Whether another packet may be sent with `flightSize` bytes outstanding. */
  allows(flightSize: number): boolean {
    // RFC 9260 §7.2.3: after a timeout no more than one packet is in flight until something was acknowledged.
    if (this.#onePacketOnly) return flightSize === 0
    // RFC 9260 §6.1, rule B: one packet may reach beyond the window if the flight size has not reached it.
    return flightSize < this.#window
  }

  /** Tells whether it was this window, and nothing else, that ended the last chance to send. */
  noteFull(full: boolean): void {
    this.#windowWasFull = full
  }

  /** A SACK acknowledged so many bytes for the first time and moved the cumulative TSN, or did not. */
  acknowledged(bytes: number, cumulativeMoved: boolean): void {
    this.#onePacketOnly = false
    // RFC 9260 §7.2.1: no growth in fast recovery, nor while the window is not used to the full.
    if (this.#recoveryExit !== undefined || !this.#windowWasFull) return
    if (this.#window <= this.#threshold) {
      // RFC 9260 §7.2.1: slow start, by the bytes acknowledged or L packets, whichever is less.
      if (cumulativeMoved) this.#grow(Math.min(bytes, slowStartPacketsPerSack * this.#packetData))
      return
    }
    // RFC 9260 §7.2.2: congestion avoidance, by one packet for each window of bytes acknowledged.
    this.#partialBytesAcked += bytes
    if (this.#partialBytesAcked >= this.#window) {
      this.#partialBytesAcked -= this.#window
      this.#grow(this.#packetData)
    }
  }

  /** RFC 9260 §7.2.4: leaves fast recovery when everything outstanding at its beginning is acknowledged. */
  cumulativeReached(tsn: number): void {
    if (this.#recoveryExit !== undefined && distance32(tsn, this.#recoveryExit) < 0x8000_0000) {
      this.#recoveryExit = undefined
    }
  }

  /** RFC 9260 §7.2.2: everything was acknowledged. */
  allAcknowledged(): void {
    this.#partialBytesAcked = 0
  }

  /**
   * Chunks were found lost by what was acknowledged after them.
   *
   * @returns whether this begins a fast recovery
   */
  lost(highestOutstandingTsn: number): boolean {
    // RFC 9260 §7.2.4, step 6: in fast recovery the window is not reduced again.
    if (this.#recoveryExit !== undefined) return false
    this.#recoveryExit = highestOutstandingTsn
    this.#reduceThreshold()
    this.#window = this.#threshold
    return true
  }

  /** The retransmission timer expired. */
  timedOut(): void {
    // RFC 9260 §7.2.3: slow start again, from one packet.
    this.#recoveryExit = undefined
    this.#reduceThreshold()
    this.#window = this.#packetData
    this.#onePacketOnly = true
  }

  /** Nothing was sent for `idleMs`. */
  idle(idleMs: number, rto: number): void {
    const least = 4 * this.#packetData
    if (idleMs < rto || this.#window <= least) return
    // RFC 9260 §7.2.1: once per RTO the window is halved, and the threshold keeps what it was.
    this.#threshold = this.#window
    for (let periods = Math.floor(idleMs / rto); periods > 0 && this.#window > least; periods--) {
      this.#window = Math.max(this.#window / 2, least)
    }
  }

  setPacketSize(packetSize: number): void {
    this.#packetData = packetSize - commonHeaderBytes
    this.#window = Math.max(this.#window, this.#packetData)
  }

  /** RFC 8261 §6.1: on another path everything begins anew. */
  reset(): void {
    this.#threshold = Number.POSITIVE_INFINITY
    this.#window = this.#initialWindow()
    this.#partialBytesAcked = 0
    this.#recoveryExit = undefined
    this.#onePacketOnly = false
  }

  // RFC 9260 §7.2.1 asks for about four packets (4404 bytes). RFC 9002 §7.2, of the same year and for the same paths,
  // allows ten, as do the data channels of browsers: a channel's first messages arrive a round trip earlier.
  #initialWindow(): number {
    return Math.min(initialWindowPackets * this.#packetData, Math.max(initialWindowBytes, 2 * this.#packetData))
  }

  #reduceThreshold(): void {
    this.#threshold = Math.max(this.#window / 2, 4 * this.#packetData)
    this.#partialBytesAcked = 0
  }

  #grow(bytes: number): void {
    this.#window = Math.min(this.#window + bytes, maxCongestionWindow)
  }
}
