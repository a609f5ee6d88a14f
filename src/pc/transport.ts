import type { TransportAddress } from '../base/address.ts'
import { equalBytes } from '../base/bytes.ts'
import type { CancelTimer, Environment } from '../base/environment.ts'
import { assertNever } from '../base/errors.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import { DtlsError } from '../dtls/errors.ts'
import type { DtlsEvent, DtlsIdentity, DtlsOptions, Fingerprint } from '../dtls/index.ts'
import { DtlsConnection, readConnectionId } from '../dtls/index.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type { IceCandidate, IceEvent, IceParameters, IceRole, LocalCandidate, SelectedPair } from '../ice/index.ts'
import { IceAgent } from '../ice/index.ts'
import { warnOfKeyLogFailure } from '../net/key-log-file.ts'
import type { SctpAssociation, SctpEvent } from '../sctp/index.ts'
import { demux } from './demux.ts'
import type { CandidateReceiver, CandidateSocket } from './gathering/candidate-socket.ts'

/** DTLS packets that arrive before the remote description are kept, not dropped; no more than this many. */
export const maxEarlyPackets = 16

/** The largest datagram sent while the path MTU is unknown: the IPv6 minimum MTU less the IPv6 and UDP headers (RFC 8200 §5). */
export const initialDatagramSize = 1232

/** Connection IDs that the peer gives in advance: for so many paths to come. */
const spareConnectionIds = 2

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
export type DtlsChoices = Pick<DtlsOptions, 'minVersion' | 'maxVersion' | 'groups' | 'connectionId'>

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
}

/** Traffic of a transport, its bytes without ICE connectivity checks, and what was dropped on the way in, by reason. */
export interface TransportCounters {
  packetsSent: number
  packetsReceived: number
  bytesSent: number
  bytesReceived: number
  selectedPairChanges: number
  readonly drops: Map<string, number>
}

export type DtlsState = 'new' | 'connecting' | 'connected' | 'closed' | 'failed'

/**
 * The driver of one transport: joins sockets, ICE, DTLS and SCTP, and arms one timer at the earliest deadline of all.
 *
 * In: socket -> {@link receive} -> {@link demux} -> one core. Out, at the end of the turn: SCTP -> DTLS -> the selected
 * pair -> socket.
 */
export class Transport {
  readonly ice: IceAgent
  readonly counters: TransportCounters = {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    selectedPairChanges: 0,
    drops: new Map(),
  }
  readonly #environment: Environment
  readonly #crypto: CryptoProvider
  readonly #keyLog: KeyLog | undefined
  readonly #dtlsChoices: DtlsChoices
  readonly #listener: TransportListener
  readonly #sockets = new Map<TransportAddress, CandidateSocket>()
  #identities: readonly DtlsIdentity[] = []
  #dtlsParameters: DtlsParameters | undefined
  #dtls: DtlsConnection | undefined
  #dtlsState: DtlsState = 'new'
  #recordOverhead = 0
  #sctp: SctpAssociation | undefined
  #early: Uint8Array[] = []
  #drainScheduled = false
  #timer: { readonly at: number; readonly cancel: CancelTimer } | undefined
  #closed = false

