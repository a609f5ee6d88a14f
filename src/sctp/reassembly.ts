import { greaterOrEqual32 } from '../base/serial.ts'
import { heldOverheadBytes, maxPresumedMessageBytes } from './limits.ts'
import { DataFlag, PayloadProtocol } from './protocol.ts'
import { ownCopy, Slab } from './slab.ts'
import { TsnRing } from './tsn-ring.ts'

/** What the header of a DATA chunk says of its message. */
export interface MessageHeader {
  readonly streamId: number
  readonly unordered: boolean
  readonly ssn: number
  readonly ppid: number
}

/** A whole message, and the TSN of its last chunk. */
export interface InboundMessage extends MessageHeader {
  readonly tsn: number
  readonly data: Uint8Array
}

/** A chunk that arrived before others that precede it. */
interface Fragment extends MessageHeader {
  readonly flags: number
  readonly data: Uint8Array
  /** The first and last TSN of the run of fragments, without a gap, that it belongs to. Kept at the ends of the run only. */
  runStart: number
  runEnd: number
}

/** A message whose chunks up to the cumulative TSN are all here, and whose end is not. */
interface OpenMessage extends MessageHeader {
  bytes: Uint8Array
  length: number
}

/** `undefined`: nothing is complete yet. */
export type Reassembled = InboundMessage | undefined | 'protocol-violation' | 'message-too-large'

/**
 * Joins the chunks of messages (RFC 9260 §6.9).
 *
 * The chunks of a message have consecutive TSNs. Those that come in order are appended to the one open message, copied once.
 * Those ahead of a gap are kept until they make up a whole message, or until the gap closes.
 */
