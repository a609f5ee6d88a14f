import { ByteReader } from '../base/bytes.ts'
import type { SansIo } from '../base/machine.ts'
import { Queue } from '../base/queue.ts'
import { describeAlert } from './alert-names.ts'
import { sendClientHello } from './client-start.ts'
import { type ConnectionIds, type NegotiatedConnectionIds, NewestRecord, ownIdOf, wrongId } from './connection-id.ts'
import { EarlyRecords } from './early-records.ts'
import { Alert, AlertLevel, DtlsError } from './errors.ts'
import { Handshake, type HandshakeState } from './handshake.ts'
import type { HandshakeConfig } from './handshake-config.ts'
import { readFragment } from './messages.ts'
import { type DtlsEvent, type DtlsOptions, type DtlsState, toConfig } from './options.ts'
import type { Connected, Phase } from './phase.ts'
import { receivePlaintext } from './plaintext-records.ts'
import { type DropCounts, type DtlsDrop, type DtlsReceived, dropped, handled, noDrops } from './received.ts'
import {
  ContentType,
  maxPlaintextLength,
  recordEnd,
  recordEpoch,
  recordHeaderLength,
  recordSequence,
  recordType,
} from './record.ts'
import { aesGcmOverhead, PlaintextSealer, type RecordSealer } from './record-protection.ts'
import { ExpectClientHello } from './server-start.ts'
import type { DtlsSession, EstablishedSession } from './session.ts'
import { ReadEpochs12 } from './v12/read-epochs.ts'
import type { ConnectionIdUpdate } from './v13/connection-ids.ts'
import { firstApplicationEpoch } from './v13/post-handshake.ts'
import { ReadEpochs13 } from './v13/read-epochs.ts'
import { ciphertextEnd, ciphertextEpochBits, isCiphertext } from './v13/unified-header.ts'

/** How often a failed connection tells its alert again to a peer that goes on with the handshake. */
export const maxAlertRepetitions = 8
/** How often an attempt to renegotiate is answered. */
export const maxRenegotiationRefusals = 4

/**
 * A DTLS connection over one path: handshake, application data, end.
 *
 * Nothing is delivered before the peer's certificate matched a signalled fingerprint, the peer proved to have its key,
 * and both Finished messages agree. Datagrams to send come from {@link pollTransmit} and, for application data, from
 * {@link seal}.
 */
export class DtlsConnection implements SansIo<DtlsEvent, Uint8Array> {
  /** Records dropped so far, by reason. */
  readonly drops: Readonly<DropCounts>
  readonly #drops: DropCounts = noDrops()
  readonly #config: HandshakeConfig
  readonly #plaintext = new PlaintextSealer()
  readonly #early = new EarlyRecords()
  readonly #transmits = new Queue<Uint8Array>()
  readonly #events = new Queue<DtlsEvent>()
  readonly #readEpochs12 = new ReadEpochs12()
  readonly #readEpochs13 = new ReadEpochs13()
  readonly #newest = new NewestRecord()
  #heardNewest = false
  #phase: Phase = { name: 'new' }

  constructor(options: DtlsOptions) {
    this.#config = toConfig(options, error => this.#events.push({ type: 'key-log-failed', error }))
    this.drops = this.#drops
  }

  get state(): DtlsState {
    return this.#phase.name
  }

  /** Bytes that a record adds to the data in it: as negotiated, or before that at most, without a connection ID. */
  get recordOverhead(): number {
    return this.#phase.name === 'connected' ? this.#phase.handshake.sealer.overhead : aesGcmOverhead
  }

  /** What was negotiated; undefined unless connected. */
  get session(): DtlsSession | undefined {
    return this.#phase.name === 'connected' ? this.#phase.session.session : undefined
  }

  /** Which of our certificates the peer saw, in DER, that of the key first; none unless connected, or if it took none. */
  get localCertificates(): readonly Uint8Array[] {
    return this.#phase.name === 'connected' ? this.#phase.session.localCertificates : []
  }

  /** The peer's certificates in DER, its own first; none unless connected. */
  get remoteCertificates(): readonly Uint8Array[] {
    return this.#phase.name === 'connected' ? this.#phase.session.remoteCertificates : []
  }

  /** RFC 7301: what is spoken inside, as both ends have agreed; undefined if they have not, or are not connected. */
  get applicationProtocol(): string | undefined {
    return this.#phase.name === 'connected' ? this.#phase.handshake.applicationProtocol : undefined
  }

  /** Undefined if the hellos agreed on none, or did not yet. Those of DTLS 1.3 change. */
  get connectionIds(): NegotiatedConnectionIds | undefined {
    return this.#connectionIds
  }

