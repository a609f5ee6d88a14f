import type { RtpPacket } from '../../rtp/packet.ts'
import type { Constrainable, MediaTrackConstraints } from './constraints.ts'
import { EncodingTargets } from './encoding-targets.ts'
import { KeyframeRequests } from './keyframe-requests.ts'
import type { MediaEnvironment } from './media-environment.ts'
import { createTrack, type TrackHandle } from './media-stream-track.ts'
import { PacketFanout } from './packet-fanout.ts'
import { unconstrainable } from './select-settings.ts'
import type { EncodingTarget, MediaKind, StreamContext, TrackConsumer, TrackSource } from './track-signal.ts'

/** Streams (of a simulcast) that a source or a sink tells apart at once. */
export const maxStreams = 32

export interface SourceCoreOptions {
  readonly kind: MediaKind
  readonly label: string
  readonly environment: MediaEnvironment
  /** What applications may choose; nothing if not given. */
  readonly constrainable?: Constrainable
  /** Those that are met from the beginning. */
  readonly constraints?: MediaTrackConstraints
  readonly keyframeRequested: (rid: string | undefined) => void
  /** Nobody took packets, and now somebody does. */
  readonly started?: () => void
  /** Nobody takes packets any more. */
  readonly rested?: () => void
  readonly drained?: () => void
  /** What all consumers together want of an encoding is another thing now. */
  readonly targetChanged?: (target: EncodingTarget) => void
  readonly closed?: () => void
}

/** What the sources have in common that an application writes to: a track, and those who take its packets. */
export class SourceCore implements TrackSource {
  readonly kind: MediaKind
  readonly handle: TrackHandle
  readonly #options: SourceCoreOptions
  readonly #fanout = new PacketFanout(() => this.#consumersChanged())
  readonly #requests: KeyframeRequests
  readonly #targets: EncodingTargets
  #closed = false

  constructor(options: SourceCoreOptions) {
    const { kind, label, environment, keyframeRequested, constrainable = unconstrainable, constraints = {} } = options
    this.kind = kind
    this.#options = options
    this.#requests = new KeyframeRequests(environment, keyframeRequested)
    this.#targets = new EncodingTargets(environment, target => options.targetChanged?.(target))
    const { random } = environment
    this.handle = createTrack({ source: this, label, random, constrainable, constraints, stopped: () => this.close() })
  }

  /** The source was closed, or all of its tracks were stopped. */
  get closed(): boolean {
    return this.#closed
  }

  get hasConsumers(): boolean {
    return this.#fanout.size > 0
  }

  subscribe(consumer: TrackConsumer): () => void {
    return this.#fanout.subscribe(consumer)
  }

  requestKeyframe(rid?: string): void {
    if (this.kind === 'video') this.#requests.request(rid)
  }

  drained(): void {
    this.#options.drained?.()
  }

  encodingTargets(consumer: object, targets: readonly EncodingTarget[]): void {
    this.#targets.set(consumer, targets)
  }

  /** What each of them would have that says so. */
  get targets(): ReadonlyMap<object, readonly EncodingTarget[]> {
    return this.#targets.consumers
  }

  /** Whether somebody takes packets who does not say what they are to be. */
  get hasPlainConsumers(): boolean {
    return !this.#fanout.saysTargets
  }

  deliver(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean {
    return this.#fanout.deliver(packet, context, raw)
  }

  /** The tracks end; their `ended` is fired in a task of its own. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#requests.close()
    this.#targets.close()
    this.#options.closed?.()
    // mediacapture-streams §4.3.1.2: a track that ends for another reason than stop() does so in a task
    this.#options.environment.timers.endOfTurn(() => this.handle.end())
  }

  #consumersChanged(): void {
    if (this.#fanout.size > 0) this.#options.started?.()
    else this.#options.rested?.()
  }
}
