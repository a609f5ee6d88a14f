import { greater16 } from '../base/serial.ts'
import { readMid, readRtpStreamId } from './extension-values.ts'
import { findExtension } from './header-extensions.ts'
import type { RtpPacket } from './packet.ts'
import { type Bye, type RtcpPacket, SdesItem, type SourceDescription } from './rtcp/types.ts'

/** Streams at most that are known by what they themselves have told. */
export const maxLearnedSsrcs = 256
/** Streams at most that descriptions name; they are never given up for others. What goes beyond can still be learned. */
export const maxDescribedSsrcs = 1_024
/** RFC 3550 §6.2.1: how long packets of a source may still come after its BYE, in milliseconds. */
const stragglerMs = 2_000

/** What a media section says about the streams that belong to it. */
export interface RoutedSection {
  readonly mid: string
  /** Payload types that are received there, with those of retransmissions and corrections. */
  readonly payloadTypes: Iterable<number>
  /** SSRCs that the remote description names for it. */
  readonly receiveSsrcs?: Iterable<number>
  /** SSRCs that are sent there. */
  readonly sendSsrcs?: Iterable<number>
}

export interface RouterOptions {
  /** Header extension ids, where they are in use. */
  readonly extensionIds: { readonly mid?: number; readonly rtpStreamId?: number; readonly repairedRtpStreamId?: number }
}

/** Where the packets of a stream belong. The same object for every packet of the stream, updated in place. */
export interface Route {
  readonly ssrc: number
  readonly mid: string
  /** RFC 8852: which encoding of the section it is. */
  readonly rtpStreamId: string | undefined
  /** Which encoding it repairs. */
  readonly repairedRtpStreamId: string | undefined
}

/**
 * - `unknown-mid`: the stream says that it belongs to a section that there is none of
 * - `unknown-payload-type`: the section does not take that payload type
 * - `unknown-stream`: neither MID, SSRC nor payload type tell where it belongs
 */
export type RouteDrop = 'unknown-mid' | 'unknown-payload-type' | 'unknown-stream'

interface Section {
  readonly mid: string
  readonly payloadTypes: ReadonlySet<number>
}

interface Entry {
  readonly ssrc: number
  mid: string
  rtpStreamId: string | undefined
  repairedRtpStreamId: string | undefined
  section: Section | undefined
  /** Named by a description. */
  pinned: boolean
  /** The sequence number of the packet that last told the MID. */
  midSequence: number | undefined
  lastUsed: number
  endsAt: number
}

const drops = {
  mid: { drop: 'unknown-mid' },
  payloadType: { drop: 'unknown-payload-type' },
  stream: { drop: 'unknown-stream' },
} as const

/**
 * Finds the media section of the streams that share one transport (RFC 9143 §9.2, RFC 8843 §9.2), by MID, SSRC or payload
 * type. It is to be given packets only after they were authenticated.
 */
export class RtpRouter {
  readonly #ids: RouterOptions['extensionIds']
  readonly #sections = new Map<string, Section>()
  readonly #byPayloadType = new Map<number, Section>()
  readonly #incoming = new Map<number, Entry>()
  readonly #outgoing = new Map<number, string>()
  #described = 0

  constructor({ extensionIds }: RouterOptions) {
    this.#ids = extensionIds
  }

  /** Streams that are known by their SSRC. */
  get size(): number {
    return this.#incoming.size
  }

