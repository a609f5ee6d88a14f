import { createHash, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { DtlsIdentity } from '../../src/dtls/certificate-selection.ts'
import { nodeCryptoProvider } from '../../src/dtls/crypto/node-provider.ts'
import type { CryptoProvider, SignatureScheme } from '../../src/dtls/crypto/provider.ts'
import { DtlsError } from '../../src/dtls/errors.ts'
import type { Fingerprint } from '../../src/dtls/fingerprint.ts'
import type { CredentialFlags, ShimFlags } from './flags.ts'
import { Unimplemented } from './unimplemented.ts'

/** What a run reveals of the certificates and signatures that were used. */
export interface Witness {
  /** Which of {@link ShimFlags.credentials} signed. */
  signedWith: CredentialFlags | undefined
  /** What the peer signed with. */
  verified: SignatureScheme | undefined
}

/** The certificates of a PEM file, in DER. */
export function readCertificates(file: string): Uint8Array[] {
  const blocks = readFileSync(file, 'latin1').matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g)
  return [...blocks].map(([, base64]) => Buffer.from(base64 ?? '', 'base64'))
}

/** @throws {Unimplemented} for kinds of keys, and orders of signature schemes, that the product does not have */
export function toIdentity(credential: CredentialFlags, witness: Witness): DtlsIdentity {
  const { certificateFile, keyFile, signingPreferences } = credential
  const pkcs8 = createPrivateKey(readFileSync(keyFile)).export({ format: 'der', type: 'pkcs8' })
  const key = importKey(pkcs8)
  const preferred = signingPreferences.flatMap(id => key.schemes.filter(scheme => scheme.id === id))
  if (signingPreferences.length > 0 && preferred.length === 0) {
    throw new Unimplemented('signatures with SHA-1, or with ECDSA and a hash that does not go with the curve')
  }
  const schemes = signingPreferences.length > 0 ? preferred : key.schemes
  return {
    chain: readCertificates(certificateFile),
    key: {
      ...key,
      schemes,
      sign: (scheme, data) => {
        witness.signedWith = credential
        return key.sign(scheme, data)
      },
    },
  }
}

function importKey(pkcs8: Uint8Array) {
  try {
    return nodeCryptoProvider.importSigningKey(pkcs8)
  } catch (error) {
    if (error instanceof DtlsError && error.code === 'unsupported-key') {
      throw new Unimplemented('certificates with keys on P-224 or P-521')
    }
    throw error
  }
}

/** Notes what the peer's signatures are made with. */
export function watchedProvider(witness: Witness): CryptoProvider {
  return {
    ...nodeCryptoProvider,
    verify: (scheme, ...others) => {
      witness.verified = scheme
      return nodeCryptoProvider.verify(scheme, ...others)
    },
  }
}

/**
 * The fingerprints of what the peer may show. The runner's certificates sign themselves, so the file that it gives as
 * trusted has them.
 */
export function expectedFingerprints({ switches, values }: ShimFlags): Fingerprint[] {
  if (switches.has('-verify-fail')) return [toFingerprint(new Uint8Array())]
  const files = [values.get('-trust-cert'), values.get('-expect-peer-cert-file')]
  const certificates = files.flatMap(file => (file === undefined || file === '' ? [] : readCertificates(file)))
  return certificates.map(toFingerprint)
}

function toFingerprint(certificate: Uint8Array): Fingerprint {
  const hex = createHash('sha256').update(certificate).digest('hex')
  return { algorithm: 'sha-256', value: hex.replace(/..(?=.)/g, '$&:') }
}
