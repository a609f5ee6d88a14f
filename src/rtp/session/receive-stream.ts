import type { RtpPacket } from '../packet.ts'
import type { ReceiveStreamStatistics } from './statistics.ts'
import type { SessionCodec } from './types.ts'

/** A stream that is received: the same object as long as its SSRC stands for it. */
export interface ReceiveStream {
  readonly ssrc: number
  /** It may change if the stream tells another one. */
  readonly mid: string
  /** RFC 8852: which encoding of the section it is. */
  readonly rid: string | undefined
  readonly kind: 'audio' | 'video'
  /** Of the stream that repeats its packets, once it is known. */
  readonly rtxSsrc: number | undefined
  /** Of the packet that came last. */
  readonly lastCodec: SessionCodec | undefined
  /** What a payload type stands for now. */
  codec(payloadType: number): SessionCodec | undefined
  readonly statistics: ReceiveStreamStatistics
}

export interface ReceivedPacket {
  readonly stream: ReceiveStream
  /** Of the original stream, even if it came by retransmission. Its payload is empty if it only probes the path. */
  readonly packet: RtpPacket
  /** Undefined if it was repaired by RTX. */
  readonly raw: Uint8Array | undefined
}
