import type { RTCEncodedStreams } from '../encoded-transform/local-channel.ts'
import type { RTCRtpScriptTransform } from '../encoded-transform/script-transform.ts'
import type { TransformSlot } from '../encoded-transform/transform-slot.ts'
import { isMediaStream, type MediaStream } from '../media/media-stream.ts'
import { isMediaStreamTrack, type MediaStreamTrack } from '../media/media-stream-track.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { RTCStatsReport } from '../stats.ts'
import { domString, exposeInterface, instance, nullable, requireArguments, requireToken } from '../webidl.ts'
import { capabilities } from './codecs.ts'
import {
  type RTCRtpCapabilities,
  type RTCRtpSendParameters,
  type RTCSetParameterOptions,
  toSendParameters,
  toSetParameterOptions,
} from './parameters.ts'
import type { RTCDTMFSender } from './rtc-dtmf-sender.ts'
import type { SenderSlots } from './slots.ts'

const toTrack = nullable(instance<MediaStreamTrack>('MediaStreamTrack', isMediaStreamTrack))
const toStream = instance<MediaStream>('MediaStream', isMediaStream)

/** The steps of the methods of a sender. */
export interface SenderSteps extends SenderSlots {
  readonly dtmf: RTCDTMFSender | null
  readonly transform: TransformSlot
  getParameters(): RTCRtpSendParameters
  setParameters(parameters: RTCRtpSendParameters, options: Required<RTCSetParameterOptions>): Promise<void>
  replaceTrack(track: MediaStreamTrack | null): Promise<void>
  setStreams(streams: readonly MediaStream[]): void
  getStats(): Promise<RTCStatsReport>
}

/** webrtc-pc §5.2: how a track is sent to the peer. */
export class RTCRtpSender {
  static {
    exposeInterface(RTCRtpSender, 'RTCRtpSender', { constructorLength: 0, implementedBy: value => #slots in value })
  }

  readonly #slots: SenderSteps

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: SenderSteps) {
    requireToken(token)
    this.#slots = slots
  }

  /** What can be sent at best; null for what is neither `audio` nor `video`. */
  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    requireArguments(arguments.length, 1, 'RTCRtpSender.getCapabilities')
    return capabilities(domString(kind, 'RTCRtpSender.getCapabilities: argument 1'))
  }

  /** webrtc-extensions §14.2: without effect, as no codec here is one of hardware. */
  static disableHardwareEncoding(): void {}

  get track(): MediaStreamTrack | null {
    return this.#slots.track
  }

  /** Null until a negotiation has found one. */
  get transport(): RTCDtlsTransport | null {
    return this.#slots.transport?.dtls ?? null
  }

  /** Null if the sender is one of video. */
  get dtmf(): RTCDTMFSender | null {
    return this.#slots.dtmf
  }

  /**
   * Changes how the track is sent.
   *
   * @param parameters what {@link getParameters} has given in the same task, changed
   * @returns a promise that is rejected with InvalidStateError without such a call, or on a stopped transceiver;
   *   InvalidModificationError if something was changed that cannot be; RangeError
   */
  async setParameters(
    parameters: RTCRtpSendParameters,
    setParameterOptions: RTCSetParameterOptions = {},
  ): Promise<void> {
    const slots = this.#slots
    const name = 'RTCRtpSender.setParameters'
    requireArguments(arguments.length, 1, name)
    const converted = toSendParameters(parameters, `${name}: argument 1`)
    return slots.setParameters(converted, toSetParameterOptions(setParameterOptions, `${name}: argument 2`))
  }

  /** How the track is sent. What is given out is the caller's. */
  getParameters(): RTCRtpSendParameters {
    return this.#slots.getParameters()
  }

  /**
   * Sends another track, or none, without negotiation.
   *
   * @returns a promise that is rejected with TypeError for a track of another kind, InvalidStateError on a stopped
   *   transceiver or a closed connection
   */
  async replaceTrack(withTrack: MediaStreamTrack | null): Promise<void> {
    const slots = this.#slots
    requireArguments(arguments.length, 1, 'RTCRtpSender.replaceTrack')
    return slots.replaceTrack(toTrack(withTrack, 'RTCRtpSender.replaceTrack: argument 1'))
  }

  /**
   * Which streams the peer is to put the track in.
   *
   * @throws {DOMException} InvalidStateError if the connection is closed
   */
  setStreams(...streams: MediaStream[]): void {
    const slots = this.#slots
    slots.setStreams(streams.map((each, index) => toStream(each, `RTCRtpSender.setStreams: argument ${index + 1}`)))
  }

  /** webrtc-encoded-transform §2.2: what the encoded frames go through; null: nothing. */
  get transform(): RTCRtpScriptTransform | null {
    return this.#slots.transform.transform
  }

  /**
   * @throws {TypeError} for anything but a transform or null
   * @throws {DOMException} InvalidStateError for a transform that is or was in use, and after createEncodedStreams()
   */
  set transform(value: RTCRtpScriptTransform | null) {
    this.#slots.transform.transform = value
  }

  /**
   * The encoded frames as streams on this thread: an extension, as Chromium had it before there were transforms.
   *
   * @throws {DOMException} InvalidStateError the second time, and where there is a transform
   */
  createEncodedStreams(): RTCEncodedStreams {
    return this.#slots.transform.createEncodedStreams()
  }

  async getStats(): Promise<RTCStatsReport> {
    return this.#slots.getStats()
  }
}
