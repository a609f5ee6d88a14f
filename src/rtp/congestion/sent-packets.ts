import { historyMs, initialHistoryPackets, maxHistoryPackets } from './limits.ts'

const free = 0
const inFlight = 1
const lost = 2
const received = 3

/**
 * What was sent under which transport-wide sequence number, and what became of it.
 *
 * The numbers count on for ever inside and are cut to 16 bits on the wire. An entry is found by its number in columns of
 * fixed width, so that a packet costs no object. Entries are overwritten by newer ones; the table doubles, up to its bound,
 * while that would hit packets that may still be reported.
 */
export class SentPackets {
  #capacity = initialHistoryPackets
  #next: number
  readonly #first: number
  #sequences = new Float64Array(initialHistoryPackets)
  #sentAt = new Float64Array(initialHistoryPackets)
  #sizes = new Uint32Array(initialHistoryPackets)
  #clusters = new Uint32Array(initialHistoryPackets)
  #states = new Uint8Array(initialHistoryPackets)

  constructor(firstSequence = 0) {
    this.#next = firstSequence & 0xffff
    this.#first = this.#next
  }

  /** Entries that the table has room for. */
  get capacity(): number {
    return this.#capacity
  }

  /**
   * @param size bytes
   * @param cluster the probe that it was sent for; 0 for none
   * @returns the 16-bit sequence number that the packet is to carry
   */
  add(size: number, now: number, cluster: number): number {
    let slot = this.#next & (this.#capacity - 1)
    if (this.#capacity < maxHistoryPackets && this.#states[slot] === inFlight && this.#isRecent(slot, now)) {
      this.#grow()
      slot = this.#next & (this.#capacity - 1)
    }
    this.#sequences[slot] = this.#next
    this.#sentAt[slot] = now
    this.#sizes[slot] = size
    this.#clusters[slot] = cluster
    this.#states[slot] = inFlight
    return this.#next++ & 0xffff
  }

  /**
   * The slot of a packet that was sent, or -1.
   *
   * A number is read as the latest one sent that ends in these 16 bits. One that was never sent is thereby taken for one
   * nearly 65536 packets back, which no slot holds any more.
   */
  find(sequence: number, now: number): number {
    const last = this.#next - 1
    const full = last - ((last - sequence) & 0xffff)
    if (full < this.#first) return -1
    const slot = full & (this.#capacity - 1)
    const found = this.#states[slot] !== free && this.#sequences[slot] === full && this.#isRecent(slot, now)
    return found ? slot : -1
  }

  /** @returns whether this is news */
  markReceived(slot: number): 'first' | 'late' | 'duplicate' {
    const before = this.#states[slot]
    this.#states[slot] = received
    return before === received ? 'duplicate' : before === lost ? 'late' : 'first'
  }

  /** @returns whether this is news: a packet reported as received before, or as lost, is not lost again */
  markLost(slot: number): boolean {
    if (this.#states[slot] !== inFlight) return false
    this.#states[slot] = lost
    return true
  }

  sentAt(slot: number): number {
    return this.#sentAt[slot] ?? 0
  }

  size(slot: number): number {
    return this.#sizes[slot] ?? 0
  }

  cluster(slot: number): number {
    return this.#clusters[slot] ?? 0
  }

  #isRecent(slot: number, now: number): boolean {
    return now - this.sentAt(slot) <= historyMs
  }

  #grow(): void {
    const from = this.#capacity
    const to = from * 2
    const sequences = new Float64Array(to)
    const sentAt = new Float64Array(to)
    const sizes = new Uint32Array(to)
    const clusters = new Uint32Array(to)
    const states = new Uint8Array(to)
    for (let slot = 0; slot < from; slot++) {
      const sequence = this.#sequences[slot] ?? 0
      const at = sequence & (to - 1)
      sequences[at] = sequence
      sentAt[at] = this.sentAt(slot)
      sizes[at] = this.size(slot)
      clusters[at] = this.cluster(slot)
      states[at] = this.#states[slot] ?? free
    }
    this.#capacity = to
    this.#sequences = sequences
    this.#sentAt = sentAt
    this.#sizes = sizes
    this.#clusters = clusters
    this.#states = states
  }
}
