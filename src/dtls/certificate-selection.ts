import { type CipherSuite, cipherSuites12 } from './cipher-suites.ts'
import type { SignatureScheme, SigningKey } from './crypto/provider.ts'

/** One of our certificates. */
export interface DtlsIdentity {
  /** DER certificates, that of the key first. */
  readonly chain: readonly Uint8Array[]
  /** The private key of the first certificate, from `CryptoProvider.importSigningKey`. */
  readonly key: SigningKey
}

export interface SelectedIdentity {
  readonly identity: DtlsIdentity
  readonly scheme: SignatureScheme
}

/** The first identity that can sign with something that the peer verifies. */
export function selectIdentity(
  identities: readonly DtlsIdentity[],
  peerSchemes: readonly number[],
): SelectedIdentity | undefined {
  for (const identity of identities) {
    const scheme = identity.key.schemes.find(({ id }) => peerSchemes.includes(id))
    if (scheme !== undefined) return { identity, scheme }
  }
  return undefined
}

/**
 * A suite of TLS 1.2 that the client offers, with an identity that fits it: our order of suites decides.
 *
 * RFC 5246 §7.4.2: the key of the server's certificate must fit the key exchange of the suite.
 */
export function selectSuite12(
  identities: readonly DtlsIdentity[],
  peerSuites: readonly number[],
  peerSchemes: readonly number[],
): (SelectedIdentity & { readonly suite: CipherSuite }) | undefined {
  for (const suite of cipherSuites12) {
    if (!peerSuites.includes(suite.id)) continue
    const fitting = identities.filter(({ key }) => (key.kind === 'ec') === (suite.authentication === 'ecdsa'))
    const selected = selectIdentity(fitting, peerSchemes)
    if (selected !== undefined) return { ...selected, suite }
  }
  return undefined
}
