import { Queue } from '../../base/queue.ts'

export interface ItemQueueOptions<T> {
  readonly maxItems: number
  /** Of all items together, as `bytesOf` counts them. */
  readonly maxBytes: number
  readonly bytesOf: (item: T) => number
  /** An item was thrown away, unread. */
  readonly dropped: () => void
  /** Who reads has left, or has read everything. */
  readonly left: () => void
}

/**
 * Items on their way to a `for await`: a queue with a bound. Where items come faster than they are read, the oldest ones give
 * way.
 */
export class ItemQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: ItemQueueOptions<T>
  readonly #items = new Queue<T>()
  readonly #waiting = new Queue<(result: IteratorResult<T, undefined>) => void>()
  #bytes = 0
  /** No more items come. */
  #ended = false

  constructor(options: ItemQueueOptions<T>) {
    this.#options = options
  }

  get length(): number {
    return this.#items.length
  }

  push(value: T): void {
    if (this.#ended) return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      waiting({ done: false, value })
      return
    }
    const { maxItems, maxBytes, bytesOf, dropped } = this.#options
    this.#items.push(value)
    this.#bytes += bytesOf(value)
    while (this.#items.length > maxItems || (this.#bytes > maxBytes && this.#items.length > 1)) {
      this.#shift()
      dropped()
    }
  }

  /** Nothing is pushed any more; what is there can still be read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (let waiting = this.#waiting.shift(); waiting !== undefined; waiting = this.#waiting.shift()) {
      waiting({ done: true, value: undefined })
    }
    this.#options.left()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#shift() as T })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** The loop was left: everything is released. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end()
    this.#items.clear()
    this.#bytes = 0
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #shift(): T | undefined {
    const item = this.#items.shift()
    if (item !== undefined) this.#bytes -= this.#options.bytesOf(item)
    return item
  }
}
