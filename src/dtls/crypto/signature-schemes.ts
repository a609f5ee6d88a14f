import type { PublicKey, SignatureScheme } from './provider.ts'

type SchemeKey =
  | 'ecdsaP256Sha256'
  | 'ecdsaP384Sha384'
  | 'rsaPssSha256'
  | 'rsaPssSha384'
  | 'rsaPssSha512'
  | 'rsaPkcs1Sha256'
  | 'rsaPkcs1Sha384'
  | 'rsaPkcs1Sha512'

/** RFC 8446 §4.2.3: the code points. */
export const SignatureSchemes: Readonly<Record<SchemeKey, SignatureScheme>> = {
  ecdsaP256Sha256: { id: 0x0403, name: 'ecdsa_secp256r1_sha256', algorithm: 'ecdsa', hash: 'sha256' },
  ecdsaP384Sha384: { id: 0x0503, name: 'ecdsa_secp384r1_sha384', algorithm: 'ecdsa', hash: 'sha384' },
  rsaPssSha256: { id: 0x0804, name: 'rsa_pss_rsae_sha256', algorithm: 'rsa-pss', hash: 'sha256' },
  rsaPssSha384: { id: 0x0805, name: 'rsa_pss_rsae_sha384', algorithm: 'rsa-pss', hash: 'sha384' },
  rsaPssSha512: { id: 0x0806, name: 'rsa_pss_rsae_sha512', algorithm: 'rsa-pss', hash: 'sha512' },
  rsaPkcs1Sha256: { id: 0x0401, name: 'rsa_pkcs1_sha256', algorithm: 'rsa-pkcs1', hash: 'sha256' },
  rsaPkcs1Sha384: { id: 0x0501, name: 'rsa_pkcs1_sha384', algorithm: 'rsa-pkcs1', hash: 'sha384' },
  rsaPkcs1Sha512: { id: 0x0601, name: 'rsa_pkcs1_sha512', algorithm: 'rsa-pkcs1', hash: 'sha512' },
}

/** What is verified, most preferred first. What is signed with depends on the key: see `SigningKey.schemes`. */
export const verifiedSchemes: readonly SignatureScheme[] = [
  SignatureSchemes.ecdsaP256Sha256,
  SignatureSchemes.rsaPssSha256,
  SignatureSchemes.rsaPkcs1Sha256,
  SignatureSchemes.ecdsaP384Sha384,
  SignatureSchemes.rsaPssSha384,
  SignatureSchemes.rsaPkcs1Sha384,
  SignatureSchemes.rsaPssSha512,
  SignatureSchemes.rsaPkcs1Sha512,
]

/**
 * Whether a key of this kind can have made a signature of this scheme.
 *
 * RFC 8446 §4.2.3: in TLS 1.2 an ECDSA scheme names the hash, and does not constrain the curve.
 */
export function fitsKey(scheme: SignatureScheme, key: PublicKey): boolean {
  return (scheme.algorithm === 'ecdsa') === (key.kind === 'ec')
}
