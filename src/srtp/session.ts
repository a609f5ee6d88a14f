import type { SrtpParameters } from './context.ts'
import { dropped, noDrops, type SrtpDrop, type SrtpDropCounts, type SrtpDropped } from './drops.ts'
import { SrtpError } from './errors.ts'
import { type DtlsRole, type MasterKey, splitKeyingMaterial } from './key-derivation.ts'
import { type SrtpProfile, srtpProfile } from './profiles.ts'
import { SrtpReceiver } from './receiver.ts'
import { SrtpSender } from './sender.ts'
import { take } from './slab.ts'
import type { StreamPosition } from './streams.ts'

/** RFC 5764 §4.1.1: what fits into the handshake. */
export const maxMkiLength = 255

/** Both master keys, or what DTLS exported and who this end is there. Nothing of it is kept: it may be wiped afterwards. */
export type SrtpKeys =
  | {
      /** With the label `EXTRACTOR-dtls_srtp`, as long as the profile's `keyingMaterialLength` */
      readonly keyingMaterial: Uint8Array
      readonly role: DtlsRole
    }
  | { readonly sendKey: MasterKey; readonly receiveKey: MasterKey }

export type SrtpSessionOptions = SrtpKeys & {
  /** The number of a protection profile, as DTLS negotiated it */
  readonly profile: number
  /** The master key identifier that every packet carries, in both directions: 1 to 255 bytes. None if left out. */
  readonly mki?: Uint8Array
  /** Identifiers of header extensions whose values are enciphered, RFC 6904; 1 to 255. None if left out. */
  readonly encryptedExtensions?: readonly number[]
  /** Enciphers all header extensions and the CSRCs, RFC 9335, and takes such packets. Off if left out. */
  readonly cryptex?: boolean
}

/**
 * SRTP and SRTCP under the keys of one DTLS association: RFC 3711 with the profiles of RFC 5764 and RFC 7714.
 *
 * Its verbs never throw for what a packet holds. A packet that is not to be trusted is counted, and leaves nothing behind.
 */
export class SrtpSession {
  readonly profile: SrtpProfile
  /** Packets dropped, by reason. */
  readonly drops: Readonly<SrtpDropCounts>
  readonly #drops: SrtpDropCounts = noDrops()
  /** The room in bytes that {@link protectInPlace} needs behind a packet. */
  readonly rtpOverhead: number
  /** What is enough for a packet with header extensions, or without CSRCs; it grows by just that. */
  readonly rtpTrailerLength: number
  /** Bytes that SRTCP adds to a compound packet: RFC 3711 §3.4 counts them into the average size of RTCP. */
  readonly rtcpOverhead: number
  readonly #cryptex: boolean
  /** Undefined once the keys are wiped. */
  #sender: SrtpSender | undefined
  #receiver: SrtpReceiver | undefined

  /** @throws {SrtpError} `unknown-profile`, `bad-keying-material`, `bad-mki`, `bad-extension-id` */
  constructor(options: SrtpSessionOptions) {
    this.profile = srtpProfile(options.profile)
    this.drops = this.#drops
    const mki = options.mki === undefined ? new Uint8Array(0) : Uint8Array.from(options.mki)
    if (options.mki !== undefined && (mki.length === 0 || mki.length > maxMkiLength)) {
      throw new SrtpError('bad-mki', `an MKI has 1 to ${maxMkiLength} bytes`)
    }
    const parameters: SrtpParameters = {
      profile: this.profile,
      mki,
      encryptedExtensions: options.encryptedExtensions ?? [],
      cryptex: options.cryptex ?? false,
    }
    const { send, receive } = masterKeys(this.profile, options)
    this.#cryptex = parameters.cryptex
    this.#sender = new SrtpSender(parameters, send)
    this.#receiver = new SrtpReceiver(parameters, receive)
    this.rtpOverhead = this.#sender.rtpOverhead
    this.rtpTrailerLength = this.#sender.rtpTrailerLength
    this.rtcpOverhead = this.#sender.rtcpOverhead
  }

  /**
   * Whether packets leave as RFC 9335 enciphers them; those of the peer are taken either way. §4: a sender may begin and end
   * with any packet. Never so if the session was made without.
   */
  get sendsCryptex(): boolean {
    return this.#sender?.cryptex === true
  }

