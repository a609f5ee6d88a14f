import { parseCandidate, type SdpCandidate } from '../sdp/index.ts'
import {
  type Converter,
  dictionary,
  domString,
  enumeration,
  exposeInterface,
  nullable,
  unsignedShort,
  usvString,
  withDefault,
} from './webidl.ts'

/** webrtc-pc §5.6.6 */
export type RTCIceComponent = 'rtp' | 'rtcp'
/** webrtc-pc §4.8.1.2 */
export type RTCIceProtocol = (typeof protocols)[number]
/** webrtc-pc §4.8.1.3 */
export type RTCIceTcpCandidateType = (typeof tcpTypes)[number]
/** webrtc-pc §4.8.1.4 */
export type RTCIceCandidateType = (typeof candidateTypes)[number]
/** webrtc-pc §4.8.1.5 */
export type RTCIceServerTransportProtocol = (typeof relayProtocols)[number]

const protocols = ['udp', 'tcp'] as const
const tcpTypes = ['active', 'passive', 'so'] as const
const candidateTypes = ['host', 'srflx', 'prflx', 'relay'] as const
const relayProtocols = ['udp', 'tcp', 'tls'] as const

/** webrtc-pc §4.8.1 */
export interface RTCIceCandidateInit {
  candidate?: string
  sdpMid?: string | null
  sdpMLineIndex?: number | null
  usernameFragment?: string | null
}

/** webrtc-pc §4.8.1: what is known of a local candidate beyond what is signalled. */
export interface RTCLocalIceCandidateInit extends RTCIceCandidateInit {
  relayProtocol?: RTCIceServerTransportProtocol | null
  url?: string | null
}

const initMembers = {
  candidate: withDefault(domString, ''),
  sdpMLineIndex: withDefault(nullable(unsignedShort), null),
  sdpMid: withDefault(nullable(domString), null),
  usernameFragment: withDefault(nullable(domString), null),
}

/** As for addIceCandidate. */
export const toIceCandidateInit: Converter<Required<RTCIceCandidateInit>> = dictionary(
  'RTCIceCandidateInit',
  initMembers,
)

const toLocalIceCandidateInit: Converter<Required<RTCLocalIceCandidateInit>> = dictionary('RTCLocalIceCandidateInit', {
  ...initMembers,
  relayProtocol: withDefault(nullable(enumeration('RTCIceServerTransportProtocol', relayProtocols)), null),
  url: withDefault(nullable(usvString), null),
})

/** The attributes that come from the candidate's text. */
interface ParsedCandidate {
  readonly foundation: string
  readonly component: RTCIceComponent
  readonly priority: number
  readonly address: string
  readonly protocol: RTCIceProtocol
  readonly port: number
  readonly type: RTCIceCandidateType
  readonly tcpType: RTCIceTcpCandidateType | null
  readonly relatedAddress: string | null
  readonly relatedPort: number | null
}

/** webrtc-pc §4.8.1: a candidate as applications exchange it. */
export class RTCIceCandidate {
  static {
    exposeInterface(RTCIceCandidate, 'RTCIceCandidate', { implementedBy: value => #init in value })
  }

  readonly #init: Required<RTCLocalIceCandidateInit>
  readonly #parsed: ParsedCandidate | undefined

  constructor(candidateInitDict: RTCLocalIceCandidateInit = {}) {
    const init = toLocalIceCandidateInit(candidateInitDict, 'RTCIceCandidate constructor: argument 1')
    // webrtc-pc §4.8.1, constructor, step 1: a candidate belongs to some media description
    if (init.sdpMid === null && init.sdpMLineIndex === null) {
      throw new TypeError('RTCIceCandidate constructor: sdpMid and sdpMLineIndex must not both be null')
    }
    this.#init = init
    this.#parsed = parse(init.candidate)
  }

  get candidate(): string {
    return this.#init.candidate
  }

  get sdpMid(): string | null {
    return this.#init.sdpMid
  }

  get sdpMLineIndex(): number | null {
    return this.#init.sdpMLineIndex
  }

  get foundation(): string | null {
    return this.#parsed?.foundation ?? null
  }

  get component(): RTCIceComponent | null {
    return this.#parsed?.component ?? null
  }

  get priority(): number | null {
    return this.#parsed?.priority ?? null
  }

  get address(): string | null {
    return this.#parsed?.address ?? null
  }

  get protocol(): RTCIceProtocol | null {
    return this.#parsed?.protocol ?? null
  }

  get port(): number | null {
    return this.#parsed?.port ?? null
  }

  get type(): RTCIceCandidateType | null {
    return this.#parsed?.type ?? null
  }

  get tcpType(): RTCIceTcpCandidateType | null {
    return this.#parsed?.tcpType ?? null
  }

  get relatedAddress(): string | null {
    return this.#parsed?.relatedAddress ?? null
  }

  get relatedPort(): number | null {
    return this.#parsed?.relatedPort ?? null
  }

  get usernameFragment(): string | null {
    return this.#init.usernameFragment
  }

  get relayProtocol(): RTCIceServerTransportProtocol | null {
    return this.#init.relayProtocol
  }

  get url(): string | null {
    return this.#init.url
  }

  toJSON(): RTCIceCandidateInit {
    const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = this.#init
    return { candidate, sdpMid, sdpMLineIndex, usernameFragment }
  }
}

/** webrtc-pc §4.8.1, create an RTCIceCandidate, step 4: a text that cannot be read leaves the attributes null. */
function parse(text: string): ParsedCandidate | undefined {
  try {
    const candidate = parseCandidate(text)
    return candidate === undefined ? undefined : toAttributes(candidate)
  } catch {
    return undefined
  }
}

/** webrtc-pc §4.8.1, create an RTCIceCandidate, step 4.3: one value that an attribute cannot have, and none is set. */
function toAttributes(candidate: SdpCandidate): ParsedCandidate | undefined {
  const component = candidate.component === 1 ? 'rtp' : candidate.component === 2 ? 'rtcp' : undefined
  const protocol = protocols.find(known => known === candidate.protocol)
  const type = candidateTypes.find(known => known === candidate.type)
  const tcpType = protocol === 'tcp' ? tcpTypes.find(known => known === candidate.tcpType) : null
  if (component === undefined || protocol === undefined || type === undefined || tcpType === undefined) return undefined
  return {
    foundation: candidate.foundation,
    component,
    priority: candidate.priority,
    address: candidate.address,
    protocol,
    port: candidate.port,
    type,
    tcpType,
    relatedAddress: candidate.relatedAddress ?? null,
    relatedPort: candidate.relatedPort ?? null,
  }
}
