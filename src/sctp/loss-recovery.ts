import { minProbeDelayMs, minReorderWindowMs, packetThreshold } from './limits.ts'
import type { OutstandingChunks, SentChunk } from './outstanding.ts'
import { dataHeaderBytes, padded } from './protocol.ts'
import type { RoundTrip } from './round-trip.ts'
import { GapBlocks, type Sack } from './sack.ts'

/**
 * Finds out from acknowledgements what has arrived and what was lost.
 *
 * RFC 9260 §7.2.4 counts SACKs: three that miss a TSN mean that it is lost. It presumes a SACK for every packet while there
 * is a gap, but one SACK often stands for a batch. So packets are counted instead: a chunk is lost when something sent three
 * packets later has arrived (which is what three SACKs would have said), or when something sent later has arrived and more
 * than a round trip has passed (RFC 8985 §6.2, RFC 9002 §6.1). As packets are numbered anew when chunks are sent again, a
 * retransmission that is lost is found out in the same way.
 */
export class LossRecovery {
  readonly #outstanding: OutstandingChunks
  readonly #roundTrip: RoundTrip
  /** Gap blocks of the SACK before, in places of now. */
  readonly #reported = new GapBlocks()
  #arrivedPacket = -1
  /** Chunks with this TSN or a later one may serve to measure the round trip. RFC 9260 §6.3.1, rule C4: once each. */
  #measureFrom: number
  #measured: SentMoment | undefined
  #newlyAcked = 0
  #deadline: number | undefined

  constructor(outstanding: OutstandingChunks, roundTrip: RoundTrip) {
    this.#outstanding = outstanding
    this.#roundTrip = roundTrip
    this.#measureFrom = outstanding.firstTsn
  }

  /** When a chunk that now seems late will count as lost; undefined if none does. */
  get deadline(): number | undefined {
    return this.#deadline
  }

  /** The latest packet known to have arrived; -1 before the first. */
  get arrivedPacket(): number {
    return this.#arrivedPacket
  }

  /** How long to wait for an acknowledgement before asking for one. RFC 8985 §7.2: two round trips. */
  get probeDelay(): number {
    return Math.max(2 * this.#roundTrip.cautious, minProbeDelayMs)
  }

  /**
   * Takes note of all that a SACK acknowledges. The cumulative TSN is `advance` places ahead of what it was.
   *
   * @returns bytes acknowledged for the first time, with chunk headers and padding
   */
  acknowledge(sack: Sack, advance: number, now: number): number {
    const outstanding = this.#outstanding
    this.#newlyAcked = 0
    this.#measured = undefined
    for (let i = 0; i < advance; i++) {
      this.#arrived(outstanding.at(0), outstanding.firstTsn, now)
      outstanding.release()
    }
    this.#reported.shift(advance)
    if (sack.tellsGaps && (sack.blocks.count > 0 || this.#reported.count > 0)) this.#compare(sack.blocks, now)
    const measured = this.#measured as SentMoment | undefined
    if (measured !== undefined) {
      this.#roundTrip.measured(now - measured.sentAt)
      this.#measureFrom = outstanding.nextTsn
    }
    return this.#newlyAcked
  }

  /** Everything in flight is lost: the retransmission timer expired. */
  loseAll(found: FoundLost): void {
    this.#deadline = undefined
    for (let place = 0; place < this.#outstanding.count; place++) {
      const chunk = this.#outstanding.at(place)
      if (chunk.fate !== 'in-flight') continue
      this.#outstanding.lose(chunk)
      found(chunk, place)
    }
  }

  /**
   * Marks chunks in flight as lost, as far as what has arrived shows.
   *
   * @param found called with each of them
   */
  detect(now: number, found: FoundLost): void {
    const outstanding = this.#outstanding
    const reported = this.#reported
    const delay = Math.max(this.#roundTrip.cautious * 1.25, minReorderWindowMs)
    this.#deadline = undefined
    let block = 0
    for (let place = 0; place < outstanding.count; place++) {
      if (block < reported.count && place === reported.start(block)) {
        place = reported.end(block++)
        continue
      }
      const chunk = outstanding.at(place)
      if (chunk.fate !== 'in-flight') continue
      if (chunk.packet > this.#arrivedPacket) {
        // What was sent once only, after the latest arrival, is followed by what was sent later still.
        if (chunk.transmissions === 1) break
        continue
      }
      if (chunk.packet <= this.#arrivedPacket - packetThreshold || chunk.sentAt + delay <= now) {
        outstanding.lose(chunk)
        found(chunk, place)
      } else {
        const deadline = chunk.sentAt + delay
        if (this.#deadline === undefined || deadline < this.#deadline) this.#deadline = deadline
      }
    }
  }

  #compare(blocks: GapBlocks, now: number): void {
    const outstanding = this.#outstanding
    blocks.beyond(this.#reported, (from, to) => {
      for (let place = from; place <= to; place++) {
        this.#arrived(outstanding.at(place), (outstanding.firstTsn + place) >>> 0, now)
      }
    })
    this.#reported.beyond(blocks, (from, to) => {
      for (let place = from; place <= to; place++) {
        const chunk = outstanding.at(place)
        if (chunk.fate === 'acked') outstanding.renege(chunk)
      }
    })
    this.#reported.clear()
    for (let i = 0; i < blocks.count; i++) this.#reported.add(blocks.start(i), blocks.end(i))
  }

  #arrived(chunk: SentChunk, tsn: number, now: number): void {
    // RFC 3758 §3.5, rule A2: an abandoned chunk is not credited.
    if (chunk.fate === 'acked' || chunk.fate === 'abandoned') return
    this.#outstanding.acknowledge(chunk)
    this.#newlyAcked += padded(dataHeaderBytes + chunk.length)
    if (chunk.transmissions === 1) {
      // RFC 9260 §6.3.1, rule C5: only what was sent once tells the round trip.
      const isTimed = (tsn - this.#measureFrom) >>> 0 < 0x8000_0000
      if (isTimed && (this.#measured === undefined || chunk.packet > this.#measured.packet)) {
        this.#measured = { packet: chunk.packet, sentAt: chunk.sentAt }
      }
    } else if (chunk.evidence === chunk.packet && now - chunk.sentAt < this.#roundTrip.least) {
      // RFC 8985 §6.2, step 2: faster than any round trip, so this acknowledges an earlier transmission.
      return
    }
    if (chunk.evidence > this.#arrivedPacket) this.#arrivedPacket = chunk.evidence
  }
}

/** Told of each chunk found lost, and of its place among the outstanding ones. */
export type FoundLost = (chunk: SentChunk, place: number) => void

interface SentMoment {
  readonly packet: number
  readonly sentAt: number
}
