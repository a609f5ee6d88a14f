import assert from 'node:assert/strict'
import { createPrivateKey, type JsonWebKey } from 'node:crypto'
import { inspect } from 'node:util'
import {
  type CertificateImport,
  exportCertificate,
  exportPrivateKeyJwk,
  importCertificate,
} from '../../src/pc/portable-certificate.ts'
import { certificateSecrets, generateCertificate, type RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import {
  ecdsaCertificate,
  ed25519Certificate,
  rsaCertificate,
  rsaPssCertificate,
  type TestCertificate,
} from '../support/test-certificate.ts'

const kinds: readonly [string, () => TestCertificate][] = [
  ['ECDSA on P-256', ecdsaCertificate],
  ['ECDSA on P-384', () => ecdsaCertificate({ curve: 'P-384' })],
  ['Ed25519', ed25519Certificate],
  ['RSA', rsaCertificate],
  ['RSA-PSS', rsaPssCertificate],
]

function assertSame(certificate: RTCCertificate, { certificate: der, pkcs8 }: TestCertificate): void {
  const secrets = certificateSecrets(certificate)
  assert.deepEqual(
    secrets.chain.map(each => Buffer.from(each)),
    [Buffer.from(der)],
  )
  assert.deepEqual(Buffer.from(secrets.pkcs8), Buffer.from(pkcs8))
  assert.equal(certificate.expires, Date.UTC(2049, 0, 1))
}

function refused(input: CertificateImport, name: string, secret?: Uint8Array): void {
  assert.throws(
    () => importCertificate(input),
    (error: Error) => {
      assert.equal(error.name, name, String(error))
      if (secret !== undefined) {
        const shown = inspect(error, { showHidden: true, depth: 9 })
        for (const encoding of ['hex', 'base64'] as const) {
          assert.ok(!shown.includes(Buffer.from(secret.subarray(40, 60)).toString(encoding)))
        }
      }
      return true
    },
  )
}

describe('importCertificate and exportCertificate', function () {
  this.timeout(10_000)

  for (const [title, make] of kinds) {
    it(`carry ${title} there and back as PEM, and in as DER`, () => {
      const made = make()
      const { certificate, key } = made.pem()
      const fromPem = importCertificate({ certificate, privateKey: key })
      assertSame(fromPem, made)
      const exported = exportCertificate(fromPem)
      assertSame(importCertificate(exported), made)
      assert.equal(exported.certificate.trim(), certificate.trim())
      assert.equal(exported.privateKey.trim(), key.trim())
      assertSame(importCertificate({ certificate: made.certificate, privateKey: made.pkcs8 }), made)
    })
  }

  for (const [title, make] of kinds.slice(0, 4)) {
    it(`carry the private key of ${title} there and back as a JSON Web Key`, () => {
      const made = make()
      const imported = importCertificate({ certificate: made.certificate, privateKey: made.pkcs8 })
      const jwk = JSON.parse(JSON.stringify(exportPrivateKeyJwk(imported))) as JsonWebKey
      const key = createPrivateKey({ key: jwk, format: 'jwk' })
      assert.ok(key.equals(made.key))
      const again = importCertificate({ certificate: made.certificate, privateKey: jwk })
      assert.deepEqual(again.getFingerprints(), imported.getFingerprints())
    })
  }

  it('know no JSON Web Key for RSA-PSS', () => {
    const { certificate, pkcs8 } = rsaPssCertificate()
    const imported = importCertificate({ certificate, privateKey: pkcs8 })
    assert.throws(() => exportPrivateKeyJwk(imported), { name: 'NotSupportedError' })
  })

  it('keep a certificate that was generated, with its fingerprint and its end', async () => {
    const generated = await generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' })
    const stored = JSON.stringify(exportCertificate(generated))
    const restored = importCertificate(JSON.parse(stored))
    assert.deepEqual(restored.getFingerprints(), generated.getFingerprints())
    assert.equal(restored.expires, generated.expires)
  })

  it('take a chain, the certificate of the key first, and an end of its own', () => {
    const [own, other] = [ecdsaCertificate(), ecdsaCertificate()]
    const certificate = `Bag Attributes\n${own.pem().certificate}\n${other.pem().certificate}`
    const imported = importCertificate({ certificate, privateKey: own.pkcs8, expires: 5 })
    assert.equal(certificateSecrets(imported).chain.length, 2)
    assert.equal(imported.expires, 5)
    refused({ certificate, privateKey: other.pkcs8 }, 'DataError')
  })

  it('refuse what cannot be read or does not belong together, and show nothing of the key', () => {
    const own = ecdsaCertificate()
    const other = ecdsaCertificate()
    const { certificate, key } = own.pem()
    refused({ certificate, privateKey: other.pkcs8 }, 'DataError', other.pkcs8)
    refused({ certificate: '', privateKey: key }, 'DataError', own.pkcs8)
    refused({ certificate: Buffer.from('rubbish'), privateKey: key }, 'DataError', own.pkcs8)
    refused({ certificate, privateKey: own.pkcs8.subarray(0, -20) }, 'DataError', own.pkcs8)
    refused({ certificate, privateKey: key.slice(0, 90) }, 'DataError', own.pkcs8)
    refused({ certificate, privateKey: { kty: 'EC' } }, 'DataError')
    refused({ certificate, privateKey: certificate }, 'DataError')
    refused({ certificate, privateKey: key, expires: Number.NaN }, 'TypeError')
    const p521 = ecdsaCertificate({ curve: 'P-521' })
    refused({ certificate: p521.certificate, privateKey: p521.pkcs8 }, 'NotSupportedError', p521.pkcs8)
    assert.throws(() => exportCertificate({} as RTCCertificate), TypeError)
  })
})
