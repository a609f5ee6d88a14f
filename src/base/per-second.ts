/** Counts what anyone can cause, so that no more than so much of it happens in a second. */
export class PerSecond {
  readonly #max: number
  #since = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Whether one more may happen. */
  take(now: number): boolean {
    if (now >= this.#since + 1_000) {
      this.#since = now
      this.#count = 0
    }
    return ++this.#count <= this.#max
  }
}
