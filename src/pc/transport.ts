import type { TransportAddress } from '../base/address.ts'
import { earliest } from '../base/deadlines.ts'
import type { Environment } from '../base/environment.ts'
import { assertNever } from '../base/errors.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsError } from '../dtls/errors.ts'
import type { DtlsConnection, DtlsEvent, DtlsIdentity } from '../dtls/index.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type {
  CandidateComponent,
  IceCandidate,
  IceEvent,
  IceParameters,
  IceRole,
  IceTiming,
  LocalCandidate,
} from '../ice/index.ts'
import { IceAgent } from '../ice/index.ts'
import { warnOfKeyLogFailure } from '../net/key-log-file.ts'
import { isRtcp } from '../rtp/packet.ts'
import type { SctpAssociation } from '../sctp/index.ts'
import { demux } from './demux.ts'
import { type DtlsChoices, DtlsLink, type DtlsParameters, type DtlsState } from './dtls-link.ts'
import { isClientHello } from './early-packets.ts'
import type { CandidateReceiver, CandidateSocket } from './gathering/candidate-socket.ts'
import { OneTimer } from './one-timer.ts'
import { askForConnectionIds, hasOwnConnectionId } from './path-ids.ts'
import { type LinkedSession, RtpLink, type RtpListener } from './rtp-link.ts'
import { type SctpEventListener, SctpLink } from './sctp-link.ts'
import { SrtpPort } from './srtp-port.ts'
import type { TransportCounters } from './transport-counters.ts'
import { Wire } from './wire.ts'

