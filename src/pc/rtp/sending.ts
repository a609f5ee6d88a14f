import { ExtensionUri, readAudioLevel } from '../../rtp/extension-values.ts'
import { findExtension } from '../../rtp/header-extensions.ts'
import type { RtpPacket } from '../../rtp/packet.ts'
import type { RtpSendStream } from '../../rtp/session/send-stream.ts'
import type { FrameOrigin } from '../encoded-transform/frame-metadata.ts'
import type { AttachedConsumer, TransformSlot } from '../encoded-transform/transform-slot.ts'
import { confinementOf, type MediaStreamTrack, observeTrack, sourceOf } from '../media/media-stream-track.ts'
import type { MediaCodec, StreamContext, TrackConsumer, TrackSource } from '../media/track-signal.ts'
import { type SentMedia, sentMediaOf } from '../stats/sent-media.ts'
import { carriedElements, type ElementMapping, elementMappings } from './carried-elements.ts'
import { encodingFor, sendCodecFor } from './send-choice.ts'
import { SenderBitrates } from './sender-bitrates.ts'
import type { EncodingSlots, MediaTransport, NegotiatedSection, SenderSlots, TransceiverSlots } from './slots.ts'

/**
 * Why a packet of a track was not given to its transport.
 *
 * - `not-sending`: nothing is to be sent now: the direction, or there is no transport
 * - `inactive`: its encoding is not active
 * - `held`: a tone is sent in its place
 * - `other-encoding`: of a simulcast, of which another encoding is sent
 * - `no-encoding`: the peer takes none with its rid
 * - `no-codec`: its codec was not negotiated
 * - `refused`: the RTP session did not take it; its statistics say why
 * - `isolated`: it is for one peer alone, and this is another one, or one that has not promised to keep it
 */
export type SendingDrop =
  | 'not-sending'
  | 'inactive'
  | 'held'
  | 'other-encoding'
  | 'no-encoding'
  | 'no-codec'
  | 'refused'
  | 'isolated'

/** The way of the packets of one context. */
interface Route {
  readonly transport: MediaTransport
  readonly stream: RtpSendStream
  readonly encoding: EncodingSlots
  readonly payloadType: number
  readonly codec: MediaCodec
  readonly mappings: readonly ElementMapping[]
  readonly numbering: Numbering
}

/**
 * What stands for the numbers of a source. After packets were left out on purpose it is another object: the stream goes
 * on where it was, or else the peer would take them for lost.
 */
interface Numbering {
  source: object
  interrupted: boolean
}

/** What the pipeline reads of its sender. */
export type SendingSlots = Pick<SenderSlots, 'kind' | 'encodings' | 'transport' | 'degradationPreference'>

/** Takes the packets of a track to the RTP session, while the section is negotiated and its direction sends. */
export class Sending implements TrackConsumer {
  readonly drops: Record<SendingDrop, number> = {
    'not-sending': 0,
    inactive: 0,
    held: 0,
    'other-encoding': 0,
    'no-encoding': 0,
    'no-codec': 0,
    refused: 0,
    isolated: 0,
  }
  /** Packets are left out: something else is sent in their place. */
  held = false
  readonly #sender: SendingSlots
  readonly #transform: Pick<TransformSlot, 'attach' | 'keyframeRequested'>
  readonly #transceiver: Pick<TransceiverSlots, 'currentDirection'>
  #section: NegotiatedSection | undefined
  #track: MediaStreamTrack | null = null
  /** webrtc-identity §11.1: the one peer that the track may be sent to. */
  #confinement: string | undefined
  #source: TrackSource | undefined
  /** The way in: through the encoded transform, if there is one. */
  #entrance: AttachedConsumer | undefined
  #unsubscribe: (() => void) | undefined
  #unobserve: (() => void) | undefined
  #routes = new WeakMap<StreamContext, Route | SendingDrop>()
  #numberings = new WeakMap<object, Numbering>()
  #lastContext: StreamContext | undefined
  #lastRoute: Route | undefined
  /** Of a source that has several, the one that is sent where there is a single encoding. */
  #rid: string | undefined
  readonly #bitrates: SenderBitrates
  /** For statistics. */
  readonly #media: SentMedia
  /** The session took no more packets, and who wrote them waits. */
  #isRefused = false
  /** What was refused last cannot be decoded around: a keyframe is due once packets leave. */
  #needsKeyframe = false

  constructor(
    sender: SendingSlots,
    transceiver: Pick<TransceiverSlots, 'currentDirection'>,
    transform: Pick<TransformSlot, 'attach' | 'keyframeRequested'>,
  ) {
    this.#sender = sender
    this.#media = sentMediaOf(sender)
    this.#bitrates = new SenderBitrates(sender, this.#media)
    this.#transform = transform
    this.#transceiver = transceiver
  }

