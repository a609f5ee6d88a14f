import { RtpError } from './errors.ts'
import { oneByteProfile, type RtpExtension, rtpFixedHeaderBytes, rtpHeaderLength, twoByteProfile } from './packet.ts'
import { read16 } from './wire.ts'

/** One element of a header extension: RFC 8285 §4.1.2. */
export interface ExtensionElement {
  /** 1 to 14 in the one-byte form, 1 to 255 in the other. */
  readonly id: number
  /** 1 to 16 bytes in the one-byte form, 0 to 255 in the other. When read, a view of the packet. */
  readonly data: Uint8Array
}

/** Whether the 16 bits "defined by profile" announce elements of RFC 8285, in either form. */
export function holdsElements(profile: number): boolean {
  return profile === oneByteProfile || isTwoByte(profile)
}

/** The value of the element with an id, as a view; undefined if the packet does not carry it. */
export function findExtension(extension: RtpExtension | undefined, id: number): Uint8Array | undefined {
  if (!extension) return undefined
  const cursor = new ElementCursor(extension.data, 0, extension.data.length, extension.profile)
  while (cursor.next()) if (cursor.id === id) return cursor.data
  return undefined
}

/** All elements, in the order of the packet. */
export function extensionElements(extension: RtpExtension | undefined): readonly ExtensionElement[] {
  if (!extension) return []
  const elements: ExtensionElement[] = []
  const cursor = new ElementCursor(extension.data, 0, extension.data.length, extension.profile)
  while (cursor.next()) elements.push({ id: cursor.id, data: cursor.data })
  return elements
}

/**
 * Puts elements into a header extension: in the one-byte form if all of them fit it, or else in the two-byte form (which
 * the peer has to know: RFC 8285 §4.1.2).
 *
 * @returns undefined if there are none: RFC 8285 §4.1.1, an extension without elements should not be sent
 * @throws {RtpError} `bad-extension-id` or `bad-extension-value` for what fits neither form
 */
export function buildExtension(elements: readonly ExtensionElement[]): RtpExtension | undefined {
  if (elements.length === 0) return undefined
  const oneByte = elements.every(({ id, data }) => id < 15 && data.length >= 1 && data.length <= 16)
  const headBytes = oneByte ? 1 : 2
  let length = 0
  for (const { id, data } of elements) {
    if (!Number.isInteger(id) || id < 1 || id > 255) throw new RtpError('bad-extension-id', `id ${id}`)
    if (data.length > 255) throw new RtpError('bad-extension-value', `id ${id}: ${data.length} bytes`)
    length += headBytes + data.length
  }
  const bytes = new Uint8Array((length + 3) & ~3)
  let at = 0
  for (const { id, data } of elements) {
    if (oneByte) bytes[at] = (id << 4) | (data.length - 1)
    else bytes.set([id, data.length], at)
    bytes.set(data, at + headBytes)
    at += headBytes + data.length
  }
  return { profile: oneByte ? oneByteProfile : twoByteProfile, data: bytes }
}

/**
 * Where the value of an element lies in a serialized packet, so that a value that is only known when the packet leaves
 * (abs-send-time, the transport-wide sequence number) can be written into it.
 *
 * @param length the bytes that the value must have
 * @returns -1 if the packet has no such element of that length
 */
export function locateExtension(packet: Uint8Array, id: number, length: number): number {
  const cursor = packetCursor(packet)
  while (cursor?.next()) if (cursor.id === id && cursor.length === length) return cursor.offset
  return -1
}

/** Overwrites the value of an element in a serialized packet; false if there is none of that length. */
export function rewriteExtension(packet: Uint8Array, id: number, value: Uint8Array): boolean {
  const at = locateExtension(packet, id, value.length)
  if (at >= 0) packet.set(value, at)
  return at >= 0
}

