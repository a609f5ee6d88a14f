import type { Queue } from '../base/queue.ts'
import { greater16, greaterOrEqual32 } from '../base/serial.ts'
import type { SctpEvent } from './events.ts'
import { heldOverheadBytes } from './limits.ts'
import type { InboundMessage } from './reassembly.ts'
import { ownCopy } from './slab.ts'

/** The receiving half of a stream. It exists from the first ordered message on. */
interface InboundStream {
  nextSsn: number
  /** Messages that came before others of the stream that precede them, by SSN. */
  waiting: Map<number, InboundMessage> | undefined
}

/** A reset that waits for data which its sender had sent before (RFC 6525 §5.2.2, step E2). */
interface DeferredReset {
  readonly lastTsn: number
  /** Undefined: all streams. */
  readonly streamIds: ReadonlySet<number> | undefined
  readonly held: InboundMessage[]
}

/**
 * Hands whole messages up in the order of their streams (RFC 9260 §6.6).
 */
export class InboundStreams {
  readonly #events: Queue<SctpEvent>
  readonly #streams = new Map<number, InboundStream>()
  #waitingBytes = 0
  #undeliveredBytes = 0
  #deferred: DeferredReset | undefined

  constructor(events: Queue<SctpEvent>) {
    this.#events = events
  }

  /** Bytes charged for messages that wait here, or that nobody has fetched yet. */
  get held(): number {
    return this.#waitingBytes + this.#undeliveredBytes
  }

  /** Streams that have been used. */
  get used(): Iterable<number> {
    return this.#streams.keys()
  }

  /** A message is whole. */
  take(message: InboundMessage): void {
    const deferred = this.#deferred
    if (deferred !== undefined && isAffected(deferred, message)) {
      deferred.held.push(keepable(message))
      this.#waitingBytes += charge(message)
    } else if (message.unordered) this.#deliver(message)
    else this.#takeOrdered(message)
  }

  /** A message was fetched: its bytes no longer count. */
  fetched(bytes: number): void {
    this.#undeliveredBytes -= bytes + heldOverheadBytes
  }

  /** RFC 3758 §3.6: messages of the stream up to this SSN will not come any more. */
  skip(streamId: number, ssn: number): void {
    const stream = this.#stream(streamId)
    if (greater16(stream.nextSsn, ssn)) return
    const stranded = [...(stream.waiting?.keys() ?? [])].filter(waiting => !greater16(waiting, ssn))
    stranded.sort((a, b) => ((a - stream.nextSsn) & 0xffff) - ((b - stream.nextSsn) & 0xffff))
    for (const waiting of stranded) this.#release(stream, waiting)
    stream.nextSsn = (ssn + 1) & 0xffff
    this.#drain(stream)
  }

  /** RFC 6525 §5.2.2, step E2: messages of these streams that come after `lastTsn` wait for {@link reset}. */
  defer(lastTsn: number, streamIds: readonly number[]): void {
    this.#deferred ??= { lastTsn, streamIds: streamIds.length === 0 ? undefined : new Set(streamIds), held: [] }
  }

  /** RFC 6525 §5.2.2, steps E3 and E4: the streams begin anew, with what was held back. */
  reset(streamIds: ReadonlySet<number>): void {
    for (const id of streamIds) {
      for (const message of this.#streams.get(id)?.waiting?.values() ?? []) this.#waitingBytes -= charge(message)
      this.#streams.delete(id)
      this.#events.push({ type: 'incoming-reset', streamId: id })
    }
    const held = this.#deferred?.held ?? []
    this.#deferred = undefined
    for (const message of held) {
      this.#waitingBytes -= charge(message)
      this.take(message)
    }
  }

  #takeOrdered(message: InboundMessage): void {
    const stream = this.#stream(message.streamId)
    if (message.ssn === stream.nextSsn) {
      stream.nextSsn = (stream.nextSsn + 1) & 0xffff
      this.#deliver(message)
      this.#drain(stream)
    } else if (greater16(message.ssn, stream.nextSsn)) {
      stream.waiting ??= new Map()
      const replaced = stream.waiting.get(message.ssn)
      if (replaced !== undefined) this.#waitingBytes -= charge(replaced)
      stream.waiting.set(message.ssn, keepable(message))
      this.#waitingBytes += charge(message)
    }
    // What is left is a number that was delivered or skipped before: of a message the peer has given up.
  }

  #stream(id: number): InboundStream {
    let stream = this.#streams.get(id)
    if (stream === undefined) {
      stream = { nextSsn: 0, waiting: undefined }
      this.#streams.set(id, stream)
    }
    return stream
  }

  /** Delivers what has waited for the next SSN, and for those after it. */
  #drain(stream: InboundStream): void {
    while (stream.waiting !== undefined && this.#release(stream, stream.nextSsn)) {
      stream.nextSsn = (stream.nextSsn + 1) & 0xffff
    }
  }

  #release(stream: InboundStream, ssn: number): boolean {
    const message = stream.waiting?.get(ssn)
    if (message === undefined) return false
    stream.waiting?.delete(ssn)
    if (stream.waiting?.size === 0) stream.waiting = undefined
    this.#waitingBytes -= charge(message)
    this.#deliver(message)
    return true
  }

  #deliver({ streamId, ppid, data }: InboundMessage): void {
    this.#undeliveredBytes += data.length + heldOverheadBytes
    this.#events.push({ type: 'message', streamId, ppid, data })
  }
}

function isAffected(deferred: DeferredReset, message: InboundMessage): boolean {
  const isListed = deferred.streamIds === undefined || deferred.streamIds.has(message.streamId)
  return isListed && greaterOrEqual32(message.tsn, deferred.lastTsn) && message.tsn !== deferred.lastTsn
}

/** The message, with data that keeps no memory but its own alive while it waits. */
function keepable(message: InboundMessage): InboundMessage {
  const { data } = message
  return data.length === data.buffer.byteLength ? message : { ...message, data: ownCopy(data) }
}

function charge(message: InboundMessage): number {
  return message.data.length + heldOverheadBytes
}
