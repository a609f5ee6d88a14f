import { earliest } from '../../base/deadlines.ts'
import type { SansIo } from '../../base/machine.ts'
import { Queue } from '../../base/queue.ts'
import {
  burstTimeMs,
  defaultStartBitrate,
  drainMs,
  maxCatchUpMs,
  maxDebtMs,
  maxPacerDelayMs,
  maxPacerPackets,
  maxPacingFactor,
  pacingFactor,
  paddingBytes,
} from './limits.ts'
import type { ProbeCluster } from './prober.ts'

/** In the order in which they leave. A retransmission is overdue already; audio is small and is heard at once. */
export type PacerPriority = 'audio' | 'retransmission' | 'video'

const priorities: readonly PacerPriority[] = ['audio', 'retransmission', 'video']

/** To be sent now. */
export type Paced<Packet> =
  | {
      readonly type: 'packet'
      readonly packet: Packet
      /** Bytes. */
      readonly size: number
      readonly priority: PacerPriority
      /** For {@link BandwidthEstimator.packetSent}; 0 for no probe. */
      readonly cluster: number
    }
  /** A probe needs a packet and none waits: anything of about this size (an old packet again, by RTX, or padding). */
  | { readonly type: 'padding'; readonly size: number; readonly cluster: number }

/** Packets that have waited too long were thrown away; if there was video among them, it takes a key frame to go on. */
export interface PacerEvent {
  readonly type: 'expired'
  readonly audio: number
  readonly retransmission: number
  readonly video: number
}

export type PacerDrop = { readonly drop: 'queue-full' }

const queueFull: PacerDrop = { drop: 'queue-full' }

/**
 * Sends at the pace of the target: draft-ietf-rmcat-gcc-02 §4.
 *
 * A leaky bucket. Every burst_time (5 ms) it may send what the rate allows for that time, so that the packets of a frame leave
 * evenly instead of at once. It is a little faster than the target, and hurries when a large frame is queued, so that the frame
 * is out in about 150 ms; never at more than 2.5 times the target. Audio leaves at once but is charged for. A probe has its own pace
 * and takes what waits, then padding.
 *
 * What is queued is bounded twice: by number (`enqueue` says so) and by age (an event says so).
 */
