import { ByteReader } from '../base/bytes.ts'
import type { SansIo } from '../base/machine.ts'
import { Queue } from '../base/queue.ts'
import { ReplayWindow } from '../base/replay-window.ts'
import { sendClientHello } from './client-start.ts'
import { EarlyRecords } from './early-records.ts'
import { Alert, AlertLevel, DtlsError } from './errors.ts'
import { Handshake, type HandshakeConfig, type HandshakeState } from './handshake.ts'
import { readFragment } from './messages.ts'
import { type DtlsEvent, type DtlsOptions, type DtlsState, toConfig } from './options.ts'
import { type DropCounts, type DtlsDrop, type DtlsReceived, dropped, handled, noDrops } from './received.ts'
import { ContentType, recordEnd, recordEpoch, recordHeaderLength, recordSequence, recordType } from './record.ts'
import { aesGcmOverhead, PlaintextSealer, type RecordOpener, type RecordSealer } from './record-protection.ts'
import type { Retransmission } from './retransmission.ts'
import { CookieJar, ExpectClientHello } from './server-start.ts'
import type { DtlsSession, EstablishedSession } from './session.ts'

/** How often a failed connection tells its alert again to a peer that goes on with the handshake. */
export const maxAlertRepetitions = 8
/** How often an attempt to renegotiate is answered. */
export const maxRenegotiationRefusals = 4

type Phase =
  | { readonly name: 'new' }
  | { readonly name: 'connecting'; readonly handshake: Handshake }
  | Connected
  | { readonly name: 'closed' }
  | { readonly name: 'failed'; readonly alert: number | undefined; repetitions: number }

interface Connected {
  readonly name: 'connected'
  readonly session: EstablishedSession
  readonly sealer: RecordSealer
  /** Kept until the peer has shown that it has our last flight. */
  finalFlight: Retransmission | undefined
  refusals: number
}

/** An epoch that can be read. */
interface ReadEpoch {
  readonly epoch: number
  readonly opener: RecordOpener
  readonly replay: ReplayWindow
}

/**
 * A DTLS connection over one path: handshake, application data, end.
 *
 * Nothing is delivered before the peer's certificate matched a signalled fingerprint, the peer proved to have its key,
 * and both Finished messages agree. Datagrams to send come from {@link pollTransmit} and, for application data, from
 * {@link seal}.
 */
export class DtlsConnection implements SansIo<DtlsEvent, Uint8Array> {
  /** Bytes that a record adds to the data in it. */
  readonly recordOverhead: number = aesGcmOverhead
  /** Records dropped so far, by reason. */
  readonly drops: Readonly<DropCounts>
  readonly #drops: DropCounts = noDrops()
  readonly #config: HandshakeConfig
  readonly #plaintext = new PlaintextSealer()
  readonly #early = new EarlyRecords()
  readonly #transmits = new Queue<Uint8Array>()
  readonly #events = new Queue<DtlsEvent>()
  #readEpochs: readonly ReadEpoch[] = []
  #phase: Phase = { name: 'new' }

  constructor(options: DtlsOptions) {
    this.#config = toConfig(options)
    this.drops = this.#drops
  }

  get state(): DtlsState {
    return this.#phase.name
  }

  /** What was negotiated; undefined unless connected. */
  get session(): DtlsSession | undefined {
    return this.#phase.name === 'connected' ? this.#phase.session.session : undefined
  }

  /** The peer's certificates in DER, its own first; none unless connected. */
  get remoteCertificates(): readonly Uint8Array[] {
    return this.#phase.name === 'connected' ? this.#phase.session.remoteCertificates : []
  }

