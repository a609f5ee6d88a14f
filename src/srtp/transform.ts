import type { RtpLayout } from './layout.ts'

/**
 * A cipher with its authentication, for one direction: RFC 3711 §6. Works on packets in place; knows no state but its keys.
 *
 * Packets are arrays with room behind the packet when they are sealed, and whole protected packets when they are opened.
 */
export interface SrtpTransform {
  /** Bytes that follow the enciphered part of an SRTP packet: tag and MKI. */
  readonly rtpOverhead: number
  /** The same of SRTCP: tag, MKI and the word with flag and index. */
  readonly rtcpOverhead: number
  /** Whether the packet has the MKI of these keys, where there is one. It is not authenticated. */
  hasMki(packet: Uint8Array, kind: 'rtp' | 'rtcp'): boolean
  /** Enciphers, and writes tag and MKI at `layout.end`. */
  sealRtp(packet: Uint8Array, layout: RtpLayout): void
  /** Deciphers; false if the tag does not fit, and then the packet is as it was. */
  openRtp(packet: Uint8Array, layout: RtpLayout): boolean
  /** Enciphers a compound packet of `length` bytes, and writes tag, index and MKI behind it. */
  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): void
  /** Deciphers; `length` and the word with flag and index are without what protects them. False as in {@link openRtp}. */
  openRtcp(packet: Uint8Array, length: number, ssrc: number, word: number): boolean
  /** Where the word with flag and index is in an SRTCP packet of that length. */
  rtcpWordAt(packetLength: number): number
  wipe(): void
}

/** RFC 3711 §3.4: the flag that an SRTCP packet is enciphered, above its index. */
export const encryptedFlag = 0x8000_0000

/** RFC 3550 §6.4.1: the first header of a compound packet and the SSRC of its sender, which SRTCP leaves in clear. */
export const rtcpClearLength = 8

/** The word with flag and index. */
export const rtcpWordLength = 4

export function hasBytesAt(packet: Uint8Array, at: number, bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (packet[at + i] !== bytes[i]) return false
  return true
}
