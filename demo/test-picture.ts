import { EncodedTrackSource, type MediaStreamTrack } from 'icefloe'
import { movingPicture, opusSilence, type SyntheticFrame, type SyntheticSource } from 'icefloe/testing'

/** A moving picture and silence, for want of a camera: made here, frame by frame, in VP8 and Opus. */
export class TestPicture {
  readonly #video = new EncodedTrackSource('video', { codec: 'video/VP8', label: 'test picture' })
  readonly #audio = new EncodedTrackSource('audio', { codec: 'audio/opus', label: 'silence' })
  readonly #stops: readonly (() => void)[]

  constructor(width: number, height: number) {
    this.#stops = [
      play(movingPicture({ width, height, framesPerSecond: 30 }), this.#video),
      play(opusSilence({ channels: 2 }), this.#audio),
    ]
  }

  get tracks(): readonly MediaStreamTrack[] {
    return [this.#audio.track, this.#video.track]
  }

  stop(): void {
    for (const stop of this.#stops) stop()
    this.#video.close()
    this.#audio.close()
  }
}

/**
 * Writes each frame when it is due.
 *
 * @param written is told each frame
 * @returns what ends it
 */
export function play(
  source: SyntheticSource,
  into: EncodedTrackSource,
  written?: (frame: SyntheticFrame) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined
  const next = () => {
    for (let frame = source.pollFrame(performance.now()); frame; frame = source.pollFrame(performance.now())) {
      into.write(frame)
      written?.(frame)
    }
    timer = setTimeout(next, Math.max(0, (source.pollTimeout() ?? 0) - performance.now()))
  }
  next()
  return () => clearTimeout(timer)
}
