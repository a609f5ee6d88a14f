import type { Deadlines } from '../base/deadlines.ts'
import type { Queue } from '../base/queue.ts'
import { greater32 } from '../base/serial.ts'
import { Acknowledgement } from './acknowledgement.ts'
import type { SctpDropReason } from './errors.ts'
import type { SctpEvent } from './events.ts'
import { InboundStreams } from './inbound-streams.ts'
import { heldOverheadBytes, minAdvertisedWindow, receiveBufferBytes } from './limits.ts'
import type { ChunkReader, PacketWriter } from './packet.ts'
import { chunkHeaderBytes, DataFlag, dataHeaderBytes } from './protocol.ts'
import { type Reassembled, Reassembly } from './reassembly.ts'
import { ReceivedTsns } from './received-tsns.ts'
import type { SctpTimer } from './timers.ts'

/** The rule that a chunk broke, which ends the association. */
export interface DataViolation {
  readonly kind: 'protocol-violation' | 'message-too-large' | 'no-user-data'
  readonly tsn: number
}

/** The receive window for messages up to this size. */
export function receiveBufferFor(maxMessageBytes: number): number {
  return Math.max(receiveBufferBytes, 2 * maxMessageBytes)
}

/**
 * The receiving half of an association: takes DATA, keeps what cannot be delivered yet, delivers the rest in order, and
 * acknowledges (RFC 9260 §6.2, §6.6, §6.7, §6.9; RFC 3758 §3.6).
 */
export class DataReceiver {
  readonly #tsns: ReceivedTsns
  readonly #reassembly: Reassembly
  readonly #acknowledgement: Acknowledgement
  readonly #buffer: number
  readonly #hardLimit: number
  readonly #streamCount: number
  /** Where whole messages go, and what resets act upon. */
  readonly streams: InboundStreams
  #advertised: number
  /** The current packet has brought DATA or FORWARD TSN. */
  #inPacket = false
  #violation: DataViolation | undefined

  constructor(options: {
    readonly initialTsn: number
    readonly streamCount: number
    readonly maxMessageBytes: number
    readonly events: Queue<SctpEvent>
    readonly deadlines: Deadlines<SctpTimer>
  }) {
    this.#tsns = new ReceivedTsns(options.initialTsn)
    this.#reassembly = new Reassembly(options.maxMessageBytes)
    this.#acknowledgement = new Acknowledgement(this.#tsns, options.deadlines)
    this.#buffer = receiveBufferFor(options.maxMessageBytes)
    this.#hardLimit = this.#buffer + options.maxMessageBytes
    this.#streamCount = options.streamCount
    this.#advertised = this.#buffer
    this.streams = new InboundStreams(options.events)
  }

  get cumulativeTsn(): number {
    return this.#tsns.cumulative
  }

  /** Why the association must end, if the last chunk left no other way. */
  get violation(): DataViolation | undefined {
    return this.#violation
  }

  /** Whether a SACK must be sent; {@link wantsSack} whether one should go along. */
  get mustSack(): boolean {
    return this.#acknowledgement.isDue
  }

  get wantsSack(): boolean {
    return this.#acknowledgement.isUseful
  }

  /** a_rwnd: what is left of the buffer. */
  get window(): number {
    const free = this.#buffer - this.#held
    // RFC 9260 §6.2: silly window avoidance, by the rule of RFC 1122 §4.2.3.3.
    return free < minAdvertisedWindow ? 0 : free
  }

  /** Bytes charged for all that is kept. */
  get held(): number {
    return this.#held
  }