export class Pacer<Packet> implements SansIo<PacerEvent, Paced<Packet>> {
  #target: number
  readonly #queues: Readonly<Record<PacerPriority, Queue<Waiting<Packet>>>> = {
    audio: new Queue(),
    retransmission: new Queue(),
    video: new Queue(),
  }
  #queued = 0
  #queuedBytes = 0
  /** What it takes to have the queue sent in time, bits a second, since it was last empty. */
  #hurry = 0
  /** Bytes that may be sent; below zero: sent in advance. */
  #budget = 0
  #filledAt: number | undefined
  #probe: RunningProbe | undefined
  readonly #expired = { audio: 0, retransmission: 0, video: 0 }
  #hasExpired = false

  /** @param target bits a second */
  constructor(target: number = defaultStartBitrate) {
    this.#target = target
  }

  /** Packets waiting. */
  get queuedPackets(): number {
    return this.#queued
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** How long what is queued takes at the target, ms: an encoder that looks here can skip a frame in time. */
  get queueMs(): number {
    return (this.#queuedBytes * 8_000) / this.#target
  }

  /** @param target bits a second */
  setTarget(target: number): void {
    this.#target = Math.max(target, 1)
  }

  /** @param size bytes, with headers as far as they are known */
  enqueue(packet: Packet, size: number, priority: PacerPriority, now: number): PacerDrop | undefined {
    if (this.#queued >= maxPacerPackets) return queueFull
    this.#queues[priority].push({ type: 'packet', packet, size, priority, enqueuedAt: now, cluster: 0 })
    this.#queued++
    this.#queuedBytes += size
    this.#hurry = Math.max(this.#hurry, (this.#queuedBytes * 8_000) / drainMs)
    return undefined
  }

  /** Begins a probe; one that is under way ends. Its first packet leaves at once. */
  startProbe(cluster: ProbeCluster, now: number): void {
    this.#probe = { cluster, dueAt: now, startedAt: undefined, packets: 0, bytes: 0 }
  }

  pollTransmit(now: number): Paced<Packet> | undefined {
    this.#expire(now)
    if (this.#probe !== undefined) {
      const probing = this.#pollProbe(now)
      if (probing !== undefined) return probing
    }
    this.#fill(now)
    const audio = this.#take('audio')
    if (audio !== undefined) return this.#charge(audio)
    if (this.#budget <= 0) return undefined
    const next = this.#take('retransmission') ?? this.#take('video')
    return next && this.#charge(next)
  }

  pollTimeout(): number | undefined {
    const audioAt = this.#queues.audio.peek()?.enqueuedAt
    const mediaAt = this.#queued === 0 ? undefined : (audioAt ?? this.#mediaTime())
    return earliest(this.#probe?.dueAt, mediaAt)
  }

  /** Nothing is done on its own: {@link pollTransmit} follows. */
  handleTimeout(now: number): void {
    this.#expire(now)
  }

  pollEvent(): PacerEvent | undefined {
    if (!this.#hasExpired) return undefined
    const event: PacerEvent = { type: 'expired', ...this.#expired }
    this.#hasExpired = false
    for (const priority of priorities) this.#expired[priority] = 0
    return event
  }

  /** Bits a second. */
  #pace(): number {
    return Math.min(Math.max(this.#hurry, this.#target * pacingFactor), this.#target * maxPacingFactor)
  }

  #fill(now: number): void {
    const elapsed = this.#filledAt === undefined ? burstTimeMs : now - this.#filledAt
    // Steps shorter than burst_time would make many small groups of one large one.
    if (this.#filledAt !== undefined && now < this.#filledAt + burstTimeMs) return
    this.#filledAt = now
    const perMs = this.#pace() / 8_000
    // Debt is paid with the time that has passed; what an idle time would have allowed beyond is not saved up.
    this.#budget = Math.min(this.#budget + perMs * elapsed, perMs * Math.min(elapsed, maxCatchUpMs))
  }

  #charge(packet: Waiting<Packet>): Waiting<Packet> {
    // Audio and probes overdraw; beyond a bound it is forgiven, or video would starve.
    this.#budget = Math.max(this.#budget - packet.size, -(this.#target * maxDebtMs) / 8_000 - packet.size)
    return packet
  }

  #take(priority: PacerPriority): Waiting<Packet> | undefined {
    const packet = this.#queues[priority].shift()
    if (packet === undefined) return undefined
    this.#queued--
    this.#queuedBytes -= packet.size
    if (this.#queued === 0) this.#hurry = 0
    return packet
  }

  /** When the bucket has room for a packet that waits. */
  #mediaTime(): number | undefined {
    const filledAt = this.#filledAt ?? (this.#queues.retransmission.peek() ?? this.#queues.video.peek())?.enqueuedAt
    if (this.#filledAt === undefined || filledAt === undefined) return filledAt
    // Whole steps of burst_time: what may leave by then leaves together, as one group.
    const missing = this.#budget > 0 ? 0 : (-this.#budget * 8_000) / this.#pace()
    return filledAt + Math.max(Math.ceil(missing / burstTimeMs), 1) * burstTimeMs
  }

  #pollProbe(now: number): Paced<Packet> | undefined {
    const probe = this.#probe
    if (probe === undefined || now < probe.dueAt) return undefined
    const { cluster } = probe
    const waiting = this.#take('audio') ?? this.#take('retransmission') ?? this.#take('video')
    const size = waiting?.size ?? paddingBytes
    probe.startedAt ??= now
    probe.packets++
    probe.bytes += size
    probe.dueAt = probe.startedAt + (probe.bytes * 8_000) / cluster.bitrate
    if (probe.packets >= cluster.packets && probe.bytes >= cluster.bytes) this.#probe = undefined
    if (waiting === undefined) return { type: 'padding', size, cluster: cluster.id }
    waiting.cluster = cluster.id
    return this.#charge(waiting)
  }

  #expire(now: number): void {
    if (this.#queued === 0) return
    for (const priority of priorities) {
      const queue = this.#queues[priority]
      for (
        let head = queue.peek();
        head !== undefined && now - head.enqueuedAt > maxPacerDelayMs;
        head = queue.peek()
      ) {
        this.#take(priority)
        this.#expired[priority]++
        this.#hasExpired = true
      }
    }
  }
}

interface RunningProbe {
  readonly cluster: ProbeCluster
  dueAt: number
  /** When its first packet left: from there on its rate is kept. */
  startedAt: number | undefined
  packets: number
  bytes: number
}

interface Waiting<Packet> {
  readonly type: 'packet'
  readonly packet: Packet
  readonly size: number
  readonly priority: PacerPriority
  readonly enqueuedAt: number
  cluster: number
}
