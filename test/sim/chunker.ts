import type { Router } from './packet.ts'

/** How long the rest of a torn segment may take. */
const maxTornMs = 2

/** How many single bytes are told one by one when a segment falls apart. */
const maxCrumbs = 6

/**
 * Gives the bytes of a stream to its reader in pieces that have nothing to do with how they were written: whole, torn
 * in two, in crumbs down to one byte, or with the next segment.
 */
export class Chunker {
  readonly #router: Router
  readonly #tell: (data: Uint8Array | undefined) => void
  #pending: Uint8Array | undefined
  #isWaiting = false
  #hasEnded = false
  #stopped = false

  /** @param tell given each piece, and undefined at the end */
  constructor(router: Router, tell: (data: Uint8Array | undefined) => void) {
    this.#router = router
    this.#tell = tell
  }

  push(data: Uint8Array): void {
    if (this.#stopped) return
    this.#pending = this.#pending === undefined ? data : Buffer.concat([this.#pending, data])
    if (this.#isWaiting) return
    const { random } = this.#router
    const dice = random.float()
    if (dice < 0.5) {
      this.#flush()
      return
    }
    if (dice < 0.8) this.#give(random.next() % (this.#pending.length + 1))
    else for (let crumbs = 1 + (random.next() % maxCrumbs); crumbs > 0; crumbs--) this.#give(1)
    if (this.#pending !== undefined) this.#flushLater(random.float() * maxTornMs)
  }

  end(): void {
    this.#hasEnded = true
    if (!this.#isWaiting) this.#flush()
  }

  stop(): void {
    this.#stopped = true
    this.#pending = undefined
  }

  #flushLater(ms: number): void {
    this.#isWaiting = true
    this.#router.time.set(ms, () => {
      this.#isWaiting = false
      this.#flush()
    })
  }

  #flush(): void {
    this.#give(this.#pending?.length ?? 0)
    if (!this.#hasEnded || this.#stopped) return
    this.#stopped = true
    this.#tell(undefined)
  }

  #give(length: number): void {
    const pending = this.#pending
    if (pending === undefined || length === 0 || this.#stopped) return
    this.#pending = length >= pending.length ? undefined : pending.subarray(length)
    this.#tell(Uint8Array.from(pending.subarray(0, length)))
  }
}
