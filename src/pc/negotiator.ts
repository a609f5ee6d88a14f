import type { Environment } from '../base/environment.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import { createIceParameters, type IceParameters, type IceRole } from '../ice/index.ts'
import {
  parseCandidate,
  parseSdp,
  type SdpCandidate,
  type SdpOrigin,
  type SdpSession,
  serializeSdp,
} from '../sdp/index.ts'
import { AppliedDescription } from './applied-description.ts'
import {
  answererSetup,
  checkAnswerFits,
  checkOfferContinues,
  findDataSection,
  isToleratedMunging,
  type RemoteData,
  readRemoteData,
} from './apply-description.ts'
import { createAnswer, createOffer, type LocalTransportDescription } from './create-description.ts'
import { DataSession, type DataSessionOptions } from './data-session.ts'
import { sdpFingerprints } from './identities.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { toDomError } from './rtc-error.ts'
import type { RTCIceCandidateInit } from './rtc-ice-candidate.ts'
import { type SdpType, Signaling } from './signaling.ts'

/** What the negotiation needs from its connection. */
export interface NegotiatorOptions extends Omit<DataSessionOptions, 'role' | 'iceParameters' | 'mid' | 'mLineIndex'> {
  readonly environment: Environment
  readonly crypto: CryptoProvider
  /** The certificates of this connection. */
  readonly certificates: () => readonly RTCCertificate[]
  /** Data channels exist, so that an offer must have a section for them. */
  readonly wantsData: () => boolean
  /** The ICE credentials of the first generation; random ones if absent. */
  readonly iceParameters: IceParameters | undefined
}

type Description = { readonly type: Exclude<SdpType, 'rollback'>; readonly sdp: string }

/**
 * Offer and answer: makes descriptions, applies them, and creates, feeds and drops the transport they describe.
 *
 * JSEP (RFC 8829) as webrtc-pc §4.4 calls it. The operations chain above runs one of its methods at a time.
 */
