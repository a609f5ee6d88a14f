/** Packets that a history holds at most: two seconds of 1000 packets a second. A power of two. */
export const maxHistoryPackets = 2_048

export interface SendHistoryOptions {
  /** How many of the last packets are kept: a power of two up to {@link maxHistoryPackets}. 1024 if not given. */
  readonly packets?: number
  /** Milliseconds after which a packet is no longer worth repeating. 2000 if not given. */
  readonly maxAgeMs?: number
}

/** Why a packet that was asked for is not sent again. */
export type HistoryDrop = 'unknown' | 'expired' | 'just-sent'

interface Entry {
  sequenceNumber: number
  packet: Uint8Array
  sentAt: number
  repeatedAt: number
}

/**
 * The packets of one stream that were sent last, to answer NACKs with (RFC 4585 §6.2.1).
 *
 * It is bounded by count and age, and a packet is not repeated again before the first repetition can have arrived: a peer
 * that asks over and over for the same packets cannot make this end send without limit.
 */
export class SendHistory {
  readonly #slots: (Entry | undefined)[]
  readonly #mask: number
  readonly #maxAgeMs: number

  constructor({ packets = 1_024, maxAgeMs = 2_000 }: SendHistoryOptions = {}) {
    const capacity = Math.min(2 ** Math.ceil(Math.log2(Math.max(packets, 1))), maxHistoryPackets)
    this.#slots = new Array(capacity).fill(undefined)
    this.#mask = capacity - 1
    this.#maxAgeMs = maxAgeMs
  }

  /** Keeps a packet that leaves now, unprotected. The array is not copied: it must not change afterwards. */
  store(sequenceNumber: number, packet: Uint8Array, now: number): void {
    const at = sequenceNumber & this.#mask
    const slot = this.#slots[at]
    if (!slot) {
      this.#slots[at] = { sequenceNumber, packet, sentAt: now, repeatedAt: Number.NEGATIVE_INFINITY }
      return
    }
    slot.sequenceNumber = sequenceNumber
    slot.packet = packet
    slot.sentAt = now
    slot.repeatedAt = Number.NEGATIVE_INFINITY
  }

  /**
   * A packet that a NACK asks for, to be sent again now.
   *
   * @param roundTripMs the round-trip time as far as it is known, in milliseconds
   */
  repeat(sequenceNumber: number, now: number, roundTripMs: number): Uint8Array | { readonly drop: HistoryDrop } {
    const entry = this.#slots[sequenceNumber & this.#mask]
    if (entry?.sequenceNumber !== sequenceNumber) return unknown
    if (now - entry.sentAt > this.#maxAgeMs) return expired
    // A request that left before the last repetition arrived is about the same loss.
    if (now - entry.repeatedAt < roundTripMs) return justSent
    entry.repeatedAt = now
    return entry.packet
  }

  clear(): void {
    this.#slots.fill(undefined)
  }
}

const unknown = { drop: 'unknown' } as const
const expired = { drop: 'expired' } as const
const justSent = { drop: 'just-sent' } as const
