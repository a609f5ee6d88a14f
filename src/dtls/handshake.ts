import { ByteReader } from '../base/bytes.ts'
import { Deadlines } from '../base/deadlines.ts'
import type { RandomSource } from '../base/environment.ts'
import { MalformedError } from '../base/errors.ts'
import type { DtlsIdentity } from './certificate-selection.ts'
import type { CryptoProvider } from './crypto/provider.ts'
import { DtlsError } from './errors.ts'
import type { Fingerprint } from './fingerprint.ts'
import { Reassembler } from './fragments.ts'
import { encodeMessage, type Fragment, type HandshakeMessage, HandshakeType, readFragment } from './messages.ts'
import { ContentType } from './record.ts'
import type { PlaintextSealer, ProtectedEpoch, RecordSealer } from './record-protection.ts'
import { type FlightItem, Retransmission } from './retransmission.ts'
import type { EstablishedSession } from './session.ts'
import { Transcript } from './transcript.ts'

/** From the first flight until the handshake is given up. */
export const handshakeTimeoutMs = 30_000
/**
 * After an alert that nobody authenticated, the handshake has this long to make progress before the alert is believed.
 *
 * Forged, it changes nothing; from the peer, it spares the user the rest of the timeout.
 */
export const alertGraceMs = 3_000
/** A server waits this long for a better ClientHello before it fails because of one that it cannot answer. */
export const helloGraceMs = 500

/** Everything a handshake is given. */
export interface HandshakeConfig {
  readonly role: 'client' | 'server'
  readonly identities: readonly DtlsIdentity[]
  readonly fingerprints: readonly Fingerprint[]
  readonly crypto: CryptoProvider
  readonly random: RandomSource
  readonly srtpProfiles: readonly number[]
  readonly peerAddressValidated: boolean
  readonly mtu: number
  readonly initialRtoMs: number
}

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
  /** Overwrites the secrets that this state holds. */
  wipe?(): void
}

/** What the last message leads to. */
export interface Completed {
  readonly established: EstablishedSession
}

export type HandshakeDrop = 'malformed' | 'duplicate' | 'buffer-full' | 'unexpected'

type Timer = 'retransmit' | 'give-up' | 'alert-grace' | 'hello-grace'

/**
 * Runs a handshake: fragments become messages, messages move the state, states write flights, flights are repeated.
 *
 * Knows neither versions nor sockets. Its owner polls {@link takeDatagrams}, {@link takeEpoch}, {@link established} and
 * {@link error} after every call.
 */
export class Handshake {
  readonly config: HandshakeConfig
  readonly transcript: Transcript = new Transcript()
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
  #established: EstablishedSession | undefined
  #error: DtlsError | undefined
  #doubt: DtlsError | undefined
  #receivedAlert: number | undefined

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

