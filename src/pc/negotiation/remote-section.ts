import type { IceParameters } from '../../ice/index.ts'
import type { SdpCandidate, SdpFingerprint, SdpMedia, SdpSession, SdpSetup } from '../../sdp/index.ts'
import { defaultMaxMessageSize, effectiveTransport, isDataSection, isRtpSection } from '../../sdp/index.ts'
import type { RTCRtcpMuxPolicy } from '../configuration.ts'
import { bundledHomes, bundleGroups, isCarried, isLive } from './bundle-plan.ts'

/** What the peer says of a transport, in the section that brings it. */
export interface RemoteTransport {
  readonly ice: IceParameters
  readonly fingerprints: readonly SdpFingerprint[]
  readonly setup: SdpSetup
  /** RFC 8842 §4; browsers name none. */
  readonly tlsId: string | undefined
  readonly candidates: readonly SdpCandidate[]
  readonly endOfCandidates: boolean
}

/** RFC 8841 §10: what the peer says of the SCTP association. */
export interface RemoteData {
  readonly index: number
  readonly mid: string | undefined
  readonly sctpPort: number
  /** Bytes; Infinity if the peer takes messages of any size. */
  readonly maxMessageSize: number
}

export type DescriptionType = 'offer' | 'answer' | 'pranswer'

// RFC 8841 §5.1: the port of a peer that does not name one
const defaultSctpPort = 5000

/** The index of the first usable data section, or -1. */
export function findDataSection(session: SdpSession): number {
  // RFC 8841 §10.2: SCTP port zero closes the association
  return session.media.findIndex(section => isDataSection(section) && section.sctpPort !== 0 && isLive(section))
}

/** What a remote description says about data, or undefined if it has no usable data section. */
export function readRemoteData(session: SdpSession): RemoteData | undefined {
  const index = findDataSection(session)
  const section = session.media[index]
  if (section === undefined) return undefined
  return {
    index,
    mid: section.mid,
    sctpPort: section.sctpPort ?? defaultSctpPort,
    maxMessageSize: readMaxMessageSize(section.maxMessageSize),
  }
}

/**
 * What a remote description says about the transport of a section.
 *
 * @throws {DOMException} InvalidAccessError if it lacks what WebRTC cannot do without
 */
export function readRemoteTransport(session: SdpSession, index: number, type: DescriptionType): RemoteTransport {
  const section = carrierOf(session, index)
  if (section === undefined) throw invalid(`there is no m= section ${index}`)
  const transport = effectiveTransport(session, section)
  if (transport.iceUfrag === undefined || transport.icePwd === undefined) {
    throw invalid(`m= section ${index} has no ICE credentials (a=ice-ufrag, a=ice-pwd)`)
  }
  // RFC 8827 §6.5: a peer is known by its fingerprint alone
  if (transport.fingerprints.length === 0) throw invalid(`m= section ${index} has no a=fingerprint`)
  return {
    ice: {
      usernameFragment: transport.iceUfrag,
      password: transport.icePwd,
      ...(session.iceLite ? { lite: true } : {}),
      ...(transport.iceOptions.includes('renomination') ? { renomination: true } : {}),
    },
    fingerprints: transport.fingerprints,
    setup: readSetup(transport.setup, type),
    tlsId: transport.tlsId,
    candidates: section.candidates,
    endOfCandidates: transport.endOfCandidates,
  }
}

/** The user name fragment that the candidates of a section belong to. */
export function remoteFragment(session: SdpSession, index: number): string | undefined {
  return carrierOf(session, index)?.iceUfrag ?? session.iceUfrag
}

/** RFC 5761 §5.1.3: whether RTCP of a section shares the port of RTP. RFC 9143 §7.1.3: the tagged section may say it for all. */
export function isMultiplexed(session: SdpSession, index: number): boolean {
  return session.media[index]?.rtcpMux === true || carrierOf(session, index)?.rtcpMux === true
}

/**
 * RFC 8829 §5.8.3: what every remote description must say of its transports.
 *
 * @throws {DOMException} InvalidAccessError
 */
export function checkRemoteTransports(session: SdpSession, type: DescriptionType, policy: RTCRtcpMuxPolicy): void {
  const homes = bundledHomes(session)
  session.media.forEach((section, index) => {
    const home = homes[index]
    if (home === undefined || !isCarried(section)) return
    readRemoteTransport(session, home, type)
    // In the answer to an offer any section may be the one that brings the transport.
    if (type === 'offer' && section.iceUfrag !== undefined) readRemoteTransport(session, index, type)
    if (isRtpSection(section)) checkMultiplexing(session, index, policy)
  })
}

function checkMultiplexing(session: SdpSession, index: number, policy: RTCRtcpMuxPolicy): void {
  if (isMultiplexed(session, index)) return
  // RFC 8858 §4.2
  if (session.media[index]?.rtcpMuxOnly === true) {
    throw invalid(`m= section ${index} has a=rtcp-mux-only without a=rtcp-mux`)
  }
  // webrtc-pc §4.4.1.4, step 4.5.4
  if (policy === 'require') {
    throw invalid(`m= section ${index} does not multiplex RTCP (a=rtcp-mux), which rtcpMuxPolicy 'require' asks for`)
  }
}

function carrierOf(session: SdpSession, index: number): SdpMedia | undefined {
  const carriers = knownCarriers.get(session) ?? findCarriers(session)
  knownCarriers.set(session, carriers)
  return carriers[index]
}

const knownCarriers = new WeakMap<SdpSession, readonly SdpMedia[]>()

/**
 * RFC 9143 §7.1.3: a bundled section that has no transport attributes of its own uses those of the tagged section. All at
 * once, as a description may have a thousand sections in one group.
 */
function findCarriers(session: SdpSession): readonly SdpMedia[] {
  const tags = new Map<number, SdpMedia>()
  for (const group of bundleGroups(session)) {
    const tag = group.map(index => session.media[index]).find(section => section?.iceUfrag !== undefined)
    if (tag !== undefined) for (const index of group) tags.set(index, tag)
  }
  return session.media.map((section, index) =>
    section.iceUfrag === undefined ? (tags.get(index) ?? section) : section,
  )
}

function readSetup(setup: SdpSetup | undefined, type: DescriptionType): SdpSetup {
  // RFC 8842 §5.2 and §5.3: an offer may leave the role open, an answer must choose
  if (setup === undefined) {
    if (type === 'offer') return 'actpass'
    throw invalid('the answer has no a=setup')
  }
  if (setup === 'holdconn') throw invalid('a=setup:holdconn cannot be used with DTLS')
  if (type !== 'offer' && setup === 'actpass') throw invalid('an answer with a=setup:actpass leaves the DTLS role open')
  return setup
}

function readMaxMessageSize(size: number | undefined): number {
  if (size === undefined) return defaultMaxMessageSize
  // RFC 8841 §6.1: zero means that messages of any size are taken
  return size === 0 ? Number.POSITIVE_INFINITY : size
}

function invalid(message: string): DOMException {
  return new DOMException(message, 'InvalidAccessError')
}
