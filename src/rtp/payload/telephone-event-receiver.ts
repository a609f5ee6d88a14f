import { Queue } from '../../base/queue.ts'
import { add32, greater32 } from '../../base/serial.ts'
import { type PayloadDropped, type PayloadPacket, payloadDropped } from './frame.ts'
import { maxSegmentDuration, parseTelephoneEvents, type TelephoneEventReport } from './telephone-event.ts'

/** An event begins, or has ended. */
export type TelephoneEvent =
  | {
      readonly kind: 'start'
      readonly event: number
      readonly volume: number
      /** When it began, on the clock of the stream: 32 bits. */
      readonly timestamp: number
    }
  | {
      readonly kind: 'end'
      readonly event: number
      readonly timestamp: number
      /** As far as it was reported, in units of the clock. */
      readonly duration: number
    }

interface Running {
  readonly event: number
  readonly timestamp: number
  segmentTimestamp: number
  /** Of the segments before this one. */
  earlier: number
  duration: number
  heardAt: number
}

/** Events that wait to be polled; packets that bring more are refused. */
export const maxQueuedTelephoneEvents = 64

const initialIntervalMs = 50
const maxIntervalMs = 200
/** RFC 4733 §2.5.2.2: a tone is not extended by more than three packet intervals. */
const silentIntervals = 3

/**
 * Puts the reports of telephone events together: RFC 4733 §2.5.2. Reports may be lost, repeated and out of order; each event
 * begins once and ends once.
 */
export class TelephoneEventReceiver {
  readonly #events = new Queue<TelephoneEvent>()
  #running: Running | undefined
  /** The last segment of the event that ended last. */
  #endedTimestamp: number | undefined
  #intervalMs = initialIntervalMs

  /** Takes a packet of the payload type; undefined if it was taken or was a repetition. */
  receive({ payload, timestamp }: PayloadPacket, now: number): PayloadDropped | undefined {
    const reports = parseTelephoneEvents(payload)
    if (reports === undefined) return payloadDropped.malformed
    if (this.#events.length + 2 * reports.length > maxQueuedTelephoneEvents) return payloadDropped['too-large']
    let at = timestamp
    for (const report of reports) {
      // RFC 4733 §2.3.5: zero is for states, of which none is known here.
      if (report.duration === 0) return payloadDropped.malformed
      this.#take(report, at, now)
      // RFC 4733 §2.5.2.4: each begins where the one before ends.
      at = add32(at, report.duration)
    }
    return undefined
  }

  pollEvent(): TelephoneEvent | undefined {
    return this.#events.shift()
  }

  /** When an event ends whose last reports were all lost. */
  pollTimeout(): number | undefined {
    return this.#running && this.#running.heardAt + silentIntervals * this.#intervalMs
  }

  handleTimeout(now: number): void {
    const deadline = this.pollTimeout()
    if (deadline !== undefined && now >= deadline) this.#end()
  }

  #take(report: TelephoneEventReport, timestamp: number, now: number): void {
    this.handleTimeout(now)
    // RFC 4733 §2.5.2.2: what has lapsed is not begun again.
    if (this.#endedTimestamp !== undefined && !greater32(timestamp, this.#endedTimestamp)) return
    const running = this.#running
    if (running?.event === report.event && this.#continues(running, timestamp)) {
      const silence = now - running.heardAt
      if (silence > 0) this.#intervalMs = Math.min(silence, maxIntervalMs)
      running.heardAt = now
      running.duration = Math.max(running.duration, report.duration)
    } else if (running && !greater32(timestamp, running.segmentTimestamp)) return
    else this.#begin(report, timestamp, now)
    if (report.end) this.#end()
  }

  /** RFC 4733 §2.5.2.3: a segment that begins where the last one was full goes on with the event. */
  #continues(running: Running, timestamp: number): boolean {
    if (timestamp === running.segmentTimestamp) return true
    if (timestamp !== add32(running.segmentTimestamp, maxSegmentDuration)) return false
    running.segmentTimestamp = timestamp
    running.earlier += maxSegmentDuration
    running.duration = 0
    return true
  }

  #begin({ event, volume, duration }: TelephoneEventReport, timestamp: number, now: number): void {
    this.#end()
    this.#running = { event, timestamp, segmentTimestamp: timestamp, earlier: 0, duration, heardAt: now }
    this.#intervalMs = initialIntervalMs
    this.#events.push({ kind: 'start', event, volume, timestamp })
  }

  #end(): void {
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    this.#endedTimestamp = running.segmentTimestamp
    const { event, timestamp, earlier, duration } = running
    this.#events.push({ kind: 'end', event, timestamp, duration: earlier + duration })
  }
}
