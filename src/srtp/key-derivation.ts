import { createCipheriv } from 'node:crypto'
import { SrtpError } from './errors.ts'
import { keyingMaterialLength, type SrtpProfile } from './profiles.ts'

/** What the keys of one direction are derived from. */
export interface MasterKey {
  /** 16 or 32 bytes */
  readonly key: Uint8Array
  /** 14 bytes, or 12 for AES-GCM */
  readonly salt: Uint8Array
}

/** Who sends with which half of the keying material: the DTLS role of this end. */
export type DtlsRole = 'client' | 'server'

/** RFC 3711 §4.3.1, §4.3.2; RFC 6904 §3: what is put in to get another key out. */
export const KeyLabel = {
  rtpEncryption: 0x00,
  rtpAuthentication: 0x01,
  rtpSalt: 0x02,
  rtcpEncryption: 0x03,
  rtcpAuthentication: 0x04,
  rtcpSalt: 0x05,
  headerEncryption: 0x06,
  headerSalt: 0x07,
} as const

export type KeyLabel = (typeof KeyLabel)[keyof typeof KeyLabel]

/** The length of the salt that AES in counter mode takes. */
export const counterSaltLength = 14

/** RFC 3711 §4.2.1: HMAC-SHA1 is used with keys of 160 bits. */
const authenticationKeyLength = 20

/**
 * Cuts what DTLS exported into the master keys of both directions: views of `material`.
 *
 * @throws {SrtpError} `bad-keying-material` if it is not as long as {@link keyingMaterialLength} says
 */
export function splitKeyingMaterial(
  profile: SrtpProfile,
  material: Uint8Array,
  role: DtlsRole,
): { readonly send: MasterKey; readonly receive: MasterKey } {
  const { keyLength, saltLength } = profile
  if (material.length !== keyingMaterialLength(profile)) {
    throw new SrtpError('bad-keying-material', `${profile.name} takes ${keyingMaterialLength(profile)} bytes`)
  }
  // RFC 5764 §4.2: both keys come first, then both salts; the client's before the server's.
  const salts = 2 * keyLength
  const client = {
    key: material.subarray(0, keyLength),
    salt: material.subarray(salts, salts + saltLength),
  }
  const server = { key: material.subarray(keyLength, salts), salt: material.subarray(salts + saltLength) }
  return role === 'client' ? { send: client, receive: server } : { send: server, receive: client }
}

/** What protects the packets of SRTP, or those of SRTCP. Whoever takes it fills the keys with zeros. */
export interface PacketKeys {
  readonly encryption: Uint8Array
  readonly salt: Uint8Array
  /** Empty for AES-GCM. */
  readonly authentication: Uint8Array
}

/** RFC 3711 §4.3: the session keys of one direction. */
export interface SessionKeys {
  readonly rtp: PacketKeys
  readonly rtcp: PacketKeys
}

export function deriveSessionKeys(profile: SrtpProfile, master: MasterKey): SessionKeys {
  const authenticationLength = profile.cipher === 'aes-cm' ? authenticationKeyLength : 0
  return {
    rtp: {
      encryption: deriveKey(master, KeyLabel.rtpEncryption, profile.keyLength),
      salt: deriveKey(master, KeyLabel.rtpSalt, profile.saltLength),
      authentication: deriveKey(master, KeyLabel.rtpAuthentication, authenticationLength),
    },
    rtcp: {
      encryption: deriveKey(master, KeyLabel.rtcpEncryption, profile.keyLength),
      salt: deriveKey(master, KeyLabel.rtcpSalt, profile.saltLength),
      authentication: deriveKey(master, KeyLabel.rtcpAuthentication, authenticationLength),
    },
  }
}

/** @throws {SrtpError} `bad-keying-material` if the lengths are not those of the profile */
export function checkMasterKey(profile: SrtpProfile, master: MasterKey): void {
  if (master.key.length !== profile.keyLength || master.salt.length !== profile.saltLength) {
    const wanted = `a key of ${profile.keyLength} bytes and a salt of ${profile.saltLength}`
    throw new SrtpError('bad-keying-material', `${profile.name} takes ${wanted}`)
  }
}

/**
 * A session key: the first `length` bytes of the key stream of AES-CM under the master key.
 *
 * RFC 3711 §4.3.3, RFC 6188 §3, RFC 7714 §11: one function for every profile, with AES of the size of the master key.
 */
export function deriveKey(master: MasterKey, label: KeyLabel, length: number): Uint8Array {
  const input = new Uint8Array(16)
  // RFC 7714 §11 leaves open where a salt of 96 bits stands in the 112; in use, and in the vectors of RFC 9335, zeros follow it.
  input.set(master.salt)
  // RFC 3711 §4.3.1: the label stands left of the 48 bits of the index, which is zero where the rate of derivation is.
  input[7] = (input[7] ?? 0) ^ label
  const cipher = createCipheriv(master.key.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr', master.key, input)
  const stream = cipher.update(new Uint8Array(length))
  // A copy outside of Node's pool, which other parts of the program share and which outlives the keys.
  const key = new Uint8Array(stream)
  stream.fill(0)
  return key
}
