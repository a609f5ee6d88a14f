import {
  boolean,
  type Converter,
  dictionary,
  domString,
  double,
  eventInitMembers,
  exposeInterface,
  nullable,
  optional,
  requireArguments,
  required,
  withDefault,
} from '../webidl.ts'
import { toMediaCodec } from './codec-argument.ts'
import { type RTCResolutionRestriction, toResolutionRestriction } from './resolution-restriction.ts'
import type { MediaCodec } from './track-signal.ts'

/** What is asked of an encoding, by RTCRtpSender.setParameters(), of all senders of the track together. */
export interface TargetBitrateEncoding {
  /** False: nobody takes it now. */
  active?: boolean
  /** Bits per second: the least of all. */
  maxBitrate?: number | undefined
  /** Pictures a second: the least of all. */
  maxFramerate?: number | undefined
  /** The most of all. */
  scaleResolutionDownBy?: number | undefined
  /** The smallest of all, in place of the above: no larger than this, whichever way round it is. */
  scaleResolutionDownTo?: RTCResolutionRestriction | undefined
  /** The layers: webrtc-svc §5. */
  scalabilityMode?: string | undefined
  /** Milliseconds of sound in a packet. */
  ptime?: number | undefined
  /** All take packets of any length. */
  adaptivePtime?: boolean | undefined
  /** What is to stay as it is where there is not enough room: an RTCDegradationPreference. */
  degradationPreference?: string | undefined
  /** The one to change to. */
  codec?: MediaCodec | undefined
}

export interface TargetBitrateEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  rid?: string | null
  bitrate: number
  encoding?: TargetBitrateEncoding
}

const toEncoding: Converter<TargetBitrateEncoding> = dictionary('TargetBitrateEncoding', {
  active: withDefault(boolean, true),
  adaptivePtime: optional(boolean),
  codec: optional(toMediaCodec),
  degradationPreference: optional(domString),
  maxBitrate: optional(double),
  maxFramerate: optional(double),
  ptime: optional(double),
  scalabilityMode: optional(domString),
  scaleResolutionDownBy: optional(double),
  scaleResolutionDownTo: optional(toResolutionRestriction),
})
const toInit = dictionary('TargetBitrateEventInit', {
  ...eventInitMembers,
  bitrate: required(double),
  encoding: optional(toEncoding),
  rid: withDefault(nullable(domString), null),
})

/**
 * How much is to be sent of an encoding from now on. Whoever has an encoder behind a source turns it to this; it comes again
 * whenever the path, the peer or the application says something else.
 */
export class TargetBitrateEvent extends Event {
  static {
    exposeInterface(TargetBitrateEvent, 'TargetBitrateEvent')
  }

  readonly #rid: string | null
  readonly #bitrate: number
  readonly #encoding: TargetBitrateEncoding

  constructor(type: string, eventInitDict: TargetBitrateEventInit) {
    requireArguments(arguments.length, 2, 'TargetBitrateEvent constructor')
    const eventType = domString(type, 'TargetBitrateEvent constructor: argument 1')
    const init = toInit(eventInitDict, 'TargetBitrateEvent constructor: argument 2')
    super(eventType, init)
    this.#rid = init.rid
    this.#bitrate = init.bitrate
    this.#encoding = init.encoding ?? { active: true }
  }

  /** Which encoding of a simulcast; null where there is none. */
  get rid(): string | null {
    return this.#rid
  }

  /**
   * Bits per second of RTP packets: what all connections that send the track have room for. The least of their targets; 0 for
   * an encoding that is not active.
   */
  get bitrate(): number {
    return this.#bitrate
  }

  get encoding(): TargetBitrateEncoding {
    return this.#encoding
  }
}
