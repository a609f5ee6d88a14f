import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { RTCRtpReceiver } from '../rtp/rtc-rtp-receiver.ts'
import type { RTCRtpSender } from '../rtp/rtc-rtp-sender.ts'
import type { Transceivers } from '../rtp/transceivers.ts'
import type { Entry } from './entry.ts'

/** Whose statistics are wanted; null: those of the whole connection. */
export type StatsSelector = RTCRtpSender | RTCRtpReceiver | null

/**
 * webrtc-pc §8.2 getStats, step 4.
 *
 * @throws {DOMException} InvalidAccessError if the track is sent or received by none, or by several
 */
export function selectorOf(
  track: MediaStreamTrack,
  { senders, receivers }: Pick<Transceivers, 'senders' | 'receivers'>,
): RTCRtpSender | RTCRtpReceiver {
  const [only, ...others] = [...senders, ...receivers].filter(each => each.track === track)
  if (only !== undefined && others.length === 0) return only.object
  const who = only === undefined ? 'no sender or receiver has' : 'several senders or receivers have'
  throw new DOMException(`RTCPeerConnection.getStats: ${who} this track`, 'InvalidAccessError')
}

/** webrtc-pc §8.5, the stats selection algorithm, steps 3 and 4: these, and all that they refer to, directly or indirectly. */
export function withReferenced<Named extends Pick<Entry, 'id'>>(
  roots: readonly Named[],
  entries: readonly Named[],
): Named[] {
  const byId = new Map(entries.map(entry => [entry.id, entry]))
  const selected = new Set<Named>(roots)
  // A set gives what is added to it while it is walked, too.
  for (const entry of selected) {
    for (const id of references(entry)) {
      const referenced = byId.get(id)
      if (referenced !== undefined) selected.add(referenced)
    }
  }
  return [...selected]
}

/** webrtc-stats §4.1: names that end in `Id` are always references. */
export function isReference(name: string, value: unknown): value is string {
  return name.endsWith('Id') && typeof value === 'string'
}

function references(entry: Pick<Entry, 'id'>): string[] {
  return Object.entries(entry).flatMap(([name, value]) => (isReference(name, value) ? [value] : []))
}
