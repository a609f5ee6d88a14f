import { buildExtension, extensionElements } from '../../rtp/header-extensions.ts'
import { JitterBuffer } from '../../rtp/jitter-buffer.ts'
import type { RtpExtension, RtpPacket } from '../../rtp/packet.ts'
import { type FrameDependency, isPayloadDropped, type Packetizer, PayloadError } from '../../rtp/payload/index.ts'
import type { MediaCodec, MediaKind, StreamContext, TrackConsumer } from '../media/track-signal.ts'
import type { FrameDrop, TransformCounters } from './counters.ts'
import type { SerializedEncodedFrame } from './encoded-frames.ts'
import type { TransformSide } from './frame-channel.ts'
import type { FrameTicket } from './frame-exchange.ts'
import { type FrameFormat, frameFormat } from './frame-formats.ts'
import { FrameDescriber, type FrameOrigin } from './frame-metadata.ts'
import { ArrivedPacket, FrameRecorder, RecordedFrame } from './frame-recorder.ts'

/** Video: how long lost packets of a frame are waited for, that they may be sent again. In milliseconds. */
const videoRepairMs = 200
/** Audio: how long a packet is waited for that was overtaken. In milliseconds. */
const audioRepairMs = 40
/** A timer is not armed for less. */
const minTimerMs = 1

/** What the streams of a stage have in common. */
export interface StageHost {
  readonly side: TransformSide
  readonly kind: MediaKind
  readonly counters: TransformCounters
  readonly next: TrackConsumer
  now(): number
  wallTime(): number
  setTimer(delayMs: number, callback: () => void): () => void
  requestKeyframe(rid: string | undefined, ssrc: number | undefined): void
  /** Hands a frame to the transform, or says why not. */
  offer(contents: SerializedEncodedFrame, ticket: FrameTicket): FrameDrop | undefined
  /** The transform takes frames no longer. */
  hasEnded(): boolean
  /** The timestamp on the wire. @param context of the packets that go out */
  timestampOf(timestamp: number, context: StreamContext): number
}

/** Frames of one codec out of packets. */
interface Unpacking {
  readonly mimeType: string
  readonly recorder: FrameRecorder
  /** Undefined: what comes is in order. */
  readonly jitter: JitterBuffer | undefined
  readonly packetizer: Packetizer
  readonly describer: FrameDescriber
}

/** What is kept of a frame while its data is with the transform: nothing that the bytes of its packets would stay for. */
interface FrameOutline {
  readonly timestamp: number
  readonly dependency: FrameDependency | undefined
  readonly context: StreamContext
  /** Of its first packet. */
  readonly header: RtpPacket
  readonly firstExtension: RtpExtension | undefined
  /** If it has more than one. */
  readonly lastExtension: RtpExtension | undefined
}

const nothing = new Uint8Array(0)

/** One stream of a track on its way through a transform: packets, frames, the transform, frames, packets. */
export class StageStream {
  readonly #host: StageHost
  /** By the contexts that came: those that go out, which share another numbering. */
  readonly #outgoing = new WeakMap<StreamContext, StreamContext>()
  #unpacking: Unpacking | undefined
  /** Of the last packet. */
  #ssrc: number | undefined
  #rid: string | undefined
  #sequenceNumber: number | undefined
  /** Video: a frame was dropped, and what follows builds upon it. */
  #broken = false
  #timer: { readonly at: number; readonly cancel: () => void } | undefined
  #closed = false

  constructor(host: StageHost) {
    this.#host = host
  }

