import { Queue } from '../base/queue.ts'
import { defaultPriority } from './limits.ts'
import { dataHeaderBytes, padded } from './protocol.ts'
import { Slab } from './slab.ts'
import { type Scheduled, StreamScheduler } from './stream-scheduler.ts'

/** How one message is to be sent. */
export interface SendOptions {
  /** Delivered in the order of sending; the default. */
  readonly ordered?: boolean
  /** RFC 7496 §3.1: abandoned instead of being retransmitted more often than this. */
  readonly maxRetransmits?: number
  /** RFC 3758 §4.1: abandoned when it is older than this. */
  readonly maxPacketLifeTimeMs?: number
}

/** When a message may be abandoned. */
export interface PartialReliability {
  readonly maxRetransmits: number
  readonly expiresAt: number
}

/** A message on its way out. */
export interface OutboundMessage {
  readonly stream: OutboundStream
  readonly ppid: number
  /** A copy of its own. */
  readonly data: Uint8Array
  readonly unordered: boolean
  /** Undefined: never abandoned. */
  readonly reliability: PartialReliability | undefined
  /** Bytes cut into chunks so far. */
  cut: number
  /** Assigned with the first chunk, as are the next two. */
  ssn: number
  firstTsn: number
  chunks: number
  abandoned: boolean
}

/** The sending half of a stream. It exists from the first message, or the first reset, on. */
export class OutboundStream implements Scheduled {
  readonly id: number
  /** RFC 8260 §3.6: its weight among the streams. */
  priority: number = defaultPriority
  startsAt = 0
  turn = 0
  readonly messages: Queue<OutboundMessage> = new Queue()
  nextSsn = 0
  /** Bytes accepted and not yet sent for the first time. */
  buffered = 0
  /** By how much `buffered` fell since that was last told. */
  untoldSent = 0
  /** RFC 6525 §5.1.2, rule A1: messages that came after the wish to reset the stream; undefined without such a wish. */
  heldForReset: Queue<OutboundMessage> | undefined = undefined

  constructor(id: number) {
    this.id = id
  }

  /** Whether all that was sent before the wish to reset has its TSNs. */
  get isDrained(): boolean {
    return this.messages.length === 0
  }
}

/**
 * Messages accepted and not yet sent, by stream.
 *
 * Streams share what there is by their priorities, a message at a time: without interleaving (RFC 8260) the chunks of a
 * message need consecutive TSNs.
 */
export class SendQueue {
  readonly #streams = new Map<number, OutboundStream>()
  /** Streams with something to send. */
  readonly #scheduler = new StreamScheduler<OutboundStream>()
  /** Streams whose `untoldSent` is not zero. */
  #told = new Queue<OutboundStream>()
  #slab = new Slab()
  /** Messages that wait for the end of a reset. */
  #held = 0
  #lastUsed: OutboundStream | undefined
  /** Streams that are to be reset, and have nothing left to send before that. */
  readonly drained: Set<OutboundStream> = new Set()

