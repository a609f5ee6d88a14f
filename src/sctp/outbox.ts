import { Queue } from '../base/queue.ts'
import { maxPendingControlChunks, maxPendingReplies } from './limits.ts'
import { ChunkReader, PacketWriter } from './packet.ts'
import { encodeParameter, reportable } from './parameters.ts'
import { CauseCode, ChunkType, chunkHeaderBytes, commonHeaderBytes, padded, reflectedTagFlag } from './protocol.ts'

interface ControlChunk {
  readonly type: number
  readonly value: Uint8Array
}

/**
 * What is to be sent because something was received: packets of their own (INIT ACK, ABORT, SHUTDOWN COMPLETE), and control
 * chunks that go along with the next packet (HEARTBEAT ACK, ERROR). Both are bounded: a flood is answered in part.
 */
export class Outbox {
  readonly #localPort: number
  readonly #remotePort: number
  readonly #packets = new Queue<Uint8Array>()
  readonly #chunks = new Queue<ControlChunk>()

  constructor(localPort: number, remotePort: number) {
    this.#localPort = localPort
    this.#remotePort = remotePort
  }

  /** Queues a packet with one chunk. */
  packet(verificationTag: number, type: number, flags: number, value: Uint8Array = empty): void {
    if (this.#packets.length >= maxPendingReplies) return
    const writer = new PacketWriter(this.#localPort, this.#remotePort)
    writer.begin(verificationTag, commonHeaderBytes + chunkHeaderBytes + padded(value.length))
    writer.chunk(type, flags, value)
    this.#packets.push(writer.finish())
  }

  nextPacket(): Uint8Array | undefined {
    return this.#packets.shift()
  }

  chunk(type: number, value: Uint8Array): void {
    if (this.#chunks.length < maxPendingControlChunks) this.#chunks.push({ type, value })
  }

  /** RFC 9260 §3.3.10: an ERROR chunk with one cause. */
  error(cause: number, ...information: readonly Uint8Array[]): void {
    this.chunk(ChunkType.error, encodeParameter(cause, ...information))
  }

  /** Adds as many of the control chunks as fit. */
  writeChunks(writer: PacketWriter): void {
    for (let next = this.#chunks.peek(); next !== undefined; next = this.#chunks.peek()) {
      if (chunkHeaderBytes + padded(next.value.length) > writer.room && !writer.isEmpty) return
      writer.chunk(next.type, 0, next.value)
      this.#chunks.shift()
    }
  }

  clear(): void {
    this.#packets.clear()
    this.#chunks.clear()
  }

  /**
   * Answers a packet that belongs to no association (RFC 9260 §8.4). It is neither INIT nor COOKIE ECHO: those come to an
   * association that does not exist yet.
   */
  answerOutOfTheBlue(packet: ChunkReader): void {
    const types = chunkTypes(packet)
    // Rules 2, 6 and 7: answering these could go on for ever.
    if (types.some(type => unanswered.has(type))) return
    // Rule 5: the peer waits for the end of a shutdown. Rule 8: anything else is refused.
    const type = types.includes(ChunkType.shutdownAck) ? ChunkType.shutdownComplete : ChunkType.abort
    this.packet(packet.verificationTag, type, reflectedTagFlag)
  }
}

/** An ERROR that says that a chunk was not recognized. */
export function reportUnrecognized(outbox: Outbox, chunk: ChunkReader): void {
  const start = chunk.offset - chunkHeaderBytes
  const whole = chunk.packet.subarray(start, chunk.offset + chunk.length)
  outbox.error(CauseCode.unrecognizedChunkType, reportable(whole))
}

const empty = new Uint8Array(0)

/** RFC 9260 §8.4, rule 7, speaks of an ERROR with a stale cookie; whoever reports an error needs no answer in any case. */
const unanswered: ReadonlySet<number> = new Set([
  ChunkType.abort,
  ChunkType.shutdownComplete,
  ChunkType.error,
  ChunkType.cookieAck,
])

function chunkTypes(packet: ChunkReader): number[] {
  const chunks = new ChunkReader(packet.packet)
  const types: number[] = []
  while (chunks.next()) types.push(chunks.type)
  return types
}
