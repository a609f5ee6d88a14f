import type { CancelTimer, Clock, Timers } from '../../src/base/environment.ts'

/** What virtual wall time starts with: 2026-01-01T00:00:00Z. */
const wallTimeAtStart = Date.UTC(2026, 0, 1)

interface ScheduledEvent {
  readonly at: number
  /** Among events of one instant: 0 first, then 1. */
  readonly rank: 0 | 1
  /** Among events of one instant and rank: in the order they were scheduled. */
  readonly sequence: number
  callback: (() => void) | undefined
}

/**
 * A clock that moves only from one event to the next, and the events themselves.
 *
 * The order is total (time, rank, sequence), so that the same calls give the same run.
 */
export class VirtualTime implements Clock, Timers {
  /** A binary heap: each event comes before its children at 2i + 1 and 2i + 2. */
  readonly #heap: ScheduledEvent[] = []
  #now = 0
  #scheduled = 0

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return wallTimeAtStart + Math.floor(this.#now)
  }

  set(delayMs: number, callback: () => void): CancelTimer {
    return this.#schedule(this.#now + Math.max(0, delayMs), 0, callback)
  }

  endOfTurn(callback: () => void): void {
    this.#schedule(this.#now, 1, callback)
  }

  /** When the next event is due; undefined if there is none. */
  next(): number | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.callback !== undefined) return first.at
      this.#pop()
    }
    return undefined
  }

  /** Moves to the next event and runs it. */
  step(): void {
    const at = this.next()
    if (at === undefined) return
    const event = this.#pop()
    this.#now = at
    const callback = event?.callback
    if (event !== undefined) event.callback = undefined
    callback?.()
  }

  /** Moves the clock on where no event is due before. */
  advanceTo(time: number): void {
    this.#now = Math.max(this.#now, time)
  }

  #schedule(at: number, rank: 0 | 1, callback: () => void): CancelTimer {
    const event: ScheduledEvent = { at, rank, sequence: this.#scheduled++, callback }
    this.#push(event)
    return () => {
      event.callback = undefined
    }
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = event
  }

  #pop(): ScheduledEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (left === undefined) break
      const smallerIsRight = right !== undefined && isBefore(right, left)
      const smaller = smallerIsRight ? right : left
      if (!isBefore(smaller, last)) break
      heap[at] = smaller
      at = 2 * at + (smallerIsRight ? 2 : 1)
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  if (a.at !== b.at) return a.at < b.at
  return a.rank === b.rank ? a.sequence < b.sequence : a.rank < b.rank
}
