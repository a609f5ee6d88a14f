import type { TransportAddress } from '../base/address.ts'
import { earliest } from '../base/deadlines.ts'
import type { Environment } from '../base/environment.ts'
import { assertNever } from '../base/errors.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import { DtlsError } from '../dtls/errors.ts'
import type { DtlsEvent, DtlsIdentity, DtlsOptions, Fingerprint } from '../dtls/index.ts'
import { DtlsConnection } from '../dtls/index.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type {
  CandidateComponent,
  IceCandidate,
  IceEvent,
  IceParameters,
  IceRole,
  LocalCandidate,
  SelectedPair,
} from '../ice/index.ts'
import { IceAgent } from '../ice/index.ts'
import { warnOfKeyLogFailure } from '../net/key-log-file.ts'
import { isRtcp } from '../rtp/packet.ts'
import type { SctpAssociation, SctpEvent } from '../sctp/index.ts'
import { demux } from './demux.ts'
import type { CandidateReceiver, CandidateSocket } from './gathering/candidate-socket.ts'
import { OneTimer } from './one-timer.ts'
import { askForConnectionIds, hasOwnConnectionId } from './path-ids.ts'
import { type LinkedSession, RtpLink, type RtpListener } from './rtp-link.ts'
import { SrtpPort, srtpProfilePreference } from './srtp-port.ts'
import type { TransportCounters } from './transport-counters.ts'
import { Wire } from './wire.ts'

/** DTLS packets that arrive before the remote description are kept, not dropped; no more than this many. */
export const maxEarlyPackets = 16

/** The largest datagram sent while the path MTU is unknown: the IPv6 minimum MTU less the IPv6 and UDP headers (RFC 8200 §5). */
export const initialDatagramSize = 1232

export interface DtlsParameters {
  readonly role: 'client' | 'server'
  readonly fingerprints: readonly Fingerprint[]
}

/** What a transport tells the connection. Called at the end of an event-loop turn, never from inside an API call. */
export interface TransportListener {
  iceEvent(event: IceEvent): void
  dtlsStateChanged(error?: DtlsError): void
  sctpEvent(event: SctpEvent): void
}

/** What is offered and accepted in DTLS. */
export type DtlsChoices = Pick<DtlsOptions, 'minVersion' | 'maxVersion' | 'groups' | 'connectionId' | 'srtpProfiles'>

export interface TransportOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
  readonly role: IceRole
  readonly iceParameters: IceParameters
  readonly listener: TransportListener
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  /** 2 for a separate RTCP; 1 if absent. */
  readonly component?: CandidateComponent
}

export type DtlsState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'

/**
 * The driver of one transport: joins sockets, ICE, DTLS, SCTP and SRTP, and arms one timer at the earliest deadline of all.
 *
 * In: socket -> {@link receive} -> {@link demux} -> one core. Out, at the end of the turn: SCTP -> DTLS, or RTP session ->
 * SRTP, -> the selected pair -> socket.
 */
export class Transport {
  readonly ice: IceAgent
  readonly component: CandidateComponent
  readonly counters: TransportCounters
  readonly #environment: Environment
  readonly #crypto: CryptoProvider
  readonly #keyLog: KeyLog | undefined
  readonly #dtlsChoices: DtlsChoices
  readonly #listener: TransportListener
  readonly #wire: Wire
  #identities: readonly DtlsIdentity[] = []
  #dtlsParameters: DtlsParameters | undefined
  #dtls: DtlsConnection | undefined
  #dtlsState: DtlsState = 'new'
  #recordOverhead = 0
  #sctp: SctpAssociation | undefined
  readonly #srtp: SrtpPort
  #rtp: RtpLink | undefined
  #early: Uint8Array[] = []
  #drainScheduled = false
  readonly #timer: OneTimer
  #closed = false

