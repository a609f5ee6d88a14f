import type { ChunkReader } from './packet.ts'

/**
 * Runs of TSNs as the gap blocks of a SACK report them, in ascending order. A TSN is given as its distance from the first
 * one that is not cumulatively acknowledged, so that it is the place of its chunk among the outstanding ones.
 */
export class GapBlocks {
  readonly starts: number[] = []
  readonly ends: number[] = []
  count = 0

  clear(): void {
    this.count = 0
  }

  add(start: number, end: number): void {
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.count++
  }

  start(block: number): number {
    return this.starts[block] as number
  }

  end(block: number): number {
    return this.ends[block] as number
  }

  /** The cumulative TSN moved by so many. */
  shift(by: number): void {
    let kept = 0
    for (let i = 0; i < this.count; i++) {
      const end = this.end(i) - by
      if (end < 0) continue
      this.starts[kept] = Math.max(this.start(i) - by, 0)
      this.ends[kept] = end
      kept++
    }
    this.count = kept
  }

  /** Calls back with every run, ends included, that these blocks have and the others have not. */
  beyond(others: GapBlocks, visit: (from: number, to: number) => void): void {
    let other = 0
    for (let i = 0; i < this.count; i++) {
      let from = this.start(i)
      const end = this.end(i)
      while (from <= end) {
        while (other < others.count && others.end(other) < from) other++
        const otherStart = other < others.count ? others.start(other) : Number.POSITIVE_INFINITY
        if (otherStart <= from) {
          from = others.end(other) + 1
          continue
        }
        const to = Math.min(end, otherStart - 1)
        visit(from, to)
        from = to + 1
      }
    }
  }
}

/** A received SACK (RFC 9260 §3.3.4). */
export class Sack {
  cumulativeTsn = 0
  /** a_rwnd: the bytes that the receiver has room for. */
  window = 0
  /** Whether it says which TSNs arrived beyond the cumulative one: a SHUTDOWN does not. */
  tellsGaps = true
  readonly blocks: GapBlocks = new GapBlocks()
  readonly #duplicates: number[] = []

  /** Reads the current chunk; false if it is malformed. */
  read(chunk: ChunkReader): boolean {
    if (chunk.length < fixedSackBytes) return false
    const { view, offset } = chunk
    const blockCount = view.getUint16(offset + 8)
    const duplicateCount = view.getUint16(offset + 10)
    // The counts are the sender's word only: they must not reach beyond the chunk.
    if (fixedSackBytes + 4 * (blockCount + duplicateCount) > chunk.length) return false
    this.cumulativeTsn = view.getUint32(offset)
    this.window = view.getUint32(offset + 4)
    this.tellsGaps = true
    this.blocks.clear()
    let at = offset + fixedSackBytes
    let reached = -1
    for (let i = 0; i < blockCount; i++, at += 4) {
      const start = view.getUint16(at) - 1
      const end = view.getUint16(at + 2) - 1
      if (start < 0 || end < start) return false
      // RFC 9260 §6.7: from the lowest to the highest. Of what is not, the part that overlaps nothing is taken.
      if (end <= reached) continue
      this.blocks.add(Math.max(start, reached + 1), end)
      reached = end
    }
    this.#duplicates.length = 0
    for (let i = 0; i < duplicateCount; i++, at += 4) this.#duplicates.push(view.getUint32(at))
    return true
  }

  /** A SACK that tells a cumulative TSN and nothing else. */
  withoutGaps(cumulativeTsn: number): this {
    this.cumulativeTsn = cumulativeTsn
    this.tellsGaps = false
    this.blocks.clear()
    this.#duplicates.length = 0
    return this
  }

  /** The highest place that a gap block reports; -1 if there is none. */
  get highestPlace(): number {
    return this.blocks.count === 0 ? -1 : this.blocks.end(this.blocks.count - 1)
  }

  reportsDuplicate(tsn: number): boolean {
    return this.#duplicates.includes(tsn)
  }
}

const fixedSackBytes = 12
