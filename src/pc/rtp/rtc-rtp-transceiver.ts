import { exposeInterface, requireArguments, requireToken, sequence } from '../webidl.ts'
import {
  parseTransceiverDirection,
  type RTCRtpCodec,
  type RTCRtpHeaderExtensionCapability,
  toHeaderExtensionCapability,
  toRtpCodec,
} from './parameters.ts'
import type { RTCRtpReceiver } from './rtc-rtp-receiver.ts'
import type { RTCRtpSender } from './rtc-rtp-sender.ts'
import type { RTCRtpTransceiverDirection, TransceiverSlots } from './slots.ts'

const toCodecs = sequence(toRtpCodec)
const toHeaderExtensions = sequence(toHeaderExtensionCapability)

/** The steps of the methods and setters of a transceiver. */
export interface TransceiverSteps extends TransceiverSlots {
  setDirection(direction: RTCRtpTransceiverDirection): void
  stop(): void
  setCodecPreferences(codecs: readonly RTCRtpCodec[]): void
  setHeaderExtensionsToNegotiate(extensions: readonly RTCRtpHeaderExtensionCapability[]): void
}

/** webrtc-pc §5.4: a sender and a receiver that share a media section. */
export class RTCRtpTransceiver {
  static {
    exposeInterface(RTCRtpTransceiver, 'RTCRtpTransceiver', {
      constructorLength: 0,
      implementedBy: value => #slots in value,
    })
  }

  readonly #slots: TransceiverSteps

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: TransceiverSteps) {
    requireToken(token)
    this.#slots = slots
  }

  /** The name of the media section; null until a description has one. */
  get mid(): string | null {
    return this.#slots.mid
  }

  get sender(): RTCRtpSender {
    return this.#slots.sender.object
  }

  get receiver(): RTCRtpReceiver {
    return this.#slots.receiver.object
  }

  /** The direction that the next negotiation is to ask for. */
  get direction(): RTCRtpTransceiverDirection {
    // webrtc-pc §5.4 direction, on getting, steps 2 and 3
    return this.#slots.stopping ? 'stopped' : this.#slots.direction
  }

  /**
   * @throws {DOMException} InvalidStateError if the transceiver is stopping
   * @throws {TypeError} for `stopped`: that is what {@link stop} is for
   */
  set direction(value: RTCRtpTransceiverDirection) {
    const slots = this.#slots
    const direction = parseTransceiverDirection(value, 'RTCRtpTransceiver.direction')
    // WebIDL: an attribute ignores what is not a value of its enumeration
    if (direction !== undefined) slots.setDirection(direction)
  }

  /** The direction that was negotiated; null before the first negotiation. */
  get currentDirection(): RTCRtpTransceiverDirection | null {
    // webrtc-pc §5.4 currentDirection, on getting, steps 2 and 3
    return this.#slots.stopped ? 'stopped' : this.#slots.currentDirection
  }

  /** As all browsers have it, although no document does any more: `currentDirection` says the same. */
  get stopped(): boolean {
    return this.#slots.stopped
  }

  /**
   * Ends sending and receiving, for good; the section is given up by the next negotiation.
   *
   * @throws {DOMException} InvalidStateError if the connection is closed
   */
  stop(): void {
    this.#slots.stop()
  }

  /**
   * Which codecs are negotiated, in order of preference; an empty list: the usual ones.
   *
   * @throws {DOMException} InvalidModificationError if one is not implemented, or none of them carries media
   */
  setCodecPreferences(codecs: RTCRtpCodec[]): void {
    const slots = this.#slots
    requireArguments(arguments.length, 1, 'RTCRtpTransceiver.setCodecPreferences')
    slots.setCodecPreferences(toCodecs(codecs, 'RTCRtpTransceiver.setCodecPreferences: argument 1'))
  }

  /** webrtc-extensions §5.3: the RTP header extensions that the next negotiation asks for. */
  getHeaderExtensionsToNegotiate(): RTCRtpHeaderExtensionCapability[] {
    return copies(this.#slots.headerExtensionsToNegotiate)
  }

  /**
   * webrtc-extensions §5.3: the same extensions in the same order, with other directions.
   *
   * @throws {DOMException} InvalidModificationError for other extensions, or for giving up one that is mandatory
   */
  setHeaderExtensionsToNegotiate(extensions: RTCRtpHeaderExtensionCapability[]): void {
    const slots = this.#slots
    const name = 'RTCRtpTransceiver.setHeaderExtensionsToNegotiate'
    requireArguments(arguments.length, 1, name)
    slots.setHeaderExtensionsToNegotiate(toHeaderExtensions(extensions, `${name}: argument 1`))
  }

  /** webrtc-extensions §12.2: whether RFC 9335 was negotiated, so that header extensions are sent enciphered. */
  get rtpHeaderEncryptionNegotiated(): boolean {
    return this.#slots.sender.transport?.encryptsHeaders === true
  }

  /** webrtc-extensions §5.3: what the last negotiation came to; empty before the first one. */
  getNegotiatedHeaderExtensions(): RTCRtpHeaderExtensionCapability[] {
    return copies(this.#slots.negotiatedHeaderExtensions)
  }
}

function copies(extensions: readonly RTCRtpHeaderExtensionCapability[]): RTCRtpHeaderExtensionCapability[] {
  return extensions.map(each => ({ ...each }))
}
