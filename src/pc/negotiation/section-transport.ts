import type { Environment } from '../../base/environment.ts'
import type { CryptoProvider } from '../../dtls/crypto/provider.ts'
import type { DtlsError } from '../../dtls/errors.ts'
import type { KeyLog } from '../../dtls/key-log.ts'
import { type CandidateComponent, type IceParameters, type IceRole, unhurriedIceTiming } from '../../ice/index.ts'
import type { SctpEvent } from '../../sctp/index.ts'
import { type SdpCandidate, serializeCandidate } from '../../sdp/index.ts'
import type { RTCConfigurationTargetLatency } from '../configuration.ts'
import type { DtlsChoices } from '../dtls-link.ts'
import type { CandidatePool } from '../gathering/candidate-pool.ts'
import type { ServerFailure } from '../gathering/server-failure.ts'
import { dtlsIdentities } from '../identities.ts'
import { mediaProtocols } from '../identity/isolation.ts'
import type { SecuredPath } from '../identity/peer-identity.ts'
import { type LocalCandidateText, PeerTransport } from '../peer-transport.ts'
import { type NameBudget, RemoteCandidates } from '../remote-candidates.ts'
import type { RTCCertificate } from '../rtc-certificate.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { MediaTransport } from '../rtp/slots.ts'
import { continuesAssociation, type DtlsAgreement } from './dtls-agreement.ts'
import { MediaLink, type MediaRunner } from './media-link.ts'
import type { RemoteTransport } from './remote-section.ts'

/** Candidates of the peer in one generation; more are not tried. */
export const maxRemoteCandidates = 1_000

/** What a transport tells its connection; see `PeerTransportObserver`. */
export interface SectionTransportObserver {
  localCandidate(transport: SectionTransport, candidate: LocalCandidateText): void
  endOfLocalCandidates(transport: SectionTransport): void
  serverFailed(url: string, failure: ServerFailure): void
  iceStateChanged(fireAll: () => void): void
  gatheringStateChanged(apply: () => void, fireAll: () => void): void
  dtlsStateChanged(dtls: RTCDtlsTransport, error: DtlsError | undefined, fireAll: () => void): void
}

/** What all transports of a connection have in common. */
export interface CommonTransportOptions {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  readonly keyLog: KeyLog | undefined
  readonly dtls: DtlsChoices
  readonly iceLite: boolean
  readonly iceRenomination: boolean
  readonly targetLatency: () => RTCConfigurationTargetLatency
  readonly pool: CandidatePool
  /** Names of the peer in place of addresses are looked up: with the transport policy `relay` they are not, as that asks the local network. */
  readonly resolvesNames: () => boolean
  readonly names: NameBudget
  /** RFC 8833: whether media is sent that the application of the peer must not have. */
  readonly needsConfidentiality: () => boolean
  readonly observer: SectionTransportObserver
  readonly media: MediaRunner
}

export interface SectionTransportOptions extends CommonTransportOptions {
  /** Counts the transports of the connection. */
  readonly serial: number
  readonly role: IceRole
  readonly iceParameters: IceParameters
  /** RTCP has a component of its own, until it is multiplexed. */
  readonly withRtcp: boolean
  readonly mid: string | undefined
  readonly mLineIndex: number
}

/** Who is told of the SCTP association on a transport. */
export interface SctpListener {
  sctpEvent(event: SctpEvent): void
  /** webrtc-pc §6.1.2: an association is closed when the DTLS below it is. */
  dtlsStateChanged(): void
}

/** A component: RTP and all that is multiplexed with it, or RTCP alone. */
interface Component {
  readonly transport: PeerTransport
  readonly remote: RemoteCandidates
}

/** What is known of the peer in one generation of ICE. */
interface RemoteGeneration {
  readonly ice: IceParameters
  /** Candidates that were handed to ICE, as text. */
  readonly candidates: Set<string>
  hasEnded: boolean
}

/**
 * What one or several m= sections run on: an ICE agent and a DTLS association, or two of each if RTCP is not multiplexed
 * (RFC 5761 §5.1.1), with one pair of ICE credentials.
 */
export class SectionTransport {
  readonly serial: number
  readonly #options: SectionTransportOptions
  readonly #rtp: Component
  #rtcp: Component | undefined
  #place: { readonly mid: string | undefined; readonly mLineIndex: number }
  /** The credentials of the generation that the next offer or answer begins. */
  #nextIce: IceParameters | undefined
  #remote: RemoteGeneration | undefined
  #beforeRestart: { readonly remote: RemoteGeneration | undefined } | undefined
  /** What the DTLS association that there is, or is to be, was negotiated with. */
  #agreement: DtlsAgreement | undefined
  #associationCount = 0
  #isBundled = false
  #gatheringDue = true
  #sctpListener: SctpListener | undefined
  #media: MediaLink | undefined

  constructor(options: SectionTransportOptions) {
    this.#options = options
    this.serial = options.serial
    this.#place = { mid: options.mid, mLineIndex: options.mLineIndex }
    this.#rtp = this.#createComponent(1)
    this.#rtcp = options.withRtcp ? this.#createComponent(2) : undefined
  }

