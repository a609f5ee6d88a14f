import type { RTCEncodedStreams } from '../encoded-transform/local-channel.ts'
import type { RTCRtpScriptTransform } from '../encoded-transform/script-transform.ts'
import type { TransformSlot } from '../encoded-transform/transform-slot.ts'
import type { MediaStreamTrack } from '../media/media-stream-track.ts'
import type { RTCDtlsTransport } from '../rtc-transports.ts'
import type { RTCStatsReport } from '../stats.ts'
import { domString, double, exposeInterface, nullable, requireArguments, requireToken } from '../webidl.ts'
import { capabilities } from './codecs.ts'
import type {
  RTCRtpCapabilities,
  RTCRtpContributingSource,
  RTCRtpReceiveParameters,
  RTCRtpSynchronizationSource,
} from './parameters.ts'
import type { ReceiverSlots } from './slots.ts'

/** webrtc-pc §5.3 jitterBufferTarget, on setting, step 3: in milliseconds. */
const maxJitterBufferTarget = 4_000
const toTarget = nullable(double)

/** The steps of the methods of a receiver. */
export interface ReceiverSteps extends ReceiverSlots {
  /** [[JitterBufferTarget]] */
  jitterBufferTarget: number | null
  readonly transform: TransformSlot
  getParameters(): RTCRtpReceiveParameters
  contributingSources(): RTCRtpContributingSource[]
  synchronizationSources(): RTCRtpSynchronizationSource[]
  getStats(): Promise<RTCStatsReport>
}

/** webrtc-pc §5.3: how a track of the peer is received. */
export class RTCRtpReceiver {
  static {
    exposeInterface(RTCRtpReceiver, 'RTCRtpReceiver', { constructorLength: 0, implementedBy: value => #slots in value })
  }

  readonly #slots: ReceiverSteps

  /** @internal Not constructible by applications. */
  constructor(token: symbol, slots: ReceiverSteps) {
    requireToken(token)
    this.#slots = slots
  }

  /** What can be received at best; null for what is neither `audio` nor `video`. */
  static getCapabilities(kind: string): RTCRtpCapabilities | null {
    requireArguments(arguments.length, 1, 'RTCRtpReceiver.getCapabilities')
    return capabilities(domString(kind, 'RTCRtpReceiver.getCapabilities: argument 1'))
  }

  /** webrtc-extensions §14.1: without effect, as no codec here is one of hardware. */
  static disableHardwareDecoding(): void {}

  get track(): MediaStreamTrack {
    return this.#slots.track
  }

  /** Null until a negotiation has found one. */
  get transport(): RTCDtlsTransport | null {
    return this.#slots.transport?.dtls ?? null
  }

  /**
   * How many milliseconds of media the application would like to have in the jitter buffer; null: no preference. Every
   * `EncodedTrackSink` of the track holds its frames so long.
   */
  get jitterBufferTarget(): number | null {
    return this.#slots.jitterBufferTarget
  }

  /** @throws {RangeError} below zero and above 4000 */
  set jitterBufferTarget(value: number | null) {
    const slots = this.#slots
    const target = toTarget(value, 'RTCRtpReceiver.jitterBufferTarget')
    // webrtc-pc §5.3 jitterBufferTarget, on setting, step 3
    if (target !== null && (target < 0 || target > maxJitterBufferTarget)) {
      throw new RangeError(`RTCRtpReceiver.jitterBufferTarget: ${target} is not between 0 and ${maxJitterBufferTarget}`)
    }
    slots.jitterBufferTarget = target
  }

  getParameters(): RTCRtpReceiveParameters {
    return this.#slots.getParameters()
  }

  /** Who had a part in what came in the last 10 seconds, the latest first: RFC 3550 §5.1, CSRC. */
  getContributingSources(): RTCRtpContributingSource[] {
    return this.#slots.contributingSources()
  }

  /** The streams that came in the last 10 seconds, the latest first. */
  getSynchronizationSources(): RTCRtpSynchronizationSource[] {
    return this.#slots.synchronizationSources()
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
