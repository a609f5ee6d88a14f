/** What takes part in the sharing; both numbers are the scheduler's. */
export interface Scheduled {
  /** The virtual time at which its next message begins. Whoever sends adds the cost of what it sent. */
  startsAt: number
  /** Who came first goes first where two begin at the same time. */
  turn: number
}

/**
 * Weighted fair queueing of streams (RFC 8260 §3.6), as start-time fair queueing: each message has a virtual time at which it
 * begins, the one that begins earliest is sent, and the next of its stream begins later by its bytes divided by the weight.
 * The clock stands at the beginning of the message that is being sent, so that a stream gains nothing by having been silent,
 * and one that returns is served next.
 *
 * RFC 9260 §3.3.1: the TSNs of a message are sequential, so that one that was begun is finished first. One stream is served
 * until {@link next}; those that wait are in a heap, and a stream that is alone costs nothing.
 */
export class StreamScheduler<T extends Scheduled> {
  #current: T | undefined
  /** A binary heap: the first begins earliest. */
  #waiting: T[] = []
  #time = 0
  /** The latest time at which a stream that has left would have gone on. */
  #latest = 0
  #turns = 0

  /** The stream that is served; undefined if none has anything to send. */
  get current(): T | undefined {
    return this.#current
  }

  /** A stream has something to send again. */
  add(stream: T): void {
    if (stream.startsAt < this.#time) stream.startsAt = this.#time
    stream.turn = this.#turns++
    if (this.#current === undefined) this.#serve(stream)
    else {
      this.#waiting.push(stream)
      this.#rise(this.#waiting.length - 1)
    }
  }

  /** A message of the current stream is over. */
  next(hasMore: boolean): void {
    const current = this.#current
    if (current === undefined) return
    const earliest = this.#waiting[0]
    if (!hasMore) this.#leave(current)
    else if (earliest === undefined || current.startsAt < earliest.startsAt) this.#serve(current)
    else {
      current.turn = this.#turns++
      this.#waiting[0] = current
      this.#sink()
      this.#serve(earliest)
    }
  }

  /** Forgets all streams but some. */
  keep(isKept: (stream: T) => boolean): void {
    this.#waiting = this.#waiting.filter(isKept).sort((a, b) => (isBefore(a, b) ? -1 : 1))
    if (this.#current !== undefined && !isKept(this.#current)) this.#leave(this.#current)
  }

  #serve(stream: T): void {
    this.#current = stream
    this.#time = stream.startsAt
  }

  #leave(stream: T): void {
    if (stream.startsAt > this.#latest) this.#latest = stream.startsAt
    const waiting = this.#waiting
    const next = waiting[0]
    if (next === undefined) {
      // What was sent in the busy time that ends here is forgotten.
      this.#current = undefined
      this.#time = this.#latest
      return
    }
    const last = waiting.pop()
    if (last !== undefined && last !== next) {
      waiting[0] = last
      this.#sink()
    }
    this.#serve(next)
  }

  #rise(from: number): void {
    const waiting = this.#waiting
    const stream = waiting[from] as T
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = waiting[above] as T
      if (!isBefore(stream, parent)) break
      waiting[place] = parent
      place = above
    }
    waiting[place] = stream
  }

  #sink(): void {
    const waiting = this.#waiting
    const stream = waiting[0] as T
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= waiting.length) break
      if (below + 1 < waiting.length && isBefore(waiting[below + 1] as T, waiting[below] as T)) below++
      if (!isBefore(waiting[below] as T, stream)) break
      waiting[place] = waiting[below] as T
      place = below
    }
    waiting[place] = stream
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.startsAt === b.startsAt ? a.turn < b.turn : a.startsAt < b.startsAt
}
