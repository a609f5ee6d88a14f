import type { RTCIceCandidate } from './rtc-ice-candidate.ts'
import {
  type Converter,
  dictionary,
  domString,
  eventInitMembers,
  exposeInterface,
  implementsInterface,
  instance,
  requireArguments,
  required,
  requireToken,
} from './webidl.ts'

/** webrtc-pc §5.6.2 */
export class RTCIceCandidatePair {
  static {
    exposeInterface(RTCIceCandidatePair, 'RTCIceCandidatePair', {
      constructorLength: 0,
      implementedBy: value => #local in value,
    })
  }

  readonly #local: RTCIceCandidate
  readonly #remote: RTCIceCandidate

  /** @internal Not constructible by applications. */
  constructor(token: symbol, local: RTCIceCandidate, remote: RTCIceCandidate) {
    requireToken(token)
    this.#local = local
    this.#remote = remote
  }

  get local(): RTCIceCandidate {
    return this.#local
  }

  get remote(): RTCIceCandidate {
    return this.#remote
  }
}

function isCandidatePair(value: unknown): value is RTCIceCandidatePair {
  return implementsInterface(RTCIceCandidatePair, value)
}

export const toCandidatePair: Converter<RTCIceCandidatePair> = instance('RTCIceCandidatePair', isCandidatePair)

/** webrtc-extensions §9.3 */
export interface RTCIceCandidatePairEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  candidatePair: RTCIceCandidatePair
}

const toCandidatePairEventInit: Converter<Required<RTCIceCandidatePairEventInit>> = dictionary(
  'RTCIceCandidatePairEventInit',
  { ...eventInitMembers, candidatePair: required(toCandidatePair) },
)

/** webrtc-extensions §9.3: a pair was formed or removed, or is to be nominated. */
export class RTCIceCandidatePairEvent extends Event {
  static {
    exposeInterface(RTCIceCandidatePairEvent, 'RTCIceCandidatePairEvent')
  }

  readonly #candidatePair: RTCIceCandidatePair

  constructor(type: string, eventInitDict: RTCIceCandidatePairEventInit) {
    requireArguments(arguments.length, 2, 'RTCIceCandidatePairEvent constructor')
    const eventType = domString(type, 'RTCIceCandidatePairEvent constructor: argument 1')
    const init = toCandidatePairEventInit(eventInitDict, 'RTCIceCandidatePairEvent constructor: argument 2')
    super(eventType, init)
    this.#candidatePair = init.candidatePair
  }

  get candidatePair(): RTCIceCandidatePair {
    return this.#candidatePair
  }
}
