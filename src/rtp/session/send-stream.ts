import type { Queue } from '../../base/queue.ts'
import type { ReportBlock } from '../rtcp/types.ts'
import { Numbering } from './numbering.ts'
import { Outgoing, type OutgoingOwner } from './outgoing.ts'
import { PacketWriter } from './packet-writer.ts'
import { RemoteReception } from './remote-reception.ts'
import { Repetition } from './repetition.ts'
import type { SectionTable } from './sections.ts'
import { addSent, noneSent, type SentCounters } from './sent-counters.ts'
import type { SendStreamStatistics } from './statistics.ts'
import type { InsertedPacket, OutgoingPacket, RtpSendDrop, RtpSendDropReason } from './transmit.ts'
import type { SessionCodec, SessionEncoding } from './types.ts'

/** RFC 3550 §5.1: the last octet of padding counts it. */
const maxPaddingBytes = 255
/** RFC 3550 §5.1: in the second octet. */
const markerBit = 0x80
/** Requests for a keyframe within this time of the last one are about the same loss. */
const keyframeIntervalMs = 300

/** Where the packets of a stream go. */
export interface SendQueue {
  /** Bytes to leave free behind a packet; undefined: there are no keys. */
  readonly room: number | undefined
  /** @returns false if too much waits already */
  enqueue(outgoing: Outgoing, paced: boolean, now: number): boolean
}

/** What a stream begins with: sequence numbers below 2^15, and a random timestamp. */
export interface SendStreamSeed {
  readonly firstSequence: number
  readonly firstTimestamp: number
  readonly firstRtxSequence: number
}

/** A stream that is sent: one encoding of a media section, with its retransmissions. */
export class RtpSendStream implements OutgoingOwner {
  media: SentCounters = noneSent()
  repairs: SentCounters = noneSent()
  readonly #queue: SendQueue
  #table: SectionTable
  #encoding: SessionEncoding
  #writer: PacketWriter
  #numbering: Numbering
  readonly #repetition: Repetition
  #isActive = true
  #codec: SessionCodec | undefined
  #isPaced = false
  /** A frame may have packets yet to come: no padding goes between. */
  #isWithinFrame = true
  #keyframeAskedAt = Number.NEGATIVE_INFINITY
  #firSequence: number | undefined
  #reception = new RemoteReception()
  /** Of retransmission streams that have had another SSRC. */
  #formerRepairs = noneSent()
  #repeatedPackets = 0
  #repeatedOctets = 0
  #sendDelayMs = 0
  #frames = 0
  #dropped = 0
  #nackCount = 0
  #pliCount = 0
  #firCount = 0

  constructor(queue: SendQueue, table: SectionTable, encoding: SessionEncoding, seed: SendStreamSeed) {
    this.#queue = queue
    this.#table = table
    this.#encoding = encoding
    this.#numbering = new Numbering(seed.firstSequence, seed.firstTimestamp)
    this.#writer = new PacketWriter(table.ids, table.mid, encoding.rid)
    this.#repetition = new Repetition(this, this.#writer, table, encoding, seed.firstRtxSequence)
  }

  /** It changes if the peer turns out to use the same one. */
  get ssrc(): number {
    return this.#encoding.ssrc
  }

  get rtxSsrc(): number | undefined {
    return this.#encoding.rtxSsrc
  }

  get mid(): string {
    return this.#table.mid
  }

  /** RFC 8852: which encoding of a simulcast it is. */
  get rid(): string | undefined {
    return this.#encoding.rid
  }

  get kind(): 'audio' | 'video' {
    return this.#table.section.kind
  }

  /** Hz, of the payload type that was sent last. */
  get clockRate(): number {
    return this.#codec?.clockRate ?? this.#table.section.send[0]?.clockRate ?? 90_000
  }

  /** Of the packet that was given last. */
  get lastCodec(): SessionCodec | undefined {
    return this.#codec
  }

  /** Whether it is sent, and has not said BYE. */
  get isActive(): boolean {
    return this.#isActive
  }

  /** Whether packets can leave: until then they are dropped. */
  get isReady(): boolean {
    return this.#isActive && this.#queue.room !== undefined
  }

  /** Its packets are spread over time, and probes may go between. */
  get isPaced(): boolean {
    return this.#isPaced
  }

