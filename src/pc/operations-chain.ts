import { Queue } from '../base/queue.ts'

type Operation = () => Promise<void>

/**
 * The operations chain: at most one asynchronous operation of a connection runs at a time, the others wait in order.
 *
 * webrtc-pc §4.4.1.2. After `close()` the promises of unfinished operations never settle, as the text prescribes.
 */
export class OperationsChain {
  readonly #waiting = new Queue<Operation>()
  readonly #onEmpty: () => void
  #running = false
  #closed = false

  /** @param onEmpty called each time the last operation has finished */
  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty
  }

  get isEmpty(): boolean {
    return !this.#running && this.#waiting.length === 0
  }

  /** Runs `operation` after all that were chained before; its result becomes the result. */
  chain<T>(operation: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(async () => {
        try {
          const value = await operation()
          // webrtc-pc §4.4.1.2, step 7.1: a closed connection leaves the promise unsettled
          if (!this.#closed) resolve(value)
        } catch (error) {
          if (!this.#closed) reject(error)
        }
      })
      this.#next()
    })
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
  }

  #next(): void {
    if (this.#running) return
    const operation = this.#waiting.shift()
    if (operation === undefined) return
    this.#running = true
    // The operation handles its own failures; the reactions of its caller run before the next operation starts.
    void operation().then(() => {
      this.#running = false
      if (this.#closed) return
      if (this.#waiting.length > 0) this.#next()
      else this.#onEmpty()
    })
  }
}