  constructor(options: TransportOptions) {
    this.#environment = options.environment
    this.#crypto = options.crypto
    this.#keyLog = options.keyLog
    this.#dtlsChoices = options.dtls
    this.#listener = options.listener
    this.ice = new IceAgent({
      role: options.role,
      random: options.environment.random,
      local: options.iceParameters,
      lite: options.iceLite,
      renomination: options.iceRenomination,
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
    this.#sockets.set(candidate.base, socket)
    this.ice.addLocalCandidate(candidate, this.#now())
    this.schedule()
  }

  /** What is based there cannot be used any more. */
  removeLocalCandidates(base: TransportAddress): void {
    if (this.#closed) return
    this.#sockets.delete(base)
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
    if (this.#dtlsState === 'connected') this.#connectSctp()
    this.schedule()
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
    this.#sctp?.abort(now)
    this.#sendSctp(now)
    this.#dtls?.close(now)
    this.#sendDtls()
    this.#closed = true
    this.ice.close(now)
    this.#timer?.cancel()
    this.#timer = undefined
    this.#early = []
    this.#sockets.clear()
    this.#dtlsState = 'closed'
  }

  #route(data: Uint8Array, local: TransportAddress, remote: TransportAddress, now: number): void {
    const kind = demux(data[0])
    // webrtc-stats §8.17: payload alone is counted, no ICE connectivity checks
    if (kind !== 'stun') this.counters.bytesReceived += data.length
    switch (kind) {
      case 'stun': {
        const result = this.ice.receive(data, local, remote, now)
        if ('drop' in result) this.#count(result.drop)
        return
      }
      case 'dtls':
        // RFC 8445 §12.2: data is taken only from an address that proved itself; without this an off-path sender
        // could race its own ClientHello against the peer's.
        if (this.ice.isValidated(local, remote)) this.#receiveDtls(data, now)
        else if (this.#isKnownByConnectionId(data)) this.#receiveFromElsewhere(data, local, remote, now)
        else this.#count('unvalidated-source')
        return
      case 'srtp':
      case 'turn-channel':
      case 'unknown':
        this.#count(kind)
        return
      default:
        assertNever(kind)
    }
  }

  /** Once connected, every record that DTLS takes has one: nothing gets in with it that would not get in otherwise. */
  #isKnownByConnectionId(data: Uint8Array): boolean {
    const own = this.#dtlsState === 'connected' ? (this.#dtls?.connectionIds?.own ?? []) : []
    const id = readConnectionId(data, own[0]?.length ?? 0)
    return id !== undefined && own.some(each => equalBytes(each, id))
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
      else this.#count('early-overflow')
      return
    }
    const result = dtls.receive(data, now)
    if ('drop' in result) this.#count(result.drop)
    this.#handleDtlsEvents(now)
  }

  readonly #drain = (): void => {
    this.#drainScheduled = false
    if (this.#closed) return
    const now = this.#now()
    this.#handleIceEvents(now)
    this.#maybeCreateDtls(now)
    this.#handleDtlsEvents(now)
    this.#handleSctpEvents()
    // A listener may have closed the connection.
    if (this.#closed) return
    // DTLS first: a peer that is still waiting for our Finished message may drop what comes before it.
    this.#sendDtls()
    this.#sendSctp(now)
    // What has left the buffer of a channel is told at once: its sender may be waiting for that.
    this.#handleSctpEvents()
    this.#sendIce()
    this.#armTimer(now)
  }

  #handleIceEvents(now: number): void {
    for (let event = this.ice.pollEvent(); event !== undefined; event = this.ice.pollEvent()) {
      if (event.type === 'selected-pair') {
        this.counters.selectedPairChanges++
        // RFC 8261 §6.1: what was learned of the old path does not hold for the new one
        this.#sctp?.pathChanged(now)
        this.#dtls?.useNextConnectionId()
        this.#askForConnectionIds(now)
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
        if (result !== undefined && 'drop' in result) this.#count(result.drop)
        return
      }
      case 'connected':
        this.#dtlsState = 'connected'
        this.#askForConnectionIds(now)
        this.#connectSctp()
        this.#listener.dtlsStateChanged()
        return
      case 'closed':
        // An ABORT that came before the close_notify is why it came: it is told first.
        this.#handleSctpEvents()
        this.#dtlsState = 'closed'
        // RFC 8831 §6.2: the association lives on DTLS, and ends with it
        this.#sctp?.abort(now)
        this.#listener.dtlsStateChanged()
        return
      case 'failed':
        this.#dtlsState = 'failed'
        this.#listener.dtlsStateChanged(event.error)
        return
      case 'key-log-failed':
        warnOfKeyLogFailure(event.error)
        return
      default:
        assertNever(event)
    }
  }

  #connectSctp(): void {
    const { dtls } = this
    if (dtls === undefined) return
    this.#fitPackets(dtls)
    this.#sctp?.connect(this.#now())
  }

  /** A connection ID that the peer gives later may be longer than the first. */
  #fitPackets(dtls: DtlsConnection): void {
    this.#recordOverhead = dtls.recordOverhead
    this.#sctp?.setPacketSize(sctpPacketSize(dtls))
  }

  /** RFC 9147 §9: in time for the next path, which is to have another connection ID. In DTLS 1.2 there are no more. */
  #askForConnectionIds(now: number): void {
    const dtls = this.#dtls
    const missing = spareConnectionIds - (dtls?.connectionIds?.spare ?? spareConnectionIds)
    if (missing > 0) dtls?.updateConnectionIds({ kind: 'request', count: missing }, now)
  }