  /** Takes a packet of a codec. @returns false if a frame was dropped for it, or it was not taken itself */
  packet(packet: RtpPacket, context: StreamContext, origin: FrameOrigin): boolean {
    const format = frameFormat(origin.codec)
    if (format === undefined) {
      this.#host.counters.droppedPackets.unsupported++
      this.#takesNoPart(packet, context, origin)
      return false
    }
    this.#ssrc = packet.ssrc
    this.#rid = context.rid
    const unpacking = this.#use(format, origin.codec)
    const arrived = new ArrivedPacket(packet, context, origin, this.#host.now())
    return unpacking.jitter ? this.#buffer(unpacking.jitter, arrived) : this.#push(unpacking, arrived)
  }

  /** Gives a packet on that is not for the transform. */
  beside(packet: RtpPacket, context: StreamContext, origin: FrameOrigin): boolean {
    this.#takesNoPart(packet, context, origin)
    return this.#give({ ...packet, sequenceNumber: this.#nextSequence(packet) }, context)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#unpacking = undefined
  }

  #use(format: FrameFormat, codec: MediaCodec): Unpacking {
    const before = this.#unpacking
    if (before?.mimeType === codec.mimeType) return before
    const { side, kind, counters, now, wallTime } = this.#host
    const recorder = new FrameRecorder(format.depacketizer(codec), () => counters.droppedPackets.unusable++)
    const video = kind === 'video'
    // A frame goes on as soon as it is whole: it is not for a stage to even out when they come.
    const delays = { minDelayMs: 0, maxDelayMs: 0, repairMs: video ? videoRepairMs : audioRepairMs }
    this.#unpacking = {
      mimeType: codec.mimeType,
      recorder,
      jitter:
        side === 'receiver'
          ? new JitterBuffer({ depacketizer: recorder, clockRate: codec.clockRate, video, ...delays })
          : undefined,
      packetizer: format.packetizer(codec),
      describer: new FrameDescriber({ side, kind, now, wallTime }),
    }
    return this.#unpacking
  }

  /** A packet that is in the sequence, and in no frame: it must not count as lost. */
  #takesNoPart(packet: RtpPacket, context: StreamContext, origin: FrameOrigin): void {
    const unpacking = this.#unpacking
    if (unpacking === undefined) return
    const placeholder = new ArrivedPacket(packet, context, origin, this.#host.now(), nothing)
    if (unpacking.jitter) this.#buffer(unpacking.jitter, placeholder)
    else this.#push(unpacking, placeholder)
  }

  #push({ recorder }: Unpacking, packet: ArrivedPacket): boolean {
    const result = recorder.push(packet)
    if (isPayloadDropped(result)) return false
    let taken = true
    for (const frame of result) if (!this.#frame(frame)) taken = false
    return taken
  }

  #buffer(jitter: JitterBuffer, packet: ArrivedPacket): boolean {
    const refused = jitter.receive(packet, packet.arrivedAt)
    if (refused) this.#host.counters.droppedPackets.unusable++
    return this.#poll(jitter) && refused === undefined
  }

  #poll(jitter: JitterBuffer): boolean {
    const now = this.#host.now()
    const recorder = this.#unpacking?.recorder
    let undecodable = -(recorder?.frames ?? 0)
    let taken = true
    for (let event = jitter.poll(now); event; event = jitter.poll(now)) {
      if (event.kind === 'keyframe-needed') this.#requestKeyframe()
      if (event.kind === 'frame') {
        undecodable--
        if (!this.#frame(event.frame)) taken = false
      }
      // Who is told may have closed this.
      if (this.#closed) return taken
    }
    // Of the frames that were whole, the jitter buffer keeps those back that build upon one that was lost.
    this.#host.counters.droppedFrames.undecodable += undecodable + (recorder?.frames ?? 0)
    this.#arm(jitter)
    return taken
  }

  #arm(jitter: JitterBuffer): void {
    const at = jitter.pollTimeout()
    if (at === undefined || (this.#timer && this.#timer.at <= at)) return
    this.#timer?.cancel()
    const delay = Math.max(minTimerMs, Math.ceil(at - this.#host.now()))
    const cancel = this.#host.setTimer(delay, () => {
      this.#timer = undefined
      // Another codec may be in use by now.
      if (this.#unpacking?.jitter) this.#poll(this.#unpacking.jitter)
    })
    this.#timer = { at, cancel }
  }

  /** A frame is whole. @returns false if it was dropped */
  #frame(frame: unknown): boolean {
    const unpacking = this.#unpacking
    if (!(frame instanceof RecordedFrame) || unpacking === undefined) return false
    const { kind } = this.#host
    if (this.#host.hasEnded()) return this.#dropped('ended')
    if (this.#broken && !frame.keyframe) {
      this.#requestKeyframe()
      return this.#dropped('waiting-for-keyframe')
    }
    const rtpTimestamp = this.#host.timestampOf(frame.timestamp, this.#outgoingContext(frame.context))
    const metadata = unpacking.describer.describe(frame, rtpTimestamp)
    // A copy: what came in one packet is a view of it, and the bytes of packets are not to be transferred.
    const data = new Uint8Array(frame.data).buffer
    const dropped = this.#host.offer(
      { kind, type: frame.keyframe ? 'key' : 'delta', metadata, data },
      this.#ticket(frame, unpacking.packetizer),
    )
    if (dropped !== undefined) {
      if (kind === 'video' && !this.#broken) this.#requestKeyframe()
      return this.#dropped(dropped)
    }
    this.#broken = false
    return true
  }

  #dropped(reason: FrameDrop): false {
    const { kind, counters } = this.#host
    counters.droppedFrames[reason]++
    this.#broken = kind === 'video'
    return false
  }

  #ticket(frame: RecordedFrame, packetizer: Packetizer): FrameTicket {
    const outline = outlineOf(frame)
    return { rid: frame.context.rid, finish: data => this.#finish(new Uint8Array(data), outline, packetizer) }
  }

  /** A frame has been through the transform: it becomes packets again, with its timestamp and header extensions. */
  #finish(data: Uint8Array, outline: FrameOutline, packetizer: Packetizer): void {
    if (this.#closed) return
    const { header, timestamp, dependency, context } = outline
    const payloads = this.#packetize(packetizer, { data, dependency, startsTalkspurt: header.marker })
    if (payloads === undefined) return
    this.#host.counters.framesWritten++
    payloads.forEach(({ payload, marker, timestampOffset }, i) => {
      const packet = {
        ...header,
        sequenceNumber: this.#nextSequence(header),
        timestamp: (timestamp + timestampOffset) >>> 0,
        marker,
        extension: outgoingExtension(outline, i === 0, i === payloads.length - 1),
        payload,
      }
      this.#give(packet, context)
    })
  }

  #packetize(packetizer: Packetizer, frame: Parameters<Packetizer['packetize']>[0]) {
    try {
      return packetizer.packetize(frame)
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
      this.#host.counters.droppedFrames['bad-frame']++
      return undefined
    }
  }

  /** They go on from the first one of the stream that came. */
  #nextSequence(packet: RtpPacket): number {
    const sequenceNumber = this.#sequenceNumber ?? packet.sequenceNumber
    this.#sequenceNumber = (sequenceNumber + 1) & 0xffff
    return sequenceNumber
  }

  #give(packet: RtpPacket, context: StreamContext): boolean {
    const taken = this.#host.next.packet(packet, this.#outgoingContext(context), undefined)
    if (!taken) this.#host.counters.refusedPackets++
    return taken
  }

  #outgoingContext(context: StreamContext): StreamContext {
    let outgoing = this.#outgoing.get(context)
    if (outgoing === undefined) {
      // The packets of a picture come all at once now.
      outgoing = { ...context, paced: this.#host.kind === 'video', numbering: this.#outgoing }
      this.#outgoing.set(context, outgoing)
    }
    return outgoing
  }

  #requestKeyframe(): void {
    // No keyframe would help.
    if (this.#host.hasEnded()) return
    const ssrc = this.#host.side === 'receiver' ? this.#ssrc : undefined
    this.#host.requestKeyframe(this.#rid, ssrc)
  }
}

