import { ByteReader } from '../base/bytes.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { ConnectionIds } from './connection-id.ts'
import { alertGraceMs, Doubts, helloGraceMs } from './doubts.ts'
import { DtlsError, toDtlsError } from './errors.ts'
import { Reassembler } from './fragments.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import { encodeMessage, type Fragment, type HandshakeMessage, HandshakeType, tryReadFragment } from './messages.ts'
import { ContentType } from './record.ts'
import type { PlaintextSealer, ProtectedEpoch, RecordSealer } from './record-protection.ts'
import { type FlightItem, Retransmission } from './retransmission.ts'
import type { EstablishedSession } from './session.ts'
import { Transcript } from './transcript.ts'
import { ReceivedRecords } from './v13/acks.ts'
import type { ConnectionIdUpdate } from './v13/connection-ids.ts'
import { tryDecodeAck } from './v13/messages.ts'
import type { ReadEpoch13 } from './v13/read-epochs.ts'

/** From the first flight until the handshake is given up. */
export const handshakeTimeoutMs = 30_000

/**
 * A state of the handshake: a value that holds what this state needs and nothing else.
 *
 * What comes next is the result of handling a message; a message that cannot be handled is an exception.
 */
export interface HandshakeState {
  /** For the text of errors. */
  readonly name: string
  /** The epoch that the next message must come in; what claims its place in another epoch is not it. */
  readonly epoch: number
  /**
   * Set where nothing has begun yet: a message is taken whatever its message_seq, and one that cannot be handled does not
   * end the handshake at once, because anybody may have sent it.
   */
  readonly waitsFor?: number
  /** @throws {DtlsError} {@link MalformedError}: the handshake fails */
  handle(message: HandshakeMessage, handshake: Handshake): HandshakeState | Completed
  /** All of our last flight was acknowledged. */
  acknowledged?(handshake: Handshake): HandshakeState
  /** The peer is to be told of connection IDs. */
  updateConnectionIds?(update: ConnectionIdUpdate, handshake: Handshake): HandshakeState
  /** Our key is to be replaced. */
  updateKeys?(requestsUpdate: boolean, handshake: Handshake): HandshakeState
  /** Overwrites the secrets that this state holds. */
  wipe?(): void
}

/** What the last message leads to. */
export interface Completed {
  readonly established: EstablishedSession
  /** What handles the messages that come afterwards, in DTLS 1.3. */
  readonly next?: HandshakeState
}

export type HandshakeDrop = 'malformed' | 'duplicate' | 'buffer-full' | 'unexpected'

type Timer = 'retransmit' | 'acknowledge' | 'give-up' | 'alert-grace' | 'hello-grace'

/**
 * Runs a handshake: fragments become messages, messages move the state, states write flights, flights are repeated.
 *
 * Knows neither versions nor sockets. Its owner polls {@link takeDatagrams}, {@link takeEpoch}, {@link established} and
 * {@link error} after every call. In DTLS 1.3 it goes on after the connection is established: see {@link isOpen}.
 */
export class Handshake {
  readonly config: HandshakeConfig
  readonly transcript: Transcript = new Transcript()
  /** Set by the hellos; undefined if they did not agree on any. */
  connectionIds: ConnectionIds | undefined
  /** RFC 7301: what was agreed to be spoken inside. */
  applicationProtocol: string | undefined
  readonly retransmission: Retransmission
  readonly #reassembler = new Reassembler()
  readonly #timers = new Deadlines<Timer>()
  readonly #plaintext: PlaintextSealer
  #state: HandshakeState
  #sealer: RecordSealer
  #nextSequence = 0
  #flight: FlightItem[] = []
  #answered = -1
  #now: number
  #recordSequence = 0
  #datagrams: Uint8Array[] = []
  #epoch: ProtectedEpoch | undefined
  #newEpoch: ProtectedEpoch | undefined
  #newReadEpoch: ReadEpoch13 | undefined
  /** All that anything of ours was sealed with, but for what was replaced. */
  readonly #sealers: RecordSealer[] = []
  /** Records of the peer's flight that is coming in. */
  readonly #received = new ReceivedRecords()
  #acknowledges = false
  #owesAck = false
  #isOpen = false
  #flights = 0
  #established: EstablishedSession | undefined
  #error: DtlsError | undefined
  readonly #doubts = new Doubts()

  /** @param open what is done first: a client speaks, a server listens */
  constructor(
    config: HandshakeConfig,
    plaintext: PlaintextSealer,
    now: number,
    open: (handshake: Handshake) => HandshakeState,
  ) {
    this.config = config
    this.#now = now
    this.retransmission = new Retransmission(config.initialRtoMs, config.mtu)
    this.#plaintext = plaintext
    this.#sealer = plaintext
    this.#state = open(this)
  }

  // For the owner.

