import { maxPlaintextLength } from '../record.ts'

/** RFC 9147 §4: the longest encrypted_record. */
export const maxCiphertextLength: number = maxPlaintextLength + 256

/** RFC 9147 §4: the first byte of a DTLSCiphertext. */
export const headerBits = {
  fixed: 0x20,
  /** C: there is a connection ID */
  connectionId: 0x10,
  /** S: the sequence number has 16 bits, not 8 */
  longSequence: 0x08,
  /** L: there is a length */
  length: 0x04,
  /** E: the low-order bits of the epoch */
  epoch: 0x03,
} as const

/** RFC 9147 §4.1: whether a record with this first byte is a DTLSCiphertext. */
export function isCiphertext(firstByte: number): boolean {
  return (firstByte & 0xe0) === headerBits.fixed
}

/** Whether it is one with a connection ID. */
export function hasConnectionId13(firstByte: number): boolean {
  return isCiphertext(firstByte) && (firstByte & headerBits.connectionId) !== 0
}

/** The two low-order bits of the epoch of a DTLSCiphertext. */
export function ciphertextEpochBits(firstByte: number): number {
  return firstByte & headerBits.epoch
}

/** RFC 9147 §4: the connection ID is right behind the first byte. */
export function ciphertextConnectionIdAt(at: number): number {
  return at + 1
}

/**
 * Where the DTLSCiphertext at `at` ends, or -1 if none begins there that could be taken.
 *
 * RFC 9147 §4: without a length, a record takes all the rest of the datagram.
 *
 * @param connectionIdLength of those that the peer may put on its records; 0 if it puts none there
 */
export function ciphertextEnd(datagram: Uint8Array, at: number, connectionIdLength = 0): number {
  const flags = datagram[at] ?? 0
  // RFC 9147 §9: a record with a connection ID is rejected where there is none.
  if (hasConnectionId13(flags) && connectionIdLength === 0) return -1
  const start = at + unifiedHeaderLength(flags, connectionIdLength)
  if (start > datagram.length) return -1
  const hasLength = (flags & headerBits.length) !== 0
  const end = hasLength ? start + (((datagram[start - 2] ?? 0) << 8) | (datagram[start - 1] ?? 0)) : datagram.length
  return end > datagram.length || end - start > maxCiphertextLength ? -1 : end
}

/** @param connectionIdLength of a connection ID, if there is one */
export function unifiedHeaderLength(flags: number, connectionIdLength: number): number {
  const connectionId = (flags & headerBits.connectionId) === 0 ? 0 : connectionIdLength
  const sequence = (flags & headerBits.longSequence) === 0 ? 1 : 2
  return 1 + connectionId + sequence + ((flags & headerBits.length) === 0 ? 0 : 2)
}
