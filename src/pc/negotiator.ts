import type { IceParameters } from '../ice/index.ts'
import { isRtpSection, parseSdp, type SdpOrigin, type SdpSession, serializeSdp } from '../sdp/index.ts'
import { AppliedDescription } from './applied-description.ts'
import { checkAnswerBundling, checkAnswerFits, checkOfferContinues, isToleratedMunging } from './apply-description.ts'
import type { RTCBundlePolicy, RTCRtcpMuxPolicy, RTCRtpHeaderEncryptionPolicy } from './configuration.ts'
import type { LocalDataDescription } from './create-description.ts'
import type { DataChannels } from './data-channels.ts'
import { sdpFingerprints } from './identities.ts'
import { CandidateExchange, type CandidateExchangeOptions } from './negotiation/candidate-exchange.ts'
import { DataAssociation } from './negotiation/data-association.ts'
import { DescriptionMaker } from './negotiation/description-maker.ts'
import { requireHeaderEncryption } from './negotiation/header-encryption.ts'
import type { AppliedMedia, MediaNegotiation } from './negotiation/media-negotiation.ts'
import { checkRemoteTransports, findDataSection, isMultiplexed, readRemoteData } from './negotiation/remote-section.ts'
import type { CommonTransportOptions, SectionTransport } from './negotiation/section-transport.ts'
import { SectionTransports } from './negotiation/section-transports.ts'
import type { RTCCertificate } from './rtc-certificate.ts'
import { toDomError } from './rtc-error.ts'
import type { RTCSctpTransport } from './rtc-transports.ts'
import { type SdpType, Signaling, type SignalingState } from './signaling.ts'

/** What the negotiation needs from its connection. */
export interface NegotiatorOptions
  extends Omit<CommonTransportOptions, 'names'>,
    Pick<CandidateExchangeOptions, 'isStopped'> {
  readonly channels: DataChannels
  readonly localData: LocalDataDescription
  readonly bundlePolicy: RTCBundlePolicy
  readonly rtcpMuxPolicy: RTCRtcpMuxPolicy
  /** The audio and video of the connection. */
  readonly mediaNegotiation: MediaNegotiation
  /** The certificates of this connection. */
  readonly certificates: () => readonly RTCCertificate[]
  /** Data channels exist, so that an offer must have a section for them. */
  readonly wantsData: () => boolean
  /** webrtc-extensions §15.1: offers have a section for data channels anyway. */
  readonly alwaysNegotiatesData: () => boolean
  readonly headerEncryption: () => RTCRtpHeaderEncryptionPolicy
  /** The ICE credentials of the first generation; random ones if absent. */
  readonly iceParameters: IceParameters | undefined
  /** All transports are on one port, where their credentials tell them apart. */
  readonly isPortShared: boolean
}

const creatingOffers: readonly SignalingState[] = ['stable', 'have-local-offer']
const creatingAnswers: readonly SignalingState[] = ['have-remote-offer', 'have-local-pranswer']

type Description = { readonly type: Exclude<SdpType, 'rollback'>; readonly sdp: string }

/**
 * Offer and answer: makes descriptions and applies them, to transports, data and media.
 *
 * JSEP (RFC 8829) as webrtc-pc §4.4 calls it. The operations chain above runs one of its methods at a time.
 */
export class Negotiator {
  readonly signaling: Signaling = new Signaling()
  readonly transports: SectionTransports
  readonly candidates: CandidateExchange
  readonly #options: NegotiatorOptions
  readonly #maker: DescriptionMaker
  readonly #media: MediaNegotiation
  readonly #sessionId: string
  #sessionVersion = 0
  #data: DataAssociation | undefined
  /** webrtc-pc: [[LastStableStateSctpTransport]] */
  #stableData: DataAssociation | undefined
  /** webrtc-pc §4.4.1.1, step 27: [[LocalIceCredentialsToReplace]] */
  #credentialsToReplace: ReadonlySet<string> = new Set()

  constructor(options: NegotiatorOptions) {
    this.#options = options
    this.#media = options.mediaNegotiation
    this.transports = new SectionTransports({ ...options, names: { used: 0 } })
    this.#maker = new DescriptionMaker({ ...options, media: this.#media, transports: this.transports })
    this.candidates = new CandidateExchange({ ...options, signaling: this.signaling, transports: this.transports })
    // RFC 8829 §5.2.1: a session id of 62 random bits
    const random = options.environment.random(8)
    this.#sessionId = (new DataView(random.buffer, random.byteOffset).getBigUint64(0) >> 2n).toString()
  }

