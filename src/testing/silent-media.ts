import { FrameStream } from '../pc/media/frame-stream.ts'
import type { MediaEnvironment } from '../pc/media/media-environment.ts'
import type { SourceCore } from '../pc/media/source-core.ts'
import { opusClockRate } from '../rtp/payload/opus.ts'
import type { FrameTick } from './frame-clock.ts'
import { opusSilencePacket } from './opus-silence.ts'
import { streamOptions } from './stream-options.ts'
import type { FeedMedia } from './synthetic-feed.ts'

/** Of each packet, in milliseconds. */
export const silenceFrameMs = 20

/** What a microphone gives that nobody speaks into, in Opus. */
export class SilentMedia implements FeedMedia {
  readonly clockRate: number = opusClockRate
  readonly framesPerSecond: number = 1_000 / silenceFrameMs
  readonly #stream: FrameStream
  readonly #channels: () => 1 | 2

  constructor({ random }: MediaEnvironment, channels: () => 1 | 2) {
    this.#stream = new FrameStream(streamOptions('audio/opus', random))
    this.#channels = channels
  }

  frame({ timestamp }: FrameTick, core: SourceCore): void {
    const packet = opusSilencePacket({ channels: this.#channels(), frameMs: silenceFrameMs })
    for (const payload of this.#stream.packetize(packet)) {
      core.deliver(this.#stream.packet(payload, timestamp), this.#stream.context, undefined)
    }
  }

  keyframeRequested(): void {
    // Each packet can be decoded alone.
  }
}
