import type { Environment } from '../base/environment.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { KeyLog } from '../dtls/key-log.ts'
import type { IceParameters, IceRole } from '../ice/index.ts'
import { SctpAssociation, type SctpEvent } from '../sctp/index.ts'
import type { SdpCandidate } from '../sdp/index.ts'
import type { RemoteData } from './apply-description.ts'
import type { LocalDataDescription } from './create-description.ts'
import type { DataChannels } from './data-channels.ts'
import type { CandidatePool } from './gathering/candidate-pool.ts'
import { dtlsIdentities } from './identities.ts'
import { maxMessageSize } from './message-limits.ts'
import { type LocalCandidateText, PeerTransport, type PeerTransportObserver } from './peer-transport.ts'
import { RemoteCandidates } from './remote-candidates.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { fire, RTCSctpTransport, type SctpTransportSlots } from './rtc-transports.ts'
import type { DtlsChoices } from './transport.ts'
import { constructorToken } from './webidl.ts'

/** What a session tells its connection; see {@link PeerTransportObserver}. */
export interface DataSessionObserver
  extends Omit<PeerTransportObserver, 'sctpEvent' | 'localCandidate' | 'endOfLocalCandidates'> {
  localCandidate(session: DataSession, candidate: LocalCandidateText): void
  endOfLocalCandidates(session: DataSession): void
}

export interface DataSessionOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
  readonly role: IceRole
  readonly iceParameters: IceParameters
  readonly mid: string | undefined
  readonly mLineIndex: number
  readonly channels: DataChannels
  readonly localData: LocalDataDescription
  readonly pool: CandidatePool
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  /** Names of the peer in place of addresses are looked up: with the transport policy `relay` they are not, as that asks the local network. */
  readonly resolvesNames: () => boolean
  readonly observer: DataSessionObserver
}

/** Data channels between two peers: a transport, the association on it, and the channels on that. */
export class DataSession {
  readonly transport: PeerTransport
  readonly sctp: RTCSctpTransport
  readonly #options: DataSessionOptions
  readonly #sctpSlots: SctpTransportSlots = { state: 'connecting', maxMessageSize: null, maxChannels: null }
  readonly #remoteCandidates: RemoteCandidates
  /** The first candidates of the peer's description that were not handed to ICE yet; later ones come one by one. */
  #candidatesTaken = 0
  #remoteIce: IceParameters | undefined
  #endOfRemoteCandidates = false
  #dtlsRole: 'client' | 'server' | undefined
  #remoteMaxMessageSize = Number.POSITIVE_INFINITY
  #gatheringDue = true
  /** What was known of the peer in the generation before the last restart. */
  #beforeRestart:
    | { readonly ice: IceParameters | undefined; readonly taken: number; readonly ended: boolean }
    | undefined
  #closed = false

  constructor(options: DataSessionOptions) {
    this.#options = options
    this.transport = new PeerTransport({
      ...options,
      observer: this.#observe(options.observer),
      gatherer: options.pool.take(),
    })
    this.sctp = new RTCSctpTransport(constructorToken, this.#sctpSlots, this.transport.dtls)
    this.#remoteCandidates = new RemoteCandidates(
      options.environment.resolver,
      options.resolvesNames,
      candidate => this.transport.addRemoteCandidate(candidate),
      () => this.#maybeEndOfRemoteCandidates(),
    )
  }

  get iceParameters(): IceParameters {
    return this.transport.iceParameters
  }

  get localCandidates(): readonly SdpCandidate[] {
    return this.transport.localCandidates
  }

  get isGatheringComplete(): boolean {
    return this.transport.ice.gatheringState === 'complete'
  }

  get dtlsRole(): 'client' | 'server' | undefined {
    return this.#dtlsRole
  }

  /** The largest message that the peer takes, in bytes; Infinity if it takes any, or has not said yet. */
  get remoteMaxMessageSize(): number {
    return this.#remoteMaxMessageSize
  }

  /** Whether a generation of candidates waits to be gathered; asking it is taking it on. */
  takeGathering(): boolean {
    const due = this.#gatheringDue
    this.#gatheringDue = false
    return due
  }

  gather(): void {
    this.transport.gather()
  }

