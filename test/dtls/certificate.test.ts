import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { certificatePublicKey, certificateSignatureSchemes } from '../../src/dtls/crypto/certificate.ts'
import { checkFingerprint } from '../../src/dtls/fingerprint.ts'
import { DtlsError, nodeCryptoProvider } from '../../src/dtls/index.ts'
import {
  der,
  ecdsaCertificate,
  ed25519Certificate,
  rsaPssCertificate,
  type TestCertificate,
} from '../support/test-certificate.ts'
import { clientCertificate, sharedRsaCertificate, strangerCertificate } from './support.ts'

function pointOf({ key }: TestCertificate): Buffer {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
}

describe('The public key of a certificate', () => {
  for (const curve of ['P-256', 'P-384'] as const) {
    it(`is found on ${curve}`, () => {
      const certificate = ecdsaCertificate({ curve })
      const key = certificatePublicKey(certificate.certificate)
      assert.ok(key.kind === 'ec')
      assert.equal(key.curve, curve)
      assert.deepEqual(Buffer.from(key.point), pointOf(certificate))
    })
  }

  it('is found with RSA', () => {
    const { certificate, key } = sharedRsaCertificate()
    const found = certificatePublicKey(certificate)
    assert.ok(found.kind === 'rsa')
    assert.deepEqual(Buffer.from(found.spki), createPublicKey(key).export({ format: 'der', type: 'spki' }))
  })

  it('is found with RSA-PSS and with Ed25519', () => {
    const pss = rsaPssCertificate()
    const found = certificatePublicKey(pss.certificate)
    assert.ok(found.kind === 'rsa-pss')
    assert.deepEqual(Buffer.from(found.spki), createPublicKey(pss.key).export({ format: 'der', type: 'spki' }))
    const { certificate, key } = ed25519Certificate()
    const ed25519 = certificatePublicKey(certificate)
    assert.ok(ed25519.kind === 'ed25519')
    assert.equal(Buffer.from(ed25519.point).toString('base64url'), createPublicKey(key).export({ format: 'jwk' }).x)
  })

  it('is found in a certificate of version 1, and behind long fields', () => {
    const { key } = clientCertificate
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
    const empty = der(0x30)
    const long = der(0x30, Buffer.alloc(70_000 & 0xffff, 5))
    for (const fields of [
      [der(0x02, Buffer.of(9)), empty, empty, empty, empty],
      [der(0xa0, der(0x02, Buffer.of(2))), der(0x02, Buffer.alloc(200, 1)), empty, long, empty, long],
    ]) {
      const found = certificatePublicKey(der(0x30, der(0x30, ...fields, spki), empty))
      assert.ok(found.kind === 'ec')
      assert.deepEqual(Buffer.from(found.point), pointOf(clientCertificate))
    }
  })

  it('of another kind is not supported, and of none at all is an error', () => {
    assert.throws(() => certificatePublicKey(ecdsaCertificate({ curve: 'P-521' }).certificate), {
      code: 'unsupported-certificate',
    })
    for (const rubbish of ['', '30', '3003020101', '30833000', '3080', '308500', 'ff']) {
      assert.throws(() => certificatePublicKey(Buffer.from(rubbish, 'hex')), { code: 'bad-certificate' }, rubbish)
    }
    const { certificate } = clientCertificate
    for (let length = 0; length < certificate.length - 80; length++) {
      assert.throws(
        () => certificatePublicKey(certificate.subarray(0, length)),
        (error: unknown) => error instanceof DtlsError,
      )
    }
  })

  it('that is a compressed point is not supported', () => {
    const spki = createPublicKey(clientCertificate.key).export({ format: 'der', type: 'spki' })
    const algorithm = spki.subarray(2, 2 + 2 + 19)
    const compressed = Buffer.concat([Buffer.of(0, 2), spki.subarray(-64, -32)])
    const empty = der(0x30)
    const certificate = der(
      0x30,
      der(0x30, der(0x02, Buffer.of(9)), empty, empty, empty, empty, der(0x30, algorithm, der(0x03, compressed))),
    )
    assert.throws(() => certificatePublicKey(certificate), { code: 'unsupported-certificate' })
  })
})

describe('The signature on a certificate', () => {
  it('is known by the code points that peers list for it', () => {
    assert.deepEqual(certificateSignatureSchemes(clientCertificate.certificate), [0x0403])
    assert.deepEqual(certificateSignatureSchemes(sharedRsaCertificate().certificate), [0x0401])
    assert.deepEqual(certificateSignatureSchemes(ed25519Certificate().certificate), [0x0807])
    const pss = certificateSignatureSchemes(rsaPssCertificate().certificate)
    assert.deepEqual([...pss].sort(), [0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b])
    for (const other of [der(0x30, der(0x30), der(0x30, der(0x06, Buffer.of(1)))), Buffer.from('rubbish')]) {
      assert.deepEqual(certificateSignatureSchemes(other), [])
    }
  })
})

describe('A fingerprint', () => {
  const { certificate } = clientCertificate
  const check = (...fingerprints: { algorithm: string; value: string }[]): void =>
    checkFingerprint(certificate, fingerprints, nodeCryptoProvider)

  it('is compared in the strongest hash that was signalled, and only there', () => {
    const right = clientCertificate.fingerprint
    const wrong = strangerCertificate.fingerprint
    check(right('sha-256'), right('sha-512'))
    check(wrong('sha-256'), right('sha-512'))
    check(wrong('sha-512'), right('sha-512'), wrong('sha-512'))
    assert.throws(() => check(right('sha-256'), wrong('sha-512')), { code: 'fingerprint-mismatch' })
    assert.throws(() => check(right('sha-1'), wrong('sha-256')), { code: 'fingerprint-mismatch' })
  })

  it('with anything but hexadecimal bytes and colons matches nothing', () => {
    const { value } = clientCertificate.fingerprint()
    check({ algorithm: 'sha-256', value })
    for (const bad of [`${value}:`, `:${value}`, `${value} `, value.replace(':', '::'), value.replace(/./, 'G')]) {
      assert.throws(() => check({ algorithm: 'sha-256', value: bad }), { code: 'fingerprint-mismatch' })
    }
  })
})
