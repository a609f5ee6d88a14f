import {
  type EventHandler,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  setEventHandler,
  TypedEventTarget,
} from '../webidl.ts'
import { KeyframeRequestEvent } from './keyframe-request-event.ts'
import type { MediaEnvironment } from './media-environment.ts'
import type { MediaStreamTrack } from './media-stream-track.ts'
import { Readiness } from './readiness.ts'
import { SourceCore } from './source-core.ts'
import { TargetBitrateEvent } from './target-bitrate-event.ts'
import type { MediaKind } from './track-signal.ts'

/** The events of a source, by type. */
export interface TrackSourceEventMap {
  keyframerequest: KeyframeRequestEvent
  targetbitrate: TargetBitrateEvent
}

export interface WrittenTrackOptions {
  readonly kind: MediaKind
  readonly label: string
  readonly environment: MediaEnvironment
  /** Nobody took the track, and now somebody does. */
  readonly started?: () => void
}

/** What is behind a {@link WrittenTrackSource}: made before it, so that it can be private to the class that writes as well. */
export class WrittenTrack {
  readonly core: SourceCore
  readonly readiness: Readiness
  /** Where events are fired. */
  target: EventTarget | undefined
  keyframeRequests = 0

  constructor({ kind, label, environment, started }: WrittenTrackOptions) {
    const readiness = new Readiness(environment.timers)
    this.readiness = readiness
    this.core = new SourceCore({
      kind,
      label,
      environment,
      keyframeRequested: rid => {
        this.keyframeRequests++
        this.target?.dispatchEvent(new KeyframeRequestEvent('keyframerequest', { rid: rid ?? null }))
      },
      targetChanged: ({ rid = null, bitrate, ...encoding }) => {
        this.target?.dispatchEvent(new TargetBitrateEvent('targetbitrate', { rid, bitrate, encoding }))
      },
      started: () => {
        readiness.ready()
        started?.()
      },
      drained: () => readiness.ready(),
      closed: () => readiness.fail(new DOMException('the source is closed', 'InvalidStateError')),
    })
  }
}

/** What the sources have in common that an application writes to: the track, its end, and what the writer is told. */
export class WrittenTrackSource extends TypedEventTarget<TrackSourceEventMap> {
  static {
    exposeInterface(WrittenTrackSource, 'WrittenTrackSource', { implementedBy: value => #written in value })
  }

  readonly #written: WrittenTrack

  /** @internal Not constructible by applications. */
  constructor(written: WrittenTrack) {
    super()
    this.#written = written
    written.target = this
  }

  get track(): MediaStreamTrack {
    return this.#written.core.handle.track
  }

  get closed(): boolean {
    return this.#written.core.closed
  }

  /**
   * Resolved when it is worth writing again, after `write` has returned false: somebody takes the track, and what waits to be
   * sent is less. Rejected with an InvalidStateError once the source is closed.
   */
  get ready(): Promise<void> {
    return this.#written.readiness.promise
  }

  /** Ends the track. */
  close(): void {
    this.#written.core.close()
  }

  get onkeyframerequest(): HeldEventHandler {
    return getEventHandler(this, 'keyframerequest')
  }

  set onkeyframerequest(handler: EventHandler<this, KeyframeRequestEvent>) {
    setEventHandler(this, 'keyframerequest', handler)
  }

  /** What the writer is to produce: how much connections have room for, and what they ask of each encoding. */
  get ontargetbitrate(): HeldEventHandler {
    return getEventHandler(this, 'targetbitrate')
  }

  set ontargetbitrate(handler: EventHandler<this, TargetBitrateEvent>) {
    setEventHandler(this, 'targetbitrate', handler)
  }
}
