/** The numbers of the wire: chunk types, flags, parameter types, error causes, payload protocol identifiers. */

/** RFC 9260 §3.2, table 1; RE-CONFIG from RFC 6525 §3.1, FORWARD TSN from RFC 3758 §3.2. */
export const ChunkType = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
  reConfig: 130,
  forwardTsn: 192,
} as const

/** RFC 9260 §3.3.1: the flags of a DATA chunk. */
export const DataFlag = { end: 0x01, begin: 0x02, unordered: 0x04, immediate: 0x08 } as const

/** RFC 9260 §3.3.7, §3.3.13: the T bit of ABORT and SHUTDOWN COMPLETE says that the verification tag is the receiver's own, reflected. */
export const reflectedTagFlag = 0x01

/** RFC 9260 §3.3.2, §3.3.3, §3.3.5; RFC 6525 §4; RFC 5061 §4.2.7; RFC 3758 §3.1. */
export const ParameterType = {
  heartbeatInfo: 1,
  ipv4Address: 5,
  ipv6Address: 6,
  stateCookie: 7,
  unrecognizedParameter: 8,
  cookiePreservative: 9,
  hostNameAddress: 11,
  supportedAddressTypes: 12,
  outgoingSsnReset: 13,
  incomingSsnReset: 14,
  ssnTsnReset: 15,
  reConfigResponse: 16,
  addOutgoingStreams: 17,
  addIncomingStreams: 18,
  supportedExtensions: 0x8008,
  forwardTsnSupported: 0xc000,
} as const

/** RFC 9260 §3.3.10, table 11. */
export const CauseCode = {
  invalidStreamIdentifier: 1,
  missingMandatoryParameter: 2,
  staleCookie: 3,
  outOfResource: 4,
  unresolvableAddress: 5,
  unrecognizedChunkType: 6,
  invalidMandatoryParameter: 7,
  unrecognizedParameters: 8,
  noUserData: 9,
  cookieReceivedWhileShuttingDown: 10,
  userInitiatedAbort: 12,
  protocolViolation: 13,
} as const

/** RFC 8831 §8, RFC 8832 §8.1: what a user message holds. An empty message travels as one zero byte under an identifier of its own. */
export const PayloadProtocol = {
  dcep: 50,
  string: 51,
  binary: 53,
  stringEmpty: 56,
  binaryEmpty: 57,
} as const

export const commonHeaderBytes = 12
export const chunkHeaderBytes = 4
/** Chunk header, TSN, stream identifier, stream sequence number, payload protocol identifier. */
export const dataHeaderBytes = 16

/** RFC 9260 §3.2: chunks and parameters end on a 4-byte boundary. */
export function padded(length: number): number {
  return (length + 3) & ~3
}

/** Chunks that end what there is to say, and may have the peer's tag. */
export const lastWords: ReadonlySet<number> = new Set([ChunkType.abort, ChunkType.shutdownComplete])
