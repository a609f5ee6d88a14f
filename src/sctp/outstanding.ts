import { dataHeaderBytes, padded } from './protocol.ts'
import type { OutboundMessage } from './send-queue.ts'

/**
 * Where a chunk that has a TSN stands:
 *
 * - `in-flight`: sent, and thought to be on its way
 * - `lost`: to be sent again
 * - `acked`: reported by a gap block
 * - `abandoned`: given up (RFC 3758 §3.4)
 */
export type ChunkFate = 'in-flight' | 'lost' | 'acked' | 'abandoned'

/** A chunk that was sent. The objects are used again and again: a ring of them outlives the chunks. */
export class SentChunk {
  message: OutboundMessage | undefined = undefined
  /** The part of the message that it carries. */
  offset = 0
  length = 0
  flags = 0
  sentAt = 0
  /** The number of the packet that carried it last. */
  packet = 0
  /** The number of the packet that must have arrived, or one sent later, if this is acknowledged. */
  evidence = 0
  transmissions = 0
  /** It goes again only to get an answer: what it carried before may well be on its way. */
  isProbe = false
  fate: ChunkFate = 'acked'
}

/**
 * The chunks that have a TSN and are not yet cumulatively acknowledged, in the order of their TSNs, in a ring: finding,
 * adding and releasing one takes constant time.
 */
export class OutstandingChunks {
  #slots: SentChunk[] = []
  #head = 0
  #count = 0
  #firstTsn: number
  #flightSize = 0
  #flightData = 0
  #lost = 0

  constructor(initialTsn: number) {
    this.#firstTsn = initialTsn
  }

  get count(): number {
    return this.#count
  }

  /** RFC 9260 §5.1: the Cumulative TSN Ack Point. */
  get cumulativeTsn(): number {
    return (this.#firstTsn - 1) >>> 0
  }

  get firstTsn(): number {
    return this.#firstTsn
  }

  /** The TSN that the next chunk will have. */
  get nextTsn(): number {
    return (this.#firstTsn + this.#count) >>> 0
  }

  /** Bytes in flight with chunk headers and padding: what the congestion window counts. */
  get flightSize(): number {
    return this.#flightSize
  }

  /** User data in flight: what the receiver's window counts. */
  get flightData(): number {
    return this.#flightData
  }

  /** Chunks that are to be sent again. */
  get lostCount(): number {
    return this.#lost
  }

  /** The chunk `index` places after the first. */
  at(index: number): SentChunk {
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)] as SentChunk
  }

  /** Adds a chunk with the next TSN, neither sent nor counted yet. */
  push(message: OutboundMessage, offset: number, length: number, flags: number): SentChunk {
    if (this.#count === this.#slots.length) this.#grow()
    const chunk = this.at(this.#count++)
    chunk.message = message
    chunk.offset = offset
    chunk.length = length
    chunk.flags = flags
    chunk.transmissions = 0
    chunk.isProbe = false
    chunk.fate = 'abandoned'
    return chunk
  }

  /** The chunk is sent, or sent again. */
  sent(chunk: SentChunk, packet: number, now: number): void {
    this.#settle(chunk, 'in-flight')
    chunk.packet = packet
    if (!chunk.isProbe) chunk.evidence = packet
    chunk.isProbe = false
    chunk.sentAt = now
    chunk.transmissions++
  }

  acknowledge(chunk: SentChunk): void {
    this.#settle(chunk, 'acked')
  }

  lose(chunk: SentChunk): void {
    this.#settle(chunk, 'lost')
  }

  /** The chunk is to be sent again, though it is not known to be lost. */
  repeat(chunk: SentChunk): void {
    chunk.isProbe = true
    this.#settle(chunk, 'lost')
  }

  abandon(chunk: SentChunk): void {
    this.#settle(chunk, 'abandoned')
  }

  /** RFC 9260 §6.2.1, rule D iii: the receiver gave up data that it had reported. */
  renege(chunk: SentChunk): void {
    this.#settle(chunk, 'in-flight')
  }

  /** Lets go of the first chunk: the cumulative TSN has reached it. */
  release(): void {
    const chunk = this.at(0)
    this.#settle(chunk, 'acked')
    chunk.message = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#firstTsn = (this.#firstTsn + 1) >>> 0
    this.#count--
  }

  /** Gives memory back that a busier time needed. */
  trim(): void {
    if (this.#count > 0) return
    this.#slots = []
    this.#head = 0
  }

  #settle(chunk: SentChunk, fate: ChunkFate): void {
    const before = chunk.fate
    if (before === fate) return
    chunk.fate = fate
    if (before === 'in-flight') {
      this.#flightSize -= padded(dataHeaderBytes + chunk.length)
      this.#flightData -= chunk.length
    } else if (before === 'lost') this.#lost--
    if (fate === 'in-flight') {
      this.#flightSize += padded(dataHeaderBytes + chunk.length)
      this.#flightData += chunk.length
    } else if (fate === 'lost') this.#lost++
  }

  #grow(): void {
    const slots: SentChunk[] = []
    for (let i = 0; i < this.#count; i++) slots.push(this.at(i))
    for (let capacity = Math.max(8, this.#slots.length * 2); slots.length < capacity; ) slots.push(new SentChunk())
    this.#slots = slots
    this.#head = 0
  }
}
