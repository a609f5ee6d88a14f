import type { MediaStream } from '../../../../src/pc/media/media-stream.ts'
import { createMediaStream } from '../../../../src/pc/media/media-stream.ts'
import type { MediaStreamTrack } from '../../../../src/pc/media/media-stream-track.ts'
import type { MediaKind } from '../../../../src/pc/media/track-signal.ts'
import { rejectedSection } from '../../../../src/pc/rtp/negotiate/rtp-section.ts'
import type { MediaTransport, TransceiverHost } from '../../../../src/pc/rtp/slots.ts'
import { Transceivers } from '../../../../src/pc/rtp/transceivers.ts'
import { RTCStatsReport } from '../../../../src/pc/stats.ts'
import { constructorToken } from '../../../../src/pc/webidl.ts'
import type { SessionSection } from '../../../../src/rtp/session/types.ts'
import {
  isDataSection,
  parseSdp,
  rtpMedia,
  type SdpMedia,
  type SdpRtpMedia,
  type SdpSession,
  serializeSdp,
} from '../../../../src/sdp/index.ts'
import { type Prng, prng } from '../../../support/prng.ts'
import { createEncodingDouble, createSlotsDouble, localTrack, type SlotsDouble } from './slots-double.ts'

export type DescriptionType = 'offer' | 'answer' | 'pranswer'

export const fingerprint: string = Array.from({ length: 32 }, () => 'AB').join(':')

/** A session that only notes its sections. */
export class SessionDouble {
  configured: readonly SessionSection[] = []
  calls = 0

  configure(sections: readonly SessionSection[]): void {
    this.configured = sections
    this.calls++
  }
}

/** One end of a negotiation: its transceivers, and as much of a connection as they need. */
export class MediaPeer {
  readonly random: Prng
  readonly transceivers: Transceivers
  readonly session: SessionDouble = new SessionDouble()
  /** `track:<mid>`, in order. */
  readonly log: string[] = []
  isClosed = false
  wantsData = false
  updates = 0
  currentLocal: SdpSession | undefined
  currentRemote: SdpSession | undefined
  pendingLocal: SdpSession | undefined
  pendingRemote: SdpSession | undefined
  readonly #transport: MediaTransport
  readonly #isWritten: boolean

  /** @param isWritten whether descriptions are written and read again, as they are on their way to a peer */
  constructor(seed = 1, isWritten = true) {
    this.#isWritten = isWritten
    this.random = prng(seed)
    const session = this.session
    this.#transport = { session, schedule: () => undefined, now: () => 0 } as unknown as MediaTransport
    this.transceivers = new Transceivers({
      host: this.#host(seed),
      createTransceiver: createSlotsDouble,
      createEncoding: createEncodingDouble,
      fireTrack: ({ mid, receiver }) => {
        this.log.push(`track ${mid ?? ''} ${receiver.streams.map(({ id }) => id).join(' ')}`.trim())
      },
    })
  }

  get all(): readonly SlotsDouble[] {
    return this.transceivers.all as readonly SlotsDouble[]
  }

  /** The transceiver at a place of the set. */
  at(index: number): SlotsDouble {
    const slots = this.all[index]
    if (slots === undefined) throw new Error(`no transceiver ${index}`)
    return slots
  }

  get isStable(): boolean {
    return this.pendingLocal === undefined && this.pendingRemote === undefined
  }

  get isNeeded(): boolean {
    return this.transceivers.isNeeded(this.currentLocal, this.currentRemote)
  }

  track(kind: MediaKind): MediaStreamTrack {
    return localTrack(kind, this.random)
  }

  stream(id: string): MediaStream {
    return createMediaStream(id)
  }

  /** What RTCRtpTransceiver.stop() does to the slots. */
  stop(slots: SlotsDouble): void {
    slots.direction = 'inactive'
    slots.stopping = true
  }

  createOffer(): SdpSession {
    const sections = this.transceivers.layOutOffer({
      previousLocal: this.pendingLocal ?? this.currentLocal,
      previousRemote: this.pendingRemote ?? this.currentRemote,
      wantsData: this.wantsData,
    })
    const media = sections.map(each => {
      if (each.type === 'rejected') return each.section
      return withTransport(each.type === 'data' ? dataSection(each.mid) : each.section, 'actpass')
    })
    return this.#isWritten ? written(describe(media)) : describe(media)
  }

  createAnswer(): SdpSession {
    const offer = this.pendingRemote
    if (offer === undefined) throw new Error('there is no offer')
    const media = offer.media.map((section, index) => {
      if (isDataSection(section) && section.port !== 0) return withTransport(dataSection(section.mid), 'active')
      const answer = this.transceivers.answerSection(offer, index)
      return answer === undefined ? rejectedSection(section) : withTransport(answer, 'active')
    })
    return this.#isWritten ? written(describe(media)) : describe(media)
  }

