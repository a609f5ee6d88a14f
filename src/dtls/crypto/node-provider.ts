import {
  constants,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign,
  verify,
} from 'node:crypto'
import { DtlsError } from '../errors.ts'
import { nobleMlKem768 } from './ml-kem.ts'
import { nodeMlKem768 } from './node-ml-kem.ts'
import type {
  CryptoProvider,
  GroupName,
  HashName,
  KeyShare,
  PublicKey,
  SignatureScheme,
  SigningKey,
} from './provider.ts'
import { fitsKey, rsaPssSchemes, rsaSchemes, SignatureSchemes } from './signature-schemes.ts'

/**
 * Everything from `node:crypto`. Ephemeral keys come from its own generator, whatever random source is given; but
 * ML-KEM is JavaScript, and draws from that source, where `node:crypto` does not have it.
 */
export const nodeCryptoProvider: CryptoProvider = {
  name: 'node',
  hash: nodeHash,
  hmac: nodeHmac,
  generateKeyShare: group => keyShareGenerators[group](),
  mlKem768: () => nodeMlKem768() ?? nobleMlKem768,
  verify: nodeVerify,
  importSigningKey: pkcs8 => nodeSigningKey(pkcs8),
}

export function nodeHash(name: HashName, data: Uint8Array): Uint8Array {
  return createHash(name).update(data).digest()
}

export function nodeHmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array {
  return createHmac(name, key).update(data).digest()
}

export function nodeVerify(scheme: SignatureScheme, key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  if (!fitsKey(scheme, key)) return false
  try {
    return verify(scheme.hash, data, { key: toKeyObject(key), ...padding(scheme) }, signature)
  } catch {
    return false
  }
}

/**
 * A signing key for which `node:crypto` does the work.
 *
 * @param rsa what an RSA key is to sign with
 */
export function nodeSigningKey(pkcs8: Uint8Array, rsa: readonly SignatureScheme[] = rsaSchemes): SigningKey {
  const key = importPrivateKey(pkcs8)
  const signWith = (scheme: SignatureScheme, data: Uint8Array): Uint8Array =>
    sign(scheme.hash, data, { key, ...padding(scheme) })
  const { namedCurve, hashAlgorithm } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return { kind: 'rsa', schemes: rsa, sign: signWith }
    case 'rsa-pss': {
      // RFC 4055 §3.3: parameters in the key prescribe the hash.
      const schemes = rsaPssSchemes.filter(({ hash }) => hashAlgorithm === undefined || hash === hashAlgorithm)
      return { kind: 'rsa-pss', schemes, sign: signWith }
    }
    case 'ed25519':
      return { kind: 'ed25519', schemes: [SignatureSchemes.ed25519], sign: signWith }
    case 'ec':
      if (namedCurve === 'prime256v1') {
        return { kind: 'ec', curve: 'P-256', schemes: [SignatureSchemes.ecdsaP256Sha256], sign: signWith }
      }
      if (namedCurve === 'secp384r1') {
        return { kind: 'ec', curve: 'P-384', schemes: [SignatureSchemes.ecdsaP384Sha384], sign: signWith }
      }
  }
  throw new DtlsError('unsupported-key', 'a certificate needs a key on P-256 or P-384, an Ed25519 key, or an RSA key')
}

const keyShareGenerators: Record<GroupName, () => KeyShare> = {
  x25519: () => nodeX25519KeyShare(generateKeyPairSync('x25519')),
  secp256r1: () => nodeEcKeyShare(generateEcdh('prime256v1')),
  secp384r1: () => nodeEcKeyShare(generateEcdh('secp384r1')),
}

function generateEcdh(curve: string): ECDH {
  const ecdh = createECDH(curve)
  ecdh.generateKeys()
  return ecdh
}

/** RFC 8410 §4: what stands before the 32 bytes of a SubjectPublicKeyInfo for X25519. */
const x25519SpkiPrefixLength = 12

/**
 * The share of an X25519 key pair.
 *
 * Not exported as JWK, though that says the 32 bytes outright: Node 20 then allocates while it holds the lock of the key,
 * and a garbage collection at that moment, which frees what the key was generated with, waits for that lock for ever.
 */
export function nodeX25519KeyShare({ publicKey, privateKey }: KeyPairKeyObjectResult): KeyShare {
  return {
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(x25519SpkiPrefixLength),
    deriveSecret: peer => {
      try {
        // RFC 8422 §5.11: an all-zero shared secret must be rejected; OpenSSL refuses to derive it.
        return diffieHellman({ privateKey, publicKey: fromJwk({ kty: 'OKP', crv: 'X25519', x: base64url(peer) }) })
      } catch {
        throw badKeyShare()
      }
    },
  }
}

/** The share of a key pair on P-256 or P-384, which `ecdh` holds. */
export function nodeEcKeyShare(ecdh: ECDH): KeyShare {
  const publicKey = ecdh.getPublicKey()
  return {
    publicKey,
    deriveSecret: peer => {
      // RFC 8422 §5.4.1: only the uncompressed form; OpenSSL would take others.
      if (peer.length !== publicKey.length || peer[0] !== 4) throw badKeyShare()
      try {
        return ecdh.computeSecret(peer)
      } catch {
        throw badKeyShare()
      }
    },
  }
}

export function badKeyShare(): DtlsError {
  return new DtlsError('bad-key-share', "the peer's key share is malformed, off the curve, or of low order")
}

function toKeyObject(key: PublicKey): KeyObject {
  if (key.kind === 'ed25519') return fromJwk({ kty: 'OKP', crv: 'Ed25519', x: base64url(key.point) })
  if (key.kind !== 'ec') return createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })
  // Measured: a key as JWK is imported ten times faster than as SubjectPublicKeyInfo.
  const half = (key.point.length + 1) / 2
  return fromJwk({
    kty: 'EC',
    crv: key.curve,
    x: base64url(key.point.subarray(1, half)),
    y: base64url(key.point.subarray(half)),
  })
}

function fromJwk(key: Record<string, string>): KeyObject {
  return createPublicKey({ key, format: 'jwk' })
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}

/** RFC 8446 §4.2.3: the salt of RSASSA-PSS is as long as the digest. */
function padding(scheme: SignatureScheme): { padding?: number; saltLength?: number } {
  switch (scheme.algorithm) {
    case 'rsa-pss-rsae':
    case 'rsa-pss-pss':
      return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    case 'rsa-pkcs1':
      return { padding: constants.RSA_PKCS1_PADDING }
    case 'ecdsa':
    case 'ed25519':
      return {}
  }
}

function importPrivateKey(pkcs8: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  } catch {
    // Without the cause: what OpenSSL says about a private key is nobody's business.
    throw new DtlsError('unsupported-key', 'the private key is not a PKCS #8 key')
  }
}
