import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { openAead, sealAead } from '../../src/dtls/aead.ts'
import { certificatePublicKey } from '../../src/dtls/crypto/certificate.ts'
import { nobleCryptoProvider } from '../../src/dtls/crypto/noble-provider.ts'
import { nodeCryptoProvider } from '../../src/dtls/crypto/node-provider.ts'
import type { KeyShare } from '../../src/dtls/crypto/provider.ts'
import { SignatureSchemes } from '../../src/dtls/crypto/signature-schemes.ts'
import { DtlsError } from '../../src/dtls/errors.ts'
import { prf } from '../../src/dtls/v12/key-schedule.ts'
import { prng } from '../support/prng.ts'
import { ecdsaCertificate, ed25519Certificate, rsaPssCertificate } from '../support/test-certificate.ts'
import { p256PrivateKey, p256Sha256Signatures } from '../vectors/ecdsa-rfc6979.ts'
import { prfVectors } from '../vectors/tls12-prf-rfc5246.ts'
import { x25519Example } from '../vectors/x25519-rfc7748.ts'
import { implementations, secretOrRefusal } from './crypto-implementations.ts'
import { sharedRsaCertificate } from './support.ts'

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

/** The shared secret in hex, or the code of the error. */
function derive(share: KeyShare, peer: Uint8Array): string {
  return secretOrRefusal(() => share.deriveSecret(peer))
}

for (const { provider, x25519, p256, p384 } of implementations) {
  describe(`The ${provider.name} crypto provider`, () => {
    for (const vector of prfVectors) {
      it(`computes the PRF of TLS 1.2 with ${vector.hash}`, () => {
        const { hash, label, output } = vector
        const result = prf(provider, hash, hex(vector.secret), label, hex(vector.seed), output.length / 2)
        assert.equal(Buffer.from(result).toString('hex'), output)
      })
    }

    it('agrees with the example of RFC 7748', () => {
      const alice = x25519(hex(x25519Example.alicePrivate))
      const bob = x25519(hex(x25519Example.bobPrivate))
      assert.equal(Buffer.from(alice.publicKey).toString('hex'), x25519Example.alicePublic)
      assert.equal(derive(alice, bob.publicKey), x25519Example.shared)
      assert.equal(derive(bob, alice.publicKey), x25519Example.shared)
    })

    for (const group of ['x25519', 'secp256r1', 'secp384r1'] as const) {
      it(`agrees with the other provider on ${group}`, () => {
        const random = prng(5)
        for (const { provider: other } of implementations) {
          const ours = provider.generateKeyShare(group, length => random.bytes(length))
          const theirs = other.generateKeyShare(group, length => random.bytes(length))
          const secret = derive(ours, theirs.publicKey)
          assert.match(secret, group === 'secp384r1' ? /^[0-9a-f]{96}$/ : /^[0-9a-f]{64}$/)
          assert.equal(derive(theirs, ours.publicKey), secret)
        }
      })
    }

    for (const [curve, make, size] of [
      ['P-256', p256, 32],
      ['P-384', p384, 48],
    ] as const) {
      it(`rejects points off ${curve}, the point at infinity and compressed points`, () => {
        const share = make(hex('11'.repeat(size)))
        const good = Buffer.from(make(hex('22'.repeat(size))).publicKey)
        assert.equal(derive(share, good).length, 2 * size)
        const offCurve = Buffer.from(good)
        offCurve[2 * size] = (offCurve[2 * size] ?? 0) ^ 1
        const sign = (good[2 * size] ?? 0) & 1
        const compressed = Buffer.concat([Buffer.of(2 + sign), good.subarray(1, size + 1)])
        const hybrid = Buffer.concat([Buffer.of(6 + sign), good.subarray(1)])
        const others = [Buffer.of(0), Buffer.alloc(1 + 2 * size), Buffer.alloc(0)]
        for (const point of [offCurve, compressed, hybrid, ...others]) {
          assert.equal(derive(share, point), 'bad-key-share', point.toString('hex'))
        }
      })
    }

    it('rejects X25519 keys of low order and of the wrong length', () => {
      const share = x25519(hex(x25519Example.alicePrivate))
      const lowOrder = [
        '00'.repeat(32),
        `01${'00'.repeat(31)}`,
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      ]
      for (const key of lowOrder) assert.equal(derive(share, hex(key)), 'bad-key-share', key)
      for (const length of [0, 31, 33]) assert.equal(derive(share, Buffer.alloc(length, 9)), 'bad-key-share')
    })

    it('signs with every scheme of its keys, and verifies what it and the other one signed', () => {
      const data = Buffer.from('signed')
      const ecdsa = [ecdsaCertificate(), ecdsaCertificate({ curve: 'P-384' })]
      const pss = provider === nodeCryptoProvider ? [rsaPssCertificate()] : []
      for (const { pkcs8, certificate } of [...ecdsa, ed25519Certificate(), sharedRsaCertificate(), ...pss]) {
        const publicKey = certificatePublicKey(certificate)
        const signer = provider.importSigningKey(pkcs8)
        assert.equal(signer.kind, publicKey.kind)
        assert.equal(signer.curve, publicKey.kind === 'ec' ? publicKey.curve : undefined)
        assert.ok(signer.schemes.length > 0)
        for (const scheme of signer.schemes) {
          const signature = signer.sign(scheme, data)
          for (const { provider: verifier } of implementations) {
            assert.equal(verifier.verify(scheme, publicKey, data, signature), true, scheme.name)
            assert.equal(verifier.verify(scheme, publicKey, Buffer.from('other'), signature), false)
            signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
            assert.equal(verifier.verify(scheme, publicKey, data, signature), false)
            signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
          }
        }
      }
    })

    it('verifies P-256 signatures made with a longer hash, and none by a key of another kind', () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const data = Buffer.from('signed')
      const key = { kind: 'ec', curve: 'P-256', point: pointOf(privateKey) } as const
      const signature = sign('sha384', data, privateKey)
      assert.equal(verify('sha384', data, publicKey, signature), true)
      assert.equal(provider.verify(SignatureSchemes.ecdsaP384Sha384, key, data, signature), true)
      assert.equal(provider.verify(SignatureSchemes.ecdsaP256Sha256, key, data, signature), false)
      assert.equal(provider.verify(SignatureSchemes.rsaPkcs1Sha384, key, data, signature), false)
      const rubbish = { kind: 'ec', curve: 'P-256', point: Buffer.alloc(65, 4) } as const
      assert.equal(provider.verify(SignatureSchemes.ecdsaP384Sha384, rubbish, data, signature), false)
      assert.equal(
        provider.verify(SignatureSchemes.rsaPssSha256, { kind: 'rsa', spki: Buffer.alloc(20) }, data, signature),
        false,
      )
    })

    it('refuses private keys that certificates are not made with', () => {
      const x25519Key = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' })
      for (const pkcs8 of [x25519Key, ecdsaCertificate({ curve: 'P-521' }).pkcs8, Buffer.from('rubbish')]) {
        assert.throws(
          () => provider.importSigningKey(pkcs8),
          (error: unknown) =>
            error instanceof DtlsError && error.code === 'unsupported-key' && error.cause === undefined,
        )
      }
    })
  })
}

