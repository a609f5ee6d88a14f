import assert from 'node:assert/strict'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { createDefaultCertificate } from '../../src/pc/default-certificate.ts'
import { certificateSecrets } from '../../src/pc/rtc-certificate.ts'

const random = (fill: number) => (length: number) => new Uint8Array(length).fill(fill)

function clockAt(date: string) {
  return { now: () => 0, wallTime: () => Date.parse(date) }
}

function parsed(date = '2026-05-05T12:00:00Z', fill = 7) {
  const certificate = createDefaultCertificate({ clock: clockAt(date), random: random(fill) })
  const { chain, pkcs8 } = certificateSecrets(certificate)
  assert.ok(chain[0])
  return { certificate, x509: new X509Certificate(chain[0]), der: chain[0], pkcs8 }
}

describe('the certificate of a connection that was given none', () => {
  it('is signed by its own key, which is ECDSA on P-256', () => {
    const { x509, pkcs8 } = parsed()
    assert.ok(x509.verify(x509.publicKey))
    assert.ok(x509.checkPrivateKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })))
    assert.equal(x509.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(x509.subject, 'CN=WebRTC')
    assert.equal(x509.issuer, 'CN=WebRTC')
  })

  it('is valid from yesterday for 30 days from now', () => {
    const { certificate, x509 } = parsed()
    assert.equal(Date.parse(x509.validFrom), Date.parse('2026-05-04T12:00:00Z'))
    assert.equal(Date.parse(x509.validTo), Date.parse('2026-06-04T12:00:00Z'))
    assert.equal(certificate.expires, Date.parse('2026-06-04T12:00:00Z'))
  })

  it('writes times from 2050 on in the longer form (RFC 5280 §4.1.2.5)', () => {
    const { x509 } = parsed('2049-12-20T00:00:00Z')
    assert.equal(Date.parse(x509.validFrom), Date.parse('2049-12-19T00:00:00Z'))
    assert.equal(Date.parse(x509.validTo), Date.parse('2050-01-19T00:00:00Z'))
  })

  it('has a serial number that is positive and as long as the random bytes, whatever they are', () => {
    assert.match(parsed(undefined, 0xff).x509.serialNumber, /^7F(FF){15}$/)
    assert.match(parsed(undefined, 0x00).x509.serialNumber, /^40(00){15}$/)
  })

  it('is another one each time', () => {
    assert.notEqual(parsed().x509.fingerprint256, parsed().x509.fingerprint256)
  })

  it('has the fingerprint that it tells', () => {
    const { certificate, der } = parsed()
    const [fingerprint] = certificate.getFingerprints()
    assert.equal(fingerprint?.value?.replaceAll(':', ''), createHash('sha256').update(der).digest('hex'))
  })
})
