import type { MessagePort } from 'node:worker_threads'
import type { SerializedEncodedFrame } from './encoded-frames.ts'
import type { RequestFailure } from './frame-channel.ts'
import type { StreamSide, WriteRefusal } from './frame-streams.ts'

/** The key of the message that announces a transform; no application names a member of its messages so. */
const announcementKey = 'icefloe.rtctransform'

/** What reaches the worker's thread first: a port for everything else. */
export interface Announcement {
  readonly port: MessagePort
  readonly options: unknown
}

/** From the transform to its transformer. */
export type ToTransformer =
  | { readonly kind: 'frame'; readonly counter: number; readonly frame: SerializedEncodedFrame }
  | { readonly kind: 'keyframe-requested'; readonly rid: string | undefined }
  | { readonly kind: 'settled'; readonly id: number; readonly failure: RequestFailure | undefined }

/** And back. */
export type ToTransform =
  | { readonly kind: 'taken' }
  | { readonly kind: 'written'; readonly counter: number; readonly data: ArrayBuffer }
  | { readonly kind: 'refused'; readonly reason: WriteRefusal }
  | { readonly kind: 'ended'; readonly side: StreamSide }
  | { readonly kind: 'generate'; readonly id: number | undefined; readonly rid: string | undefined }
  | { readonly kind: 'request'; readonly id: number }

export function toMessage(announcement: Announcement): object {
  return { [announcementKey]: announcement }
}

/** The announcement in a message, if it is one. */
export function fromMessage(message: unknown): Announcement | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  return (message as { [announcementKey]?: Announcement })[announcementKey]
}
