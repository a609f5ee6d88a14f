import { setTimeout as delay } from 'node:timers/promises'
import { EncodedTrackSource, type MediaStreamTrack } from 'icefloe'
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input, type InputTrack } from 'mediabunny'
import { readIvf, type TimedFrame } from './ivf.ts'

const codecs: Readonly<Record<string, string>> = {
  vp8: 'video/VP8',
  vp9: 'video/VP9',
  opus: 'audio/opus',
}

interface Playing {
  readonly source: EncodedTrackSource
  /** The frames from the beginning; asked for again each time that the file is played. */
  frames(): AsyncIterable<TimedFrame> | Iterable<TimedFrame>
}

/** Plays the VP8, VP9 and Opus of a file (WebM, Ogg, IVF) as tracks, in time and from the beginning, over and over. */
export class FilePlayer {
  readonly #tracks: readonly Playing[]
  readonly #closeFile: () => void
  readonly #stopped = new AbortController()

  private constructor(tracks: readonly Playing[], closeFile: () => void) {
    this.#tracks = tracks
    this.#closeFile = closeFile
  }

  /** Rejects if there is nothing in the file that can be sent. */
  static async open(path: string): Promise<FilePlayer> {
    if (path.endsWith('.ivf')) return new FilePlayer([await ivfTrack(path)], () => undefined)
    const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
    const tracks = await containerTracks(input)
    if (tracks.length === 0) throw new Error(`${path}: neither VP8 nor VP9 nor Opus in it`)
    return new FilePlayer(tracks, () => input.dispose())
  }

  get tracks(): readonly MediaStreamTrack[] {
    return this.#tracks.map(({ source }) => source.track)
  }

  /** Resolves when it was stopped. To be called when somebody takes the tracks: a file has no keyframe to begin with later. */
  async play(): Promise<void> {
    let offset = 0
    while (!this.#stopped.signal.aborted) {
      const start = performance.now()
      const ends = await Promise.all(this.#tracks.map(track => this.#playOnce(track, start, offset)))
      offset = Math.max(...ends)
    }
  }

  stop(): void {
    this.#stopped.abort()
    for (const { source } of this.#tracks) source.close()
    this.#closeFile()
  }

  /** @returns when the track ends, on the time line of all that was played, in seconds */
  async #playOnce({ source, frames }: Playing, start: number, offset: number): Promise<number> {
    let end = offset
    let step = 0.02
    for await (const { data, seconds } of frames()) {
      const wait = start + seconds * 1000 - performance.now()
      const { signal } = this.#stopped
      if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) break
      source.write({ data, timestampMs: (offset + seconds) * 1000 })
      step = Math.max(offset + seconds - end, 0.001)
      end = offset + seconds
    }
    return end + step
  }
}

async function ivfTrack(path: string): Promise<Playing> {
  const { codec, frames } = await readIvf(path)
  return { source: new EncodedTrackSource('video', { codec: `video/${codec}` }), frames: () => frames }
}

async function containerTracks(input: Input): Promise<readonly Playing[]> {
  const found: Playing[] = []
  for (const track of [await input.getPrimaryVideoTrack(), await input.getPrimaryAudioTrack()]) {
    const codec = codecs[(await track?.getCodec()) ?? '']
    if (track === null || codec === undefined) continue
    const kind = codec.startsWith('audio') ? 'audio' : 'video'
    found.push({ source: new EncodedTrackSource(kind, { codec }), frames: () => packetsOf(track) })
  }
  return found
}

async function* packetsOf(track: InputTrack): AsyncGenerator<TimedFrame> {
  for await (const { data, timestamp } of new EncodedPacketSink(track).packets()) {
    yield { data, seconds: Math.max(0, timestamp) }
  }
}
