import type { MediaStreamTrack } from '../media/media-stream-track.ts'

/** webrtc-pc §8.4, id: the same for the same monitored object, and never that of another one. */
export class MonitoredObjects {
  readonly #serials = new WeakMap<object, number>()
  /** Tracks that senders had when it was looked last. */
  #sources = new Map<MediaStreamTrack, number>()
  #count = 0

  serialOf(object: object): number {
    let serial = this.#serials.get(object)
    if (serial === undefined) {
      serial = this.#count++
      this.#serials.set(object, serial)
    }
    return serial
  }

  /** webrtc-stats §8.11: a track that was not attached to any sender meanwhile is another media source. */
  sourcesOf(attached: ReadonlySet<MediaStreamTrack>): ReadonlyMap<MediaStreamTrack, number> {
    this.#sources = new Map([...attached].map(track => [track, this.#sources.get(track) ?? this.#count++]))
    return this.#sources
  }
}
