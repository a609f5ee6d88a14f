import { HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import { parseRtp, type RtpPacket } from '../../rtp/packet.ts'
import {
  boolean,
  type Converter,
  dictionary,
  domString,
  type EventHandler,
  enforceRange,
  exposeInterface,
  getEventHandler,
  type HeldEventHandler,
  optional,
  requireArguments,
  required,
  sequence,
  setEventHandler,
  TypedEventTarget,
  withDefault,
} from '../webidl.ts'
import { viewBytes } from './buffer-source.ts'
import { toMediaCodec, toMediaKind } from './codec-argument.ts'
import { KeyframeRequestEvent } from './keyframe-request-event.ts'
import { type MediaEnvironment, systemMediaEnvironment } from './media-environment.ts'
import type { MediaStreamTrack } from './media-stream-track.ts'
import { Readiness } from './readiness.ts'
import { maxStreams, SourceCore } from './source-core.ts'
import { TargetBitrateEvent } from './target-bitrate-event.ts'
import type { MediaCodec, MediaKind, StreamContext } from './track-signal.ts'

export interface RtpTrackSourceOptions {
  /** What the packets hold; undefined: whatever the connection that sends them has negotiated. */
  codec?: MediaCodec
  /** The identifiers of the header extensions in the packets; connections send those on that they have negotiated. */
  headerExtensions?: { id: number; uri: string }[]
  label?: string
  /** The packets of a frame are written at once, and are to leave evenly. False if not given. */
  paced?: boolean
  /** Clock, timers and randomness; the system's if not given. */
  environment?: MediaEnvironment
}

/**
 * Why a packet was not passed on.
 *
 * - `malformed`: no RTP packet
 * - `rtcp`: RTCP, which connections send by themselves
 * - `unused`: nobody takes packets of the track, or it is disabled
 * - `refused`: somebody took no more: too much waits to be sent
 * - `tooManyStreams`: one of too many encodings
 * - `closed`: the source is closed, or its tracks are stopped
 */
export type RtpTrackSourceDrop = 'malformed' | 'rtcp' | 'unused' | 'refused' | 'tooManyStreams' | 'closed'

export interface RtpTrackSourceStats {
  /** Calls of write(). */
  readonly written: number
  readonly bytes: number
  /** Packets that all who listen took. */
  readonly delivered: number
  readonly dropped: Readonly<Record<RtpTrackSourceDrop, number>>
}

/** The events of a source, by type. */
export interface TrackSourceEventMap {
  keyframerequest: KeyframeRequestEvent
  targetbitrate: TargetBitrateEvent
}

/** A stream that the application writes: its packets have a source of their own. */
interface WrittenStream {
  context: StreamContext
  /** -1 before the first packet. */
  ssrc: number
}

const toHeaderExtension: Converter<{ id: number; uri: string }> = dictionary('RtpHeaderExtension', {
  id: required(enforceRange.unsignedShort),
  uri: required(domString),
})
const toOptions = dictionary('RtpTrackSourceOptions', {
  codec: optional(toMediaCodec),
  headerExtensions: optional(sequence(toHeaderExtension)),
  label: withDefault(domString, ''),
  paced: withDefault(boolean, false),
})

/**
 * RTP packets of the application as a track.
 *
 * Each connection that sends the track gives the packets its own SSRC, payload type, numbering and header extensions; what
 * they say themselves matters only by its steps.
 */
export class RtpTrackSource extends TypedEventTarget<TrackSourceEventMap> {
  static {
    exposeInterface(RtpTrackSource, 'RtpTrackSource', { implementedBy: value => #core in value })
  }

  readonly #core: SourceCore
  readonly #codec: MediaCodec | undefined
  readonly #extensions: HeaderExtensionMap
  readonly #paced: boolean
  readonly #readiness: Readiness
  readonly #plain: WrittenStream
  readonly #streams = new Map<string, WrittenStream>()
  readonly #dropped = { malformed: 0, rtcp: 0, unused: 0, refused: 0, tooManyStreams: 0, closed: 0 }
  #written = 0
  #bytes = 0
  #delivered = 0

  /** @throws {TypeError} if a kind or option is none */
  constructor(kind: MediaKind, options: RtpTrackSourceOptions = {}) {
    requireArguments(arguments.length, 1, 'RtpTrackSource constructor')
    const context = 'RtpTrackSource constructor'
    const trackKind = toMediaKind(kind, `${context}: argument 1`)
    const { codec, headerExtensions, label, paced } = toOptions(options, `${context}: argument 2`)
    super()
    this.#codec = codec
    this.#extensions = toExtensionMap(headerExtensions ?? [], context)
    this.#paced = paced
    this.#plain = this.#newStream(undefined)
    const environment = options?.environment ?? systemMediaEnvironment
    this.#readiness = new Readiness(environment.timers)
    this.#core = new SourceCore({
      kind: trackKind,
      label,
      environment,
      keyframeRequested: rid => {
        this.dispatchEvent(new KeyframeRequestEvent('keyframerequest', { rid: rid ?? null }))
      },
      targetChanged: ({ rid = null, bitrate, ...encoding }) => {
        this.dispatchEvent(new TargetBitrateEvent('targetbitrate', { rid, bitrate, encoding }))
      },
      started: () => this.#readiness.ready(),
      drained: () => this.#readiness.ready(),
      closed: () => this.#readiness.fail(new DOMException('the source is closed', 'InvalidStateError')),
    })
  }

  get track(): MediaStreamTrack {
    return this.#core.handle.track
  }

  get closed(): boolean {
    return this.#core.closed
  }

  /**
   * Resolved when it is worth writing again, after {@link write} has returned false: somebody takes the track, and what waits
   * to be sent is less. Rejected with an InvalidStateError once the source is closed.
   */
  get ready(): Promise<void> {
    return this.#readiness.promise
  }

  get stats(): RtpTrackSourceStats {
    const { written, bytes, delivered } = { written: this.#written, bytes: this.#bytes, delivered: this.#delivered }
    return { written, bytes, delivered, dropped: { ...this.#dropped } }
  }

  /**
   * Gives a packet to all who take the track now. Its bytes must not change any more.
   *
   * All packets of an encoding are of one stream: another SSRC begins another one, which connections make the first one go on.
   *
   * @param options `rid`: of a simulcast, which encoding it belongs to
   * @returns false if it was dropped, or if it is time to write less; {@link stats} counts why
   * @throws {TypeError} if it is not a buffer
   */
  write(packet: Uint8Array | ArrayBuffer | ArrayBufferView, options?: { rid?: string }): boolean {
    const data = viewBytes(packet, 'RtpTrackSource.write: argument 1')
    const rid = options?.rid
    const stream = rid === undefined ? this.#plain : this.#streamOf(domString(rid, 'RtpTrackSource.write: rid'))
    this.#written++
    this.#bytes += data.length
    if (this.#core.closed) return this.#drop('closed')
    if (stream === undefined) return this.#drop('tooManyStreams')
    const parsed = parseRtp(data)
    if ('drop' in parsed) return this.#drop('malformed')
    // RFC 5761 §4: the payload types 64 to 95 are not used, since RTCP packets look like them.
    if (parsed.payloadType >= 64 && parsed.payloadType <= 95) return this.#drop('rtcp')
    return this.#deliver(parsed, stream, data)
  }

  /** Ends the track. */
  close(): void {
    this.#core.close()
  }

  get onkeyframerequest(): HeldEventHandler {
    return getEventHandler(this, 'keyframerequest')
  }

  set onkeyframerequest(handler: EventHandler<RtpTrackSource, KeyframeRequestEvent>) {
    setEventHandler(this, 'keyframerequest', handler)
  }

  /** How much connections have room for, and what they ask of each encoding. */
  get ontargetbitrate(): HeldEventHandler {
    return getEventHandler(this, 'targetbitrate')
  }

  set ontargetbitrate(handler: EventHandler<RtpTrackSource, TargetBitrateEvent>) {
    setEventHandler(this, 'targetbitrate', handler)
  }

  #deliver(packet: RtpPacket, stream: WrittenStream, data: Uint8Array): boolean {
    if (stream.ssrc !== packet.ssrc) {
      if (stream.ssrc >= 0) stream.context = { ...stream.context }
      stream.ssrc = packet.ssrc
    }
    if (this.#core.deliver(packet, stream.context, data)) {
      this.#delivered++
      return true
    }
    if (!this.#core.hasConsumers) {
      this.#readiness.pause()
      return this.#drop('unused')
    }
    this.#readiness.hold()
    return this.#drop('refused')
  }

  #drop(reason: RtpTrackSourceDrop): false {
    this.#dropped[reason]++
    return false
  }

  #streamOf(rid: string): WrittenStream | undefined {
    const known = this.#streams.get(rid)
    if (known !== undefined) return known
    if (this.#streams.size >= maxStreams) return undefined
    const stream = this.#newStream(rid)
    this.#streams.set(rid, stream)
    return stream
  }

  #newStream(rid: string | undefined): WrittenStream {
    const context: StreamContext = { codec: this.#codec, rid, extensions: this.#extensions, paced: this.#paced }
    return { context, ssrc: -1 }
  }
}

function toExtensionMap(entries: readonly { id: number; uri: string }[], context: string): HeaderExtensionMap {
  try {
    return new HeaderExtensionMap(entries.map(({ id, uri }) => [id, uri] as const))
  } catch (error) {
    throw new TypeError(`${context}: headerExtensions`, { cause: error })
  }
}
