import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { type Extensions, ExtensionType } from './extensions.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import { ContentType, recordConnectionIdAt } from './record.ts'
import { ciphertextConnectionIdAt, hasConnectionId13 } from './v13/unified-header.ts'

/** Longer ones are not made here; the peer's may have up to 255 bytes. */
export const maxConnectionIdLength = 20
/** So many of ours are good at a time: those that the peer has left behind make room for new ones. */
export const maxOwnConnectionIds = 8
/** Of what the peer has given in advance, so many are kept. */
export const maxSpareConnectionIds = 8

/** What to negotiate. Connection IDs let a record be told by what is in it, where its address has changed. */
export interface ConnectionIdOptions {
  /**
   * The length of the connection IDs that the peer puts on its records for us: up to {@link maxConnectionIdLength} bytes,
   * or 0 if we need none, but are ready to put the peer's on ours.
   */
  readonly length: number
}

/** What is in use. */
export interface NegotiatedConnectionIds {
  /** Ours, oldest first: the peer puts one of them on each of its records. Empty if we asked for none. */
  readonly own: readonly Uint8Array[]
  /** The peer's that we put on our records; empty if it asked for none. */
  readonly peer: Uint8Array
  /** How many more the peer has given. */
  readonly spare: number
}

/** @throws {TypeError | RangeError} if no such connection ID can be made */
export function checkConnectionIdOptions(options: ConnectionIdOptions): void {
  const { length } = typeof options === 'object' && options !== null ? options : { length: undefined }
  if (typeof length !== 'number') throw new TypeError('connectionId: without a length')
  if (Number.isInteger(length) && length >= 0 && length <= maxConnectionIdLength) return
  throw new RangeError(`connectionId: not a length from 0 to ${maxConnectionIdLength}: ${length}`)
}

/**
 * The connection ID on the first record of a datagram: for who receives the datagrams of many connections. Nothing is
 * authenticated by that.
 *
 * RFC 9146 §3, RFC 9147 §4: a record does not say how long it is, so that one length must serve for all connections.
 *
 * @param length of all connection IDs that were given out
 * @returns a view; undefined if there is none
 */
export function readConnectionId(datagram: Uint8Array, length: number): Uint8Array | undefined {
  const at = connectionIdAt(datagram, 0)
  return length === 0 || at === undefined || at + length > datagram.length
    ? undefined
    : datagram.subarray(at, at + length)
}

/** Where the connection ID of the record at `at` begins; undefined if it has none. */
export function connectionIdAt(datagram: Uint8Array, at: number): number | undefined {
  const first = datagram[at] ?? 0
  if (first === ContentType.tls12Cid) return recordConnectionIdAt(at)
  return hasConnectionId13(first) ? ciphertextConnectionIdAt(at) : undefined
}

/** RFC 9146 §3: ConnectionId, the data of the extension. */
export function encodeConnectionId(id: Uint8Array): Uint8Array {
  return new ByteWriter(1 + id.length).vector(1, data => data.bytes(id)).finish()
}

/** The result is a copy. */
function decodeConnectionId(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data)
  const id = reader.vector8('cid')
  reader.expectEnd('connection_id')
  return new Uint8Array(id)
}

/**
 * What comes of our connection ID and that in the peer's hello; undefined if one of the two did not speak of it.
 *
 * RFC 9146 §3: each tells what it wants to receive; of no bytes if it wants nothing, and will send what the other wants.
 *
 * @throws {MalformedError}
 */
export function negotiateConnectionIds(theirs: Extensions, config: HandshakeConfig): ConnectionIds | undefined {
  const data = theirs.get(ExtensionType.connectionId)
  if (data === undefined || config.connectionId === undefined) return undefined
  return new ConnectionIds(config.connectionId, decodeConnectionId(data))
}

