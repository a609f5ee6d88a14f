import {
  firstProbeFactor,
  largeDrop,
  maxProbeCompression,
  maxProbeFailures,
  minProbeArrived,
  minProbeIntervalMs,
  minProbePackets,
  nextProbeFactor,
  probeDurationMs,
  probeSuccess,
  probeTimeoutMs,
  recoveryProbe,
  saturatedProbe,
  saturatedUse,
} from './limits.ts'

/** A burst that the pacer is to send at a given rate, to see how fast it comes out at the other end. */
export interface ProbeCluster {
  /** Above 0; to be told back with each packet sent for it. */
  readonly id: number
  /** Bits a second. */
  readonly bitrate: number
  /** It ends when so many packets and bytes were sent. */
  readonly packets: number
  readonly bytes: number
}

/**
 * Finds bandwidth in leaps, where the rate controller's 8 % a second would take a minute.
 *
 * At the start: a short burst at three times the rate; while what arrives confirms it, another at twice what was found. After
 * the rate has fallen a lot, once: a burst at nearly the rate of before. One probe at a time; each is a few packets only.
 */
export class Prober {
  readonly #start: number
  #active:
    | { readonly cluster: ProbeCluster; readonly purpose: Purpose; readonly since: number; tally: Tally }
    | undefined
  #queued: ProbeCluster | undefined
  #lastId = 0
  #failures = 0
  #lastAt = Number.NEGATIVE_INFINITY
  #begun = false
  /** What the target was before it fell. */
  #recoverTo: number | undefined

  constructor(start: number) {
    this.#start = start
  }

  /** When a probe without a result is given up; undefined if there is none. */
  deadline(roundTripMs: number): number | undefined {
    return this.#active && this.#active.since + probeTimeoutMs + roundTripMs
  }

  /** The next cluster to send. */
  poll(): ProbeCluster | undefined {
    const cluster = this.#queued
    this.#queued = undefined
    return cluster
  }

  /** The first feedback has come: there is somebody who would report. */
  begin(max: number, now: number): void {
    if (this.#begun) return
    this.#begun = true
    this.#launch(this.#start * firstProbeFactor, 'search', max, now)
  }

  /** Asks for a probe on the application's behalf; it may be refused. */
  request(bitrate: number, max: number, now: number): void {
    if (now - this.#lastAt >= minProbeIntervalMs) this.#launch(bitrate, 'search', max, now)
  }

  /** The target has changed. */
  targetChanged(from: number, to: number): void {
    if (to < from * largeDrop) this.#recoverTo = Math.max(from, this.#recoverTo ?? 0)
    else if (this.#recoverTo !== undefined && to >= this.#recoverTo * recoveryProbe) this.#recoverTo = undefined
  }

  /** The queue is short and the rate not falling: after a large drop, it is time to look for what was lost. */
  calm(max: number, now: number): void {
    if (this.#recoverTo === undefined || this.#active !== undefined || now - this.#lastAt < minProbeIntervalMs) return
    this.#launch(this.#recoverTo * recoveryProbe, 'recover', max, now)
    this.#recoverTo = undefined
  }

  handleTimeout(roundTripMs: number, max: number, now: number): void {
    const deadline = this.deadline(roundTripMs)
    if (this.#active === undefined || deadline === undefined || now < deadline) return
    const { cluster, purpose } = this.#active
    this.#active = undefined
    this.#queued = undefined
    // The burst, or the only feedback about it, was lost: that says nothing about the path, but not for ever.
    if (++this.#failures < maxProbeFailures) this.#launch(cluster.bitrate, purpose, max, now)
  }

  /** A packet that was sent for a cluster has arrived. */
  received(id: number, sentAt: number, receivedAt: number, size: number): void {
    if (this.#active?.cluster.id === id) this.#active.tally = tallied(this.#active.tally, sentAt, receivedAt, size)
  }

  /**
   * The result of the probe under way, if it has come in: bits a second that the path is found to carry.
   *
   * @param max where probes end
   */
  result(max: number, now: number): number | undefined {
    const active = this.#active
    if (active === undefined) return undefined
    const { cluster, tally, purpose } = active
    const isEnough =
      tally.packets >= cluster.packets * minProbeArrived && tally.bytes >= cluster.bytes * minProbeArrived
    if (!isEnough) return undefined
    this.#active = undefined
    this.#failures = 0
    const found = rateOf(tally)
    const hasMore = found !== undefined && found >= cluster.bitrate * probeSuccess && cluster.bitrate < max
    if (hasMore && purpose === 'search') {
      this.#launch(found * nextProbeFactor, 'search', max, now)
    }
    return found
  }

  #launch(wanted: number, purpose: Purpose, max: number, now: number): void {
    if (this.#active !== undefined) return
    const bitrate = Math.min(wanted, max)
    this.#lastId++
    this.#lastAt = now
    const bytes = Math.max(Math.ceil((bitrate * probeDurationMs) / 8_000), minProbePackets * 200)
    const cluster = { id: this.#lastId, bitrate, bytes, packets: minProbePackets }
    this.#active = { cluster, purpose, since: now, tally: emptyTally }
    this.#queued = cluster
  }
}

type Purpose = 'search' | 'recover'

interface Tally {
  readonly packets: number
  readonly bytes: number
  readonly firstSentAt: number
  readonly lastSentAt: number
  readonly lastSentSize: number
  readonly firstReceivedAt: number
  readonly firstReceivedSize: number
  readonly lastReceivedAt: number
}

const emptyTally: Tally = {
  packets: 0,
  bytes: 0,
  firstSentAt: Number.POSITIVE_INFINITY,
  lastSentAt: Number.NEGATIVE_INFINITY,
  lastSentSize: 0,
  firstReceivedAt: Number.POSITIVE_INFINITY,
  firstReceivedSize: 0,
  lastReceivedAt: Number.NEGATIVE_INFINITY,
}

function tallied(tally: Tally, sentAt: number, receivedAt: number, size: number): Tally {
  return {
    packets: tally.packets + 1,
    bytes: tally.bytes + size,
    firstSentAt: Math.min(tally.firstSentAt, sentAt),
    lastSentAt: Math.max(tally.lastSentAt, sentAt),
    lastSentSize: sentAt >= tally.lastSentAt ? size : tally.lastSentSize,
    firstReceivedAt: Math.min(tally.firstReceivedAt, receivedAt),
    firstReceivedSize: receivedAt < tally.firstReceivedAt ? size : tally.firstReceivedSize,
    lastReceivedAt: Math.max(tally.lastReceivedAt, receivedAt),
  }
}

function rateOf(tally: Tally): number | undefined {
  const sentMs = tally.lastSentAt - tally.firstSentAt
  const receivedMs = tally.lastReceivedAt - tally.firstReceivedAt
  if (sentMs <= 0 || receivedMs <= 0) return undefined
  // The last packet takes up no time before the end of the sending, the first none after the begin of the receiving.
  const sent = ((tally.bytes - tally.lastSentSize) * 8_000) / sentMs
  const received = ((tally.bytes - tally.firstReceivedSize) * 8_000) / receivedMs
  if (received > sent * maxProbeCompression) return undefined
  // A link that slowed the burst down was full: its rate is known, and is not to be used up.
  return received < sent * saturatedProbe ? received * saturatedUse : Math.min(sent, received)
}
