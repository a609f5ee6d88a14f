import { PayloadError } from './frame.ts'
import { maxSegmentDuration, writeTelephoneEvent } from './telephone-event.ts'

export interface TelephoneEventSenderOptions {
  /** Of the audio it goes with (RFC 4733 §2.1), in Hz. 8000 if not given. */
  readonly clockRate?: number
  /** Between reports, in milliseconds. RFC 4733 §2.5.1.2: 50 if not given. */
  readonly intervalMs?: number
}

export interface TelephoneEventToSend {
  /** 0 to 255; {@link dtmfEvent} has those of the digits. */
  readonly event: number
  /** In milliseconds, above zero. */
  readonly durationMs: number
  /** In dBm0, without the sign: 0 to 63. 10 if not given. */
  readonly volume?: number
}

/** A packet about an event. */
export interface TelephoneEventPacket {
  readonly payload: Uint8Array
  readonly marker: boolean
  /** 32 bits, of the audio's clock. */
  readonly timestamp: number
}

interface Segment {
  readonly timestamp: number
  readonly payload: Uint8Array
  repeats: number
}

interface Running {
  readonly event: number
  readonly volume: number
  readonly startedAt: number
  /** In units of the clock. */
  readonly duration: number
  /** Where the current segment begins. */
  segmentStart: number
  segmentTimestamp: number
  reported: boolean
}

/** RFC 4733 §2.5.1.4: the last report of a segment is sent three times. */
const finalRepeats = 2
/** Five minutes: no tone is that long. */
const maxDurationMs = 300_000

/**
 * Reports one telephone event after the other: RFC 4733 §2.5.1. Told the time; {@link pollTransmit} gives the packets that
 * are due, whose sequence numbers are those of the audio stream.
 */
export class TelephoneEventSender {
  readonly #clockRate: number
  readonly #intervalMs: number
  #running: Running | undefined
  #ended: Segment[] = []
  #due: TelephoneEventPacket[] = []
  #nextAt: number | undefined

  constructor({ clockRate = 8_000, intervalMs = 50 }: TelephoneEventSenderOptions = {}) {
    if (!(clockRate > 0) || !(intervalMs > 0)) throw new PayloadError('bad-value', 'a clock or interval of zero')
    this.#clockRate = clockRate
    this.#intervalMs = intervalMs
  }

  /** Whether an event is going on, or its last report has to be repeated. */
  get busy(): boolean {
    return this.#nextAt !== undefined || this.#due.length > 0
  }

  /**
   * Begins an event. One that is going on must have come to its end.
   *
   * @param timestamp where the audio stream is now
   * @param now monotonic milliseconds
   */
  start({ event, durationMs, volume = 10 }: TelephoneEventToSend, timestamp: number, now: number): void {
    if (this.#running) throw new PayloadError('bad-value', 'an event is going on')
    if (!(durationMs > 0 && durationMs <= maxDurationMs)) {
      throw new PayloadError('bad-value', `an event of ${durationMs} ms`)
    }
    if (!(event >= 0 && event <= 255 && volume >= 0 && volume <= 63)) {
      throw new PayloadError('bad-value', `event ${event}, volume ${volume}`)
    }
    this.#running = {
      event,
      volume,
      startedAt: now,
      duration: Math.max(1, Math.round((durationMs * this.#clockRate) / 1_000)),
      segmentStart: 0,
      segmentTimestamp: timestamp >>> 0,
      reported: false,
    }
    this.#nextAt = now + Math.min(this.#intervalMs, durationMs)
  }

  /** When there is something to send again. */
  pollTimeout(): number | undefined {
    return this.#due.length > 0 ? 0 : this.#nextAt
  }

  /** The next packet that is due. */
  pollTransmit(now: number): TelephoneEventPacket | undefined {
    if (this.#due.length === 0 && this.#nextAt !== undefined && now >= this.#nextAt) this.#report(now)
    return this.#due.shift()
  }

  #report(now: number): void {
    this.#repeatEnded()
    this.#reportRunning(now)
    const running = this.#running
    const endsAt = running ? running.startedAt + (running.duration * 1_000) / this.#clockRate : Number.POSITIVE_INFINITY
    if (running) this.#nextAt = Math.max(now, Math.min(now + this.#intervalMs, endsAt))
    else this.#nextAt = this.#ended.length > 0 ? now + this.#intervalMs : undefined
  }

  #repeatEnded(): void {
    for (const segment of this.#ended) {
      segment.repeats--
      this.#due.push({ payload: segment.payload, marker: false, timestamp: segment.timestamp })
    }
    this.#ended = this.#ended.filter(segment => segment.repeats > 0)
  }

  #reportRunning(now: number): void {
    const running = this.#running
    if (running === undefined) return
    const elapsed = Math.min(running.duration, Math.floor(((now - running.startedAt) * this.#clockRate) / 1_000))
    // RFC 4733 §2.5.1.3: a segment that is full has no E, and the next one begins where it ended.
    while (elapsed - running.segmentStart > maxSegmentDuration) {
      this.#end(running, maxSegmentDuration, false)
      running.segmentStart += maxSegmentDuration
      running.segmentTimestamp = (running.segmentTimestamp + maxSegmentDuration) >>> 0
    }
    const duration = elapsed - running.segmentStart
    if (elapsed >= running.duration) {
      this.#end(running, duration, true)
      this.#running = undefined
    } else if (duration > 0) this.#push(running, duration, false)
  }

  #end(running: Running, duration: number, end: boolean): void {
    const payload = this.#push(running, duration, end)
    this.#ended.push({ timestamp: running.segmentTimestamp, payload, repeats: finalRepeats })
  }

  #push(running: Running, duration: number, end: boolean): Uint8Array {
    const { event, volume, segmentTimestamp } = running
    const payload = writeTelephoneEvent({ event, volume, end, duration })
    // RFC 4733 §2.5.1.2: the marker is on the first packet of the event, and on no other.
    this.#due.push({ payload, marker: !running.reported, timestamp: segmentTimestamp })
    running.reported = true
    return payload
  }
}
