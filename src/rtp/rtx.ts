import { renameExtension } from './header-extensions.ts'
import { parseRtp, type RtpPacket, rtpHeaderLength } from './packet.ts'
import { write16, write32 } from './wire.ts'

/** Bytes of the original sequence number before the payload: RFC 4588 §4. */
const osnBytes = 2

export interface RtxOptions {
  /** Of the retransmission stream; never that of the original one. */
  readonly ssrc: number
  /** The payload types of the original stream, each with that of its retransmission (`a=fmtp:… apt=…`). */
  readonly payloadTypes: ReadonlyMap<number, number>
  /** Random, like every first sequence number. */
  readonly firstSequenceNumber: number
  /** The header extension ids of RtpStreamId and RepairedRtpStreamId, if both are in use. */
  readonly streamIds?: { readonly rtpStreamId: number; readonly repairedRtpStreamId: number }
}

/** Turns packets that were sent into those of the retransmission stream beside them (RFC 4588, SSRC multiplexing). */
export class RtxSender {
  readonly ssrc: number
  readonly #payloadTypes: ReadonlyMap<number, number>
  readonly #streamIds: RtxOptions['streamIds']
  #sequenceNumber: number

  constructor({ ssrc, payloadTypes, firstSequenceNumber, streamIds }: RtxOptions) {
    this.ssrc = ssrc
    this.#payloadTypes = payloadTypes
    this.#streamIds = streamIds
    this.#sequenceNumber = firstSequenceNumber & 0xffff
  }

  /**
   * Wraps a serialized packet that was sent before.
   *
   * @param headroomAfter bytes to leave free behind the packet
   * @returns undefined if its payload type has no retransmission, or it is no packet
   */
  wrap(original: Uint8Array, headroomAfter = 0): Uint8Array | undefined {
    const parsed = parseRtp(original)
    if ('drop' in parsed) return undefined
    const payloadType = this.#payloadTypes.get(parsed.payloadType)
    if (payloadType === undefined) return undefined
    const headerBytes = rtpHeaderLength(original)
    const { payload, sequenceNumber, marker } = parsed
    const packet = new Uint8Array(headerBytes + osnBytes + payload.length + headroomAfter)
    packet.set(original.subarray(0, headerBytes))
    // RFC 4588 §4: timestamp, marker, CSRCs and header extension stay; padding goes.
    packet[0] = (packet[0] as number) & ~0x20
    packet[1] = (marker ? 0x80 : 0) | payloadType
    write16(packet, 2, this.#sequenceNumber)
    write32(packet, 8, this.ssrc)
    write16(packet, headerBytes, sequenceNumber)
    packet.set(payload, headerBytes + osnBytes)
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
    // RFC 8852 §3: the stream id of the original is the repaired one of its retransmission.
    if (this.#streamIds) renameExtension(packet, this.#streamIds.rtpStreamId, this.#streamIds.repairedRtpStreamId)
    return packet
  }
}

/**
 * The packet that a retransmission repeats.
 *
 * @param ssrc of the original stream
 * @param payloadType of the original packet: the `apt` of the retransmission's own
 * @returns a drop for one that carries no packet, such as those that are only there to probe the path
 */
export function unwrapRtx(
  packet: RtpPacket,
  ssrc: number,
  payloadType: number,
): RtpPacket | { readonly drop: 'no-original' } {
  const { payload } = packet
  if (payload.length < osnBytes) return { drop: 'no-original' }
  const sequenceNumber = ((payload[0] as number) << 8) | (payload[1] as number)
  return { ...packet, ssrc, payloadType, sequenceNumber, payload: payload.subarray(osnBytes), paddingLength: 0 }
}
