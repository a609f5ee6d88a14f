import { EncodedTrackSink, type MediaStreamTrack } from 'icefloe'

const INTERVAL_MS = 1000

/** Prints how many frames of each track come in a second, until all have ended: a place for your own program. */
export class FrameCounter {
  readonly #sinks: EncodedTrackSink[] = []
  readonly #name: string
  readonly #counts = new Map<string, number>()
  readonly #timer: NodeJS.Timeout

  constructor(name: string) {
    this.#name = name
    this.#timer = setInterval(() => this.#print(), INTERVAL_MS)
    this.#timer.unref()
  }

  add(track: MediaStreamTrack): void {
    const sink = new EncodedTrackSink(track)
    sink.onframe = ({ codec }) => this.#counts.set(codec.mimeType, (this.#counts.get(codec.mimeType) ?? 0) + 1)
    this.#sinks.push(sink)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const sink of this.#sinks) sink.close()
  }

  #print(): void {
    const rates = [...this.#counts].map(([codec, frames]) => `${frames} ${codec} frames/s`)
    this.#counts.clear()
    console.log(`${this.#name}: ${rates.join(', ') || 'nothing'}`)
  }
}