export class Negotiator {
  readonly signaling: Signaling = new Signaling()
  readonly #options: NegotiatorOptions
  readonly #sessionId: string
  #sessionVersion = 0
  /** The ICE credentials of the next generation: of the first offer or answer, or of a restart. */
  #nextIce: IceParameters | undefined
  #session: DataSession | undefined
  /** The local offer that is pending began a new generation of ICE. */
  #offerRestarted = false
  #remoteData: RemoteData | undefined
  /** What to go back to on rollback. */
  #stable: { readonly session: DataSession | undefined; readonly remoteData: RemoteData | undefined } = {
    session: undefined,
    remoteData: undefined,
  }
  /** webrtc-pc §4.4.1.1, step 27: [[LocalIceCredentialsToReplace]] */
  #credentialsToReplace: ReadonlySet<string> = new Set()

  constructor(options: NegotiatorOptions) {
    this.#options = options
    // RFC 8829 §5.2.1: a session id of 62 random bits
    const random = options.environment.random(8)
    this.#sessionId = (new DataView(random.buffer, random.byteOffset).getBigUint64(0) >> 2n).toString()
  }

  get session(): DataSession | undefined {
    return this.#session
  }

  /** webrtc-pc §4.7.3: checking if negotiation is needed */
  get isNeeded(): boolean {
    if (this.#credentialsToReplace.size > 0) return true
    const { currentLocal } = this.signaling
    return this.#options.wantsData() && (currentLocal === undefined || findDataSection(currentLocal.session) === -1)
  }

  /** webrtc-pc §4.4.2 createOffer */
  async createOffer(iceRestart: boolean): Promise<string> {
    if (this.signaling.state !== 'stable' && this.signaling.state !== 'have-local-offer') {
      throw invalidState(`cannot create an offer in state ${this.signaling.state}`)
    }
    const certificates = this.#options.certificates()
    if (this.#session !== undefined && (iceRestart || this.#credentialsToReplace.size > 0)) {
      this.#nextIce = createIceParameters(this.#options.environment.random)
    }
    const offer = createOffer({
      origin: this.#nextOrigin(),
      previous: this.signaling.local?.session,
      wantsData: this.#options.wantsData(),
      transport: this.#describeTransport(certificates),
      data: this.#options.localData,
    })
    this.signaling.lastCreatedOffer = serializeSdp(offer)
    return this.signaling.lastCreatedOffer
  }

  /** webrtc-pc §4.4.2 createAnswer */
  async createAnswer(): Promise<string> {
    const offer = this.signaling.pendingRemote
    if (this.signaling.state !== 'have-remote-offer' && this.signaling.state !== 'have-local-pranswer') {
      throw invalidState(`cannot create an answer in state ${this.signaling.state}`)
    }
    if (offer === undefined) throw invalidState('there is no remote offer to answer')
    const certificates = this.#options.certificates()
    const answer = createAnswer({
      origin: this.#nextOrigin(),
      offer: offer.session,
      setup: answererSetup(this.#remoteData?.setup ?? 'actpass', this.#session?.dtlsRole),
      transport: this.#describeTransport(certificates),
      data: this.#options.localData,
    })
    this.signaling.lastCreatedAnswer = serializeSdp(answer)
    return this.signaling.lastCreatedAnswer
  }

  /** webrtc-pc §4.4.2 setLocalDescription, steps 4.1 to 4.6; an empty `sdp` means: whatever is due. */
  async setLocal(type: SdpType | undefined, sdp: string): Promise<void> {
    const actual = type ?? this.#implicitType()
    if (actual === 'rollback') return this.rollback('local')
    const lastCreated = actual === 'offer' ? this.signaling.lastCreatedOffer : this.signaling.lastCreatedAnswer
    if (sdp !== '' && sdp !== lastCreated) this.#checkMunging(sdp, lastCreated)
    const text = sdp || (actual === 'offer' ? await this.createOffer(false) : await this.createAnswer())
    await this.#applyLocal({ type: actual, sdp: text })
  }

  /** webrtc-pc §4.4.2 setRemoteDescription */
  async setRemote(type: SdpType, sdp: string): Promise<void> {
    if (type === 'rollback') return this.rollback('remote')
    const description: Description = { type, sdp }
    // webrtc-pc §4.4.2 setRemoteDescription, step 3.1: an offer in the wrong state rolls our own one back
    if (type === 'offer' && !this.signaling.permits('remote', 'offer')) {
      if (!this.signaling.permits('local', 'rollback')) throw invalidState(`no offer is due in ${this.signaling.state}`)
      parse(description)
      this.rollback('local')
    }
    await this.#applyRemote(description)
  }

  rollback(side: 'local' | 'remote'): void {
    if (!this.signaling.permits(side, 'rollback')) {
      throw invalidState(`nothing to roll back in state ${this.signaling.state}`)
    }
    this.signaling.rollback()
    this.#nextIce = undefined
    this.#remoteData = this.#stable.remoteData
    if (this.#session === this.#stable.session) {
      if (this.#offerRestarted) this.#session?.rollbackRestart()
      this.#offerRestarted = false
      return
    }
    this.#session?.close()
    this.#session = this.#stable.session
  }

  /** webrtc-pc §4.4.2 restartIce */
  restartIce(): void {
    const { currentLocal, pendingLocal } = this.signaling
    this.#credentialsToReplace = new Set([...credentials(currentLocal), ...credentials(pendingLocal)])
  }

  /** Whether the peer takes candidates one by one; null until it has said. RFC 8838 §3. */
  get canTrickle(): boolean | null {
    const session = this.signaling.remote?.session
    if (session === undefined) return null
    return [session, ...session.media].some(({ iceOptions }) => iceOptions.includes('trickle'))
  }

  /** Writes a candidate into the descriptions of its generation; false if there is none. */
  addLocalCandidate(session: DataSession, candidate: SdpCandidate): boolean {
    const descriptions = this.#localDescriptionsOf(session)
    for (const description of descriptions) description.addCandidate(session.transport.mLineIndex, candidate)
    return descriptions.length > 0
  }

  endLocalCandidates(session: DataSession): boolean {
    const descriptions = this.#localDescriptionsOf(session)
    for (const description of descriptions) description.endOfCandidates(session.transport.mLineIndex)
    return descriptions.length > 0
  }

  /** webrtc-pc §4.4.2 addIceCandidate, steps 4.1 to 4.7; an empty candidate says that there will be no more. */
  addRemoteCandidate(init: RTCIceCandidateInit): void {
    const { remote } = this.signaling
    if (remote === undefined) throw invalidState('a candidate needs a remote description to belong to')
    const index = sectionOf(remote.session, init)
    const ufrag = init.usernameFragment ?? undefined
    if (ufrag !== undefined && !this.#isKnownGeneration(index, ufrag)) {
      throw new DOMException("no remote description has the candidate's username fragment", 'OperationError')
    }
    const candidate = readCandidate(init.candidate ?? '')
    for (const description of this.#remoteDescriptionsOf(index, ufrag)) {
      if (index === undefined) description.endOfAllCandidates()
      else if (candidate === undefined) description.endOfCandidates(index)
      else description.addCandidate(index, candidate)
    }
    const data = this.#remoteData
    if (data === undefined || (index !== undefined && index !== data.index && index !== data.transportIndex)) return
    if (candidate === undefined) this.#session?.endOfRemoteCandidates()
    else this.#session?.addRemoteCandidate(candidate)
  }

  close(): void {
    this.signaling.close()
    this.#session?.close()
  }

  #localDescriptionsOf(session: DataSession): AppliedDescription[] {
    const { pendingLocal, currentLocal } = this.signaling
    return present(pendingLocal, currentLocal).filter(
      ({ session: { media } }) =>
        media[session.transport.mLineIndex]?.iceUfrag === session.iceParameters.usernameFragment,
    )
  }

  #remoteDescriptionsOf(index: number | undefined, ufrag: string | undefined): AppliedDescription[] {
    const { pendingRemote, currentRemote } = this.signaling
    const newest = present(pendingRemote, currentRemote)
    return ufrag === undefined || index === undefined
      ? newest.slice(0, 1)
      : newest.filter(({ session }) => ufragOf(session, index) === ufrag)
  }

  #isKnownGeneration(index: number | undefined, ufrag: string): boolean {
    const { pendingRemote, currentRemote } = this.signaling
    return present(pendingRemote, currentRemote).some(({ session }) =>
      session.media.some((_, at) => (index === undefined || at === index) && ufragOf(session, at) === ufrag),
    )
  }

  /** webrtc-pc §4.4.2 setLocalDescription, step 4.1 */
  #implicitType(): Exclude<SdpType, 'rollback'> {
    const { state } = this.signaling
    return state === 'stable' || state === 'have-local-offer' || state === 'have-remote-pranswer' ? 'offer' : 'answer'
  }

  #checkMunging(sdp: string, lastCreated: string): void {
    // webrtc-pc §4.4.2 setLocalDescription, steps 4.2 and 4.3 refuse any change; what applications do in practice,
    // such as dropping a=ice-options, is let through, changes to what the transport is are not.
    const tolerated = lastCreated !== '' && isToleratedMunging(parseSdp(lastCreated), parse({ type: 'offer', sdp }))
    if (!tolerated) {
      throw new DOMException('the description is not the one that was created', 'InvalidModificationError')
    }
  }

  async #applyLocal(description: Description): Promise<void> {
    if (!this.signaling.permits('local', description.type)) {
      throw invalidState(`cannot set a local ${description.type} in state ${this.signaling.state}`)
    }
    const certificates = this.#options.certificates()
    const session = parse(description)
    const dataIndex = findDataSection(session)
    const section = session.media[dataIndex]
    if (description.type === 'offer') this.#rememberStable()
    if (section !== undefined) {
      if (this.#session === undefined) this.#createSession('controlling', section.mid, dataIndex)
      else if (this.#nextIce !== undefined && section.iceUfrag === this.#nextIce.usernameFragment) this.#restart()
    }
    this.signaling.apply(new AppliedDescription(description.type, true, session, description.sdp))
    if (description.type !== 'offer') {
      if (section === undefined) this.#dropSession()
      else this.#connect(certificates, section.setup === 'active' ? 'client' : 'server')
    }
    this.#settleRestart()
  }

  async #applyRemote(description: Description): Promise<void> {
    if (!this.signaling.permits('remote', description.type)) {
      throw invalidState(`cannot set a remote ${description.type} in state ${this.signaling.state}`)
    }
    const certificates = this.#options.certificates()
    const session = parse(description)
    this.#checkFits(description.type, session)
    const data = readRemoteData(session, description.type)
    if (description.type === 'offer') this.#rememberStable()
    this.#remoteData = data
    if (description.type === 'offer' && data !== undefined) this.#prepareForOffer(session, data)
    this.signaling.apply(new AppliedDescription(description.type, false, session, description.sdp))
    if (description.type !== 'offer') {
      if (data === undefined) this.#dropSession()
      else this.#connect(certificates, data.setup === 'active' ? 'server' : 'client')
    }
    this.#settleRestart()
  }

  #checkFits(type: Description['type'], session: SdpSession): void {
    const offer = this.signaling.pendingLocal
    if (type === 'offer') checkOfferContinues(this.signaling.currentRemote?.session, session)
    else if (offer !== undefined) checkAnswerFits(offer.session, session)
  }

  #prepareForOffer(offer: SdpSession, data: RemoteData): void {
    if (this.#session === undefined) {
      // RFC 8445 §6.1.1: the offerer controls, unless it is lite and we are not
      const role = offer.iceLite ? 'controlling' : 'controlled'
      this.#createSession(role, data.transportMid, data.transportIndex).setRemote(data)
    } else if (this.#session.isRemoteRestart(data.ice)) {
      // RFC 8839 §4.4.1.1.1: new credentials of the peer ask for new ones of ours
      this.#nextIce = createIceParameters(this.#options.environment.random)
    }
  }

  #createSession(role: IceRole, mid: string | undefined, mLineIndex: number): DataSession {
    const session = new DataSession({ ...this.#options, role, iceParameters: this.#firstIce(), mid, mLineIndex })
    this.#session = session
    this.#nextIce = undefined
    return session
  }

  /** Offer and answer are complete, provisionally or not: both sides know how to reach each other. */
  #connect(certificates: readonly RTCCertificate[], dtlsRole: 'client' | 'server'): void {
    const data = this.#remoteData
    if (data === undefined || this.#session === undefined) return
    if (this.#nextIce !== undefined && this.signaling.local?.type !== 'offer') this.#restart()
    this.#session.setRemote(data)
    this.#session.connect(data, certificates, dtlsRole)
  }

  #restart(): void {
    if (this.#nextIce === undefined) return
    this.#session?.restart(this.#nextIce)
    this.#nextIce = undefined
    this.#offerRestarted = this.signaling.state === 'stable'
  }

  #dropSession(): void {
    // webrtc-pc §4.4.1.4, step 4.6.8: the answer closed the association
    this.#session?.closeByNegotiation()
    this.#session = undefined
  }

  #rememberStable(): void {
    if (this.signaling.state === 'stable') this.#stable = { session: this.#session, remoteData: this.#remoteData }
  }

  /** webrtc-pc §4.4.1.4: credentials that were replaced need no negotiation any more */
  #settleRestart(): void {
    if (this.signaling.state !== 'stable') return
    this.#offerRestarted = false
    const now = new Set(credentials(this.signaling.currentLocal))
    if (![...this.#credentialsToReplace].some(old => now.has(old))) this.#credentialsToReplace = new Set()
  }

  #describeTransport(certificates: readonly RTCCertificate[]): LocalTransportDescription {
    const fingerprints = sdpFingerprints(certificates)
    const { iceLite, iceRenomination } = this.#options
    if (this.#session === undefined || this.#nextIce !== undefined) {
      return { ice: this.#firstIce(), iceLite, iceRenomination, fingerprints, candidates: [], endOfCandidates: false }
    }
    return {
      ice: this.#session.iceParameters,
      iceLite,
      iceRenomination,
      fingerprints,
      candidates: this.#session.localCandidates,
      endOfCandidates: this.#session.isGatheringComplete,
    }
  }

  #firstIce(): IceParameters {
    const chosen = this.#session === undefined ? this.#options.iceParameters : undefined
    this.#nextIce ??= chosen ?? createIceParameters(this.#options.environment.random)
    return this.#nextIce
  }

  #nextOrigin(): SdpOrigin {
    // RFC 8829 §5.2.1 and §5.2.2: user name and address say nothing; the version rises with each description
    return {
      username: '-',
      sessionId: this.#sessionId,
      sessionVersion: String(this.#sessionVersion++),
      netType: 'IN',
      addressType: 'IP4',
      address: '0.0.0.0',
    }
  }
}