/** What a transport tells the connection. Called at the end of an event-loop turn, never from inside an API call. */
export interface TransportListener extends SctpEventListener {
  iceEvent(event: IceEvent): void
  dtlsStateChanged(error?: DtlsError): void
}

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
  /** Where it differs from the usual one. */
  readonly iceTiming?: Partial<IceTiming>
  /** 2 for a separate RTCP; 1 if absent. */
  readonly component?: CandidateComponent
}

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
  readonly #listener: TransportListener
  readonly #wire: Wire
  readonly #dtls: DtlsLink
  readonly #sctp: SctpLink
  readonly #srtp: SrtpPort
  #rtp: RtpLink | undefined
  /** The next parameters of ICE are those of another peer. */
  #isHandedOver = false
  #drainScheduled = false
  readonly #timer: OneTimer
  #closed = false

  constructor(options: TransportOptions) {
    this.#environment = options.environment
    this.#listener = options.listener
    this.component = options.component ?? 1
    this.#timer = new OneTimer(options.environment.timers, () => this.#onTimer())
    this.ice = new IceAgent({
      role: options.role,
      random: options.environment.random,
      local: options.iceParameters,
      lite: options.iceLite,
      renomination: options.iceRenomination,
      timing: options.iceTiming ?? {},
      supervised: true,
      component: this.component,
    })
    this.#wire = new Wire(this.ice, () => this.#now())
    this.counters = this.#wire.counters
    const schedule = (): void => this.schedule()
    const drop = (reason: string): void => this.#wire.drop(reason)
    this.#dtls = new DtlsLink(options, {
      send: datagram => this.#wire.send(datagram, 'dtls'),
      isValidated: (local, remote) => this.ice.isValidated(local, remote),
      drop,
      handle: (event, now) => this.#handleDtlsEvent(event, now),
    })
    this.#srtp = new SrtpPort({ send: (data, kind) => this.#wire.send(data, kind), schedule, drop })
    this.#sctp = new SctpLink(
      { isUsable: () => this.#wire.isUsable, send: record => this.#wire.send(record, 'dtls'), schedule, drop },
      options.listener,
    )
  }

  get dtlsState(): DtlsState {
    return this.#dtls.state
  }

  /** The association that there is now. */
  get dtls(): DtlsConnection | undefined {
    return this.#dtls.connection
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
    this.ice.setRemoteParameters(parameters, this.#now(), this.#isHandedOver)
    this.#isHandedOver = false
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
    this.#dtls.start(parameters, identities)
    this.schedule()
  }

  /**
   * Another peer, or the same with other keys, takes the place of the one before, which is told: RFC 8842 §3.1. The handshake
   * begins when ICE has a path with the parameters that {@link setRemoteIce} sets next. Media goes on with keys of its own;
   * the next SCTP association is to be handed over.
   */
  replaceDtls(parameters: DtlsParameters, identities: readonly DtlsIdentity[]): void {
    if (this.#closed) return
    const now = this.#now()
    this.#endSctp(now)
    this.#sctp.detach()
    this.#srtp.renew()
    this.#dtls.replace(parameters, identities, now)
    this.#isHandedOver = true
    this.schedule()
  }

  /** Hands over the association that runs on this transport; it connects as soon as DTLS has. */
  attachSctp(sctp: SctpAssociation): void {
    this.#sctp.attach(sctp, this.#now())
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

  /** There is media for this transport, and its DTLS has connected without SRTP: it never leaves. */
  get lacksSrtp(): boolean {
    return this.#srtp.isUnavailable
  }

  /** Whether the header extensions of RTP leave enciphered: RFC 9335. */
  get encryptsHeaders(): boolean {
    return this.#srtp.encryptsHeaders
  }

  set encryptsHeaders(value: boolean) {
    this.#srtp.encryptsHeaders = value
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
    this.#endSctp(now)
    this.#dtls.close(now)
    this.#closed = true
    this.ice.close(now)
    this.#timer.cancel()
    this.#wire.clear()
  }

  #endSctp(now: number): void {
    // What was sent or closed in this turn goes first: an ABORT discards what waits.
    this.#sctp.flush(now)
    this.#sctp.abort(now)
    this.#sctp.flush(now)
    this.#sctp.disconnected()
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
        this.#routeDtls(data, local, remote, now)
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

  #routeDtls(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): void {
    // RFC 8829 §5.11: the peer of a description that is still to come may be ahead of it; what it begins is not for the
    // association that there is.
    if (isClientHello(data) && this.ice.hasHeardOther(local, remote)) this.#dtls.keep(data, local, remote)
    // RFC 8445 §12.2: data is taken only from an address that proved itself; without this an off-path sender could race its
    // own ClientHello against the peer's.
    else if (this.ice.isValidated(local, remote)) {
      this.counters.traffic.received(data.length, local, remote)
      this.#dtls.receive(data, local, remote, now)
    } else if (this.#isKnown(data)) {
      // RFC 9146 §6: what is authentic is delivered, whatever its source. That its source is used in turn takes a record newer
      // than all others, and the peer's answer to a check.
      this.#dtls.receive(data, local, remote, now)
      if (this.dtls?.heardNewest === true) this.ice.heardFrom(local, remote, now)
    } else this.#wire.drop('unvalidated-source')
  }

  #isKnown(data: Uint8Array): boolean {
    return this.dtlsState === 'connected' && this.dtls !== undefined && hasOwnConnectionId(this.dtls, data)
  }

  readonly #drain = (): void => {
    this.#drainScheduled = false
    if (this.#closed) return
    const now = this.#now()
    if (this.#dtls.takeReplaced()) this.#listener.dtlsStateChanged()
    this.#handleIceEvents(now)
    this.#openDtls(now)
    this.#dtls.tell(now)
    this.#rtp?.tell()
    this.#sctp.tell()
    // A listener may have closed the connection.
    if (this.#closed) return
    // DTLS first: a peer that is still waiting for our Finished message may drop what comes before it.
    if (this.ice.selectedPair !== undefined) this.#dtls.flush()
    // Media before bulk data: it is of no use when it is late. It leaves room, being sent in bursts of a bounded length.
    this.#rtp?.flush(now)
    this.#sctp.flush(now)
    // What has left the buffer of a channel is told at once: its sender may be waiting for that.
    this.#sctp.tell()
    this.#wire.sendIce()
    // What is left of a burst is due at once, and the turn that comes for it asks for the next deadline.
    if (!this.#drainScheduled) this.#armTimer(now)
  }

  #handleIceEvents(now: number): void {
    for (let event = this.ice.pollEvent(); event !== undefined; event = this.ice.pollEvent()) {
      if (event.type === 'selected-pair') {
        this.counters.selectedPairChanges++
        this.#sctp.pathChanged(now)
        this.dtls?.useNextConnectionId()
        if (this.dtls !== undefined) askForConnectionIds(this.dtls, now)
      }
      this.#listener.iceEvent(event)
    }
  }

  #openDtls(now: number): void {
    const pair = this.ice.selectedPair
    if (this.#closed || pair === undefined) return
    if (this.#dtls.open(pair, now)) this.#listener.dtlsStateChanged()
  }

  #handleDtlsEvent(event: DtlsEvent, now: number): void {
    switch (event.type) {
      case 'data':
        this.#sctp.receive(event.data, now)
        return
      case 'connected':
        this.#dtls.state = 'connected'
        this.#connected(now)
        return
      case 'closed':
        // An ABORT that came before the close_notify is why it came: it is told first.
        this.#sctp.tell()
        this.#dtls.state = 'closed'
        // RFC 8831 §6.2: the association lives on DTLS, and ends with it
        this.#sctp.disconnected()
        this.#sctp.abort(now)
        this.#srtp.close()
        this.#listener.dtlsStateChanged()
        return
      case 'failed':
        this.#dtls.state = 'failed'
        this.#sctp.disconnected()
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
    const { connection: dtls, role } = this.#dtls
    if (dtls === undefined || role === undefined) return
    askForConnectionIds(dtls, now)
    this.#sctp.connected(dtls, now)
    // RFC 5764 §4.2: the keys of media come from the handshake. The peer's certificate was verified before this.
    this.#srtp.connected(dtls, role, now)
    this.#listener.dtlsStateChanged()
    this.#srtp.playEarly(now)
  }

  #armTimer(now: number): void {
    const next = earliest(
      earliest(this.ice.pollTimeout(), this.dtls?.pollTimeout()),
      earliest(this.#sctp.pollTimeout(), this.#rtp?.pollTimeout()),
    )
    this.#timer.arm(next, now)
  }

  #onTimer(): void {
    if (this.#closed) return
    const now = this.#now()
    this.ice.handleTimeout(now)
    this.dtls?.handleTimeout(now)
    this.#sctp.handleTimeout(now)
    this.#rtp?.session.handleTimeout(now)
    // Once in a turn: a second drain would go on beside the one that is to come, and double the bursts.
    if (!this.#drainScheduled) this.#drain()
  }

  #now(): number {
    return this.#environment.clock.now()
  }
}