  #handleSctpEvents(): void {
    const sctp = this.#sctp
    if (sctp === undefined) return
    for (let event = sctp.pollEvent(); event !== undefined; event = sctp.pollEvent()) this.#listener.sctpEvent(event)
  }

  #sendSctp(now: number): void {
    const sctp = this.#sctp
    const dtls = this.#dtls
    const pair = this.ice.selectedPair
    if (sctp === undefined || dtls === undefined || pair === undefined || this.#dtlsState !== 'connected') return
    const socket = this.#sockets.get(pair.local.base)
    if (socket === undefined) return
    if (dtls.recordOverhead !== this.#recordOverhead) this.#fitPackets(dtls)
    const to = pair.remote.address
    try {
      for (let packet = sctp.pollTransmit(now); packet !== undefined; packet = sctp.pollTransmit(now)) {
        this.#send(socket, dtls.seal(packet), to)
      }
    } catch (error) {
      // Sequence numbers have run out: DTLS has ended itself, and tells so by an event.
      if (!(error instanceof DtlsError)) throw error
      this.schedule()
    }
  }

  #sendDtls(): void {
    const dtls = this.#dtls
    const pair = this.ice.selectedPair
    if (dtls === undefined || pair === undefined) return
    const socket = this.#sockets.get(pair.local.base)
    for (let datagram = dtls.pollTransmit(); datagram !== undefined; datagram = dtls.pollTransmit()) {
      if (socket !== undefined) this.#send(socket, datagram, pair.remote.address)
    }
  }

  #sendIce(): void {
    for (let next = this.ice.pollTransmit(); next !== undefined; next = this.ice.pollTransmit()) {
      const socket = this.#sockets.get(next.local)
      if (socket === undefined) continue
      this.counters.packetsSent++
      socket.send(next.data, next.remote)
    }
  }

  #send(socket: CandidateSocket, data: Uint8Array, to: TransportAddress): void {
    this.counters.packetsSent++
    this.counters.bytesSent += data.length
    socket.send(data, to)
  }

  #armTimer(now: number): void {
    const next = earliest(this.ice.pollTimeout(), this.#dtls?.pollTimeout(), this.#sctp?.pollTimeout())
    if (next === undefined) return
    // A timer that fires early is harmless; re-arming one at every packet is not cheap.
    if (this.#timer !== undefined && this.#timer.at <= next) return
    this.#timer?.cancel()
    this.#timer = { at: next, cancel: this.#environment.timers.set(Math.max(0, next - now), this.#onTimer) }
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    if (this.#closed) return
    const now = this.#now()
    this.ice.handleTimeout(now)
    this.#dtls?.handleTimeout(now)
    this.#sctp?.handleTimeout(now)
    this.#drain()
  }

  #count(reason: string): void {
    this.counters.drops.set(reason, (this.counters.drops.get(reason) ?? 0) + 1)
  }

  #now(): number {
    return this.#environment.clock.now()
  }
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined
  for (const time of times) if (time !== undefined && (first === undefined || time < first)) first = time
  return first
}

/** RFC 6347 §4.2.4.1 suggests one second; ICE has measured this path, and a lost flight must not cost that much. */
function initialDtlsRto(pair: SelectedPair): number {
  return Math.min(1000, Math.max(100, 3 * (pair.roundTripMs ?? 333)))
}

/** What fits into one record of one datagram. RFC 9260 §3.2: chunks end on four-byte boundaries. */
function sctpPacketSize(dtls: DtlsConnection): number {
  return (initialDatagramSize - dtls.recordOverhead) & ~3
}
