import { minRateSpanMs, rateBucketMs, rateWindowMs, recentRateMs } from './limits.ts'

const buckets = rateWindowMs / rateBucketMs

/** Bits a second over the last half second of whatever clock its times are of: R_hat of draft-ietf-rmcat-gcc-02 §5.5. */
export class RateWindow {
  readonly #bytes = new Float64Array(buckets)
  #total = 0
  #first: number | undefined
  #newest = 0

  add(size: number, at: number): void {
    const bucket = Math.floor(at / rateBucketMs)
    if (this.#first === undefined || bucket <= this.#newest - 2 * buckets) this.#restart(bucket)
    // Late, but not so late that the clock must have jumped: it belongs to a past that is measured already.
    else if (bucket <= this.#newest - buckets) return
    else if (bucket > this.#newest) this.#advance(bucket)
    const slot = slotOf(bucket)
    this.#bytes[slot] = (this.#bytes[slot] ?? 0) + size
    this.#total += size
  }

  /** Bits a second, or undefined while too little was seen. */
  get bitrate(): number | undefined {
    if (this.#first === undefined) return undefined
    const span = Math.min(this.#newest - this.#first + 1, buckets) * rateBucketMs
    return span < minRateSpanMs ? undefined : (this.#total * 8_000) / span
  }

  /** The rate over the last part of the window: noisier, but of now. */
  get recentBitrate(): number | undefined {
    const count = recentRateMs / rateBucketMs
    if (this.#first === undefined || this.#newest - this.#first < count) return this.bitrate
    let bytes = 0
    for (let bucket = this.#newest - count; bucket < this.#newest; bucket++) bytes += this.#bytes[slotOf(bucket)] ?? 0
    return (bytes * 8_000) / recentRateMs
  }

  #restart(bucket: number): void {
    this.#bytes.fill(0)
    this.#total = 0
    this.#first = bucket
    this.#newest = bucket
  }

  #advance(bucket: number): void {
    // After a pause longer than the window the rate is that of what comes now, not of the pause.
    if (bucket - this.#newest >= buckets) {
      this.#restart(bucket)
      return
    }
    for (let passed = this.#newest + 1; passed <= bucket; passed++) {
      const slot = slotOf(passed)
      this.#total -= this.#bytes[slot] ?? 0
      this.#bytes[slot] = 0
    }
    this.#newest = bucket
  }
}

/** Receivers count from an arbitrary start, which may lie ahead. */
function slotOf(bucket: number): number {
  return ((bucket % buckets) + buckets) % buckets
}