  /** The transport of RTP, of data, and of RTCP if that is multiplexed. */
  get rtp(): PeerTransport {
    return this.#rtp.transport
  }

  get rtcp(): PeerTransport | undefined {
    return this.#rtcp?.transport
  }

  get components(): readonly PeerTransport[] {
    return this.#all().map(({ transport }) => transport)
  }

  /** The section that brings it. */
  get mLineIndex(): number {
    return this.#place.mLineIndex
  }

  get mid(): string | undefined {
    return this.#place.mid
  }

  get iceParameters(): IceParameters {
    return this.rtp.iceParameters
  }

  /** Of both components. */
  get localCandidates(): readonly SdpCandidate[] {
    return this.components.flatMap(({ localCandidates }) => localCandidates)
  }

  get isGatheringComplete(): boolean {
    return this.components.every(({ ice }) => ice.gatheringState === 'complete')
  }

  get dtlsRole(): 'client' | 'server' | undefined {
    return this.#agreement?.role
  }

  /** An answer has come to it. */
  get isNegotiated(): boolean {
    return this.#agreement !== undefined
  }

  /** How many DTLS associations were negotiated so far, each of which replaced the one before. */
  get associationCount(): number {
    return this.#associationCount
  }

  /** The DTLS associations that there are, or that wait for a path. */
  get securedPaths(): readonly SecuredPath[] {
    const { fingerprints } = this.#agreement ?? {}
    if (fingerprints === undefined) return []
    return this.components.map(({ negotiated }) => ({
      certificate: negotiated?.remoteCertificates[0],
      expected: fingerprints,
    }))
  }

  /** The answer has put it into a BUNDLE group. */
  get isBundled(): boolean {
    return this.#isBundled
  }

  get nextIce(): IceParameters | undefined {
    return this.#nextIce
  }

  /** What audio and video need of it; the same object each time. */
  get media(): MediaTransport {
    this.#media ??= new MediaLink(this, this.#options.media, this.#options.environment)
    if (this.isNegotiated) this.#media.attach()
    return this.#media
  }

  /** Another section brings it now: candidates are told for that one. */
  place(mid: string | undefined, mLineIndex: number): void {
    this.#place = { mid, mLineIndex }
    for (const transport of this.components) transport.place(mid, mLineIndex)
  }

  /** Whether a generation of candidates waits to be gathered; asking it is taking it on. */
  takeGathering(): boolean {
    const due = this.#gatheringDue
    this.#gatheringDue = false
    return due
  }

  gather(): void {
    for (const transport of this.components) transport.gather()
  }

  /** RFC 8839 §4.4.1.1.1: the next description is to begin a new generation. */
  planRestart(parameters: IceParameters): void {
    this.#nextIce = parameters
  }

  forgetPlannedRestart(): void {
    this.#nextIce = undefined
  }