  /** What our next record is sealed with. */
  get sealer(): RecordSealer {
    return this.#sealer
  }

  get error(): DtlsError | undefined {
    return this.#error
  }

  get established(): EstablishedSession | undefined {
    return this.#established
  }

  /** Whether the peer has been heard, or is being called: a server that waits for a ClientHello is not under way. */
  get underway(): boolean {
    return this.#state.waitsFor === undefined
  }

  /** Whether messages are still handled once the connection is established. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether the version is known to be DTLS 1.3, in which records are acknowledged. */
  get acknowledges(): boolean {
    return this.#acknowledges
  }

  /** Whether an ACK is due, once the datagram was read to its end. */
  get owesAck(): boolean {
    return this.#owesAck
  }

  /** Takes the content of a handshake record. */
  receive(content: Uint8Array, epoch: number, recordSequence: number, now: number): HandshakeDrop | undefined {
    this.#now = now
    this.#recordSequence = recordSequence
    const { isOpen } = this
    const flights = this.#flights
    const reader = new ByteReader(content)
    let drop: HandshakeDrop | undefined = content.length === 0 ? 'malformed' : undefined
    let kept = true
    while (reader.remaining > 0) {
      const fragment = tryReadFragment(reader, epoch)
      if (fragment === undefined) return 'malformed'
      const outcome = this.#receiveFragment(fragment)
      // RFC 9147 §7: only what was processed or is kept, of this flight; after the handshake, of any.
      const known = outcome === 'duplicate' && (isOpen || fragment.sequence > this.#answered)
      kept &&= outcome === undefined || known
      drop = outcome ?? drop
      if (this.#isOver) break
    }
    // RFC 9147 §7.1: a flight that has been answered is acknowledged by that.
    if (kept && content.length > 0 && (isOpen || flights === this.#flights)) this.#noteReceived(epoch, recordSequence)
    return drop
  }

  /** Takes an ACK of the peer, authenticated. */
  receiveAck(content: Uint8Array, now: number): HandshakeDrop | undefined {
    if (!this.#acknowledges) return 'unexpected'
    this.#now = now
    const numbers = tryDecodeAck(content)
    if (numbers === undefined) return 'malformed'
    // RFC 9147 §7.1: an ACK of nothing says that something is missing.
    if (numbers.length === 0) this.#repeatFlight()
    switch (this.retransmission.acknowledge(numbers)) {
      case 'partial':
        this.#transmit(() => this.retransmission.sendMissing(now))
        break
      case 'complete':
        this.#flightArrived()
        if (this.#isOpen) this.#timers.clear('give-up')
        this.#state = this.#state.acknowledged?.(this) ?? this.#state
    }
    return undefined
  }

  /** An ACK that anybody can have sent is taken for a sign that something was lost, and moves nothing. */
  receiveUnauthenticatedAck(now: number): void {
    this.#now = now
    if (this.underway && !this.#isOpen) this.#repeatFlight()
  }

  /** Sends an ACK of what was received. */
  acknowledge(): void {
    this.#owesAck = false
    if (this.#received.isEmpty) return
    const room = this.config.mtu - this.#sealer.overhead
    this.#send(() => [this.#sealer.seal(ContentType.ack, this.#received.encode(room))])
    // RFC 9147 §7: during the handshake, an ACK covers the whole flight so far.
    if (this.#isOpen) this.#received.clear()
  }

  /** Replaces our key, if the version can; the peer is asked to do the same if `requestsUpdate`. */
  updateKeys(requestsUpdate: boolean, now: number): void {
    this.#now = now
    this.#state = this.#state.updateKeys?.(requestsUpdate, this) ?? this.#state
  }

  /** Tells the peer of connection IDs, if the version can. */
  updateConnectionIds(update: ConnectionIdUpdate, now: number): void {
    this.#now = now
    this.#state = this.#state.updateConnectionIds?.(update, this) ?? this.#state
  }

  /** Notes an alert that came in epoch 0. */
  receiveUnauthenticatedAlert(description: number, fatal: boolean, now: number): void {
    if (!fatal || !this.underway) return
    this.#doubts.noteAlert(description)
    if (!this.#timers.isSet('alert-grace')) this.#timers.set('alert-grace', now + alertGraceMs)
  }

  handleTimeout(now: number): void {
    this.#now = now
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (due === 'retransmit') this.#transmit(() => this.retransmission.repeat(now))
      else if (due === 'acknowledge') this.acknowledge()
      // RFC 9147 §5.8.1, §8: repeated until it is acknowledged; whether the peer is still there, the layers above know.
      else if (this.#isOpen) this.retransmission.slowDown()
      else this.#error = this.#giveUp(due)
      if (this.#error !== undefined) return
    }
  }

  pollTimeout(): number | undefined {
    return this.#timers.next()
  }

  takeDatagrams(): readonly Uint8Array[] {
    const datagrams = this.#datagrams
    if (datagrams.length > 0) this.#datagrams = []
    return datagrams
  }

  /** The epoch for which there are keys now; once. */
  takeEpoch(): ProtectedEpoch | undefined {
    const epoch = this.#newEpoch
    this.#newEpoch = undefined
    return epoch
  }

  /** The epoch of DTLS 1.3 that can be read now; once. */
  takeReadEpoch(): ReadEpoch13 | undefined {
    const epoch = this.#newReadEpoch
    this.#newReadEpoch = undefined
    return epoch
  }

  wipe(): void {
    this.#state.wipe?.()
    this.#epoch?.opener.wipe()
    this.#newReadEpoch?.opener.wipe()
    for (const sealer of this.#sealers) sealer.wipe()
    this.#epoch?.sealer.wipe()
  }

  // For the states.

  /** RFC 9147 §5.2: message_seq has 16 bits. Who uses them all up, which takes many key updates, goes on without messages. */
  get canWrite(): boolean {
    return this.#nextSequence <= 0xffff
  }

  /** Adds a message to the flight, and to the transcript. */
  write(type: number, body: Uint8Array): void {
    const message = { type, sequence: this.#nextSequence++, epoch: this.#sealer.epoch, body }
    // RFC 8446 §4.4.1: the transcript ends with the handshake.
    if (!this.#isOpen) this.transcript.add(message)
    this.#flight.push({ kind: 'message', message, sealer: this.#sealer })
  }

  /** There are keys: records of that epoch can be opened from now on. */
  protect(epoch: ProtectedEpoch): void {
    this.#epoch = epoch
    this.#newEpoch = epoch
  }

  /** Adds ChangeCipherSpec to the flight; what is written afterwards is protected. */
  changeCipherSpec(): void {
    this.#flight.push({ kind: 'change-cipher-spec', sealer: this.#sealer })
    if (this.#epoch !== undefined) this.sealWith(this.#epoch.sealer)
  }

  /** What is written from now on is protected so. */
  sealWith(sealer: RecordSealer): void {
    this.#sealer = sealer
    this.#sealers.push(sealer)
  }

  /** The same, and what was sealed with until now is done with: its keys are overwritten. */
  replaceSealer(sealer: RecordSealer): void {
    this.#sealers.pop()?.wipe()
    this.sealWith(sealer)
  }

  /** Records of that epoch of DTLS 1.3 can be opened from now on. */
  open(epoch: ReadEpoch13): void {
    this.#newReadEpoch = epoch
  }

  /** The version is DTLS 1.3: records are acknowledged where that is due. */
  acknowledgeRecords(): void {
    this.#acknowledges = true
  }

  /** Sends the flight, and repeats it until it is answered. */
  sendFlight(): void {
    if (!this.#timers.isSet('give-up')) this.#timers.set('give-up', this.#now + handshakeTimeoutMs)
    this.#transmit(() => this.#newFlight())
  }

  /** Sends the last flight of the handshake: nothing will answer it. */
  sendFinalFlight(): void {
    this.#send(() => this.#newFlight())
  }

  /**
   * Sends a message that leaves no trace here.
   *
   * RFC 6347 §4.2.1: its record has the sequence number of the ClientHello that it answers.
   */
  sendStateless(type: number, sequence: number, body: Uint8Array): void {
    this.#plaintext.resumeAt(this.#recordSequence)
    const message = encodeMessage({ type, sequence, epoch: 0, body })
    this.#datagrams.push(this.#plaintext.seal(ContentType.handshake, message))
  }

  /**
   * Begins to count at the ClientHello that is being answered.
   *
   * RFC 6347 §4.2.1: after a stateless cookie exchange the ServerHello continues the client's numbering of messages, and
   * goes in a record with the same sequence number as the ClientHello.
   */
  countFrom(hello: HandshakeMessage): void {
    this.#reassembler.advance(hello.sequence + 1)
    this.#nextSequence = hello.sequence
    this.#plaintext.resumeAt(this.#recordSequence)
  }

  #receiveFragment(fragment: Fragment): HandshakeDrop | undefined {
    // RFC 5246 §7.4.1.1: a HelloRequest during the handshake is ignored. A ClientHello after the first, with a new
    // number, belongs to nothing that was begun here: it must not take the place of the message that is waited for.
    const { type } = fragment
    if (type === HandshakeType.helloRequest) return 'unexpected'
    if (type === HandshakeType.clientHello && this.underway && fragment.sequence >= this.#reassembler.next) {
      return 'unexpected'
    }
    switch (this.#reassembler.add(fragment)) {
      case 'refused':
        return 'buffer-full'
      case 'duplicate':
        // RFC 6347 §4.2.4: reading the peer's flight again means that ours, or a part of it, was lost.
        if (fragment.sequence === this.#answered) this.#repeatFlight()
        return 'duplicate'
      case 'stored':
        this.#advance()
        return undefined
    }
  }

  #advance(): void {
    for (;;) {
      const { waitsFor, epoch } = this.#state
      const message =
        waitsFor === undefined ? this.#reassembler.take(epoch) : this.#reassembler.takeAny(waitsFor, epoch)
      if (message === undefined) {
        this.#checkOrder()
        return
      }
      this.#handle(message)
      if (this.#isOver) return
    }
  }

  get #isOver(): boolean {
    return this.#error !== undefined || (this.#established !== undefined && !this.#isOpen)
  }

  /** The peer has keys, and with them skipped what must come before, or goes on with old ones: nobody else can do that. */
  #checkOrder(): void {
    const { epoch, name } = this.#state
    // RFC 8446 §5.1: where keys change, nothing of a message may be left over before.
    if (!this.#reassembler.isAhead(epoch) && !this.#reassembler.isBehind(epoch)) return
    this.#error = new DtlsError('unexpected-message', `a message in an epoch that is not its own instead of ${name}`)
  }

  #handle(message: HandshakeMessage): void {
    const state = this.#state
    const flights = this.#flights
    try {
      const next = state.handle(message, this)
      // RFC 9147 §7.2: what responds to a flight acknowledges all of it.
      if (this.#acknowledges && !this.#isOpen && next !== state && flights === this.#flights) this.#flightArrived()
      if ('established' in next) this.#complete(next)
      else if (next !== state) this.#progress(next)
    } catch (caught) {
      const error = toDtlsError(caught, state.name)
      // A failure of our own leaves an answer half begun.
      if (state.waitsFor === undefined || error.code === 'internal-error') this.#error = error
      else this.#doubtHello(error)
    }
  }

  #progress(next: HandshakeState): void {
    this.#state = next
    this.#timers.clear('alert-grace')
    this.#timers.clear('hello-grace')
    this.#doubts.dispelHello()
  }

  #complete({ established, next }: Completed): void {
    this.#established = established
    this.#timers.clearAll()
    if (next === undefined) return
    this.#isOpen = true
    this.#state = next
    this.transcript.clear()
    if (!this.retransmission.pending) return
    // RFC 9147 §5.8.1: the last flight is repeated until it is acknowledged.
    this.#timers.set('retransmit', this.retransmission.deadline)
    this.#timers.set('give-up', this.#now + handshakeTimeoutMs)
  }

  /** A ClientHello that cannot be answered proves nothing: the real peer's may still come. */
  #doubtHello(error: DtlsError): void {
    this.#doubts.noteHello(error)
    if (!this.#timers.isSet('hello-grace')) this.#timers.set('hello-grace', this.#now + helloGraceMs)
  }

  #newFlight(): Uint8Array[] {
    const flight = this.#flight
    this.#flight = []
    this.#answered = this.#reassembler.next - 1
    this.#flights++
    this.#received.clear()
    this.#timers.clear('acknowledge')
    return this.retransmission.send(flight, this.#now)
  }

  #repeatFlight(): void {
    if (this.retransmission.pending) this.#transmit(() => this.retransmission.answerRepetition(this.#now))
  }

  #flightArrived(): void {
    this.retransmission.finish()
    this.#timers.clear('retransmit')
  }

  /**
   * Notes a record that was processed or kept, to be acknowledged.
   *
   * RFC 9147 §7.1: during the handshake only where it does not go on at once; after it, everything.
   */
  #noteReceived(epoch: number, sequence: number): void {
    this.#received.add(epoch, sequence)
    if (!this.#acknowledges) return
    if (this.#isOpen) this.#owesAck = true
    else if (!this.#timers.isSet('acknowledge')) {
      this.#timers.set('acknowledge', this.#now + this.retransmission.ackDelayMs)
    }
  }

  /** RFC 9147 §4.5.3: with a key that has sealed all it may nothing can be sent any more, and the connection ends. */
  #send(seal: () => readonly Uint8Array[]): void {
    try {
      this.#datagrams.push(...seal())
    } catch (error) {
      this.#error ??= toDtlsError(error, this.#state.name)
    }
  }

  #transmit(seal: () => readonly Uint8Array[]): void {
    this.#send(seal)
    this.#timers.set('retransmit', this.retransmission.deadline)
  }

  #giveUp(due: Exclude<Timer, 'retransmit' | 'acknowledge'>): DtlsError {
    const error = due === 'hello-grace' ? this.#doubts.hello : this.#doubts.alert
    if (error !== undefined) return error
    return new DtlsError('timeout', `no answer in ${handshakeTimeoutMs} ms while waiting for ${this.#state.name}`)
  }
}
