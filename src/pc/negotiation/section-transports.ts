import { createIceParameters, type IceParameters, type IceRole } from '../../ice/index.ts'
import { isRtpSection, type SdpMedia, type SdpSession } from '../../sdp/index.ts'
import type { RTCRtcpMuxPolicy } from '../configuration.ts'
import type { RTCCertificate } from '../rtc-certificate.ts'
import { bundledHomes, bundleGroups } from './bundle-plan.ts'
import { takesHeaderEncryption } from './header-encryption.ts'
import { type DescriptionType, isMultiplexed, readRemoteTransport, remoteFragment } from './remote-section.ts'
import { type CommonTransportOptions, SectionTransport } from './section-transport.ts'

export interface SectionTransportsOptions extends CommonTransportOptions {
  readonly rtcpMuxPolicy: RTCRtcpMuxPolicy
  /** The credentials of the first generation; random ones if absent. */
  readonly iceParameters: IceParameters | undefined
  /** All transports are on one port, where their credentials tell them apart. */
  readonly isPortShared: boolean
}

/** Offer and answer, complete or provisionally so. */
export interface Agreement {
  readonly type: Exclude<DescriptionType, 'offer'>
  readonly offer: SdpSession
  readonly answer: SdpSession
  /** Whose answer it is. */
  readonly side: 'local' | 'remote'
  readonly certificates: readonly RTCCertificate[]
}

/** Where a transport was before the pending offer. */
interface Placed {
  readonly transport: SectionTransport
  readonly mid: string | undefined
  readonly mLineIndex: number
}

/**
 * The transports of a connection: which m= section is on which of them.
 *
 * Offers create them, an answer bundles sections onto some and releases the others; a rollback undoes what the offer did.
 */
