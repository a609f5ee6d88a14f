import type { RandomSource } from '../../base/environment.ts'

export type HashName = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

export type GroupName = 'x25519' | 'secp256r1' | 'secp384r1'

/** A key exchange: of a group alone, or of a group and ML-KEM-768, which is for DTLS 1.3 alone. */
export type KeyExchangeName = GroupName | 'x25519mlkem768'

export type CurveName = 'P-256' | 'P-384'

/** A signature algorithm by its code point. RFC 8446 §4.2.3: what TLS 1.2 calls a pair of hash and signature. */
export interface SignatureScheme {
  readonly id: number
  readonly name: string
  /** `rsa-pss-rsae` and `rsa-pss-pss` differ in the kind of key alone. */
  readonly algorithm: 'ecdsa' | 'ed25519' | 'rsa-pss-rsae' | 'rsa-pss-pss' | 'rsa-pkcs1'
  /** Undefined where the algorithm hashes as it sees fit: Ed25519. */
  readonly hash: HashName | undefined
  /** The curve of an ECDSA scheme. RFC 8446 §4.2.3: it binds in TLS 1.3; in TLS 1.2 only the hash counts. */
  readonly curve?: CurveName
}

/** The public key of a certificate. */
export type PublicKey =
  /** `point`: uncompressed, 04 || X || Y. Whether it is on the curve is found out by whoever uses it. */
  | { readonly kind: 'ec'; readonly curve: CurveName; readonly point: Uint8Array }
  /** `spki`: DER of the SubjectPublicKeyInfo. */
  | { readonly kind: 'rsa'; readonly spki: Uint8Array }
  /** For RSASSA-PSS alone; the parameters in `spki` may prescribe the hash. */
  | { readonly kind: 'rsa-pss'; readonly spki: Uint8Array }
  /** `point`: 32 bytes, as in RFC 8032. */
  | { readonly kind: 'ed25519'; readonly point: Uint8Array }

export type KeyKind = PublicKey['kind']

/** The private key of one of our certificates. */
export interface SigningKey {
  readonly kind: KeyKind
  /** Of an `ec` key. */
  readonly curve?: CurveName
  /** What it signs with, most preferred first. */
  readonly schemes: readonly SignatureScheme[]
  /** ECDSA signatures are DER. */
  sign(scheme: SignatureScheme, data: Uint8Array): Uint8Array
}

/** An ephemeral key pair. */
export interface KeyShare {
  /** As TLS sends it: 32 bytes for X25519, an uncompressed point for the others. */
  readonly publicKey: Uint8Array
  /**
   * The shared secret: the X25519 output, or the x coordinate.
   *
   * @throws {DtlsError} `bad-key-share` if the peer's key is malformed, off the curve, or of low order
   */
  deriveSecret(peerPublicKey: Uint8Array): Uint8Array
}

/** A key pair of ML-KEM-768. */
export interface KemKeys {
  /** 1184 bytes */
  readonly encapsulationKey: Uint8Array
  /**
   * The shared secret in a ciphertext of 1088 bytes; once.
   *
   * FIPS 203 §6.3: a ciphertext that nobody encapsulated so has a secret, too: one that nobody knows.
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

export interface Encapsulation {
  /** 1088 bytes */
  readonly ciphertext: Uint8Array
  readonly secret: Uint8Array
}

/** ML-KEM-768, FIPS 203. */
export interface MlKem768 {
  generateKeys(random: RandomSource): KemKeys
  /**
   * @param key the peer's encapsulation key
   * @throws {DtlsError} `bad-key-share` if it is none
   */
  encapsulate(key: Uint8Array, random: RandomSource): Encapsulation
}

/**
 * The public-key cryptography and hashing of a handshake. Records are always protected with `node:crypto`.
 *
 * `nodeCryptoProvider` is the one for use; `nobleCryptoProvider` draws its keys from the given random source and signs
 * deterministically, so that a handshake can be repeated byte for byte.
 */
export interface CryptoProvider {
  readonly name: string
  hash(name: HashName, data: Uint8Array): Uint8Array
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array
  generateKeyShare(group: GroupName, random: RandomSource): KeyShare
  /** Takes time to load, and is not asked for before the first handshake that wants it. */
  mlKem768(): MlKem768
  /** Whether the signature is good. Malformed keys and signatures are just not good: it never throws. */
  verify(scheme: SignatureScheme, key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean
  /**
   * @param pkcs8 DER of a PrivateKeyInfo with an EC key on P-256 or P-384, an Ed25519, RSA or RSA-PSS key
   * @throws {DtlsError} `unsupported-key`
   */
  importSigningKey(pkcs8: Uint8Array): SigningKey
}
