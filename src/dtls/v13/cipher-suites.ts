import type { AeadName } from '../aead.ts'
import type { HashName } from '../crypto/provider.ts'

/** A suite of TLS 1.3: it names the protection of records and the hash, and nothing else. */
export interface CipherSuite13 {
  readonly id: number
  /** The name in the IANA registry. */
  readonly name: string
  readonly aead: AeadName
  readonly hash: HashName
  readonly keyLength: number
}

/** RFC 8446 §B.4: the suites of DTLS 1.3 that are offered and accepted, most preferred first. */
export const cipherSuites13: readonly CipherSuite13[] = [
  { id: 0x1301, name: 'TLS_AES_128_GCM_SHA256', aead: 'aes-128-gcm', hash: 'sha256', keyLength: 16 },
  { id: 0x1302, name: 'TLS_AES_256_GCM_SHA384', aead: 'aes-256-gcm', hash: 'sha384', keyLength: 32 },
  { id: 0x1303, name: 'TLS_CHACHA20_POLY1305_SHA256', aead: 'chacha20-poly1305', hash: 'sha256', keyLength: 32 },
]

export function cipherSuite13(id: number): CipherSuite13 | undefined {
  return cipherSuites13.find(suite => suite.id === id)
}