/** The connection IDs of a connection. */
export class ConnectionIds implements NegotiatedConnectionIds {
  /** Of all of ours. */
  readonly ownLength: number
  #own: readonly Uint8Array[]
  /** Which of ours the peer has begun to use last. */
  #latest = 0
  #peer: Uint8Array
  readonly #spare: Uint8Array[] = []

  constructor(own: Uint8Array, peer: Uint8Array) {
    this.ownLength = own.length
    this.#own = own.length === 0 ? [] : [own]
    this.#peer = peer
  }

  /** What we say in our hello. */
  get extension(): Uint8Array {
    return encodeConnectionId(this.#own[0] ?? new Uint8Array())
  }

  get own(): readonly Uint8Array[] {
    return this.#own
  }

  get peer(): Uint8Array {
    return this.#peer
  }

  get spare(): number {
    return this.#spare.length
  }

  /** Which of ours is in a datagram at `at`; -1 if none is. */
  find(datagram: Uint8Array, at: number): number {
    if (isAt(this.#own[this.#latest], datagram, at)) return this.#latest
    for (let index = 0; index < this.#own.length; index++) if (isAt(this.#own[index], datagram, at)) return index
    return -1
  }

  /** An authentic record had that one of ours. */
  noteUse(index: number): void {
    if (index > this.#latest) this.#latest = index
  }

  /**
   * Adds new ones of ours: as many as there is room for, besides those that the peer may yet use.
   *
   * RFC 9147 §9: they are used in the order they were given, and fewer than asked for may be given.
   */
  issue(count: number, make: (length: number) => Uint8Array): readonly Uint8Array[] {
    const room = maxOwnConnectionIds - (this.#own.length - this.#latest)
    const issued = Array.from({ length: Math.min(count, room) }, () => make(this.ownLength))
    const all = [...this.#own, ...issued]
    const gone = Math.max(0, all.length - maxOwnConnectionIds)
    this.#own = all.slice(gone)
    this.#latest -= gone
    return issued
  }

  /** RFC 9147 §9: those beyond what we wish to keep may be discarded. */
  keepSpare(ids: readonly Uint8Array[]): void {
    this.#spare.push(...ids.slice(0, maxSpareConnectionIds - this.#spare.length))
  }

  /** What the peer has given before is of no use to it any more. */
  replacePeer([first, ...rest]: readonly Uint8Array[]): void {
    if (first === undefined) return
    this.#peer = first
    this.#spare.length = 0
    this.keepSpare(rest)
  }

  /** Puts the next one that the peer has given on our records. @returns false if there is none */
  useNext(): boolean {
    const next = this.#spare.shift()
    if (next !== undefined) this.#peer = next
    return next !== undefined
  }
}

/** Results of {@link ownIdOf}: a record has no connection ID, as it should be; or not the one that it should have. */
export const noId = -1
export const wrongId = -2

/**
 * Which of our connection IDs a record has.
 *
 * RFC 9146 §3, RFC 9147 §9: where one of ours is expected a record without it is invalid, and where none is, one with it.
 */
export function ownIdOf(ids: ConnectionIds | undefined, datagram: Uint8Array, at: number): number {
  const idAt = connectionIdAt(datagram, at)
  if (ids === undefined || ids.ownLength === 0) return idAt === undefined ? noId : wrongId
  const index = idAt === undefined ? -1 : ids.find(datagram, idAt)
  return index < 0 ? wrongId : index
}

function isAt(id: Uint8Array | undefined, datagram: Uint8Array, at: number): boolean {
  if (id === undefined) return false
  for (let i = 0; i < id.length; i++) if (datagram[at + i] !== id[i]) return false
  return true
}

/** Which record is the newest that was authentic. */
export class NewestRecord {
  #epoch = -1
  #sequence = -1

  /** RFC 9146 §6: whether a record is newer, in terms of both epoch and sequence number, than all before. */
  note(epoch: number, sequence: number): boolean {
    if (epoch < this.#epoch || (epoch === this.#epoch && sequence <= this.#sequence)) return false
    this.#epoch = epoch
    this.#sequence = sequence
    return true
  }
}
