import { packetChecksum } from './crc32c.ts'
import type { SctpDropReason } from './errors.ts'
import { chunkHeaderBytes, commonHeaderBytes, dataHeaderBytes, padded } from './protocol.ts'

/**
 * A walk over the chunks of a received packet. Its fields describe the current chunk; they are views of the packet, valid
 * while the packet is.
 */
export class ChunkReader {
  readonly packet: Uint8Array
  readonly view: DataView
  type = 0
  flags = 0
  /** Where the value of the chunk begins in the packet, after its header. */
  offset: number = commonHeaderBytes
  /** Bytes of the value, without padding. */
  length = 0
  #next: number = commonHeaderBytes

  constructor(packet: Uint8Array) {
    this.packet = packet
    this.view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  }

  get sourcePort(): number {
    return this.view.getUint16(0)
  }

  get destinationPort(): number {
    return this.view.getUint16(2)
  }

  get verificationTag(): number {
    return this.view.getUint32(4)
  }

  /** The value of the current chunk, as a view. */
  get value(): Uint8Array {
    return this.packet.subarray(this.offset, this.offset + this.length)
  }

  get isFirst(): boolean {
    return this.offset === commonHeaderBytes + chunkHeaderBytes
  }

  /** Whether nothing but padding follows the current chunk. */
  get isLast(): boolean {
    return this.#next >= this.packet.length
  }

  /** Why this cannot be a packet for the association between these ports, or undefined if it can. */
  fault(localPort: number, remotePort: number): SctpDropReason | undefined {
    if (this.packet.length < commonHeaderBytes + chunkHeaderBytes) return 'malformed'
    if (this.destinationPort !== localPort || this.sourcePort !== remotePort) return 'wrong-port'
    // RFC 9260 §6.8: a packet with a wrong checksum is silently discarded. Its bytes are in the order of the register.
    if (this.view.getUint32(8, true) !== packetChecksum(this.view)) return 'bad-checksum'
    return undefined
  }

  /**
   * Steps to the next chunk.
   *
   * @returns false at the end, and at a chunk that is not wholly there or says that it is shorter than its own header
   */
  next(): boolean {
    const at = this.#next
    if (at + chunkHeaderBytes > this.packet.length) return false
    const length = this.view.getUint16(at + 2)
    // RFC 9260 §6.10: a partial chunk is dropped. One shorter than its header would never let the walk end.
    if (length < chunkHeaderBytes || at + length > this.packet.length) return false
    this.type = this.view.getUint8(at)
    this.flags = this.view.getUint8(at + 1)
    this.offset = at + chunkHeaderBytes
    this.length = length - chunkHeaderBytes
    this.#next = at + padded(length)
    return true
  }

  /** Whether the walk stopped before the end of the packet. */
  get isTruncated(): boolean {
    return this.#next < this.packet.length
  }

  rewind(): void {
    this.#next = commonHeaderBytes
  }
}

/**
 * Builds packets in place, one after the other in the same buffer.
 *
 * The limit of a packet says when nothing more should be added; a chunk that must be larger is taken all the same
 * (RFC 9260 §6.9: what was cut for a larger path cannot be cut again).
 */
export class PacketWriter {
  readonly #sourcePort: number
  readonly #destinationPort: number
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(this.#bytes.buffer)
  #length = 0
  #limit = 0

  constructor(sourcePort: number, destinationPort: number) {
    this.#sourcePort = sourcePort
    this.#destinationPort = destinationPort
  }

  /** Valid until the next chunk is opened. */
  get view(): DataView {
    return this.#view
  }

  /** Whether no chunk was written since {@link begin}. */
  get isEmpty(): boolean {
    return this.#length === commonHeaderBytes
  }

  /** Bytes left for further chunks, a multiple of four; negative after a chunk that was larger than the packet should be. */
  get room(): number {
    return (this.#limit - this.#length) & ~3
  }

  begin(verificationTag: number, limit: number): void {
    this.#limit = limit
    this.#length = commonHeaderBytes
    this.#reserve(limit)
    this.#view.setUint16(0, this.#sourcePort)
    this.#view.setUint16(2, this.#destinationPort)
    this.#view.setUint32(4, verificationTag)
  }

  /**
   * Writes the header of a chunk whose value has `length` bytes, and its padding.
   *
   * @returns where the value is to be written with {@link view}
   */
  openChunk(type: number, flags: number, length: number): number {
    const at = this.#length
    const end = at + chunkHeaderBytes + length
    const paddedEnd = padded(end)
    if (paddedEnd > this.#bytes.length) this.#reserve(paddedEnd)
    const view = this.#view
    view.setUint8(at, type)
    view.setUint8(at + 1, flags)
    view.setUint16(at + 2, chunkHeaderBytes + length)
    for (let i = end; i < paddedEnd; i++) view.setUint8(i, 0)
    this.#length = paddedEnd
    return at + chunkHeaderBytes
  }

  /** Writes chunks that were encoded before. */
  encoded(chunks: Uint8Array): void {
    this.#reserve(this.#length + chunks.length)
    this.#bytes.set(chunks, this.#length)
    this.#length += chunks.length
  }

  /** A copy of the chunks written since {@link begin}. */
  chunks(): Uint8Array {
    return this.#bytes.slice(commonHeaderBytes, this.#length)
  }

  chunk(type: number, flags: number, value: Uint8Array): void {
    const at = this.openChunk(type, flags, value.length)
    this.#bytes.set(value, at)
  }

  /**
   * Writes a DATA chunk that carries bytes `start` to `end` of `data`.
   *
   * @returns where its flags are
   */
  data(
    flags: number,
    tsn: number,
    streamId: number,
    ssn: number,
    ppid: number,
    data: Uint8Array,
    start: number,
    end: number,
  ): number {
    const at = this.openChunk(0, flags, dataHeaderBytes - chunkHeaderBytes + end - start)
    const view = this.#view
    view.setUint32(at, tsn)
    view.setUint16(at + 4, streamId)
    view.setUint16(at + 6, ssn)
    view.setUint32(at + 8, ppid)
    this.#bytes.set(start === 0 && end === data.length ? data : data.subarray(start, end), at + 12)
    return at - 3
  }

  setFlag(at: number, flag: number): void {
    this.#view.setUint8(at, this.#view.getUint8(at) | flag)
  }

  /** Fills in the checksum. The result is a view that is valid until {@link begin}. */
  finish(): Uint8Array {
    const view = new DataView(this.#bytes.buffer, 0, this.#length)
    view.setUint32(8, packetChecksum(view), true)
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#bytes.length) return
    const grown = new Uint8Array(padded(capacity))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
