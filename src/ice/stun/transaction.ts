import { earliest } from '../../base/deadlines.ts'
import type { RandomSource } from '../../base/environment.ts'

/** RFC 8489 §5: 96 bits, uniformly and cryptographically random. */
export function newTransactionId(random: RandomSource): Uint8Array {
  return random(12)
}

/** A text that is equal for equal transaction IDs, fit for the key of a map. */
export function transactionKey(id: Uint8Array): string {
  return String.fromCharCode(...id.subarray(0, 12))
}

export interface RetransmissionOptions {
  readonly now: number
  readonly rtoMs: number
  /** How long an answer is waited for. */
  readonly timeoutMs: number
  /** Unlimited if absent. */
  readonly maxIntervalMs?: number
}

/**
 * When a request over UDP is sent again, and when it is given up.
 *
 * RFC 8489 §6.2.1: the interval starts with RTO and doubles after each transmission. Instead of counting to Rc and
 * waiting Rm times RTO, it ends after a fixed time, so that a short RTO means more attempts rather than less patience;
 * with an RTO of 500 ms and a time of 39,500 ms both are the same. A greatest interval may be set as well.
 */
export class Retransmission {
  readonly startedAt: number
  readonly #endsAt: number
  readonly #maxIntervalMs: number
  #intervalMs: number
  #nextAt: number
  #count = 0

  constructor(options: RetransmissionOptions) {
    this.startedAt = options.now
    this.#endsAt = options.now + options.timeoutMs
    this.#maxIntervalMs = options.maxIntervalMs ?? Number.POSITIVE_INFINITY
    this.#intervalMs = options.rtoMs
    this.#nextAt = options.now + options.rtoMs
  }

  /** Times that the request was sent again. */
  get count(): number {
    return this.#count
  }

  get deadline(): number {
    return Math.min(this.#nextAt, this.#endsAt)
  }

  /** Never sends again; still waits for a response until its time is over. */
  cancel(): void {
    this.#nextAt = Number.POSITIVE_INFINITY
  }

  /** What is due at `now`. Returns `resend` once for each transmission, then `expired` for good. */
  poll(now: number): 'resend' | 'expired' | undefined {
    if (now >= this.#endsAt) return 'expired'
    if (now < this.#nextAt) return undefined
    this.#count++
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#maxIntervalMs)
    // After a late call the next interval counts from now: no burst makes up for lost time.
    this.#nextAt = now + this.#intervalMs
    return 'resend'
  }
}

/** When the first of several requests is to be sent again, or given up. */
export function earliestDeadline(requests: Iterable<{ readonly retransmission: Retransmission }>): number | undefined {
  let deadline: number | undefined
  for (const { retransmission } of requests) deadline = earliest(deadline, retransmission.deadline)
  return deadline
}
