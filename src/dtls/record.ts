/** RFC 6347 §4.1, RFC 5246 §6.2.1: ContentType. */
export const ContentType = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
  /** RFC 9146 §4: a protected record of DTLS 1.2 with a connection ID; its real type is inside. */
  tls12Cid: 25,
  /** RFC 9147 §7 */
  ack: 26,
} as const

/** type, version, epoch, sequence_number, length */
export const recordHeaderLength = 13
/** RFC 5246 §6.2.1: the most plaintext a record carries. */
export const maxPlaintextLength: number = 2 ** 14
/** RFC 5246 §6.2.3: what protection may add at most. */
const maxExpansion = 2048
/** RFC 6347 §4.1: sequence numbers have 48 bits and must not wrap. */
export const maxSequence: number = 2 ** 48 - 1

const dtlsMajor = 0xfe
const minor12 = 0xfd
/** RFC 6347 §4.2.1: the records of a first ClientHello, and of a HelloVerifyRequest, may say DTLS 1.0. */
const minor10 = 0xff

/**
 * Where the record at `at` ends, or -1 if none begins there that could be taken.
 *
 * Written on offsets, without an object for the header: every packet comes this way.
 *
 * @param connectionIdLength of those that the peer may put on its records; 0 if it puts none there
 */
export function recordEnd(datagram: Uint8Array, at: number, connectionIdLength = 0): number {
  const isTls12Cid = datagram[at] === ContentType.tls12Cid
  // RFC 9146 §4: such a record has one byte of connection ID or more.
  if (isTls12Cid && connectionIdLength === 0) return -1
  const headerLength = recordHeaderLength + (isTls12Cid ? connectionIdLength : 0)
  if (datagram.length - at < headerLength) return -1
  const minor = datagram[at + 2]
  if (datagram[at + 1] !== dtlsMajor || (minor !== minor12 && minor !== minor10)) return -1
  const length = readUint16(datagram, at + headerLength - 2)
  const isPlaintext = recordEpoch(datagram, at) === 0
  if (length > maxPlaintextLength + (isPlaintext ? 0 : maxExpansion)) return -1
  const end = at + headerLength + length
  return end > datagram.length ? -1 : end
}

export function recordType(datagram: Uint8Array, at: number): number {
  return datagram[at] ?? 0
}

export function recordEpoch(datagram: Uint8Array, at: number): number {
  return readUint16(datagram, at + 3)
}

/** The 48-bit sequence number: exact in a double. */
export function recordSequence(datagram: Uint8Array, at: number): number {
  return (
    readUint16(datagram, at + 5) * 0x1_0000_0000 +
    readUint16(datagram, at + 7) * 0x1_0000 +
    readUint16(datagram, at + 9)
  )
}

/** RFC 9146 §4: in a record of type tls12_cid, the connection ID stands between sequence_number and length. */
export function recordConnectionIdAt(at: number): number {
  return at + recordHeaderLength - 2
}

/** Writes the header of a DTLS 1.2 record. */
export function writeRecordHeader(
  out: Uint8Array,
  type: number,
  epoch: number,
  sequence: number,
  fragmentLength: number,
): void {
  out[0] = type
  out[1] = dtlsMajor
  out[2] = minor12
  out[3] = epoch >>> 8
  out[4] = epoch
  const high = Math.floor(sequence / 0x1_0000_0000)
  out[5] = high >>> 8
  out[6] = high
  out[7] = sequence >>> 24
  out[8] = sequence >>> 16
  out[9] = sequence >>> 8
  out[10] = sequence
  out[11] = fragmentLength >>> 8
  out[12] = fragmentLength
}

function readUint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
