import { authenticationBy, type CipherSuite } from '../cipher-suites.ts'
import { certificatePublicKey } from '../crypto/certificate.ts'
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts'
import { fitsKey, verifiedSchemes } from '../crypto/signature-schemes.ts'
import { DtlsError } from '../errors.ts'
import { checkFingerprint } from '../fingerprint.ts'
import type { HandshakeConfig } from '../handshake-config.ts'
import { decodeCertificate, type Signed } from './messages.ts'

/** A peer's certificates, of which the first has a signalled fingerprint. Whether it has the key is still to be proved. */
export interface PeerCertificate {
  readonly chain: readonly Uint8Array[]
  readonly publicKey: PublicKey
}

/** @throws {DtlsError} `missing-certificate`, `fingerprint-mismatch`, `bad-certificate`, `unsupported-certificate` */
export function acceptCertificate(body: Uint8Array, config: HandshakeConfig): PeerCertificate {
  const chain = decodeCertificate(body)
  const [own] = chain
  if (own === undefined) throw new DtlsError('missing-certificate', 'the peer shows no certificate')
  checkFingerprint(own, config.fingerprints, config.crypto)
  return { chain, publicKey: certificatePublicKey(own) }
}

/** RFC 5246 §7.4.2: the server's key must fit the suite. @throws {DtlsError} `unsupported-certificate` */
export function requireSuiteKey(suite: CipherSuite, key: PublicKey): void {
  if (authenticationBy(key.kind) !== suite.authentication) {
    throw new DtlsError('unsupported-certificate', `the server's certificate does not fit ${suite.name}`)
  }
}

/**
 * Checks a digitally-signed element.
 *
 * @throws {DtlsError} `illegal-parameter` for an algorithm that we did not offer, `bad-signature`
 */
export function verifySigned(signed: Signed, key: PublicKey, data: Uint8Array, crypto: CryptoProvider): void {
  // RFC 5246 §7.4.3: the algorithms must be among those that were listed, and fit the key of the certificate.
  const scheme = verifiedSchemes.find(({ id }) => id === signed.scheme)
  if (scheme === undefined || !fitsKey(scheme, key)) {
    throw new DtlsError('illegal-parameter', `signature algorithm ${signed.scheme.toString(16)} was not offered`)
  }
  if (!crypto.verify(scheme, key, data, signed.signature)) {
    throw new DtlsError('bad-signature', 'the peer does not have the key of its certificate')
  }
}
