import { exposeInterface } from './webidl.ts'

/** webrtc-stats §8.1: what every entry has; `timestamp` is milliseconds since 1970. */
export interface RTCStats {
  readonly id: string
  readonly type: string
  readonly timestamp: number
  readonly [member: string]: unknown
}

/** webrtc-pc §8.4: a read-only map from identifiers to statistics. */
export class RTCStatsReport {
  static {
    exposeInterface(RTCStatsReport, 'RTCStatsReport')
  }

  readonly #entries: ReadonlyMap<string, RTCStats>

  /** @internal */
  constructor(entries: readonly RTCStats[]) {
    this.#entries = new Map(entries.map(entry => [entry.id, entry]))
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): RTCStats | undefined {
    return this.#entries.get(id)
  }

  has(id: string): boolean {
    return this.#entries.has(id)
  }

  keys(): MapIterator<string> {
    return this.#entries.keys()
  }

  values(): MapIterator<RTCStats> {
    return this.#entries.values()
  }

  entries(): MapIterator<[string, RTCStats]> {
    return this.#entries.entries()
  }

  forEach(callback: (value: RTCStats, key: string, report: RTCStatsReport) => void, thisArg?: unknown): void {
    for (const [key, value] of this.#entries) callback.call(thisArg, value, key, this)
  }

  [Symbol.iterator](): MapIterator<[string, RTCStats]> {
    return this.entries()
  }
}
