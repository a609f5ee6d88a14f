import type { RTCStats } from './stats/dictionaries.ts'
import { domString, exposeInterface, requireArguments, requireToken } from './webidl.ts'

/**
 * One of the dictionaries of webrtc-stats, as TypeScript's lib.dom gives them out: applications look at `type` and read on.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in lib.dom, against which applications are written
type AnyStats = any

/** webrtc-pc §8.4: a read-only map from identifiers to statistics. */
export class RTCStatsReport {
  static {
    exposeInterface(RTCStatsReport, 'RTCStatsReport', { constructorLength: 0 })
    // WebIDL §3.7.11.5: what iterates over a map is its `entries`
    Object.defineProperty(RTCStatsReport.prototype, Symbol.iterator, { value: RTCStatsReport.prototype.entries })
  }

  readonly #entries: ReadonlyMap<string, RTCStats>

  /** @internal Not constructible by applications. */
  constructor(token: symbol, entries: readonly RTCStats[]) {
    requireToken(token)
    this.#entries = new Map(entries.map(entry => [entry.id, entry]))
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): AnyStats {
    const entries = this.#entries
    requireArguments(arguments.length, 1, 'RTCStatsReport.get')
    return entries.get(domString(id, 'RTCStatsReport.get: argument 1'))
  }

  has(id: string): boolean {
    const entries = this.#entries
    requireArguments(arguments.length, 1, 'RTCStatsReport.has')
    return entries.has(domString(id, 'RTCStatsReport.has: argument 1'))
  }

  keys(): MapIterator<string> {
    return this.#entries.keys()
  }

  values(): MapIterator<AnyStats> {
    return this.#entries.values()
  }

  entries(): MapIterator<[string, AnyStats]> {
    return this.#entries.entries()
  }

  forEach(
    callback: (value: AnyStats, key: string, report: RTCStatsReport) => void,
    thisArg: unknown = undefined,
  ): void {
    const entries = this.#entries
    if (typeof callback !== 'function') throw new TypeError('RTCStatsReport.forEach: argument 1 is not a function')
    for (const [key, value] of entries) callback.call(thisArg, value, key, this)
  }

  [Symbol.iterator](): MapIterator<[string, AnyStats]> {
    return this.entries()
  }
}
