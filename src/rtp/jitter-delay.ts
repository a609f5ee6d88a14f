/** What the delay of a playout is kept within. */
export interface JitterDelayOptions {
  /** Of the timestamps, in Hz. */
  readonly clockRate: number
  readonly minDelayMs: number
  readonly maxDelayMs: number
}

/** Packets that the delay is computed from. */
const samples = 512
/** The share of them that must be in time. */
const inTime = 0.97
const bucketMs = 2
const buckets = 512
/** After so many packets the fastest of those before is forgotten, so that the estimate follows a clock that drifts. */
const packetsPerEpoch = 1_024

/**
 * How long to hold frames back so that nearly all are there when their turn comes: the delay by which nearly all of the last
 * packets were slower than the fastest one. Constant time for each packet.
 */
export class JitterDelay {
  readonly #msPerTick: number
  #minDelayMs: number
  #maxDelayMs: number
  /** The buckets of the last packets, and how many are in each. */
  readonly #ring = new Uint16Array(samples)
  readonly #counts = new Uint16Array(buckets)
  #count = 0
  #at = 0
  /** The fastest transit in this epoch and the one before: local time less the time by the timestamps. */
  #fastest = Number.POSITIVE_INFINITY
  #fastestBefore = Number.POSITIVE_INFINITY
  #inEpoch = 0
  #place = 0
  #lastTimestamp: number | undefined
  #delayMs: number
  #stale = false

  constructor({ clockRate, minDelayMs, maxDelayMs }: JitterDelayOptions) {
    this.#msPerTick = 1_000 / clockRate
    this.#minDelayMs = minDelayMs
    this.#maxDelayMs = maxDelayMs
    this.#delayMs = minDelayMs
  }

  /** The delay in milliseconds that the packets ask for by now, within the bounds. */
  get delayMs(): number {
    if (this.#stale) this.#delayMs = this.#compute()
    this.#stale = false
    return this.#delayMs
  }

  /** Other bounds from now on. */
  setBounds(minDelayMs: number, maxDelayMs: number): void {
    this.#minDelayMs = minDelayMs
    this.#maxDelayMs = maxDelayMs
    this.#stale = true
  }

  /** Takes note of a packet, also of one that came too late. */
  receive(timestamp: number, now: number): void {
    const transit = now - this.#unwrap(timestamp) * this.#msPerTick
    if (++this.#inEpoch > packetsPerEpoch) {
      this.#inEpoch = 0
      this.#fastestBefore = this.#fastest
      this.#fastest = transit
    }
    if (transit < this.#fastest) this.#fastest = transit
    this.#sample(transit - this.#base)
  }

  /** When a frame is due, in local milliseconds. */
  playoutAt(timestamp: number): number {
    return this.#base + this.#peek(timestamp) * this.#msPerTick + this.delayMs
  }

  get #base(): number {
    return Math.min(this.#fastest, this.#fastestBefore)
  }

  #sample(lateMs: number): void {
    const bucket = Math.min(buckets - 1, Math.max(0, Math.ceil(lateMs / bucketMs)))
    if (this.#count === samples) {
      const oldest = this.#ring[this.#at] as number
      this.#counts[oldest] = (this.#counts[oldest] as number) - 1
    } else this.#count++
    this.#ring[this.#at] = bucket
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#at = (this.#at + 1) % samples
    this.#stale = true
  }

  #compute(): number {
    const needed = this.#count * inTime
    let sum = 0
    let bucket = 0
    for (; bucket < buckets - 1; bucket++) {
      sum += this.#counts[bucket] as number
      if (sum >= needed) break
    }
    return Math.min(this.#maxDelayMs, Math.max(this.#minDelayMs, bucket * bucketMs))
  }

  /** A timestamp's place on an endless line, nearest to the last one. */
  #peek(timestamp: number): number {
    if (this.#lastTimestamp === undefined) return this.#place
    return this.#place + ((timestamp - this.#lastTimestamp) | 0)
  }

  #unwrap(timestamp: number): number {
    const place = this.#peek(timestamp)
    if (this.#lastTimestamp === undefined || place > this.#place) {
      this.#place = place
      this.#lastTimestamp = timestamp
    }
    return place
  }
}