  /**
   * Whether the latest datagram had an authentic record that was newer than all before.
   *
   * RFC 9146 §6: only then may its source become the address to send to, and only after a test that the peer is there.
   */
  get heardNewest(): boolean {
    return this.#heardNewest
  }

  /** A client sends its ClientHello; a server is ready for one. */
  start(now: number): void {
    if (this.#phase.name !== 'new') return
    const listen = (): HandshakeState => new ExpectClientHello(this.#config)
    const open = this.#config.role === 'client' ? sendClientHello : listen
    const handshake = new Handshake(this.#config, this.#plaintext, now, open)
    this.#phase = { name: 'connecting', handshake }
    this.#follow(handshake, now)
  }

  /** Takes a datagram; it is not kept. */
  receive(datagram: Uint8Array, now: number): DtlsReceived {
    this.#heardNewest = false
    const result = this.#receiveRecords(datagram, now)
    const handshake = this.#runningHandshake
    if (handshake?.owesAck === true) {
      handshake.acknowledge()
      this.#follow(handshake, now)
    }
    return result
  }

  #receiveRecords(datagram: Uint8Array, now: number): DtlsReceived {
    let result: DtlsReceived | undefined
    let at = 0
    const idLength = this.#config.connectionId?.length ?? 0
    // RFC 6347 §4.1.1, RFC 9147 §4.3: a datagram holds one record or several.
    do {
      const end = (isCiphertext(datagram[at] ?? 0) ? ciphertextEnd : recordEnd)(datagram, at, idLength)
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
      return phase.handshake.sealer.seal(ContentType.applicationData, data)
    } catch (error) {
      if (error instanceof DtlsError && error.code === 'sequence-exhausted') this.#fail(error, phase.handshake.sealer)
      throw error
    }
  }

  /**
   * Keying material for another protocol, as both ends compute it.
   *
   * RFC 5705 §4, RFC 8446 §7.5: from a secret of the handshake, a label and perhaps a context.
   *
   * @throws {DtlsError} `not-connected`
   */
  exportKeyingMaterial(label: string, length: number, context?: Uint8Array): Uint8Array {
    if (this.#phase.name !== 'connected') throw new DtlsError('not-connected', `the connection is ${this.#phase.name}`)
    return this.#phase.session.exportKeyingMaterial(label, length, context)
  }

  /**
   * Replaces the key that our records are sealed with, in DTLS 1.3; it is done unasked long before a key wears out.
   *
   * RFC 9147 §8: takes effect when the peer has acknowledged it.
   *
   * @param requestsUpdate whether the peer is asked to do the same
   */
  updateKeys(now: number, requestsUpdate = false): void {
    if (this.#phase.name !== 'connected') return
    const { handshake } = this.#phase
    handshake.updateKeys(requestsUpdate, now)
    this.#follow(handshake, now)
  }

  /**
   * Gives the peer new connection IDs, or asks for spare ones of its own, in DTLS 1.3; without effect for a direction
   * that has none. The peer's requests are answered unasked.
   */
  updateConnectionIds(update: ConnectionIdUpdate, now: number): void {
    if (this.#phase.name !== 'connected') return
    const { handshake } = this.#phase
    handshake.updateConnectionIds(update, now)
    this.#follow(handshake, now)
  }

  /**
   * Puts the next spare connection ID of the peer on our records, if there is one: to be called where the path changes.
   *
   * RFC 9147 §9: so that nobody on both paths can tell that they belong together.
   */
  useNextConnectionId(): boolean {
    return this.#connectionIds?.useNext() ?? false
  }

  /** Tells the peer, and forgets the keys. */
  close(_now: number): void {
    const phase = this.#phase
    if (phase.name === 'closed' || phase.name === 'failed') return
    if (phase.name === 'connected' || (phase.name === 'connecting' && phase.handshake.underway)) {
      this.#sendAlert(phase.handshake.sealer, AlertLevel.warning, Alert.closeNotify)
    }
    this.#end({ name: 'closed' })
  }

  handleTimeout(now: number): void {
    const handshake = this.#runningHandshake
    if (handshake === undefined) return
    handshake.handleTimeout(now)
    this.#follow(handshake, now)
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift()
  }

  pollEvent(): DtlsEvent | undefined {
    return this.#events.shift()
  }

  pollTimeout(): number | undefined {
    return this.#runningHandshake?.pollTimeout()
  }

  /** The handshake, while it has anything to do: in DTLS 1.3 also after the connection is established. */
  get #runningHandshake(): Handshake | undefined {
    const phase = this.#phase
    if (phase.name === 'connecting') return phase.handshake
    return phase.name === 'connected' && phase.handshake.isOpen ? phase.handshake : undefined
  }

  #receiveRecord(datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    const isCiphertext13 = isCiphertext(datagram[at] ?? 0)
    const epoch = isCiphertext13 ? undefined : recordEpoch(datagram, at)
    switch (this.#phase.name) {
      case 'connected':
      case 'connecting':
        if (epoch === undefined) return this.#receiveCiphertext(datagram, at, end, now)
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

  get #connectionIds(): ConnectionIds | undefined {
    const phase = this.#phase
    return phase.name === 'connecting' || phase.name === 'connected' ? phase.handshake.connectionIds : undefined
  }

  #receiveProtected(epoch: number, datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    const read = this.#readEpochs12.find(epoch)
    if (read === undefined) return this.#keepEarly(epoch, datagram.subarray(at, end))
    const id = ownIdOf(this.#connectionIds, datagram, at)
    if (id === wrongId) return this.#drop('wrong-connection-id')
    const sequence = recordSequence(datagram, at)
    if (!read.replay.isFresh(sequence)) return this.#drop('replayed')
    const content = read.opener.open(datagram, at, end)
    // RFC 6347 §4.1.2.7: what is not authentic is discarded, and nothing is said about it.
    if (content === undefined) return this.#drop('bad-record-mac')
    const type = read.opener.type ?? recordType(datagram, at)
    // RFC 6347 §4.2.4: application data waits until the Finished message was received.
    if (type === ContentType.applicationData && this.#phase.name !== 'connected') {
      return this.#keepEarly(epoch, datagram.subarray(at, end))
    }
    // RFC 6347 §4.1.2.6: the window is updated only if the verification succeeds.
    read.replay.accept(sequence)
    this.#noteAuthentic(id, epoch, sequence)
    return this.#receiveContent(type, content, epoch, sequence, now)
  }

  /** A protected record of DTLS 1.3. */
  #receiveCiphertext(datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    const read = this.#readEpochs13.find(ciphertextEpochBits(datagram[at] ?? 0))
    if (read === undefined) return this.#keepEarly(1, datagram.subarray(at, end))
    const { opener, replay, epoch } = read
    const id = ownIdOf(this.#connectionIds, datagram, at)
    if (id === wrongId) return this.#drop('wrong-connection-id')
    const content = opener.open(datagram, at, end, this.#config.connectionId?.length)
    if (content === undefined) {
      // RFC 9147 §4.5.3: a connection that saw too many forgeries is closed.
      if (opener.exhausted)
        this.#fail(new DtlsError('too-many-forgeries', 'a key met too many forgeries'), this.#plaintext)
      // RFC 9147 §4.5.2: what is not authentic is discarded, and nothing is said about it.
      return this.#drop('bad-record-mac')
    }
    const { type, sequence } = opener
    // RFC 9147 §4.5.1: asked after deprotection, so that time does not tell the number; moved only then.
    if (!replay.isFresh(sequence)) return this.#drop('replayed')
    replay.accept(sequence)
    this.#noteAuthentic(id, epoch, sequence)
    // RFC 9147 §6.1: the epoch of the handshake has no application data.
    if (type === ContentType.applicationData && epoch < firstApplicationEpoch) return this.#drop('unexpected')
    return this.#receiveContent(type, content, epoch, sequence, now)
  }

  /** @param id which one of ours the record had */
  #noteAuthentic(id: number, epoch: number, sequence: number): void {
    this.#connectionIds?.noteUse(id)
    if (this.#newest.note(epoch, sequence)) this.#heardNewest = true
  }

  /** The content of a record that was authentic and new. */
  #receiveContent(type: number, content: Uint8Array, epoch: number, sequence: number, now: number): DtlsReceived {
    // RFC 5246 §6.2.1, RFC 8446 §5.1: not more than 2^14 bytes. RFC 9147 §4.5.2: an invalid record is discarded.
    if (content.length > maxPlaintextLength) return this.#drop('malformed')
    switch (type) {
      case ContentType.applicationData:
        return this.#receiveData(content, now)
      case ContentType.handshake:
        return this.#receiveHandshake(content, epoch, sequence, now)
      case ContentType.alert:
        return this.#receiveAlert(content, now)
      case ContentType.ack:
        return this.#receiveAck(content, now)
      default:
        return this.#drop('malformed')
    }
  }

  #receiveData(data: Uint8Array, now: number): DtlsReceived {
    const phase = this.#phase
    if (phase.name === 'connected') {
      // The peer speaks: it has our Finished, and will not ask for the last flight again.
      phase.finalFlight = undefined
      // RFC 9147 §4.5.3: a key is replaced before the limit. Looked at here, since whoever sends much also receives.
      if (phase.handshake.isOpen && phase.handshake.sealer.sequence >= this.#config.keyUpdateAfter) this.updateKeys(now)
    }
    if (data.length > 0) this.#events.push({ type: 'data', data })
    return handled
  }

  #receiveAck(content: Uint8Array, now: number): DtlsReceived {
    const handshake = this.#runningHandshake
    if (handshake === undefined) return this.#drop('unexpected')
    return this.#followed(handshake, handshake.receiveAck(content, now), now)
  }

  /** Epoch 0. RFC 6347 §4.1.2.7: once there are keys, such a record says nothing about the peer. */
  #receivePlaintext(datagram: Uint8Array, at: number, end: number, now: number): DtlsReceived {
    if (this.#phase.name !== 'connecting') return this.#drop('unauthenticated')
    const { handshake } = this.#phase
    const content = datagram.subarray(at + recordHeaderLength, end)
    const type = recordType(datagram, at)
    return this.#followed(handshake, receivePlaintext(handshake, type, content, recordSequence(datagram, at), now), now)
  }

  #receiveHandshake(content: Uint8Array, epoch: number, sequence: number, now: number): DtlsReceived {
    const handshake = this.#runningHandshake
    if (handshake === undefined) {
      const phase = this.#phase
      return phase.name === 'connected'
        ? this.#receivePostHandshake(phase, content, epoch, now)
        : this.#drop('not-open')
    }
    return this.#followed(handshake, handshake.receive(content, epoch, sequence, now), now)
  }

  /** In DTLS 1.2. */
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
    this.#sendAlert(phase.handshake.sealer, AlertLevel.warning, Alert.noRenegotiation)
  }

  #receiveAlert(content: Uint8Array, now: number): DtlsReceived {
    const [level, description] = content
    if (content.length !== 2 || description === undefined) return this.#drop('malformed')
    const isVersion13 = this.#runningHandshake?.acknowledges ?? false
    if (description === Alert.closeNotify) {
      // RFC 5246 §7.2.1: answered with a close_notify, and the connection closed down at once.
      this.close(now)
      this.#events.push({ type: 'closed' })
    } else if (level === AlertLevel.fatal || (isVersion13 && description !== Alert.userCanceled)) {
      // RFC 8446 §6: in TLS 1.3 the level says nothing, and all errors are fatal.
      const error = new DtlsError('peer-alert', `the peer ended the connection with ${describeAlert(description)}`, {
        receivedAlert: description,
      })
      this.#fail(error, this.#plaintext)
    }
    return handled
  }

