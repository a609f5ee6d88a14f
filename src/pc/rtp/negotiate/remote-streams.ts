import { createMediaStream, type MediaStream } from '../../media/media-stream.ts'

/**
 * The most streams that are remembered although no receiver has them any more: a peer can name as many as it likes. One
 * that comes back later than that is another object.
 */
export const maxForgottenStreams = 256

/** webrtc-pc §5.1.1: the MediaStream objects that were created for a connection, by id. */
export class RemoteStreams {
  /** The one that was asked for last is last. */
  readonly #streams = new Map<string, MediaStream>()

  /** "Set the associated remote streams", steps 2 and 3. */
  find(ids: readonly string[]): readonly MediaStream[] {
    return [...new Set(ids)].map(id => {
      const stream = this.#streams.get(id) ?? createMediaStream(id)
      this.#streams.delete(id)
      this.#streams.set(id, stream)
      return stream
    })
  }

  /** Forgets the oldest of those that are not in use, as far as there are too many. */
  prune(used: ReadonlySet<MediaStream>): void {
    let excess = this.#streams.size - used.size - maxForgottenStreams
    for (const [id, stream] of this.#streams) {
      if (excess <= 0) return
      if (used.has(stream)) continue
      this.#streams.delete(id)
      excess--
    }
  }

  get size(): number {
    return this.#streams.size
  }
}
