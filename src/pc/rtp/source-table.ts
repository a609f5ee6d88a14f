import { greaterOrEqual32 } from '../../base/serial.ts'
import type { AbsCaptureTime } from '../../rtp/extension-values.ts'
import type { RTCRtpContributingSource } from './parameters.ts'

/** Sources that are remembered at a time; the one that was silent longest makes room. A peer could name 2^32. */
export const maxSources = 64

/** webrtc-pc §5.3: in milliseconds. */
const rememberedMs = 10_000
/** A timestamp behind the last one is a packet that came late, or, after this time, a source that began anew. */
const reorderingMs = 1_000

interface Source {
  at: number
  rtpTimestamp: number
  audioLevel: number | undefined
  capture: Capture | undefined
}

/** The capture time that was told last, and where in the stream. */
interface Capture {
  readonly rtpTimestamp: number
  readonly clockRate: number
  readonly time: bigint
  readonly offset: bigint | undefined
}

/** What a packet tells of one of its sources. */
export interface SourceUpdate {
  readonly rtpTimestamp: number
  readonly clockRate: number
  /** In -dBov: RFC 6464, RFC 6465. */
  readonly level: number | undefined
  readonly capture: AbsCaptureTime | undefined
}

/** The contributing or the synchronization sources of a receiver: webrtc-pc §5.3. */
export class SourceTable {
  readonly #sources = new Map<number, Source>()

  get size(): number {
    return this.#sources.size
  }

  has(source: number): boolean {
    return this.#sources.has(source)
  }

  /** @param now monotonic milliseconds */
  update(source: number, update: SourceUpdate, now: number): void {
    const known = this.#sources.get(source)
    if (known === undefined) {
      if (this.#sources.size >= maxSources) this.#forgetOldest()
      const { rtpTimestamp } = update
      this.#sources.set(source, { at: now, rtpTimestamp, audioLevel: linear(update.level), capture: captureOf(update) })
      return
    }
    // webrtc-pc §5.3: packets count in the order of their RTP timestamps
    if (!greaterOrEqual32(update.rtpTimestamp, known.rtpTimestamp) && now - known.at < reorderingMs) return
    known.at = now
    known.rtpTimestamp = update.rtpTimestamp
    known.audioLevel = linear(update.level)
    if (update.capture !== undefined) known.capture = captureOf(update, known.capture)
  }

  /**
   * Those of the last 10 seconds, the latest first.
   *
   * @param wallTimeAtZero milliseconds since 1970 at the monotonic time 0
   */
  list(now: number, wallTimeAtZero: number): RTCRtpContributingSource[] {
    const recent = [...this.#sources].filter(([, { at }]) => now - at <= rememberedMs)
    recent.sort(([, a], [, b]) => b.at - a.at)
    return recent.map(([source, { at, rtpTimestamp, audioLevel, capture }]) => {
      const entry: RTCRtpContributingSource = { timestamp: wallTimeAtZero + at, source, rtpTimestamp }
      if (audioLevel !== undefined) entry.audioLevel = audioLevel
      if (capture !== undefined) addCapture(entry, capture)
      return entry
    })
  }

  #forgetOldest(): void {
    let oldest: number | undefined
    let oldestAt = Number.POSITIVE_INFINITY
    for (const [source, { at }] of this.#sources) {
      if (at >= oldestAt) continue
      oldest = source
      oldestAt = at
    }
    if (oldest !== undefined) this.#sources.delete(oldest)
  }
}

/** webrtc-pc §5.3 audioLevel: 127 is silence, and converted to 0. */
function linear(level: number | undefined): number | undefined {
  if (level === undefined) return undefined
  return level === 127 ? 0 : 10 ** (-level / 20)
}

function captureOf({ capture, rtpTimestamp, clockRate }: SourceUpdate, before?: Capture): Capture | undefined {
  if (capture === undefined) return undefined
  // webrtc-extensions §10.1 senderCaptureTimeOffset, step 2: the most recent one that was present
  return { rtpTimestamp, clockRate, time: capture.captureTime, offset: capture.clockOffset ?? before?.offset }
}

/** webrtc-extensions §10.1 captureTimestamp, steps 1 and 2: as it was told, or as far on as the RTP timestamp is. */
function addCapture(entry: RTCRtpContributingSource, { time, offset, rtpTimestamp, clockRate }: Capture): void {
  const elapsed = (((entry.rtpTimestamp - rtpTimestamp) | 0) * 1_000) / clockRate
  entry.captureTimestamp = milliseconds(time) + elapsed
  if (offset !== undefined) entry.senderCaptureTimeOffset = milliseconds(offset)
}

/** Of 32.32 fixed-point seconds. */
function milliseconds(fixed: bigint): number {
  return Number(fixed >> 32n) * 1_000 + (Number(fixed & 0xffff_ffffn) * 1_000) / 0x1_0000_0000
}