  setTrack(track: MediaStreamTrack | null): void {
    if (track === this.#track) return
    this.#track = track
    this.#confinement = confinementOf(track)
    this.#media.replaced()
    this.#rid = undefined
    this.#unobserve?.()
    this.#unobserve = track === null ? undefined : observeTrack(track, { enabledChanged: () => this.#renumber() })
    this.#update()
  }

  negotiated(section: NegotiatedSection | undefined): void {
    this.#section = section
    this.changed()
    this.#update()
  }

  /** Encodings or transport are others now. */
  changed(): void {
    this.#forgetRoutes()
    this.#media.keep(this.#sender.encodings.map(({ ssrc }) => ssrc))
    this.#bitrates.update(this.#source, this.#section)
  }

  /** The session of a transport takes packets that it refused before. */
  writable(): void {
    if (!this.#isRefused || this.#sender.transport?.session.isWritable !== true) return
    this.#isRefused = false
    this.#source?.drained?.()
  }

  /** For good. */
  stop(): void {
    this.setTrack(null)
    this.negotiated(undefined)
  }

  /** The peer asks for a keyframe of the encoding that has this SSRC. */
  keyframeRequested(ssrc: number): void {
    const encoding = this.#sender.encodings.find(each => each.ssrc === ssrc)
    if (encoding === undefined || this.#transform.keyframeRequested(encoding.parameters.rid)) return
    this.requestKeyframe(encoding)
  }

  requestKeyframe(encoding: EncodingSlots): void {
    this.askSource(encoding.parameters.rid)
  }

  /** Asks the source of the track for a keyframe. */
  askSource(rid: string | undefined): void {
    if (this.#sender.kind === 'video') this.#source?.requestKeyframe(rid ?? this.#rid)
  }

  /** What the packets of a context are sent as; undefined if they are not. */
  describe(context: StreamContext): FrameOrigin | undefined {
    const route = this.#routeOf(context)
    return route && { codec: route.codec, payloadType: route.payloadType, ssrc: route.stream.ssrc }
  }

  /** The timestamp that packets of a context will leave with, if they come later. */
  timestampOf(timestamp: number, context: StreamContext): number {
    const route = this.#routeOf(context)
    if (route === undefined) return timestamp
    const { stream, transport, codec, numbering } = route
    return stream.timestampOf(timestamp, sourceOfNumbering(numbering), transport.now(), codec.clockRate)
  }

  packet(packet: RtpPacket, context: StreamContext, _raw: Uint8Array | undefined): boolean {
    const route = context === this.#lastContext ? this.#lastRoute : this.#routeOf(context)
    if (route === undefined) return this.#unrouted(context)
    if (!this.#isSending) return this.#leaveOut('not-sending', route)
    if (route.encoding.parameters.active === false) return this.#leaveOut('inactive', route)
    if (this.held) return this.#leaveOut('held', route)
    if (!this.#mayLeave(route)) return this.#leaveOut('isolated', route)
    return this.#send(packet, context, route)
  }

  #send(packet: RtpPacket, context: StreamContext, route: Route): boolean {
    const { transport, numbering } = route
    const source = sourceOfNumbering(numbering)
    const outgoing = {
      payloadType: route.payloadType,
      sequenceNumber: packet.sequenceNumber,
      timestamp: packet.timestamp,
      marker: packet.marker,
      payload: packet.payload,
      csrcs: packet.csrcs,
      elements: carriedElements(packet.extension, route.mappings),
      paced: context.paced,
    }
    const drop = route.stream.send(outgoing, source, transport.now())
    if (drop !== undefined) return this.#refused(drop.drop)
    transport.schedule()
    if (this.#needsKeyframe) this.#beginPictures()
    return true
  }

  /** Tells statistics what the source gives, before a transform makes something else of it. */
  #observed(next: TrackConsumer): TrackConsumer {
    return {
      saysTargets: true,
      packet: (packet, context, raw) => {
        if (context.madeFor !== undefined && context.madeFor !== this.#bitrates) return true
        this.#observe(packet, context)
        // A transform is not to be given frames that would be lost behind it.
        const route = context === this.#lastContext ? this.#lastRoute : undefined
        if (this.#entrance?.transforms === true && route?.stream.isReady === false) {
          return this.#refused('not-ready')
        }
        return next.packet(packet, context, raw)
      },
    }
  }

  #observe(packet: RtpPacket, context: StreamContext): void {
    const route = context === this.#lastContext ? this.#lastRoute : this.#routeOf(context)
    const codec = route?.codec ?? context.codec
    const { transport, kind } = this.#sender
    if (codec === undefined || transport === undefined) return
    const isSent = route !== undefined && this.#isSending && route.encoding.parameters.active !== false
    const level = kind === 'audio' ? levelOf(packet, context) : undefined
    this.#media.packet(packet, context.rid, codec, isSent ? route.stream : undefined, level, transport.now())
  }

  get #isSending(): boolean {
    const { currentDirection } = this.#transceiver
    return currentDirection === 'sendrecv' || currentDirection === 'sendonly'
  }

  /** Left out on purpose: the source need not wait for anything. */
  #leaveOut(drop: SendingDrop, route: Route): true {
    this.drops[drop]++
    route.numbering.interrupted = true
    return true
  }

  #refused(reason: string): false {
    this.drops.refused++
    this.#needsKeyframe ||= reason === 'not-ready'
    // A stream that the session knew before it was configured anew.
    if (reason === 'not-sending') this.#forgetRoutes()
    this.#isRefused ||= reason === 'not-ready' || reason === 'queue-full'
    return false
  }

  #unrouted(context: StreamContext): boolean {
    const found = this.#routes.get(context)
    const drop = typeof found === 'string' ? found : 'not-sending'
    this.drops[drop]++
    this.#needsKeyframe ||= drop === 'not-sending'
    return drop !== 'no-codec' && drop !== 'no-encoding'
  }

  #routeOf(context: StreamContext): Route | undefined {
    let route = this.#routes.get(context)
    if (route === undefined) {
      route = this.#findRoute(context)
      // There will be a stream once the session is configured, and it has to be found then.
      if (route === undefined) return undefined
      this.#routes.set(context, route)
    }
    if (typeof route === 'string') return undefined
    this.#lastContext = context
    this.#lastRoute = route
    return route
  }

