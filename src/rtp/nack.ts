import { SequenceUnwrapper } from './sequence.ts'

/** Missing packets that are kept at most, and how far behind the newest one a packet may be to be missed. */
export const maxMissingPackets = 1_000
const maxDistance = 10_000
/** How often a packet is asked for before it is given up. */
const maxRequests = 10
/**
 * An answer takes a round trip and so much more, for turns of event loops and packets that leave before it. Nothing is asked
 * for more often, however short the round trip.
 */
const answerMarginMs = 10

export interface NackOptions {
  /** How long a packet may be late before it counts as missing, in milliseconds. 10 if not given. */
  readonly reorderingMs?: number
  /** Before a round-trip time is known, in milliseconds. 100 if not given. */
  readonly initialRoundTripMs?: number
}

interface Missing {
  dueAt: number
  requests: number
}

/**
 * - `new`: it is ahead of all others
 * - `late`: it was missing until now
 * - `repeated`: nothing was missing there, or it was given up
 */
export type NackVerdict = 'new' | 'late' | 'repeated'

/**
 * Which packets of one stream are missing, and when to ask for them (RFC 4585 §6.2.1): each once it is too late to be just
 * out of order, then every round trip until it comes or has been asked for often enough.
 */
export class NackTracker {
  readonly #sequences = new SequenceUnwrapper()
  /** By unwrapped sequence number, in ascending order. */
  readonly #missing = new Map<number, Missing>()
  readonly #reorderingMs: number
  #roundTripMs: number
  #gaveUp = false

  constructor({ reorderingMs = 10, initialRoundTripMs = 100 }: NackOptions = {}) {
    this.#reorderingMs = reorderingMs
    this.#roundTripMs = initialRoundTripMs
  }

  /** Packets that are missing and not given up. */
  get missing(): number {
    return this.#missing.size
  }

  set roundTripMs(milliseconds: number) {
    this.#roundTripMs = milliseconds
  }

  /** Takes note of a packet of the stream, received or repaired. */
  receive(sequenceNumber: number, now: number): NackVerdict {
    const before = this.#sequences.highest
    const place = this.#sequences.peek(sequenceNumber)
    if (before >= 0 && place <= before) return this.#missing.delete(place) ? 'late' : 'repeated'
    this.#sequences.unwrap(sequenceNumber)
    if (before >= 0 && place > before + 1) this.#miss(before + 1, place, now)
    return 'new'
  }

  /** The sequence numbers to ask for now, in ascending order. */
  due(now: number): readonly number[] {
    const due: number[] = []
    for (const [place, missing] of this.#missing) {
      if (missing.dueAt > now) continue
      if (missing.requests >= maxRequests) {
        this.#missing.delete(place)
        this.#gaveUp = true
        continue
      }
      missing.requests++
      missing.dueAt = now + this.#roundTripMs + answerMarginMs
      due.push(place & 0xffff)
    }
    return due
  }

  /** When {@link due} has something to say again. */
  pollTimeout(): number | undefined {
    let next: number | undefined
    for (const { dueAt } of this.#missing.values()) if (next === undefined || dueAt < next) next = dueAt
    return next
  }

  /**
   * Whether packets were given up since the last call: they will not come, and what depends on them (a picture) has to be
   * asked for anew (PLI).
   */
  takeLoss(): boolean {
    const gaveUp = this.#gaveUp
    this.#gaveUp = false
    return gaveUp
  }

  /** Forgets what is missing before a packet: a new start has made it useless. */
  forgetBefore(sequenceNumber: number): void {
    const place = this.#sequences.peek(sequenceNumber)
    for (const missing of this.#missing.keys()) {
      if (missing >= place) return
      this.#missing.delete(missing)
    }
  }

  #miss(from: number, to: number, now: number): void {
    // A gap of that size is not to be repaired packet by packet, and neither is what was missing before it.
    if (to - from > maxMissingPackets) {
      this.#missing.clear()
      this.#gaveUp = true
      return
    }
    this.#dropOld(to, to - from)
    for (let place = from; place < to; place++) {
      this.#missing.set(place, { dueAt: now + this.#reorderingMs, requests: 0 })
    }
  }

  /** Makes room for `count` more, and forgets what is too far behind. */
  #dropOld(newest: number, count: number): void {
    for (const place of this.#missing.keys()) {
      if (place >= newest - maxDistance && this.#missing.size + count <= maxMissingPackets) return
      this.#missing.delete(place)
      this.#gaveUp = true
    }
  }
}
