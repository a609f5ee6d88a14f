import type { MediaStream } from '../../media/media-stream.ts'
import { addTrackToStream, removeTrackFromStream } from '../../media/media-stream.ts'
import type { MediaStreamTrack } from '../../media/media-stream-track.ts'
import type { ReceiverSlots } from '../slots.ts'

interface StreamAndTrack {
  readonly stream: MediaStream
  readonly track: MediaStreamTrack
}

/** webrtc-pc §4.4.1.4, step 4.6.9: the lists that a description fills, and that are worked off when it was applied. */
export class MediaEvents {
  /** Receivers whose tracks have ended. */
  readonly ended: ReceiverSlots[] = []
  readonly muteTracks: ReceiverSlots[] = []
  readonly removeList: StreamAndTrack[] = []
  readonly addList: StreamAndTrack[] = []
  /** The events named `track`. */
  readonly trackEvents: (() => void)[] = []

  /** The steps in their order; the lists are empty again. */
  take(): readonly (() => void)[] {
    return [
      // webrtc-pc §5.4, stop sending and receiving, step 5
      ...this.ended.splice(0).map(receiver => () => receiver.end()),
      // webrtc-pc §4.4.1.4, steps 4.6.17 to 4.6.20
      ...this.muteTracks.splice(0).map(receiver => () => receiver.setMuted(true)),
      ...this.removeList.splice(0).map(pair => () => removeTrackFromStream(pair.stream, pair.track)),
      ...this.addList.splice(0).map(pair => () => addTrackToStream(pair.stream, pair.track)),
      ...this.trackEvents.splice(0),
    ]
  }
}