  #keepEarly(epoch: number, record: Uint8Array): DtlsReceived {
    const phase = this.#phase
    // In DTLS 1.2 the next epoch is the only one.
    if (phase.name !== 'connecting' || !phase.handshake.underway || epoch !== 1) return this.#drop('unknown-epoch')
    return this.#early.add(record) ? handled : this.#drop('buffer-full')
  }

  #followed(handshake: Handshake, drop: DtlsDrop | undefined, now: number): DtlsReceived {
    this.#follow(handshake, now)
    return drop === undefined ? handled : this.#drop(drop)
  }

  /** Does what the handshake brought about. */
  #follow(handshake: Handshake, now: number): void {
    this.#transmit(handshake.takeDatagrams())
    if (handshake.error !== undefined) {
      this.#fail(handshake.error, handshake.sealer)
      return
    }
    const keys = handshake.takeEpoch()
    if (keys !== undefined) this.#readEpochs12.add(keys)
    const keys13 = handshake.takeReadEpoch()
    if (keys13 !== undefined) this.#readEpochs13.add(keys13)
    const session = handshake.established
    const connects = session !== undefined && this.#phase.name === 'connecting'
    if (connects) this.#connect(handshake, session)
    if (keys !== undefined || keys13 !== undefined || connects) this.#receiveEarly(now)
  }

  #connect(handshake: Handshake, session: EstablishedSession): void {
    const { role } = this.#config
    this.#phase = {
      name: 'connected',
      session,
      handshake,
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
    if (ending.name === 'connecting' || ending.name === 'connected') ending.handshake.wipe()
    if (ending.name === 'connected') ending.session.wipe()
    this.#readEpochs12.wipe()
    this.#readEpochs13.wipe()
    this.#early.takeAll()
  }

  /** RFC 6347 §4.2.7: alerts are not repeated by a timer; one is sent anew when the offending message comes again. */
  #repeatAlert(phase: Phase & { name: 'failed' }, epoch: number | undefined, type: number): void {
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
