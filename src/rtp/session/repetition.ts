import { locateExtension } from '../header-extensions.ts'
import { rtpHeaderLength } from '../packet.ts'
import { RtxSender } from '../rtx.ts'
import { SendHistory } from '../send-history.ts'
import { read16 } from '../wire.ts'
import { Outgoing, type OutgoingOwner } from './outgoing.ts'
import type { PacketWriter } from './packet-writer.ts'
import type { SectionTable } from './sections.ts'
import type { SentCounters } from './sent-counters.ts'
import type { SessionCodec, SessionEncoding } from './types.ts'

/** Packets that are kept: of video at 8 Mb/s those of a second and a quarter, of audio at 50 a second those of five. */
const videoHistoryPackets = 1_024
const audioHistoryPackets = 256

interface RepeatingOwner extends OutgoingOwner {
  readonly repairs: SentCounters
}

/**
 * The packets of one stream that were sent, and how they are sent again: in a retransmission stream where one was negotiated
 * (RFC 4588), or else the same bytes once more.
 */
export class Repetition {
  /** Of the media stream. */
  lastSequence = 0
  readonly #owner: RepeatingOwner
  readonly #history: SendHistory
  /** A probe sends hundreds of packets of padding within milliseconds: they must not push media out. */
  #padding: SendHistory | undefined
  #writer: PacketWriter
  #rtx: RtxSender | undefined
  #nextSequence: number

  constructor(
    owner: RepeatingOwner,
    writer: PacketWriter,
    table: SectionTable,
    encoding: SessionEncoding,
    firstSequence: number,
  ) {
    this.#owner = owner
    this.#writer = writer
    this.#nextSequence = firstSequence
    const packets = table.section.kind === 'video' ? videoHistoryPackets : audioHistoryPackets
    this.#history = new SendHistory({ packets })
    this.configure(writer, table, encoding)
  }

  configure(
    writer: PacketWriter,
    { section, ids }: SectionTable,
    { rtxSsrc }: SessionEncoding,
    firstSequence: number = this.#nextSequence,
  ): void {
    this.#nextSequence = firstSequence
    this.#writer = writer
    const payloadTypes = new Map<number, number>()
    for (const { payloadType, rtx } of section.send) if (rtx !== undefined) payloadTypes.set(payloadType, rtx)
    const hadRtx = this.#rtx !== undefined
    const { rtpStreamId, repairedRtpStreamId } = ids
    const streamIds =
      rtpStreamId > 0 && repairedRtpStreamId > 0 ? { streamIds: { rtpStreamId, repairedRtpStreamId } } : {}
    this.#rtx =
      rtxSsrc === undefined || payloadTypes.size === 0
        ? undefined
        : new RtxSender({ ssrc: rtxSsrc, payloadTypes, firstSequenceNumber: firstSequence, ...streamIds })
    // What is kept for one is protected, and for the other not.
    if (hadRtx !== (this.#rtx !== undefined)) this.clear()
  }

  clear(): void {
    this.#history.clear()
    this.#padding = undefined
  }

  /** How a packet is to be protected: as it is kept for a retransmission stream, or in the array that is sent again. */
  keeps(codec: SessionCodec): 'copy' | 'in-place' {
    return this.#rtx && codec.rtx !== undefined && codec.nack ? 'copy' : 'in-place'
  }

  store(outgoing: Outgoing, now: number): void {
    if (!outgoing.isRepeatable) return
    if (outgoing.role === 'padding') this.#padding ??= new SendHistory({ packets: videoHistoryPackets })
    const history = outgoing.role === 'padding' ? this.#padding : this.#history
    history?.store(outgoing.sequenceNumber, outgoing.data, now)
  }

  repeat(
    sequenceNumber: number,
    roundTripMs: number,
    room: number,
    clockRate: number,
    now: number,
  ): Outgoing | undefined {
    let packet = this.#history.repeat(sequenceNumber, now, roundTripMs)
    if ('drop' in packet && this.#padding) packet = this.#padding.repeat(sequenceNumber, now, roundTripMs)
    if ('drop' in packet) return undefined
    if (this.#rtx) return this.#wrap(this.#rtx, packet, sequenceNumber, room, clockRate, now)
    const headerBytes = rtpHeaderLength(packet)
    const length = packet.length - room
    return new Outgoing(this.#owner, 'repeat', packet, length, headerBytes, 'done', sequenceNumber, now, clockRate)
  }

  /** The last packet once more, in the retransmission stream, if there is one. */
  repeatLast(room: number, clockRate: number, now: number): Outgoing | undefined {
    return this.#rtx && this.repeat(this.lastSequence, 0, room, clockRate, now)
  }

  #wrap(
    rtx: RtxSender,
    original: Uint8Array,
    sequenceNumber: number,
    room: number,
    clockRate: number,
    now: number,
  ): Outgoing | undefined {
    const identified = this.#owner.repairs.isKnown ? original : this.#writer.identified(original)
    const data = rtx.wrap(identified, room)
    if (!data) return undefined
    this.#nextSequence = (read16(data, 2) + 1) & 0xffff
    const { ids } = this.#writer
    const headerBytes = rtpHeaderLength(data)
    const length = data.length - room
    const outgoing = new Outgoing(
      this.#owner,
      'rtx',
      data,
      length,
      headerBytes,
      'in-place',
      sequenceNumber,
      now,
      clockRate,
    )
    if (ids.absSendTime > 0) outgoing.absSendTimeAt = locateExtension(data, ids.absSendTime, 3)
    if (ids.transportSequence > 0) outgoing.transportSequenceAt = locateExtension(data, ids.transportSequence, 2)
    return outgoing
  }
}