  get data(): DataAssociation | undefined {
    return this.#data
  }

  get sctp(): RTCSctpTransport | null {
    return this.#data?.sctp ?? null
  }

  /** webrtc-pc §4.7.3: checking if negotiation is needed */
  get isNeeded(): boolean {
    if (this.#credentialsToReplace.size > 0) return true
    const { currentLocal, currentRemote } = this.signaling
    const hasData = currentLocal !== undefined && findDataSection(currentLocal.session) !== -1
    if (this.#options.wantsData() && !hasData) return true
    return this.#media.isNeeded(currentLocal?.session, currentRemote?.session)
  }

  /** webrtc-pc §4.4.2, create an offer and create an answer, step 1. @throws {DOMException} InvalidStateError */
  checkMayCreate(type: 'offer' | 'answer'): void {
    const { state } = this.signaling
    const may = type === 'offer' ? creatingOffers : creatingAnswers
    if (!may.includes(state)) throw invalidState(`cannot create an ${type} in state ${state}`)
  }

  /** webrtc-pc §4.4.2, final steps to create an offer; the state was checked. */
  createOffer(iceRestart: boolean, identity?: string): string {
    return this.#created('offer', this.#makeOffer(iceRestart, identity))
  }

  /** webrtc-pc §4.4.2, final steps to create an answer; the state was checked. */
  createAnswer(identity?: string): string {
    return this.#created('answer', this.#makeAnswer(identity))
  }

  /**
   * webrtc-pc §4.4.2 setLocalDescription, steps 4.4 and 4.5: the description that was created last, if it would be created
   * again as it is; or else a new one.
   */
  currentOrNew(type: 'offer' | 'answer', identity?: string): string {
    const { lastCreatedOffer, lastCreatedAnswer } = this.signaling
    const [last, now] =
      type === 'offer'
        ? [lastCreatedOffer, this.#makeOffer(false, identity)]
        : [lastCreatedAnswer, this.#makeAnswer(identity)]
    return withoutOrigin(last) === withoutOrigin(now) ? last : this.#created(type, now)
  }

  #created(type: 'offer' | 'answer', sdp: string): string {
    if (type === 'offer') this.signaling.lastCreatedOffer = sdp
    else this.signaling.lastCreatedAnswer = sdp
    this.#sessionVersion++
    return sdp
  }

  #makeOffer(iceRestart: boolean, identity: string | undefined): string {
    const { local, remote } = this.signaling
    const fingerprints = sdpFingerprints(this.#options.certificates())
    if (iceRestart || this.#credentialsToReplace.size > 0) this.transports.planRestart()
    const dataFirst = this.#options.alwaysNegotiatesData()
    const sections = this.#media.layOutOffer({
      previousLocal: local?.session,
      previousRemote: remote?.session,
      wantsData: dataFirst || this.#options.wantsData(),
      dataFirst,
    })
    return serializeSdp(withIdentity(this.#maker.offer(this.#origin, sections, fingerprints), identity))
  }

  #makeAnswer(identity: string | undefined): string {
    const offer = this.signaling.pendingRemote
    if (offer === undefined) throw invalidState('there is no remote offer to answer')
    const fingerprints = sdpFingerprints(this.#options.certificates())
    return serializeSdp(withIdentity(this.#maker.answer(this.#origin, offer.session, fingerprints), identity))
  }

  /** webrtc-pc §4.4.1.4, step 2. @throws {DOMException} InvalidStateError */
  checkMayRollBack(side: 'local' | 'remote'): void {
    if (this.signaling.permits(side, 'rollback')) return
    throw invalidState(`nothing to roll back in state ${this.signaling.state}`)
  }

  /** webrtc-pc §4.4.1.4, step 4.6.12; that it may be was checked. */
  rollback(): void {
    this.signaling.rollback()
    this.#media.rollback()
    this.transports.rollback()
    if (this.#data !== this.#stableData) this.#data?.close()
    this.#data = this.#stableData
    this.#connectMedia()
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

  /** Releases everything; silently. */
  close(): void {
    this.#data?.close()
    this.transports.close()
  }

  /** webrtc-pc §4.4.2 setLocalDescription, step 4.1 */
  get implicitType(): Exclude<SdpType, 'rollback'> {
    const { state } = this.signaling
    return state === 'stable' || state === 'have-local-offer' || state === 'have-remote-pranswer' ? 'offer' : 'answer'
  }

  /**
   * webrtc-pc §4.4.2 setLocalDescription, steps 4.2 and 4.3, which refuse any change. What applications do in practice, such
   * as dropping a=ice-options, is let through, changes to what the transport is are not.
   *
   * @throws {DOMException} InvalidModificationError
   */
  checkIsCreated(type: Exclude<SdpType, 'rollback'>, sdp: string): void {
    const { lastCreatedOffer, lastCreatedAnswer } = this.signaling
    const lastCreated = type === 'offer' ? lastCreatedOffer : lastCreatedAnswer
    if (sdp === '' || sdp === lastCreated) return
    const given = lastCreated === '' ? undefined : readableSdp(sdp)
    if (given === undefined || !isToleratedMunging(parseSdp(lastCreated), given)) {
      throw new DOMException('the description is not the one that was created', 'InvalidModificationError')
    }
  }

  /** webrtc-pc §4.4.1.4, steps 4.5 and 4.6, of a local description */
  setLocal(type: Exclude<SdpType, 'rollback'>, sdp: string): void {
    const description: Description = { type, sdp }
    if (!this.signaling.permits('local', description.type)) {
      throw invalidState(`cannot set a local ${description.type} in state ${this.signaling.state}`)
    }
    const certificates = this.#options.certificates()
    const session = parse(description)
    const applied = this.#appliedMedia('local', description.type, session)
    this.#media.check(applied)
    const carriers = type === 'offer' ? this.#placeOffer(session) : this.transports.carriersOf(session)
    this.signaling.apply(new AppliedDescription(description.type, true, session, description.sdp, carriers))
    this.#media.apply(applied)
    this.#settle(applied, certificates)
    this.#connectMedia()
  }

  /** @returns the sections that bring a transport, and which */
  #placeOffer(offer: SdpSession): ReadonlyMap<number, SectionTransport> {
    this.#rememberStable()
    const carriers = this.transports.applyLocalOffer(offer)
    this.#wantAssociation(offer)
    return carriers
  }

  /** webrtc-pc §4.4.1.4, steps 4.5 and 4.6, of a remote description */
  setRemote(type: Exclude<SdpType, 'rollback'>, sdp: string): void {
    const description: Description = { type, sdp }
    if (!this.signaling.permits('remote', description.type)) {
      throw invalidState(`cannot set a remote ${description.type} in state ${this.signaling.state}`)
    }
    const certificates = this.#options.certificates()
    const session = parse(description)
    this.#checkFits(description.type, session)
    const applied = this.#appliedMedia('remote', description.type, session)
    this.#media.check(applied)
    if (description.type === 'offer') {
      this.#rememberStable()
      this.transports.applyRemoteOffer(session, this.#maker.permitted(session))
      this.#wantAssociation(session)
    }
    this.signaling.apply(new AppliedDescription(description.type, false, session, description.sdp))
    this.#media.apply(applied)
    this.#settle(applied, certificates)
    // webrtc-pc §4.4.1.4, step 4.6.11.2.14: a remote offer alone gives no transport to anyone
    if (description.type !== 'offer') this.#connectMedia()
  }

  #appliedMedia(side: 'local' | 'remote', type: Description['type'], session: SdpSession): AppliedMedia {
    const { pendingLocal, pendingRemote } = this.signaling
    const offer = side === 'local' ? pendingRemote : pendingLocal
    return { side, type, session, offer: type === 'offer' ? undefined : offer?.session }
  }

  #checkFits(type: Description['type'], session: SdpSession): void {
    const { pendingLocal, currentRemote } = this.signaling
    const offer = pendingLocal?.session
    if (type === 'offer') checkOfferContinues(currentRemote?.session, session)
    else if (pendingLocal !== undefined) {
      checkAnswerFits(pendingLocal.session, session)
      checkAnswerBundling(pendingLocal.session, session, index => pendingLocal.carriers.has(index))
    }
    checkRemoteTransports(session, type, this.#options.rtcpMuxPolicy)
    this.transports.checkAssociations(session, type)
    if (this.#options.headerEncryption() === 'require') requireHeaderEncryption(session)
    this.#checkMultiplexing(type, session, offer)
  }

  /** RFC 8829 §5.8.3 and §5.11: RTCP that is multiplexed stays so, and one that is not has its own transport. */
  #checkMultiplexing(type: Description['type'], session: SdpSession, offer: SdpSession | undefined): void {
    session.media.forEach((section, index) => {
      const transport = this.transports.at(index)
      if (transport === undefined || section.port === 0 || !isRtpSection(section)) return
      const isMuxed = isMultiplexed(session, index)
      const mustBe =
        type === 'offer' ? transport.isNegotiated && transport.rtcp === undefined : transport.rtcp === undefined
      if (mustBe && !isMuxed) throw invalidAccess(`m= section ${index} has to multiplex RTCP, as it did`)
      if (offer !== undefined && isMuxed && !isMultiplexed(offer, index)) {
        throw invalidAccess(`m= section ${index} multiplexes RTCP, which was not offered`)
      }
    })
  }

  /** webrtc-pc §4.4.1.4, step 4.6.7 */
  #wantAssociation(offer: SdpSession): void {
    const transport = this.transports.at(findDataSection(offer))
    if (transport !== undefined) this.#data ??= this.#createAssociation(transport)
  }

  #createAssociation(transport: SectionTransport): DataAssociation {
    const { environment, channels, localData } = this.#options
    const { random, clock, timers } = environment
    const queueTask = (step: () => void): void => timers.endOfTurn(step)
    return new DataAssociation({ random, now: () => clock.now(), queueTask, channels, localData }, transport)
  }

  /** Offer and answer are complete, provisionally or not: both sides know how to reach each other. */
  #settle({ side, type, session: answer, offer }: AppliedMedia, certificates: readonly RTCCertificate[]): void {
    if (type === 'offer' || offer === undefined) return
    this.transports.settle({ type, side, offer, answer, certificates })
    this.#settleData(type, answer, side === 'local' ? offer : answer)
    if (type === 'answer') this.#settleRestart()
  }

  #settleData(type: 'answer' | 'pranswer', answer: SdpSession, remote: SdpSession): void {
    const described = readRemoteData(remote)
    const transport = this.transports.at(findDataSection(answer))
    // webrtc-pc §4.4.1.4, step 4.6.8: an answer closes the association, a provisional one does not. Nor does one outlive the
    // DTLS below it.
    const data = this.#data
    const isLeft = data !== undefined && (data.isOver || (data.transport !== transport && !data.canMove))
    if (transport === undefined ? type === 'answer' || data?.isOver : isLeft) {
      if (transport === undefined) data?.closeByNegotiation()
      else data?.giveWay()
      this.#data = undefined
    }
    if (transport === undefined || described === undefined) return
    this.#data ??= this.#createAssociation(transport)
    if (this.#data.transport !== transport) this.#data.moveTo(transport)
    this.#data.connect(described)
  }

  #connectMedia(): void {
    const { local, remote } = this.signaling
    const indices = new Map<string | undefined, number>()
    // Where they differ, the local description counts.
    for (const { session } of present(remote, local)) {
      for (const [index, { mid }] of session.media.entries()) indices.set(mid, index)
    }
    this.#media.connect((mid, mLineIndex) => this.transports.at(indices.get(mid) ?? mLineIndex ?? -1)?.media)
  }

  #rememberStable(): void {
    if (this.signaling.state !== 'stable') return
    this.transports.rememberStable()
    this.#stableData = this.#data
  }

  /** webrtc-pc §4.4.1.4: credentials that were replaced need no negotiation any more */
  #settleRestart(): void {
    const now = new Set(credentials(this.signaling.currentLocal))
    if (![...this.#credentialsToReplace].some(old => now.has(old))) this.#credentialsToReplace = new Set()
  }

  get #origin(): SdpOrigin {
    // RFC 8829 §5.2.1 and §5.2.2: user name and address say nothing; the version rises with each description
    return {
      username: '-',
      sessionId: this.#sessionId,
      sessionVersion: String(this.#sessionVersion),
      netType: 'IN',
      addressType: 'IP4',
      address: '0.0.0.0',
    }
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

/** The description; undefined for what is none. */
export function readableSdp(sdp: string): SdpSession | undefined {
  try {
    return parseSdp(sdp)
  } catch {
    return undefined
  }
}

/** RFC 8829 §5.2.1: the identity assertion is said for the session. */
function withIdentity(session: SdpSession, value: string | undefined): SdpSession {
  if (value === undefined) return session
  return { ...session, attributes: [...session.attributes, { name: 'identity', value }] }
}

/** The version of a description rises each time, so that it says nothing about whether anything else is new. */
function withoutOrigin(sdp: string): string {
  return sdp.replace(/^o=.*$/m, '')
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

function invalidAccess(message: string): DOMException {
  return new DOMException(message, 'InvalidAccessError')
}
