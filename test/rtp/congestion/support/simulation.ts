import {
  BandwidthEstimator,
  type BandwidthOptions,
  type PacketReport,
} from '../../../../src/rtp/congestion/bandwidth-estimator.ts'
import { Pacer } from '../../../../src/rtp/congestion/pacer.ts'
import { ReceiveSideEstimator } from '../../../../src/rtp/congestion/receive-side-estimator.ts'
import { type Prng, prng } from '../../../support/prng.ts'

/** A bottleneck, in virtual time: ms, bits a second, bytes. */
export interface LinkOptions {
  /** From when on the link has which capacity; the first entry is from 0. */
  readonly capacity: readonly (readonly [from: number, bitrate: number])[]
  /** One way, without queue. */
  readonly delayMs?: number
  /** What does not fit is dropped. */
  readonly queueMs?: number
  /** The share of packets lost at random, 0 to 1. */
  readonly loss?: number
  /** The standard deviation, roughly, of what is added to each packet's delay, ms. Order is kept. */
  readonly jitterMs?: number
}

export interface FlowOptions extends BandwidthOptions {
  readonly startAt?: number
  /** The most that the encoder can make of its medium. */
  readonly encoderMax?: number
  readonly framesPerSecond?: number
  /** A frame this many times as large as the others, each `keyFrameEveryMs`. */
  readonly keyFrameEveryMs?: number
  readonly feedbackMs?: number
  /** The share of feedback lost, 0 to 1. */
  readonly feedbackLoss?: number
  /** The receiver sends REMB and the loss each second, instead of transport-wide feedback. */
  readonly usesRemb?: boolean
}

interface Flying {
  readonly flow: Flow
  readonly sequence: number
  readonly sentAt: number
  readonly size: number
  readonly at: number
}

/** One bottleneck, flows through it, and what an observer at the link would write down. */
export class Simulation {
  readonly #random: Prng
  readonly #link: Required<LinkOptions>
  readonly #flows: Flow[]
  readonly #flying: Flying[] = []
  #flyingHead = 0
  #freeAt = 0
  #lastArrival = 0
  #now = 0
  dropped = 0
  /** The delay in the queue that each packet met, with the time it was sent. */
  readonly queueing: { readonly at: number; readonly ms: number }[] = []

  constructor(seed: number, link: LinkOptions, flows: readonly FlowOptions[]) {
    this.#random = prng(seed)
    this.#link = { delayMs: 25, queueMs: 400, loss: 0, jitterMs: 0, ...link }
    this.#flows = flows.map(options => new Flow(options, this.#random))
  }

  flow(index: number): Flow {
    const flow = this.#flows[index]
    if (flow === undefined) throw new RangeError(`no flow ${index}`)
    return flow
  }

  run(until: number): this {
    for (; this.#now < until; this.#now++) {
      this.#deliver()
      for (const flow of this.#flows) {
        flow.step(this.#now, this.#link.delayMs, (sequence, size) => this.#carry(flow, sequence, size))
      }
    }
    return this
  }

  /** The longest time a packet waited in the queue of those sent between two times. */
  longestQueue(from: number, to: number): number {
    let longest = 0
    for (const { at, ms } of this.queueing) if (at >= from && at < to) longest = Math.max(longest, ms)
    return longest
  }

  meanQueue(from: number, to: number): number {
    const waits = this.queueing.filter(({ at }) => at >= from && at < to)
    return waits.reduce((sum, { ms }) => sum + ms, 0) / Math.max(waits.length, 1)
  }

  #carry(flow: Flow, sequence: number, size: number): void {
    const now = this.#now
    if (this.#random.float() < this.#link.loss) return
    const begin = Math.max(this.#freeAt, now)
    if (begin - now > this.#link.queueMs) {
      this.dropped++
      return
    }
    this.queueing.push({ at: now, ms: begin - now })
    this.#freeAt = this.#servedBy(begin, size * 8)
    const jitter =
      this.#link.jitterMs * Math.abs(this.#random.float() + this.#random.float() + this.#random.float() - 1.5)
    this.#lastArrival = Math.max(this.#freeAt + this.#link.delayMs + jitter, this.#lastArrival)
    this.#flying.push({ flow, sequence, sentAt: now, size, at: this.#lastArrival })
  }

  /** When so many bits have passed the bottleneck, if they are first in line at `at`. */
  #servedBy(at: number, bits: number): number {
    const { capacity } = this.#link
    for (let i = 0; i < capacity.length; i++) {
      const end = capacity[i + 1]?.[0] ?? Number.POSITIVE_INFINITY
      if (at >= end) continue
      const perMs = (capacity[i]?.[1] ?? 0) / 1_000
      if (bits <= (end - at) * perMs) return at + bits / perMs
      bits -= (end - at) * perMs
      at = end
    }
    throw new RangeError('the link ends with no capacity')
  }

  #deliver(): void {
    for (let next = this.#flying[this.#flyingHead]; next !== undefined && next.at <= this.#now; ) {
      next.flow.arrived(next.sequence, next.sentAt, next.size, next.at)
      next = this.#flying[++this.#flyingHead]
    }
    if (this.#flyingHead < 1_000) return
    this.#flying.splice(0, this.#flyingHead)
    this.#flyingHead = 0
  }
}

/** An encoder, pacer and estimator, and the receiver that reports to it. */
export class Flow {
  readonly estimator: BandwidthEstimator
  readonly pacer: Pacer<undefined>
  /** Targets that were told, with their time. */
  readonly targets: { readonly at: number; readonly bitrate: number }[] = []
  /** Bytes received in each tenth of a second. */
  readonly #received: number[] = []
  readonly #random: Prng
  readonly #options: Required<Omit<FlowOptions, keyof BandwidthOptions>>
  readonly #clockOffset: number
  #target: number
  #nextFrame: number
  #nextKeyFrame: number
  #nextFeedback: number
  #arrivals = new Map<number, number>()
  #base = 0
  #highest = -1
  #sent = -1
  readonly #receiver = new ReceiveSideEstimator()
  #nextLossReport = 1_000
  #inbox: { readonly at: number; readonly tell: (now: number) => void }[] = []
  paddingBytes = 0

