import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, sign, verify, X509Certificate } from 'node:crypto'
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

/** OpenSSL makes the public part of some keys anew from the private one, and some mixtures are as good as the original. */
function refusedUnlessSame(input: CertificateImport, own: TestCertificate): void {
  try {
    const { pkcs8 } = certificateSecrets(importCertificate(input))
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
    const data = Buffer.from('data')
    const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    assert.ok(verify(hash, data, new X509Certificate(own.certificate).publicKey, sign(hash, data, key)))
  } catch (error) {
    assert.equal((error as Error).name, 'DataError')
  }
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

  it('take PEM as the bytes of a file, too', () => {
    const made = ecdsaCertificate()
    const { certificate, key } = made.pem()
    const imported = importCertificate({ certificate: Buffer.from(certificate), privateKey: Buffer.from(key) })
    assertSame(imported, made)
    const other = Buffer.from(rsaCertificate().pem().key)
    refused({ certificate: Buffer.from(certificate), privateKey: other }, 'DataError')
  })

  it('refuse a JSON Web Key whose public part is that of the certificate, and whose private part is not', () => {
    for (const make of [ecdsaCertificate, ed25519Certificate, rsaCertificate]) {
      const [own, other] = [make(), make()]
      const theirs = other.key.export({ format: 'jwk' })
      for (const member of ['d', 'n', 'p', 'x'] as const) {
        if (theirs[member] === undefined) continue
        const privateKey = { ...own.key.export({ format: 'jwk' }), [member]: theirs[member] }
        refusedUnlessSame({ certificate: own.certificate, privateKey }, own)
      }
    }
  })

  it('take RSA keys of 2048 bits, and no shorter ones', () => {
    const [short, long] = [rsaCertificate({ modulusLength: 2047 }), rsaCertificate({ modulusLength: 2048 })]
    refused({ certificate: short.certificate, privateKey: short.pkcs8 }, 'NotSupportedError', short.pkcs8)
    assertSame(importCertificate({ certificate: long.certificate, privateKey: long.pkcs8 }), long)
  })

  it('take an end in whole milliseconds, and no other', () => {
    const { certificate, pkcs8: privateKey } = ecdsaCertificate()
    for (const expires of [0, 1, Number.MAX_SAFE_INTEGER]) {
      assert.equal(importCertificate({ certificate, privateKey, expires }).expires, expires)
    }
    for (const expires of [-1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
      refused({ certificate, privateKey, expires }, 'TypeError')
    }
  })

  it('refuse what is of no known type with an error of theirs', () => {
    const { certificate, pkcs8: privateKey } = ecdsaCertificate()
    for (const wrong of [5, null, undefined, [], {}, new Uint8Array(), '']) {
      refused({ certificate: wrong as string, privateKey }, 'DataError')
      refused({ certificate, privateKey: wrong as string }, 'DataError')
    }
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' })
    refused({ certificate, privateKey: x25519 }, 'DataError', x25519)
    const encrypted = generateKeyPairSync('ed25519').privateKey.export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    })
    refused({ certificate, privateKey: encrypted }, 'DataError')
  })

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
