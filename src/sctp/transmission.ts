import type { Abandonment } from './abandonment.ts'
import type { Congestion } from './congestion.ts'
import { maxBurstPackets, maxOutstandingChunks, minFragmentBytes } from './limits.ts'
import type { OutstandingChunks, SentChunk } from './outstanding.ts'
import type { PacketWriter } from './packet.ts'
import { commonHeaderBytes, DataFlag, dataHeaderBytes, padded } from './protocol.ts'
import type { OutboundMessage, SendQueue } from './send-queue.ts'

/** What a packet carried. */
export interface Written {
  /** Where the flags of its last DATA chunk are. */
  readonly lastFlagsAt: number
  /** Whether it carried the earliest outstanding chunk again. */
  readonly earliestAgain: boolean
}

/**
 * Decides whether DATA may be sent, and puts it into packets: first what is to be sent again, then what is new
 * (RFC 9260 §6.1, rules A to E).
 */
export class Transmission {
  readonly #queue: SendQueue
  readonly #outstanding: OutstandingChunks
  readonly #congestion: Congestion
  readonly #abandonment: Abandonment
  #maxPayload: number
  #peerWindow = 0
  #nextPacket = 0
  #burstLeft = maxBurstPackets
  /** No chunk before this place is lost. */
  #lostFrom = 0
  #exempt = false
  #mayProbeWindow = false
  #probesWindow = false
  #retransmittedChunks = 0

  constructor(
    queue: SendQueue,
    outstanding: OutstandingChunks,
    congestion: Congestion,
    abandonment: Abandonment,
    packetSize: number,
  ) {
    this.#queue = queue
    this.#outstanding = outstanding
    this.#congestion = congestion
    this.#abandonment = abandonment
    this.#maxPayload = maxPayload(packetSize)
  }

  get peerWindow(): number {
    return this.#peerWindow
  }

  /** Whether a chunk is under way that was sent to try a closed window. */
  get probesWindow(): boolean {
    return this.#probesWindow
  }

  get packets(): number {
    return this.#nextPacket
  }

  get retransmittedChunks(): number {
    return this.#retransmittedChunks
  }

  /** Whether only the length of the burst forbids to send more. */
  isBurstSpent(now: number): boolean {
    return this.#burstLeft <= 0 && this.#isWanted(now) && this.#congestion.allows(this.#outstanding.flightSize)
  }

