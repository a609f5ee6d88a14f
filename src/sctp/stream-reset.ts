import type { Deadlines } from '../base/deadlines.ts'
import type { Queue } from '../base/queue.ts'
import { distance32, greaterOrEqual32 } from '../base/serial.ts'
import type { SctpDropReason } from './errors.ts'
import type { SctpEvent } from './events.ts'
import type { ChunkReader, PacketWriter } from './packet.ts'
import { encodeParameter, joinParameters, readParameters } from './parameters.ts'
import { ChunkType, chunkHeaderBytes, ParameterType } from './protocol.ts'
import type { DataReceiver } from './receiver.ts'
import type { RoundTrip } from './round-trip.ts'
import type { OutboundStream } from './send-queue.ts'
import type { DataSender } from './sender.ts'
import type { SctpTimer } from './timers.ts'

/** RFC 6525 §4.4, table 3. */
const Result = {
  nothingToDo: 0,
  performed: 1,
  denied: 2,
  badSequenceNumber: 5,
  inProgress: 6,
} as const

type ResultCode = number

/** Our request that is under way: only one at any time (RFC 6525 §5.1.1). */
interface Request {
  sequence: number
  readonly streams: readonly OutboundStream[]
  /** RFC 6525 §5.1.2, rule A3. */
  readonly lastTsn: number
  /** The peer said that it is in progress: then the next time that it is asked again is no failure. */
  inProgress: boolean
  /** The peer has all that it said to wait for, and will be asked soon. */
  isHastened: boolean
}

/** The peer's request that waited, or waits, for data which was sent before it. */
interface Deferred {
  sequence: number
  readonly lastTsn: number
  readonly streamIds: readonly number[]
}

interface Response {
  readonly sequence: number
  result: ResultCode
}

/**
 * Resets streams (RFC 6525): ours when we wish to, those of the peer when it asks. It is how data channels are closed
 * (RFC 8831 §6.7).
 *
 * Only Outgoing SSN Reset Requests are granted. The others (to reset our side of a stream, all TSNs, or to add streams) are
 * denied: a data channel never needs them.
 */
export class StreamReset {
  readonly #sender: DataSender
  readonly #receiver: DataReceiver
  readonly #roundTrip: RoundTrip
  readonly #deadlines: Deadlines<SctpTimer>
  readonly #events: Queue<SctpEvent>
  readonly #peerSupports: boolean
  #nextSequence: number
  #expectedSequence: number
  #request: Request | undefined
  #requestDue = false
  #deferred: Deferred | undefined
  /** What was deferred and has been performed: the peer may not know, and ask anew. */
  #deferredBefore: Deferred | undefined
  /** RFC 6525 §5.2.1: what the last RE-CONFIG chunk was answered with, in case it comes again. */
  #responses: readonly Response[] = []
  #responsesDue = false

  constructor(options: {
    readonly sender: DataSender
    readonly receiver: DataReceiver
    readonly roundTrip: RoundTrip
    readonly deadlines: Deadlines<SctpTimer>
    readonly events: Queue<SctpEvent>
    readonly peerSupports: boolean
    readonly localInitialTsn: number
    readonly peerInitialTsn: number
  }) {
    this.#sender = options.sender
    this.#receiver = options.receiver
    this.#roundTrip = options.roundTrip
    this.#deadlines = options.deadlines
    this.#events = options.events
    this.#peerSupports = options.peerSupports
    // RFC 6525 §4.1: request sequence numbers begin with the initial TSN.
    this.#nextSequence = options.localInitialTsn
    this.#expectedSequence = options.peerInitialTsn
  }

