import { ItemQueue } from './item-queue.ts'

/** How much an async iterator of a sink keeps that is not read. */
export interface OutletBounds {
  readonly maxItems: number
  readonly maxBytes: number
}

/** Whom a sink gives to: a handler, and any number of async iterators. */
export class SinkOutlets<T> {
  handler: ((item: T) => unknown) | null = null
  readonly #bounds: OutletBounds
  readonly #bytesOf: (item: T) => number
  readonly #queues = new Set<ItemQueue<T>>()
  #dropped = 0
  #ended = false

  constructor(bounds: OutletBounds, bytesOf: (item: T) => number) {
    this.#bounds = bounds
    this.#bytesOf = bytesOf
  }

  /** Items that iterators have thrown away because they were not read in time. */
  get dropped(): number {
    return this.#dropped
  }

  get iterators(): number {
    return this.#queues.size
  }

  /** What comes from now on. */
  iterate(): ItemQueue<T> {
    const queue: ItemQueue<T> = new ItemQueue<T>({
      ...this.#bounds,
      bytesOf: this.#bytesOf,
      dropped: () => {
        this.#dropped++
      },
      left: () => {
        this.#queues.delete(queue)
      },
    })
    if (this.#ended) queue.end()
    else this.#queues.add(queue)
    return queue
  }

  give(item: T): void {
    if (this.#ended) return
    if (this.#queues.size > 0) for (const queue of this.#queues) queue.push(item)
    if (this.handler === null) return
    try {
      this.handler(item)
    } catch (error) {
      // As Node does with a listener that throws: it is no concern of who brought the packet.
      process.nextTick(rethrow, error)
    }
  }

  /** Iterators come to their end, once what they hold was read. */
  end(): void {
    this.#ended = true
    for (const queue of [...this.#queues]) queue.end()
  }
}

function rethrow(error: unknown): never {
  throw error
}
