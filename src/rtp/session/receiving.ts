import { ArrivalLog } from '../arrival-log.ts'
import { ReceiveSideEstimator } from '../congestion/receive-side-estimator.ts'
import { readAbsSendTime, readTransportSequence } from '../extension-values.ts'
import { findExtension } from '../header-extensions.ts'
import { parseRtp, type RtpPacket } from '../packet.ts'
import { type Route, RtpRouter } from '../router.ts'
import { unwrapRtx } from '../rtx.ts'
import { InboundStream } from './inbound-stream.ts'
import type { ReceivedPacket } from './receive-stream.ts'
import type { SectionTable } from './sections.ts'
import type { RtpSessionDrop, RtpSessionDropReason } from './statistics.ts'
import type { SessionCodec } from './types.ts'

/** Streams that are received at most; the one that has been silent for the longest time makes room. */
export const maxReceiveStreams = 256
/** RFC 3550 §6.2.1: packets that come so long after a BYE are no stragglers of the same source, in milliseconds. */
const stragglerMs = 2_000
/** A feedback about arrivals fits one datagram together with a report. */
const maxArrivalBytes = 900

/** What arrives, and which stream it belongs to. It is told of authenticated packets only. */
export class Receiving {
  /** By SSRC. */
  readonly streams: Map<number, InboundStream> = new Map()
  readonly router: RtpRouter
  readonly arrivals: ArrivalLog = new ArrivalLog({ senderSsrc: 0, maxBytes: maxArrivalBytes })
  /** For peers that take no transport-wide feedback. */
  readonly remb: ReceiveSideEstimator = new ReceiveSideEstimator()
  readonly drops: Map<RtpSessionDropReason, number> = new Map()
  /** When the next packets are to be asked for. */
  nackAt: number = Number.POSITIVE_INFINITY
  /** The next request for a keyframe. */
  keyframeAt: number = Number.POSITIVE_INFINITY
  readonly #extensionIds: { mid?: number; rtpStreamId?: number; repairedRtpStreamId?: number } = {}
  readonly #tables = new Map<string, SectionTable>()

  constructor() {
    this.router = new RtpRouter({ extensionIds: this.#extensionIds })
  }

  configure(tables: readonly SectionTable[], now: number): void {
    this.#tables.clear()
    for (const table of tables) this.#tables.set(table.mid, table)
    this.#setExtensionIds(tables)
    const routed = tables.map(table => ({
      mid: table.mid,
      payloadTypes: table.payloadTypes(),
      receiveSsrcs: table.describedSsrcs(),
      sendSsrcs: table.section.encodings.map(({ ssrc }) => ssrc),
    }))
    this.router.configure(routed, now)
    for (const [ssrc, stream] of this.streams) {
      const table = this.#tables.get(stream.route.mid)
      if (!table) this.#remove(ssrc, stream)
      else {
        stream.table = table
        if (table.section.receive.length === 0) stream.rest()
      }
    }
  }

  receive(data: Uint8Array, now: number, owner: SsrcOwner): ReceivedPacket | RtpSessionDrop {
    const packet = parseRtp(data)
    if ('drop' in packet) return this.drop(packet.drop)
    const { ssrc } = packet
    let stream = this.streams.get(ssrc)
    if (!stream && !owner.isForeign(ssrc, now)) return this.drop('own-loop')
    const route = this.router.route(packet, now)
    if ('drop' in route) return this.drop(route.drop)
    if (stream?.route !== route || stream.endedAt !== undefined || stream.table.mid !== route.mid) {
      const table = this.#tables.get(route.mid)
      if (!table) return this.drop('unknown-mid')
      stream = this.#renew(stream, route, table, now)
    }
    const original = stream.table.originals[packet.payloadType] as number
    if (original >= 0) return this.#receiveRepair(stream, packet, original, data.length, now)
    const codec = stream.table.receive[packet.payloadType]
    if (!codec) return this.drop('unknown-payload-type')
    this.#noteArrival(packet, stream, codec, data.length, now)
    stream.hasMedia = true
    stream.arrived(packet, codec, data.length, now)
    if (!this.#accept(stream, packet.sequenceNumber, codec, now)) return this.drop('duplicate')
    return { stream, packet, raw: data }
  }

  requestKeyframe(ssrc: number, now: number): void {
    const stream = this.streams.get(ssrc)
    if (!stream?.hasMedia) return
    stream.wantKeyframe(now)
    this.keyframeAt = Math.min(this.keyframeAt, stream.keyframeAt ?? now)
  }

  drop(reason: RtpSessionDropReason): RtpSessionDrop {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1)
    return { drop: reason }
  }

  /** Streams of media in a section. */
  ofSection(mid: string): readonly InboundStream[] {
    const streams: InboundStream[] = []
    for (const stream of this.streams.values()) {
      if (stream.mid === mid && isHeard(stream)) streams.push(stream)
    }
    return streams
  }

  /** Those that are on hold, or have said BYE, as well; not what another stream has come in place of. */
  knownOfSection(mid: string): readonly InboundStream[] {
    const known = [...this.streams.values()].filter(stream => stream.mid === mid && stream.hasMedia)
    return known.filter(
      (stream, index) => stream.endedAt === undefined || !known.slice(index + 1).some(({ rid }) => rid === stream.rid),
    )
  }

  set roundTripMs(milliseconds: number) {
    this.remb.setRoundTrip(milliseconds)
    for (const stream of this.streams.values()) stream.roundTripMs = milliseconds
  }

  #receiveRepair(
    repairs: InboundStream,
    packet: RtpPacket,
    payloadType: number,
    bytes: number,
    now: number,
  ): ReceivedPacket | RtpSessionDrop {
    const codec = repairs.table.receive[payloadType]
    if (!codec) return this.drop('unknown-payload-type')
    this.#noteArrival(packet, repairs, codec, bytes, now)
    repairs.arrived(packet, codec, bytes, now)
    const stream = this.#originalOf(repairs)
    if (!stream) return this.drop('unknown-original')
    stream.claim(repairs)
    const original = unwrapRtx(packet, stream.ssrc, payloadType)
    if ('drop' in original) return this.drop(original.drop)
    stream.repaired(original)
    if (!this.#accept(stream, original.sequenceNumber, codec, now)) return this.drop('duplicate')
    return { stream, packet: original, raw: undefined }
  }

  #accept(stream: InboundStream, sequenceNumber: number, codec: SessionCodec, now: number): boolean {
    const accepted = stream.accept(sequenceNumber, codec, now)
    if (stream.nackAt < this.nackAt) this.nackAt = stream.nackAt
    if (stream.keyframeAt !== undefined && stream.keyframeAt < this.keyframeAt) this.keyframeAt = stream.keyframeAt
    return accepted
  }

  #noteArrival(packet: RtpPacket, stream: InboundStream, codec: SessionCodec, bytes: number, now: number): void {
    const { extension } = packet
    if (!extension) return
    const { ids } = stream.table
    if (codec.transportCc) {
      if (ids.transportSequence === 0) return
      const data = findExtension(extension, ids.transportSequence)
      const sequence = data && readTransportSequence(data)
      if (!sequence) return
      this.arrivals.receive(sequence.sequenceNumber, now)
      if (sequence.feedbackRequest) this.arrivals.hasten(now)
    } else if (codec.remb && ids.absSendTime > 0) {
      const data = findExtension(extension, ids.absSendTime)
      const sendTime = data && readAbsSendTime(data)
      if (sendTime !== undefined) this.remb.receive(sendTime, bytes, now)
    }
  }