  get statistics(): SendStreamStatistics {
    const { media } = this
    const repairs = { ...this.repairs }
    addSent(repairs, this.#formerRepairs)
    return {
      packetsSent: media.packets + repairs.packets,
      bytesSent: media.octets + repairs.octets,
      headerBytesSent: media.headerBytes + repairs.headerBytes,
      retransmittedPacketsSent: this.#repeatedPackets + repairs.packets,
      retransmittedBytesSent: this.#repeatedOctets + repairs.octets,
      totalPacketSendDelay: this.#sendDelayMs / 1_000,
      packetsDropped: this.#dropped,
      nackCount: this.#nackCount,
      pliCount: this.#pliCount,
      firCount: this.#firCount,
      framesSent: this.#frames,
      remote: this.#reception.statistics(),
    }
  }

  /**
   * Queues a packet, which leaves at the next poll or, if it is paced, when there is room for it.
   *
   * @param source an object that stands for the numbering of the packet: within one, gaps and reordering stay as they are;
   *   with another one, sequence numbers and timestamps go on behind what was sent, smoothly
   */
  send(packet: OutgoingPacket, source: object, now: number): RtpSendDrop | undefined {
    const fault = this.#fault(packet.payloadType)
    if (fault) return this.#drop(fault)
    const codec = this.#table.send[packet.payloadType] as SessionCodec
    const numbering = this.#numbering
    if (!numbering.map(packet.sequenceNumber, packet.timestamp, source, now, codec.clockRate))
      return this.#drop('stale')
    return this.#write(packet, codec, now)
  }

  /** Puts a packet between those of the source: it takes the next sequence number, and theirs go on behind it. It is not paced. */
  insert(packet: InsertedPacket, now: number): RtpSendDrop | undefined {
    const fault = this.#fault(packet.payloadType)
    if (fault) return this.#drop(fault)
    this.#numbering.insert(packet.timestamp, now)
    const { payloadType, marker, payload } = packet
    const whole = { payloadType, marker, payload, csrcs: [], elements: [], paced: false }
    return this.#write(whole, this.#table.send[packet.payloadType] as SessionCodec, now)
  }

  /** The timestamp that stands for a time, as the packets of this stream count. */
  timestampAt(now: number): number {
    return this.#numbering.timestampAt(now, this.clockRate)
  }

  /** The timestamp that a packet will leave with which is given to {@link send} later, with that source. @param clockRate Hz */
  timestampOf(timestamp: number, source: object, now: number, clockRate: number): number {
    return this.#numbering.timestampOf(timestamp, source, now, clockRate)
  }

  get encoding(): SessionEncoding {
    return this.#encoding
  }

  /** Takes over what was negotiated anew. */
  configure(table: SectionTable, encoding: SessionEncoding): void {
    this.#isActive = true
    if (table.mid !== this.#table.mid || encoding.rid !== this.#encoding.rid) {
      this.media.isKnown = false
      this.repairs.isKnown = false
    }
    this.#table = table
    this.#encoding = encoding
    this.#writer = new PacketWriter(table.ids, table.mid, encoding.rid)
    this.#repetition.configure(this.#writer, table, encoding)
  }

  /** It is not sent any more. What it has counted stays, for it may be again. */
  stop(): void {
    this.#isActive = false
    this.#repetition.clear()
  }

  /** Begins anew under another SSRC: RFC 3550 §8.2. */
  replace(encoding: SessionEncoding, seed: SendStreamSeed): void {
    if (encoding.ssrc !== this.ssrc) {
      this.#numbering = new Numbering(seed.firstSequence, seed.firstTimestamp)
      this.#reception = new RemoteReception()
      this.media = noneSent()
      this.#resetCounts()
    } else addSent(this.#formerRepairs, this.repairs)
    this.repairs = noneSent()
    this.#encoding = encoding
    this.#repetition.clear()
    this.#repetition.configure(this.#writer, this.#table, encoding, seed.firstRtxSequence)
  }

  /** What was kept is not to be repeated. */
  forget(): void {
    this.#repetition.clear()
  }

  /** A packet that the peer has asked for; undefined if it is not there, or was repeated just now. */
  repeat(sequenceNumber: number, roundTripMs: number, now: number): Outgoing | undefined {
    const room = this.#queue.room
    return room === undefined
      ? undefined
      : this.#repetition.repeat(sequenceNumber, roundTripMs, room, this.clockRate, now)
  }

  /** Something of about this size that changes nothing for who receives it, to probe the path with. */
  pad(size: number, into: Queue<Outgoing>, now: number): void {
    const room = this.#queue.room
    const codec = this.#codec
    if (room === undefined || !this.#isActive || !codec?.transportCc || this.media.packets === 0) return
    const repeated = this.#repetition.repeatLast(room, this.clockRate, now)
    if (repeated) into.push(repeated)
    // Between the packets of a frame, padding would look like a part of it.
    else if (!this.#isWithinFrame) {
      for (let rest = size; rest > 0; rest -= maxPaddingBytes)
        this.#padMedia(Math.min(rest, maxPaddingBytes), codec, into, now)
    }
  }

  left(outgoing: Outgoing, now: number): void {
    const { role, length, headerBytes } = outgoing
    const counters = role === 'rtx' ? this.repairs : this.media
    const octets = role === 'padding' ? 0 : length - headerBytes
    counters.packets++
    counters.octets += octets
    counters.headerBytes += length - octets
    counters.reportsSince = 0
    this.#sendDelayMs += now - outgoing.queuedAt
    if (role === 'media') {
      this.#reception.sent(outgoing.sequenceNumber)
      if (((outgoing.data[1] as number) & markerBit) !== 0) this.#frames++
    }
    if (role === 'media' || role === 'padding') this.#repetition.store(outgoing, now)
    else if (role === 'repeat') {
      this.#repeatedPackets++
      this.#repeatedOctets += octets
    }
  }

  countNack(): void {
    this.#nackCount++
  }

  /** @returns whether the request is a new one */
  receivePli(now: number): boolean {
    this.#pliCount++
    return this.#isKeyframeDue(now)
  }

  receiveFir(sequenceNumber: number, now: number): boolean {
    this.#firCount++
    // RFC 5104 §4.3.1.2: a request that is repeated has the same number, and asks for nothing more.
    if (sequenceNumber === this.#firSequence) return false
    this.#firSequence = sequenceNumber
    return this.#isKeyframeDue(now)
  }

  /** @returns the packets that the report is about */
  receiveReport(block: ReportBlock, roundTripMs: number | undefined, now: number): number {
    this.media.isKnown = true
    return this.#reception.receive(block, this.clockRate, roundTripMs, now)
  }

  #fault(payloadType: number): RtpSendDropReason | undefined {
    if (!this.#isActive) return 'not-sending'
    if (this.#queue.room === undefined) return 'not-ready'
    return this.#table.send[payloadType] === undefined ? 'unknown-payload-type' : undefined
  }

  #write(packet: OutgoingPacket | WholeInserted, codec: SessionCodec, now: number): RtpSendDrop | undefined {
    const numbering = this.#numbering
    const { sequenceNumber } = numbering
    const outgoing = this.#serialize('media', packet, codec, now)
    if (!outgoing) return this.#drop('malformed')
    if (!this.#queue.enqueue(outgoing, packet.paced, now)) return this.#drop('queue-full')
    this.#codec = codec
    this.#isPaced = packet.paced
    this.#isWithinFrame = !packet.marker
    this.#repetition.lastSequence = sequenceNumber
    return undefined
  }

  #serialize(
    role: 'media' | 'padding',
    packet: OutgoingPacket | WholeInserted,
    codec: SessionCodec,
    now: number,
  ): Outgoing | undefined {
    const { sequenceNumber, timestamp } = this.#numbering
    const writer = this.#writer
    const protection = this.#repetition.keeps(codec)
    // What is copied needs no room of its own.
    const room = protection === 'copy' ? 0 : (this.#queue.room ?? 0)
    // RFC 9143 §9.2, RFC 8852 §3: packets say where they belong until the peer has shown that it knows.
    const identify = !this.media.isKnown
    const data = writer.write(packet, sequenceNumber, timestamp, this.ssrc, identify, codec.transportCc, room)
    if (!data) return undefined
    const { length, headerBytes } = writer
    const outgoing = new Outgoing(
      this,
      role,
      data,
      length,
      headerBytes,
      protection,
      sequenceNumber,
      now,
      codec.clockRate,
    )
    outgoing.isRepeatable = codec.nack
    outgoing.absSendTimeAt = writer.absSendTimeAt
    outgoing.transmissionOffsetAt = writer.transmissionOffsetAt
    outgoing.transportSequenceAt = writer.transportSequenceAt
    return outgoing
  }

  #padMedia(bytes: number, codec: SessionCodec, into: Queue<Outgoing>, now: number): void {
    const numbering = this.#numbering
    numbering.insert(numbering.latest, now)
    const payload = new Uint8Array(bytes)
    payload[bytes - 1] = bytes
    const packet = { payloadType: codec.payloadType, marker: false, payload, csrcs: [], elements: [], paced: true }
    const written = this.#serialize('padding', packet, codec, now)
    if (!written) return
    written.data[0] = (written.data[0] as number) | 0x20
    into.push(written)
  }

  /** webrtc-stats §8.1: with another SSRC it is another object to monitor. */
  #resetCounts(): void {
    this.#formerRepairs = noneSent()
    this.#repeatedPackets = 0
    this.#repeatedOctets = 0
    this.#sendDelayMs = 0
    this.#frames = 0
    this.#dropped = 0
    this.#nackCount = 0
    this.#pliCount = 0
    this.#firCount = 0
  }

  #isKeyframeDue(now: number): boolean {
    if (now - this.#keyframeAskedAt < keyframeIntervalMs) return false
    this.#keyframeAskedAt = now
    return true
  }

  #drop(reason: RtpSendDropReason): RtpSendDrop {
    this.#dropped++
    return drops[reason]
  }
}

type WholeInserted = Omit<OutgoingPacket, 'sequenceNumber' | 'timestamp'>

// Made once: a drop costs nothing.
const drops: Readonly<Record<RtpSendDropReason, RtpSendDrop>> = {
  'not-ready': { drop: 'not-ready' },
  'not-sending': { drop: 'not-sending' },
  'unknown-payload-type': { drop: 'unknown-payload-type' },
  stale: { drop: 'stale' },
  malformed: { drop: 'malformed' },
  'queue-full': { drop: 'queue-full' },
}