function outlineOf({ first, last, timestamp, dependency, context }: RecordedFrame): FrameOutline {
  return {
    context,
    timestamp,
    dependency,
    header: { ...first, extension: undefined, payload: nothing, paddingLength: 0 },
    firstExtension: copyExtension(first.extension),
    lastExtension: first === last ? undefined : copyExtension(last.extension),
  }
}

function copyExtension(extension: RtpExtension | undefined): RtpExtension | undefined {
  return extension && { profile: extension.profile, data: extension.data.slice() }
}

/**
 * What the first packet of a frame carried goes with the first, what the last one did with the last: 3GPP TS 26.114 §7.4.5
 * has the orientation of a picture in its last packet.
 */
function outgoingExtension(outline: FrameOutline, isFirst: boolean, isLast: boolean): RtpExtension | undefined {
  const { firstExtension, lastExtension } = outline
  if (isFirst && isLast && lastExtension) return mergedExtension(firstExtension, lastExtension)
  if (isFirst) return firstExtension
  return isLast ? lastExtension : undefined
}

/** Of an element that both have, the value of the first. */
function mergedExtension(first: RtpExtension | undefined, last: RtpExtension | undefined): RtpExtension | undefined {
  const elements = extensionElements(first)
  const more = extensionElements(last).filter(({ id }) => !elements.some(element => element.id === id))
  return more.length === 0 ? first : buildExtension([...elements, ...more])
}
