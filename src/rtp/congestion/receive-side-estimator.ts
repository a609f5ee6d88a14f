import type { SansIo } from '../../base/machine.ts'
import { DelayController } from './delay-controller.ts'
import {
  defaultMaxBitrate,
  defaultMinBitrate,
  initialRoundTripMs,
  maxOverReceived,
  maxRoundTripMs,
  receiveUpdateMs,
  rembIntervalMs,
  toldChange,
} from './limits.ts'

/** A REMB is to be sent. */
export interface RembEvent {
  readonly type: 'remb'
  /** Bits a second. */
  readonly bitrate: number
}

export interface ReceiveSideOptions {
  /** Bits a second. */
  readonly minBitrate?: number
  readonly maxBitrate?: number
}

/** draft-alvestrand-rmcat-remb-03 §3: seconds in 6.18 fixed point, modulo 64. */
const absSendTimeTicksPerMs = 2 ** 18 / 1_000

/**
 * The other way to run the delay-based controller: at the receiver, which tells its estimate by REMB
 * (draft-ietf-rmcat-gcc-02 §3). For senders that give their packets an absolute send time but take no transport-wide feedback.
 *
 * The sender's rate is not the receiver's to choose, so that the estimate begins with what comes in: half as much again,
 * until the queue has answered once. From then on it is the same controller as at a sender.
 */
export class ReceiveSideEstimator implements SansIo<RembEvent, never> {
  readonly #delay: DelayController
  #roundTripMs = initialRoundTripMs
  /** Of the last packet: its 24 bits, and the time that they stand for, counted on over wraps. */
  #lastTicks: number | undefined
  #sentAt = 0
  #hasSeenOveruse = false
  #updatedAt: number | undefined
  /** Packets came since the last REMB. */
  #isReceiving = false
  #toldAt: number | undefined
  #told = 0
  #isDue = false

  constructor(options: ReceiveSideOptions = {}) {
    const min = options.minBitrate ?? defaultMinBitrate
    this.#delay = new DelayController(min, min, Math.max(options.maxBitrate ?? defaultMaxBitrate, min))
  }

  /** Bits a second; undefined while too little was received. */
  get estimate(): number | undefined {
    return this.#delay.receivedBitrate === undefined ? undefined : this.#delay.estimate
  }

  setRoundTrip(ms: number): void {
    if (Number.isFinite(ms) && ms >= 0) this.#roundTripMs = Math.min(ms, maxRoundTripMs)
  }

  /**
   * A packet has arrived, and was authenticated.
   *
   * @param absSendTime the 24 bits of its header extension
   * @param size bytes
   * @param now when it arrived
   */
  receive(absSendTime: number, size: number, now: number): void {
    const ticks = absSendTime & 0xff_ffff
    // The nearer of the two readings: a packet that was overtaken is a little older, not nearly 64 seconds newer.
    const passed = this.#lastTicks === undefined ? 0 : ((ticks - this.#lastTicks) << 8) >> 8
    this.#lastTicks = ticks
    this.#sentAt += passed / absSendTimeTicksPerMs
    this.#isReceiving = true
    this.#delay.packet(this.#sentAt, now, size)
    if (now - (this.#updatedAt ?? Number.NEGATIVE_INFINITY) >= receiveUpdateMs) this.#update(now)
  }

  pollTransmit(): undefined {
    return undefined
  }

  pollEvent(): RembEvent | undefined {
    if (!this.#isDue) return undefined
    this.#isDue = false
    return { type: 'remb', bitrate: this.#told }
  }

  /** When the next REMB is due, while packets come in. */
  pollTimeout(): number | undefined {
    return this.#isReceiving && this.#toldAt !== undefined ? this.#toldAt + rembIntervalMs : undefined
  }

  handleTimeout(now: number): void {
    const at = this.pollTimeout()
    if (at !== undefined && now >= at) this.#tell(now)
  }

  #update(now: number): void {
    this.#updatedAt = now
    const received = this.#delay.receivedBitrate
    if (received === undefined) return
    this.#delay.update(this.#roundTripMs, now)
    this.#hasSeenOveruse ||= this.#delay.signal === 'over-use'
    const confirmed = maxOverReceived * received
    if (!this.#hasSeenOveruse && confirmed > this.#delay.estimate) this.#delay.set(confirmed)
    // §3: as soon as congestion is detected, otherwise at least once every second.
    const hasFallen = this.#delay.estimate < this.#told * (1 - toldChange)
    if (this.#toldAt === undefined || hasFallen || now >= this.#toldAt + rembIntervalMs) this.#tell(now)
  }

  #tell(now: number): void {
    this.#toldAt = now
    this.#told = this.#delay.estimate
    this.#isDue = true
    this.#isReceiving = false
  }
}
