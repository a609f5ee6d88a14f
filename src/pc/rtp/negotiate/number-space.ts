import { ExtensionUri } from '../../../rtp/extension-values.ts'
import { assignPayloadTypes, type SdpCodec, type SdpHeaderExtension, type SdpSession } from '../../../sdp/index.ts'
import { isInUse, rtpOf } from './sections.ts'

/** RFC 8285 §4.2: 15 is reserved in the one-byte form, which ends there. */
const oneByteIds = 14
const twoByteIds = 255

/**
 * The identifiers that libwebrtc gives, and two that it leaves free. When both ends offer at once it rolls its own offer back,
 * but refuses an offer that has another meaning for an identifier of the same section.
 */
const preferredIds: ReadonlyMap<string, number> = new Map([
  [ExtensionUri.audioLevel, 1],
  [ExtensionUri.absSendTime, 2],
  [ExtensionUri.transportSequenceNumber, 3],
  [ExtensionUri.mid, 4],
  [ExtensionUri.playoutDelay, 5],
  [ExtensionUri.absCaptureTime, 9],
  [ExtensionUri.rtpStreamId, 10],
  [ExtensionUri.repairedRtpStreamId, 11],
  [ExtensionUri.mixerAudioLevels, 12],
  [ExtensionUri.videoOrientation, 13],
  [ExtensionUri.transmissionOffset, 14],
])

/**
 * The payload types and the identifiers of header extensions of a connection.
 *
 * All sections share one space, because each of them may be bundled (RFC 9143 §9.1.1, RFC 8285 §7). What a number once
 * stood for, it stands for as long as the connection lives (RFC 3264 §8.3.2); what was said last counts. The memory is
 * bounded by the numbers that there are.
 */
export class NumberSpace {
  /** By payload type; what was said last is last. */
  readonly #codecs = new Map<number, SdpCodec>()
  /** The URIs, by identifier; likewise. */
  readonly #extensions = new Map<number, string>()

  /** Notes what a description that is applied says. */
  learn(session: SdpSession): void {
    for (const section of session.media) {
      if (!isInUse(section)) continue
      const { codecs, headerExtensions } = rtpOf(session, section)
      for (const codec of codecs) putLast(this.#codecs, codec.payloadType, codec)
      for (const { id, uri } of headerExtensions) if (id <= twoByteIds) putLast(this.#extensions, id, uri)
    }
  }

  /** Numbers for the sections of one offer. */
  forOffer(): OfferNumbers {
    return new OfferNumbers([...this.#codecs.values()].reverse(), [...this.#extensions].reverse())
  }
}

/** Hands out the numbers of one offer, one section after the other. */
export class OfferNumbers {
  readonly #knownCodecs: readonly SdpCodec[]
  readonly #knownExtensions: readonly (readonly [id: number, uri: string])[]
  readonly #codecs = new Map<number, SdpCodec>()
  readonly #extensions = new Map<number, string>()

  constructor(codecs: readonly SdpCodec[], extensions: readonly (readonly [id: number, uri: string])[]) {
    this.#knownCodecs = codecs
    this.#knownExtensions = extensions
  }

  /**
   * Codecs with payload types.
   *
   * @param own what the section has now: those stay, unless an earlier section of this offer has taken them
   */
  payloadTypes(codecs: readonly SdpCodec[], own: readonly SdpCodec[]): readonly SdpCodec[] {
    const taken = new Map<number, SdpCodec>()
    const consider = (codec: SdpCodec): void => {
      if (!taken.has(codec.payloadType)) taken.set(codec.payloadType, this.#codecs.get(codec.payloadType) ?? codec)
    }
    for (const codec of own) consider(codec)
    for (const codec of this.#codecs.values()) consider(codec)
    const inThisOffer = [...taken.values()]
    for (const codec of this.#knownCodecs) consider(codec)
    const assigned = assignPayloadTypes(codecs, [...taken.values()])
    // A peer that has used up all numbers cannot keep a section from having codecs.
    const usable = assigned.length === codecs.length ? assigned : assignPayloadTypes(codecs, inThisOffer)
    for (const codec of usable) this.#codecs.set(codec.payloadType, codec)
    return usable
  }

  /** The identifier of a header extension; undefined if there is none left. */
  extensionId(uri: string, own: readonly SdpHeaderExtension[]): number | undefined {
    const id = this.#sameExtension(uri, own) ?? this.#freeId(uri)
    if (id !== undefined) this.#extensions.set(id, uri)
    return id
  }

  #sameExtension(uri: string, own: readonly SdpHeaderExtension[]): number | undefined {
    const ours = own.filter(each => each.uri === uri && each.id <= twoByteIds && !each.encrypted).map(({ id }) => id)
    const here = [...this.#extensions].filter(each => each[1] === uri).map(([id]) => id)
    const before = this.#knownExtensions.filter(each => each[1] === uri).map(([id]) => id)
    return [...ours, ...here, ...before].find(id => (this.#extensions.get(id) ?? uri) === uri)
  }

  #freeId(uri: string): number | undefined {
    const known = new Set(this.#knownExtensions.map(([id]) => id))
    const preferred = preferredIds.get(uri)
    if (preferred !== undefined && !known.has(preferred) && !this.#extensions.has(preferred)) return preferred
    let reused: number | undefined
    for (let id = 1; id <= twoByteIds; id++) {
      if (id === oneByteIds + 1 || this.#extensions.has(id)) continue
      if (!known.has(id)) return id
      reused ??= id
    }
    return reused
  }
}

function putLast<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key)
  map.set(key, value)
}
