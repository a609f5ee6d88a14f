import type { SansIo } from '../base/machine.ts'
import { dropped, handled, type SctpDropReason, SctpError, type SctpErrorCode, type SctpReceived } from './errors.ts'
import type { SctpEvent } from './events.ts'
import { Handshake } from './handshake.ts'
import { defaultPacketSize, maxReceiveMessageBytes, maxStreams, minPacketSize, shutdownGuardMs } from './limits.ts'
import type { SctpOptions, SctpStatistics } from './options.ts'
import { reportUnrecognized } from './outbox.ts'
import { ChunkReader, PacketWriter } from './packet.ts'
import { encodeParameter, readParameters, uint32Bytes, unrecognizedAction } from './parameters.ts'
import { CauseCode, ChunkType, lastWords, reflectedTagFlag } from './protocol.ts'
import { type DataViolation, receiveBufferFor } from './receiver.ts'
import type { SendOptions } from './send-queue.ts'
import { createShared, type Shared } from './shared.ts'
import {
  type AssociationState,
  awaitsCookieAck,
  awaitsInitAck,
  awaitsShutdownAck,
  awaitsShutdownComplete,
  isUp,
  receivesData,
  sendsData,
} from './states.ts'
import type { SctpTimer } from './timers.ts'
import { Transfer } from './transfer.ts'

/**
 * One end of an SCTP association over DTLS (RFC 9260, RFC 8261): reliable or partially reliable messages on many streams,
 * ordered or not.
 *
 * It is sans-I/O: packets go in by {@link receive} and come out of {@link pollTransmit}. Poll for packets once at the end of
 * a turn of the event loop, after all datagrams that had arrived: then one acknowledgement stands for all of them.
 */
export class SctpAssociation implements SansIo<SctpEvent, Uint8Array> {
  readonly #localPort: number
  readonly #remotePort: number
  readonly #maxMessageBytes: number
  readonly #shared: Shared
  readonly #handshake: Handshake
  readonly #writer: PacketWriter
  readonly #drops = new Map<SctpDropReason, number>()
  #transfer: Transfer
  #state: AssociationState = 'closed'
  /** Closed for good, rather than not yet open. */
  #ended = false
  #packetSize: number
  #cookieAckDue = false
  #shutdownDue = false
  #packetsSent = 0
  #packetsReceived = 0

