import { write32 } from '../rtp/wire.ts'
import { CounterMode } from './counter-mode.ts'
import { HmacSha1 } from './hmac-sha1.ts'
import type { SessionKeys } from './key-derivation.ts'
import { KeyStreamAhead } from './key-stream-ahead.ts'
import { joinClearPart, type RtpLayout, restoreClearPart } from './layout.ts'
import { rolloverCounter } from './packet-index.ts'
import type { SrtpProfile } from './profiles.ts'
import { encryptedFlag, hasBytesAt, rtcpClearLength, rtcpWordLength, type SrtpTransform } from './transform.ts'

/** AES in counter mode with HMAC-SHA1: RFC 3711 §4.1.1, §4.2.1. The MKI stands before the tag. */
export class HmacTransform implements SrtpTransform {
  readonly rtpOverhead: number
  readonly rtcpOverhead: number
  readonly #profile: SrtpProfile
  readonly #mki: Uint8Array
  readonly #rtpCipher: KeyStreamAhead
  readonly #rtcpCipher: CounterMode
  readonly #rtpMac: HmacSha1
  readonly #rtcpMac: HmacSha1
  /** The rollover counter of the packet at work, as bytes. */
  readonly #roc: Uint8Array = new Uint8Array(4)

  constructor(profile: SrtpProfile, { rtp, rtcp }: SessionKeys, mki: Uint8Array) {
    this.#profile = profile
    this.#mki = mki
    this.rtpOverhead = profile.rtpTagLength + mki.length
    this.rtcpOverhead = profile.rtcpTagLength + mki.length + rtcpWordLength
    this.#rtpCipher = new KeyStreamAhead(new CounterMode(rtp.encryption, rtp.salt))
    this.#rtcpCipher = new CounterMode(rtcp.encryption, rtcp.salt)
    this.#rtpMac = new HmacSha1(rtp.authentication)
    this.#rtcpMac = new HmacSha1(rtcp.authentication)
  }

  hasMki(packet: Uint8Array, kind: 'rtp' | 'rtcp'): boolean {
    const tagLength = kind === 'rtp' ? this.#profile.rtpTagLength : this.#profile.rtcpTagLength
    return hasBytesAt(packet, packet.length - tagLength - this.#mki.length, this.#mki)
  }

  sealRtp(packet: Uint8Array, layout: RtpLayout): void {
    const { end } = layout
    this.#applyRtp(packet, layout)
    const tag = this.#rtpTag(packet, end, layout.index)
    packet.set(this.#mki, end)
    writeTag(packet, end + this.#mki.length, tag, this.#profile.rtpTagLength)
  }

  openRtp(packet: Uint8Array, layout: RtpLayout): boolean {
    // RFC 3711 §3.3: a packet is authenticated before it is deciphered.
    const tag = this.#rtpTag(packet, layout.end, layout.index)
    if (!isTag(packet, layout.end + this.#mki.length, tag, this.#profile.rtpTagLength)) return false
    this.#applyRtp(packet, layout)
    return true
  }

  sealRtcp(packet: Uint8Array, length: number, ssrc: number, index: number): void {
    this.#rtcpCipher.apply(packet, rtcpClearLength, length, ssrc, index)
    const end = length + rtcpWordLength
    // RFC 3711 §3.4: the packet with flag and index is authenticated.
    write32(packet, length, encryptedFlag + index)
    packet.set(this.#mki, end)
    writeTag(packet, end + this.#mki.length, this.#rtcpMac.digest(packet, end), this.#profile.rtcpTagLength)
  }

  openRtcp(packet: Uint8Array, length: number, ssrc: number, word: number): boolean {
    const end = length + rtcpWordLength
    const tag = this.#rtcpMac.digest(packet, end)
    if (!isTag(packet, end + this.#mki.length, tag, this.#profile.rtcpTagLength)) return false
    // RFC 3711 §3.4: without the flag the payload is left as it is.
    if (word >= encryptedFlag) {
      this.#rtcpCipher.apply(packet, rtcpClearLength, length, ssrc, word - encryptedFlag)
    }
    return true
  }

  rtcpWordAt(packetLength: number): number {
    return packetLength - this.rtcpOverhead
  }

  wipe(): void {
    this.#rtpCipher.wipe()
    this.#rtcpCipher.wipe()
    this.#rtpMac.wipe()
    this.#rtcpMac.wipe()
  }

  #applyRtp(packet: Uint8Array, layout: RtpLayout): void {
    joinClearPart(packet, layout)
    this.#rtpCipher.apply(packet, layout.clearLength, layout.end, layout.ssrc, layout.index)
    restoreClearPart(packet, layout)
  }

  /** RFC 3711 §4.2: the packet and the rollover counter are authenticated. */
  #rtpTag(packet: Uint8Array, end: number, index: number): string {
    write32(this.#roc, 0, rolloverCounter(index))
    return this.#rtpMac.digest(packet, end, this.#roc)
  }
}

/** RFC 3711 §4.2.1: the leftmost bytes of the HMAC. */
function writeTag(packet: Uint8Array, at: number, tag: string, length: number): void {
  for (let i = 0; i < length; i++) packet[at + i] = tag.charCodeAt(i)
}

/** In a time that depends on the length alone. */
function isTag(packet: Uint8Array, at: number, tag: string, length: number): boolean {
  let difference = 0
  for (let i = 0; i < length; i++) difference |= (packet[at + i] as number) ^ tag.charCodeAt(i)
  return difference === 0
}
