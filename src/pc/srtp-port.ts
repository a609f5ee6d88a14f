import type { DtlsConnection } from '../dtls/index.ts'
import { isRtcp } from '../rtp/packet.ts'
import type { RtpTransmit } from '../rtp/session/transmit.ts'
import {
  type DtlsRole,
  keyingMaterialLength,
  type SrtpDrop,
  type SrtpDropped,
  SrtpProfileId,
  SrtpSession,
  srtpProfile,
} from '../srtp/index.ts'

/** SRTP and SRTCP packets that arrive before the keys are kept, for the peer may be done with the handshake first: so many, */
export const maxEarlySrtpPackets = 64
/** and of so many bytes together. */
export const maxEarlySrtpBytes: number = 128 * 1024

/**
 * The protection profiles that are offered and accepted, best first. SRTP_AES128_CM_HMAC_SHA1_80 takes three quarters of the
 * time and six bytes less a packet than AES-GCM, and RFC 8827 §6.5 has everyone support it; short tags come last.
 */
export const srtpProfilePreference: readonly SrtpProfileId[] = [
  SrtpProfileId.aes128CmSha1_80,
  SrtpProfileId.aeadAes128Gcm,
  SrtpProfileId.aeadAes256Gcm,
  SrtpProfileId.aes128CmSha1_32,
]

/** RFC 5764 §4.2 */
const exporterLabel = 'EXTRACTOR-dtls_srtp'

/** What a port needs of its transport. */
export interface SrtpCarrier {
  /** Sends over the selected pair at once. @returns false if there is none */
  send(data: Uint8Array, kind: 'rtp' | 'rtcp'): boolean
  /** Something is to be sent or told at the end of this turn. */
  schedule(): void
  /** Counts what was dropped. */
  drop(reason: string): void
}

/** Who uses a port. */
export interface SrtpUser {
  /** RFC 5761 §5.1.1: where multiplexing was not negotiated, each component carries its own. */
  readonly takes: 'rtp and rtcp' | 'rtp' | 'rtcp'
  /** An RTP packet that was authenticated, without its protection. */
  receiveRtp(data: Uint8Array, now: number): void
  receiveRtcp(data: Uint8Array, now: number): void
  /** An RTCP packet that the keys of this association do not fit. @returns whether others did */
  receiveForeignRtcp?(data: Uint8Array, now: number): boolean
  /** Packets can be protected from now on. */
  keyed(srtp: SrtpSession, now: number): void
  /** No more, until there are other keys. */
  unkeyed(): void
}

/** A DTLS association whose peer was authenticated. */
export type SrtpAssociation = Pick<DtlsConnection, 'session' | 'exportKeyingMaterial'>

type PortState = 'waiting' | 'connected' | 'closed'

/** `closed`: before there were keys, or after. */
const srtpDropReasons: Readonly<Record<SrtpDrop, string>> = {
  malformed: 'srtp-malformed',
  'unknown-mki': 'srtp-unknown-mki',
  'bad-tag': 'srtp-bad-tag',
  replayed: 'srtp-replayed',
  'index-reused': 'srtp-index-reused',
  'too-many-streams': 'srtp-too-many-streams',
  'key-exhausted': 'srtp-key-exhausted',
  closed: 'srtp-closed',
}
const closed: SrtpDropped = { drop: 'closed' }

/**
 * SRTP of one transport: has the keys that its DTLS association exports, and takes and gives the protection of packets.
 *
 * There is one {@link SrtpSession} for the life of an association, whoever uses the port: with a second one under the same
 * keys, a key stream would be used again.
 */
export class SrtpPort {
  readonly #carrier: SrtpCarrier
  #state: PortState = 'waiting'
  #association: SrtpAssociation | undefined
  #role: DtlsRole = 'client'
  #user: SrtpUser | undefined
  #srtp: SrtpSession | undefined
  #cipher: string | undefined
  #encryptsHeaders = false
  #early: Uint8Array[] = []
  #earlyBytes = 0

  constructor(carrier: SrtpCarrier) {
    this.#carrier = carrier
  }

  /** The profile in use by its IANA name: `SRTP_AEAD_AES_128_GCM`. Undefined while no keys were needed. */
  get cipher(): string | undefined {
    return this.#cipher
  }

  /** Somebody would send media, and there will never be keys: RFC 8827 §6.5, it goes over SRTP and nothing else. */
  get isUnavailable(): boolean {
    return this.#user !== undefined && this.#isRefused
  }

  /** There is no association yet, or not yet another one: nothing can be sent, but that may change. */
  get isWaiting(): boolean {
    return this.#state === 'waiting'
  }

  /** Whether the header extensions of RTP leave enciphered: RFC 9335. Those of the peer are taken either way. */
  get encryptsHeaders(): boolean {
    return this.#encryptsHeaders
  }

