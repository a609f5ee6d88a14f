import type { DataChannel } from './data-channel.ts'
import { maxStreamCount } from './data-channel-init.ts'
import type { RTCError } from './rtc-error.ts'

/**
 * The labels and protocols of all channels that the peer has open. RFC 8832 §7 wants us prepared for both to be as long as
 * they can be, and for as many channels as there can be, but hardly for all of that together: it would be 4 GiB.
 */
export const maxRemoteNameBytes: number = 16 * 1024 * 1024

export type DtlsRole = 'client' | 'server'

/** A pair of SCTP streams that is in use, or has been and has not begun anew yet. */
export interface Stream {
  readonly id: number
  /** None: the peer's was refused, or the application is done with it and only the streams have to be reset. */
  channel: DataChannel | undefined
  incoming: 'open' | 'reset'
  /** `stuck`: the peer does not let it be reset, so that it cannot be used again. */
  outgoing: 'open' | 'resetting' | 'reset' | 'stuck'
  /** Why the channel is being closed, if not because somebody wished it. */
  error: RTCError | undefined
  /** The share of {@link maxRemoteNameBytes}. */
  nameBytes: number
}

/** Which streams of the association are in use, and which is next. */
export class ChannelStreams {
  readonly #streams = new Map<number, Stream>()
  #role: DtlsRole | undefined
  #nextId = 0
  #nameBytes = 0

  /** Streams can be chosen once the DTLS role is known. */
  get role(): DtlsRole | undefined {
    return this.#role
  }

  set role(role: DtlsRole | undefined) {
    this.#role = role
    this.#nextId = role === undefined ? 0 : firstId(role)
  }

  get(id: number): Stream | undefined {
    return this.#streams.get(id)
  }

  has(id: number): boolean {
    return this.#streams.has(id)
  }

  all(): Iterable<Stream> {
    return this.#streams.values()
  }

  /** The stream of a channel, for as long as the channel has it. */
  of(channel: DataChannel): Stream | undefined {
    const stream = channel.id === null ? undefined : this.#streams.get(channel.id)
    return stream?.channel === channel ? stream : undefined
  }

  /** @param nameBytes what the peer's label and protocol take */
  add(id: number, channel: DataChannel | undefined, nameBytes = 0): Stream {
    const stream: Stream = { id, channel, incoming: 'open', outgoing: 'open', error: undefined, nameBytes }
    this.#streams.set(id, stream)
    this.#nameBytes += nameBytes
    return stream
  }

  /** Takes the channel off its stream, and frees the stream unless it is stuck. */
  release(stream: Stream): void {
    this.#nameBytes -= stream.nameBytes
    stream.nameBytes = 0
    stream.channel = undefined
    if (stream.outgoing !== 'stuck') this.#streams.delete(stream.id)
  }

  clear(): void {
    this.#streams.clear()
    this.#nameBytes = 0
  }

  /** Whether the peer may open a channel on this stream, of those below `limit`. */
  mayBeOpenedByPeer(id: number, nameBytes: number, limit: number = maxStreamCount): boolean {
    // RFC 8832 §6: our streams are even if we are the DTLS client, else odd; the others are the peer's
    if (this.#role === undefined || id % 2 === firstId(this.#role)) return false
    return id < limit && !this.#streams.has(id) && this.#nameBytes + nameBytes <= maxRemoteNameBytes
  }

  /**
   * RFC 8832 §6: the next unused stream of our parity, below `limit`. They take turns, so that one that was just freed
   * rests for a while.
   */
  choose(limit: number = maxStreamCount): number | undefined {
    if (this.#role === undefined) return undefined
    for (let tried = 0, id = this.#nextId; tried < limit; tried += 2, id += 2) {
      if (id >= limit) id = firstId(this.#role)
      if (id >= limit || this.#streams.has(id)) continue
      this.#nextId = id + 2
      return id
    }
    return undefined
  }
}

/** RFC 8832 §6: the DTLS client has the even streams, the server the odd ones. */
function firstId(role: DtlsRole): number {
  return role === 'client' ? 0 : 1
}
