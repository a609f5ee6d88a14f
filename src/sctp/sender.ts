import type { Deadlines } from '../base/deadlines.ts'
import { distance32 } from '../base/serial.ts'
import { Abandonment } from './abandonment.ts'
import type { PeerParameters } from './chunks.ts'
import { Congestion } from './congestion.ts'
import type { SctpDropReason } from './errors.ts'
import { burstIntervalMs, lateTimerGraceMs, lateTimerMs, maxPriority } from './limits.ts'
import { LossRecovery } from './loss-recovery.ts'
import { OutstandingChunks, type SentChunk } from './outstanding.ts'
import type { ChunkReader, PacketWriter } from './packet.ts'
import type { PeerHealth } from './peer-health.ts'
import { DataFlag } from './protocol.ts'
import type { RoundTrip } from './round-trip.ts'
import { Sack } from './sack.ts'
import { type OutboundStream, type SendOptions, SendQueue } from './send-queue.ts'
import type { SctpTimer } from './timers.ts'
import { Transmission } from './transmission.ts'

/**
 * The sending half of an association: takes messages, and sees to it that each arrives or is given up (RFC 9260 §6 and §7,
 * RFC 3758). {@link Transmission} fills the packets; this class handles what comes back, and the timers.
 */
export class DataSender {
  readonly #deadlines: Deadlines<SctpTimer>
  readonly #roundTrip: RoundTrip
  readonly #health: PeerHealth
  readonly #queue = new SendQueue()
  readonly #outstanding: OutstandingChunks
  readonly #recovery: LossRecovery
  readonly #abandonment: Abandonment
  readonly #congestion: Congestion
  readonly #transmission: Transmission
  readonly #sack = new Sack()
  readonly #onLost = (chunk: SentChunk, place: number): void => this.#lost(chunk, place)

  #now = 0
  #foundLoss = false
  #lastSentAt = 0
  /** RFC 8985 §7.2: one probe for each tail. */
  #probed = false
  #probe: { readonly tsn: number; readonly packet: number } | undefined
  #sackSinceTimeout = false
  #forwardTsnDue = false
  #forwardTsnSentAt = Number.NEGATIVE_INFINITY
  #t3DueAt = 0
  #fastRecoveries = 0
  #timeouts = 0
  #probes = 0

