import { ReadableStream, type ReadableStreamDefaultController, WritableStream } from 'node:stream/web'
import { Queue } from '../../base/queue.ts'
import {
  createEncodedFrame,
  frameOwnership,
  type RTCEncodedFrame,
  type SerializedEncodedFrame,
  spendFrame,
} from './encoded-frames.ts'

/** Who is told what the application does with its frames. */
export interface FrameStreamsPeer {
  /** It has taken a frame out of the readable stream. */
  taken(): void
  /** It has written a frame, whose data is the callee's from now on. @throws {DOMException} if the data cannot be transferred */
  written(counter: number, data: ArrayBuffer): void
  /** What it has written is not taken. */
  refused(reason: WriteRefusal): void
  /** It has cancelled the readable stream, or closed or aborted the writable one. */
  ended(side: StreamSide): void
}

export interface FrameStreamsOptions {
  /** Of a frame that is written the data is copied, not transferred; written again, it is an error. As createEncodedStreams() has it. */
  readonly spends?: boolean
}

export type StreamSide = 'readable' | 'writable'

/**
 * - `foreign`: not a frame of these streams: made by the application, or of another transform
 * - `out-of-order`: it was written before, or one behind it was
 */
export type WriteRefusal = 'foreign' | 'out-of-order'

/** The two streams of a transform, on the thread where the application transforms. */
export class FrameStreams {
  readonly readable: ReadableStream<RTCEncodedFrame>
  readonly writable: WritableStream<RTCEncodedFrame>
  readonly #peer: FrameStreamsPeer
  readonly #spends: boolean
  readonly #frames = new Queue<{ contents: SerializedEncodedFrame; counter: number }>()
  #controller: ReadableStreamDefaultController<RTCEncodedFrame> | undefined
  /** Somebody reads, and nothing was there. */
  #wanted = false
  #state: 'open' | 'closing' | 'closed' = 'open'
  /** [[lastReceivedFrameCounter]] */
  #lastReceived = 0

  constructor(peer: FrameStreamsPeer, { spends = false }: FrameStreamsOptions = {}) {
    this.#peer = peer
    this.#spends = spends
    // A frame leaves the queue only when it is read: so it is known how many have not been.
    this.readable = new ReadableStream<RTCEncodedFrame>(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => {
          this.#wanted = true
          this.#give()
        },
        cancel: () => this.#cancelled(),
      },
      { highWaterMark: 0 },
    )
    this.writable = new WritableStream<RTCEncodedFrame>(
      {
        write: frame => this.#write(frame),
        close: () => peer.ended('writable'),
        abort: () => peer.ended('writable'),
      },
      // webrtc-encoded-transform §2.1.1, step 5: there is no back-pressure.
      { highWaterMark: Number.POSITIVE_INFINITY },
    )
  }

  /** Puts a frame behind those that were not read yet. */
  push(contents: SerializedEncodedFrame, counter: number): void {
    if (this.#state !== 'open') return
    this.#frames.push({ contents, counter })
    this.#give()
  }

  /** No frame comes any more: the readable stream ends behind those that are there. */
  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#closeIfEmpty()
  }

  #give(): void {
    if (!this.#wanted) return
    const next = this.#frames.shift()
    if (next === undefined) return
    this.#wanted = false
    this.#peer.taken()
    this.#controller?.enqueue(createEncodedFrame(next.contents, { owner: this, counter: next.counter }))
    this.#closeIfEmpty()
  }

  #closeIfEmpty(): void {
    if (this.#state !== 'closing' || this.#frames.length > 0) return
    this.#state = 'closed'
    this.#controller?.close()
  }

  #cancelled(): void {
    this.#state = 'closed'
    this.#frames.clear()
    this.#peer.ended('readable')
  }

  /** webrtc-encoded-transform §2.1.2, writeEncodedData */
  #write(frame: unknown): void {
    const ownership = frameOwnership(frame)
    // webrtc-encoded-transform §2.1.2, step 1: a processor cannot create frames, or move them between streams
    if (ownership?.owner !== this) this.#peer.refused('foreign')
    else if (this.#spends) this.#spend(frame as RTCEncodedFrame, ownership.counter)
    // webrtc-encoded-transform §2.1.2, step 2: it cannot reorder them, although it may delay or drop them
    else if (ownership.counter <= this.#lastReceived) this.#peer.refused('out-of-order')
    else this.#forward((frame as RTCEncodedFrame).data, ownership.counter)
  }

  #spend(frame: RTCEncodedFrame, counter: number): void {
    const data = spendFrame(frame)
    if (data === undefined) {
      this.#peer.ended('writable')
      throw new DOMException('the frame was written before', 'OperationError')
    }
    if (counter <= this.#lastReceived) this.#peer.refused('out-of-order')
    else this.#forward(data, counter)
  }

  #forward(data: ArrayBuffer, counter: number): void {
    this.#lastReceived = counter
    try {
      this.#peer.written(counter, data)
    } catch (error) {
      // A write that throws ends the stream: data that cannot be transferred.
      this.#peer.ended('writable')
      throw error
    }
  }
}
