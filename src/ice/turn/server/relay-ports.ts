import type { RandomSource } from '../../../base/environment.ts'
import { randomUint32 } from '../../../base/random.ts'

/** The ports to relay from, of one address family. */
export class RelayPorts {
  readonly #random: RandomSource
  readonly #min: number
  readonly #max: number
  readonly #taken = new Set<number>()

  constructor(random: RandomSource, [min, max]: readonly [number, number]) {
    this.#random = random
    this.#min = min
    this.#max = max
  }

  /**
   * Takes a free port, or with `pair` an even one and the next; undefined if there is none.
   *
   * RFC 8656 §7.2, RFC 6056 §3.3.1: the first that is free from a random one on. Nobody can tell it in advance.
   */
  take(kind: 'any' | 'even' | 'pair'): number | undefined {
    const span = this.#max - this.#min + 1
    const start = randomUint32(this.#random) % span
    for (let i = 0; i < span; i++) {
      const port = this.#min + ((start + i) % span)
      if (kind !== 'any' && port % 2 !== 0) continue
      if (this.#taken.has(port)) continue
      if (kind === 'pair' && (port + 1 > this.#max || this.#taken.has(port + 1))) continue
      this.#taken.add(port)
      if (kind === 'pair') this.#taken.add(port + 1)
      return port
    }
    return undefined
  }

  release(port: number): void {
    this.#taken.delete(port)
  }
}