  constructor(options: SctpOptions) {
    this.#localPort = options.localPort ?? 5000
    this.#remotePort = options.remotePort ?? 5000
    this.#maxMessageBytes = options.maxReceiveMessageSize ?? maxReceiveMessageBytes
    this.#packetSize = Math.max(options.packetSize ?? defaultPacketSize, minPacketSize)
    this.#writer = new PacketWriter(this.#localPort, this.#remotePort)
    this.#shared = createShared(options, this.#localPort, this.#remotePort)
    this.#handshake = new Handshake(this.#shared, this.#localPort, this.#remotePort, {
      window: receiveBufferFor(this.#maxMessageBytes),
      outboundStreams: options.outboundStreams ?? maxStreams,
      inboundStreams: options.inboundStreams ?? maxStreams,
    })
    this.#transfer = this.#newTransfer()
  }

  get state(): AssociationState {
    return this.#state
  }

  /** Stream identifiers below this number may be sent on; undefined before the peer is known. */
  get outboundStreams(): number | undefined {
    return this.#handshake.outboundStreams
  }

  /** Stream identifiers below this number may come from the peer; undefined before it is known. */
  get inboundStreams(): number | undefined {
    return this.#handshake.inboundStreams
  }

  get statistics(): SctpStatistics {
    return {
      ...this.#transfer.sender.statistics,
      packetsSent: this.#packetsSent,
      packetsReceived: this.#packetsReceived,
      roundTripMs: this.#shared.roundTrip.smoothed,
      rtoMs: this.#shared.roundTrip.rto,
      bytesHeld: this.#transfer.bytesHeld,
      drops: this.#drops,
    }
  }

  /** Sets the association up. Both ends may call it; an end that does not is set up by the other. */
  connect(_now: number): void {
    if (this.#state !== 'closed' || this.#ended) return
    this.#state = 'cookie-wait'
    this.#handshake.begin()
  }

  /**
   * Queues a message. The data is copied. Before the association is up messages wait; the first leave with the handshake.
   *
   * @param data at least one byte: SCTP has no empty messages (RFC 8831 §6.6 tells how to send them)
   * @returns false if nothing can be sent, or no more, on this stream
   */
  send(streamId: number, ppid: number, data: Uint8Array, options: SendOptions, now: number): boolean {
    if (data.length === 0) throw new RangeError('an SCTP message has at least one byte')
    if (this.#ended || this.#isShuttingDown || streamId >= (this.outboundStreams ?? maxStreams)) return false
    this.#transfer.sender.send(streamId, ppid, data, options, now)
    return true
  }

  /** Bytes of the stream that were accepted by {@link send} and have not yet been sent for the first time. */
  bufferedAmount(streamId: number): number {
    return this.#transfer.sender.bufferedAmount(streamId)
  }

  /** Sets the weight, from 1 to 65535, of a stream among those that have something to send (RFC 8260 §3.6); 256 by default. */
  setPriority(streamId: number, priority: number): void {
    if (streamId < (this.outboundStreams ?? maxStreams)) this.#transfer.sender.setPriority(streamId, priority)
  }

  /** Resets our side of a stream behind all that was sent on it (RFC 6525). What follows waits for the event `outgoing-reset`. */
  resetStream(streamId: number, _now: number): void {
    if (!this.#ended) this.#transfer.resetStream(streamId)
  }

  /** Sets the size of packets to come, common header included. */
  setPacketSize(bytes: number): void {
    this.#packetSize = Math.max(bytes, minPacketSize)
    this.#transfer.sender.setPacketSize(this.#packetSize)
  }

  /** The path below is another one: its round trip and capacity are unknown again (RFC 8261 §6.1, RFC 8831 §5). */
  pathChanged(now: number): void {
    this.#shared.roundTrip.reset()
    this.#transfer.pathChanged(now)
  }

  /** Closes after everything queued has been sent and acknowledged (RFC 9260 §9.2). */
  shutdown(now: number): void {
    if (this.#state === 'established') {
      this.#state = 'shutdown-pending'
      this.#shared.deadlines.set('t5-shutdown-guard', now + shutdownGuardMs)
      this.#continueShutdown()
    } else if (!this.#isShuttingDown) this.abort(now)
  }

  /** Closes at once; what is queued is lost (RFC 9260 §9.1). */
  abort(_now: number): void {
    if (this.#ended) return
    this.#sendAbort(encodeParameter(CauseCode.userInitiatedAbort))
    this.#end(closed)
  }

  /** Takes a packet from the peer. It is a view: whatever is kept of it is copied. */
  receive(packet: Uint8Array, now: number): SctpReceived {
    const chunk = new ChunkReader(packet)
    const fault = chunk.fault(this.#localPort, this.#remotePort) ?? this.#admit(chunk)
    if (fault !== undefined) return this.#drop(fault)
    this.#packetsReceived++
    let refused: SctpDropReason | undefined
    let goOn = true
    while (goOn) {
      const handler = SctpAssociation.#handlers.get(chunk.type)
      if (handler !== undefined) refused = handler(this, chunk, now) ?? refused
      else refused = 'unrecognized-chunk'
      // RFC 9260 §5.1.5: with a cookie that is refused, all that follows it is.
      const isLastWord = lastWords.has(chunk.type) || (chunk.type === ChunkType.cookieEcho && refused !== undefined)
      goOn = (handler !== undefined || this.#isSkipped(chunk)) && !isLastWord && !this.#ended && chunk.next()
    }
    if (chunk.isTruncated && !this.#ended) refused ??= 'malformed'
    this.#endPacket(now)
    return refused === undefined ? handled : this.#drop(refused)
  }

  handleTimeout(now: number): void {
    const { deadlines, health } = this.#shared
    for (let timer = deadlines.expire(now); timer !== undefined; timer = deadlines.expire(now)) {
      const unanswered = this.#onTimer(timer, now)
      if (unanswered && health.failedToAnswer()) this.#fail('timeout', 'the peer does not answer')
    }
    this.#continueShutdown()
  }

  /** The next packet: a view that is valid until the next call of this method. */
  pollTransmit(now: number): Uint8Array | undefined {
    const packet = this.#shared.outbox.nextPacket() ?? this.#nextPacket(now)
    if (packet !== undefined) this.#packetsSent++
    return packet
  }

  pollEvent(): SctpEvent | undefined {
    const event = this.#shared.events.shift()
    if (event === undefined) {
      const sent = this.#transfer.sender.pollSent()
      return sent && { type: 'sent', streamId: sent.streamId, bytes: sent.bytes }
    }
    if (event.type === 'message') this.#transfer.fetched(event.data.length)
    return event
  }

  pollTimeout(): number | undefined {
    return this.#shared.deadlines.next()
  }

  get #isShuttingDown(): boolean {
    return isUp.has(this.#state) && this.#state !== 'established'
  }

  // --- Receiving --------------------------------------------------------------------------------------------------

  /** One handler for each type of chunk that is known. The result says why the chunk was refused, if it was. */
  static readonly #handlers: ReadonlyMap<number, ChunkHandler> = new Map<number, ChunkHandler>([
    [ChunkType.data, (to, chunk) => to.#ifState(receivesData) ?? to.#onData(chunk)],
    [ChunkType.init, (to, chunk, now) => to.#onInit(chunk, now)],
    [ChunkType.initAck, (to, chunk, now) => to.#ifState(awaitsInitAck) ?? to.#onInitAck(chunk, now)],
    [ChunkType.sack, (to, chunk, now) => to.#ifState(sendsData) ?? to.#transfer.sender.onSack(chunk, now)],
    [ChunkType.heartbeat, (to, chunk) => to.#ifState(isUp) ?? to.#transfer.onHeartbeat(chunk)],
    [ChunkType.heartbeatAck, (to, chunk, now) => to.#ifState(isUp) ?? to.#transfer.onHeartbeatAck(chunk, now)],
    [ChunkType.abort, (to, chunk) => to.#onAbort(chunk)],
    [ChunkType.shutdown, (to, chunk, now) => to.#ifState(isUp) ?? to.#onShutdown(chunk, now)],
    [ChunkType.shutdownAck, to => to.#ifState(awaitsShutdownAck) ?? to.#onShutdownAck()],
    [ChunkType.error, (to, chunk) => to.#onError(chunk)],
    [ChunkType.cookieEcho, (to, chunk, now) => to.#onCookieEcho(chunk, now)],
    [ChunkType.cookieAck, (to, _chunk, now) => to.#ifState(awaitsCookieAck) ?? to.#onCookieAck(now)],
    [ChunkType.shutdownComplete, (to, chunk) => to.#ifState(awaitsShutdownComplete) ?? to.#onShutdownComplete(chunk)],
    [ChunkType.reConfig, (to, chunk, now) => to.#ifState(sendsData) ?? to.#transfer.onReConfig(chunk, now)],
    [ChunkType.forwardTsn, (to, chunk) => to.#ifState(receivesData) ?? to.#transfer.onForwardTsn(chunk)],
  ])

  /** Steps to the first chunk and applies the rules for verification tags (RFC 9260 §8.4, §8.5). */
  #admit(chunk: ChunkReader): SctpDropReason | undefined {
    if (!chunk.next()) return 'malformed'
    const tag = chunk.verificationTag
    const { local, peer } = this.#handshake
    // RFC 9260 §8.5.1, rule A: an INIT comes alone, with the tag 0, and nothing else has that tag.
    if (chunk.type === ChunkType.init && !this.#ended) return tag === 0 && chunk.isLast ? undefined : 'bad-tag'
    if (tag === 0) return 'bad-tag'
    // RFC 9260 §8.5.1, rule D: the cookie tells whether the tag of its packet is right.
    if (chunk.type === ChunkType.cookieEcho && !this.#ended) return undefined
    // RFC 9260 §8.5.1, rule E.
    const isInSetup = this.#state === 'cookie-wait' || this.#state === 'cookie-echoed'
    if (this.#state === 'closed' || (isInSetup && chunk.type === ChunkType.shutdownAck)) {
      this.#shared.outbox.answerOutOfTheBlue(chunk)
      return 'out-of-the-blue'
    }
    // RFC 9260 §8.5.1, rules B and C: with the T bit the tag is the one that we put into our own packets.
    const isReflected = lastWords.has(chunk.type) && (chunk.flags & reflectedTagFlag) !== 0
    const expected = isReflected ? peer?.tag : local.tag
    return tag === expected ? undefined : 'bad-tag'
  }

  #ifState(states: ReadonlySet<AssociationState>): SctpDropReason | undefined {
    return states.has(this.#state) ? undefined : 'unexpected-chunk'
  }

  /** Whether a chunk that was not recognized is merely skipped. */
  #isSkipped(chunk: ChunkReader): boolean {
    const action = unrecognizedAction(chunk.type, 8)
    if (action.report) reportUnrecognized(this.#shared.outbox, chunk)
    return !action.stop
  }

  #endPacket(now: number): void {
    if (this.#ended) return
    this.#transfer.endPacket(now)
    const violation = this.#transfer.violation
    if (violation !== undefined) this.#abortFor(violation)
    else this.#continueShutdown()
  }

  #drop(reason: SctpDropReason): SctpReceived {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1)
    return dropped[reason]
  }

  #onData(chunk: ChunkReader): SctpDropReason | undefined {
    if (this.#state === 'shutdown-sent') {
      // RFC 9260 §9.2: each packet with DATA is answered with a SHUTDOWN, and shows that the peer is there.
      this.#shutdownDue = true
      this.#shared.health.answered()
    }
    return this.#transfer.onData(chunk)
  }

  // --- Setting up -------------------------------------------------------------------------------------------------

  #onInit(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    // RFC 9260 §5.1: not bundled with any other chunk.
    if (!chunk.isFirst) return 'unexpected-chunk'
    if (this.#state === 'shutdown-ack-sent') {
      // RFC 9260 §9.2: the SHUTDOWN COMPLETE must have been lost.
      this.#shutdownDue = true
      return 'unexpected-chunk'
    }
    return this.#handshake.onInit(chunk, this.#state, now)
  }

  #onInitAck(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    if (!chunk.isFirst || !chunk.isLast) return 'unexpected-chunk'
    const outcome = this.#handshake.onInitAck(chunk, now)
    if (outcome === 'give-up') return this.#fail('protocol-violation', 'the peer answered with an unusable INIT ACK')
    if (outcome !== 'echo') return outcome
    this.#state = 'cookie-echoed'
    this.#startTransfer()
    return undefined
  }

  #onCookieEcho(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    // RFC 9260 §5.1, step C: it is the first chunk of its packet.
    if (!chunk.isFirst) return 'unexpected-chunk'
    const action = this.#handshake.onCookieEcho(chunk, this.#state, now)
    if (action === 'restart' && this.#state === 'shutdown-ack-sent') {
      // RFC 9260 §5.2.4, action A: no new association while the old one is shutting down.
      this.#shutdownDue = true
      this.#shared.outbox.error(CauseCode.cookieReceivedWhileShuttingDown)
      return 'unexpected-chunk'
    }
    if (action !== 'accept' && action !== 'restart' && action !== 'collision' && action !== 'duplicate') return action
    if (action === 'restart') this.#restart(now)
    else if (!isUp.has(this.#state)) this.#establish('connected', now)
    this.#cookieAckDue = true
    return undefined
  }

  #onCookieAck(now: number): SctpDropReason | undefined {
    this.#handshake.onCookieAck(now)
    this.#establish('connected', now)
    return undefined
  }

  /** RFC 9260 §5.2.4, action A: as after an ABORT, with a new association at once. */
  #restart(now: number): void {
    this.#shared.deadlines.clearAll()
    this.#shared.roundTrip.reset()
    this.#transfer = this.#newTransfer()
    this.#shutdownDue = false
    this.#establish('restarted', now)
  }

  #establish(type: 'connected' | 'restarted', now: number): void {
    const { local, peer, inboundStreams = 0, outboundStreams = 0 } = this.#handshake
    if (peer === undefined) return
    this.#handshake.finish()
    this.#state = 'established'
    this.#shared.health.answered()
    this.#shared.events.push({ type, inboundStreams, outboundStreams })
    this.#startTransfer()
    this.#transfer.establish(local, peer, inboundStreams, now)
  }

  #startTransfer(): void {
    const { peer, outboundStreams = 0 } = this.#handshake
    if (peer !== undefined) this.#transfer.sender.start(peer, outboundStreams)
  }

  #newTransfer(): Transfer {
    return new Transfer(this.#shared, this.#handshake.local.initialTsn, this.#packetSize, this.#maxMessageBytes)
  }

  // --- Tearing down -----------------------------------------------------------------------------------------------

  /** RFC 9260 §9.2: the next step, once everything sent has been acknowledged. */
  #continueShutdown(): void {
    if (this.#state !== 'shutdown-pending' && this.#state !== 'shutdown-received') return
    this.#transfer.stopHeartbeats()
    if (!this.#transfer.sender.isDone) return
    this.#state = this.#state === 'shutdown-pending' ? 'shutdown-sent' : 'shutdown-ack-sent'
    this.#shutdownDue = true
  }

  #onShutdown(chunk: ChunkReader, now: number): SctpDropReason | undefined {
    if (chunk.length < 4) return 'malformed'
    if (this.#state === 'shutdown-sent' || this.#state === 'shutdown-ack-sent') {
      // RFC 9260 §9.2: both ends are shutting down; nothing is outstanding here.
      this.#state = 'shutdown-ack-sent'
      this.#shutdownDue = true
      return undefined
    }
    const refused = this.#transfer.sender.onShutdownTsn(chunk.view.getUint32(chunk.offset), now)
    if (refused !== 'bad-sack') this.#state = 'shutdown-received'
    return refused
  }

  #onShutdownAck(): undefined {
    this.#shared.outbox.packet(this.#handshake.peer?.tag ?? 0, ChunkType.shutdownComplete, 0)
    return this.#end(closed)
  }

  #onShutdownComplete(chunk: ChunkReader): SctpDropReason | undefined {
    // RFC 9260 §6.10: not bundled with any other chunk.
    return chunk.isFirst ? this.#end(closed) : 'unexpected-chunk'
  }

  #onAbort(chunk: ChunkReader): SctpDropReason | undefined {
    // RFC 9260 §8.5.1, rule B: behind other chunks its tag is ours, as theirs is.
    if (!chunk.isFirst && chunk.flags & reflectedTagFlag) return 'bad-tag'
    const causes = readParameters(chunk.value)
    // RFC 9260 §3.3.7: an ABORT with a format error is silently discarded.
    if (causes === undefined) return 'malformed'
    return this.#fail('aborted', 'the peer aborted the association', causes[0]?.type)
  }

  #onError(chunk: ChunkReader): SctpDropReason | undefined {
    const causes = readParameters(chunk.value)
    if (causes === undefined) return 'malformed'
    const isStale = causes.some(cause => cause.type === CauseCode.staleCookie)
    // RFC 9260 §5.2.6: only who waits for a COOKIE ACK is concerned; alternative 1 is to begin again.
    if (!isStale || this.#state !== 'cookie-echoed') return undefined
    if (!this.#handshake.beginAgain()) return this.#fail('timeout', 'the peer finds every cookie stale')
    this.#state = 'cookie-wait'
    return undefined
  }

  #abortFor(violation: DataViolation): void {
    const { kind, tsn } = violation
    const cause = kind === 'no-user-data' ? CauseCode.noUserData : CauseCode.protocolViolation
    // RFC 9260 §3.3.10.9: No User Data tells the TSN.
    this.#sendAbort(kind === 'no-user-data' ? encodeParameter(cause, uint32Bytes(tsn)) : encodeParameter(cause))
    const code = kind === 'message-too-large' ? kind : 'protocol-violation'
    this.#fail(code, `the peer broke a rule: ${kind}`, cause)
  }

  #sendAbort(cause: Uint8Array): void {
    const peer = this.#handshake.peer
    if (peer === undefined || this.#state === 'closed') return
    this.#shared.outbox.clear()
    this.#shared.outbox.packet(peer.tag, ChunkType.abort, 0, cause)
  }

  #fail(code: SctpErrorCode, message: string, causeCode?: number): undefined {
    return this.#end({ type: 'failed', error: new SctpError(code, message, causeCode) })
  }

  #end(event: SctpEvent): undefined {
    if (this.#ended) return
    this.#ended = true
    this.#state = 'closed'
    this.#shared.deadlines.clearAll()
    this.#shared.events.push(event)
  }

  // --- Timers and sending -----------------------------------------------------------------------------------------

  /** @returns whether the peer failed to answer */
  #onTimer(timer: SctpTimer, now: number): boolean {
    switch (timer) {
      case 't1':
        this.#transfer.sender.requeue(now)
        if (this.#handshake.onTimeout() === 'give-up') this.#fail('timeout', 'the peer does not answer')
        return false
      case 't2-shutdown':
        this.#shared.roundTrip.backOff()
        this.#shutdownDue = true
        return true
      case 't5-shutdown-guard':
        this.#sendAbort(encodeParameter(CauseCode.protocolViolation))
        this.#fail('timeout', 'the shutdown took too long')
        return false
      default:
        return this.#transfer.onTimer(timer, now)
    }
  }

  #nextPacket(now: number): Uint8Array | undefined {
    const writer = this.#writer
    if (this.#state === 'closed') return undefined
    if (this.#state === 'cookie-wait' || this.#state === 'cookie-echoed') {
      if (!this.#handshake.isDue) return undefined
      this.#handshake.write(writer, this.#state, this.#packetSize, now)
      // RFC 9260 §5.1, step C: DATA may go with the COOKIE ECHO, and nothing after it until it was answered.
      if (this.#state === 'cookie-echoed') this.#transfer.writeFirst(writer, now)
      return writer.finish()
    }
    writer.begin(this.#handshake.peer?.tag ?? 0, this.#packetSize)
    if (this.#cookieAckDue) {
      // RFC 9260 §5.1, step D: the COOKIE ACK is the first chunk of its packet.
      this.#cookieAckDue = false
      writer.chunk(ChunkType.cookieAck, 0, noValue)
    }
    if (this.#shutdownDue) this.#writeShutdown(writer, now)
    else this.#transfer.write(writer, now)
    return writer.isEmpty ? undefined : writer.finish()
  }

  #writeShutdown(writer: PacketWriter, now: number): void {
    this.#shutdownDue = false
    this.#transfer.writeControl(writer)
    if (this.#state === 'shutdown-ack-sent') writer.chunk(ChunkType.shutdownAck, 0, noValue)
    else writer.chunk(ChunkType.shutdown, 0, uint32Bytes(this.#transfer.cumulativeTsn))
    this.#shared.deadlines.set('t2-shutdown', now + this.#shared.roundTrip.rto)
  }
}

const noValue = new Uint8Array(0)
const closed: SctpEvent = { type: 'closed' }

type ChunkHandler = (to: SctpAssociation, chunk: ChunkReader, now: number) => SctpDropReason | undefined
