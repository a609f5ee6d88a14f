import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { p256, p384 } from '@noble/curves/nist.js'
import { ByteReader } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import { DtlsError } from '../errors.ts'
import { DerTag, readDer } from './der.ts'
import { nobleMlKem768 } from './ml-kem.ts'
import { badKeyShare, nodeHash, nodeHmac, nodeSigningKey, nodeVerify } from './node-provider.ts'
import type {
  CryptoProvider,
  CurveName,
  GroupName,
  KeyShare,
  PublicKey,
  SignatureScheme,
  SigningKey,
} from './provider.ts'
import { fitsKey, SignatureSchemes } from './signature-schemes.ts'

/**
 * Elliptic curves in JavaScript, for simulation: ephemeral keys are drawn from the given random source and ECDSA
 * follows RFC 6979, so that the same seed gives the same handshake byte for byte.
 *
 * Slower by an order of magnitude, and not constant in time. RSA and hashes are those of `node:crypto`; an RSA key signs
 * with PKCS #1 where the peer takes that, which DTLS 1.3 does not: the salt of PSS is random, and no seed repeats it. A key
 * for RSA-PSS alone is refused.
 */
export const nobleCryptoProvider: CryptoProvider = {
  name: 'noble',
  hash: nodeHash,
  hmac: nodeHmac,
  generateKeyShare: (group, random) => keyShareGenerators[group](random),
  mlKem768: () => nobleMlKem768,
  verify: nobleVerify,
  importSigningKey,
}

const keyShareGenerators: Record<GroupName, (random: RandomSource) => KeyShare> = {
  x25519: random => nobleX25519KeyShare(random(32)),
  secp256r1: random => nobleEcKeyShare(p256, p256.utils.randomSecretKey(random(p256.lengths.seed ?? 48))),
  secp384r1: random => nobleEcKeyShare(p384, p384.utils.randomSecretKey(random(p384.lengths.seed ?? 72))),
}

export function nobleX25519KeyShare(secretKey: Uint8Array): KeyShare {
  return {
    publicKey: x25519.getPublicKey(secretKey),
    deriveSecret: peer => {
      try {
        // RFC 8422 §5.11: an all-zero shared secret must be rejected, which the library does.
        return x25519.getSharedSecret(secretKey, peer)
      } catch {
        throw badKeyShare()
      }
    },
  }
}

/** @param curve `p256` or `p384` */
export function nobleEcKeyShare(curve: typeof p256, secretKey: Uint8Array): KeyShare {
  const publicKey = curve.getPublicKey(secretKey, false)
  return {
    publicKey,
    deriveSecret: peer => {
      if (peer.length !== publicKey.length || peer[0] !== 4) throw badKeyShare()
      try {
        // RFC 8422 §5.10: the x coordinate; the library answers with the compressed point, whose first byte is a sign.
        return curve.getSharedSecret(secretKey, peer, true).subarray(1)
      } catch {
        throw badKeyShare()
      }
    },
  }
}

/** The digest is made here: noble would take the hash that belongs to the curve. */
const signatureOptions = { prehash: false, lowS: false, format: 'der' } as const

function nobleVerify(scheme: SignatureScheme, key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  if (key.kind === 'rsa' || key.kind === 'rsa-pss') return nodeVerify(scheme, key, data, signature)
  if (!fitsKey(scheme, key)) return false
  try {
    // RFC 8032 §5.1.7, without the laxer rules of ZIP 215: what one provider refuses, the other must not take.
    if (key.kind === 'ed25519') return ed25519.verify(signature, data, key.point, { zip215: false })
    return curves[key.curve].verify(signature, digest(scheme, data), key.point, signatureOptions)
  } catch {
    return false
  }
}

const curves = { 'P-256': p256, 'P-384': p384 }

function digest({ hash }: SignatureScheme, data: Uint8Array): Uint8Array {
  return hash === undefined ? data : nodeHash(hash, data)
}

function importSigningKey(pkcs8: Uint8Array): SigningKey {
  // Refuses what the other provider refuses, with the same errors.
  const { kind, curve, schemes, sign } = nodeSigningKey(pkcs8, [
    SignatureSchemes.rsaPkcs1Sha256,
    // RFC 8446 §4.4.3: PKCS #1 is not for the CertificateVerify of TLS 1.3.
    SignatureSchemes.rsaPssSha256,
  ])
  switch (kind) {
    case 'rsa':
    // RFC 8032 §5.1.6: the same signature for the same data, whoever makes it.
    case 'ed25519':
      return { kind, schemes, sign }
    case 'rsa-pss':
      throw new DtlsError('unsupported-key', 'noble: RSA-PSS signs with a random salt, which no seed repeats')
    case 'ec':
      return ecdsaSigningKey(curve ?? 'P-256', schemes, privateScalar(pkcs8))
  }
}

function ecdsaSigningKey(curve: CurveName, schemes: readonly SignatureScheme[], secretKey: Uint8Array): SigningKey {
  return {
    kind: 'ec',
    curve,
    schemes,
    sign: (scheme, data) => curves[curve].sign(digest(scheme, data), secretKey, signatureOptions),
  }
}

/** RFC 5958 §2, RFC 5915 §3: the privateKey of the ECPrivateKey in a PrivateKeyInfo. */
function privateScalar(pkcs8: Uint8Array): Uint8Array {
  const info = new ByteReader(readDer(new ByteReader(pkcs8), DerTag.sequence, 'PrivateKeyInfo'))
  readDer(info, DerTag.integer, 'version')
  readDer(info, DerTag.sequence, 'privateKeyAlgorithm')
  const key = new ByteReader(readDer(info, DerTag.octetString, 'privateKey'))
  const ecPrivateKey = new ByteReader(readDer(key, DerTag.sequence, 'ECPrivateKey'))
  readDer(ecPrivateKey, DerTag.integer, 'version')
  return new Uint8Array(readDer(ecPrivateKey, DerTag.octetString, 'privateKey'))
}