  set encryptsHeaders(value: boolean) {
    this.#encryptsHeaders = value
    if (this.#srtp !== undefined) this.#srtp.sendsCryptex = value
  }

  get carrier(): SrtpCarrier {
    return this.#carrier
  }

  attach(user: SrtpUser, now: number): void {
    if (this.#state === 'closed') return
    this.#user = user
    this.#connect(now)
  }

  detach(user: SrtpUser): void {
    if (this.#user === user) this.#user = undefined
  }

  /** DTLS has connected: the peer's certificate has the fingerprint that was signalled for it. */
  connected(association: SrtpAssociation, role: DtlsRole, now: number): void {
    if (this.#state !== 'waiting') return
    this.#state = 'connected'
    this.#association = association
    this.#role = role
    this.#connect(now)
  }

  /** Takes what came before the keys. It is told to the user, so this is to be called at the top of a turn. */
  playEarly(now: number): void {
    const early = this.#early
    this.#forgetEarly()
    for (const data of early) this.receive(data, now)
  }

  /** Takes a datagram from a validated pair. It is kept if there are no keys yet, and else changed in place. */
  receive(data: Uint8Array, now: number): void {
    const user = this.#user
    const srtp = this.#srtp
    if (user === undefined || srtp === undefined) this.#receiveEarly(data)
    else if (isRtcp(data)) this.#receiveRtcp(data, srtp, user, now)
    else this.#receiveRtp(data, srtp, user, now)
  }

  /**
   * Protects a packet and sends it.
   *
   * @param carrier what it is sent over, if not the transport of this port
   * @returns false if it could not be protected: then it never leaves
   */
  send(packet: RtpTransmit, carrier: SrtpCarrier = this.#carrier): boolean {
    const data = this.protect(packet)
    if (data === undefined) return false
    if (!carrier.send(data, packet.kind)) carrier.drop('no-path')
    return true
  }

  /** Protects a packet. Undefined if it could not be protected: then it never leaves. */
  protect(packet: RtpTransmit): Uint8Array | undefined {
    const result = this.#protect(packet)
    if (!('drop' in result)) return result
    this.#carrier.drop(srtpDropReasons[result.drop])
    return undefined
  }

  /** Takes the protection from an RTCP packet that came over another transport; undefined if these keys do not fit. */
  unprotectRtcp(data: Uint8Array): Uint8Array | undefined {
    const packet = this.#srtp?.unprotectRtcp(data) ?? closed
    return 'drop' in packet ? undefined : packet
  }

  /** Wipes the keys. Nothing is sent or taken any more, unless {@link renew} is called. */
  close(): void {
    this.#state = 'closed'
    this.#forgetKeys()
  }

  /** Wipes the keys, and waits for those of another association. */
  renew(): void {
    this.#state = 'waiting'
    this.#forgetKeys()
    this.#cipher = undefined
    this.#user?.unkeyed()
  }

  #forgetKeys(): void {
    this.#srtp?.wipe()
    this.#srtp = undefined
    this.#association = undefined
    this.#forgetEarly()
  }

  /** The peer does not speak SRTP here. */
  get #isRefused(): boolean {
    return this.#association !== undefined && this.#association.session?.srtpProfile === undefined
  }

  #connect(now: number): void {
    const association = this.#association
    const user = this.#user
    if (association === undefined || user === undefined) return
    const srtp = this.#srtp ?? this.#createSession(association)
    this.#srtp = srtp
    if (srtp !== undefined) user.keyed(srtp, now)
  }

  #createSession(association: SrtpAssociation): SrtpSession | undefined {
    const id = association.session?.srtpProfile
    if (id === undefined) return undefined
    const profile = srtpProfile(id)
    this.#cipher = profile.name
    const keyingMaterial = association.exportKeyingMaterial(exporterLabel, keyingMaterialLength(profile))
    try {
      const srtp = new SrtpSession({ profile: id, keyingMaterial, role: this.#role, cryptex: true })
      srtp.sendsCryptex = this.#encryptsHeaders
      return srtp
    } finally {
      keyingMaterial.fill(0)
    }
  }

  #receiveRtp(data: Uint8Array, srtp: SrtpSession, user: SrtpUser, now: number): void {
    if (user.takes === 'rtcp') {
      this.#carrier.drop('rtp-on-rtcp-component')
      return
    }
    const packet = srtp.unprotect(data)
    if ('drop' in packet) this.#carrier.drop(srtpDropReasons[packet.drop])
    else user.receiveRtp(packet, now)
  }

  #receiveRtcp(data: Uint8Array, srtp: SrtpSession, user: SrtpUser, now: number): void {
    if (user.takes === 'rtp') {
      this.#carrier.drop('rtcp-on-rtp-component')
      return
    }
    const packet = srtp.unprotectRtcp(data)
    if (!('drop' in packet)) user.receiveRtcp(packet, now)
    else if (packet.drop !== 'bad-tag' || user.receiveForeignRtcp?.(data, now) !== true) {
      this.#carrier.drop(srtpDropReasons[packet.drop])
    }
  }

  #receiveEarly(data: Uint8Array): void {
    if (this.#state === 'closed') this.#carrier.drop(srtpDropReasons.closed)
    else if (this.#association !== undefined) {
      this.#carrier.drop(this.#isRefused ? 'srtp-not-negotiated' : 'srtp-unexpected')
    } else if (this.#early.length >= maxEarlySrtpPackets || this.#earlyBytes + data.length > maxEarlySrtpBytes) {
      this.#carrier.drop('srtp-early-overflow')
    } else {
      this.#early.push(data)
      this.#earlyBytes += data.length
    }
  }

  #forgetEarly(): void {
    this.#early = []
    this.#earlyBytes = 0
  }

  #protect({ kind, data, length, protection }: RtpTransmit): Uint8Array | SrtpDropped {
    const srtp = this.#srtp
    if (srtp === undefined) return closed
    if (protection === 'done') return data
    if (kind === 'rtcp') return srtp.protectRtcp(data, length)
    return protection === 'in-place' ? srtp.protectInPlace(data, length) : srtp.protect(data, length)
  }
}
