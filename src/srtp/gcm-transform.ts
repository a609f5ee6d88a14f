import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { write16, write32 } from '../rtp/wire.ts'
import type { PacketKeys, SessionKeys } from './key-derivation.ts'
import { joinClearPart, type RtpLayout, restoreClearPart } from './layout.ts'
import { rolloverCounter } from './packet-index.ts'
import { encryptedFlag, hasBytesAt, rtcpClearLength, rtcpWordLength, type SrtpTransform } from './transform.ts'

const tagLength = 16
const nothing = new Uint8Array(0)

/** AES-GCM: RFC 7714 §8, §9. The tag follows what is enciphered, the MKI comes last. */
export class GcmTransform implements SrtpTransform {
  readonly rtpOverhead: number
  readonly rtcpOverhead: number
  readonly #mki: Uint8Array
  readonly #rtp: GcmKey
  readonly #rtcp: GcmKey
  /** The first header of the SRTCP packet at work, and the word with flag and index behind it. */
  readonly #rtcpClear: Uint8Array = new Uint8Array(rtcpClearLength + rtcpWordLength)

  constructor({ rtp, rtcp }: SessionKeys, mki: Uint8Array) {
    this.#mki = mki
    this.rtpOverhead = tagLength + mki.length
    this.rtcpOverhead = tagLength + mki.length + rtcpWordLength
    this.#rtp = new GcmKey(rtp)
    this.#rtcp = new GcmKey(rtcp)
  }

  hasMki(packet: Uint8Array): boolean {
    return hasBytesAt(packet, packet.length - this.#mki.length, this.#mki)
  }

  sealRtp(packet: Uint8Array, layout: RtpLayout): void {
    const { clearLength, end } = layout
    this.#rtp.setRtpNonce(layout.ssrc, layout.index)
    joinClearPart(packet, layout)
    this.#rtp.seal(packet.subarray(0, clearLength), packet, clearLength, end)
    restoreClearPart(packet, layout)
    packet.set(this.#mki, end + tagLength)
  }

  openRtp(packet: Uint8Array, layout: RtpLayout): boolean {
    const { clearLength, end } = layout
    this.#rtp.setRtpNonce(layout.ssrc, layout.index)
    joinClearPart(packet, layout)
    const opened = this.#rtp.open(packet.subarray(0, clearLength), packet, clearLength, end)
    restoreClearPart(packet, layout)
    return opened
  }

  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): void {
    const word = encryptedFlag + index
    this.#rtcp.setRtcpNonce(ssrc, index)
    this.#rtcp.seal(this.#clearPart(packet, word), packet, rtcpClearLength, length)
    write32(packet, length + tagLength, word)
    packet.set(this.#mki, length + tagLength + rtcpWordLength)
  }

  openRtcp(packet: Uint8Array, length: number, ssrc: number, word: number): boolean {
    if (word >= encryptedFlag) {
      this.#rtcp.setRtcpNonce(ssrc, word - encryptedFlag)
      return this.#rtcp.open(this.#clearPart(packet, word), packet, rtcpClearLength, length)
    }
    this.#rtcp.setRtcpNonce(ssrc, word)
    // RFC 7714 §9.3: without the flag all of it is associated data, and nothing is enciphered.
    const clear = new Uint8Array(length + rtcpWordLength)
    clear.set(packet.subarray(0, length))
    write32(clear, length, word)
    return this.#rtcp.open(clear, packet, length, length)
  }

  rtcpWordAt(packetLength: number): number {
    return packetLength - this.#mki.length - rtcpWordLength
  }

  wipe(): void {
    this.#rtp.wipe()
    this.#rtcp.wipe()
  }

  /** RFC 7714 §9.2: the associated data of an enciphered packet, from both of its ends. */
  #clearPart(packet: Uint8Array, word: number): Uint8Array {
    for (let i = 0; i < rtcpClearLength; i++) this.#rtcpClear[i] = packet[i] as number
    write32(this.#rtcpClear, rtcpClearLength, word)
    return this.#rtcpClear
  }
}

/** A key of AES-GCM with its salt, and the nonce of the packet at work. */
class GcmKey {
  readonly #algorithm: 'aes-128-gcm' | 'aes-256-gcm'
  readonly #key: KeyObject
  readonly #salt: Uint8Array
  readonly #nonce: Uint8Array = new Uint8Array(12)

  constructor({ encryption, salt }: PacketKeys) {
    this.#algorithm = encryption.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm'
    this.#key = createSecretKey(encryption)
    this.#salt = salt
    encryption.fill(0)
  }

  /** RFC 7714 §8.1: two bytes of zero, SSRC, rollover counter and sequence number. */
  setRtpNonce(ssrc: number, index: number): void {
    const nonce = this.#nonce
    write32(nonce, 2, ssrc)
    write32(nonce, 6, rolloverCounter(index))
    write16(nonce, 10, index & 0xffff)
    this.#saltNonce()
  }

  /** RFC 7714 §9.1: two bytes of zero, SSRC, two bytes of zero and the index. */
  setRtcpNonce(ssrc: number, index: number): void {
    const nonce = this.#nonce
    write32(nonce, 2, ssrc)
    write16(nonce, 6, 0)
    write32(nonce, 8, index)
    this.#saltNonce()
  }

  /** Enciphers `packet` from `start` to `end`, and writes the tag behind. */
  seal(clear: Uint8Array, packet: Uint8Array, start: number, end: number): void {
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#nonce)
    cipher.setAAD(clear)
    if (end > start) packet.set(cipher.update(packet.subarray(start, end)), start)
    cipher.final()
    packet.set(cipher.getAuthTag(), end)
  }

  /** Deciphers `packet` from `start` to `end`, behind which the tag is; leaves it alone if that does not fit. */
  open(clear: Uint8Array, packet: Uint8Array, start: number, end: number): boolean {
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#nonce)
    decipher.setAuthTag(packet.subarray(end, end + tagLength))
    decipher.setAAD(clear)
    const plain = end > start ? decipher.update(packet.subarray(start, end)) : nothing
    try {
      decipher.final()
    } catch {
      return false
    }
    packet.set(plain, start)
    return true
  }

  wipe(): void {
    this.#salt.fill(0)
  }

  #saltNonce(): void {
    const nonce = this.#nonce
    const salt = this.#salt
    nonce[0] = salt[0] as number
    nonce[1] = salt[1] as number
    for (let i = 2; i < 12; i++) nonce[i] = (nonce[i] as number) ^ (salt[i] as number)
  }
}
