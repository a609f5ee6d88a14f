import type { ExtensionElement } from '../header-extensions.ts'

/** Bytes to send, with room behind for what SRTP adds. */
export interface RtpTransmit {
  readonly kind: 'rtp' | 'rtcp'
  /** `length` bytes of packet, then the room that was asked for. */
  readonly data: Uint8Array
  readonly length: number
  /**
   * - `in-place`: to be protected where it is. The array is kept, and sent again as it then is.
   * - `copy`: a copy is to be protected; the array is kept as it is. Always so for RTCP.
   * - `done`: it is protected already; all of `data` goes out
   */
  readonly protection: 'in-place' | 'copy' | 'done'
}

/** A packet as its source numbers it: what the stream makes of its numbers is the stream's. */
export interface OutgoingPacket {
  /** As negotiated for this section. */
  readonly payloadType: number
  readonly sequenceNumber: number
  /** In units of the clock of the payload format. */
  readonly timestamp: number
  readonly marker: boolean
  /** Not copied before {@link RtpSendStream.send} returns, and not kept afterwards. */
  readonly payload: Uint8Array
  readonly csrcs: readonly number[]
  /** With the ids that were negotiated here. Those that the session writes itself (MID, stream ids, send times, transport-wide numbers) are left out. */
  readonly elements: readonly ExtensionElement[]
  /** It comes in bursts and is to leave evenly; false: it leaves at once, and counts all the same. */
  readonly paced: boolean
}

/** A packet that is put between those of the source: telephone events, for example. */
export interface InsertedPacket {
  readonly payloadType: number
  /** As the stream counts: see {@link RtpSendStream.timestampAt}. */
  readonly timestamp: number
  readonly marker: boolean
  readonly payload: Uint8Array
}

/**
 * Why a packet is not sent.
 *
 * - `not-ready`: there are no keys yet
 * - `not-sending`: the stream was taken away by the last negotiation, or the session is closed
 * - `unknown-payload-type`: nothing was negotiated for it here
 * - `stale`: its number was sent already, or is older than the first packet of its source
 * - `malformed`: it does not fit the format
 * - `queue-full`: too much waits to be sent
 */
export type RtpSendDropReason =
  | 'not-ready'
  | 'not-sending'
  | 'unknown-payload-type'
  | 'stale'
  | 'malformed'
  | 'queue-full'

export interface RtpSendDrop {
  readonly drop: RtpSendDropReason
}