  setLocal(type: DescriptionType, session: SdpSession): void {
    const offer = type === 'offer' ? undefined : this.pendingRemote
    this.transceivers.check({ side: 'local', type, session, offer })
    this.transceivers.apply({ side: 'local', type, session, offer })
    if (type === 'answer') this.#agree(session, this.pendingRemote)
    else this.pendingLocal = session
    this.#settle()
  }

  setRemote(type: DescriptionType, session: SdpSession): void {
    const offer = type === 'offer' ? undefined : this.pendingLocal
    this.transceivers.check({ side: 'remote', type, session, offer })
    this.transceivers.apply({ side: 'remote', type, session, offer })
    if (type === 'answer') this.#agree(this.pendingLocal, session)
    else this.pendingRemote = session
    this.#settle(type !== 'offer')
  }

  rollback(): void {
    this.transceivers.rollback()
    this.pendingLocal = undefined
    this.pendingRemote = undefined
    this.#settle()
  }

  #agree(local: SdpSession | undefined, remote: SdpSession | undefined): void {
    this.currentLocal = local
    this.currentRemote = remote
    this.pendingLocal = undefined
    this.pendingRemote = undefined
  }

  #settle(connects = true): void {
    if (connects) this.transceivers.connect(() => this.#transport)
    for (const step of this.transceivers.takeEvents()) step()
  }

  #host(seed: number): TransceiverHost {
    const isClosed = (): boolean => this.isClosed
    return {
      get isClosed() {
        return isClosed()
      },
      isConnected: true,
      cname: `cname-${seed}`,
      random: length => this.random.bytes(length),
      now: () => 0,
      wallTime: () => 0,
      queueTask: step => step(),
      setTimer: () => () => undefined,
      updateNegotiationNeeded: () => {
        this.updates++
      },
      chain: operation => operation(),
      collectStats: async () => new RTCStatsReport(constructorToken, []),
    }
  }
}

/** One whole negotiation. */
export function negotiate(offerer: MediaPeer, answerer: MediaPeer): { offer: SdpSession; answer: SdpSession } {
  const offer = offerer.createOffer()
  offerer.setLocal('offer', offer)
  answerer.setRemote('offer', offer)
  const answer = answerer.createAnswer()
  answerer.setLocal('answer', answer)
  offerer.setRemote('answer', answer)
  return { offer, answer }
}

/** What a section of a description says about RTP. */
export function rtpAt(session: SdpSession, index: number): SdpRtpMedia {
  return rtpMedia(session, sectionAt(session, index))
}

export function sectionAt(session: SdpSession, index: number): SdpMedia {
  const section = session.media[index]
  if (section === undefined) throw new Error(`no section ${index}`)
  return section
}

/** As it comes out at the other end. */
export function written(session: SdpSession): SdpSession {
  return parseSdp(serializeSdp(session))
}

function describe(media: readonly SdpMedia[]): SdpSession {
  const mids = media.filter(({ port }) => port !== 0).flatMap(({ mid }) => mid ?? [])
  return {
    origin: {
      username: '-',
      sessionId: '1',
      sessionVersion: '1',
      netType: 'IN',
      addressType: 'IP4',
      address: '0.0.0.0',
    },
    sessionName: '-',
    groups: mids.length === 0 ? [] : [{ semantics: 'BUNDLE', mids }],
    iceLite: false,
    iceOptions: [],
    fingerprints: [],
    attributes: [],
    media,
  }
}

function withTransport(section: SdpMedia, setup: 'actpass' | 'active'): SdpMedia {
  return {
    ...section,
    port: 9,
    iceUfrag: 'ufra',
    icePwd: 'passwordpasswordpassword',
    fingerprints: [{ algorithm: 'sha-256', value: fingerprint }],
    setup,
    rtcpMux: section.kind !== 'application',
  }
}

function dataSection(mid: string | undefined): SdpMedia {
  return {
    kind: 'application',
    port: 9,
    connection: 'IN IP4 0.0.0.0',
    protocol: 'UDP/DTLS/SCTP',
    formats: ['webrtc-datachannel'],
    ...(mid === undefined ? {} : { mid }),
    bundleOnly: false,
    iceOptions: [],
    fingerprints: [],
    candidates: [],
    endOfCandidates: false,
    rtcpMux: false,
    rtcpMuxOnly: false,
    sctpPort: 5000,
    maxMessageSize: 262_144,
    attributes: [],
  }
}
