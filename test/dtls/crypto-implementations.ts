import assert from 'node:assert/strict'
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto'
import { p256 as nobleP256, p384 as nobleP384 } from '@noble/curves/nist.js'
import { nobleKemKeys } from '../../src/dtls/crypto/ml-kem.ts'
import { nobleCryptoProvider, nobleEcKeyShare, nobleX25519KeyShare } from '../../src/dtls/crypto/noble-provider.ts'
import { nodeKemKeys, nodeMlKem768 } from '../../src/dtls/crypto/node-ml-kem.ts'
import { nodeCryptoProvider, nodeEcKeyShare, nodeX25519KeyShare } from '../../src/dtls/crypto/node-provider.ts'
import type { CryptoProvider, KemKeys, KeyShare } from '../../src/dtls/crypto/provider.ts'
import { Alert, DtlsError } from '../../src/dtls/errors.ts'

/** A provider, and what its key pairs are made of: vectors bring private keys. */
export interface Implementation {
  readonly provider: CryptoProvider
  x25519(privateKey: Uint8Array): KeyShare
  p256(privateKey: Uint8Array): KeyShare
  p384(privateKey: Uint8Array): KeyShare
  /** @param seed FIPS 203 §6.1: d || z */
  mlKem(seed: Uint8Array): KemKeys
}

export const implementations: readonly Implementation[] = [
  {
    provider: nodeCryptoProvider,
    x25519: nodeX25519,
    p256: key => nodeEc('prime256v1', key),
    p384: key => nodeEc('secp384r1', key),
    // Where node:crypto has no ML-KEM, the provider takes the other one.
    mlKem: seed => (nodeMlKem768() === undefined ? nobleKemKeys(seed) : nodeMlKemKeys(seed)),
  },
  {
    provider: nobleCryptoProvider,
    x25519: nobleX25519KeyShare,
    p256: key => nobleEcKeyShare(nobleP256, key),
    p384: key => nobleEcKeyShare(nobleP384, key),
    mlKem: nobleKemKeys,
  },
]

function nodeX25519(privateKey: Uint8Array): KeyShare {
  const key = fromPkcs8(Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateKey]))
  return nodeX25519KeyShare({ privateKey: key, publicKey: createPublicKey(key) })
}

function nodeEc(curve: string, privateKey: Uint8Array): KeyShare {
  const ecdh = createECDH(curve)
  ecdh.setPrivateKey(Buffer.from(privateKey))
  return nodeEcKeyShare(ecdh)
}

/** RFC 5958 §2: a PrivateKeyInfo of id-alg-ml-kem-768, with the seed alone, as [0]. */
function nodeMlKemKeys(seed: Uint8Array): KemKeys {
  const seedAlone = Buffer.concat([Buffer.of(0x80, seed.length), seed])
  const privateKey = Buffer.concat([Buffer.of(0x04, seedAlone.length), seedAlone])
  const versionAndAlgorithm = Buffer.from('020100300b0609608648016503040402', 'hex')
  const length = versionAndAlgorithm.length + privateKey.length
  assert.ok(length < 0x80, 'DER has another form for longer ones')
  const key = fromPkcs8(Buffer.concat([Buffer.of(0x30, length), versionAndAlgorithm, privateKey]))
  return nodeKemKeys({ privateKey: key, publicKey: createPublicKey(key) })
}

function fromPkcs8(pkcs8: Buffer): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
}

/**
 * The shared secret in hex, or `bad-key-share`.
 *
 * RFC 8446 §7.4.2, §4.2.8.2; RFC 8422 §5.11: a peer's key that is none ends the handshake with illegal_parameter.
 */
export function secretOrRefusal(derive: () => Uint8Array): string {
  try {
    return Buffer.from(derive()).toString('hex')
  } catch (error) {
    assert.ok(error instanceof DtlsError, String(error))
    assert.equal(error.code, 'bad-key-share')
    assert.equal(error.alert, Alert.illegalParameter)
    return error.code
  }
}
