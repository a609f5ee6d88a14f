import type { CancelTimer } from '../../base/environment.ts'
import { soon } from './keyframe-requests.ts'
import type { MediaEnvironment } from './media-environment.ts'
import type { EncodingTarget } from './track-signal.ts'

/** Encoders are not told more often: estimates change with each feedback, and of each of a hundred connections. */
export const tellIntervalMs = 50

/** What all consumers of a source want of its encodings: no more than each of them takes. */
export class EncodingTargets {
  readonly #environment: MediaEnvironment
  readonly #fire: (target: EncodingTarget) => void
  readonly #consumers = new Map<object, readonly EncodingTarget[]>()
  /** What was told last, by rid. */
  readonly #told = new Map<string | undefined, EncodingTarget>()
  #toldAt = Number.NEGATIVE_INFINITY
  #cancel: CancelTimer | undefined
  #closed = false

  constructor(environment: MediaEnvironment, fire: (target: EncodingTarget) => void) {
    this.#environment = environment
    this.#fire = fire
  }

  /** @param targets none: it takes no packets any more */
  set(consumer: object, targets: readonly EncodingTarget[]): void {
    if (this.#closed) return
    if (targets.length === 0) this.#consumers.delete(consumer)
    else this.#consumers.set(consumer, targets)
    if (this.#cancel !== undefined) return
    const { clock, timers } = this.#environment
    const waitMs = Math.max(0, this.#toldAt + tellIntervalMs - clock.now())
    const tell = (): void => this.#tell()
    // At the earliest in a microtask: several may change at once, and who says so is in the middle of something.
    this.#cancel = waitMs === 0 ? soon(tell) : timers.set(waitMs, tell)
  }

  /** What each of them wants. */
  get consumers(): ReadonlyMap<object, readonly EncodingTarget[]> {
    return this.#consumers
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#consumers.clear()
    this.#told.clear()
  }

  #tell(): void {
    this.#cancel = undefined
    this.#toldAt = this.#environment.clock.now()
    const byRid = new Map<string | undefined, EncodingTarget>()
    for (const target of [...this.#consumers.values()].flat()) {
      const before = byRid.get(target.rid)
      byRid.set(target.rid, before === undefined ? target : common(before, target))
    }
    // Whom nobody wants any more begins anew when somebody does.
    for (const rid of [...this.#told.keys()]) if (!byRid.has(rid)) this.#told.delete(rid)
    for (const [rid, target] of byRid) {
      const told = this.#told.get(rid)
      if (told !== undefined && isSame(told, target)) continue
      this.#told.set(rid, target)
      this.#fire(target)
      // Who was told may have closed the source.
      if (this.#closed) return
    }
  }
}

/** What suits both; who does not take it at all has no say. */
function common(a: EncodingTarget, b: EncodingTarget): EncodingTarget {
  if (!a.active) return b
  if (!b.active) return a
  return {
    rid: a.rid,
    active: true,
    bitrate: Math.min(a.bitrate, b.bitrate),
    maxBitrate: least(a.maxBitrate, b.maxBitrate),
    maxFramerate: least(a.maxFramerate, b.maxFramerate),
    scaleResolutionDownBy: most(a.scaleResolutionDownBy, b.scaleResolutionDownBy),
    codec: a.codec ?? b.codec,
    ...commonWishes(a, b),
  }
}

/** What few ask for. The smaller picture and the shorter packet suit both; layers are those of who asks for some. */
function commonWishes(a: EncodingTarget, b: EncodingTarget): Partial<EncodingTarget> {
  const scaleResolutionDownTo = smaller(a.scaleResolutionDownTo, b.scaleResolutionDownTo)
  const scalabilityMode = a.scalabilityMode ?? b.scalabilityMode
  const ptime = least(a.ptime, b.ptime)
  const degradationPreference = a.degradationPreference ?? b.degradationPreference
  return {
    ...(scaleResolutionDownTo === undefined ? {} : { scaleResolutionDownTo }),
    ...(scalabilityMode === undefined ? {} : { scalabilityMode }),
    ...(ptime === undefined ? {} : { ptime }),
    ...(degradationPreference === undefined ? {} : { degradationPreference }),
    ...(a.adaptivePtime === true && b.adaptivePtime === true ? { adaptivePtime: true } : {}),
  }
}

type Restriction = EncodingTarget['scaleResolutionDownTo']

/** webrtc-extensions §7.1: it does not matter which side is which. */
function smaller(a: Restriction, b: Restriction): Restriction {
  if (a === undefined || b === undefined) return a ?? b
  return pixels(a) <= pixels(b) ? a : b
}

function pixels({ maxWidth = 0, maxHeight = 0 }: NonNullable<Restriction>): number {
  return maxWidth * maxHeight
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

function most(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

function isSame(a: EncodingTarget, b: EncodingTarget): boolean {
  return (
    a.bitrate === b.bitrate &&
    a.active === b.active &&
    a.maxBitrate === b.maxBitrate &&
    a.maxFramerate === b.maxFramerate &&
    a.scaleResolutionDownBy === b.scaleResolutionDownBy &&
    a.scaleResolutionDownTo?.maxWidth === b.scaleResolutionDownTo?.maxWidth &&
    a.scaleResolutionDownTo?.maxHeight === b.scaleResolutionDownTo?.maxHeight &&
    a.scalabilityMode === b.scalabilityMode &&
    a.ptime === b.ptime &&
    a.adaptivePtime === b.adaptivePtime &&
    a.degradationPreference === b.degradationPreference &&
    isSameCodec(a.codec, b.codec)
  )
}

function isSameCodec(a: EncodingTarget['codec'], b: EncodingTarget['codec']): boolean {
  return (
    a?.mimeType === b?.mimeType &&
    a?.clockRate === b?.clockRate &&
    a?.channels === b?.channels &&
    a?.sdpFmtpLine === b?.sdpFmtpLine
  )
}
