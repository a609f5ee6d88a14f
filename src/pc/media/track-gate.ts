import { Queue } from '../../base/queue.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
import { PacketFanout } from './packet-fanout.ts'
import type { EncodingTarget, MediaKind, StreamContext, TrackConsumer, TrackSource } from './track-signal.ts'

/**
 * Packets that are kept while a track is muted. The first ones of a stream arrive before the task that unmutes the track has
 * run, and a keyframe begins with them.
 */
export const maxHeldPackets = 64

/** What a consumer of a track sees: the packets of its source, while the track is live, enabled and not muted. */
export class TrackGate implements TrackSource, TrackConsumer {
  readonly kind: MediaKind
  readonly #source: TrackSource
  readonly #fanout = new PacketFanout(() => this.#update())
  readonly #held = new Queue<[RtpPacket, StreamContext, Uint8Array | undefined]>()
  /** What those want who listen. */
  readonly #targets = new Map<object, readonly EncodingTarget[]>()
  #muted: boolean
  #enabled = true
  #ended = false
  #unsubscribe: (() => void) | undefined

  constructor(source: TrackSource, muted: boolean) {
    this.kind = source.kind
    this.#source = source
    this.#muted = muted
  }

  get muted(): boolean {
    return this.#muted
  }

  set muted(muted: boolean) {
    this.#muted = muted
    if (muted) return
    for (let held = this.#held.shift(); held !== undefined; held = this.#held.shift()) this.#fanout.deliver(...held)
  }

  get enabled(): boolean {
    return this.#enabled
  }

  set enabled(enabled: boolean) {
    if (this.#enabled === enabled) return
    this.#enabled = enabled
    this.#update()
    // What was left out cannot be decoded around.
    if (this.#unsubscribe !== undefined) this.requestKeyframe()
  }

  get ended(): boolean {
    return this.#ended
  }

  end(): void {
    this.#ended = true
    this.#update()
  }

  subscribe(consumer: TrackConsumer): () => void {
    return this.#fanout.subscribe(consumer)
  }

  requestKeyframe(rid?: string): void {
    if (this.kind === 'video' && this.#enabled && !this.#ended) this.#source.requestKeyframe(rid)
  }

  drained(): void {
    this.#source.drained?.()
  }

  get jitterBufferTarget(): number | null | undefined {
    return this.#source.jitterBufferTarget
  }

  get saysTargets(): boolean {
    return this.#fanout.saysTargets
  }

  encodingTargets(consumer: object, targets: readonly EncodingTarget[]): void {
    if (targets.length === 0) this.#targets.delete(consumer)
    else this.#targets.set(consumer, targets)
    if (this.#unsubscribe !== undefined || targets.length === 0) this.#source.encodingTargets?.(consumer, targets)
  }

  packet(packet: RtpPacket, context: StreamContext, raw: Uint8Array | undefined): boolean {
    if (!this.#muted) return this.#fanout.deliver(packet, context, raw)
    // mediacapture-streams §4.3.1.1: a muted track is given no samples
    if (this.#held.length === maxHeldPackets) this.#held.shift()
    this.#held.push([packet, context, raw])
    return true
  }

  /** mediacapture-streams §4.3.1.1: media flows only while the track is live and enabled; a source that nobody listens to may rest. */
  #update(): void {
    const flows = !this.#ended && this.#enabled && this.#fanout.size > 0
    if (flows === (this.#unsubscribe !== undefined)) return
    if (flows) {
      this.#unsubscribe = this.#source.subscribe(this)
      for (const [consumer, targets] of this.#targets) this.#source.encodingTargets?.(consumer, targets)
    } else {
      this.#unsubscribe?.()
      this.#unsubscribe = undefined
      this.#held.clear()
      for (const consumer of this.#targets.keys()) this.#source.encodingTargets?.(consumer, [])
    }
  }
}
