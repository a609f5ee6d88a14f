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
    const result = new Promise<T>((resolve, reject) => {
      this.#waiting.push(async () => {
        try {
          const value = await operation()
          // webrtc-pc §4.4.1.2, step 7.1: a closed connection leaves the promise unsettled
          if (!this.#closed) resolve(value)
        } catch (error) {
          if (!this.#closed) reject(error)
        }
      })
    })
    // webrtc-pc §4.4.1.2, step 7.4: before the reactions of the caller, who gets the promise after this
    result.then(this.#finished, this.#finished)
    this.#next()
    return result
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
    void operation()
  }

  /** webrtc-pc §4.4.1.2, steps 7.4.2 to 7.4.6 */
  readonly #finished = (): void => {
    this.#running = false
    if (this.#closed) return
    if (this.#waiting.length > 0) this.#next()
    else this.#onEmpty()
  }
}
