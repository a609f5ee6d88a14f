import { createHash } from 'node:crypto'
import type { Environment } from '../../base/environment.ts'
import type { CandidateType } from '../../ice/index.ts'
import type { RtpSession } from '../../rtp/session/rtp-session.ts'
import { certificateStats } from '../certificate-stats.ts'
import type { DataChannels } from '../data-channels.ts'
import type { Gatherer } from '../gathering/gatherer.ts'
import type { SectionTransport } from '../negotiation/section-transport.ts'
import type { RTCCertificate } from '../rtc-certificate.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { TransceiverSlots } from '../rtp/slots.ts'
import { RTCStatsReport } from '../stats.ts'
import { constructorToken } from '../webidl.ts'
import { channelStats } from './channel-stats.ts'
import type { RTCStats } from './dictionaries.ts'
import type { Entry, PoolEntry } from './entry.ts'
import type { MediaContext, OwnedEntry } from './media-context.ts'
import { mediaStats } from './media-stats.ts'
import { MonitoredObjects } from './monitored-objects.ts'
import { isReference, type StatsSelector, withReferenced } from './selection.ts'
import { sectionStats, transportStatsId } from './transport-stats.ts'

/** What the ids of a connection are mixed with. */
const saltBytes = 16
/** Of the digest that an id is made of, in characters. */
const idLength = 16

/** What a connection consists of. */
export interface StatsInput {
  readonly channels: DataChannels
  readonly transports: readonly SectionTransport[]
  readonly certificates: readonly RTCCertificate[]
  readonly transceivers: readonly TransceiverSlots[]
  /** Components that were gathered ahead and not yet used. */
  readonly pool: readonly Pick<Gatherer, 'state' | 'candidates'>[]
}

/** Collects what webrtc-stats defines: the states of this very moment, of one connection. */
export class StatsCollector {
  readonly #environment: Environment
  readonly #wallTimeAtZero: number
  readonly #objects = new MonitoredObjects()
  #salt: Uint8Array | undefined

  constructor(environment: Environment) {
    this.#environment = environment
    const { clock } = environment
    // webrtc-pc §8.4, timestamp: a time of day to begin with, and a monotonic clock from there
    this.#wallTimeAtZero = clock.wallTime() - clock.now()
  }

  /** webrtc-pc §8.5, the stats selection algorithm. */
  collect(input: StatsInput, selector: StatsSelector): RTCStatsReport {
    // webrtc-pc §8.4: values of one dictionary are of one moment; here it is the same for all.
    const now = this.#environment.clock.now()
    const media = mediaStats(input.transceivers, this.#mediaContext(input.transports, now))
    const all = [...this.#connectionStats(input), ...media.map(({ entry }) => entry)]
    // webrtc-pc §8.5, steps 2 to 4
    const selected = selector === null ? all : withReferenced(ownedBy(selector, media), all)
    return new RTCStatsReport(constructorToken, this.#finish(selected, now))
  }

  #connectionStats(input: StatsInput): Entry[] {
    const { channels, transports, certificates, pool } = input
    const { opened, closed } = channels.counters
    const sessions = sessionsOf(input.transceivers)
    const context = {
      certificates,
      sessionOf: (dtls: RTCDtlsTransport) => sessions.get(dtls),
      wallTimeOf: (monotonic: number) => this.#wallTimeAtZero + monotonic,
    }
    return [
      { id: 'P', type: 'peer-connection', dataChannelsOpened: opened, dataChannelsClosed: closed },
      ...[...channels.channels].map(channel => channelStats(channel, `D${this.#objects.serialOf(channel)}`)),
      ...pool.map(poolStats),
      ...transports.flatMap(transport => sectionStats(transport, context)),
      ...(transports.length === 0 ? [] : shownCertificates(input)),
    ]
  }

  #mediaContext(transports: readonly SectionTransport[], now: number): MediaContext {
    const ids = new Map(transports.map(transport => [transport.rtp.dtls, transportStatsId(transport)]))
    return {
      objects: this.#objects,
      transportIdOf: dtls => ids.get(dtls),
      wallTimeOf: monotonic => this.#wallTimeAtZero + monotonic,
      now,
    }
  }

  /** Sets the time, and makes ids of what the objects are called here. */
  #finish(entries: readonly Entry[], at: number): RTCStats[] {
    const now = this.#wallTimeAtZero + at
    const idOf = this.#unpredictableIds()
    return entries.map(({ id, type, timestamp = now, ...members }) => {
      const told = Object.entries(members).map(([name, value]) => [
        name,
        isReference(name, value) ? idOf(value) : value,
      ])
      return { id: idOf(id), type, timestamp, ...Object.fromEntries(told) }
    })
  }

  /** webrtc-pc §8.4, id: MUST NOT be predictable; a hash with a salt of the connection's own makes it so. */
  #unpredictableIds(): (name: string) => string {
    this.#salt ??= this.#environment.random(saltBytes)
    const salt = this.#salt
    const known = new Map<string, string>()
    return name => {
      let id = known.get(name)
      if (id === undefined) {
        id = createHash('sha256').update(salt).update(name).digest('base64url').slice(0, idLength)
        known.set(name, id)
      }
      return id
    }
  }
}

function ownedBy(selector: StatsSelector, media: readonly OwnedEntry[]): Entry[] {
  return media.filter(({ owner }) => owner === selector).map(({ entry }) => entry)
}

function sessionsOf(transceivers: readonly TransceiverSlots[]): ReadonlyMap<RTCDtlsTransport, RtpSession> {
  const transports = transceivers.map(({ sender }) => sender.transport).filter(transport => transport !== undefined)
  return new Map(transports.map(({ dtls, session }) => [dtls, session]))
}

/** RFC 8829 §5.2.1: all transports have the same certificates, unless one was handed over to another peer. */
function shownCertificates({ transports, certificates }: StatsInput): Entry[] {
  const outcomes = transports.map(({ rtp }) => rtp.negotiated).filter(outcome => outcome !== undefined)
  return certificateStats(
    certificates,
    outcomes.map(({ remoteCertificates }) => remoteCertificates),
  )
}

/** Not of the standard: a component of the ICE candidate pool. */
function poolStats({ state, candidates }: Pick<Gatherer, 'state' | 'candidates'>, index: number): PoolEntry {
  const count = (type: CandidateType): number => candidates.filter(({ candidate }) => candidate.type === type).length
  return {
    id: `POOL${index}`,
    type: 'icefloe-pooled-component',
    state,
    hostCandidates: count('host'),
    srflxCandidates: count('srflx'),
    relayCandidates: count('relay'),
  }
}
