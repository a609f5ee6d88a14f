import { createHmac } from 'node:crypto'
import type { RandomSource } from '../../../base/environment.ts'

/** The number of counters that the sources of unauthenticated requests share. */
export const strangerBuckets = 4096

/**
 * Bounds what is answered to sources that have proved nothing, so that forged ones make no reflector of the server.
 *
 * The counters are a table of fixed size, in which sources are spread by a hash with a secret key: nobody can choose with
 * whom to share one, and however many sources are forged, the table does not grow.
 */
export class StrangerLimit {
  readonly #key: Uint8Array
  readonly #perSecond: number
  readonly #counts = new Uint16Array(strangerBuckets)
  #second = Number.NEGATIVE_INFINITY

  constructor(random: RandomSource, perSecond: number) {
    this.#key = random(16)
    this.#perSecond = Math.min(perSecond, 0xffff)
  }

  /** Whether one more may be answered. */
  take(source: string, now: number): boolean {
    if (now >= this.#second + 1000) {
      this.#second = now
      this.#counts.fill(0)
    }
    const hash = createHmac('sha256', this.#key).update(source).digest().readUInt16BE(0)
    const bucket = hash % strangerBuckets
    const count = this.#counts[bucket] ?? 0
    if (count >= this.#perSecond) return false
    this.#counts[bucket] = count + 1
    return true
  }
}

/** How long a user who has been silent may send at any rate, in milliseconds of the permitted rate. */
export const burstMs = 1000

/** A token bucket, in bytes. */
export class Bandwidth {
  readonly #bytesPerMs: number
  #tokens: number
  #filledAt = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#tokens = this.#bytesPerMs * burstMs
  }

  /** Whether that many bytes may pass now. */
  take(bytes: number, now: number): boolean {
    const refill = Math.max(0, now - this.#filledAt) * this.#bytesPerMs
    this.#tokens = Math.min(this.#bytesPerMs * burstMs, this.#tokens + refill)
    this.#filledAt = now
    if (bytes > this.#tokens) return false
    this.#tokens -= bytes
    return true
  }
}
