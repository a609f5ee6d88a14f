import { read16, write16 } from '../rtp/wire.ts'

const oneByteProfile = 0xbede
const twoByteProfile = 0x1000
/** RFC 9335 §5: what stands for them where the elements are enciphered. */
const encryptedOneByteProfile = 0xc0de
const encryptedTwoByteProfile = 0xc2de

const fixedHeaderLength = 12
const extensionFlag = 0x10

/** Bytes that a packet may grow by before it is enciphered. */
export const cryptexGrowth = 4

/**
 * Whether Cryptex can serve a packet with a well-formed header.
 *
 * RFC 9335 §5.1: one with CSRCs, or with an extension as in RFC 8285, but with no other. The lowest four bits of the two-byte form
 * would be lost, so a packet that uses them stays as it is.
 */
export function canUseCryptex(packet: Uint8Array): boolean {
  const first = packet[0] as number
  const csrcs = first & 0x0f
  if ((first & extensionFlag) === 0) return csrcs > 0
  const profile = read16(packet, fixedHeaderLength + 4 * csrcs)
  return profile === oneByteProfile || profile === twoByteProfile
}

/** Whether a packet has a header extension: then it does not grow. */
export function hasExtension(packet: Uint8Array): boolean {
  return ((packet[0] as number) & extensionFlag) !== 0
}

/** Whether the receiver is to read a packet with a well-formed header as Cryptex: RFC 9335 §5.2. */
export function isCryptex(packet: Uint8Array): boolean {
  const first = packet[0] as number
  if ((first & extensionFlag) === 0) return false
  const profile = read16(packet, fixedHeaderLength + 4 * (first & 0x0f))
  return profile === encryptedOneByteProfile || profile === encryptedTwoByteProfile
}

/** Names the extension enciphered, and gives a packet without one an empty one; tells the new length of the packet. */
export function markEncrypted(packet: Uint8Array, length: number): number {
  const first = packet[0] as number
  const at = fixedHeaderLength + 4 * (first & 0x0f)
  if ((first & extensionFlag) !== 0) {
    write16(packet, at, read16(packet, at) === oneByteProfile ? encryptedOneByteProfile : encryptedTwoByteProfile)
    return length
  }
  // RFC 9335 §5.1: without it the receiver could not know that the CSRCs are enciphered.
  packet[0] = first | extensionFlag
  packet.copyWithin(at + cryptexGrowth, at, length)
  write16(packet, at, encryptedOneByteProfile)
  write16(packet, at + 2, 0)
  return length + cryptexGrowth
}

/** Gives the extension of a deciphered packet its own name back. RFC 9335 §5.2: an empty one may stay. */
export function markPlain(packet: Uint8Array): void {
  const at = fixedHeaderLength + 4 * ((packet[0] as number) & 0x0f)
  write16(packet, at, read16(packet, at) === encryptedOneByteProfile ? oneByteProfile : twoByteProfile)
}