  /** Takes up the wish to reset a stream whose further messages are held back already. */
  wish(stream: OutboundStream): void {
    if (!this.#peerSupports) this.#finish([stream], false)
    // RFC 6525 §5.1.2, rule A3: the request tells the last TSN, so that it need not wait for what is under way, only for
    // what has no TSN yet.
    else if (stream.isDrained) this.#sender.drained.add(stream)
  }

  /** Whether {@link write} would add a RE-CONFIG chunk to a packet. */
  get wantsToSend(): boolean {
    return this.#responsesDue || this.#requestDue || (this.#request === undefined && this.#sender.drained.size > 0)
  }

  /** Writes a RE-CONFIG chunk with the responses due, or the request due. */
  write(writer: PacketWriter, now: number): void {
    if (this.#responsesDue) {
      this.#responsesDue = false
      writer.chunk(ChunkType.reConfig, 0, joinParameters(this.#responses.map(encodeResponse)))
    }
    if (this.#request === undefined) this.#begin(writer.room)
    if (!this.#requestDue || this.#request === undefined) return
    this.#requestDue = false
    const parameter = encodeRequest(this.#request, (this.#expectedSequence - 1) >>> 0)
    writer.chunk(ChunkType.reConfig, 0, joinParameters([parameter]))
    // RFC 6525 §5.1.1: the timer is that of data.
    this.#deadlines.set('re-config', now + this.#roundTrip.rto)
  }

  /**
   * The request was not answered in time.
   *
   * @returns whether the peer failed to answer
   */
  onTimeout(): boolean {
    const request = this.#request
    if (request === undefined) return false
    this.#requestDue = true
    if (!request.inProgress) {
      this.#roundTrip.backOff()
      return true
    }
    // RFC 6525 §5.2.7, step H2: no failure after the peer said that it is in progress.
    request.inProgress = false
    // RFC 6525 §5.2.1: the same request gets the same answer. Where the peer has all that it waited for, it is asked anew.
    if (this.#isCovered(request)) request.sequence = this.#takeSequence()
    return false
  }

  /** Handles the RE-CONFIG chunk that is the current chunk (RFC 6525 §5.2). */
  onReConfig(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    const parameters = readParameters(chunk.value)
    // RFC 6525 §3.1: one or two parameters.
    if (parameters === undefined || parameters.length === 0 || parameters.length > 2) return 'malformed'
    const responses: Response[] = []
    for (const { type, value } of parameters) {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
      if (value.length < 4) return 'malformed'
      if (type === ParameterType.reConfigResponse) {
        if (value.length < 8) return 'malformed'
        this.#onResponse(view.getUint32(0), view.getUint32(4), now)
      } else if (type === ParameterType.outgoingSsnReset) {
        if (value.length < 12) return 'malformed'
        responses.push(this.#onOutgoingReset(view))
      } else if (deniedRequests.has(type)) responses.push(this.#deny(view.getUint32(0)))
    }
    if (responses.length > 0) {
      this.#responses = responses
      this.#responsesDue = true
      // RFC 6525 §5.2.1: a SACK along with the response speeds up what it may wait for.
      this.#receiver.requireSack()
    }
    return undefined
  }

  /** All chunks of a packet have been handled: either cumulative TSN may have reached what a request waits for. */
  endPacket(now: number): void {
    this.#performDeferred()
    const request = this.#request
    if (request === undefined || !request.inProgress || request.isHastened || !this.#isCovered(request)) return
    // RFC 6525 §5.2.2, step E5: the answer is on its way, from a peer that sends one unasked. Others need not wait for the
    // timer, which losses may have made long.
    request.isHastened = true
    const soon = now + this.#roundTrip.cautious
    this.#deadlines.set('re-config', Math.min(this.#deadlines.get('re-config') ?? soon, soon))
  }

  #performDeferred(): void {
    const deferred = this.#deferred
    if (deferred === undefined || !this.#hasReached(deferred.lastTsn)) return
    this.#deferred = undefined
    this.#deferredBefore = deferred
    this.#perform(deferred.streamIds)
    // RFC 6525 §5.2.2, step E5: what was in progress has been performed.
    for (const response of this.#responses) {
      if (response.sequence === deferred.sequence) response.result = Result.performed
    }
    this.#responsesDue = true
  }

  /** Makes the drained streams one request, as many as fit. */
  #begin(room: number): void {
    const { drained, lastAssignedTsn } = this.#sender
    const most = Math.floor((room - chunkHeaderBytes - requestHeaderBytes) / 2)
    const streams: OutboundStream[] = []
    for (const stream of drained) {
      if (streams.length >= most) break
      streams.push(stream)
      drained.delete(stream)
    }
    if (streams.length === 0) return
    this.#request = {
      sequence: this.#takeSequence(),
      streams,
      lastTsn: lastAssignedTsn,
      inProgress: false,
      isHastened: false,
    }
    this.#requestDue = true
  }

  #takeSequence(): number {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + 1) >>> 0
    return sequence
  }

  #onOutgoingReset(view: DataView): Response {
    const sequence = view.getUint32(0)
    const lastTsn = view.getUint32(8)
    const streamIds: number[] = []
    for (let at = 12; at + 2 <= view.byteLength; at += 2) streamIds.push(view.getUint16(at))
    const earlier = this.#repeated(sequence)
    if (earlier !== undefined) return earlier
    const waiting = this.#deferred
    const isAskedAnew = isSameReset(waiting ?? this.#deferredBefore, lastTsn, streamIds)
    if (waiting !== undefined && !isAskedAnew) return { sequence, result: Result.denied }
    this.#expectedSequence = (this.#expectedSequence + 1) >>> 0
    if (waiting !== undefined) {
      waiting.sequence = sequence
      return { sequence, result: Result.inProgress }
    }
    this.#deferredBefore = undefined
    // What was performed is not performed again: the streams may have been used since, the other way.
    if (isAskedAnew) return { sequence, result: Result.performed }
    if (this.#hasReached(lastTsn)) {
      this.#perform(streamIds)
      return { sequence, result: Result.performed }
    }
    // RFC 6525 §5.2.2, step E2: data sent before the request is still missing.
    this.#deferred = { sequence, lastTsn, streamIds }
    this.#receiver.streams.defer(lastTsn, streamIds)
    return { sequence, result: Result.inProgress }
  }

  /** RFC 6525 §5.2.2, step E3: no identifiers mean all streams. */
  #perform(streamIds: readonly number[]): void {
    const all = streamIds.length > 0 ? streamIds : [...this.#receiver.streams.used, ...this.#sender.usedStreams]
    this.#receiver.streams.reset(new Set(all))
  }

  #deny(sequence: number): Response {
    const earlier = this.#repeated(sequence)
    if (earlier !== undefined) return earlier
    this.#expectedSequence = (this.#expectedSequence + 1) >>> 0
    return { sequence, result: Result.denied }
  }

  /** The answer to a request that is not the next one: the same as before, or that its number is wrong. */
  #repeated(sequence: number): Response | undefined {
    if (sequence === this.#expectedSequence) return undefined
    const earlier = this.#responses.find(response => response.sequence === sequence)
    const isRecent = distance32(this.#expectedSequence, sequence) <= 2
    return isRecent && earlier !== undefined ? earlier : { sequence, result: Result.badSequenceNumber }
  }

  #onResponse(sequence: number, result: ResultCode, now: number): void {
    const request = this.#request
    // RFC 6525 §5.2.7, step H1: a response to nothing we wait for.
    if (request === undefined || request.sequence !== sequence) return
    if (result === Result.inProgress) {
      // RFC 6525 §5.2.7, step H2: the timer starts again.
      request.inProgress = true
      this.#deadlines.set('re-config', now + this.#roundTrip.rto)
      return
    }
    this.#request = undefined
    this.#requestDue = false
    this.#deadlines.clear('re-config')
    this.#finish(request.streams, result === Result.performed || result === Result.nothingToDo)
  }

  #finish(streams: readonly OutboundStream[], ok: boolean): void {
    for (const stream of streams) {
      this.#sender.resumeStream(stream, ok)
      this.#events.push({ type: 'outgoing-reset', streamId: stream.id, ok })
    }
  }

  /** Whether the peer has acknowledged all that was sent before the request. */
  #isCovered(request: Request): boolean {
    return greaterOrEqual32(this.#sender.cumulativeTsn, request.lastTsn)
  }

  #hasReached(tsn: number): boolean {
    return greaterOrEqual32(this.#receiver.cumulativeTsn, tsn)
  }
}

/** Whether a request is one that was answered "In progress", with another number. */
function isSameReset(earlier: Deferred | undefined, lastTsn: number, streamIds: readonly number[]): boolean {
  return (
    earlier !== undefined &&
    earlier.lastTsn === lastTsn &&
    earlier.streamIds.length === streamIds.length &&
    earlier.streamIds.every((id, i) => id === streamIds[i])
  )
}

/** Parameter header, three sequence numbers. */
const requestHeaderBytes = 16

const deniedRequests: ReadonlySet<number> = new Set([
  ParameterType.incomingSsnReset,
  ParameterType.ssnTsnReset,
  ParameterType.addOutgoingStreams,
  ParameterType.addIncomingStreams,
])

/** RFC 6525 §4.1. */
function encodeRequest(request: Request, responseSequence: number): Uint8Array {
  const value = new Uint8Array(12 + 2 * request.streams.length)
  const view = new DataView(value.buffer)
  view.setUint32(0, request.sequence)
  view.setUint32(4, responseSequence)
  view.setUint32(8, request.lastTsn)
  request.streams.forEach((stream, i) => {
    view.setUint16(12 + 2 * i, stream.id)
  })
  return encodeParameter(ParameterType.outgoingSsnReset, value)
}

/** RFC 6525 §4.4. */
function encodeResponse({ sequence, result }: Response): Uint8Array {
  const value = new Uint8Array(8)
  const view = new DataView(value.buffer)
  view.setUint32(0, sequence)
  view.setUint32(4, result)
  return encodeParameter(ParameterType.reConfigResponse, value)
}