  /** A client sends its ClientHello; a server is ready for one. */
  start(now: number): void {
    if (this.#phase.name !== 'new') return
    const { role, peerAddressValidated, crypto, random } = this.#config
    const listen = (): HandshakeState =>
      new ExpectClientHello(peerAddressValidated ? undefined : new CookieJar(crypto, random))
    const open = role === 'client' ? sendClientHello : listen
    const handshake = new Handshake(this.#config, this.#plaintext, now, open)
    this.#phase = { name: 'connecting', handshake }
    this.#follow(handshake, now)
  }

  /** Takes a datagram; it is not kept. */
  receive(datagram: Uint8Array, now: number): DtlsReceived {
    let result: DtlsReceived | undefined
    let at = 0
    // RFC 6347 §4.1.1: a datagram holds one record or several.
    do {
      const end = recordEnd(datagram, at)
      if (end < 0) {
        const malformed = this.#drop('malformed')
        return result ?? malformed
      }
      const outcome = this.#receiveRecord(datagram, at, end, now)
      if (result === undefined || outcome === handled) result = outcome
      at = end
    } while (at < datagram.length)
    return result
  }

  /**
   * One record of application data, in a buffer of its own, ready for the socket.
   *
   * @param data up to 2^14 bytes
   * @throws {DtlsError} `not-connected`, `record-too-long`, or `sequence-exhausted`, which ends the connection
   */
  seal(data: Uint8Array): Uint8Array {
    const phase = this.#phase
    if (phase.name !== 'connected') throw new DtlsError('not-connected', `the connection is ${phase.name}`)
    try {
      return phase.sealer.seal(ContentType.applicationData, data)
    } catch (error) {
      if (error instanceof DtlsError && error.code === 'sequence-exhausted') this.#fail(error, phase.sealer)
      throw error
    }
  }

  /**
   * Keying material for another protocol, as both ends compute it.
   *
   * RFC 5705 §4: from the master secret, both randoms, a label and perhaps a context.
   *
   * @throws {DtlsError} `not-connected`
   */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    if (this.#phase.name !== 'connected') throw new DtlsError('not-connected', `the connection is ${this.#phase.name}`)
    return this.#phase.session.exportKeyingMaterial(label, length, context)
  }

  /** Tells the peer, and forgets the keys. */
  close(_now: number): void {
    const phase = this.#phase
    if (phase.name === 'closed' || phase.name === 'failed') return
    if (phase.name === 'connected') this.#sendAlert(phase.sealer, AlertLevel.warning, Alert.closeNotify)
    if (phase.name === 'connecting' && phase.handshake.underway) {
      this.#sendAlert(phase.handshake.sealer, AlertLevel.warning, Alert.closeNotify)
    }
    this.#end({ name: 'closed' })
  }

  handleTimeout(now: number): void {
    if (this.#phase.name !== 'connecting') return
    this.#phase.handshake.handleTimeout(now)
    this.#follow(this.#phase.handshake, now)
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift()
  }

  pollEvent(): DtlsEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return this.#phase.name === 'connecting' ? this.#phase.handshake.pollTimeout() : undefined
  }

  #receiveRecord(datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    const epoch = recordEpoch(datagram, at)
    switch (this.#phase.name) {
      case 'connected':
      case 'connecting':
        return epoch === 0
          ? this.#receivePlaintext(datagram, at, end, now)
          : this.#receiveProtected(epoch, datagram, at, end, now)
      case 'failed':
        this.#repeatAlert(this.#phase, epoch, recordType(datagram, at))
        return this.#drop('not-open')
      case 'new':
      case 'closed':
        return this.#drop('not-open')
    }
  }

  #receiveProtected(epoch: number, datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    const type = recordType(datagram, at)
    const read = this.#readEpoch(epoch)
    // RFC 6347 §4.2.4: application data waits until the Finished message was received.
    if (read === undefined || (type === ContentType.applicationData && this.#phase.name !== 'connected')) {
      return this.#keepEarly(epoch, datagram.subarray(at, end))
    }
    const sequence = recordSequence(datagram, at)
    if (!read.replay.isFresh(sequence)) return this.#drop('replayed')
    const content = read.opener.open(datagram, at, end)
    // RFC 6347 §4.1.2.7: what is not authentic is discarded, and nothing is said about it.
    if (content === undefined) return this.#drop('bad-record-mac')
    // RFC 6347 §4.1.2.6: the window is updated only if the verification succeeds.
    read.replay.accept(sequence)
    switch (type) {
      case ContentType.applicationData:
        return this.#receiveData(content)
      case ContentType.handshake:
        return this.#receiveHandshake(content, epoch, sequence, now)
      case ContentType.alert:
        return this.#receiveAlert(content, now)
      default:
        return this.#drop('malformed')
    }
  }

  #receiveData(data: Uint8Array): DtlsReceived {
    // The peer speaks: it has our Finished, and will not ask for the last flight again.
    if (this.#phase.name === 'connected') this.#phase.finalFlight = undefined
    if (data.length > 0) this.#events.push({ type: 'data', data })
    return handled
  }

  /** Epoch 0. RFC 6347 §4.1.2.7: once there are keys, such a record says nothing about the peer. */
  #receivePlaintext(datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    if (this.#phase.name !== 'connecting') return this.#drop('unauthenticated')
    const content = datagram.subarray(at + recordHeaderLength, end)
    switch (recordType(datagram, at)) {
      case ContentType.handshake:
        return this.#receiveHandshake(content, 0, recordSequence(datagram, at), now)
      case ContentType.changeCipherSpec:
        // RFC 6347 §4.1: the epoch of a record says what this message says. It carries nothing more, and moves nothing.
        return handled
      case ContentType.alert:
        return this.#receiveUnauthenticatedAlert(this.#phase.handshake, content, now)
      case ContentType.applicationData:
        return this.#drop('unauthenticated')
      default:
        return this.#drop('malformed')
    }
  }