export class SectionTransports {
  readonly #options: SectionTransportsOptions
  /** By index of the m= section; several sections may have the same. */
  #assigned: (SectionTransport | undefined)[] = []
  #stable: { readonly assigned: readonly (SectionTransport | undefined)[]; readonly placed: readonly Placed[] } = {
    assigned: [],
    placed: [],
  }
  readonly #open = new Set<SectionTransport>()
  /** Credentials that the offer being made names for sections that have no transport yet. */
  readonly #promised = new Map<number, IceParameters>()
  /** For the first transports. */
  #firstIce: IceParameters | undefined
  #serial = 0

  constructor(options: SectionTransportsOptions) {
    this.#options = options
    this.#firstIce = options.iceParameters
  }

  /** Those that sections are on now, in the order of the sections. */
  get all(): readonly SectionTransport[] {
    return [...new Set(this.#assigned.filter(transport => transport !== undefined))]
  }

  at(index: number): SectionTransport | undefined {
    return this.#assigned[index]
  }

  /** The credentials of a transport that a section will have if the offer being made is applied. */
  promise(index: number): IceParameters {
    const promised = this.#promised.get(index)
    const parameters = promised !== undefined && this.#options.isPortShared ? promised : this.#parametersOfNew()
    this.#promised.set(index, parameters)
    return parameters
  }

  /** A new generation of ICE is to begin with the next offer. */
  planRestart(): void {
    const common = this.#newParameters()
    for (const transport of this.all) transport.planRestart(this.#options.isPortShared ? this.#newParameters() : common)
  }

  /** The sections of an answer of ours that bring a transport, and which. */
  carriersOf(answer: SdpSession): ReadonlyMap<number, SectionTransport> {
    return this.#carriers(bundledHomes(answer))
  }

  /** An offer is about to be applied in state `stable`: this is what to go back to. */
  rememberStable(): void {
    const placed = [...this.#open].map(transport => {
      const { mid, mLineIndex } = transport
      return { transport, mid, mLineIndex }
    })
    this.#stable = { assigned: [...this.#assigned], placed }
  }

  /**
   * RFC 8829 §5.8.3 and §5.11: a description that asks for another DTLS association is part of an ICE restart. RFC 8842 §5.1
   * says why: the path is all that tells packets of both apart.
   *
   * @throws {DOMException} InvalidAccessError
   */
  checkAssociations(session: SdpSession, type: DescriptionType): void {
    for (const home of new Set(bundledHomes(session))) {
      const transport = home === undefined ? undefined : this.#assigned[home]
      if (home === undefined || !transport?.isNegotiated) continue
      if (!transport.lacksPathFor(readRemoteTransport(session, home, type))) continue
      throw new DOMException(
        `m= section ${home} changes a=fingerprint or a=tls-id without new ICE credentials`,
        'InvalidAccessError',
      )
    }
  }

  /** @returns the sections that bring a transport, and which */
  applyLocalOffer(offer: SdpSession): ReadonlyMap<number, SectionTransport> {
    const homes = this.#offeredHomes(offer)
    offer.media.forEach((section, index) => {
      if (homes[index] !== index) return
      const known = this.#assigned[index]
      if (known === undefined) this.#assigned[index] = this.#createForOffer(section, index)
      else {
        if (section.iceUfrag === known.nextIce?.usernameFragment) known.restart()
        known.place(section.mid, index)
      }
    })
    homes.forEach((home, index) => {
      if (home !== undefined) this.#assigned[index] ??= this.#assigned[home]
    })
    this.#promised.clear()
    return this.#carriers(homes)
  }

  /** @param accepted the sections that may be accepted */
  applyRemoteOffer(offer: SdpSession, accepted: readonly boolean[]): void {
    for (const transport of this.#open) transport.forgetPlannedRestart()
    this.#promised.clear()
    const homes = bundledHomes(offer)
    const claimed = new Set<SectionTransport>()
    for (const home of this.#byContinuity(offer, homes, accepted)) {
      const members = homes.flatMap((at, index) => (at === home && accepted[index] === true ? [index] : []))
      const transport = this.#claim(offer, home, members, claimed)
      this.#assigned[home] = transport
      for (const index of members) {
        if (!this.#staysApart(offer, index, claimed)) this.#assigned[index] = transport
      }
      this.#hearOffer(offer, home, transport)
    }
  }

  /** RFC 8829 §5.11: bundles, releases what is not needed, and connects the rest. */
  settle(agreement: Agreement): void {
    const { answer, type } = agreement
    const before = this.#assigned
    const homes = bundledHomes(answer)
    this.#assigned = homes.map(home => (home === undefined ? undefined : before[home]))
    const bundled = new Set(bundleGroups(answer).flat())
    for (const home of new Set(homes)) {
      const transport = home === undefined ? undefined : before[home]
      if (home === undefined || transport === undefined) continue
      this.#connect(agreement, home, transport, bundled.has(home))
      if (this.#isMultiplexed(answer, transport)) transport.releaseRtcp()
    }
    this.#settleHeaderEncryption(agreement)
    if (type === 'answer') this.#commit()
  }

  rollback(): void {
    const { assigned, placed } = this.#stable
    const kept = new Set(placed.map(({ transport }) => transport))
    for (const transport of this.#open) if (!kept.has(transport)) this.#release(transport)
    for (const { transport, mid, mLineIndex } of placed) {
      transport.forgetPlannedRestart()
      transport.rollbackRestart()
      transport.place(mid, mLineIndex)
    }
    this.#assigned = [...assigned]
    this.#promised.clear()
  }

  /** Those that have a generation of candidates to gather; asking it is taking it on. */
  takeGathering(): readonly SectionTransport[] {
    return this.all.filter(transport => transport.takeGathering())
  }

  close(): void {
    for (const transport of this.#open) transport.close()
    this.#open.clear()
  }

  /**
   * For each section of an offer of ours the index of the one whose transport it is on: RFC 9143 §7.2, one that was promised a
   * transport has it until the answer bundles it.
   */
  #offeredHomes(offer: SdpSession): readonly (number | undefined)[] {
    return bundledHomes(offer).map((home, index) => {
      const section = offer.media[index]
      if (home === undefined || section?.iceUfrag === undefined || section.bundleOnly) return home
      return this.#promised.has(index) || this.#assigned[index]?.mLineIndex === index ? index : home
    })
  }

  #carriers(homes: readonly (number | undefined)[]): ReadonlyMap<number, SectionTransport> {
    const carriers = new Map<number, SectionTransport>()
    for (const home of homes) {
      const transport = home === undefined ? undefined : this.#assigned[home]
      if (home !== undefined && transport !== undefined) carriers.set(home, transport)
    }
    return carriers
  }

  #createForOffer(section: SdpMedia, index: number): SectionTransport {
    const { iceUfrag: usernameFragment = '', icePwd: password = '' } = section
    const withRtcp = this.#options.rtcpMuxPolicy === 'negotiate' && isRtpSection(section)
    return this.#create('controlling', { usernameFragment, password }, withRtcp, section.mid, index)
  }

  #create(
    role: IceRole,
    iceParameters: IceParameters,
    withRtcp: boolean,
    mid: string | undefined,
    mLineIndex: number,
  ): SectionTransport {
    const serial = this.#serial++
    this.#firstIce = undefined
    const transport = new SectionTransport({
      ...this.#options,
      serial,
      role,
      iceParameters,
      withRtcp,
      mid,
      mLineIndex,
    })
    this.#open.add(transport)
    return transport
  }

  /** The homes in use; first those that go on with the path that they have: what has left a bundle gets a new one. */
  #byContinuity(
    offer: SdpSession,
    homes: readonly (number | undefined)[],
    accepted: readonly boolean[],
  ): readonly number[] {
    const used = new Set(homes.flatMap((home, index) => (home !== undefined && accepted[index] === true ? [home] : [])))
    const continues = (home: number): boolean =>
      this.#assigned[home]?.hasRemoteFragment(remoteFragment(offer, home)) === true
    return [...[...used].filter(continues), ...[...used].filter(home => !continues(home))]
  }

  #claim(
    offer: SdpSession,
    home: number,
    members: readonly number[],
    claimed: Set<SectionTransport>,
  ): SectionTransport {
    const known = [home, ...members].map(index => this.#assigned[index])
    const free = known.find(transport => transport !== undefined && !claimed.has(transport))
    const transport = free ?? this.#createForAnswer(offer, home, members)
    claimed.add(transport)
    transport.place(offer.media[home]?.mid, home)
    return transport
  }

  #createForAnswer(offer: SdpSession, home: number, members: readonly number[]): SectionTransport {
    // RFC 8445 §6.1.1: the offerer controls, unless it is lite and we are not
    const role = offer.iceLite ? 'controlling' : 'controlled'
    const separate = members.some(index => {
      const section = offer.media[index]
      return section !== undefined && isRtpSection(section) && !isMultiplexed(offer, index)
    })
    const withRtcp = this.#options.rtcpMuxPolicy === 'negotiate' && separate
    return this.#create(role, this.#parametersOfNew(), withRtcp, offer.media[home]?.mid, home)
  }

  /**
   * All transports have the same credentials where nothing is lost by it: Pion and GStreamer refuse descriptions whose
   * sections have different ones, and browsers do the same. On a shared port they tell the transports apart.
   */
  #parametersOfNew(): IceParameters {
    const [first] = this.all
    if (this.#options.isPortShared) return this.#firstIce ?? this.#newParameters()
    if (first !== undefined) return first.nextIce ?? first.iceParameters
    this.#firstIce ??= this.#newParameters()
    return this.#firstIce
  }

  #newParameters(): IceParameters {
    return createIceParameters(this.#options.environment.random)
  }

  /**
   * RFC 9143 §7.3.2: a section that was negotiated with a transport of its own keeps it, and is left out of the group in the
   * answer: what runs on it could not move.
   */
  #staysApart(offer: SdpSession, index: number, claimed: Set<SectionTransport>): boolean {
    const own = this.#assigned[index]
    const section = offer.media[index]
    if (own === undefined || !own.isNegotiated || claimed.has(own)) return false
    if (section?.bundleOnly !== false || section.iceUfrag === undefined) return false
    claimed.add(own)
    this.#hearOffer(offer, index, own)
    return true
  }

  #hearOffer(offer: SdpSession, home: number, transport: SectionTransport): void {
    const remote = readRemoteTransport(offer, home, 'offer')
    if (!transport.isNegotiated) transport.setRemote(remote)
    // RFC 8839 §4.4.1.1.1: new credentials of the peer ask for new ones of ours
    else if (transport.isRemoteRestart(remote.ice)) this.#planAnsweredRestart(transport)
  }

  #planAnsweredRestart(transport: SectionTransport): void {
    const planned = this.#options.isPortShared
      ? undefined
      : this.all.find(({ nextIce }) => nextIce !== undefined)?.nextIce
    transport.planRestart(planned ?? this.#newParameters())
  }

  #connect(
    { offer, answer, side, type, certificates }: Agreement,
    home: number,
    transport: SectionTransport,
    isBundled: boolean,
  ): void {
    const section = answer.media[home]
    const isLocal = side === 'local'
    const remote = isLocal ? readRemoteTransport(offer, home, 'offer') : readRemoteTransport(answer, home, type)
    if (isLocal) transport.restart()
    transport.place(section?.mid, home)
    const isClient = isLocal ? section?.setup === 'active' : remote.setup !== 'active'
    transport.connect(remote, certificates, isClient ? 'client' : 'server', isBundled)
  }

  /** RFC 5761 §5.1.1: and where there is no RTP, there is no RTCP either. */
  #isMultiplexed(answer: SdpSession, transport: SectionTransport): boolean {
    return answer.media.every(
      (section, index) => this.#assigned[index] !== transport || !isRtpSection(section) || isMultiplexed(answer, index),
    )
  }

  /** RFC 9335 §4: of a transport, if both ends have said it of all its audio and video. */
  #settleHeaderEncryption({ offer, answer }: Agreement): void {
    const [offered, answered] = [takesHeaderEncryption(offer), takesHeaderEncryption(answer)]
    const [able, unable] = [new Set<SectionTransport>(), new Set<SectionTransport>()]
    answer.media.forEach((section, index) => {
      const transport = this.#assigned[index]
      if (transport === undefined || !isRtpSection(section)) return
      const takers = offered[index] === true && answered[index] === true ? able : unable
      takers.add(transport)
    })
    for (const transport of this.all) {
      transport.rtp.driver.encryptsHeaders = able.has(transport) && !unable.has(transport)
    }
  }

  #commit(): void {
    const used = new Set(this.#assigned)
    for (const transport of this.#open) {
      if (used.has(transport)) transport.commitRestart()
      else this.#release(transport)
    }
  }

  #release(transport: SectionTransport): void {
    this.#open.delete(transport)
    transport.close()
  }
}
