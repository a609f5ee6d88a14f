import type { Deadlines } from '../base/deadlines.ts'
import {
  bulkAckPackets,
  maxDuplicatesReported,
  maxGapSnapshots,
  peerBurstPackets,
  peerBurstSnapshots,
  quickAckPackets,
  quickAckPhasePackets,
  sackDelayMs,
} from './limits.ts'
import { PacketWriter } from './packet.ts'
import { ChunkType, chunkHeaderBytes } from './protocol.ts'
import type { ReceivedTsns } from './received-tsns.ts'
import type { SctpTimer } from './timers.ts'

/**
 * Decides when to send a SACK, and writes it (RFC 9260 §6.2, §6.7).
 *
 * A SACK is due when a packet calls for one at once, when enough packets have come, or when the delay is over. It is written
 * when the association is next asked for a packet, which is once in a turn of the event loop: so one SACK stands for all that
 * came in between.
 */
export class Acknowledgement {
  readonly #tsns: ReceivedTsns
  readonly #deadlines: Deadlines<SctpTimer>
  #due = false
  #packets = 0
  /** Packets for which one SACK stands while nothing is lost. */
  #bulkPackets = bulkAckPackets
  /** Packets to come that are acknowledged two by two. */
  #quickLeft = quickAckPhasePackets
  /**
   * The current packet brought a duplicate, or asks by its I bit, or had to be refused; or it is the first one with DATA:
   * RFC 9260 §5.1: that is answered immediately.
   */
  #urgent = true
  readonly #duplicates: number[] = []
  /**
   * SACK chunks for whole bursts of a sender that waits for one after each. They leave in packets of their own: such a
   * sender sends its next burst when it has read a packet, however many SACKs are in it.
   */
  readonly #bursts: Uint8Array[] = []
  /** SACK chunks of earlier packets of this turn. */
  #snapshots: Uint8Array[] = []

  constructor(tsns: ReceivedTsns, deadlines: Deadlines<SctpTimer>) {
    this.#tsns = tsns
    this.#deadlines = deadlines
  }

  /** Whether a SACK is to be sent even alone. */
  get isDue(): boolean {
    return this.#due
  }

  /** Whether there is something to acknowledge: a SACK should go with whatever is sent. */
  get isUseful(): boolean {
    return this.#due || this.#packets > 0
  }

  /**
   * The first DATA chunk of a packet is about to be taken. If the SACK that is due already reports a gap, it is kept:
   * RFC 9260 §7.2.4: while there is a gap, each packet is answered with a SACK, and senders count them.
   */
  packetBegins(window: number): void {
    if (!this.#due) return
    if (this.#tsns.hasGap) {
      if (this.#snapshots.length < maxGapSnapshots) this.#snapshots.push(this.#snapshot(window))
    } else if (this.#senderWaits && this.#packets >= peerBurstPackets && this.#bursts.length < peerBurstSnapshots) {
      this.#bursts.push(this.#snapshot(window))
      this.#packets = 0
    }
  }

  duplicate(tsn: number): void {
    this.#urgent = true
    if (this.#duplicates.length < maxDuplicatesReported) this.#duplicates.push(tsn)
  }

  /** The SACK for the current packet should not be delayed. */
  urge(): void {
    this.#urgent = true
  }

  /** A packet with DATA or FORWARD TSN has been taken. */
  packetEnds(now: number): void {
    this.#packets++
    if (this.#quickLeft > 0) this.#quickLeft--
    // RFC 9260 §6.7: a gap is reported at once. After it the sender may be slow again.
    if (this.#tsns.hasGap || this.#urgent) this.#due = true
    if (this.#tsns.hasGap) this.#quickLeft = quickAckPhasePackets
    this.#urgent = false
    if (this.#packets >= (this.#quickLeft > 0 ? quickAckPackets : this.#bulkPackets)) this.#due = true
    if (!this.#due && !this.#deadlines.isSet('sack')) this.#deadlines.set('sack', now + sackDelayMs)
  }

  /**
   * The delay is over. If it was for more than one packet, the sender may have been waiting as well, as one does that
   * sends no more than Max.Burst packets for a SACK (RFC 9260 §6.1, D) and sets no I bit: from now on it waits for less.
   */
  delayOver(): void {
    if (this.#packets > 1) this.#bulkPackets = Math.max(this.#bulkPackets / 2, quickAckPackets)
    this.#due = true
  }

  /** The window has opened, or something else wants a SACK now. */
  require(): void {
    this.#due = true
  }

  /** Writes the SACK, after those that were kept. It stays due while there are some that need a packet of their own. */
  write(writer: PacketWriter, window: number): void {
    const burst = this.#bursts.shift()
    if (burst !== undefined) {
      writer.encoded(burst)
      return
    }
    for (const snapshot of this.#snapshots) {
      if (snapshot.length + sackHeaderBytes <= writer.room) writer.encoded(snapshot)
    }
    this.#snapshots = []
    this.#writeChunk(writer, window)
    this.#due = false
    this.#packets = 0
    this.#deadlines.clear('sack')
  }

  /** A delay has shown that the sender does not send on without a SACK. */
  get #senderWaits(): boolean {
    return this.#bulkPackets < bulkAckPackets
  }

  #snapshot(window: number): Uint8Array {
    const writer = new PacketWriter(0, 0)
    writer.begin(0, snapshotBytes)
    this.#writeChunk(writer, window)
    return writer.chunks()
  }

  #writeChunk(writer: PacketWriter, window: number): void {
    const tsns = this.#tsns
    const places: number[] = []
    // RFC 9260 §6.7: as many blocks as fit, from the lowest on.
    const maxBlocks = Math.max(Math.floor((writer.room - sackHeaderBytes) / 4), 0)
    for (let block = tsns.gapBlock(0); block !== undefined && places.length < 2 * maxBlocks; ) {
      places.push(block.start, block.end)
      block = tsns.gapBlock(block.end + 1)
    }
    const blocks = places.length / 2
    const duplicates = this.#duplicates.splice(0, Math.max(maxBlocks - blocks, 0))
    this.#duplicates.length = 0
    let at = writer.openChunk(ChunkType.sack, 0, sackHeaderBytes - chunkHeaderBytes + 4 * (blocks + duplicates.length))
    const view = writer.view
    view.setUint32(at, tsns.cumulative)
    view.setUint32(at + 4, window)
    view.setUint16(at + 8, blocks)
    view.setUint16(at + 10, duplicates.length)
    at += sackHeaderBytes - chunkHeaderBytes
    // RFC 9260 §3.3.4: starts and ends are distances from the cumulative TSN.
    for (const place of places) {
      view.setUint16(at, place + 1)
      at += 2
    }
    for (const tsn of duplicates) {
      view.setUint32(at, tsn)
      at += 4
    }
  }
}

const sackHeaderBytes = 16
/** A kept SACK reports so many gaps at most that it leaves room for others. */
const snapshotBytes = 256