/** @throws {DOMException} OperationError, as webrtc-pc §4.4.2 addIceCandidate has it for one that cannot be added */
function readCandidate(text: string): SdpCandidate | undefined {
  try {
    return parseCandidate(text)
  } catch (error) {
    throw new DOMException(`not a candidate: ${(error as Error).message}`, 'OperationError')
  }
}

/** @throws {RTCError} with the line, if the text is not a session description */
function parse(description: Description): SdpSession {
  try {
    return parseSdp(description.sdp)
  } catch (error) {
    throw toDomError(error)
  }
}

/** webrtc-pc §4.4.2 addIceCandidate, steps 4.2 and 4.3; undefined: all sections */
function sectionOf(session: SdpSession, { sdpMid, sdpMLineIndex }: RTCIceCandidateInit): number | undefined {
  if (typeof sdpMid === 'string') {
    const index = session.media.findIndex(section => section.mid === sdpMid)
    if (index === -1) throw new DOMException(`no m= section has the mid ${JSON.stringify(sdpMid)}`, 'OperationError')
    return index
  }
  if (typeof sdpMLineIndex !== 'number') return undefined
  if (sdpMLineIndex >= session.media.length) {
    throw new DOMException(`there is no m= section ${sdpMLineIndex}`, 'OperationError')
  }
  return sdpMLineIndex
}

function ufragOf(session: SdpSession, index: number): string | undefined {
  return session.media[index]?.iceUfrag ?? session.iceUfrag
}

function present(...descriptions: readonly (AppliedDescription | undefined)[]): AppliedDescription[] {
  return descriptions.filter(description => description !== undefined)
}

function credentials(description: AppliedDescription | undefined): string[] {
  return (description?.session.media ?? []).flatMap(({ iceUfrag, icePwd }) =>
    iceUfrag === undefined ? [] : [`${iceUfrag}:${icePwd}`],
  )
}

function invalidState(message: string): DOMException {
  return new DOMException(message, 'InvalidStateError')
}
