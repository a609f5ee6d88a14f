/** What a server says in its nonce that it can do, so that nobody on the way can take it out unnoticed. RFC 8489 §18.1. */
export interface SecurityFeatures {
  /** It lets clients choose how the password becomes a key: there must be a PASSWORD-ALGORITHMS attribute. */
  readonly passwordAlgorithms: boolean
  /** It knows users by USERHASH, and wants no USERNAME. */
  readonly usernameAnonymity: boolean
}

/** What a nonce of a server of RFC 8489 starts with. */
const cookiePrefix = 'obMatJos2'

// RFC 8489 §9.2: bit 0 is the most significant one of the first of three bytes
const passwordAlgorithmsBit = 0x80_00_00
const usernameAnonymityBit = 0x40_00_00

/** The features in a nonce; undefined if it has no cookie, which older servers don't. RFC 8489 §9.2. */
export function readNonceCookie(nonce: string): SecurityFeatures | undefined {
  const encoded = nonce.slice(cookiePrefix.length, cookiePrefix.length + 4)
  if (!nonce.startsWith(cookiePrefix) || !/^[A-Za-z0-9+/]{4}$/.test(encoded)) return undefined
  const bits = Buffer.from(encoded, 'base64').readUIntBE(0, 3)
  return {
    passwordAlgorithms: (bits & passwordAlgorithmsBit) !== 0,
    usernameAnonymity: (bits & usernameAnonymityBit) !== 0,
  }
}

/** The 13 characters that a server of RFC 8489 puts in front of every nonce. */
export function nonceCookie(features: SecurityFeatures): string {
  const bits =
    (features.passwordAlgorithms ? passwordAlgorithmsBit : 0) | (features.usernameAnonymity ? usernameAnonymityBit : 0)
  const bytes = Buffer.alloc(3)
  bytes.writeUIntBE(bits, 0, 3)
  return cookiePrefix + bytes.toString('base64')
}
