import type { KeyKind, SignatureScheme } from './provider.ts'

type SchemeKey =
  | 'ecdsaP256Sha256'
  | 'ecdsaP384Sha384'
  | 'ed25519'
  | 'rsaPssSha256'
  | 'rsaPssSha384'
  | 'rsaPssSha512'
  | 'rsaPssPssSha256'
  | 'rsaPssPssSha384'
  | 'rsaPssPssSha512'
  | 'rsaPkcs1Sha256'
  | 'rsaPkcs1Sha384'
  | 'rsaPkcs1Sha512'

/** RFC 8446 §4.2.3: the code points. */
export const SignatureSchemes: Readonly<Record<SchemeKey, SignatureScheme>> = {
  ecdsaP256Sha256: { id: 0x0403, name: 'ecdsa_secp256r1_sha256', algorithm: 'ecdsa', hash: 'sha256', curve: 'P-256' },
  ecdsaP384Sha384: { id: 0x0503, name: 'ecdsa_secp384r1_sha384', algorithm: 'ecdsa', hash: 'sha384', curve: 'P-384' },
  ed25519: { id: 0x0807, name: 'ed25519', algorithm: 'ed25519', hash: undefined },
  rsaPssSha256: { id: 0x0804, name: 'rsa_pss_rsae_sha256', algorithm: 'rsa-pss-rsae', hash: 'sha256' },
  rsaPssSha384: { id: 0x0805, name: 'rsa_pss_rsae_sha384', algorithm: 'rsa-pss-rsae', hash: 'sha384' },
  rsaPssSha512: { id: 0x0806, name: 'rsa_pss_rsae_sha512', algorithm: 'rsa-pss-rsae', hash: 'sha512' },
  rsaPssPssSha256: { id: 0x0809, name: 'rsa_pss_pss_sha256', algorithm: 'rsa-pss-pss', hash: 'sha256' },
  rsaPssPssSha384: { id: 0x080a, name: 'rsa_pss_pss_sha384', algorithm: 'rsa-pss-pss', hash: 'sha384' },
  rsaPssPssSha512: { id: 0x080b, name: 'rsa_pss_pss_sha512', algorithm: 'rsa-pss-pss', hash: 'sha512' },
  rsaPkcs1Sha256: { id: 0x0401, name: 'rsa_pkcs1_sha256', algorithm: 'rsa-pkcs1', hash: 'sha256' },
  rsaPkcs1Sha384: { id: 0x0501, name: 'rsa_pkcs1_sha384', algorithm: 'rsa-pkcs1', hash: 'sha384' },
  rsaPkcs1Sha512: { id: 0x0601, name: 'rsa_pkcs1_sha512', algorithm: 'rsa-pkcs1', hash: 'sha512' },
}

/** What is verified, most preferred first. What is signed with depends on the key: see `SigningKey.schemes`. */
export const verifiedSchemes: readonly SignatureScheme[] = [
  SignatureSchemes.ecdsaP256Sha256,
  SignatureSchemes.ed25519,
  SignatureSchemes.rsaPssSha256,
  SignatureSchemes.rsaPssPssSha256,
  SignatureSchemes.rsaPkcs1Sha256,
  SignatureSchemes.ecdsaP384Sha384,
  SignatureSchemes.rsaPssSha384,
  SignatureSchemes.rsaPssPssSha384,
  SignatureSchemes.rsaPkcs1Sha384,
  SignatureSchemes.rsaPssSha512,
  SignatureSchemes.rsaPssPssSha512,
  SignatureSchemes.rsaPkcs1Sha512,
]

/** What an RSA key signs with, most preferred first. */
export const rsaSchemes: readonly SignatureScheme[] = verifiedSchemes.filter(scheme => keyKind(scheme) === 'rsa')
export const rsaPssSchemes: readonly SignatureScheme[] = verifiedSchemes.filter(scheme => keyKind(scheme) === 'rsa-pss')

/**
 * Whether a key of this kind can have made a signature of this scheme.
 *
 * RFC 8446 §4.2.3: in TLS 1.2 an ECDSA scheme names the hash, and does not constrain the curve.
 */
export function fitsKey(scheme: SignatureScheme, key: { readonly kind: KeyKind }): boolean {
  return keyKind(scheme) === key.kind
}

function keyKind(scheme: SignatureScheme): KeyKind {
  switch (scheme.algorithm) {
    case 'ecdsa':
      return 'ec'
    case 'ed25519':
      return 'ed25519'
    case 'rsa-pss-pss':
      return 'rsa-pss'
    case 'rsa-pss-rsae':
    case 'rsa-pkcs1':
      return 'rsa'
  }
}
