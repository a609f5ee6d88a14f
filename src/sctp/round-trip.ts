import { rtoMaxMs, rtoMinMs } from './limits.ts'

/** Measures the round trip and derives the retransmission timeout from it (RFC 9260 §6.3.1). Times are milliseconds. */
export class RoundTrip {
  readonly #initialRto: number
  #smoothed: number | undefined
  #variation = 0
  #latest = 0
  #least = 0
  #rto: number

  constructor(initialRtoMs: number) {
    this.#initialRto = Math.min(Math.max(initialRtoMs, rtoMinMs), rtoMaxMs)
    this.#rto = this.#initialRto
  }

  /** The retransmission timeout, with its doublings. */
  get rto(): number {
    return this.#rto
  }

  /** The smoothed round trip, or undefined before the first measurement. */
  get smoothed(): number | undefined {
    return this.#smoothed
  }

  /** The larger of the smoothed and the latest round trip. */
  get cautious(): number {
    return Math.max(this.#smoothed ?? this.#initialRto, this.#latest)
  }

  /** The shortest round trip seen; 0 before the first measurement. */
  get least(): number {
    return this.#least
  }

  measured(roundTripMs: number): void {
    const sample = Math.max(roundTripMs, 0)
    this.#latest = sample
    if (this.#smoothed === undefined) {
      // RFC 9260 §6.3.1, rule C2: the first measurement.
      this.#smoothed = sample
      this.#variation = sample / 2
      this.#least = sample
    } else {
      // RFC 9260 §6.3.1, rule C3: RTO.Beta is 1/4, RTO.Alpha 1/8, and the variation uses the old smoothed value.
      this.#variation += (Math.abs(this.#smoothed - sample) - this.#variation) / 4
      this.#smoothed += (sample - this.#smoothed) / 8
      this.#least = Math.min(this.#least, sample)
    }
    // RFC 9260 §6.3.1, rules C6 and C7.
    this.#rto = Math.min(Math.max(this.#smoothed + 4 * this.#variation, rtoMinMs), rtoMaxMs)
  }

  /** RFC 9260 §6.3.3, rule E2: the timer backs off. */
  backOff(): void {
    this.#rto = Math.min(this.#rto * 2, rtoMaxMs)
  }

  /** Forgets what was measured: the path is another one. */
  reset(): void {
    this.#smoothed = undefined
    this.#latest = 0
    this.#least = 0
    this.#rto = this.#initialRto
  }
}
