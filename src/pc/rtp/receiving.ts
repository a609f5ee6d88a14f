import { ExtensionUri, readAbsCaptureTime, readAudioLevel, readMixerAudioLevels } from '../../rtp/extension-values.ts'
import { findExtension, HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
import type { ReceivedPacket, ReceiveStream } from '../../rtp/session/receive-stream.ts'
import type { AttachedConsumer, TransformSlot } from '../encoded-transform/transform-slot.ts'
import { PacketFanout } from '../media/packet-fanout.ts'
import type { MediaCodec, MediaKind, StreamContext, TrackConsumer, TrackSource } from '../media/track-signal.ts'
import { type ReceivedMedia, receivedMediaOf } from '../stats/received-media.ts'
import type { NegotiatedSection, ReceiverSlots } from './slots.ts'
import { SourceTable, type SourceUpdate } from './source-table.ts'

/**
 * Why a packet was not given to the track.
 *
 * - `not-receptive`: nothing is to be received now
 * - `unknown-payload-type`: nothing was negotiated for it here
 * - `isolated`: it is not for the application, and there is nobody else
 */
export type ReceivingDrop = 'not-receptive' | 'unknown-payload-type' | 'isolated'

/** The contexts of a stream, by payload type. */
interface StreamContexts {
  /** What they were made with: another one makes others. */
  readonly rid: string | undefined
  readonly byPayloadType: (StreamContext | undefined)[]
  /** For statistics. */
  readonly media: ReceivedMedia
}

/** What it reads of its receiver. */
export interface ReceivingOwner extends Pick<ReceiverSlots, 'transport'> {
  /** [[JitterBufferTarget]]: milliseconds. */
  readonly jitterBufferTarget: number | null
}

/** Gives the packets of a section to the receiver's track. */
export class Receiving implements TrackSource {
  readonly kind: MediaKind
  readonly contributing: SourceTable = new SourceTable()
  readonly synchronization: SourceTable = new SourceTable()
  readonly #receiver: ReceivingOwner
  readonly #fanout = new PacketFanout()
  /** The way to those who listen: through the encoded transform, if there is one. */
  readonly #exit: AttachedConsumer
  #section: NegotiatedSection | undefined
  /** What the section says about payload types and header extensions, to be compared. */
  #terms = ''
  #extensions = new HeaderExtensionMap()
  #levelId: number | undefined
  #levelsId: number | undefined
  #captureId: number | undefined
  #contexts = new WeakMap<ReceiveStream, StreamContexts>()
  #lastStream: ReceiveStream | undefined
  #lastContexts: StreamContexts | undefined

  constructor(kind: MediaKind, receiver: ReceivingOwner, transform: Pick<TransformSlot, 'attach'>) {
    this.kind = kind
    this.#receiver = receiver
    this.#exit = transform.attach({ packet: (packet, context, raw) => this.#fanout.deliver(packet, context, raw) })
  }

  subscribe(consumer: TrackConsumer): () => void {
    return this.#fanout.subscribe(consumer)
  }

  /**
   * webrtc-pc §5.3: the jitter buffer is where frames are put together for who plays or records them. The encoded transform
   * comes before it and holds nothing back, or else the track would be held back twice.
   */
  get jitterBufferTarget(): number | null {
    return this.#receiver.jitterBufferTarget
  }

  /** Asks the peer for a keyframe of one encoding or stream, or of all; the session sees to a bearable rate. */
  requestKeyframe(rid?: string, ssrc?: number): void {
    const { transport } = this.#receiver
    if (this.kind !== 'video' || this.#section === undefined || transport === undefined) return
    for (const stream of transport.session.receiveStreams(this.#section.mid)) {
      if (ssrc !== undefined && stream.ssrc !== ssrc) continue
      if (rid === undefined || stream.rid === rid) transport.session.requestKeyframe(stream.ssrc, transport.now())
    }
    transport.schedule()
  }

  negotiated(section: NegotiatedSection | undefined): void {
    this.#section = section
    if (section === undefined) return
    const { extensions, receive } = section.rtp
    const terms = JSON.stringify([extensions, receive, section.local.codecs])
    // The contexts stay as long as they mean the same: with others, those who forward a stream would number it anew.
    if (terms === this.#terms) return
    this.#terms = terms
    this.#extensions = extensionMap(extensions)
    this.#levelId = this.#extensions.idOf(ExtensionUri.audioLevel)
    this.#levelsId = this.#extensions.idOf(ExtensionUri.mixerAudioLevels)
    this.#captureId = this.#extensions.idOf(ExtensionUri.absCaptureTime)
    this.#contexts = new WeakMap()
    this.#lastStream = undefined
  }

  /** @returns why it was not taken */
  received({ stream, packet, raw }: ReceivedPacket, now: number): ReceivingDrop | undefined {
    // RFC 8833 §3: it must only be displayed to users, and there are no media elements to do so
    if (this.#receiver.transport?.isolation?.isConfidential === true) return 'isolated'
    const contexts = this.#contextsOf(stream)
    let context = contexts.byPayloadType[packet.payloadType]
    if (context === undefined) {
      context = this.#createContext(stream, packet.payloadType)
      if (context === undefined) return 'unknown-payload-type'
      contexts.byPayloadType[packet.payloadType] = context
    }
    const level = this.#updateSources(packet, context, now)
    if (context.codec !== undefined) contexts.media.packet(packet, context.codec, level, now)
    this.#exit.packet(packet, context, raw)
    return undefined
  }

  #contextsOf(stream: ReceiveStream): StreamContexts {
    const last = this.#lastContexts
    if (stream === this.#lastStream && last !== undefined && last.rid === stream.rid) return last
    let contexts = this.#contexts.get(stream)
    // RFC 8852 §3: a stream tells its rid when it begins, but that packet may have been lost.
    if (contexts === undefined || contexts.rid !== stream.rid) {
      contexts = { rid: stream.rid, byPayloadType: [], media: receivedMediaOf(stream, this.kind) }
      this.#contexts.set(stream, contexts)
    }
    this.#lastStream = stream
    this.#lastContexts = contexts
    return contexts
  }

  #createContext(stream: ReceiveStream, payloadType: number): StreamContext | undefined {
    const session = stream.codec(payloadType)
    const described = this.#section?.local.codecs.find(each => each.payloadType === payloadType)
    if (session === undefined || described === undefined) return undefined
    const { mimeType, clockRate } = session
    const codec: MediaCodec = {
      mimeType,
      clockRate,
      ...(this.kind === 'audio' ? { channels: described.channels ?? 1 } : {}),
      ...(described.fmtp === undefined ? {} : { sdpFmtpLine: described.fmtp }),
    }
    // The payload types of a stream share its sequence numbers.
    return { codec, rid: stream.rid, extensions: this.#extensions, paced: false, numbering: stream }
  }

  /** @returns the level of audio as RFC 6464 has it, if the packet tells it */
  #updateSources(
    { ssrc, csrcs, timestamp, extension }: RtpPacket,
    { codec }: StreamContext,
    now: number,
  ): number | undefined {
    const captured = this.#captureId === undefined ? undefined : findExtension(extension, this.#captureId)
    const level = this.#levelId === undefined ? undefined : findExtension(extension, this.#levelId)
    const update: SourceUpdate = {
      rtpTimestamp: timestamp,
      clockRate: codec?.clockRate ?? 1,
      level: level && readAudioLevel(level)?.level,
      capture: captured && readAbsCaptureTime(captured),
    }
    this.synchronization.update(ssrc, update, now)
    if (csrcs.length === 0) return update.level
    const values = this.#levelsId === undefined ? undefined : findExtension(extension, this.#levelsId)
    const levels = values && readMixerAudioLevels(values)
    // RFC 6465 §4: the levels are in the order of the CSRCs
    for (const [index, csrc] of csrcs.entries()) {
      this.contributing.update(csrc, { ...update, level: levels?.[index] }, now)
    }
    return update.level
  }
}

/** RFC 8285 §5: one extension for each identifier; what is given twice counts once. */
function extensionMap(extensions: readonly { readonly id: number; readonly uri: string }[]): HeaderExtensionMap {
  const byId = new Map<number, string>()
  for (const { id, uri } of extensions) if (id >= 1 && id <= 255 && !byId.has(id)) byId.set(id, uri)
  return new HeaderExtensionMap(byId)
}
