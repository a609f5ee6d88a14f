import assert from 'node:assert/strict'
import { openAead, sealAead } from '../../src/dtls/aead.ts'
import { certificatePublicKey } from '../../src/dtls/crypto/certificate.ts'
import { SignatureSchemes } from '../../src/dtls/crypto/signature-schemes.ts'
import { DtlsError } from '../../src/dtls/errors.ts'
import { implementations, secretOrRefusal } from './crypto-implementations.ts'
import { forEachVector, requireVectors, type Vector } from './wycheproof.ts'

const allZero = '00'.repeat(32)

describe("Project Wycheproof's vectors", function () {
  this.timeout(60_000)
  before(function () {
    requireVectors(this)
  })

  for (const { provider, x25519, p256 } of implementations) {
    const { name } = provider

    it(`of ECDH on P-256, as points, hold with the ${name} provider`, () => {
      forEachVector('ecdh_secp256r1_ecpoint', { valid: 330, invalid: 24, acceptable: 1 }, vector => {
        const share = p256(scalar(vector))
        // RFC 8422 §5.1.2: only the uncompressed form is offered. The acceptable case is a compressed point.
        const expected = vector.result === 'valid' ? vector.hex('shared') : 'bad-key-share'
        assert.equal(
          secretOrRefusal(() => share.deriveSecret(vector.bytes('public'))),
          expected,
          vector.title,
        )
      })
    })

    it(`of X25519 hold with the ${name} provider`, () => {
      let refused = 0
      forEachVector('x25519', { valid: 264, acceptable: 254 }, vector => {
        const share = x25519(vector.bytes('private'))
        // RFC 7748 §5: keys on the twist, and those that are not reduced, are keys like any other.
        // RFC 7748 §6.1, RFC 8446 §7.4.2: keys of low order are found out by the secret of zeros, and refused.
        const isZero = vector.hex('shared') === allZero
        assert.equal(isZero, vector.flags.includes('ZeroSharedSecret'), vector.title)
        const expected = isZero ? 'bad-key-share' : vector.hex('shared')
        assert.equal(
          secretOrRefusal(() => share.deriveSecret(vector.bytes('public'))),
          expected,
          vector.title,
        )
        if (isZero) refused++
      })
      assert.equal(refused, 31)
    })

    for (const [file, curve, scheme, counts] of [
      ['ecdsa_secp256r1_sha256', 'P-256', SignatureSchemes.ecdsaP256Sha256, { valid: 174, invalid: 310 }],
      ['ecdsa_secp384r1_sha384', 'P-384', SignatureSchemes.ecdsaP384Sha384, { valid: 194, invalid: 310 }],
    ] as const) {
      it(`of ECDSA on ${curve} hold with the ${name} provider`, () => {
        forEachVector(file, counts, vector => {
          const point = Buffer.from(vector.group.publicKey?.uncompressed ?? '', 'hex')
          const good = provider.verify(scheme, { kind: 'ec', curve, point }, vector.bytes('msg'), vector.bytes('sig'))
          assert.equal(good, vector.result === 'valid', vector.title)
        })
      })
    }

    it(`of Ed25519 hold with the ${name} provider`, () => {
      forEachVector('ed25519', { valid: 88, invalid: 63 }, vector => {
        const point = Buffer.from(vector.group.publicKey?.pk ?? '', 'hex')
        const key = { kind: 'ed25519', point } as const
        const good = provider.verify(SignatureSchemes.ed25519, key, vector.bytes('msg'), vector.bytes('sig'))
        assert.equal(good, vector.result === 'valid', vector.title)
      })
    })
  }

  it('of ECDH on P-256, as SubjectPublicKeyInfo, are read for what they are or refused as certificates', () => {
    const outcomes = { secret: 0, 'bad-key-share': 0, 'bad-certificate': 0, 'unsupported-certificate': 0 }
    forEachVector('ecdh_secp256r1', { valid: 330, invalid: 52, acceptable: 230 }, vector => {
      const point = pointOrRefusal(vector.bytes('public'))
      if (typeof point === 'string') {
        assert.notEqual(vector.result, 'valid', vector.title)
        outcomes[point]++
        return
      }
      const [node, noble] = implementations.map(({ p256 }) =>
        secretOrRefusal(() => p256(scalar(vector)).deriveSecret(point)),
      )
      assert.equal(node, noble, vector.title)
      const isRefused = node === 'bad-key-share'
      // Acceptable are encodings that are not DER. Where one is read, it is read for the key it stands for.
      if (!isRefused) assert.equal(node, vector.hex('shared'), vector.title)
      if (vector.result !== 'acceptable') assert.equal(isRefused, vector.result === 'invalid', vector.title)
      outcomes[isRefused ? 'bad-key-share' : 'secret']++
    })
    const refused = { 'bad-key-share': 19, 'bad-certificate': 153, 'unsupported-certificate': 80 }
    assert.deepEqual(outcomes, { secret: 360, ...refused })
  })

  it('of AES-GCM hold for the nonces of TLS, and other sizes of nonces and keys are none of ours', () => {
    let checked = 0
    forEachVector('aes_gcm', { valid: 229, invalid: 87 }, vector => {
      const { ivSize, keySize } = vector.group
      // RFC 5288 §3, RFC 8446 §5.3: nonces have 96 bits; RFC 5116 §5: keys have 128 or 256.
      if (ivSize !== 96 || keySize === 192) return
      checkAead(keySize === 128 ? 'aes-128-gcm' : 'aes-256-gcm', vector)
      checked++
    })
    assert.equal(checked, 133)
  })
})

function checkAead(aead: 'aes-128-gcm' | 'aes-256-gcm', vector: Vector): void {
  const [key, iv, aad, ciphertext, tag] = ['key', 'iv', 'aad', 'ct', 'tag'].map(field => vector.bytes(field))
  assert.ok(key && iv && aad && ciphertext && tag)
  const opened = openAead(aead, key, iv, aad, ciphertext, tag)
  if (vector.result === 'invalid') {
    assert.equal(opened, undefined, vector.title)
    return
  }
  const content = vector.bytes('msg')
  assert.deepEqual(Buffer.from(opened ?? 'nothing'), content, vector.title)
  const sealed = Buffer.alloc(content.length + 16)
  sealAead(aead, key, iv, aad, content, sealed, 0)
  assert.deepEqual(sealed, Buffer.concat([ciphertext, tag]), vector.title)
}

/** The private scalar in 32 bytes: it comes as a number, with a sign. */
function scalar(vector: Vector): Buffer {
  return Buffer.from(vector.hex('private').padStart(64, '0').slice(-64), 'hex')
}

/** The point of a key on P-256 in a certificate that has nothing else, or why the certificate is refused. */
function pointOrRefusal(spki: Uint8Array): Uint8Array | 'bad-certificate' | 'unsupported-certificate' {
  try {
    const key = certificatePublicKey(certificateAround(spki))
    return key.kind === 'ec' && key.curve === 'P-256' ? key.point : 'unsupported-certificate'
  } catch (error) {
    assert.ok(error instanceof DtlsError, String(error))
    assert.ok(error.code === 'bad-certificate' || error.code === 'unsupported-certificate', error.code)
    return error.code
  }
}

/** RFC 5280 §4.1: serialNumber, signature, issuer, validity and subject, all empty, then the key. */
function certificateAround(spki: Uint8Array): Uint8Array {
  return der(der(Buffer.concat([Buffer.from('02003000300030003000', 'hex'), spki])))
}

function der(content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x30, 0x82, content.length >> 8, content.length), content])
}
