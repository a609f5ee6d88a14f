import { setBounded } from '../../base/bounded-map.ts'
import type { RandomSource } from '../../base/environment.ts'
import { randomUint32 } from '../../base/random.ts'
import { type SourceVerdict, SsrcConflicts } from '../ssrc-conflicts.ts'
import { read32 } from '../wire.ts'
import type { SectionTable } from './sections.ts'
import { RtpSendStream, type SendQueue, type SendStreamSeed } from './send-stream.ts'
import type { SessionEncoding } from './types.ts'

/** Streams that are not sent any more, but may be again: under the same keys their numbers must go on. */
export const maxRetiredStreams = 256
/** SSRCs that were given up, which the application may still know its streams by. */
const maxAliases = 64

/** RFC 3711 §3.3.1: a first sequence number below 2^15 keeps a lost beginning from hiding a wrap. */
const firstSequenceMask = 0x7fff

/** What a new configuration has brought. */
interface OwnChanges {
  /** SSRCs that have sent and do not any more. */
  readonly left: readonly number[]
  /** SSRCs that the peer uses already. */
  readonly collided: readonly number[]
}

/** The streams that are sent, and the SSRCs of this end. */
export class OwnStreams {
  /** By SSRC, of media and of retransmissions. */
  readonly streams: Map<number, RtpSendStream> = new Map()
  readonly repairs: Map<number, RtpSendStream> = new Map()
  /** In the order of the sections. */
  list: readonly RtpSendStream[] = []
  /** Who speaks where nothing is sent. */
  ownSsrc: number
  readonly #random: RandomSource
  readonly #queue: SendQueue
  readonly #retired = new Map<number, RtpSendStream>()
  readonly #aliases = new Map<number, number>()
  readonly #conflicts = new SsrcConflicts()

  constructor(random: RandomSource, queue: SendQueue, ownSsrc: number) {
    this.#random = random
    this.#queue = queue
    this.ownSsrc = ownSsrc
    this.#conflicts.addOwn(ownSsrc)
  }

