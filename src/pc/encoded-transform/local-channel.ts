import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { RTCEncodedFrame, SerializedEncodedFrame } from './encoded-frames.ts'
import type { FrameChannel, FrameChannelPeer } from './frame-channel.ts'
import { FrameStreams, type WriteRefusal } from './frame-streams.ts'

/** What createEncodedStreams() returns. */
export interface RTCEncodedStreams {
  /** The frames, as they come from the encoder or the network. */
  readonly readable: ReadableStream<RTCEncodedFrame>
  /** Takes the same frames, changed or not. */
  readonly writable: WritableStream<RTCEncodedFrame>
}

/** The way to a transform on this thread. */
export class LocalChannel implements FrameChannel {
  readonly #streams: FrameStreams
  #peer: FrameChannelPeer | undefined

  constructor() {
    this.#streams = new FrameStreams(
      {
        taken: () => this.#peer?.taken(),
        written: (counter, data) => this.#peer?.written(counter, data),
        refused: (reason: WriteRefusal) => this.#peer?.refused(reason),
        ended: side => this.#peer?.ended(side),
      },
      { spends: true },
    )
  }

  get streams(): RTCEncodedStreams {
    const { readable, writable } = this.#streams
    return { readable, writable }
  }

  connect(peer: FrameChannelPeer): void {
    this.#peer = peer
  }

  send(frame: SerializedEncodedFrame, counter: number): void {
    this.#streams.push(frame, counter)
  }

  keyframeRequested(): boolean {
    return false
  }

  settle(): void {
    // Streams alone cannot ask for anything.
  }

  close(): void {
    this.#streams.close()
  }
}
