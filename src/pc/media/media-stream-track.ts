import type { RandomSource } from '../../base/environment.ts'
import { randomUuid } from '../../base/random.ts'
import { systemRandom } from '../../net/system-environment.ts'
import {
  boolean,
  constructorToken,
  domString,
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  implementsInterface,
  requireToken,
  setEventHandler,
  TypedEventTarget,
} from '../webidl.ts'
import {
  type Constrainable,
  constraintsFor,
  inherentSettings,
  type MediaTrackCapabilities,
  type MediaTrackConstraints,
  type MediaTrackSettings,
  toMediaTrackConstraints,
} from './constraints.ts'
import { unconstrainable } from './select-settings.ts'
import { TrackGate } from './track-gate.ts'
import type { MediaKind, TrackSource } from './track-signal.ts'

/** mediacapture-streams §4.3.3 */
export type MediaStreamTrackState = 'live' | 'ended'

/** The events of a track, by type. */
export interface MediaStreamTrackEventMap {
  mute: Event
  unmute: Event
  ended: Event
  isolationchange: Event
}

type Handler<Type extends keyof MediaStreamTrackEventMap> = EventHandler<
  MediaStreamTrack,
  MediaStreamTrackEventMap[Type]
>

/** The signal of a track: what {@link TrackSource.subscribe} gives respects `enabled`, `muted` and `stop()` of this very track. */
export let sourceOf: (track: MediaStreamTrack) => TrackSource
/** Tells about a track, until the result is called. */
export let observeTrack: (track: MediaStreamTrack, observer: TrackObserver) => () => void

let slotsOf: (track: MediaStreamTrack) => TrackSlots

/** What others than the application want to know of a track; told at once, before any event. */
export interface TrackObserver {
  ended?(): void
  enabledChanged?(enabled: boolean): void
}

/** mediacapture-streams §4.3: the media of one source. */
export class MediaStreamTrack extends TypedEventTarget<MediaStreamTrackEventMap> {
  static {
    exposeInterface(MediaStreamTrack, 'MediaStreamTrack', {
      constructorLength: 0,
      implementedBy: value => #slots in value,
    })
    slotsOf = track => track.#slots
    sourceOf = track => track.#slots.gate
    observeTrack = (track, observer) => {
      const { observers } = track.#slots
      observers.add(observer)
      return () => observers.delete(observer)
    }
  }

