import { writeIdentifier } from '../extension-values.ts'
import { buildExtension, type ExtensionElement, extensionElements } from '../header-extensions.ts'
import { oneByteProfile, parseRtp, rtpFixedHeaderBytes, serializeRtp, twoByteProfile } from '../packet.ts'
import { write16, write32 } from '../wire.ts'
import { PacketSlab } from './packet-slab.ts'
import type { ManagedIds } from './sections.ts'

/** The most that a packet may take: more fits no datagram, and SRTP needs some room. */
export const maxPacketBytes = 65_000

const absSendTimeBytes = 3
const transmissionOffsetBytes = 3
const transportSequenceBytes = 2

/** What the head of a packet is written from. */
export interface PacketHead {
  readonly payloadType: number
  readonly marker: boolean
  readonly csrcs: readonly number[]
  readonly elements: readonly ExtensionElement[]
  readonly payload: Uint8Array
}

/**
 * Writes the packets of one stream at once as bytes, without the objects that a header extension would otherwise be built
 * from. Values that are only known when the packet leaves get their places.
 */
export class PacketWriter {
  /** Of the last packet written: its length without the room behind it, that of its header, and where values are to be written; -1: nowhere. */
  length = 0
  headerBytes = 0
  absSendTimeAt = -1
  transmissionOffsetAt = -1
  transportSequenceAt = -1
  readonly ids: ManagedIds
  readonly #slab = new PacketSlab()
  readonly #identity: readonly ExtensionElement[]
  /** Ids whose values are not taken from the packet. */
  readonly #managed = new Uint8Array(256)
  /** The elements with times that every packet has. */
  readonly #timeCount: number
  readonly #timeBytes: number
  readonly #isTimeTwoByte: boolean
  /** Where the next element goes, and how long the head of each is. */
  #at = 0
  #headBytes = 1

  constructor(ids: ManagedIds, mid: string, rid: string | undefined) {
    this.ids = ids
    for (const id of Object.values(ids)) this.#managed[id] = 1
    const identity: ExtensionElement[] = []
    if (ids.mid > 0) identity.push({ id: ids.mid, data: writeIdentifier(mid) })
    if (ids.rtpStreamId > 0 && rid !== undefined) identity.push({ id: ids.rtpStreamId, data: writeIdentifier(rid) })
    this.#identity = identity
    const hasSendTime = ids.absSendTime > 0
    const hasOffset = ids.transmissionOffset > 0
    this.#timeCount = (hasSendTime ? 1 : 0) + (hasOffset ? 1 : 0)
    this.#timeBytes = (hasSendTime ? absSendTimeBytes : 0) + (hasOffset ? transmissionOffsetBytes : 0)
    this.#isTimeTwoByte = ids.absSendTime > 14 || ids.transmissionOffset > 14
  }

  /**
   * @param identify whether the packet tells which stream it belongs to
   * @param sequenced whether it takes part in transport-wide feedback
   * @param room bytes to leave free behind it
   * @returns undefined if it does not fit the format
   */
  write(
    packet: PacketHead,
    sequenceNumber: number,
    timestamp: number,
    ssrc: number,
    identify: boolean,
    sequenced: boolean,
    room: number,
  ): Uint8Array | undefined {
    const { csrcs, elements, payload } = packet
    const identity = identify ? this.#identity : none
    const extensionBytes = this.#measure(identity, elements, sequenced)
    if (extensionBytes < 0 || csrcs.length > 15) return undefined
    const fixedBytes = rtpFixedHeaderBytes + 4 * csrcs.length
    // RFC 9335 §5.1: CSRCs are enciphered together with an extension, be it an empty one
    const isExtended = extensionBytes > 0 || csrcs.length > 0
    const headerBytes = fixedBytes + (isExtended ? 4 + ((extensionBytes + 3) & ~3) : 0)
    const length = headerBytes + payload.length
    if (length > maxPacketBytes) return undefined
    const data = this.#slab.take(length + room)
    data[0] = 0x80 | (isExtended ? 0x10 : 0) | csrcs.length
    data[1] = (packet.marker ? 0x80 : 0) | (packet.payloadType & 0x7f)
    write16(data, 2, sequenceNumber)
    write32(data, 4, timestamp)
    write32(data, 8, ssrc)
    for (let i = 0; i < csrcs.length; i++) write32(data, rtpFixedHeaderBytes + 4 * i, csrcs[i] as number)
    this.absSendTimeAt = -1
    this.transmissionOffsetAt = -1
    this.transportSequenceAt = -1
    if (isExtended) this.#writeExtension(data, fixedBytes, headerBytes, identity, elements, sequenced)
    data.set(payload, headerBytes)
    this.length = length
    this.headerBytes = headerBytes
    return data
  }