  set sendsCryptex(value: boolean) {
    if (this.#sender !== undefined) this.#sender.cryptex = value && this.#cryptex
  }

  /** How many SSRCs have state. */
  get streamCounts(): { readonly sent: number; readonly received: number } {
    return { sent: this.#sender?.streamCount ?? 0, received: this.#receiver?.streamCount ?? 0 }
  }

  /**
   * Protects an RTP packet, which stays as it is, so that it can be given to other sessions.
   *
   * A packet whose SSRC and sequence number were used is dropped, even if it is the same: whoever answers a NACK on the same SSRC
   * sends the protected bytes again.
   *
   * @param length where the packet ends, if the array has room behind it
   * @returns an array of the caller's own, which shares its `ArrayBuffer` with others
   * @throws {SrtpError} `bad-length` if the packet cannot end there
   */
  protect(packet: Uint8Array, length: number = packet.length): Uint8Array | SrtpDropped {
    const copy = copyWithRoom(packet, length, this.rtpOverhead)
    return this.#result(copy, this.#sender?.protectRtp(copy, length))
  }

  /**
   * Protects an RTP packet where it is.
   *
   * @param packet with {@link rtpOverhead} bytes of room behind the packet; with {@link rtpTrailerLength} one that has CSRCs
   *   and no header extension stays in clear
   * @param length of the packet, without the room
   * @returns a view of `packet`; if dropped, the packet is as it was
   * @throws {SrtpError} `bad-length` if that room is not there
   */
  protectInPlace(packet: Uint8Array, length: number): Uint8Array | SrtpDropped {
    checkLength(length, packet.length - this.rtpTrailerLength)
    return this.#result(packet, this.#sender?.protectRtp(packet, length))
  }

  /** Protects a compound or reduced-size RTCP packet, which stays as it is: like {@link protect}. */
  protectRtcp(packet: Uint8Array, length: number = packet.length): Uint8Array | SrtpDropped {
    const copy = copyWithRoom(packet, length, this.rtcpOverhead)
    return this.#result(copy, this.#sender?.protectRtcp(copy, length))
  }

  /**
   * Takes the protection from an RTP packet, in place.
   *
   * @returns a view of `packet`; if dropped, the packet is as it was
   */
  unprotect(packet: Uint8Array): Uint8Array | SrtpDropped {
    return this.#result(packet, this.#receiver?.unprotectRtp(packet))
  }

  /** Takes the protection from an RTCP packet, in place: like {@link unprotect}. One that was not enciphered is taken too. */
  unprotectRtcp(packet: Uint8Array): Uint8Array | SrtpDropped {
    return this.#result(packet, this.#receiver?.unprotectRtcp(packet))
  }

  /**
   * Goes on with a stream that began under these keys elsewhere. RFC 3711 §3.3.1
   *
   * @throws {SrtpError} `stream-in-use`, `too-many-streams`, `bad-index`
   */
  resumeSending(ssrc: number, position: StreamPosition): void {
    this.#sender?.resume(ssrc, position)
  }

  /** Joins a stream that began before: like {@link resumeSending}. */
  resumeReceiving(ssrc: number, position: StreamPosition): void {
    this.#receiver?.resume(ssrc, position)
  }

  /**
   * Ends the session: every packet after it is dropped as `closed`. Salts and keys of authentication are filled with zeros; OpenSSL
   * does so with the keys of ciphers, which it alone has, when the garbage collector frees them.
   */
  wipe(): void {
    this.#sender?.wipe()
    this.#receiver?.wipe()
    this.#sender = undefined
    this.#receiver = undefined
  }

  #result(packet: Uint8Array, result: number | SrtpDrop = 'closed'): Uint8Array | SrtpDropped {
    if (typeof result === 'number') return packet.subarray(0, result)
    this.#drops[result]++
    return dropped[result]
  }
}

function masterKeys(profile: SrtpProfile, keys: SrtpKeys): { readonly send: MasterKey; readonly receive: MasterKey } {
  if ('keyingMaterial' in keys) return splitKeyingMaterial(profile, keys.keyingMaterial, keys.role)
  return { send: keys.sendKey, receive: keys.receiveKey }
}

function checkLength(length: number, max: number): void {
  if (!(length >= 0 && length <= max)) throw new SrtpError('bad-length', `${length} bytes; at most ${max} fit`)
}

function copyWithRoom(packet: Uint8Array, length: number, room: number): Uint8Array {
  checkLength(length, packet.length)
  const copy = take(length + room)
  copy.set(length === packet.length ? packet : packet.subarray(0, length))
  return copy
}