  constructor(options: TransportOptions) {
    this.#environment = options.environment
    this.#crypto = options.crypto
    this.#keyLog = options.keyLog
    this.#dtlsChoices = options.dtls
    this.#listener = options.listener
    this.component = options.component ?? 1
    this.#timer = new OneTimer(options.environment.timers, () => this.#onTimer())
    this.ice = new IceAgent({
      role: options.role,
      random: options.environment.random,
      local: options.iceParameters,
      lite: options.iceLite,
      renomination: options.iceRenomination,
      component: this.component,
    })
    this.#wire = new Wire(this.ice)
    this.counters = this.#wire.counters
    this.#srtp = new SrtpPort({
      send: (data, kind) => this.#wire.send(data, kind),
      schedule: () => this.schedule(),
      drop: reason => this.#wire.drop(reason),
    })
  }

  get dtlsState(): DtlsState {
    return this.#dtlsState
  }

  get dtls(): DtlsConnection | undefined {
    return this.#dtls
  }

  /** Adds a gathered candidate with the socket it is based on. */
  addLocalCandidate(candidate: LocalCandidate, socket: CandidateSocket): void {
    if (this.#closed) return
    this.#wire.add(candidate.base, socket)
    this.ice.addLocalCandidate(candidate, this.#now())
    this.schedule()
  }

  /** What is based there cannot be used any more. */
  removeLocalCandidates(base: TransportAddress): void {
    if (this.#closed) return
    this.#wire.remove(base)
    this.ice.removeLocalCandidates(base, this.#now())
    this.schedule()
  }

  /** Nothing reaches the peer at this address from that base. */
  unreachable(base: TransportAddress, peer: TransportAddress, reason?: 'peer-refused'): void {
    if (this.#closed) return
    this.ice.unreachable(base, peer, this.#now(), reason)
    this.schedule()
  }

  endOfLocalCandidates(): void {
    this.ice.endOfLocalCandidates(this.#now())
    this.schedule()
  }

  setRemoteIce(parameters: IceParameters): void {
    this.ice.setRemoteParameters(parameters, this.#now())
    this.schedule()
  }

  addRemoteCandidate(candidate: IceCandidate): void {
    if (this.#closed) return
    this.ice.addRemoteCandidate(candidate, this.#now())
    this.schedule()
  }

  endOfRemoteCandidates(): void {
    if (this.#closed) return
    this.ice.endOfRemoteCandidates(this.#now())
    this.schedule()
  }

  restartIce(parameters: IceParameters): void {
    this.ice.restart(parameters, this.#now())
    this.schedule()
  }

  /** Goes back to the generation before the last restart. @returns false if there is none, or the new one is in use */
  rollbackRestart(): boolean {
    const undone = this.ice.rollbackRestart(this.#now())
    this.schedule()
    return undone
  }

  /** DTLS starts when these are known and ICE has a valid pair, whichever comes later. */
  startDtls(parameters: DtlsParameters, identities: readonly DtlsIdentity[]): void {
    this.#dtlsParameters ??= parameters
    this.#identities = identities
    this.schedule()
  }

  /** Hands over the association that runs on this transport; it connects as soon as DTLS has. */
  attachSctp(sctp: SctpAssociation): void {
    this.#sctp = sctp
    if (this.#dtls !== undefined && this.#dtlsState === 'connected') this.#connectSctp(this.#dtls)
    this.schedule()
  }

  /**
   * Hands over the RTP session that runs on this transport, in place of the one before: it can send as soon as DTLS has
   * connected.
   *
   * @param rtcp the transport of RTCP where it is not multiplexed; to be left out as soon as it is. It is to be closed
   *   after this one, or after it was left out: the goodbye leaves there
   */
  attachRtp(session: LinkedSession, listener: RtpListener, rtcp?: Transport): void {
    if (this.#closed) return
    this.#rtp?.detach()
    this.#rtp = new RtpLink(session, listener, this.#srtp, rtcp === undefined ? undefined : rtcp.#srtp)
    this.#rtp.attach(this.#now())
    this.schedule()
  }

  /** No media runs here any more. */
  detachRtp(): void {
    this.#rtp?.detach()
    this.#rtp = undefined
  }

  /** The protection profile of media by its IANA name, once there are keys for it; kept when the transport closes. */
  get srtpCipher(): string | undefined {
    return this.#srtp.cipher
  }

  /** Takes a datagram from one of our sockets. */
  readonly receive: CandidateReceiver = (data, from, socket) => {
    if (this.#closed) return
    const now = this.#now()
    this.counters.packetsReceived++
    this.#route(data, socket.local, from, now)
    this.schedule()
  }

  /** Something was queued in a core: it is sent and told at the end of this turn. */
  schedule(): void {
    if (this.#drainScheduled || this.#closed) return
    this.#drainScheduled = true
    this.#environment.timers.endOfTurn(this.#drain)
  }

  /**
   * Says goodbye to the peer and forgets everything. Nothing is told to the listener any more. The sockets belong to
   * whoever opened them.
   */
  close(): void {
    if (this.#closed) return
    const now = this.#now()
    this.#rtp?.close(now)
    this.detachRtp()
    this.#srtp.close()
    this.#sctp?.abort(now)
    this.#sendSctp(now)
    this.#dtls?.close(now)
    this.#sendDtls()
    this.#closed = true
    this.ice.close(now)
    this.#timer.cancel()
    this.#early = []
    this.#wire.clear()
    this.#dtlsState = 'closed'
  }

  #route(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): void {
    const kind = demux(data[0])
    // webrtc-stats §8.17: payload alone is counted, no ICE connectivity checks
    if (kind !== 'stun') this.counters.bytesReceived += data.length
    switch (kind) {
      case 'stun': {
        this.counters.received.stun++
        const result = this.ice.receive(data, local, remote, now)
        if ('drop' in result) this.#wire.drop(result.drop)
        return
      }
      case 'dtls':
        this.counters.received.dtls++
        // RFC 8445 §12.2: data is taken only from an address that proved itself; without this an off-path sender
        // could race its own ClientHello against the peer's.
        if (this.ice.isValidated(local, remote)) {
          this.counters.traffic.received(data.length, local, remote)
          this.#receiveDtls(data, now)
        } else if (this.#isKnown(data)) this.#receiveFromElsewhere(data, local, remote, now)
        else this.#wire.drop('unvalidated-source')
        return
      case 'srtp':
        this.counters.received[isRtcp(data) ? 'rtcp' : 'rtp']++
        // RFC 8445 §12.2 holds for media as well: a path never follows packets whose source has proved nothing.
        if (this.ice.isValidated(local, remote)) {
          this.counters.traffic.received(data.length, local, remote)
          this.#srtp.receive(data, now)
        } else this.#wire.drop('unvalidated-source')
        return
      case 'turn-channel':
      case 'unknown':
        this.counters.received.unknown++
        this.#wire.drop(kind)
        return
      default:
        assertNever(kind)
    }
  }

  #isKnown(data: Uint8Array): boolean {
    return this.#dtlsState === 'connected' && this.#dtls !== undefined && hasOwnConnectionId(this.#dtls, data)
  }

  /**
   * RFC 9146 §6: what is authentic is delivered, whatever its source. That its source is used in turn takes a record newer
   * than all others, and the peer's answer to a check.
   */
  #receiveFromElsewhere(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): void {
    this.#receiveDtls(data, now)
    if (this.#dtls?.heardNewest === true) this.ice.heardFrom(local, remote, now)
  }

  #receiveDtls(data: Uint8Array, now: number): void {
    const dtls = this.#dtls
    if (dtls === undefined) {
      if (this.#early.length < maxEarlyPackets) this.#early.push(data)
      else this.#wire.drop('early-overflow')
      return
    }
    const result = dtls.receive(data, now)
    if ('drop' in result) this.#wire.drop(result.drop)
    this.#handleDtlsEvents(now)
  }

  readonly #drain = (): void => {
    this.#drainScheduled = false
    if (this.#closed) return
    const now = this.#now()
    this.#handleIceEvents(now)
    this.#maybeCreateDtls(now)
    this.#handleDtlsEvents(now)
    this.#rtp?.tell()
    this.#handleSctpEvents()
    // A listener may have closed the connection.
    if (this.#closed) return
    // DTLS first: a peer that is still waiting for our Finished message may drop what comes before it.
    this.#sendDtls()
    // Media before bulk data: it is of no use when it is late. It leaves room, being sent in bursts of a bounded length.
    this.#rtp?.flush(now)
    this.#sendSctp(now)
    // What has left the buffer of a channel is told at once: its sender may be waiting for that.
    this.#handleSctpEvents()
    this.#wire.sendIce()
    // What is left of a burst is due at once, and the turn that comes for it asks for the next deadline.
    if (!this.#drainScheduled) this.#armTimer(now)
  }

  #handleIceEvents(now: number): void {
    for (let event = this.ice.pollEvent(); event !== undefined; event = this.ice.pollEvent()) {
      if (event.type === 'selected-pair') {
        this.counters.selectedPairChanges++
        // RFC 8261 §6.1: what was learned of the old path does not hold for the new one
        this.#sctp?.pathChanged(now)
        this.#dtls?.useNextConnectionId()
        if (this.#dtls !== undefined) askForConnectionIds(this.#dtls, now)
      }
      this.#listener.iceEvent(event)
    }
  }

  #maybeCreateDtls(now: number): void {
    const parameters = this.#dtlsParameters
    const pair = this.ice.selectedPair
    if (this.#closed || this.#dtls !== undefined || parameters === undefined || pair === undefined) return
    this.#dtls = new DtlsConnection({
      role: parameters.role,
      identities: this.#identities,
      fingerprints: parameters.fingerprints,
      crypto: this.#crypto,
      keyLog: this.#keyLog,
      srtpProfiles: srtpProfilePreference,
      ...this.#dtlsChoices,
      random: this.#environment.random,
      peerAddressValidated: true,
      mtu: initialDatagramSize,
      initialRtoMs: initialDtlsRto(pair),
    })
    this.#dtlsState = 'connecting'
    this.#dtls.start(now)
    const early = this.#early
    this.#early = []
    for (const packet of early) this.#receiveDtls(packet, now)
    this.#listener.dtlsStateChanged()
  }

  #handleDtlsEvents(now: number): void {
    const dtls = this.#dtls
    if (dtls === undefined) return
    for (let event = dtls.pollEvent(); event !== undefined; event = dtls.pollEvent()) this.#handleDtlsEvent(event, now)
  }

  #handleDtlsEvent(event: DtlsEvent, now: number): void {
    switch (event.type) {
      case 'data': {
        const result = this.#sctp?.receive(event.data, now)
        if (result !== undefined && 'drop' in result) this.#wire.drop(result.drop)
        return
      }
      case 'connected':
        this.#dtlsState = 'connected'
        this.#connected(now)
        return
      case 'closed':
        // An ABORT that came before the close_notify is why it came: it is told first.
        this.#handleSctpEvents()
        this.#dtlsState = 'closed'
        // RFC 8831 §6.2: the association lives on DTLS, and ends with it
        this.#sctp?.abort(now)
        this.#srtp.close()
        this.#listener.dtlsStateChanged()
        return
      case 'failed':
        this.#dtlsState = 'failed'
        this.#srtp.close()
        this.#listener.dtlsStateChanged(event.error)
        return
      case 'key-log-failed':
        warnOfKeyLogFailure(event.error)
        return
      default:
        assertNever(event)
    }
  }

  #connected(now: number): void {
    const dtls = this.#dtls
    const role = this.#dtlsParameters?.role
    if (dtls === undefined || role === undefined) return
    askForConnectionIds(dtls, now)
    this.#connectSctp(dtls)
    // RFC 5764 §4.2: the keys of media come from the handshake. The peer's certificate was verified before this.
    this.#srtp.connected(dtls, role, now)
    this.#listener.dtlsStateChanged()
    this.#srtp.playEarly(now)
  }

  #connectSctp(dtls: DtlsConnection): void {
    this.#fitPackets(dtls)
    this.#sctp?.connect(this.#now())
  }

  /** A connection ID that the peer gives later may be longer than the first. */
  #fitPackets(dtls: DtlsConnection): void {
    this.#recordOverhead = dtls.recordOverhead
    this.#sctp?.setPacketSize(sctpPacketSize(dtls))
  }

  #handleSctpEvents(): void {
    const sctp = this.#sctp
    if (sctp === undefined) return
    for (let event = sctp.pollEvent(); event !== undefined; event = sctp.pollEvent()) this.#listener.sctpEvent(event)
  }

  #sendSctp(now: number): void {
    const sctp = this.#sctp
    const dtls = this.#dtls
    if (sctp === undefined || dtls === undefined || this.#dtlsState !== 'connected' || !this.#wire.isUsable) return
    if (dtls.recordOverhead !== this.#recordOverhead) this.#fitPackets(dtls)
    try {
      for (let packet = sctp.pollTransmit(now); packet !== undefined; packet = sctp.pollTransmit(now)) {
        this.#wire.send(dtls.seal(packet), 'dtls')
      }
    } catch (error) {
      // Sequence numbers have run out: DTLS has ended itself, and tells so by an event.
      if (!(error instanceof DtlsError)) throw error
      this.schedule()
    }
  }

  #sendDtls(): void {
    const dtls = this.#dtls
    if (dtls === undefined || this.ice.selectedPair === undefined) return
    for (let datagram = dtls.pollTransmit(); datagram !== undefined; datagram = dtls.pollTransmit()) {
      this.#wire.send(datagram, 'dtls')
    }
  }

  #armTimer(now: number): void {
    const next = earliest(
      earliest(this.ice.pollTimeout(), this.#dtls?.pollTimeout()),
      earliest(this.#sctp?.pollTimeout(), this.#rtp?.session.pollTimeout()),
    )
    this.#timer.arm(next, now)
  }

  #onTimer(): void {
    if (this.#closed) return
    const now = this.#now()
    this.ice.handleTimeout(now)
    this.#dtls?.handleTimeout(now)
    this.#sctp?.handleTimeout(now)
    this.#rtp?.session.handleTimeout(now)
    // Once in a turn: a second drain would go on beside the one that is to come, and double the bursts.
    if (!this.#drainScheduled) this.#drain()
  }

  #now(): number {
    return this.#environment.clock.now()
  }
}

/** RFC 6347 §4.2.4.1 suggests one second; ICE has measured this path, and a lost flight must not cost that much. */
function initialDtlsRto(pair: SelectedPair): number {
  return Math.min(1000, Math.max(100, 3 * (pair.roundTripMs ?? 333)))
}

/** What fits into one record of one datagram. RFC 9260 §3.2: chunks end on four-byte boundaries. */
function sctpPacketSize(dtls: DtlsConnection): number {
  return (initialDatagramSize - dtls.recordOverhead) & ~3
}