  /** Whether nothing is under way that could tell when the peer's window opens. */
  isWindowClosed(now: number): boolean {
    if (this.#outstanding.count > 0 || this.#mayProbeWindow) return false
    const message = this.#queue.head(now)
    return message !== undefined && !this.#windowAllows(this.#nextLength(message))
  }

  /** Whether the congestion window forbids to send more. */
  isWindowFull(now: number): boolean {
    return !this.#congestion.allows(this.#outstanding.flightSize) && this.#isWanted(now)
  }

  setPacketSize(packetSize: number): void {
    this.#maxPayload = maxPayload(packetSize)
  }

  /**
   * The peer told its window.
   *
   * @returns whether it has opened for a chunk that was sent to try it and refused
   */
  setPeerWindow(bytes: number): boolean {
    this.#peerWindow = bytes
    const refused = this.#probesWindow && this.#outstanding.count > 0
    if (bytes > 0 || !refused) this.#probesWindow = false
    return refused && bytes > 0
  }

  /** The cumulative TSN moved by so many. */
  shift(places: number): void {
    this.#lostFrom = Math.max(this.#lostFrom - places, 0)
  }

  /** Chunks from this place on may have become lost. */
  lostSince(place: number): void {
    this.#lostFrom = Math.min(this.#lostFrom, place)
  }

  /** RFC 9260 §6.1, rule D: another burst may be sent. */
  refreshBurst(): void {
    this.#burstLeft = maxBurstPackets
  }

  /** RFC 9260 §7.2.4, step 3; RFC 8985 §7.3: the next packet of lost chunks ignores the congestion window. */
  exemptOnce(): void {
    this.#exempt = true
    this.refreshBurst()
  }

  /** RFC 9260 §6.1, rule A: one chunk may be sent into a closed window. */
  allowWindowProbe(): void {
    this.#mayProbeWindow = true
    this.refreshBurst()
  }

  isAllowed(now: number): boolean {
    return this.#mayRetransmit() || this.#maySendNew(now)
  }

  /** Fills a packet; undefined if nothing was to be added, or nothing fit. */
  write(writer: PacketWriter, now: number): Written | undefined {
    if (this.#burstLeft <= 0) return undefined
    const packet = this.#nextPacket
    const earliestAgain = this.#outstanding.count > 0 && this.#outstanding.at(0).fate === 'lost'
    let lastFlagsAt = -1
    let repeated = false
    if (this.#mayRetransmit()) {
      lastFlagsAt = this.#retransmit(writer, packet, now)
      repeated = lastFlagsAt >= 0
    }
    if (this.#maySendNew(now)) lastFlagsAt = Math.max(lastFlagsAt, this.#sendNew(writer, packet, now))
    if (lastFlagsAt < 0) return undefined
    this.#nextPacket++
    this.#burstLeft--
    return { lastFlagsAt, earliestAgain: earliestAgain && repeated }
  }

  #isWanted(now: number): boolean {
    return this.#outstanding.lostCount > 0 || this.#queue.head(now) !== undefined
  }

  #mayRetransmit(): boolean {
    if (this.#outstanding.lostCount === 0) this.#exempt = false
    if (this.#outstanding.lostCount === 0 || this.#burstLeft <= 0) return false
    return this.#exempt || this.#congestion.allows(this.#outstanding.flightSize)
  }

  #maySendNew(now: number): boolean {
    const outstanding = this.#outstanding
    if (this.#burstLeft <= 0 || outstanding.count >= maxOutstandingChunks) return false
    // RFC 9260 §6.1, rule C: what is lost goes first.
    if (outstanding.lostCount > 0) return false
    if (!this.#congestion.allows(outstanding.flightSize)) return false
    const message = this.#queue.head(now)
    return message !== undefined && this.#windowAllows(this.#nextLength(message))
  }

  #nextLength(message: OutboundMessage): number {
    return Math.min(message.data.length - message.cut, this.#maxPayload)
  }

  #windowAllows(length: number): boolean {
    return length <= this.#peerWindow - this.#outstanding.flightData || this.#mayProbeWindow
  }

  #retransmit(writer: PacketWriter, packet: number, now: number): number {
    const outstanding = this.#outstanding
    let flagsAt = -1
    for (let place = this.#lostFrom; outstanding.lostCount > 0 && place < outstanding.count; place++) {
      this.#lostFrom = place
      const chunk = outstanding.at(place)
      const message = chunk.message
      if (chunk.fate !== 'lost' || message === undefined) continue
      if (this.#abandonment.mustAbandon(chunk, now)) {
        this.#abandonment.abandon(message)
        continue
      }
      // RFC 9260 §6.9: a chunk cut for a larger packet goes as it is, in a packet of its own.
      if (dataHeaderBytes + padded(chunk.length) > writer.room && !writer.isEmpty) break
      const tsn = (outstanding.firstTsn + place) >>> 0
      flagsAt = writeChunk(writer, tsn, chunk, message)
      outstanding.sent(chunk, packet, now)
      this.#retransmittedChunks++
      this.#lostFrom = place + 1
    }
    if (flagsAt >= 0) this.#exempt = false
    return flagsAt
  }

  #sendNew(writer: PacketWriter, packet: number, now: number): number {
    const outstanding = this.#outstanding
    let flagsAt = -1
    while (outstanding.count < maxOutstandingChunks) {
      const message = this.#queue.head(now)
      if (message === undefined) break
      if (message.cut > 0 && this.#abandonment.hasExpired(message, now)) {
        this.#abandonment.abandon(message)
        continue
      }
      const length = this.#fitting(message, writer)
      if (length === 0 || !this.#windowAllows(length)) break
      flagsAt = this.#cut(writer, message, length, packet, now)
      if (this.#mayProbeWindow) {
        this.#mayProbeWindow = false
        this.#probesWindow = true
        break
      }
    }
    return flagsAt
  }

  /** How much of a message goes into the rest of the packet; 0 if it should wait for the next one. */
  #fitting(message: OutboundMessage, writer: PacketWriter): number {
    const rest = message.data.length - message.cut
    const room = writer.room - dataHeaderBytes
    if (rest <= room) return rest
    return room >= minFragmentBytes || writer.isEmpty ? Math.max(room, 0) : 0
  }

  #cut(writer: PacketWriter, message: OutboundMessage, length: number, packet: number, now: number): number {
    const outstanding = this.#outstanding
    const tsn = outstanding.nextTsn
    const offset = message.cut
    if (offset === 0) message.firstTsn = tsn
    this.#queue.take(message, length)
    let flags = message.unordered ? DataFlag.unordered : 0
    if (offset === 0) flags |= DataFlag.begin
    if (message.cut === message.data.length) flags |= DataFlag.end
    const chunk = outstanding.push(message, offset, length, flags)
    outstanding.sent(chunk, packet, now)
    return writeChunk(writer, tsn, chunk, message)
  }
}

function writeChunk(writer: PacketWriter, tsn: number, chunk: SentChunk, message: OutboundMessage): number {
  const end = chunk.offset + chunk.length
  return writer.data(chunk.flags, tsn, message.stream.id, message.ssn, message.ppid, message.data, chunk.offset, end)
}

function maxPayload(packetSize: number): number {
  return (packetSize - commonHeaderBytes - dataHeaderBytes) & ~3
}
