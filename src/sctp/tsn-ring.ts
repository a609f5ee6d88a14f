import { receivedWindowTsns } from './limits.ts'

/**
 * Values by TSN, for TSNs that lie within one receive window: a ring with the place of a TSN at its value modulo the size.
 * It is allocated at the first use and grows to what the TSNs in use span.
 */
export class TsnRing<T> {
  #slots: (Entry<T> | undefined)[] = []
  #count = 0

  get(tsn: number): T | undefined {
    const entry = this.#slots[tsn & (this.#slots.length - 1)]
    return entry?.tsn === tsn ? entry.value : undefined
  }

  set(tsn: number, value: T): void {
    // TSNs within one window never meet in a ring of its size, so the growing ends there.
    while (this.#slots.length < receivedWindowTsns && !this.#isFree(tsn)) this.#grow()
    const place = tsn & (this.#slots.length - 1)
    if (this.#slots[place] === undefined) this.#count++
    this.#slots[place] = { tsn, value }
  }

  take(tsn: number): T | undefined {
    const place = tsn & (this.#slots.length - 1)
    const entry = this.#slots[place]
    if (entry?.tsn !== tsn) return undefined
    this.#slots[place] = undefined
    this.#count--
    if (this.#count === 0 && this.#slots.length > keptSlots) this.#slots = []
    return entry.value
  }

  /** The TSNs from `first` to `last`, both included, that have a value, in order. */
  keysBetween(first: number, last: number): number[] {
    const keys: number[] = []
    const distance = (last - first) >>> 0
    if (this.#count === 0) return keys
    for (const entry of this.#slots) {
      if (entry !== undefined && (entry.tsn - first) >>> 0 <= distance) keys.push(entry.tsn)
    }
    return keys.sort((a, b) => ((a - first) >>> 0) - ((b - first) >>> 0))
  }

  #isFree(tsn: number): boolean {
    return this.#slots.length > 0 && this.#slots[tsn & (this.#slots.length - 1)] === undefined
  }

  #grow(): void {
    const entries = this.#slots
    const capacity = Math.min(Math.max(firstSlots, entries.length * 2), receivedWindowTsns)
    this.#slots = new Array<Entry<T> | undefined>(capacity).fill(undefined)
    for (const entry of entries) if (entry !== undefined) this.#slots[entry.tsn & (capacity - 1)] = entry
  }
}

interface Entry<T> {
  readonly tsn: number
  readonly value: T
}

const firstSlots = 16
const keptSlots = 256