  /** The stream that retransmissions are of: RFC 4588 §5.3, RFC 8852 §3. */
  #originalOf(repairs: InboundStream): InboundStream | undefined {
    const known = repairs.original
    if (known && this.streams.get(known.ssrc) === known && known.mid === repairs.mid) return known
    const found = this.#findOriginal(repairs)
    if (!found) return undefined
    if (repairs.original) repairs.original.repairs = undefined
    repairs.original = found
    found.repairs = repairs
    return found
  }

  #findOriginal(repairs: InboundStream): InboundStream | undefined {
    const { table, route } = repairs
    const described = table.repairs.get(route.ssrc)
    if (described !== undefined) return this.streams.get(described)
    const rid = route.repairedRtpStreamId
    let only: InboundStream | undefined
    for (const stream of this.streams.values()) {
      if (stream.mid !== table.mid || !stream.hasMedia || stream.endedAt !== undefined) continue
      if (rid !== undefined) {
        if (stream.rid === rid) return stream
      } else if (stream.repairs === undefined) {
        // Without a word about it, it is clear only if one stream comes into question.
        if (only) return undefined
        only = stream
      }
    }
    return only
  }

  /** The stream of a route that has changed, or ended. */
  #renew(stream: InboundStream | undefined, route: Route, table: SectionTable, now: number): InboundStream {
    const isSame = stream !== undefined && (stream.route === route || stream.mid === route.mid)
    if (isSame && (stream.endedAt === undefined || now < stream.endedAt + stragglerMs)) {
      // A description that names the stream anew makes another route of it.
      stream.route = route
      stream.table = table
      return stream
    }
    if (stream) this.#remove(route.ssrc, stream)
    if (this.streams.size >= maxReceiveStreams) this.#evict()
    const begun = new InboundStream(route, table)
    this.streams.set(route.ssrc, begun)
    return begun
  }

  #evict(): void {
    let oldest: InboundStream | undefined
    for (const stream of this.streams.values()) {
      if (!oldest || (stream.lastPacketReceivedAt ?? 0) < (oldest.lastPacketReceivedAt ?? 0)) oldest = stream
    }
    if (oldest) this.#remove(oldest.ssrc, oldest)
  }

  #remove(ssrc: number, stream: InboundStream): void {
    this.streams.delete(ssrc)
    if (stream.repairs) stream.repairs.original = undefined
    if (stream.original) stream.original.repairs = undefined
  }

  #setExtensionIds(tables: readonly SectionTable[]): void {
    // RFC 9143 §7.1: an id stands for the same extension in all sections of a bundle.
    for (const name of ['mid', 'rtpStreamId', 'repairedRtpStreamId'] as const) {
      const id = tables.find(({ ids }) => ids[name] > 0)?.ids[name]
      if (id === undefined) delete this.#extensionIds[name]
      else this.#extensionIds[name] = id
    }
  }
}

/** Of media, not at its end, and not on hold. */
function isHeard({ hasMedia, endedAt, table }: InboundStream): boolean {
  return hasMedia && endedAt === undefined && table.section.receive.length > 0
}

/** Who knows the SSRCs of this end. */
export interface SsrcOwner {
  /** Whether an SSRC that was not heard before may be somebody else's; false if it is one of ours that comes back. */
  isForeign(ssrc: number, now: number): boolean
}
