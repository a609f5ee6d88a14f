import type { HashName } from './crypto/provider.ts'

/** How the peers of a TLS 1.2 suite prove who they are. */
export type Authentication = 'ecdsa' | 'rsa'

export interface CipherSuite {
  readonly id: number
  /** The name in the IANA registry. */
  readonly name: string
  readonly authentication: Authentication
  /** The hash of the key derivation and of the Finished messages. */
  readonly hash: HashName
  readonly aead: 'aes-128-gcm'
  readonly keyLength: number
  /** Bytes of the nonce that the key derivation fixes. */
  readonly fixedIvLength: number
}

/**
 * The suites of DTLS 1.2 that are offered and accepted, most preferred first. All have forward secrecy.
 *
 * RFC 8827 §6.5: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 is the one that every endpoint must support.
 */
export const cipherSuites12: readonly CipherSuite[] = [
  // RFC 5289 §3.2: the suites with AES-GCM.
  suite12(0xc02b, 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ecdsa'),
  suite12(0xc02f, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'rsa'),
]

export function cipherSuite12(id: number): CipherSuite | undefined {
  return cipherSuites12.find(suite => suite.id === id)
}

function suite12(id: number, name: string, authentication: Authentication): CipherSuite {
  // RFC 5288 §3: a salt of 4 bytes from the key block and 8 explicit bytes make the nonce.
  return { id, name, authentication, hash: 'sha256', aead: 'aes-128-gcm', keyLength: 16, fixedIvLength: 4 }
}
