import { x25519 } from '@noble/curves/ed25519.js'
import { p256, p384 } from '@noble/curves/nist.js'
import { ByteReader } from '../../base/bytes.ts'
import type { RandomSource } from '../../base/environment.ts'
import { DerTag, readDer } from './der.ts'
import { badKeyShare, nodeHash, nodeHmac, nodeSigningKey, nodeVerify } from './node-provider.ts'
import type { CryptoProvider, GroupName, KeyShare, PublicKey, SignatureScheme, SigningKey } from './provider.ts'
import { fitsKey, SignatureSchemes } from './signature-schemes.ts'

/**
 * Elliptic curves in JavaScript, for simulation: ephemeral keys are drawn from the given random source and ECDSA
 * follows RFC 6979, so that the same seed gives the same handshake byte for byte.
 *
 * Slower by an order of magnitude, and not constant in time. RSA and hashes are those of `node:crypto`; an RSA key signs
 * with PKCS #1 alone, because the salt of PSS would be random.
 */
export const nobleCryptoProvider: CryptoProvider = {
  name: 'noble',
  hash: nodeHash,
  hmac: nodeHmac,
  generateKeyShare: (group, random) => keyShareGenerators[group](random),
  verify: nobleVerify,
  importSigningKey,
}

const keyShareGenerators: Record<GroupName, (random: RandomSource) => KeyShare> = {
  x25519: random => nobleX25519KeyShare(random(32)),
  secp256r1: random => nobleP256KeyShare(p256.utils.randomSecretKey(random(p256.lengths.seed ?? 48))),
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

export function nobleP256KeyShare(secretKey: Uint8Array): KeyShare {
  return {
    publicKey: p256.getPublicKey(secretKey, false),
    deriveSecret: peer => {
      if (peer.length !== 65 || peer[0] !== 4) throw badKeyShare()
      try {
        // RFC 8422 §5.10: the x coordinate; the library answers with the compressed point, whose first byte is a sign.
        return p256.getSharedSecret(secretKey, peer, true).subarray(1)
      } catch {
        throw badKeyShare()
      }
    },
  }
}

/** The digest is made here: noble would take the hash that belongs to the curve. */
const signatureOptions = { prehash: false, lowS: false, format: 'der' } as const

function nobleVerify(scheme: SignatureScheme, key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  if (key.kind === 'rsa') return nodeVerify(scheme, key, data, signature)
  if (!fitsKey(scheme, key)) return false
  const curve = key.curve === 'P-256' ? p256 : p384
  try {
    return curve.verify(signature, nodeHash(scheme.hash, data), key.point, signatureOptions)
  } catch {
    return false
  }
}

function importSigningKey(pkcs8: Uint8Array): SigningKey {
  // Refuses what the other provider refuses, with the same errors.
  const key = nodeSigningKey(pkcs8, [SignatureSchemes.rsaPkcs1Sha256])
  if (key.kind === 'rsa') return key
  const secretKey = privateScalar(pkcs8)
  return {
    kind: 'ec',
    schemes: key.schemes,
    sign: (scheme, data) => p256.sign(nodeHash(scheme.hash, data), secretKey, signatureOptions),
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