  /** The stream, created if need be. */
  stream(id: number): OutboundStream {
    if (this.#lastUsed?.id === id) return this.#lastUsed
    let stream = this.#streams.get(id)
    if (stream === undefined) {
      stream = new OutboundStream(id)
      this.#streams.set(id, stream)
    }
    this.#lastUsed = stream
    return stream
  }

  /** Streams that have been used. */
  get used(): Iterable<number> {
    return this.#streams.keys()
  }

  get isEmpty(): boolean {
    return this.#scheduler.current === undefined && this.#held === 0
  }

  buffered(streamId: number): number {
    return this.#streams.get(streamId)?.buffered ?? 0
  }

  push(streamId: number, ppid: number, data: Uint8Array, options: SendOptions, now: number): void {
    const stream = this.stream(streamId)
    const message: OutboundMessage = {
      stream,
      ppid,
      data: this.#slab.copy(data),
      unordered: options.ordered === false,
      reliability: reliabilityOf(options, now),
      cut: 0,
      ssn: 0,
      firstTsn: 0,
      chunks: 0,
      abandoned: false,
    }
    stream.buffered += data.length
    if (stream.heldForReset !== undefined) {
      stream.heldForReset.push(message)
      this.#held++
    } else this.#enqueue(message)
  }

  /** The message that is next to be cut; those that expired before they were begun are dropped on the way. */
  head(now: number): OutboundMessage | undefined {
    for (;;) {
      const message = this.#scheduler.current?.messages.peek()
      if (message?.reliability === undefined || message.cut > 0 || now < message.reliability.expiresAt) return message
      // RFC 3758 §4.1, rule TR3: no TSN is assigned to an expired message.
      this.discardRest(message)
    }
  }

  /** Takes the next `length` bytes of the head. Its SSN is assigned with its first chunk. */
  take(message: OutboundMessage, length: number): void {
    const stream = message.stream
    if (message.chunks === 0 && !message.unordered) {
      message.ssn = stream.nextSsn
      // RFC 9260 §6.5: after 65535 comes 0.
      stream.nextSsn = (stream.nextSsn + 1) & 0xffff
    }
    message.chunks++
    message.cut += length
    // RFC 8260 §3.6: the capacity that is shared is what chunks take, so that many small messages have no advantage.
    stream.startsAt += padded(dataHeaderBytes + length) / stream.priority
    this.#noteSent(stream, length)
    if (message.cut === message.data.length) this.#leave(stream)
  }

  /** Drops what was not yet cut of the head of a stream. */
  discardRest(message: OutboundMessage): void {
    const rest = message.data.length - message.cut
    message.cut = message.data.length
    this.#noteSent(message.stream, rest)
    this.#leave(message.stream)
  }

  /** RFC 6525 §5.2.7, rule H4: the stream begins anew, or goes on as it was, with what was held back. */
  resume(stream: OutboundStream, restart: boolean): void {
    const held = stream.heldForReset
    stream.heldForReset = undefined
    this.drained.delete(stream)
    if (restart) stream.nextSsn = 0
    this.#held -= held?.length ?? 0
    for (let message = held?.shift(); message !== undefined; message = held?.shift()) this.#enqueue(message)
  }

  /** RFC 9260 §5.1.1: drops the streams that the peer does not take. */
  limit(streams: number): void {
    for (const stream of this.#streams.values()) {
      if (stream.id < streams || stream.messages.length === 0) continue
      for (let message = stream.messages.shift(); message !== undefined; message = stream.messages.shift()) {
        this.#noteSent(stream, message.data.length)
      }
    }
    this.#scheduler.keep(stream => stream.id < streams)
  }

  /** Gives memory back that a busier time needed. */
  trim(): void {
    this.#slab = new Slab()
  }

  /** The next stream whose buffered amount fell, and by how much. */
  pollSent(): { readonly streamId: number; readonly bytes: number } | undefined {
    const stream = this.#told.shift()
    if (stream === undefined) return undefined
    const bytes = stream.untoldSent
    stream.untoldSent = 0
    return { streamId: stream.id, bytes }
  }

  #enqueue(message: OutboundMessage): void {
    const messages = message.stream.messages
    messages.push(message)
    if (messages.length === 1) this.#scheduler.add(message.stream)
  }

  #leave(stream: OutboundStream): void {
    stream.messages.shift()
    this.#scheduler.next(stream.messages.length > 0)
    if (stream.isDrained && stream.heldForReset !== undefined) this.drained.add(stream)
  }

  #noteSent(stream: OutboundStream, bytes: number): void {
    stream.buffered -= bytes
    if (stream.untoldSent === 0) this.#told.push(stream)
    stream.untoldSent += bytes
  }
}

function reliabilityOf(options: SendOptions, now: number): PartialReliability | undefined {
  const { maxRetransmits, maxPacketLifeTimeMs } = options
  if (maxRetransmits === undefined && maxPacketLifeTimeMs === undefined) return undefined
  return {
    maxRetransmits: maxRetransmits ?? Number.POSITIVE_INFINITY,
    expiresAt: maxPacketLifeTimeMs === undefined ? Number.POSITIVE_INFINITY : now + maxPacketLifeTimeMs,
  }
}