  /** Takes the content of a handshake record. */
  receive(content: Uint8Array, epoch: number, recordSequence: number, now: number): HandshakeDrop | undefined {
    this.#now = now
    this.#recordSequence = recordSequence
    const reader = new ByteReader(content)
    let drop: HandshakeDrop | undefined = content.length === 0 ? 'malformed' : undefined
    while (reader.remaining > 0) {
      const fragment = tryReadFragment(reader, epoch)
      if (fragment === undefined) return 'malformed'
      drop = this.#receiveFragment(fragment) ?? drop
      if (this.#error !== undefined || this.#established !== undefined) break
    }
    return drop
  }

  /** Notes an alert that came in epoch 0. */
  receiveUnauthenticatedAlert(description: number, fatal: boolean, now: number): void {
    if (!fatal || !this.underway) return
    this.#receivedAlert = description
    if (!this.#timers.isSet('alert-grace')) this.#timers.set('alert-grace', now + alertGraceMs)
  }

  handleTimeout(now: number): void {
    this.#now = now
    for (let due = this.#timers.expire(now); due !== undefined; due = this.#timers.expire(now)) {
      if (due === 'retransmit') this.#transmit(this.retransmission.repeat(now))
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

  wipe(): void {
    this.#state.wipe?.()
    this.#epoch?.sealer.wipe()
    this.#epoch?.opener.wipe()
  }

  // For the states.

  /** Adds a message to the flight, and to the transcript. */
  write(type: number, body: Uint8Array): void {
    const message = { type, sequence: this.#nextSequence++, epoch: this.#sealer.epoch, body }
    this.transcript.add(message)
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
    if (this.#epoch !== undefined) this.#sealer = this.#epoch.sealer
  }

  /** Sends the flight, and repeats it until it is answered. */
  sendFlight(): void {
    if (!this.#timers.isSet('give-up')) this.#timers.set('give-up', this.#now + handshakeTimeoutMs)
    this.#transmit(this.#newFlight())
  }

  /** Sends the last flight of the handshake: nothing will answer it. */
  sendFinalFlight(): void {
    this.#datagrams.push(...this.#newFlight())
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
        if (fragment.sequence === this.#answered) this.#transmit(this.retransmission.answerRepetition(this.#now))
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
      if (this.#error !== undefined || this.#established !== undefined) return
    }
  }

  /** The peer has keys, and with them skipped what must come before: only the peer can have done that. */
  #checkOrder(): void {
    if (!this.#reassembler.isAhead(this.#state.epoch)) return
    this.#error = new DtlsError('unexpected-message', `a protected message instead of ${this.#state.name}`)
  }

  #handle(message: HandshakeMessage): void {
    const state = this.#state
    try {
      const next = state.handle(message, this)
      if ('established' in next) this.#complete(next.established)
      else if (next !== state) this.#progress(next)
    } catch (caught) {
      const error = toDtlsError(caught, state)
      // A failure of our own leaves an answer half begun.
      if (state.waitsFor === undefined || error.code === 'internal-error') this.#error = error
      else this.#doubtHello(error)
    }
  }

  #progress(next: HandshakeState): void {
    this.#state = next
    this.#timers.clear('alert-grace')
    this.#timers.clear('hello-grace')
    this.#doubt = undefined
  }

  #complete(established: EstablishedSession): void {
    this.#established = established
    this.#timers.clearAll()
  }

  /** A ClientHello that cannot be answered proves nothing: the real peer's may still come. */
  #doubtHello(error: DtlsError): void {
    this.#doubt ??= error
    if (!this.#timers.isSet('hello-grace')) this.#timers.set('hello-grace', this.#now + helloGraceMs)
  }

  #newFlight(): Uint8Array[] {
    const flight = this.#flight
    this.#flight = []
    this.#answered = this.#reassembler.next - 1
    return this.retransmission.send(flight, this.#now)
  }

  #transmit(datagrams: readonly Uint8Array[]): void {
    this.#datagrams.push(...datagrams)
    this.#timers.set('retransmit', this.retransmission.deadline)
  }

  #giveUp(due: Exclude<Timer, 'retransmit'>): DtlsError {
    if (due === 'hello-grace' && this.#doubt !== undefined) return this.#doubt
    const alert = this.#receivedAlert
    if (alert !== undefined) {
      return new DtlsError('peer-alert', `the peer gave up with alert ${alert}`, { receivedAlert: alert })
    }
    return new DtlsError('timeout', `no answer in ${handshakeTimeoutMs} ms while waiting for ${this.#state.name}`)
  }
}

function tryReadFragment(reader: ByteReader, epoch: number): Fragment | undefined {
  try {
    return readFragment(reader, epoch)
  } catch {
    return undefined
  }
}

function toDtlsError(error: unknown, state: HandshakeState): DtlsError {
  if (error instanceof DtlsError) return error
  if (error instanceof MalformedError) return new DtlsError('decode-error', `${state.name}: ${error.message}`)
  return new DtlsError('internal-error', `${state.name} could not be handled`, { cause: error })
}
