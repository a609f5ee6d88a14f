import { EncodedTrackSource, type MediaStreamTrack } from 'icefloe'
import { movingPicture, opusSilence, type SyntheticSource } from 'icefloe/testing'

/** A moving picture and silence that are made here: they stand in for what your program has to send. */
export function syntheticTracks(): { readonly tracks: readonly MediaStreamTrack[]; stop(): void } {
  const video = new EncodedTrackSource('video', { codec: 'video/VP8' })
  const audio = new EncodedTrackSource('audio', { codec: 'audio/opus' })
  const stops = [play(movingPicture({ width: 320, height: 240 }), video), play(opusSilence({ channels: 2 }), audio)]
  return {
    tracks: [audio.track, video.track],
    stop: () => {
      for (const stop of stops) stop()
      for (const source of [audio, video]) source.close()
    },
  }
}

/** Writes each frame when it is due. @returns what ends it */
function play(frames: SyntheticSource, source: EncodedTrackSource): () => void {
  let timer: NodeJS.Timeout | undefined
  const next = () => {
    const now = performance.now()
    for (let frame = frames.pollFrame(now); frame !== undefined; frame = frames.pollFrame(now)) source.write(frame)
    timer = setTimeout(next, Math.max(0, (frames.pollTimeout() ?? now) - performance.now()))
  }
  next()
  return () => clearTimeout(timer)
}
