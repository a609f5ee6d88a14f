import { certificatePublicKey } from '../dtls/crypto/certificate.ts'
import type { CryptoProvider } from '../dtls/crypto/provider.ts'
import type { DtlsIdentity } from '../dtls/index.ts'
import type { SdpFingerprint } from '../sdp/index.ts'
import { fingerprintHashes, fingerprintValue } from './certificate-hashes.ts'
import { certificateSecrets, type RTCCertificate } from './rtc-certificate.ts'

/** What DTLS signs with: certificate chains and their keys, most preferred first. */
export function dtlsIdentities(certificates: readonly RTCCertificate[], crypto: CryptoProvider): DtlsIdentity[] {
  return byPreference(certificates).map(certificate => {
    const { chain, pkcs8 } = certificateSecrets(certificate)
    return { chain, key: crypto.importSigningKey(pkcs8) }
  })
}

/**
 * The a=fingerprint lines of each certificate that the handshake may show, and of several those of the first once more.
 *
 * RFC 8122 §5: any of them may be used. But there are peers that keep only the first line, and others that keep only the
 * last: both know the certificate that is shown to whoever verifies it (docs/decisions/0009-several-certificates.md).
 */
export function sdpFingerprints(certificates: readonly RTCCertificate[]): SdpFingerprint[] {
  const ordered = byPreference(certificates)
  const [first] = ordered
  const signalled = first === undefined || ordered.length === 1 ? ordered : [...ordered, first]
  const chains = signalled.map(certificate => certificateSecrets(certificate).chain)
  // RFC 8122 §5.1: the same set of hash functions for each certificate; a peer goes by the one that it prefers.
  const hashes = new Set(chains.flatMap(([own]) => (own === undefined ? [] : fingerprintHashes(own))))
  return chains.flatMap(([own]) =>
    own === undefined
      ? []
      : [...hashes].map(hash => ({ algorithm: hash, value: fingerprintValue(hash, own).toUpperCase() })),
  )
}

/** In configured order, those last that not every peer can verify: none is shown to a peer that may know only another. */
function byPreference(certificates: readonly RTCCertificate[]): readonly RTCCertificate[] {
  if (certificates.length < 2) return certificates
  const common = new Set(certificates.filter(isVerifiedByAll))
  return [...common, ...certificates.filter(certificate => !common.has(certificate))]
}

/** RFC 8827 §6.5 has ECDSA; RSA is what all stacks verify as well. Ed25519 and keys for RSA-PSS alone are for the others. */
function isVerifiedByAll(certificate: RTCCertificate): boolean {
  const [der] = certificateSecrets(certificate).chain
  if (der === undefined) return false
  const { kind } = certificatePublicKey(der)
  return kind === 'ec' || kind === 'rsa'
}
