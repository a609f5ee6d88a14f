/** RFC 8489 §5: the four bytes after type and length. */
export const magicCookie = 0x2112_a442

/** RFC 8489 §5: type, length, cookie and transaction ID, in bytes. */
export const headerLength = 20

export type StunClass = 'request' | 'indication' | 'success' | 'error'

/** In the order of their two bits, C1 and C0. RFC 8489 §5. */
export const classes: readonly StunClass[] = ['request', 'indication', 'success', 'error']

/** Whether a datagram is STUN, and not of another protocol that shares its way. RFC 7983 §7: the first byte is 0 to 3. */
export function isStun(datagram: Uint8Array): boolean {
  return (datagram[0] ?? 0xff) <= 3
}

/** The class of a message, of which nothing but the first two bytes is looked at. */
export function classOf(message: Uint8Array): StunClass {
  // RFC 8489 §5: C1 and C0 are the bits 0x0100 and 0x0010 of the type
  return classes[(((message[0] ?? 0) & 1) << 1) | (((message[1] ?? 0) >> 4) & 1)] ?? 'request'
}

/** Bytes 8 to 19: a view. */
export function transactionIdOf(message: Uint8Array): Uint8Array {
  return message.subarray(8, headerLength)
}
