import { Queue } from '../../base/queue.ts'
import { maxFrameBytes } from '../../rtp/payload/index.ts'
import type { MediaKind } from '../media/track-signal.ts'
import type { FrameDrop, TransformCounters } from './counters.ts'
import type { SerializedEncodedFrame } from './encoded-frames.ts'
import type { FrameChannel, FrameChannelPeer, TransformSide } from './frame-channel.ts'
import type { StreamSide, WriteRefusal } from './frame-streams.ts'
import { KeyFrameTasks } from './key-frame-tasks.ts'

/** Frames that a transform may leave unread. */
export const maxUnreadFrames = 64
/** Bytes of frames that a transform may leave unread; a single frame may be larger. */
export const maxUnreadBytes: number = 16 * 1024 * 1024
/** Frames that a transform may hold: when it has read more, the oldest can be written no longer. */
export const maxHeldFrames = 1_024

/** What stays here of a frame that is on its way through a transform: how to make packets of it again. */
export interface FrameTicket {
  readonly rid: string | undefined
  /** It has been through the transform. Called at most once. */
  finish(data: ArrayBuffer): void
}

export interface FrameExchangeOptions {
  readonly channel: FrameChannel
  readonly side: TransformSide
  readonly kind: MediaKind
  readonly counters: TransformCounters
  readonly activeLayers: () => readonly (string | undefined)[]
  readonly requestKeyframe: (rid: string | undefined) => void
}

interface HeldFrame {
  readonly counter: number
  readonly ticket: FrameTicket
}

/** Gives frames to the application's transform and takes them back: [[readable]] and [[writable]] of a sender or receiver. */
export class FrameExchange implements FrameChannelPeer {
  readonly #options: FrameExchangeOptions
  readonly #keyFrames: KeyFrameTasks
  /** In the order of their counters: those that the application may write yet. Their data is with it. */
  readonly #held = new Queue<HeldFrame>()
  /** The sizes of those that were not read. */
  readonly #unread = new Queue<number>()
  #unreadBytes = 0
  /** [[lastEnqueuedFrameCounter]] */
  #lastEnqueued = 0
  #readableEnded = false
  #writableEnded = false

  constructor(options: FrameExchangeOptions) {
    this.#options = options
    const { channel } = options
    this.#keyFrames = new KeyFrameTasks({
      activeLayers: options.activeLayers,
      requestKeyframe: options.requestKeyframe,
      settle: (id, failure) => channel.settle(id, failure),
    })
    channel.connect(this)
  }

  /** No frame is taken any more. */
  get hasEnded(): boolean {
    return this.#readableEnded
  }

  /** Hands a frame to the transform, or says why not. */
  offer(contents: SerializedEncodedFrame, ticket: FrameTicket): FrameDrop | undefined {
    if (this.#readableEnded) return 'ended'
    const bytes = contents.data.byteLength
    const { length } = this.#unread
    if (length >= maxUnreadFrames || (length > 0 && this.#unreadBytes + bytes > maxUnreadBytes)) return 'full'
    const counter = ++this.#lastEnqueued
    this.#unread.push(bytes)
    this.#unreadBytes += bytes
    this.#hold(counter, ticket)
    this.#options.counters.framesOffered++
    // webrtc-encoded-transform §4.10: promises are resolved just before the keyframe can be read.
    if (contents.kind === 'video' && contents.type === 'key') this.#keyFrames.keyframe(ticket.rid)
    this.#options.channel.send(contents, counter)
    return undefined
  }

  /** A receiver of what is sent asks for a keyframe. @returns false if the transform does not see to it */
  keyframeRequested(rid: string | undefined): boolean {
    return !this.#readableEnded && this.#options.channel.keyframeRequested(rid)
  }

  /** The transform gets no more frames, and none of it are taken. */
  close(): void {
    this.ended('readable')
    this.ended('writable')
    this.#options.channel.close()
  }

  taken(): void {
    this.#unreadBytes -= this.#unread.shift() ?? 0
  }

  written(counter: number, data: ArrayBuffer): void {
    const ticket = this.#ticket(counter)
    if (this.#writableEnded) this.#drop('ended')
    else if (ticket === undefined) this.#drop('forgotten')
    else if (data.byteLength === 0) this.#drop('empty')
    else if (data.byteLength > maxFrameBytes) this.#drop('too-large')
    else ticket.finish(data)
  }

  refused(reason: WriteRefusal): void {
    this.#drop(reason)
  }

  ended(side: StreamSide): void {
    if (side === 'writable') {
      this.#writableEnded = true
      // What the application has, it cannot give back.
      this.#options.counters.droppedFrames.ended += this.#held.length
      this.#held.clear()
    } else {
      this.#readableEnded = true
      this.#keyFrames.close()
      this.#unread.clear()
      this.#unreadBytes = 0
    }
  }

  generateKeyFrame(id: number | undefined, rid: string | undefined): void {
    if (this.#readableEnded) this.#fail(id, 'the transform has ended')
    else if (this.#options.side === 'sender' && this.#options.kind === 'video') this.#keyFrames.generate(id, rid)
    else this.#fail(id, 'not a transform of a sender of video')
  }

  sendKeyFrameRequest(id: number): void {
    if (this.#options.side === 'sender' || this.#options.kind === 'audio') {
      this.#fail(id, 'not a transform of a receiver of video')
    } else {
      this.#options.requestKeyframe(undefined)
      this.#options.channel.settle(id, undefined)
    }
  }

  /** That of the frame with a counter. Those before it are given up: frames are written in order. */
  #ticket(counter: number): FrameTicket | undefined {
    for (let held = this.#held.peek(); held && held.counter <= counter; held = this.#held.peek()) {
      this.#held.shift()
      if (held.counter === counter) return held.ticket
    }
    return undefined
  }

  #hold(counter: number, ticket: FrameTicket): void {
    // It can be read, but not be written.
    if (this.#writableEnded) this.#drop('ended')
    else this.#held.push({ counter, ticket })
    if (this.#held.length > maxHeldFrames) this.#held.shift()
  }

  #drop(reason: FrameDrop): void {
    this.#options.counters.droppedFrames[reason]++
  }

  #fail(id: number | undefined, message: string): void {
    if (id !== undefined) this.#options.channel.settle(id, { name: 'InvalidStateError', message })
  }
}