  #receiveHandshake(content: Uint8Array, epoch: number, sequence: number, now: number): DtlsReceived {
    const phase = this.#phase
    if (phase.name === 'connected') return this.#receivePostHandshake(phase, content, epoch, now)
    if (phase.name !== 'connecting') return this.#drop('not-open')
    const drop = phase.handshake.receive(content, epoch, sequence, now)
    this.#follow(phase.handshake, now)
    return drop === undefined ? handled : this.#drop(drop)
  }

  #receivePostHandshake(phase: Connected, content: Uint8Array, epoch: number, now: number): DtlsReceived {
    const reader = new ByteReader(content)
    try {
      while (reader.remaining > 0) {
        const request = phase.session.classify(readFragment(reader, epoch))
        if (request === 'renegotiation') this.#refuseRenegotiation(phase)
        // RFC 6347 §4.2.4: a repeated last flight of the peer is answered with ours.
        if (request === 'repetition') this.#transmit(phase.finalFlight?.answerRepetition(now) ?? [])
      }
    } catch {
      return this.#drop('malformed')
    }
    return handled
  }

  /** RFC 5246 §7.2.2: no_renegotiation. The connection goes on. */
  #refuseRenegotiation(phase: Connected): void {
    if (phase.refusals++ >= maxRenegotiationRefusals) return
    this.#sendAlert(phase.sealer, AlertLevel.warning, Alert.noRenegotiation)
  }

  #receiveAlert(content: Uint8Array, now: number): DtlsReceived {
    const [level, description] = content
    if (content.length !== 2 || description === undefined) return this.#drop('malformed')
    if (description === Alert.closeNotify) {
      // RFC 5246 §7.2.1: answered with a close_notify, and the connection closed down at once.
      this.close(now)
      this.#events.push({ type: 'closed' })
    } else if (level === AlertLevel.fatal) {
      const error = new DtlsError('peer-alert', `the peer ended the connection with alert ${description}`, {
        receivedAlert: description,
      })
      this.#fail(error, this.#plaintext)
    }
    return handled
  }

  /** Anybody could have sent it: it is counted, and remembered as the likely reason should the handshake come to nothing. */
  #receiveUnauthenticatedAlert(handshake: Handshake, content: Uint8Array, now: number): DtlsReceived {
    const [level, description] = content
    if (content.length !== 2 || description === undefined) return this.#drop('malformed')
    const final = level === AlertLevel.fatal || description === Alert.closeNotify
    handshake.receiveUnauthenticatedAlert(description, final, now)
    return this.#drop('unauthenticated')
  }

  #keepEarly(epoch: number, record: Uint8Array): DtlsReceived {
    const phase = this.#phase
    // In DTLS 1.2 the next epoch is the only one.
    if (phase.name !== 'connecting' || !phase.handshake.underway || epoch !== 1) return this.#drop('unknown-epoch')
    return this.#early.add(record) ? handled : this.#drop('buffer-full')
  }

  #readEpoch(epoch: number): ReadEpoch | undefined {
    for (const each of this.#readEpochs) if (each.epoch === epoch) return each
    return undefined
  }

  /** Does what the handshake brought about. */
  #follow(handshake: Handshake, now: number): void {
    this.#transmit(handshake.takeDatagrams())
    if (handshake.error !== undefined) {
      this.#fail(handshake.error, handshake.sealer)
      return
    }
    const keys = handshake.takeEpoch()
    if (keys !== undefined) {
      const { epoch, opener } = keys
      this.#readEpochs = [...this.#readEpochs, { epoch, opener, replay: new ReplayWindow() }]
    }
    const session = handshake.established
    if (session !== undefined) this.#connect(handshake, session)
    if (keys !== undefined || session !== undefined) this.#receiveEarly(now)
  }

  #connect(handshake: Handshake, session: EstablishedSession): void {
    const { role } = this.#config
    this.#phase = {
      name: 'connected',
      session,
      sealer: handshake.sealer,
      // RFC 6347 §4.2.4: who sent the last flight must be able to repeat it, and that is the server.
      finalFlight: role === 'server' ? handshake.retransmission : undefined,
      refusals: 0,
    }
    this.#events.push({ type: 'connected' })
  }

  /** What still cannot be read is kept again. */
  #receiveEarly(now: number): void {
    for (const record of this.#early.takeAll()) this.#receiveRecord(record, 0, record.length, now)
  }

  #fail(error: DtlsError, sealer: RecordSealer): void {
    if (error.alert !== undefined) this.#sendAlert(sealer, AlertLevel.fatal, error.alert)
    this.#end({ name: 'failed', alert: sealer === this.#plaintext ? error.alert : undefined, repetitions: 0 })
    this.#events.push({ type: 'failed', error })
  }

  /** Overwrites all keys and lets go of everything. */
  #end(phase: Phase): void {
    const ending = this.#phase
    this.#phase = phase
    if (ending.name === 'connecting') ending.handshake.wipe()
    if (ending.name === 'connected') {
      ending.sealer.wipe()
      ending.session.wipe()
    }
    for (const { opener } of this.#readEpochs) opener.wipe()
    this.#readEpochs = []
    this.#early.takeAll()
  }

  /** RFC 6347 §4.2.7: alerts are not repeated by a timer; one is sent anew when the offending message comes again. */
  #repeatAlert(phase: Phase & { name: 'failed' }, epoch: number, type: number): void {
    if (phase.alert === undefined || epoch !== 0 || type !== ContentType.handshake) return
    if (phase.repetitions++ < maxAlertRepetitions) this.#sendAlert(this.#plaintext, AlertLevel.fatal, phase.alert)
  }

  #sendAlert(sealer: RecordSealer, level: number, description: number): void {
    try {
      this.#transmits.push(sealer.seal(ContentType.alert, Uint8Array.of(level, description)))
    } catch {
      // The only thing in the way is that no sequence number is left; then the peer hears nothing.
    }
  }

  #transmit(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.#transmits.push(datagram)
  }

  #drop(reason: DtlsDrop): DtlsReceived {
    this.#drops[reason]++
    return dropped[reason]
  }
}
