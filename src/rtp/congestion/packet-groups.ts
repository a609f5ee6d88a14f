import { burstTimeMs, maxArrivalGapMs, maxGroupMs } from './limits.ts'

/**
 * Joins packets to groups and measures how the delay varies from one group to the next: the pre-filter and the
 * arrival-time model of draft-ietf-rmcat-gcc-02 §5.1 and §5.2.
 *
 * Only differences of times are used, each of one clock. Therefore the clocks of sender and receiver need not agree, and a
 * route that is long looks like one that is short: what shows is a queue that grows or empties.
 */
export class PacketGroups {
  #current: Group | undefined
  #previous: Group | undefined
  #departureDelta = 0
  #arrivalDelta = 0
  #arrivedAt = 0

  /** T(i) - T(i-1) of the last sample. */
  get departureDelta(): number {
    return this.#departureDelta
  }

  /** d(i): how much longer the last group has travelled than the one before it. */
  get variation(): number {
    return this.#arrivalDelta - this.#departureDelta
  }

  /** t(i) of the last sample, on the receiver's clock. */
  get arrivedAt(): number {
    return this.#arrivedAt
  }

  /**
   * Adds a packet. Times are milliseconds, each of its own clock.
   *
   * @returns `sample` if it began a group, so that the finished one can be compared with the one before; `restarted` if
   *   the clocks or the stream have jumped and nothing learned so far applies
   */
  add(sentAt: number, receivedAt: number): 'none' | 'sample' | 'restarted' {
    const current = this.#current
    if (current === undefined) {
      this.#current = begin(sentAt, receivedAt)
      return 'none'
    }
    if (isJump(current, receivedAt)) {
      this.#previous = undefined
      this.#current = begin(sentAt, receivedAt)
      return 'restarted'
    }
    // §5.1: packets received out of order are ignored.
    if (sentAt < current.firstSentAt) return 'none'
    if (belongs(current, sentAt, receivedAt)) {
      current.lastSentAt = Math.max(current.lastSentAt, sentAt)
      current.lastReceivedAt = Math.max(current.lastReceivedAt, receivedAt)
      return 'none'
    }
    const previous = this.#previous
    this.#previous = current
    this.#current = begin(sentAt, receivedAt)
    if (previous === undefined) return 'none'
    this.#departureDelta = current.lastSentAt - previous.lastSentAt
    this.#arrivalDelta = current.lastReceivedAt - previous.lastReceivedAt
    this.#arrivedAt = current.lastReceivedAt
    // A group that overtook the one before says nothing about a queue.
    return this.#arrivalDelta < 0 ? 'none' : 'sample'
  }
}

interface Group {
  readonly firstSentAt: number
  lastSentAt: number
  readonly firstReceivedAt: number
  lastReceivedAt: number
}

function begin(sentAt: number, receivedAt: number): Group {
  return { firstSentAt: sentAt, lastSentAt: sentAt, firstReceivedAt: receivedAt, lastReceivedAt: receivedAt }
}

function isJump(group: Group, receivedAt: number): boolean {
  return Math.abs(receivedAt - group.lastReceivedAt) > maxArrivalGapMs
}

function belongs(group: Group, sentAt: number, receivedAt: number): boolean {
  // §5.2: packets that are sent within burst_time are a group.
  if (sentAt - group.firstSentAt < burstTimeMs) return true
  // §5.2: so are packets that an outage has dammed up: they arrive at once, although they were not sent at once.
  const arrivalDelta = receivedAt - group.lastReceivedAt
  const variation = arrivalDelta - (sentAt - group.lastSentAt)
  return arrivalDelta < burstTimeMs && variation < 0 && receivedAt - group.firstReceivedAt < maxGroupMs
}
