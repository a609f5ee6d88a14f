import type { ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { SdpCodec } from '../../sdp/index.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { RTCRtpReceiver } from '../rtp/rtc-rtp-receiver.ts'
import type { RTCRtpSender } from '../rtp/rtc-rtp-sender.ts'
import type { TransceiverSlots } from '../rtp/slots.ts'
import type { RTCRtpStreamStats } from './dictionaries.ts'
import { type Entry, present } from './entry.ts'
import type { MonitoredObjects } from './monitored-objects.ts'

/** What the streams of a connection are described with. */
export interface MediaContext {
  readonly objects: MonitoredObjects
  /** Of a section's transport; undefined if it is none of the connection any more. */
  transportIdOf(dtls: RTCDtlsTransport): string | undefined
  /** Milliseconds since 1970 of a monotonic time. */
  wallTimeOf(monotonic: number): number
  /** Monotonic milliseconds: when the report is made. */
  readonly now: number
}

/** What the streams of one transceiver have in common. */
export interface SectionContext extends MediaContext {
  readonly slots: TransceiverSlots
  readonly transportId: string | undefined
  /** The id of the media source that the sender's track is. */
  readonly mediaSourceId: string | undefined
  /** Notes a codec that is in use. @returns its id; undefined if the description does not have it */
  codecIdOf(codecs: readonly SdpCodec[], payloadType: number | undefined): string | undefined
}

/** An entry, and whose stream it is about: only `outbound-rtp` and `inbound-rtp` have an owner. */
export interface OwnedEntry {
  readonly entry: Entry
  readonly owner?: RTCRtpSender | RTCRtpReceiver
}

/** webrtc-stats §8.2, but for what names the entry. */
export type StreamMembers = Readonly<Pick<RTCRtpStreamStats, 'ssrc' | 'kind' | 'transportId' | 'codecId'>>

/**
 * What the entries about a stream begin with; its codec is that of the latest packet.
 *
 * @param codecs as the description has them that says what is sent in this direction
 */
export function streamMembers(
  { ssrc, lastCodec }: Pick<ReceiveStream, 'ssrc' | 'lastCodec'>,
  codecs: readonly SdpCodec[],
  { slots, transportId, codecIdOf }: SectionContext,
): StreamMembers {
  return { ssrc, kind: slots.kind, ...present({ transportId, codecId: codecIdOf(codecs, lastCodec?.payloadType) }) }
}