  /** @param heard SSRCs that the peer uses */
  configure(tables: readonly SectionTable[], heard: ReadonlyMap<number, unknown>): OwnChanges {
    const before = this.list
    this.streams.clear()
    this.repairs.clear()
    const list: RtpSendStream[] = []
    for (const table of tables) {
      for (const encoding of table.section.encodings) {
        const known = before.find(({ ssrc }) => ssrc === this.#current(encoding.ssrc))
        const stream = this.#configureStream(known, table, this.#renamed(encoding))
        list.push(stream)
        this.#index(stream)
      }
    }
    this.list = list
    const left: number[] = []
    for (const stream of before) if (this.streams.get(stream.ssrc) !== stream) this.#retire(stream, left)
    const collided = [...this.streams.keys(), ...this.repairs.keys()].filter(ssrc => heard.has(ssrc))
    return { left, collided }
  }

  find(ssrc: number): RtpSendStream | undefined {
    return this.streams.get(this.#current(ssrc))
  }

  /** Also one that is not sent any more. */
  findKnown(ssrc: number): RtpSendStream | undefined {
    return this.find(ssrc) ?? this.#retired.get(this.#current(ssrc))
  }

  /** The stream of a serialized packet. */
  ofPacket(data: Uint8Array): RtpSendStream | undefined {
    return this.streams.get(read32(data, 8))
  }

  /** What it means that a packet with this SSRC has come in. */
  judge(ssrc: number, now: number): SourceVerdict {
    if (!this.#isOwn(ssrc)) return 'ok'
    // Everything comes over one path.
    return this.#conflicts.judge({ ssrc, from: '', kind: 'rtp' }, now)
  }

  /**
   * Gives up an SSRC for a new one.
   *
   * @returns the new one; undefined if it is of no stream, so that nobody else need know
   */
  replace(ssrc: number, heard: ReadonlyMap<number, unknown>): number | undefined {
    const replacement = this.#unused(heard)
    this.#conflicts.removeOwn(ssrc)
    this.#conflicts.addOwn(replacement)
    if (ssrc === this.ownSsrc) {
      this.ownSsrc = replacement
      return undefined
    }
    const stream = this.streams.get(ssrc)
    const repaired = this.repairs.get(ssrc)
    if (stream) {
      this.streams.delete(ssrc)
      stream.replace({ ...stream.encoding, ssrc: replacement }, this.#seed())
    } else if (repaired) {
      this.repairs.delete(ssrc)
      repaired.replace({ ...repaired.encoding, rtxSsrc: replacement }, this.#seed())
    } else return undefined
    setBounded(this.#aliases, ssrc, replacement, maxAliases)
    this.#index(stream ?? (repaired as RtpSendStream))
    return replacement
  }

  /** Ends streams, by the SSRCs that were configured, before a configuration does. @returns the SSRCs that have sent */
  end(ssrcs: readonly number[]): readonly number[] {
    const left: number[] = []
    for (const stream of ssrcs.flatMap(ssrc => this.find(ssrc) ?? [])) {
      this.streams.delete(stream.ssrc)
      if (stream.rtxSsrc !== undefined) this.repairs.delete(stream.rtxSsrc)
      this.#retire(stream, left)
    }
    this.list = this.list.filter(stream => this.streams.get(stream.ssrc) === stream)
    return left
  }

  /** Nothing is sent any more. @returns the SSRCs that have sent */
  close(): readonly number[] {
    const left: number[] = []
    for (const stream of this.list) this.#retire(stream, left)
    this.list = []
    this.streams.clear()
    this.repairs.clear()
    this.#retired.clear()
    return left
  }

  #configureStream(known: RtpSendStream | undefined, table: SectionTable, encoding: SessionEncoding): RtpSendStream {
    const existing = known ?? this.#retired.get(encoding.ssrc)
    this.#retired.delete(encoding.ssrc)
    if (!existing) return new RtpSendStream(this.#queue, table, encoding, this.#seed())
    existing.configure(table, encoding)
    return existing
  }

  #index(stream: RtpSendStream): void {
    this.streams.set(stream.ssrc, stream)
    this.#conflicts.addOwn(stream.ssrc)
    if (stream.rtxSsrc === undefined) return
    this.repairs.set(stream.rtxSsrc, stream)
    this.#conflicts.addOwn(stream.rtxSsrc)
  }

  #retire(stream: RtpSendStream, left: number[]): void {
    const { ssrc, rtxSsrc } = stream
    stream.stop()
    if (stream.media.packets > 0) left.push(ssrc)
    if (rtxSsrc !== undefined && stream.repairs.packets > 0) left.push(rtxSsrc)
    this.#conflicts.removeOwn(ssrc)
    if (rtxSsrc !== undefined) this.#conflicts.removeOwn(rtxSsrc)
    setBounded(this.#retired, ssrc, stream, maxRetiredStreams)
  }

  #isOwn(ssrc: number): boolean {
    return this.streams.has(ssrc) || this.repairs.has(ssrc) || ssrc === this.ownSsrc
  }

  /** What an SSRC was replaced by. */
  #current(ssrc: number): number {
    let current = ssrc
    for (let next = this.#aliases.get(current); next !== undefined; next = this.#aliases.get(current)) current = next
    return current
  }

  #renamed(encoding: SessionEncoding): SessionEncoding {
    const { ssrc, rtxSsrc, rid } = encoding
    return { ssrc: this.#current(ssrc), rtxSsrc: rtxSsrc === undefined ? undefined : this.#current(rtxSsrc), rid }
  }

  #unused(heard: ReadonlyMap<number, unknown>): number {
    let ssrc: number
    do ssrc = randomUint32(this.#random)
    while (this.#isOwn(ssrc) || heard.has(ssrc) || this.#aliases.has(ssrc) || this.#retired.has(ssrc))
    return ssrc
  }

  #seed(): SendStreamSeed {
    return {
      firstSequence: randomUint32(this.#random) & firstSequenceMask,
      firstTimestamp: randomUint32(this.#random),
      firstRtxSequence: randomUint32(this.#random) & firstSequenceMask,
    }
  }
}
