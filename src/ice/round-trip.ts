import type { Retransmission } from './stun/transaction.ts'

/** An estimate of the round-trip time of a path, and the retransmission time-out that follows from it. RFC 6298 §2. */
export class RoundTrip {
  #smoothed: number | undefined
  #variance = 0
  #latest: number | undefined
  #total = 0
  #atMost: number | undefined

  /** Smoothed, in milliseconds. */
  get smoothedMs(): number | undefined {
    return this.#smoothed
  }

  /** The latest measurement, in milliseconds. */
  get latestMs(): number | undefined {
    return this.#latest
  }

  /** The sum of all measurements, in milliseconds. */
  get totalMs(): number {
    return this.#total
  }

  /** What a round trip takes as far as is known: the smoothed time, or else an upper bound. */
  get expectedMs(): number | undefined {
    return this.#smoothed ?? this.#atMost
  }

  /**
   * Takes the answer to a request into account.
   *
   * RFC 8489 §6.2.1, Karn's algorithm: where it was sent again nobody knows which transmission was answered. The time since
   * the first of them says nothing exact, but where nothing is known it keeps the next time-outs from being far too short:
   * on a long path every request would be sent several times.
   */
  measure({ startedAt, count }: Pick<Retransmission, 'startedAt' | 'count'>, now: number): void {
    if (count === 0) this.sample(now - startedAt)
    else this.#atMost ??= now - startedAt
  }

  sample(roundTripMs: number): void {
    this.#latest = roundTripMs
    this.#total += roundTripMs
    if (this.#smoothed === undefined) {
      this.#smoothed = roundTripMs
      this.#variance = roundTripMs / 2
      return
    }
    this.#variance = 0.75 * this.#variance + 0.25 * Math.abs(this.#smoothed - roundTripMs)
    this.#smoothed = 0.875 * this.#smoothed + 0.125 * roundTripMs
  }

  /** Undefined before anything is known. */
  get rtoMs(): number | undefined {
    return this.#smoothed === undefined ? this.#atMost : this.#smoothed + 4 * this.#variance
  }
}