  /** Takes over what the descriptions say now. Streams that were learned stay, if their section does. */
  configure(sections: Iterable<RoutedSection>, now: number): void {
    this.#sections.clear()
    this.#byPayloadType.clear()
    this.#outgoing.clear()
    this.#described = 0
    for (const entry of this.#incoming.values()) {
      // What only a description has told goes with it.
      if (entry.pinned && entry.midSequence === undefined) this.#incoming.delete(entry.ssrc)
      entry.pinned = false
    }
    const ambiguous = new Set<number>()
    for (const section of sections) this.#add(section, ambiguous, now)
    // RFC 9143 §9.2: a payload type of more than one section tells nothing.
    for (const payloadType of ambiguous) this.#byPayloadType.delete(payloadType)
    for (const entry of this.#incoming.values()) entry.section = this.#sections.get(entry.mid)
  }

  /** Where an RTP packet belongs. @param now monotonic milliseconds */
  route(packet: RtpPacket, now: number): Route | { readonly drop: RouteDrop } {
    let entry = this.#incoming.get(packet.ssrc)
    if (entry && now >= entry.endsAt) {
      this.#incoming.delete(packet.ssrc)
      entry = undefined
    }
    const { mid: midId } = this.#ids
    const midData = midId === undefined ? undefined : findExtension(packet.extension, midId)
    if (midData) {
      const mid = readMid(midData)
      const section = mid === undefined ? undefined : this.#sections.get(mid)
      // RFC 9143 §9.2: a stream whose MID is not in the table is not decoded.
      if (!section) return drops.mid
      entry = this.#applyMid(entry, section, packet, now)
    }
    if (!entry) {
      const section = this.#byPayloadType.get(packet.payloadType)
      if (!section) return drops.stream
      entry = this.#learn(packet.ssrc, section, now)
    }
    if (!entry.section) return drops.mid
    if (!entry.section.payloadTypes.has(packet.payloadType)) return drops.payloadType
    entry.lastUsed = now
    if (packet.extension) this.#applyStreamIds(entry, packet)
    return entry
  }

  /**
   * The sections that an RTCP packet is for: RFC 9143 §9.2. What it tells about streams (a MID in a source description, a
   * BYE) is noted.
   */
  routeRtcp(packet: RtcpPacket, now: number): ReadonlySet<string> {
    const mids = new Set<string>()
    switch (packet.type) {
      case 'source-description':
        this.#describe(packet, mids, now)
        break
      case 'bye':
        this.#end(packet, mids, now)
        break
      case 'sender-report':
        this.#addIncoming(packet.ssrc, mids)
        for (const report of packet.reports) this.#addOutgoing(report.ssrc, mids)
        break
      case 'receiver-report':
        for (const report of packet.reports) this.#addOutgoing(report.ssrc, mids)
        break
      case 'extended-report':
        this.#addIncoming(packet.ssrc, mids)
        for (const block of packet.blocks) {
          if (block.type !== 'delay-since-last-reference-time') continue
          for (const { ssrc } of block.entries) this.#addOutgoing(ssrc, mids)
        }
        break
      default:
        this.#routeFeedback(packet, mids)
    }
    return mids
  }

  #routeFeedback(
    packet: Exclude<
      RtcpPacket,
      { type: 'source-description' | 'bye' | 'sender-report' | 'receiver-report' | 'extended-report' }
    >,
    mids: Set<string>,
  ): void {
    switch (packet.type) {
      case 'nack':
      case 'pli':
      case 'sli':
        this.#addOutgoing(packet.mediaSsrc, mids)
        break
      // Requests name the streams that this end sends; a notification those that it receives.
      case 'fir':
        for (const { ssrc } of packet.requests) this.#addOutgoing(ssrc, mids)
        break
      case 'tmmbr':
        for (const { ssrc } of packet.entries) this.#addOutgoing(ssrc, mids)
        break
      case 'remb':
        for (const ssrc of packet.ssrcs) this.#addOutgoing(ssrc, mids)
        break
      case 'tmmbn':
        this.#addIncoming(packet.senderSsrc, mids)
        for (const { ssrc } of packet.entries) this.#addIncoming(ssrc, mids)
        break
      // These are about the transport as a whole, and APP packets are for whoever knows them.
      default:
        break
    }
  }

