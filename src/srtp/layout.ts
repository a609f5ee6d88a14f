/** Where things are in an RTP packet that is protected, or from which the protection is taken: filled in anew for each. */
export interface RtpLayout {
  ssrc: number
  /** The 48-bit packet index. */
  index: number
  /** Where that begins which is enciphered; the header ends there unless {@link movedLength} says otherwise. */
  clearLength: number
  /**
   * Cryptex: bytes of CSRCs, which stand before the four bytes that are in clear after the fixed header and are enciphered
   * all the same. 0 in all other packets.
   */
  movedLength: number
  /** Where what is enciphered ends, and tag or MKI follow. */
  end: number
}

const fixedHeaderLength = 12
const extensionHeaderLength = 4

/**
 * RFC 9335 §6.2: puts the head of the extension before the CSRCs, so that all that is in clear comes before all that is
 * enciphered.
 */
export function joinClearPart(packet: Uint8Array, { movedLength }: RtpLayout): void {
  if (movedLength === 0) return
  moveBack(packet, fixedHeaderLength + movedLength, fixedHeaderLength, extensionHeaderLength)
}

/** RFC 9335 §6.2: undoes {@link joinClearPart}. */
export function restoreClearPart(packet: Uint8Array, { movedLength }: RtpLayout): void {
  if (movedLength === 0) return
  moveBack(packet, fixedHeaderLength + extensionHeaderLength, fixedHeaderLength, movedLength)
}

/** Moves `length` bytes from `from` back to `to`, and what was in between behind them. */
function moveBack(packet: Uint8Array, from: number, to: number, length: number): void {
  const moved = packet.slice(from, from + length)
  packet.copyWithin(to + length, to, from)
  packet.set(moved, to)
}