/** Gives an element of a serialized packet another id, with the same value; false if there is none or the id does not fit. */
export function renameExtension(packet: Uint8Array, from: number, to: number): boolean {
  const cursor = packetCursor(packet)
  while (cursor?.next()) {
    if (cursor.id !== from) continue
    if (cursor.isTwoByte) packet[cursor.offset - 2] = to
    else if (to < 15) packet[cursor.offset - 1] = (to << 4) | (cursor.length - 1)
    else return false
    return true
  }
  return false
}

/** Which id stands for which extension in an RTP session: what `a=extmap` has negotiated. */
export class HeaderExtensionMap {
  readonly #uris = new Map<number, string>()
  readonly #ids = new Map<string, number>()

  /** @throws {RtpError} `bad-extension-id` for an id outside 1 to 255, or one that is given twice */
  constructor(entries: Iterable<readonly [id: number, uri: string]> = []) {
    for (const [id, uri] of entries) this.#add(id, uri)
  }

  /** The id of an extension, or undefined if it is not in use. */
  idOf(uri: string): number | undefined {
    return this.#ids.get(uri)
  }

  uriOf(id: number): string | undefined {
    return this.#uris.get(id)
  }

  get size(): number {
    return this.#uris.size
  }

  [Symbol.iterator](): IterableIterator<[number, string]> {
    return this.#uris.entries()
  }

  #add(id: number, uri: string): void {
    // RFC 8285 §5: 15 cannot be used in the one-byte form, but may be in the other.
    if (!Number.isInteger(id) || id < 1 || id > 255) throw new RtpError('bad-extension-id', `id ${id} for ${uri}`)
    if (this.#uris.has(id)) throw new RtpError('bad-extension-id', `id ${id} stands for two extensions`)
    this.#uris.set(id, uri)
    // One extension may be mapped twice, with different attributes; the first mapping is the one to send with.
    if (!this.#ids.has(uri)) this.#ids.set(uri, id)
  }
}

function isTwoByte(profile: number): boolean {
  // RFC 8285 §4.3: the last four bits belong to the application.
  return (profile & 0xfff0) === twoByteProfile
}

function packetCursor(packet: Uint8Array): ElementCursor | undefined {
  const end = rtpHeaderLength(packet)
  const first = packet[0] as number
  if (end < 0 || (first & 0x10) === 0) return undefined
  const at = rtpFixedHeaderBytes + 4 * (first & 0x0f)
  return new ElementCursor(packet, at + 4, end, read16(packet, at))
}

/** A walk over the elements of a header extension; its fields describe the current one. */
class ElementCursor {
  readonly isTwoByte: boolean
  id = 0
  /** Where the value begins, after the head of the element. */
  offset = 0
  length = 0
  readonly #bytes: Uint8Array
  readonly #end: number
  #next: number

  constructor(bytes: Uint8Array, start: number, end: number, profile: number) {
    this.#bytes = bytes
    this.#end = holdsElements(profile) ? end : start
    this.#next = start
    this.isTwoByte = isTwoByte(profile)
  }

  get data(): Uint8Array {
    return this.#bytes.subarray(this.offset, this.offset + this.length)
  }

  /** Steps to the next element; false at the end, which is also where an element does not fit. */
  next(): boolean {
    while (this.#next < this.#end && this.#bytes[this.#next] === 0) {
      // RFC 8285 §4.1.2: in the two-byte form an id of 0 is padding of one byte too; it has no length.
      this.#next++
    }
    const headBytes = this.isTwoByte ? 2 : 1
    if (this.#next + headBytes > this.#end) return false
    const head = this.#bytes[this.#next] as number
    if (!this.isTwoByte) {
      this.id = head >>> 4
      this.length = (head & 0x0f) + 1
      // RFC 8285 §4.1.2, §4.2: id 0 with a length, and id 15, end the walk; what came before them counts.
      if (this.id === 0 || this.id === 15) return this.#stop()
    } else {
      this.id = head
      this.length = this.#bytes[this.#next + 1] as number
    }
    this.offset = this.#next + headBytes
    this.#next = this.offset + this.length
    return this.#next <= this.#end || this.#stop()
  }

  #stop(): false {
    this.#next = this.#end
    return false
  }
}
