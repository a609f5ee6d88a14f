import { distance32, greater32 } from '../base/serial.ts'
import type { OutstandingChunks, SentChunk } from './outstanding.ts'
import type { PacketWriter } from './packet.ts'
import { ChunkType, chunkHeaderBytes, DataFlag } from './protocol.ts'
import type { OutboundMessage, SendQueue } from './send-queue.ts'

/**
 * Gives up messages that may be given up, and tells the peer to stop waiting for them (RFC 3758 §3.5).
 */
export class Abandonment {
  readonly #outstanding: OutstandingChunks
  readonly #queue: SendQueue
  /** RFC 3758 §3.5, rule A1: Advanced.Peer.Ack.Point. */
  #advancedPoint: number
  #messages = 0
  #allowed = false

  constructor(outstanding: OutstandingChunks, queue: SendQueue) {
    this.#outstanding = outstanding
    this.#queue = queue
    this.#advancedPoint = outstanding.cumulativeTsn
  }

  /** Messages given up after some of their chunks had been sent. */
  get messages(): number {
    return this.#messages
  }

  /** Whether the peer waits for chunks that will not come. */
  get isPeerBehind(): boolean {
    return greater32(this.#advancedPoint, this.#outstanding.cumulativeTsn)
  }

  /** RFC 3758 §3.3.2: whether the peer takes FORWARD TSN. If not, nothing that has a TSN is given up. */
  allow(peerTakesForwardTsn: boolean): void {
    this.#allowed = peerTakesForwardTsn
  }

  /** Whether a chunk that is lost must not be sent again. */
  mustAbandon(chunk: SentChunk, now: number): boolean {
    const reliability = chunk.message?.reliability
    if (reliability === undefined || !this.#allowed) return false
    // RFC 7496 §3.1: abandoned where the number of retransmissions would exceed the limit.
    // RFC 3758 §4.1, rule TR4: or where the message has expired before a retransmission.
    return chunk.transmissions > reliability.maxRetransmits || now >= reliability.expiresAt
  }

  /** RFC 3758 §4.1, rule TR4: whether the rest of a message must not be sent either. */
  hasExpired(message: OutboundMessage, now: number): boolean {
    return this.#allowed && message.reliability !== undefined && now >= message.reliability.expiresAt
  }

  abandon(message: OutboundMessage): void {
    if (message.abandoned) return
    message.abandoned = true
    this.#messages++
    if (message.cut < message.data.length) {
      this.#queue.discardRest(message)
      // A peer that holds every chunk sent so far would wait for the next. A TSN that is never sent stands for the rest.
      const flags = DataFlag.end | (message.unordered ? DataFlag.unordered : 0)
      this.#outstanding.push(message, message.data.length, 0, flags)
      message.chunks++
    }
    // RFC 3758 §3.5, rule A3: all TSNs of the message at the same time.
    for (let i = 0; i < message.chunks; i++) {
      const place = distance32((message.firstTsn + i) >>> 0, this.#outstanding.firstTsn)
      if (place < this.#outstanding.count) this.#outstanding.abandon(this.#outstanding.at(place))
    }
  }

  /**
   * RFC 3758 §3.5, rules C1 and C2: moves the point over what is acknowledged, then over what is abandoned.
   *
   * @returns whether it moved over anything abandoned
   */
  advance(): boolean {
    const outstanding = this.#outstanding
    let moved = false
    if (greater32(outstanding.cumulativeTsn, this.#advancedPoint)) this.#advancedPoint = outstanding.cumulativeTsn
    for (;;) {
      const place = distance32((this.#advancedPoint + 1) >>> 0, outstanding.firstTsn)
      if (place >= outstanding.count || outstanding.at(place).fate !== 'abandoned') return moved
      this.#advancedPoint = (this.#advancedPoint + 1) >>> 0
      moved = true
    }
  }

  /**
   * Writes a FORWARD TSN (RFC 3758 §3.2) that reaches as far as its streams fit into the packet.
   *
   * @returns whether there was room for one
   */
  writeForwardTsn(writer: PacketWriter): boolean {
    const outstanding = this.#outstanding
    const maxStreams = Math.floor((writer.room - chunkHeaderBytes - 4) / 4)
    const skipped = new Map<number, number>()
    let reached = outstanding.cumulativeTsn
    const places = distance32(this.#advancedPoint, outstanding.cumulativeTsn)
    for (let place = 0; place < places; place++) {
      const chunk = outstanding.at(place)
      const message = chunk.message
      // RFC 3758 §3.2: unordered chunks are not reported; of a stream, the largest sequence number skipped.
      if (message !== undefined && !message.unordered) {
        // RFC 3758 §3.5, rule C4: what does not fit waits for the next one.
        if (skipped.size >= maxStreams && !skipped.has(message.stream.id)) break
        skipped.set(message.stream.id, message.ssn)
      }
      reached = (reached + 1) >>> 0
    }
    if (reached === outstanding.cumulativeTsn) return false
    let at = writer.openChunk(ChunkType.forwardTsn, 0, 4 + 4 * skipped.size)
    writer.view.setUint32(at, reached)
    for (const [streamId, ssn] of skipped) {
      at += 4
      writer.view.setUint16(at, streamId)
      writer.view.setUint16(at + 2, ssn)
    }
    return true
  }
}
