import { concatBytes } from '../base/bytes.ts'
import { minInitWindow } from './limits.ts'
import { encodeParameter, joinParameters, readParameters, reportable, unrecognizedAction } from './parameters.ts'
import { CauseCode, ChunkType, ParameterType } from './protocol.ts'

/** What one end says of itself in INIT or INIT ACK (RFC 9260 §3.3.2). */
export interface EndpointParameters {
  /** The verification tag of packets sent to this end. */
  readonly tag: number
  /** Bytes that it is ready to hold. */
  readonly window: number
  readonly outboundStreams: number
  readonly inboundStreams: number
  readonly initialTsn: number
}

/** What is known of the peer once the association is up. */
export interface PeerParameters extends EndpointParameters {
  /** RFC 3758 §3.1. */
  readonly forwardTsn: boolean
  /** RFC 6525 §5.1.1: by the Supported Extensions parameter. */
  readonly reConfig: boolean
}

/** An INIT or INIT ACK as it was received. */
export interface Init {
  readonly peer: PeerParameters
  /** RFC 9260 §3.3.3.1.1, in an INIT ACK. */
  readonly cookie: Uint8Array | undefined
  /** Unrecognized parameters to be reported. */
  readonly unrecognized: readonly Uint8Array[]
  /** RFC 9260 §3.3.2, §5.1.2: the error cause that refuses it, if it must be refused. */
  readonly refusal: Uint8Array | undefined
}

const fixedInitBytes = 16

/** Reads the value of an INIT or INIT ACK; undefined if it is malformed. */
export function parseInit(value: Uint8Array): Init | undefined {
  if (value.length < fixedInitBytes) return undefined
  const parameters = readParameters(value.subarray(fixedInitBytes))
  if (parameters === undefined) return undefined
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  let forwardTsn = false
  let reConfig = false
  let cookie: Uint8Array | undefined
  let hostName: Uint8Array | undefined
  const unrecognized: Uint8Array[] = []
  for (const { type, value: content, whole } of parameters) {
    if (type === ParameterType.stateCookie) cookie = content
    else if (type === ParameterType.forwardTsnSupported) forwardTsn = true
    else if (type === ParameterType.hostNameAddress) hostName = whole
    else if (type === ParameterType.supportedExtensions) {
      reConfig ||= content.includes(ChunkType.reConfig)
      forwardTsn ||= content.includes(ChunkType.forwardTsn)
    } else if (!ignoredParameters.has(type)) {
      const action = unrecognizedAction(type, 16)
      if (action.report) unrecognized.push(reportable(whole))
      if (action.stop) break
    }
  }
  const peer: PeerParameters = {
    tag: view.getUint32(0),
    window: view.getUint32(4),
    outboundStreams: view.getUint16(8),
    inboundStreams: view.getUint16(10),
    initialTsn: view.getUint32(12),
    forwardTsn,
    reConfig,
  }
  return { peer, cookie, unrecognized, refusal: refusal(peer, hostName) }
}

/** RFC 8261 §6.1: over DTLS there are no addresses to speak of. The others carry nothing for this end either. */
const ignoredParameters: ReadonlySet<number> = new Set([
  ParameterType.ipv4Address,
  ParameterType.ipv6Address,
  ParameterType.supportedAddressTypes,
  ParameterType.cookiePreservative,
  ParameterType.unrecognizedParameter,
])

function refusal(peer: PeerParameters, hostName: Uint8Array | undefined): Uint8Array | undefined {
  // RFC 9260 §5.1.2: a Host Name Address must be refused.
  if (hostName !== undefined) return encodeParameter(CauseCode.unresolvableAddress, reportable(hostName))
  // RFC 9260 §3.3.2: a window below 1500, no outbound or no inbound streams must be refused.
  if (peer.window < minInitWindow || peer.outboundStreams === 0 || peer.inboundStreams === 0) {
    return encodeParameter(CauseCode.invalidMandatoryParameter)
  }
  return undefined
}

/** RFC 6525 §5.1.1, RFC 3758 §3.3.1: what this end supports. */
const extensionParameters: readonly Uint8Array[] = [
  encodeParameter(ParameterType.forwardTsnSupported),
  encodeParameter(ParameterType.supportedExtensions, Uint8Array.of(ChunkType.reConfig, ChunkType.forwardTsn)),
]

/** The value of an INIT or INIT ACK. */
export function encodeInit(local: EndpointParameters, parameters: readonly Uint8Array[] = []): Uint8Array {
  const fixed = new Uint8Array(fixedInitBytes)
  const view = new DataView(fixed.buffer)
  view.setUint32(0, local.tag)
  view.setUint32(4, local.window)
  view.setUint16(8, local.outboundStreams)
  view.setUint16(10, local.inboundStreams)
  view.setUint32(12, local.initialTsn)
  return concatBytes(fixed, joinParameters([...extensionParameters, ...parameters]))
}