describe('The noble crypto provider, in particular,', () => {
  it('signs as RFC 6979 says', () => {
    const pkcs8 = ecdsaCertificate({ privateKey: hex(p256PrivateKey) }).pkcs8
    const key = nobleCryptoProvider.importSigningKey(pkcs8)
    for (const { message, r, s } of p256Sha256Signatures) {
      const signature = key.sign(SignatureSchemes.ecdsaP256Sha256, Buffer.from(message))
      assert.equal(Buffer.from(signature).toString('hex'), derSignature(r, s))
    }
  })

  it('refuses keys for RSA-PSS, whose signatures no seed repeats', () => {
    assert.throws(() => nobleCryptoProvider.importSigningKey(rsaPssCertificate().pkcs8), { code: 'unsupported-key' })
  })

  it('signs the same data with the same bytes, in the way that it prefers', () => {
    for (const { pkcs8 } of [ecdsaCertificate({ curve: 'P-384' }), ed25519Certificate(), sharedRsaCertificate()]) {
      const key = nobleCryptoProvider.importSigningKey(pkcs8)
      const [scheme] = key.schemes
      assert.ok(scheme)
      assert.deepEqual(key.sign(scheme, Buffer.from('data')), key.sign(scheme, Buffer.from('data')), scheme.name)
    }
  })

  it('draws its keys from the random source it is given', () => {
    for (const group of ['x25519', 'secp256r1', 'secp384r1'] as const) {
      const make = (seed: number): Uint8Array => {
        const random = prng(seed)
        return nobleCryptoProvider.generateKeyShare(group, length => random.bytes(length)).publicKey
      }
      assert.deepEqual(make(1), make(1))
      assert.notDeepEqual(make(1), make(2))
    }
  })
})

function pointOf(privateKey: KeyObject): Uint8Array {
  const { x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
}

function derSignature(...numbers: readonly string[]): string {
  const integers = numbers.map(number => {
    const value = Number.parseInt(number.slice(0, 2), 16) >= 0x80 ? `00${number}` : number
    return `02${(value.length / 2).toString(16).padStart(2, '0')}${value}`
  })
  const content = integers.join('')
  return `30${(content.length / 2).toString(16).padStart(2, '0')}${content}`
}

describe('ChaCha20-Poly1305', () => {
  it('agrees with the example of RFC 8439 §2.8.2', () => {
    const key = hex(Array.from({ length: 32 }, (_, i) => (0x80 + i).toString(16)).join(''))
    const nonce = hex('070000004041424344454647')
    const aad = hex('50515253c0c1c2c3c4c5c6c7')
    const content = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    )
    const sealed = Buffer.alloc(content.length + 16)
    sealAead('chacha20-poly1305', key, nonce, aad, content, sealed, 0)
    assert.equal(sealed.subarray(0, 16).toString('hex'), 'd31a8d34648e60db7b86afbc53ef7ec2')
    const tag = sealed.subarray(-16)
    assert.equal(tag.toString('hex'), '1ae10b594f09e26a7e902ecbd0600691')
    const open = (from: Uint8Array) => openAead('chacha20-poly1305', key, nonce, aad, sealed.subarray(0, -16), from)
    assert.deepEqual(Buffer.from(open(tag) ?? []), content)
    assert.equal(open(tag.map(byte => byte ^ 1)), undefined)
  })
})