  /** A packet again, telling which stream it belongs to. */
  identified(packet: Uint8Array): Uint8Array {
    const parsed = parseRtp(packet)
    if ('drop' in parsed || this.#identity.length === 0) return packet
    const { mid, rtpStreamId } = this.ids
    const rest = extensionElements(parsed.extension).filter(({ id }) => id !== mid && id !== rtpStreamId)
    return serializeRtp({ ...parsed, extension: buildExtension([...this.#identity, ...rest]) })
  }

  /** The bytes of all elements, and the form that fits them; -1 if neither does. */
  #measure(identity: readonly ExtensionElement[], elements: readonly ExtensionElement[], sequenced: boolean): number {
    const { ids } = this
    const isSequenced = sequenced && ids.transportSequence > 0
    let count = this.#timeCount + (isSequenced ? 1 : 0)
    let bytes = this.#timeBytes + (isSequenced ? transportSequenceBytes : 0)
    // RFC 8285 §4.1.2: the one-byte form has ids up to 14 and values of 1 to 16 bytes.
    let twoByte = this.#isTimeTwoByte || (isSequenced && ids.transportSequence > 14)
    for (let i = 0; i < identity.length; i++) {
      const { id, data } = identity[i] as ExtensionElement
      count++
      bytes += data.length
      twoByte ||= id > 14 || data.length > 16
    }
    for (let i = 0; i < elements.length; i++) {
      const { id, data } = elements[i] as ExtensionElement
      if (!(id >= 1 && id <= 255) || data.length > 255) return -1
      if (this.#managed[id] === 1) continue
      count++
      bytes += data.length
      twoByte ||= id > 14 || data.length > 16 || data.length === 0
    }
    this.#headBytes = twoByte ? 2 : 1
    return bytes + count * this.#headBytes
  }

  #writeExtension(
    data: Uint8Array,
    start: number,
    end: number,
    identity: readonly ExtensionElement[],
    elements: readonly ExtensionElement[],
    sequenced: boolean,
  ): void {
    const { ids } = this
    write16(data, start, this.#headBytes === 1 ? oneByteProfile : twoByteProfile)
    write16(data, start + 2, (end - start - 4) >>> 2)
    this.#at = start + 4
    if (ids.absSendTime > 0) this.absSendTimeAt = this.#reserve(data, ids.absSendTime, absSendTimeBytes)
    if (ids.transmissionOffset > 0) {
      this.transmissionOffsetAt = this.#reserve(data, ids.transmissionOffset, transmissionOffsetBytes)
    }
    if (sequenced && ids.transportSequence > 0) {
      this.transportSequenceAt = this.#reserve(data, ids.transportSequence, transportSequenceBytes)
    }
    for (let i = 0; i < identity.length; i++) this.#put(data, identity[i] as ExtensionElement)
    for (let i = 0; i < elements.length; i++) {
      const element = elements[i] as ExtensionElement
      if (this.#managed[element.id] !== 1) this.#put(data, element)
    }
  }

  /** @returns where the value goes */
  #reserve(data: Uint8Array, id: number, length: number): number {
    const at = this.#at + this.#headBytes
    if (this.#headBytes === 1) data[this.#at] = (id << 4) | (length - 1)
    else {
      data[this.#at] = id
      data[this.#at + 1] = length
    }
    this.#at = at + length
    return at
  }

  #put(data: Uint8Array, element: ExtensionElement): void {
    const at = this.#reserve(data, element.id, element.data.length)
    for (let i = 0; i < element.data.length; i++) data[at + i] = element.data[i] as number
  }
}

const none: readonly ExtensionElement[] = Object.freeze([])