  readonly #slots: TrackSlots

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: TrackSlots) {
    requireToken(token)
    super()
    this.#slots = slots
  }

  /** `audio` or `video`. */
  get kind(): string {
    return this.#slots.origin.source.kind
  }

  get id(): string {
    return this.#slots.id
  }

  get label(): string {
    return this.#slots.origin.label
  }

  /** False: nothing of the source gets to those who use this track. */
  get enabled(): boolean {
    return this.#slots.gate.enabled
  }

  set enabled(value: boolean) {
    const enabled = boolean(value, 'MediaStreamTrack.enabled')
    const { gate, observers } = this.#slots
    if (gate.enabled === enabled) return
    gate.enabled = enabled
    for (const observer of observers) observer.enabledChanged?.(enabled)
  }

  /** Whether the source has nothing to give for the time being. */
  get muted(): boolean {
    return this.#slots.gate.muted
  }

  get readyState(): MediaStreamTrackState {
    return this.#slots.gate.ended ? 'ended' : 'live'
  }

  /** webrtc-identity §11.1.1: whether the application is kept from the media. */
  get isolated(): boolean {
    return this.#slots.origin.isolated
  }

  /** MediaStreamTrack Content Hints: what the application says about the content; the empty string, or a hint for this kind. */
  get contentHint(): string {
    return this.#slots.contentHint
  }

  set contentHint(value: string) {
    const slots = this.#slots
    const hint = domString(value, 'MediaStreamTrack.contentHint')
    // MediaStreamTrack Content Hints: a hint that is not one for this kind is ignored
    if (hint === '' || contentHints[slots.origin.source.kind].includes(hint)) slots.contentHint = hint
  }

  /** Another track of the same source; it lives until its own {@link stop}, or the end of the source. */
  clone(): MediaStreamTrack {
    return cloneTrack(this.#slots)
  }

  /** Ends this track, without an event. The source goes on for others, if there are any. */
  stop(): void {
    // mediacapture-streams §4.3.3 stop, step 2: if the track has ended, these steps are aborted
    if (!this.#slots.gate.ended) endTrack(this)
  }

  getCapabilities(): MediaTrackCapabilities {
    return structuredClone(this.#slots.origin.constrainable.capabilities)
  }

  /** What the last {@link applyConstraints} that succeeded was given. */
  getConstraints(): MediaTrackConstraints {
    return structuredClone(this.#slots.constraints)
  }

  getSettings(): MediaTrackSettings {
    const settings = this.#slots.origin.constrainable.settings()
    // mediacapture-streams §4.3.3 getSettings, step 2: of an ended track, only what is inherent
    return this.#slots.gate.ended ? inherentSettings(settings) : { ...settings }
  }

  /** @returns a promise that is rejected with an OverconstrainedError where the source cannot do what is demanded of it */
  async applyConstraints(constraints: MediaTrackConstraints = {}): Promise<void> {
    const slots = this.#slots
    const converted = toMediaTrackConstraints(constraints, 'MediaStreamTrack.applyConstraints: argument 1')
    // mediacapture-streams §4.3.3 applyConstraints, step 2: an ended track takes no notice
    if (slots.gate.ended) return
    slots.origin.constrainable.apply(constraintsFor(slots.origin.source.kind, converted))
    slots.constraints = converted
  }

  get onmute(): HeldEventHandler {
    return getEventHandler(this, 'mute')
  }

  set onmute(handler: Handler<'mute'>) {
    setEventHandler(this, 'mute', handler)
  }

  get onunmute(): HeldEventHandler {
    return getEventHandler(this, 'unmute')
  }

  set onunmute(handler: Handler<'unmute'>) {
    setEventHandler(this, 'unmute', handler)
  }

  get onended(): HeldEventHandler {
    return getEventHandler(this, 'ended')
  }

  set onended(handler: Handler<'ended'>) {
    setEventHandler(this, 'ended', handler)
  }

  get onisolationchange(): HeldEventHandler {
    return getEventHandler(this, 'isolationchange')
  }

  set onisolationchange(handler: Handler<'isolationchange'>) {
    setEventHandler(this, 'isolationchange', handler)
  }
}

export interface TrackOptions {
  readonly source: TrackSource
  /** A UUID of its own if not given. */
  readonly id?: string
  readonly label?: string
  readonly muted?: boolean
  /** What the source lets applications choose; nothing if not given. */
  readonly constrainable?: Constrainable
  /** Those that the source meets already. */
  readonly constraints?: MediaTrackConstraints
  /** The last track of the source was stopped or has ended: nobody will ever subscribe again. */
  readonly stopped?: () => void
  readonly random?: RandomSource
}

/** A track, in the hands of its source. What is told here goes for the clones of the track too. */
export interface TrackHandle {
  readonly track: MediaStreamTrack
  /** "Set a track's muted state". The event is fired at once: call it from a task. */
  setMuted(muted: boolean): void
  /** The source has ended. The event is fired at once: call it from a task. */
  end(): void
  /** webrtc-identity §11.1.1: the application is kept from the media from now on. The event is fired at once: call it from a task. */
  isolate(): void
}

/** mediacapture-streams §4.3: "create a MediaStreamTrack". */
export function createTrack(options: TrackOptions): TrackHandle {
  const origin: TrackOrigin = {
    source: options.source,
    label: options.label ?? '',
    constrainable: options.constrainable ?? unconstrainable,
    random: options.random ?? systemRandom,
    stopped: options.stopped ?? (() => undefined),
    muted: options.muted ?? false,
    isolated: false,
    confinement: undefined,
    live: new Set(),
  }
  const track = addTrack(origin, options.id ?? randomUuid(origin.random))
  slotsOf(track).constraints = options.constraints ?? {}
  return {
    track,
    setMuted: muted => setMuted(origin, muted),
    end: () => endOrigin(origin),
    isolate: () => isolateOrigin(origin),
  }
}

export function isMediaStreamTrack(value: unknown): value is MediaStreamTrack {
  return implementsInterface(MediaStreamTrack, value)
}

/**
 * webrtc-identity §11.1: a track for one peer alone. To be called before anybody has it.
 *
 * @param peerIdentity `<user>@<domain>`
 */
export function confineTrack(track: MediaStreamTrack, peerIdentity: string): void {
  const { origin } = slotsOf(track)
  origin.isolated = true
  origin.confinement = peerIdentity
}

/** The one peer that a track may be sent to; undefined: any. */
export function confinementOf(track: MediaStreamTrack | null): string | undefined {
  return track === null ? undefined : slotsOf(track).origin.confinement
}

/**
 * The signal of a track, for who shows it to the application.
 *
 * @throws {DOMException} SecurityError if the track is isolated
 */
export function readableSourceOf(track: MediaStreamTrack): TrackSource {
  // webrtc-identity §11.1: the content of an isolated track is not accessible
  if (track.isolated) throw new DOMException('the track is isolated', 'SecurityError')
  return sourceOf(track)
}

/** What a track has in common with its clones. */
interface TrackOrigin {
  readonly source: TrackSource
  readonly label: string
  readonly constrainable: Constrainable
  readonly random: RandomSource
  readonly stopped: () => void
  readonly live: Set<MediaStreamTrack>
  muted: boolean
  isolated: boolean
  /** webrtc-identity §11.1: the one peer that it may be sent to. */
  confinement: string | undefined
}

/** The internal slots of a track. */
interface TrackSlots {
  readonly origin: TrackOrigin
  readonly id: string
  readonly gate: TrackGate
  readonly observers: Set<TrackObserver>
  contentHint: string
  constraints: MediaTrackConstraints
}

/** MediaStreamTrack Content Hints: those of either kind. */
const contentHints: Readonly<Record<MediaKind, readonly string[]>> = {
  audio: ['speech', 'speech-recognition', 'music'],
  video: ['motion', 'detail', 'text'],
}

function addTrack(origin: TrackOrigin, id: string): MediaStreamTrack {
  const gate = new TrackGate(origin.source, origin.muted)
  const observers = new Set<TrackObserver>()
  const track = new MediaStreamTrack(constructorToken, {
    origin,
    id,
    gate,
    observers,
    contentHint: '',
    constraints: {},
  })
  origin.live.add(track)
  return track
}

/** mediacapture-streams §4.3: "clone a track". */
function cloneTrack({ origin, gate, constraints, contentHint }: TrackSlots): MediaStreamTrack {
  // clone a track, step 3: it is enabled, whether the original is or not
  const clone = addTrack(origin, randomUuid(origin.random))
  const slots = slotsOf(clone)
  // clone a track, step 4
  if (gate.ended) {
    slots.gate.end()
    origin.live.delete(clone)
  }
  // clone a track, step 6
  slots.constraints = structuredClone(constraints)
  // As browsers have it: a clone begins with the hint of the original
  slots.contentHint = contentHint
  return clone
}

function endTrack(track: MediaStreamTrack): void {
  const { gate, observers, origin } = slotsOf(track)
  gate.end()
  for (const observer of observers) observer.ended?.()
  observers.clear()
  origin.live.delete(track)
  // mediacapture-streams §4.3: the source is stopped once all of its tracks have ended
  if (origin.live.size === 0) origin.stopped()
}

/** mediacapture-streams §4.3.1.1: "set a track's muted state", of all tracks of a source. */
function setMuted(origin: TrackOrigin, muted: boolean): void {
  // set a track's muted state, step 2
  if (origin.muted === muted) return
  origin.muted = muted
  for (const track of [...origin.live]) {
    slotsOf(track).gate.muted = muted
    // set a track's muted state, steps 4 and 5
    track.dispatchEvent(new Event(muted ? 'mute' : 'unmute'))
  }
}

/** webrtc-identity §11.1.1: all tracks of a source are isolated from now on. */
function isolateOrigin(origin: TrackOrigin): void {
  if (origin.isolated) return
  origin.isolated = true
  for (const track of [...origin.live]) track.dispatchEvent(new Event('isolationchange'))
}

/** mediacapture-streams §4.3.1.2: all tracks of a source end for another reason than stop(). */
function endOrigin(origin: TrackOrigin): void {
  for (const track of [...origin.live]) {
    // the steps of the task, step 1: a listener before may have stopped it
    if (slotsOf(track).gate.ended) continue
    endTrack(track)
    track.dispatchEvent(new Event('ended'))
  }
}