  get #held(): number {
    return this.#reassembly.held + this.streams.held
  }

  /** Handles the DATA chunk that is the current chunk. */
  onData(chunk: ChunkReader): SctpDropReason | undefined {
    const { view, offset, flags } = chunk
    const length = chunk.length - (dataHeaderBytes - chunkHeaderBytes)
    if (length < 0) return 'malformed'
    this.#beginPacket()
    const tsn = view.getUint32(offset)
    // RFC 9260 §6.2: no user data is an error that SHOULD end the association.
    if (length === 0) {
      this.#violation = { kind: 'no-user-data', tsn }
      return 'malformed'
    }
    if (flags & DataFlag.immediate) this.#acknowledgement.urge()
    const kind = this.#tsns.classify(tsn)
    if (kind === 'duplicate') {
      // RFC 9260 §6.2: duplicates are answered at once.
      this.#acknowledgement.duplicate(tsn)
      return undefined
    }
    if (kind === 'out-of-window') return kind
    if (!this.#hasRoom(tsn, length)) {
      // RFC 9260 §6.2: what was dropped for lack of space is answered with a SACK at once.
      this.#acknowledgement.urge()
      return 'no-buffer'
    }
    this.#tsns.add(tsn)
    const streamId = view.getUint16(offset + 4)
    // RFC 9260 §6.5: acknowledged and discarded.
    if (streamId >= this.#streamCount) {
      if (kind === 'next') this.#followUp(tsn)
      return 'invalid-stream'
    }
    const header = {
      streamId,
      unordered: (flags & DataFlag.unordered) !== 0,
      ssn: view.getUint16(offset + 6),
      ppid: view.getUint32(offset + 8),
    }
    const data = chunk.packet.subarray(offset + dataHeaderBytes - chunkHeaderBytes, offset + chunk.length)
    if (kind === 'ahead') this.#deliver(this.#reassembly.ahead(tsn, flags, header, data))
    else {
      this.#deliver(this.#reassembly.next(tsn, flags, header, data))
      this.#followUp(tsn)
    }
    return undefined
  }

  /** Handles the FORWARD TSN chunk that is the current chunk (RFC 3758 §3.6). */
  onForwardTsn(chunk: ChunkReader): SctpDropReason | undefined {
    const { view, offset, length } = chunk
    if (length < 4) return 'malformed'
    this.#beginPacket()
    const target = view.getUint32(offset)
    const before = this.#tsns.cumulative
    if (!greater32(target, before)) {
      // RFC 3758 §3.6: out of date; a SACK tells the sender, whose last one may have been lost.
      this.#acknowledgement.urge()
      return undefined
    }
    this.#tsns.skipTo(target)
    this.#deliver(this.#reassembly.skip((before + 1) >>> 0, target))
    for (let at = 4; at + 4 <= length; at += 4) {
      const streamId = view.getUint16(offset + at)
      if (streamId < this.#streamCount) this.streams.skip(streamId, view.getUint16(offset + at + 2))
    }
    this.#followUp(target)
    return undefined
  }

  /** All chunks of the packet have been handled. */
  endPacket(now: number): void {
    if (!this.#inPacket) return
    this.#inPacket = false
    this.#acknowledgement.packetEnds(now)
  }

  onSackTimeout(): void {
    this.#acknowledgement.delayOver()
  }

  /** Gives memory back that a busier time needed. */
  trim(): void {
    this.#reassembly.trim()
  }

  requireSack(): void {
    this.#acknowledgement.require()
  }

  writeSack(writer: PacketWriter): void {
    this.#advertised = this.window
    this.#acknowledgement.write(writer, this.#advertised)
  }

  /** A message of so many bytes was fetched by the layer above. */
  fetched(bytes: number): void {
    this.streams.fetched(bytes)
    // RFC 9260 §6.2: a window that had been small is told anew when it has grown by a quarter of the buffer.
    if (this.#advertised < this.#buffer / 4 && this.window - this.#advertised >= this.#buffer / 4) this.requireSack()
  }

  #beginPacket(): void {
    if (this.#inPacket) return
    this.#inPacket = true
    this.#acknowledgement.packetBegins(this.window)
  }

  #hasRoom(tsn: number, length: number): boolean {
    const needed = this.#held + length + heldOverheadBytes
    if (needed <= this.#buffer) return true
    // RFC 9260 §6.2: what fills a gap is accepted even so, for it may be what the rest waits for.
    return greater32(this.#tsns.highest, tsn) && needed <= this.#hardLimit
  }

  /** The cumulative TSN may have gone on from `tsn` over chunks that came before it. */
  #followUp(tsn: number): void {
    const cumulative = this.#tsns.cumulative
    for (let at = tsn; at !== cumulative && this.#violation === undefined; ) {
      at = (at + 1) >>> 0
      this.#deliver(this.#reassembly.reached(at))
    }
  }

  #deliver(outcome: Reassembled): void {
    if (outcome === undefined) return
    if (typeof outcome === 'string') this.#violation ??= { kind: outcome, tsn: this.#tsns.cumulative }
    else this.streams.take(outcome)
  }
}
