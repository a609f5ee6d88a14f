import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { constantTimeEqual } from '../../base/bytes.ts'
import { headerLength } from './header.ts'
import { opaqueString } from './opaque-string.ts'

/** The two integrity attributes of RFC 8489 §14.5 and §14.6. */
export type IntegrityAlgorithm = 'sha1' | 'sha256'

export interface IntegrityAttribute {
  readonly type: number
  readonly algorithm: IntegrityAlgorithm
  /** Bytes of the value. RFC 8489 §14.6: never truncated, as no usage here allows it. */
  readonly length: number
}

export const messageIntegrity: IntegrityAttribute = { type: 0x0008, algorithm: 'sha1', length: 20 }
export const messageIntegritySha256: IntegrityAttribute = { type: 0x001c, algorithm: 'sha256', length: 32 }

export const fingerprintType = 0x8028
export const fingerprintLength = 4

/** RFC 8489 §9.1.1: the key is the password. ICE passwords are ASCII, which the OpaqueString profile leaves as it is. */
export function shortTermKey(password: string): Uint8Array {
  return new TextEncoder().encode(password)
}

/**
 * The key of long-term credentials: 16 bytes with MD5, 32 with SHA-256.
 *
 * RFC 8489 §9.2.2, §18.5.1: a hash of user name, realm and password, each in the form of the OpaqueString profile. Text that
 * the profile forbids is taken as it is: others may have such a realm or user name, and a hash of it that agrees with theirs.
 */
export function longTermKey(
  username: string,
  realm: string,
  password: string,
  algorithm: PasswordHash = 'md5',
): Uint8Array {
  const parts = [withoutQuotes(username), withoutQuotes(realm), withoutNulls(password)]
  return createHash(algorithm).update(parts.map(prepared).join(':'), 'utf8').digest()
}

/** What hides the user name from who listens in: 32 bytes. RFC 8489 §14.4. */
export function userHash(username: string, realm: string): Uint8Array {
  return createHash('sha256')
    .update(`${prepared(username)}:${prepared(realm)}`, 'utf8')
    .digest()
}

/** RFC 8489 §18.5: how a long-term password becomes a key. */
export type PasswordHash = 'md5' | 'sha256'

/**
 * The HMAC of a message up to `offset`, where its integrity attribute starts.
 *
 * RFC 8489 §14.5: for the computation the header's length points to the end of the integrity attribute, whatever comes
 * after it.
 */
export function computeIntegrity(
  message: Uint8Array,
  offset: number,
  attribute: IntegrityAttribute,
  key: Uint8Array,
): Uint8Array {
  // A copy: `slice` of a Buffer would be a view, and the message is not ours to change.
  const header = Uint8Array.from(message.subarray(0, headerLength))
  new DataView(header.buffer).setUint16(2, offset + 4 + attribute.length - headerLength)
  const body = message.subarray(headerLength, offset)
  return createHmac(attribute.algorithm, key).update(header).update(body).digest()
}

/** Whether the integrity attribute at `offset` is the one that `key` makes. Its time does not tell where they differ. */
export function checkIntegrity(
  message: Uint8Array,
  offset: number,
  attribute: IntegrityAttribute,
  key: Uint8Array,
): boolean {
  const value = message.subarray(offset + 4, offset + 4 + attribute.length)
  return constantTimeEqual(value, computeIntegrity(message, offset, attribute, key))
}

/** RFC 8489 §14.7: the CRC-32 of everything before the attribute, XORed with "STUN". */
export function computeFingerprint(message: Uint8Array, offset: number): number {
  return (crc32(message.subarray(0, offset)) ^ 0x5354_554e) >>> 0
}

function prepared(text: string): string {
  return opaqueString(text) ?? text
}

/** RFC 8489 §9.2.2: the password without trailing nulls, user name and realm without quotes as well. */
function withoutNulls(text: string): string {
  let end = text.length
  while (text[end - 1] === '\0') end--
  return text.slice(0, end)
}

function withoutQuotes(text: string): string {
  const bare = withoutNulls(text)
  return bare.length > 1 && bare.startsWith('"') && bare.endsWith('"') ? bare.slice(1, -1) : bare
}
