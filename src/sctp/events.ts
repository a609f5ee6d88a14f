import type { SctpError } from './errors.ts'

/** What an association tells the layer above. */
export type SctpEvent =
  /** It is up; stream identifiers below these numbers may be used. */
  | { readonly type: 'connected'; readonly inboundStreams: number; readonly outboundStreams: number }
  /** The peer restarted (RFC 9260 §5.2.4, action A): everything queued is gone and all streams begin anew. */
  | { readonly type: 'restarted'; readonly inboundStreams: number; readonly outboundStreams: number }
  /**
   * A whole message. `data` belongs to the receiver: nobody else writes to it. It fills an `ArrayBuffer` of its own, but for
   * short text (`ppid` 51), which may share one with other text.
   */
  | { readonly type: 'message'; readonly streamId: number; readonly ppid: number; readonly data: Uint8Array }
  /** The buffered amount of a stream fell by so many bytes since the last such event. */
  | { readonly type: 'sent'; readonly streamId: number; readonly bytes: number }
  /** The peer reset its outgoing stream; all its earlier messages came before this event. */
  | { readonly type: 'incoming-reset'; readonly streamId: number }
  /** The end of {@link SctpAssociation.resetStream}. If ok, the stream begins anew at once. */
  | { readonly type: 'outgoing-reset'; readonly streamId: number; readonly ok: boolean }
  /** The association ended as it should: by shutdown, or by {@link SctpAssociation.abort}. */
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly error: SctpError }