  constructor(options: FlowOptions, random: Prng) {
    this.estimator = new BandwidthEstimator(options)
    this.#target = this.estimator.target
    this.pacer = new Pacer(this.#target)
    this.#random = random
    this.#options = {
      startAt: 0,
      encoderMax: Number.POSITIVE_INFINITY,
      framesPerSecond: 30,
      keyFrameEveryMs: Number.POSITIVE_INFINITY,
      feedbackMs: 50,
      feedbackLoss: 0,
      usesRemb: false,
      ...options,
    }
    this.#clockOffset = (random.float() - 0.3) * 1e7
    this.#nextFrame = this.#options.startAt
    this.#nextKeyFrame = this.#options.startAt + this.#options.keyFrameEveryMs
    this.#nextFeedback = this.#options.startAt + this.#options.feedbackMs
  }

  /** The mean rate received between two times (whole tenths of a second), bits a second. */
  rate(from: number, to: number): number {
    let bytes = 0
    for (let slot = from / 100; slot < to / 100; slot++) bytes += this.#received[slot] ?? 0
    return (bytes * 8_000) / (to - from)
  }

  /** The target as it was at a time. */
  targetAt(at: number): number {
    return this.targets.findLast(told => told.at <= at)?.bitrate ?? 0
  }

  arrived(sequence: number, sentAt: number, size: number, at: number): void {
    const slot = Math.floor(at / 100)
    this.#received[slot] = (this.#received[slot] ?? 0) + size
    this.#highest = Math.max(this.#highest, sequence)
    this.#arrivals.set(sequence, Math.floor((at + this.#clockOffset) * 4) / 4)
    if (this.#options.usesRemb) this.#receiver.receive(Math.floor((sentAt + 63_000) * 262.144), size, at)
  }

  step(now: number, delayMs: number, carry: (sequence: number, size: number) => void): void {
    if (now < this.#options.startAt) return
    this.#encode(now)
    if (this.#options.usesRemb) this.#remb(now, delayMs)
    else this.#feedback(now, delayMs)
    for (let next = this.#inbox[0]; next !== undefined && next.at <= now; next = this.#inbox[0]) {
      next.tell(now)
      this.#inbox.shift()
    }
    const due = this.estimator.pollTimeout()
    if (due !== undefined && due <= now) this.estimator.handleTimeout(now)
    for (let event = this.estimator.pollEvent(); event !== undefined; event = this.estimator.pollEvent()) {
      if (event.type === 'probe') this.pacer.startProbe(event.cluster, now)
      else {
        this.#target = event.bitrate
        this.pacer.setTarget(event.bitrate)
        this.targets.push({ at: now, bitrate: event.bitrate })
      }
    }
    for (let paced = this.pacer.pollTransmit(now); paced !== undefined; paced = this.pacer.pollTransmit(now)) {
      this.estimator.packetSent(paced.size, now, paced.cluster)
      this.#sent++
      if (paced.type === 'padding') this.paddingBytes += paced.size
      carry(this.#sent, paced.size)
    }
  }

  #encode(now: number): void {
    if (now < this.#nextFrame) return
    const interval = 1_000 / this.#options.framesPerSecond
    this.#nextFrame += interval
    const isKey = now >= this.#nextKeyFrame
    if (isKey) this.#nextKeyFrame += this.#options.keyFrameEveryMs
    const rate = Math.min(this.#target, this.#options.encoderMax)
    const bytes = ((rate * interval) / 8_000) * (0.8 + 0.4 * this.#random.float()) * (isKey ? 8 : 1)
    // An encoder that looks at what waits: it leaves a frame out.
    if (this.pacer.queueMs > 300 && !isKey) return
    const packets = Math.max(Math.ceil(bytes / 1_200), 1)
    for (let i = 0; i < packets; i++) this.pacer.enqueue(undefined, Math.ceil(bytes / packets), 'video', now)
  }

  #feedback(now: number, delayMs: number): void {
    if (now >= this.#nextFeedback) {
      this.#nextFeedback += this.#options.feedbackMs
      const reports: PacketReport[] = []
      for (; this.#base <= this.#highest; this.#base++) {
        const receivedAt = this.#arrivals.get(this.#base)
        this.#arrivals.delete(this.#base)
        reports.push({ sequenceNumber: this.#base & 0xffff, received: receivedAt !== undefined, receivedAt })
      }
      const lost = this.#random.float() < this.#options.feedbackLoss
      if (reports.length === 0 || lost) return
      this.#inbox.push({ at: now + delayMs, tell: at => void this.estimator.receiveFeedback(reports, at) })
    }
  }

  #remb(now: number, delayMs: number): void {
    this.#receiver.handleTimeout(now)
    const event = this.#receiver.pollEvent()
    if (event !== undefined) {
      this.#inbox.push({ at: now + delayMs, tell: at => this.estimator.receiveRemb(event.bitrate, at) })
    }
    if (now < this.#nextLossReport) return
    this.#nextLossReport += 1_000
    const expected = this.#highest + 1 - this.#base
    const fraction = expected > 0 ? 1 - this.#arrivals.size / expected : 0
    this.#base = this.#highest + 1
    this.#arrivals.clear()
    this.#inbox.push({ at: now + delayMs, tell: at => this.estimator.receiveLossReport(fraction, at) })
  }
}