  #findRoute(context: StreamContext): Route | SendingDrop | undefined {
    const section = this.#section
    const { encodings, transport } = this.#sender
    if (section === undefined || transport === undefined) return undefined
    if (encodings.length === 1) this.#rid ??= context.rid
    const encoding = encodingFor(encodings, context.rid, this.#rid)
    if (typeof encoding === 'string') return encoding
    const codec = sendCodecFor(section, context.codec, encoding.parameters.codec)
    if (codec === undefined) return 'no-codec'
    const stream = transport.session.sendStream(encoding.ssrc)
    if (stream === undefined) return undefined
    const mappings = elementMappings(context.extensions, section)
    const { payloadType, mimeType, clockRate } = codec
    const described = context.codec ?? { mimeType, clockRate }
    const numbering = this.#numberingOf(context)
    return { transport, stream, encoding, payloadType, codec: described, mappings, numbering }
  }

  #numberingOf(context: StreamContext): Numbering {
    const key = context.numbering ?? context
    let numbering = this.#numberings.get(key)
    if (numbering === undefined) {
      numbering = { source: {}, interrupted: false }
      this.#numberings.set(key, numbering)
    }
    return numbering
  }

  #renumber(): void {
    this.#numberings = new WeakMap()
    this.#forgetRoutes()
  }

  #forgetRoutes(): void {
    this.#routes = new WeakMap()
    this.#lastContext = undefined
    this.#lastRoute = undefined
  }

  /** Subscribes where there is something to send, and where to. */
  #update(): void {
    const wanted = this.#section !== undefined && this.#section.rtp.send.length > 0
    const source = wanted && this.#track !== null ? sourceOf(this.#track) : undefined
    if (source === this.#source) return
    this.#unsubscribe?.()
    this.#entrance?.detach()
    this.#renumber()
    this.#source = source
    const entrance = source && this.#createEntrance()
    this.#entrance = entrance
    this.#unsubscribe = entrance && source.subscribe(this.#observed(entrance))
    this.#isRefused = false
    this.#bitrates.update(source, this.#section)
    this.#beginPictures()
  }

  /** webrtc-identity §11.1.2: what is isolated does not go through a transform, which is the application's. */
  #createEntrance(): AttachedConsumer {
    if (this.#confinement === undefined) return this.#transform.attach(this)
    return { packet: (...packet) => this.packet(...packet), detach: () => undefined }
  }

  /** webrtc-identity §11.1.2: asked for each packet, since the peer may be known only later. */
  #mayLeave({ transport }: Route): boolean {
    return this.#confinement === undefined || transport.isolation?.maySendTo(this.#confinement) === true
  }

  /** Whoever comes in the middle of a picture cannot show it. */
  #beginPictures(): void {
    this.#needsKeyframe = false
    for (const encoding of this.#sender.encodings) this.requestKeyframe(encoding)
  }
}

/** What the session is to know the next packet of a source by. */
function sourceOfNumbering(numbering: Numbering): object {
  if (numbering.interrupted) {
    numbering.interrupted = false
    numbering.source = {}
  }
  return numbering.source
}

/** RFC 6464, as the source tells it. */
function levelOf({ extension }: RtpPacket, { extensions }: StreamContext): number | undefined {
  const id = extension && extensions.idOf(ExtensionUri.audioLevel)
  const value = id === undefined ? undefined : findExtension(extension, id)
  return value && readAudioLevel(value)?.level
}
