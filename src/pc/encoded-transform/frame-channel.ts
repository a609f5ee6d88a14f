import type { SerializedEncodedFrame } from './encoded-frames.ts'
import type { StreamSide, WriteRefusal } from './frame-streams.ts'

/** The end of a connection that a transform works for. */
export type TransformSide = 'sender' | 'receiver'

/** The way to the application's transform, be it on this thread or on another. */
export interface FrameChannel {
  /** Who is told of the application's doings from now on. Called once. */
  connect(peer: FrameChannelPeer): void
  /** Hands a frame over; its data is transferred. Counters go up. */
  send(frame: SerializedEncodedFrame, counter: number): void
  /** Somebody who receives what is sent asks for a keyframe. @returns false if the application is not to be asked about that */
  keyframeRequested(rid: string | undefined): boolean
  /** What became of the request `id` of the application. */
  settle(id: number, failure: RequestFailure | undefined): void
  /** No frame comes any more. */
  close(): void
}

/** The name of a DOMException, and its message. */
export interface RequestFailure {
  readonly name: 'InvalidStateError' | 'NotFoundError' | 'OperationError'
  readonly message: string
}

export interface FrameChannelPeer {
  /** A frame was read. */
  taken(): void
  written(counter: number, data: ArrayBuffer): void
  refused(reason: WriteRefusal): void
  /** The application reads no more, or writes no more. */
  ended(side: StreamSide): void
  /** generateKeyFrame(); without an id nobody waits for it. */
  generateKeyFrame(id: number | undefined, rid: string | undefined): void
  /** sendKeyFrameRequest() */
  sendKeyFrameRequest(id: number): void
}
