import type { SdpSession } from '../../../sdp/index.ts'

/**
 * Names for the sections of one offer.
 *
 * RFC 8829 §5.2.1: counted for each connection, so that they tell nothing of the user and are short. A section that is
 * recycled has a new name (§5.2.2), which none of the descriptions at hand has.
 */
export class MidGenerator {
  readonly #used = new Set<string>()
  #next: number

  constructor(descriptions: readonly (SdpSession | undefined)[], others: readonly (string | null)[]) {
    const mids = descriptions.flatMap(each => each?.media.map(({ mid }) => mid) ?? [])
    for (const mid of [...mids, ...others]) if (typeof mid === 'string') this.#used.add(mid)
    this.#next = Math.max(0, ...descriptions.map(each => each?.media.length ?? 0))
  }

  next(): string {
    while (this.#used.has(String(this.#next))) this.#next++
    return String(this.#next++)
  }
}
