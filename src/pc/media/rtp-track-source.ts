import { HeaderExtensionMap } from '../../rtp/header-extensions.ts'
import { parseRtp, type RtpPacket } from '../../rtp/packet.ts'
import {
  boolean,
  type Converter,
  dictionary,
  domString,
  enforceRange,
  exposeInterface,
  optional,
  requireArguments,
  required,
  sequence,
  withDefault,
} from '../webidl.ts'
import { viewBytes } from './buffer-source.ts'
import { toMediaCodec, toMediaKind } from './codec-argument.ts'
import { type MediaEnvironment, systemMediaEnvironment } from './media-environment.ts'
import { maxStreams } from './source-core.ts'
import type { MediaCodec, MediaKind, StreamContext } from './track-signal.ts'
import { WrittenTrack, WrittenTrackSource } from './written-track-source.ts'

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
export class RtpTrackSource extends WrittenTrackSource {
  static {
    exposeInterface(RtpTrackSource, 'RtpTrackSource', { implementedBy: value => #written in value })
  }

  readonly #written: WrittenTrack
  readonly #codec: MediaCodec | undefined
  readonly #extensions: HeaderExtensionMap
  readonly #paced: boolean
  readonly #plain: WrittenStream
  readonly #streams = new Map<string, WrittenStream>()
  readonly #dropped = { malformed: 0, rtcp: 0, unused: 0, refused: 0, tooManyStreams: 0, closed: 0 }
  #writes = 0
  #bytes = 0
  #delivered = 0

  /** @throws {TypeError} if a kind or option is none */
  constructor(kind: MediaKind, options: RtpTrackSourceOptions = {}) {
    requireArguments(arguments.length, 1, 'RtpTrackSource constructor')
    const context = 'RtpTrackSource constructor'
    const trackKind = toMediaKind(kind, `${context}: argument 1`)
    const { codec, headerExtensions, label, paced } = toOptions(options, `${context}: argument 2`)
    const extensions = toExtensionMap(headerExtensions ?? [], context)
    const environment = options?.environment ?? systemMediaEnvironment
    const written = new WrittenTrack({ kind: trackKind, label, environment })
    super(written)
    this.#written = written
    this.#codec = codec
    this.#extensions = extensions
    this.#paced = paced
    this.#plain = this.#newStream(undefined)
  }

  get stats(): RtpTrackSourceStats {
    return {
      written: this.#writes,
      bytes: this.#bytes,
      delivered: this.#delivered,
      dropped: { ...this.#dropped },
    }
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
    this.#writes++
    this.#bytes += data.length
    if (this.#written.core.closed) return this.#drop('closed')
    if (stream === undefined) return this.#drop('tooManyStreams')
    const parsed = parseRtp(data)
    if ('drop' in parsed) return this.#drop('malformed')
    // RFC 5761 §4: the payload types 64 to 95 are not used, since RTCP packets look like them.
    if (parsed.payloadType >= 64 && parsed.payloadType <= 95) return this.#drop('rtcp')
    return this.#deliver(parsed, stream, data)
  }

  #deliver(packet: RtpPacket, stream: WrittenStream, data: Uint8Array): boolean {
    if (stream.ssrc !== packet.ssrc) {
      if (stream.ssrc >= 0) stream.context = { ...stream.context }
      stream.ssrc = packet.ssrc
    }
    if (this.#written.core.deliver(packet, stream.context, data)) {
      this.#delivered++
      return true
    }
    if (!this.#written.core.hasConsumers) {
      this.#written.readiness.pause()
      return this.#drop('unused')
    }
    this.#written.readiness.hold()
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
