import type { AeadName } from './aead.ts'
import type { HashName, KeyKind } from './crypto/provider.ts'

/** How the peers of a TLS 1.2 suite prove who they are. */
export type Authentication = 'ecdsa' | 'rsa'

export interface CipherSuite {
  readonly id: number
  /** The name in the IANA registry. */
  readonly name: string
  readonly authentication: Authentication
  /** The hash of the key derivation and of the Finished messages. */
  readonly hash: HashName
  readonly aead: AeadName
  readonly keyLength: number
  /** Bytes of the nonce that the key derivation fixes. */
  readonly fixedIvLength: number
}

/**
 * RFC 5288 §3: with AES-GCM, a salt of 4 bytes from the key block and 8 explicit bytes make the nonce.
 * RFC 7905 §2: with ChaCha20-Poly1305, all 12 bytes are from the key block.
 */
const aes128Gcm = { hash: 'sha256', aead: 'aes-128-gcm', keyLength: 16, fixedIvLength: 4 } as const
const aes256Gcm = { hash: 'sha384', aead: 'aes-256-gcm', keyLength: 32, fixedIvLength: 4 } as const
const chacha20Poly1305 = { hash: 'sha256', aead: 'chacha20-poly1305', keyLength: 32, fixedIvLength: 12 } as const

/**
 * The suites of DTLS 1.2 that are offered and accepted, most preferred first. All have forward secrecy.
 *
 * RFC 8827 §6.5: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 is the one that every endpoint must support. Browsers do not
 * offer AES-256, so it comes last and never alone. RFC 5289 §3.2 has the suites with AES-GCM, RFC 7905 §2 the others.
 */
export const cipherSuites12: readonly CipherSuite[] = [
  { id: 0xc02b, name: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', authentication: 'ecdsa', ...aes128Gcm },
  { id: 0xc02f, name: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', authentication: 'rsa', ...aes128Gcm },
  { id: 0xcca9, name: 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', authentication: 'ecdsa', ...chacha20Poly1305 },
  { id: 0xcca8, name: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', authentication: 'rsa', ...chacha20Poly1305 },
  { id: 0xc02c, name: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', authentication: 'ecdsa', ...aes256Gcm },
  { id: 0xc030, name: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', authentication: 'rsa', ...aes256Gcm },
]

export function cipherSuite12(id: number): CipherSuite | undefined {
  return cipherSuites12.find(suite => suite.id === id)
}

/** RFC 5246 §7.4.2: what a suite calls the authentication by such a key. RFC 8422 §5.1.3: EdDSA goes as ECDSA. */
export function authenticationBy(kind: KeyKind): Authentication {
  return kind === 'ec' || kind === 'ed25519' ? 'ecdsa' : 'rsa'
}