export class Reassembly {
  readonly #maxMessageBytes: number
  readonly #ahead = new TsnRing<Fragment>()
  #slab = new Slab()
  #open: OpenMessage | undefined
  #held = 0
  /** After a FORWARD TSN the rest of an abandoned message may still come. */
  #mayLackBeginning = false
  /** The length of the last message of several chunks: a guess at that of the next. */
  #presumedLength = 0

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes
  }

  /** Bytes charged for what waits here. */
  get held(): number {
    return this.#held
  }

  /** Gives memory back that a busier time needed. */
  trim(): void {
    this.#slab = new Slab()
  }

  /** Takes a chunk that is next in order. `data` is a view, copied if kept. */
  next(tsn: number, flags: number, header: MessageHeader, data: Uint8Array): Reassembled {
    if ((flags & wholeMessage) !== wholeMessage) return this.#append(tsn, flags, header, data)
    // RFC 9260 §3.3.1: the TSNs of a message are strictly sequential, so no other begins before it has ended.
    if (this.#open !== undefined) return 'protocol-violation'
    this.#mayLackBeginning = false
    return this.#whole(tsn, header, data)
  }

  /** Takes a chunk ahead of a gap. `data` is a view, copied if kept. */
  ahead(tsn: number, flags: number, header: MessageHeader, data: Uint8Array): Reassembled {
    if ((flags & wholeMessage) === wholeMessage) return this.#whole(tsn, header, data)
    const fragment: Fragment = { ...header, flags, data: ownCopy(data), runStart: tsn, runEnd: tsn }
    this.#ahead.set(tsn, fragment)
    this.#held += data.length + heldOverheadBytes
    return this.#joinRun(tsn, fragment)
  }

  /** The cumulative TSN has reached a chunk that came ahead; if it was kept, it is appended now. */
  reached(tsn: number): Reassembled {
    const fragment = this.#take(tsn)
    // What is not kept was part of another message, which cannot lie within one that is open.
    if (fragment === undefined) return this.#open === undefined ? undefined : 'protocol-violation'
    return this.#append(tsn, fragment.flags, fragment, fragment.data)
  }

  /**
   * RFC 3758 §3.6: removes what can no longer become whole, now that the TSNs from `first` up to `last` count as received.
   * A message that begins among them and has all its chunks up to `last` goes on.
   */
  skip(first: number, last: number): Reassembled {
    this.#dropOpen()
    this.#mayLackBeginning = true
    const beginning = this.#beginningOf(last)
    let outcome: Reassembled
    for (const tsn of this.#ahead.keysBetween(first, last)) {
      const fragment = this.#take(tsn) as Fragment
      const goesOn = beginning !== undefined && greaterOrEqual32(tsn, beginning)
      if (goesOn) outcome ??= this.#append(tsn, fragment.flags, fragment, fragment.data)
    }
    return outcome
  }

  #whole(tsn: number, header: MessageHeader, data: Uint8Array): Reassembled {
    if (data.length > this.#maxMessageBytes) return 'message-too-large'
    // Text is soon decoded: it needs no buffer of its own.
    const copy = header.ppid === PayloadProtocol.string ? this.#slab.copy(data) : ownCopy(data)
    const { streamId, unordered, ssn, ppid } = header
    return { streamId, unordered, ssn, ppid, tsn, data: copy }
  }

  #append(tsn: number, flags: number, header: MessageHeader, data: Uint8Array): Reassembled {
    if (flags & DataFlag.begin) {
      if (this.#open !== undefined) return 'protocol-violation'
      this.#mayLackBeginning = false
      this.#open = { ...headerOf(header), bytes: new Uint8Array(this.#capacityFor(data.length)), length: 0 }
    }
    const open = this.#open
    if (open === undefined) return this.#mayLackBeginning ? undefined : 'protocol-violation'
    if (!belongTogether(open, header)) return 'protocol-violation'
    const length = open.length + data.length
    if (length > this.#maxMessageBytes) return 'message-too-large'
    if (length > open.bytes.length) open.bytes = grown(open.bytes, Math.min(length * 2, this.#maxMessageBytes))
    open.bytes.set(data, open.length)
    open.length = length
    this.#held += data.length
    return flags & DataFlag.end ? this.#finish(tsn, open) : undefined
  }

  #finish(tsn: number, open: OpenMessage): InboundMessage {
    this.#dropOpen()
    this.#presumedLength = open.length
    const data = open.length === open.bytes.length ? open.bytes : open.bytes.slice(0, open.length)
    return { ...headerOf(open), tsn, data }
  }

  #dropOpen(): void {
    this.#held -= this.#open?.length ?? 0
    this.#open = undefined
  }

  /** The first TSN of the message that the chunk belongs to, if all between them are here. */
  #beginningOf(tsn: number): number | undefined {
    for (let at = tsn; ; at = (at - 1) >>> 0) {
      const fragment = this.#ahead.get(at)
      if (fragment === undefined || (at !== tsn && fragment.flags & DataFlag.end)) return undefined
      if (fragment.flags & DataFlag.begin) return at
    }
  }

  #capacityFor(firstLength: number): number {
    const presumed = Math.min(this.#presumedLength, maxPresumedMessageBytes)
    return Math.min(Math.max(presumed, 2 * firstLength), Math.max(this.#maxMessageBytes, firstLength))
  }

  /** Joins the runs that the new fragment touches; if that makes a whole message, takes it out. */
  #joinRun(tsn: number, fragment: Fragment): Reassembled {
    const before = fragment.flags & DataFlag.begin ? undefined : this.#ahead.get((tsn - 1) >>> 0)
    const after = fragment.flags & DataFlag.end ? undefined : this.#ahead.get((tsn + 1) >>> 0)
    const runStart = before === undefined || before.flags & DataFlag.end ? tsn : before.runStart
    const runEnd = after === undefined || after.flags & DataFlag.begin ? tsn : after.runEnd
    const first = this.#ahead.get(runStart) as Fragment
    const last = this.#ahead.get(runEnd) as Fragment
    first.runEnd = runEnd
    last.runStart = runStart
    if (!(first.flags & DataFlag.begin) || !(last.flags & DataFlag.end)) return undefined
    return this.#takeRun(runStart, runEnd)
  }

  #takeRun(runStart: number, runEnd: number): Reassembled {
    const count = ((runEnd - runStart) >>> 0) + 1
    const fragments: Fragment[] = []
    let length = 0
    for (let i = 0; i < count; i++) {
      const fragment = this.#take((runStart + i) >>> 0) as Fragment
      fragments.push(fragment)
      length += fragment.data.length
    }
    const header = fragments[0] as Fragment
    if (!fragments.every(fragment => belongTogether(header, fragment))) return 'protocol-violation'
    if (length > this.#maxMessageBytes) return 'message-too-large'
    const data = new Uint8Array(length)
    let at = 0
    for (const fragment of fragments) {
      data.set(fragment.data, at)
      at += fragment.data.length
    }
    return { ...headerOf(header), tsn: runEnd, data }
  }

  #take(tsn: number): Fragment | undefined {
    const fragment = this.#ahead.take(tsn)
    if (fragment !== undefined) this.#held -= fragment.data.length + heldOverheadBytes
    return fragment
  }
}

const wholeMessage = DataFlag.begin | DataFlag.end

function headerOf({ streamId, unordered, ssn, ppid }: MessageHeader): MessageHeader {
  return { streamId, unordered, ssn, ppid }
}

/** RFC 9260 §3.3.1, §6.6: the chunks of a message share its stream, its order, and if ordered its sequence number. */
function belongTogether(a: MessageHeader, b: MessageHeader): boolean {
  return a.streamId === b.streamId && a.unordered === b.unordered && (a.unordered || a.ssn === b.ssn)
}

function grown(bytes: Uint8Array, capacity: number): Uint8Array {
  const larger = new Uint8Array(capacity)
  larger.set(bytes)
  return larger
}