  restart(parameters: IceParameters): void {
    this.#gatheringDue = true
    this.#beforeRestart = { ice: this.#remoteIce, taken: this.#candidatesTaken, ended: this.#endOfRemoteCandidates }
    this.transport.restart(parameters, this.#options.pool.create())
    this.#remoteIce = undefined
  }

  /** The offer that began the generation was rolled back. RFC 8829 §4.1.10.2: as if it had never been applied. */
  rollbackRestart(): void {
    const before = this.#beforeRestart
    if (before === undefined || !this.transport.rollbackRestart()) return
    this.#gatheringDue = false
    this.#remoteIce = before.ice
    this.#candidatesTaken = before.taken
    this.#endOfRemoteCandidates = before.ended
  }

  /** RFC 8839 §5.4: other credentials than the ones in use begin a new generation. */
  isRemoteRestart(ice: IceParameters): boolean {
    return this.#remoteIce !== undefined && !sameParameters(this.#remoteIce, ice)
  }

  /** Takes what a remote description says about the path to the peer. */
  setRemote(data: RemoteData): void {
    if (this.#remoteIce === undefined || !sameParameters(this.#remoteIce, data.ice)) {
      this.#remoteIce = data.ice
      this.#candidatesTaken = 0
      this.#endOfRemoteCandidates = false
      this.transport.setRemoteIce(data.ice)
    }
    for (const candidate of data.candidates.slice(this.#candidatesTaken)) this.addRemoteCandidate(candidate)
    this.#candidatesTaken = data.candidates.length
    if (data.endOfCandidates) this.endOfRemoteCandidates()
  }

  addRemoteCandidate(candidate: SdpCandidate): void {
    this.transport.rememberRemoteCandidate(candidate)
    this.#remoteCandidates.add(candidate)
  }

  endOfRemoteCandidates(): void {
    this.#endOfRemoteCandidates = true
    this.#maybeEndOfRemoteCandidates()
  }

  /** Starts, or goes on with, DTLS and SCTP. Roles and ports are those of the first negotiation. */
  connect(data: RemoteData, certificates: readonly RTCCertificate[], dtlsRole: 'client' | 'server'): void {
    this.#remoteMaxMessageSize = data.maxMessageSize
    // webrtc-pc §6.1.1.2
    this.#sctpSlots.maxMessageSize = maxMessageSize(data.maxMessageSize)
    if (this.#dtlsRole !== undefined) return
    this.#dtlsRole = dtlsRole
    this.transport.driver.startDtls(
      { role: dtlsRole, fingerprints: data.fingerprints },
      dtlsIdentities(certificates, this.#options.crypto),
    )
    const association = new SctpAssociation({
      random: this.#options.environment.random,
      localPort: this.#options.localData.sctpPort,
      remotePort: data.sctpPort,
      maxReceiveMessageSize: this.#options.localData.maxMessageSize,
    })
    this.transport.driver.attachSctp(association)
    this.#options.channels.attach(association, dtlsRole)
  }

  /** The answer rejected the data section: events are fired, as if the peer had closed. */
  closeByNegotiation(): void {
    this.#options.channels.handle({ type: 'closed' })
    this.close()
  }

  /** Silent: no event is fired any more. */
  close(): void {
    this.#closed = true
    this.#sctpSlots.state = 'closed'
    this.#remoteCandidates.close()
    this.transport.close()
  }

  #observe(observer: DataSessionObserver): PeerTransportObserver {
    return {
      localCandidate: candidate => observer.localCandidate(this, candidate),
      endOfLocalCandidates: () => observer.endOfLocalCandidates(this),
      serverFailed: (url, failure) => observer.serverFailed(url, failure),
      iceStateChanged: fireAll => observer.iceStateChanged(fireAll),
      gatheringStateChanged: (apply, fireAll) => observer.gatheringStateChanged(apply, fireAll),
      dtlsStateChanged: (error, fireAll) => {
        observer.dtlsStateChanged(error, fireAll)
        this.#followDtls()
      },
      sctpEvent: event => this.#handleSctp(event),
    }
  }

  /** webrtc-pc §6.1.2: an association is closed when the DTLS below it is */
  #followDtls(): void {
    const { state } = this.transport.dtls
    if (state === 'closed' || state === 'failed') this.#closeSctp({ type: 'closed' })
  }

  #handleSctp(event: SctpEvent): void {
    if (this.#closed) return
    switch (event.type) {
      case 'connected':
        // webrtc-pc §6.1.1.3, step 3
        this.#sctpSlots.maxChannels = Math.min(event.inboundStreams, event.outboundStreams)
        this.#sctpSlots.state = 'connected'
        fire(this.sctp, 'statechange')
        this.#options.channels.handle(event)
        return
      case 'closed':
      case 'failed':
        this.#closeSctp(event)
        return
      default:
        this.#options.channels.handle(event)
    }
  }

  #closeSctp(event: SctpEvent): void {
    if (this.#sctpSlots.state === 'closed') return
    this.#sctpSlots.state = 'closed'
    fire(this.sctp, 'statechange')
    this.#options.channels.handle(event)
  }

  #maybeEndOfRemoteCandidates(): void {
    if (this.#endOfRemoteCandidates && !this.#remoteCandidates.isResolving)
      this.transport.driver.endOfRemoteCandidates()
  }
}

function sameParameters(a: IceParameters, b: IceParameters): boolean {
  return a.usernameFragment === b.usernameFragment && a.password === b.password
}