  #add(section: RoutedSection, ambiguous: Set<number>, now: number): void {
    const added: Section = { mid: section.mid, payloadTypes: new Set(section.payloadTypes) }
    this.#sections.set(section.mid, added)
    for (const payloadType of added.payloadTypes) {
      if (this.#byPayloadType.has(payloadType)) ambiguous.add(payloadType)
      this.#byPayloadType.set(payloadType, added)
    }
    for (const ssrc of section.sendSsrcs ?? []) this.#outgoing.set(ssrc, section.mid)
    for (const ssrc of section.receiveSsrcs ?? []) {
      if (this.#described >= maxDescribedSsrcs) return
      const entry = this.#incoming.get(ssrc) ?? this.#learn(ssrc, added, now)
      if (!entry.pinned) this.#described++
      // A MID that the stream itself has told is newer than what the description knew.
      if (entry.midSequence === undefined) entry.mid = section.mid
      entry.pinned = true
    }
  }

  #applyMid(entry: Entry | undefined, section: Section, packet: RtpPacket, now: number): Entry {
    if (!entry) entry = this.#learn(packet.ssrc, section, now)
    const { sequenceNumber } = packet
    // RFC 9143 §9.2: only a packet after the one that last told it may change the MID.
    if (entry.midSequence !== undefined && !greater16(sequenceNumber, entry.midSequence)) return entry
    if (entry.section !== section) {
      entry.rtpStreamId = undefined
      entry.repairedRtpStreamId = undefined
    }
    entry.midSequence = sequenceNumber
    entry.mid = section.mid
    entry.section = section
    return entry
  }

  /** RFC 8852 §3: the ids stay with the stream; packets need not all carry them. */
  #applyStreamIds(entry: Entry, packet: RtpPacket): void {
    const { rtpStreamId, repairedRtpStreamId } = this.#ids
    const rid = rtpStreamId === undefined ? undefined : findExtension(packet.extension, rtpStreamId)
    if (rid) entry.rtpStreamId = readRtpStreamId(rid) ?? entry.rtpStreamId
    const repaired =
      repairedRtpStreamId === undefined ? undefined : findExtension(packet.extension, repairedRtpStreamId)
    if (repaired) entry.repairedRtpStreamId = readRtpStreamId(repaired) ?? entry.repairedRtpStreamId
  }

  #describe(packet: SourceDescription, mids: Set<string>, now: number): void {
    for (const { ssrc, items } of packet.chunks) {
      const mid = items.find(item => item.type === SdesItem.mid)?.text
      const section = mid === undefined ? undefined : this.#sections.get(mid)
      const entry = this.#incoming.get(ssrc)
      // RTCP carries no sequence number that tells its age: what packets have told of themselves stands.
      if (section && !entry) this.#learn(ssrc, section, now)
      else if (section && entry && entry.midSequence === undefined) {
        entry.mid = section.mid
        entry.section = section
      }
      this.#addIncoming(ssrc, mids)
    }
  }

  #end(packet: Bye, mids: Set<string>, now: number): void {
    for (const ssrc of packet.ssrcs) {
      this.#addIncoming(ssrc, mids)
      const entry = this.#incoming.get(ssrc)
      if (entry && !entry.pinned) entry.endsAt = now + stragglerMs
    }
  }

  #learn(ssrc: number, section: Section, now: number): Entry {
    if (this.#incoming.size - this.#described >= maxLearnedSsrcs) this.#evict()
    const entry: Entry = {
      ssrc,
      mid: section.mid,
      rtpStreamId: undefined,
      repairedRtpStreamId: undefined,
      section,
      pinned: false,
      midSequence: undefined,
      lastUsed: now,
      endsAt: Number.POSITIVE_INFINITY,
    }
    this.#incoming.set(ssrc, entry)
    return entry
  }

  /** Gives up the stream that has been silent for the longest time. */
  #evict(): void {
    let oldest: Entry | undefined
    for (const entry of this.#incoming.values()) {
      if (!entry.pinned && (!oldest || entry.lastUsed < oldest.lastUsed)) oldest = entry
    }
    if (oldest) this.#incoming.delete(oldest.ssrc)
  }

  #addIncoming(ssrc: number, mids: Set<string>): void {
    const entry = this.#incoming.get(ssrc)
    if (entry) mids.add(entry.mid)
  }

  #addOutgoing(ssrc: number, mids: Set<string>): void {
    const mid = this.#outgoing.get(ssrc)
    if (mid !== undefined) mids.add(mid)
  }
}