  constructor(
    initialTsn: number,
    packetSize: number,
    roundTrip: RoundTrip,
    deadlines: Deadlines<SctpTimer>,
    health: PeerHealth,
  ) {
    this.#deadlines = deadlines
    this.#roundTrip = roundTrip
    this.#health = health
    this.#outstanding = new OutstandingChunks(initialTsn)
    this.#recovery = new LossRecovery(this.#outstanding, roundTrip)
    this.#abandonment = new Abandonment(this.#outstanding, this.#queue)
    this.#congestion = new Congestion(packetSize)
    this.#transmission = new Transmission(
      this.#queue,
      this.#outstanding,
      this.#congestion,
      this.#abandonment,
      packetSize,
    )
  }

  /** The peer is known: data may be sent. */
  start(peer: PeerParameters, streams: number): void {
    this.#transmission.setPeerWindow(peer.window)
    this.#abandonment.allow(peer.forwardTsn)
    this.#queue.limit(streams)
  }

  /** The association is established: what went with the COOKIE ECHO is watched from now on. */
  resume(now: number): void {
    this.#armAfterPacket(true, now)
  }

  /** No timer runs: nothing is outstanding, or the timer of the COOKIE ECHO counts. */
  suspend(): void {
    for (const timer of ['t3-rtx', 'probe', 'reorder', 'burst', 'zero-window'] as const) this.#deadlines.clear(timer)
  }

  /** What is in flight goes again: the COOKIE ECHO that it went with was not answered, or a closed window has opened. */
  requeue(now: number): void {
    this.#now = now
    this.#recovery.loseAll(this.#onLost)
    if (this.#abandonment.advance()) this.#forwardTsnDue = true
  }

  send(streamId: number, ppid: number, data: Uint8Array, options: SendOptions, now: number): void {
    this.#queue.push(streamId, ppid, data, options, now)
    if (this.#outstanding.flightSize === 0) this.#transmission.refreshBurst()
  }

  bufferedAmount(streamId: number): number {
    return this.#queue.buffered(streamId)
  }

  pollSent(): { readonly streamId: number; readonly bytes: number } | undefined {
    return this.#queue.pollSent()
  }

  stream(id: number): OutboundStream {
    return this.#queue.stream(id)
  }

  /** The weight of the stream for what it sends from now on (RFC 8260 §3.6). */
  setPriority(streamId: number, priority: number): void {
    this.#queue.stream(streamId).priority = priority >= 1 ? Math.min(priority, maxPriority) : 1
  }

  /** Streams that are to be reset, and have nothing left to send before that. */
  get drained(): Set<OutboundStream> {
    return this.#queue.drained
  }

  get usedStreams(): Iterable<number> {
    return this.#queue.used
  }

  resumeStream(stream: OutboundStream, restart: boolean): void {
    this.#queue.resume(stream, restart)
  }

  /** Whether everything accepted has been sent and acknowledged. */
  get isDone(): boolean {
    return this.#queue.isEmpty && this.#outstanding.count === 0
  }

  /** When DATA was sent last. */
  get lastSentAt(): number {
    return this.#lastSentAt
  }

  /** RFC 9260 §5.1: the Cumulative TSN Ack Point. */
  get cumulativeTsn(): number {
    return this.#outstanding.cumulativeTsn
  }

  get lastAssignedTsn(): number {
    return (this.#outstanding.nextTsn - 1) >>> 0
  }

  get statistics(): SenderStatistics {
    return {
      retransmittedChunks: this.#transmission.retransmittedChunks,
      fastRecoveries: this.#fastRecoveries,
      timeouts: this.#timeouts,
      probes: this.#probes,
      abandonedMessages: this.#abandonment.messages,
      congestionWindow: this.#congestion.window,
      peerWindow: this.#transmission.peerWindow,
      outstandingChunks: this.#outstanding.count,
      bytesInFlight: this.#outstanding.flightSize,
    }
  }

  setPacketSize(packetSize: number): void {
    this.#congestion.setPacketSize(packetSize)
    this.#transmission.setPacketSize(packetSize)
  }

  /** RFC 8261 §6.1: the path is another one. What is in flight may have gone down with the old one. */
  pathChanged(now: number): void {
    this.#congestion.reset()
    if (this.#outstanding.count === 0) return
    this.#startT3(now)
    const earliest = this.#outstanding.at(0)
    if (earliest.fate === 'in-flight') this.#outstanding.repeat(earliest)
    this.#transmission.lostSince(0)
    this.#transmission.exemptOnce()
  }

  /** Gives memory back that a busier time needed. */
  trim(): void {
    this.#outstanding.trim()
    this.#queue.trim()
  }

  /** Whether {@link write} would add a chunk to an empty packet. */
  wantsToSend(now: number): boolean {
    return this.#forwardTsnDue || this.#transmission.isAllowed(now)
  }

  /** Adds what may be sent now to a packet: FORWARD TSN, then DATA. */
  write(writer: PacketWriter, now: number): void {
    if (this.#forwardTsnDue) this.#writeForwardTsn(writer, now)
    if (this.#outstanding.count === 0 && this.#transmission.packets > 0 && this.#transmission.isAllowed(now)) {
      // RFC 9260 §7.2.1: a window that was not used for a while is no longer known to be good.
      this.#congestion.idle(now - this.#lastSentAt, this.#roundTrip.rto)
    }
    const written = this.#transmission.write(writer, now)
    // What expired while it waited was given up. Control chunks come before DATA, so with DATA it waits for the next packet.
    if (this.#abandonment.advance()) this.#forwardTsnDue = true
    if (this.#forwardTsnDue && written === undefined) this.#writeForwardTsn(writer, now)
    const more = written !== undefined && this.#transmission.isAllowed(now)
    if (written !== undefined) {
      this.#lastSentAt = now
      // RFC 9260 §6.1: the I bit asks for a SACK at once where the sender can do nothing but wait for it.
      if (!more) writer.setFlag(written.lastFlagsAt, DataFlag.immediate)
      this.#armAfterPacket(written.earliestAgain, now)
    }
    if (!more) this.#armAfterBurst(now)
  }

  /** Handles the SACK that is the current chunk (RFC 9260 §6.2.1). */
  onSack(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    const sack = this.#sack
    if (!sack.read(chunk)) return 'malformed'
    const refused = this.#acknowledge(sack, now)
    if (refused !== undefined) return refused
    this.#sackSinceTimeout = true
    if (this.#transmission.setPeerWindow(sack.window)) this.requeue(now)
    return undefined
  }

  /** Handles the cumulative TSN of a SHUTDOWN (RFC 9260 §9.2). It says nothing of gaps or of the window. */
  onShutdownTsn(tsn: number, now: number): SctpDropReason | undefined {
    // RFC 9260 §3.3.8: the lack of gap blocks is not reneging.
    return this.#acknowledge(this.#sack.withoutGaps(tsn), now)
  }

  /**
   * T3-rtx expired (RFC 9260 §6.3.3).
   *
   * @returns whether the peer failed to answer
   */
  onRetransmissionTimeout(now: number): boolean {
    if (this.#outstanding.count === 0) return false
    if (now - this.#t3DueAt > lateTimerMs) {
      this.#startT3(now, lateTimerGraceMs)
      return false
    }
    this.#timeouts++
    // RFC 9260 §6.1, rule A: a closed window, as long as the peer confirms it, says nothing about the path.
    const confirmed = this.#transmission.probesWindow && this.#sackSinceTimeout
    this.#sackSinceTimeout = false
    this.#roundTrip.backOff()
    if (!this.#transmission.probesWindow) this.#congestion.timedOut()
    this.requeue(now)
    // RFC 3758 §3.5, rule A5.
    this.#forwardTsnDue = this.#abandonment.isPeerBehind
    this.#transmission.refreshBurst()
    this.#probed = true
    this.#probe = undefined
    this.#deadlines.clear('probe')
    this.#deadlines.clear('reorder')
    this.#startT3(now)
    return !confirmed
  }

  /** RFC 8985 §7.3: no acknowledgement for too long, so what was sent last goes again, to hear what has arrived. */
  onProbeTimeout(now: number): void {
    this.#deadlines.clear('probe')
    const outstanding = this.#outstanding
    // What is known to be lost will be asked about anyway.
    if (outstanding.lostCount > 0) return
    let last: SentChunk | undefined
    for (let place = outstanding.count - 1; place >= 0; place--) {
      const chunk = outstanding.at(place)
      if (last !== undefined && chunk.packet !== last.packet) break
      if (chunk.fate !== 'in-flight' || this.#abandonment.mustAbandon(chunk, now)) continue
      last ??= chunk
      outstanding.repeat(chunk)
      this.#transmission.lostSince(place)
      this.#probe = { tsn: (outstanding.firstTsn + place) >>> 0, packet: this.#transmission.packets }
    }
    if (last === undefined) return
    this.#transmission.exemptOnce()
    this.#probed = true
    this.#probes++
  }

  /** What seemed late may be lost by now. */
  onReorderTimeout(now: number): void {
    this.#detectLoss(now)
    if (this.#abandonment.advance()) this.#forwardTsnDue = true
  }

  onBurstTimeout(): void {
    this.#transmission.refreshBurst()
  }

  onZeroWindowTimeout(): void {
    this.#transmission.allowWindowProbe()
  }

  #acknowledge(sack: Sack, now: number): SctpDropReason | undefined {
    const outstanding = this.#outstanding
    const advance = distance32(sack.cumulativeTsn, outstanding.cumulativeTsn)
    // RFC 9260 §6.2.1, rule D i: an older SACK came late.
    if (advance >= 0x8000_0000) return 'old-sack'
    // Nobody can have received what was not sent.
    if (advance + sack.highestPlace + 1 > outstanding.count) return 'bad-sack'
    const acked = this.#recovery.acknowledge(sack, advance, now)
    this.#transmission.shift(advance)
    if (acked > 0 || advance > 0) {
      this.#health.answered()
      this.#probed = false
      this.#transmission.refreshBurst()
    }
    // RFC 9260 §7.2.4: growth first, then what losses take away.
    if (acked > 0) this.#congestion.acknowledged(acked, advance > 0)
    this.#judgeProbe(sack)
    this.#detectLoss(now)
    this.#congestion.cumulativeReached(outstanding.cumulativeTsn)
    this.#askToMoveOn(advance > 0, now)
    this.#rearm(advance > 0, now)
    return undefined
  }

  /**
   * RFC 8985 §7.4.2: if the probe filled a hole, something had been lost; if it came twice, nothing had. The receiver has told
   * which once something arrived that was sent after the probe.
   */
  #judgeProbe(sack: Sack): void {
    const probe = this.#probe
    if (probe === undefined) return
    const cameTwice = sack.reportsDuplicate(probe.tsn)
    if (!cameTwice && this.#recovery.arrivedPacket <= probe.packet) return
    this.#probe = undefined
    if (!cameTwice) this.#reduceWindow()
  }

  #detectLoss(now: number): void {
    this.#now = now
    this.#foundLoss = false
    this.#recovery.detect(now, this.#onLost)
    if (this.#foundLoss) this.#reduceWindow()
    const deadline = this.#recovery.deadline
    if (deadline === undefined) this.#deadlines.clear('reorder')
    else this.#deadlines.set('reorder', deadline)
  }

  #lost(chunk: SentChunk, place: number): void {
    this.#foundLoss = true
    this.#transmission.lostSince(place)
    if (chunk.message !== undefined && this.#abandonment.mustAbandon(chunk, this.#now)) {
      this.#abandonment.abandon(chunk.message)
    }
  }

  #reduceWindow(): void {
    if (!this.#congestion.lost(this.lastAssignedTsn)) return
    this.#fastRecoveries++
    this.#transmission.exemptOnce()
  }

  /** RFC 3758 §3.5, rules C1 to C3: after each SACK, but once a round trip if the peer has not moved (rule F2). */
  #askToMoveOn(moved: boolean, now: number): void {
    const further = this.#abandonment.advance()
    if (!this.#abandonment.isPeerBehind) {
      this.#forwardTsnDue = false
      return
    }
    if (further || moved || now - this.#forwardTsnSentAt >= this.#roundTrip.cautious) this.#forwardTsnDue = true
  }

  #writeForwardTsn(writer: PacketWriter, now: number): void {
    if (this.#abandonment.isPeerBehind && !this.#abandonment.writeForwardTsn(writer)) return
    this.#forwardTsnDue = false
    this.#forwardTsnSentAt = now
    // RFC 3758 §3.5, rule C5: T3-rtx runs as long as the peer has not confirmed it.
    if (!this.#deadlines.isSet('t3-rtx')) this.#startT3(now)
  }

  #rearm(cumulativeMoved: boolean, now: number): void {
    if (this.#outstanding.count === 0) {
      // RFC 9260 §6.3.2, rule R2.
      this.#congestion.allAcknowledged()
      this.suspend()
      return
    }
    // RFC 9260 §6.3.2, rule R3.
    if (cumulativeMoved) this.#startT3(now)
    this.#armProbe(now)
  }

  #armAfterPacket(earliestAgain: boolean, now: number): void {
    if (this.#outstanding.count === 0) return
    // RFC 9260 §6.3.2, rule R1, and §6.1: restarted if the earliest chunk goes again.
    if (earliestAgain || !this.#deadlines.isSet('t3-rtx')) this.#startT3(now)
    this.#armProbe(now)
  }

  #armAfterBurst(now: number): void {
    this.#congestion.noteFull(this.#transmission.isWindowFull(now))
    if (this.#transmission.isBurstSpent(now)) this.#deadlines.set('burst', now + burstIntervalMs)
    else if (this.#transmission.isWindowClosed(now) && !this.#deadlines.isSet('zero-window')) {
      this.#deadlines.set('zero-window', now + this.#roundTrip.rto)
    }
  }

  #armProbe(now: number): void {
    if (this.#probed || this.#outstanding.flightSize === 0) this.#deadlines.clear('probe')
    else this.#deadlines.set('probe', now + this.#recovery.probeDelay)
  }

  #startT3(now: number, delay: number = this.#roundTrip.rto): void {
    this.#t3DueAt = now + delay
    this.#deadlines.set('t3-rtx', this.#t3DueAt)
  }
}

export interface SenderStatistics {
  readonly retransmittedChunks: number
  readonly fastRecoveries: number
  readonly timeouts: number
  readonly probes: number
  /** Messages given up after some of their chunks had been sent. */
  readonly abandonedMessages: number
  /** cwnd, in bytes. */
  readonly congestionWindow: number
  /** The window that the peer told last, in bytes. */
  readonly peerWindow: number
  readonly outstandingChunks: number
  readonly bytesInFlight: number
}
