import { receives, type SdpDirection, type SdpRtpMedia, trackStreams } from '../../../sdp/index.ts'
import type { RTCRtpTransceiverDirection, TransceiverSlots } from '../slots.ts'
import type { MediaState } from './media-state.ts'

/** webrtc-pc §4.4.1.4, step 4.6.11.2.11: the streams that a section of the peer says its track belongs to. */
export function remoteStreamIds(
  state: MediaState,
  rtp: SdpRtpMedia | undefined,
  direction: SdpDirection,
): readonly string[] {
  if (rtp === undefined || !receives(direction)) return []
  // RFC 8829 §5.8.2: where nothing is said of streams, all tracks are in one; `a=msid:-` says that there is none
  const saysNothing = [rtp, ...rtp.sources].every(({ streams }) => streams.length === 0)
  return saysNothing ? [state.defaultStreamId] : trackStreams(rtp).map(({ id }) => id)
}

/** webrtc-pc §5.1.1: process remote tracks. */
export function processRemoteTracks(
  state: MediaState,
  slots: TransceiverSlots,
  direction: RTCRtpTransceiverDirection | null,
  ids: readonly string[],
  fireTrack: (slots: TransceiverSlots) => void,
): void {
  const heading = direction === 'stopped' ? null : direction
  // Step 1
  const added = setRemoteStreams(state, slots, ids)
  // Step 2
  if ((isReceiving(heading) && !isReceiving(slots.firedDirection)) || added) {
    state.events.trackEvents.push(() => fireTrack(slots))
  }
  if (heading !== null && !receives(heading)) {
    // Step 3
    slots.receptive = false
    // Step 4
    if (isReceiving(slots.firedDirection)) processRemoval(state, slots)
  }
  // Step 5
  slots.firedDirection = heading
}

/** webrtc-pc §5.1.1: process the removal of a remote track. */
export function processRemoval(state: MediaState, { receiver }: TransceiverSlots): void {
  // Step 3
  if (!receiver.track.muted) state.events.muteTracks.push(receiver)
}

/**
 * webrtc-pc §5.1.1: set the associated remote streams.
 *
 * @returns whether the track has come into a stream
 */
export function setRemoteStreams(state: MediaState, { receiver }: TransceiverSlots, ids: readonly string[]): boolean {
  const { addList, removeList } = state.events
  const { track } = receiver
  const before = receiver.streams
  // Steps 2 and 3
  const streams = state.streams.find(ids)
  // Step 5
  for (const stream of before) if (!streams.includes(stream)) removeList.push({ stream, track })
  // Step 6
  const added = streams.filter(stream => !before.includes(stream))
  for (const stream of added) addList.push({ stream, track })
  // Step 7
  receiver.streams = streams
  return added.length > 0
}

function isReceiving(direction: SdpDirection | null): boolean {
  return direction !== null && receives(direction)
}
