/**
 * A table of named deadlines: the timers of a core, as data.
 *
 * Times are monotonic milliseconds, the same clock that the core is told.
 */
export class Deadlines<Name extends string> {
  readonly #times = new Map<Name, number>()

  set(name: Name, at: number): void {
    this.#times.set(name, at)
  }

  clear(name: Name): void {
    this.#times.delete(name)
  }

  clearAll(): void {
    this.#times.clear()
  }

  isSet(name: Name): boolean {
    return this.#times.has(name)
  }

  get(name: Name): number | undefined {
    return this.#times.get(name)
  }

  /** The earliest deadline, or undefined if none is set. */
  next(): number | undefined {
    let next: number | undefined
    for (const at of this.#times.values()) next = earliest(next, at)
    return next
  }

  /** Removes and returns the earliest deadline that has passed. Call it until it returns undefined. */
  expire(now: number): Name | undefined {
    let due: Name | undefined
    let dueAt = Number.POSITIVE_INFINITY
    for (const [name, at] of this.#times) {
      if (at <= now && at < dueAt) {
        due = name
        dueAt = at
      }
    }
    if (due !== undefined) this.#times.delete(due)
    return due
  }
}

/** The earlier of two deadlines that may be unset. */
export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || (b !== undefined && b < a) ? b : a
}
