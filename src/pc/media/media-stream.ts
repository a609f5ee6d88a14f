import type { RandomSource } from '../../base/environment.ts'
import { randomUuid } from '../../base/random.ts'
import { systemRandom } from '../../net/system-environment.ts'
import {
  type Converter,
  domString,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  implementsInterface,
  instance,
  requireArguments,
  sequence,
  setEventHandler,
  TypedEventTarget,
} from '../webidl.ts'
import { isMediaStreamTrack, type MediaStreamTrack } from './media-stream-track.ts'
import { MediaStreamTrackEvent } from './media-stream-track-event.ts'

/** The events of a stream, by type. */
export interface MediaStreamEventMap {
  addtrack: MediaStreamTrackEvent
  removetrack: MediaStreamTrackEvent
}

type Handler<Type extends keyof MediaStreamEventMap> = EventHandler<MediaStream, MediaStreamEventMap[Type]>

const toTrack: Converter<MediaStreamTrack> = instance('MediaStreamTrack', isMediaStreamTrack)
const toTracks: Converter<MediaStreamTrack[]> = sequence(toTrack)

let slotsOf: (stream: MediaStream) => StreamSlots

interface StreamSlots {
  id: string
  /** The track set. */
  readonly tracks: Set<MediaStreamTrack>
}

/** mediacapture-streams §4.2: tracks that belong together. */
export class MediaStream extends TypedEventTarget<MediaStreamEventMap> {
  static {
    exposeInterface(MediaStream, 'MediaStream', { constructorLength: 0, implementedBy: value => #slots in value })
    slotsOf = stream => stream.#slots
  }

  readonly #slots: StreamSlots

  /** @param source its tracks, or another stream that has them; the tracks are shared, not cloned */
  constructor(source?: MediaStream | Iterable<MediaStreamTrack>) {
    // MediaStream constructor, step 3.1
    const tracks = source === undefined ? [] : toTrackSet(source)
    super()
    this.#slots = { id: randomUuid(systemRandom), tracks: new Set(tracks) }
  }

  get id(): string {
    return this.#slots.id
  }

  /** Whether one of its tracks is live. */
  get active(): boolean {
    return this.getTracks().some(track => track.readyState === 'live')
  }

  getTracks(): MediaStreamTrack[] {
    return [...this.#slots.tracks]
  }

  getAudioTracks(): MediaStreamTrack[] {
    return this.getTracks().filter(track => track.kind === 'audio')
  }

  getVideoTracks(): MediaStreamTrack[] {
    return this.getTracks().filter(track => track.kind === 'video')
  }

  getTrackById(trackId: string): MediaStreamTrack | null {
    const { tracks } = this.#slots
    requireArguments(arguments.length, 1, 'MediaStream.getTrackById')
    const id = domString(trackId, 'MediaStream.getTrackById: argument 1')
    return [...tracks].find(track => track.id === id) ?? null
  }

  /** Adds a track, unless it is there already. No event is fired: it is the application's own doing. */
  addTrack(track: MediaStreamTrack): void {
    requireArguments(arguments.length, 1, 'MediaStream.addTrack')
    this.#slots.tracks.add(toTrack(track, 'MediaStream.addTrack: argument 1'))
  }

  /** Removes a track, if it is there. No event is fired. */
  removeTrack(track: MediaStreamTrack): void {
    requireArguments(arguments.length, 1, 'MediaStream.removeTrack')
    this.#slots.tracks.delete(toTrack(track, 'MediaStream.removeTrack: argument 1'))
  }

  /** Another stream, with clones of the tracks. */
  clone(): MediaStream {
    return new MediaStream(this.getTracks().map(track => track.clone()))
  }

  get onaddtrack(): HeldEventHandler {
    return getEventHandler(this, 'addtrack')
  }

  set onaddtrack(handler: Handler<'addtrack'>) {
    setEventHandler(this, 'addtrack', handler)
  }

  get onremovetrack(): HeldEventHandler {
    return getEventHandler(this, 'removetrack')
  }

  set onremovetrack(handler: Handler<'removetrack'>) {
    setEventHandler(this, 'removetrack', handler)
  }
}

/** A stream with an identifier that is given: that of a peer's stream. */
export function createMediaStream(id: string, tracks: readonly MediaStreamTrack[] = []): MediaStream {
  const stream = new MediaStream(tracks)
  slotsOf(stream).id = id
  return stream
}

/** A stream whose identifier comes from that source of randomness. */
export function createRandomMediaStream(random: RandomSource, tracks: readonly MediaStreamTrack[] = []): MediaStream {
  return createMediaStream(randomUuid(random), tracks)
}

export function hasTrack(stream: MediaStream, track: MediaStreamTrack): boolean {
  return slotsOf(stream).tracks.has(track)
}

/** mediacapture-streams §4.2: "add a track", by the user agent. The event is fired at once: call it from a task. */
export function addTrackToStream(stream: MediaStream, track: MediaStreamTrack): void {
  const { tracks } = slotsOf(stream)
  // add a track, step 1
  if (tracks.has(track)) return
  tracks.add(track)
  // add a track, step 3
  stream.dispatchEvent(new MediaStreamTrackEvent('addtrack', { track }))
}

/** mediacapture-streams §4.2: "remove a track", by the user agent. The event is fired at once: call it from a task. */
export function removeTrackFromStream(stream: MediaStream, track: MediaStreamTrack): void {
  // remove a track, steps 1 and 2
  if (!slotsOf(stream).tracks.delete(track)) return
  // remove a track, step 3
  stream.dispatchEvent(new MediaStreamTrackEvent('removetrack', { track }))
}

export function isMediaStream(value: unknown): value is MediaStream {
  return implementsInterface(MediaStream, value)
}

function toTrackSet(source: unknown): readonly MediaStreamTrack[] {
  return isMediaStream(source) ? source.getTracks() : toTracks(source, 'MediaStream constructor: argument 1')
}