  /** The description that has the planned credentials was applied. */
  restart(): void {
    const next = this.#nextIce
    if (next === undefined) return
    this.#nextIce = undefined
    this.#gatheringDue = true
    this.#beforeRestart = { remote: this.#remote }
    for (const transport of this.components) transport.restart(next, this.#options.pool.create())
    this.#remote = undefined
  }

  /** The offer that began the generation was rolled back. RFC 8829 §4.1.10.2: as if it had never been applied. */
  rollbackRestart(): void {
    const before = this.#beforeRestart
    if (before === undefined) return
    this.#beforeRestart = undefined
    const undone = this.components.filter(transport => transport.rollbackRestart())
    if (undone.length === 0) return
    this.#gatheringDue = false
    this.#remote = before.remote
  }

  /** The new generation was answered: there is no way back. */
  commitRestart(): void {
    this.#beforeRestart = undefined
  }

  /** RFC 8839 §5.4: other credentials than the ones in use begin a new generation. */
  isRemoteRestart(ice: IceParameters): boolean {
    return this.#remote !== undefined && !sameParameters(this.#remote.ice, ice)
  }

  /** Whether the peer's candidates with this user name fragment are for this transport, in its present generation. */
  hasRemoteFragment(fragment: string | undefined): boolean {
    return this.#remote !== undefined && (fragment === undefined || this.#remote.ice.usernameFragment === fragment)
  }

  /** Takes what a remote description says about the path to the peer. */
  setRemote({ ice, candidates, endOfCandidates }: RemoteTransport): void {
    if (this.#remote === undefined || !sameParameters(this.#remote.ice, ice)) {
      this.#remote = { ice, candidates: new Set(), hasEnded: false }
      for (const transport of this.components) transport.setRemoteIce(ice)
    }
    for (const candidate of candidates) this.addRemoteCandidate(candidate)
    if (endOfCandidates) this.endOfRemoteCandidates()
  }

  addRemoteCandidate(candidate: SdpCandidate): void {
    const text = serializeCandidate(candidate)
    const { candidates } = this.#remote ?? {}
    if (candidates === undefined || candidates.has(text) || candidates.size >= maxRemoteCandidates) return
    candidates.add(text)
    const component = candidate.component === 2 && this.#rtcp !== undefined ? this.#rtcp : this.#rtp
    component.transport.rememberRemoteCandidate(candidate)
    component.remote.add(candidate)
  }

  endOfRemoteCandidates(): void {
    if (this.#remote !== undefined) this.#remote.hasEnded = true
    this.#tellEndOfRemoteCandidates()
  }

  /**
   * Whether a description of the peer asks for another DTLS association than the one that there is, but over the path of
   * that: packets of both could not be told apart.
   */
  lacksPathFor({ ice, ...described }: RemoteTransport): boolean {
    const before = this.#agreement
    if (before === undefined) return false
    const known = this.#remote ?? this.#beforeRestart?.remote
    return known !== undefined && sameParameters(known.ice, ice) && !continuesAssociation(before, described)
  }

  /** Offer and answer are there: DTLS starts, goes on, or another association takes the place of the one that there is. */
  connect(
    remote: RemoteTransport,
    certificates: readonly RTCCertificate[],
    dtlsRole: 'client' | 'server',
    isBundled: boolean,
  ): void {
    this.#isBundled = isBundled
    const agreement = { role: dtlsRole, fingerprints: remote.fingerprints, tlsId: remote.tlsId }
    const before = this.#agreement
    if (before === undefined || !continuesAssociation(before, agreement)) this.#associate(agreement, certificates)
    this.setRemote(remote)
    this.#media?.attach()
  }

  #associate(agreement: DtlsAgreement, certificates: readonly RTCCertificate[]): void {
    const isFirst = this.#agreement === undefined
    this.#agreement = agreement
    this.#associationCount++
    const { role, fingerprints } = agreement
    const parameters = { role, fingerprints, protocols: mediaProtocols(this.#options.needsConfidentiality()) }
    for (const { driver } of this.components) {
      const identities = dtlsIdentities(certificates, this.#options.crypto)
      if (isFirst) driver.startDtls(parameters, identities)
      else driver.replaceDtls(parameters, identities)
    }
  }

  /** RFC 5761 §5.1.1: RTCP is multiplexed, so that its own component is released. */
  releaseRtcp(): void {
    const rtcp = this.#rtcp
    if (rtcp === undefined) return
    this.#rtcp = undefined
    this.#media?.attach()
    closeComponent(rtcp)
    // It may have been the one that candidates were still awaited of.
    if (!rtcp.transport.hasEnded && this.rtp.hasEnded) this.#options.observer.endOfLocalCandidates(this)
  }

  /** The SCTP association tells its events to `listener` from now on. */
  listenToSctp(listener: SctpListener | undefined): void {
    this.#sctpListener = listener
  }

  /** Silent: no event is fired any more. */
  close(): void {
    this.#sctpListener = undefined
    this.#media?.close()
    for (const component of this.#all()) closeComponent(component)
  }

  #all(): Component[] {
    return this.#rtcp === undefined ? [this.#rtp] : [this.#rtp, this.#rtcp]
  }

  #createComponent(component: CandidateComponent): Component {
    const options = this.#options
    const transport: PeerTransport = new PeerTransport({
      ...options,
      component,
      // webrtc-extensions §18.1: `none` is without an attempt at the shortest time to connect
      iceTiming: options.targetLatency() === 'none' ? unhurriedIceTiming : {},
      gatherer: options.pool.take(),
      observer: {
        localCandidate: candidate => options.observer.localCandidate(this, candidate),
        endOfLocalCandidates: () => this.#onEndOfLocalCandidates(),
        serverFailed: (url, failure) => options.observer.serverFailed(url, failure),
        iceStateChanged: fireAll => options.observer.iceStateChanged(fireAll),
        gatheringStateChanged: (apply, fireAll) => options.observer.gatheringStateChanged(apply, fireAll),
        dtlsStateChanged: (error, fireAll) => {
          options.observer.dtlsStateChanged(transport.dtls, error, fireAll)
          this.#sctpListener?.dtlsStateChanged()
        },
        sctpEvent: event => this.#sctpListener?.sctpEvent(event),
      },
    })
    const remote = new RemoteCandidates({
      resolver: options.environment.resolver,
      resolvesNames: options.resolvesNames,
      component,
      names: options.names,
      deliver: candidate => transport.addRemoteCandidate(candidate),
      onSettled: () => this.#tellEndOfRemoteCandidates(),
    })
    return { transport, remote }
  }

  /** RFC 8840 §8.2: the end is that of the whole section. */
  #onEndOfLocalCandidates(): void {
    if (this.components.every(({ hasEnded }) => hasEnded)) this.#options.observer.endOfLocalCandidates(this)
  }

  #tellEndOfRemoteCandidates(): void {
    if (this.#remote?.hasEnded !== true) return
    for (const { transport, remote } of this.#all()) {
      if (!remote.isResolving) transport.driver.endOfRemoteCandidates()
    }
  }
}

function closeComponent({ transport, remote }: Component): void {
  remote.close()
  transport.close()
}

function sameParameters(a: IceParameters, b: IceParameters): boolean {
  return a.usernameFragment === b.usernameFragment && a.password === b.password
}
