import assert from 'node:assert/strict'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { format, inspect } from 'node:util'
import type { Environment } from '../../src/base/environment.ts'
import { nodeCryptoProvider } from '../../src/dtls/index.ts'
import {
  certificateSecrets,
  generateCertificate,
  makeCertificate,
  RTCCertificate,
} from '../../src/pc/rtc-certificate.ts'
import { RTCPeerConnection } from '../../src/pc/rtc-peer-connection.ts'
import { Simulation } from '../sim/virtual-environment.ts'
import { ecdsaCertificate, rsaCertificate, rsaPssCertificate } from '../support/test-certificate.ts'

const dayMs = 24 * 60 * 60 * 1000
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
const p384 = { name: 'ECDSA', namedCurve: 'P-384' }
const ed25519 = { name: 'Ed25519' }
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
}

const rsaPss = { ...rsa, name: 'RSA-PSS' }

function x509(certificate: RTCCertificate): X509Certificate {
  return new X509Certificate(certificateSecrets(certificate).chain[0] ?? new Uint8Array())
}

async function rejectsWith(name: string, algorithms: readonly unknown[]): Promise<void> {
  for (const algorithm of algorithms) {
    await assert.rejects(generateCertificate(algorithm), (error: Error) => error.name === name, inspect(algorithm))
  }
}

describe('RTCCertificate', function () {
  this.timeout(30_000)
  let environment: Environment

  beforeEach(() => {
    environment = new Simulation(1).host('here', [])
  })

  for (const [what, algorithm, keyType] of [
    ['ECDSA on P-256', ecdsa, 'ec'],
    ['ECDSA on P-384', p384, 'ec'],
    ['RSA', rsa, 'rsa'],
    ['RSA-PSS', rsaPss, 'rsa'],
    ['Ed25519', ed25519, 'ed25519'],
  ] as const) {
    it(`has a self-signed certificate and its private key for ${what}`, async () => {
      const certificate = await generateCertificate(algorithm)
      const { chain, pkcs8 } = certificateSecrets(certificate)
      const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
      const parsed = x509(certificate)
      assert.equal(chain.length, 1)
      assert.equal(parsed.publicKey.asymmetricKeyType, keyType)
      assert.ok(parsed.checkPrivateKey(privateKey))
      assert.ok(parsed.verify(parsed.publicKey))
      assert.equal(parsed.subject, 'CN=WebRTC')
      assert.equal(parsed.issuer, 'CN=WebRTC')
      assert.deepEqual(certificate.getFingerprints(), [
        { algorithm: 'sha-256', value: parsed.fingerprint256.toLowerCase() },
      ])
      assert.ok(nodeCryptoProvider.importSigningKey(pkcs8).schemes.length > 0)
    })
  }

  it('has the curve and the key length it was asked for', async () => {
    const curve = x509(await generateCertificate(ecdsa)).publicKey.asymmetricKeyDetails
    assert.equal(curve?.namedCurve, 'prime256v1')
    const longer = x509(await generateCertificate(p384)).publicKey.asymmetricKeyDetails
    assert.equal(longer?.namedCurve, 'secp384r1')
    const details = x509(await generateCertificate({ ...rsa, modulusLength: 3072 })).publicKey.asymmetricKeyDetails
    assert.equal(details?.modulusLength, 3072)
    assert.equal(details?.publicExponent, 65_537n)
  })

  it('has a positive random serial number of at most twenty bytes', async () => {
    const serials = await Promise.all([1, 2, 3].map(async () => x509(await generateCertificate(ecdsa)).serialNumber))
    assert.equal(new Set(serials).size, 3)
    for (const serial of serials) assert.match(serial, /^[0-9A-F]{2,40}$/)
    const negative: Environment = { ...environment, random: length => new Uint8Array(length).fill(0xff) }
    assert.equal(x509(await generateCertificate(ecdsa, negative)).serialNumber, 'FF'.repeat(16))
  })

  it('gives the SHA-256 fingerprint in lower case, with a colon between two bytes', async () => {
    const certificate = await generateCertificate(ecdsa)
    const expected = x509(certificate).fingerprint256.toLowerCase()
    assert.deepEqual(certificate.getFingerprints(), [{ algorithm: 'sha-256', value: expected }])
    assert.match(expected, /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/)
  })

  it('gives a second fingerprint by the hash function of the signature, where that is a stronger one', () => {
    for (const [hash, expected] of [
      ['sha256', ['sha-256']],
      ['sha384', ['sha-256', 'sha-384']],
      ['sha512', ['sha-256', 'sha-512']],
    ] as const) {
      for (const make of [rsaCertificate, rsaPssCertificate, ecdsaCertificate]) {
        const { certificate } = make({ hash })
        const parsed = new X509Certificate(certificate)
        assert.ok(parsed.verify(parsed.publicKey))
        const fingerprints = makeCertificate([certificate], new Uint8Array(), 0).getFingerprints()
        assert.deepEqual(
          fingerprints.map(({ algorithm }) => algorithm),
          expected,
          `${make.name} ${hash}`,
        )
        for (const { algorithm, value } of fingerprints) {
          const digest = createHash((algorithm ?? '').replace('-', ''))
            .update(certificate)
            .digest('hex')
          assert.equal(value?.replaceAll(':', ''), digest)
        }
      }
    }
  })

  it('gives new objects that a caller may change', async () => {
    const certificate = await generateCertificate(ecdsa)
    const first = certificate.getFingerprints()
    const before = structuredClone(first)
    first.push({ algorithm: 'md5', value: '' })
    Object.assign(first[0] ?? {}, { value: 'changed' })
    assert.deepEqual(certificate.getFingerprints(), before)
  })

  it('is valid from yesterday for thirty days, by the clock of the environment', async () => {
    const certificate = await generateCertificate(ecdsa, environment)
    const now = environment.clock.wallTime()
    assert.equal(certificate.expires, now + 30 * dayMs)
    assert.equal(Date.parse(x509(certificate).validFrom), now - dayMs)
    assert.equal(Date.parse(x509(certificate).validTo), now + 30 * dayMs)
  })

  it('takes a lifetime of its own, up to 365 days', async () => {
    const now = environment.clock.wallTime()
    for (const [expires, lifetime] of [
      [0, 0],
      [5000, 5000],
      ['7000', 7000],
      [365 * dayMs, 365 * dayMs],
      [365 * dayMs + 1, 365 * dayMs],
      [Number.MAX_SAFE_INTEGER, 365 * dayMs],
      [undefined, 30 * dayMs],
    ]) {
      const certificate = await generateCertificate({ ...ecdsa, expires }, environment)
      assert.equal(certificate.expires, now + Number(lifetime))
    }
  })

  it('rejects lifetimes that are no unsigned long long', async () => {
    const lifetimes = [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 'soon', 1n, Symbol.iterator]
    await rejectsWith(
      'TypeError',
      lifetimes.map(expires => ({ ...ecdsa, expires })),
    )
  })

  it('converts the lifetime before it looks at the algorithm', async () => {
    await rejectsWith('TypeError', [{ name: 'none', expires: -1 }])
  })

  it('does not support algorithms that DTLS cannot sign with, and those we do not generate', async () => {
    await rejectsWith('NotSupportedError', [
      'none',
      'HMAC',
      '',
      null,
      undefined,
      5,
      { name: 'ECDH', namedCurve: 'P-256' },
      { name: 'AES-GCM', length: 256 },
      'X25519',
      { name: 'Ed448' },
      { ...ecdsa, namedCurve: 'P-521' },
      { ...rsaPss, hash: 'SHA-384' },
      { ...rsaPss, modulusLength: 1024 },
      { ...ecdsa, namedCurve: 'p-256' },
      { ...rsa, hash: 'SHA-1' },
      { ...rsa, hash: { name: 'SHA-512' } },
      { ...rsa, modulusLength: 1024 },
      { ...rsa, modulusLength: 4097 },
      { ...rsa, publicExponent: new Uint8Array([3]) },
      { ...rsa, publicExponent: new Uint8Array() },
    ])
  })

  it('rejects algorithms that lack a member or have one of another type', async () => {
    await rejectsWith('TypeError', [
      {},
      [],
      'ECDSA',
      'RSASSA-PKCS1-v1_5',
      'RSA-PSS',
      { name: 'ECDSA' },
      { ...rsa, hash: undefined },
      { ...rsa, hash: {} },
      { ...rsa, modulusLength: -1 },
      { ...rsa, modulusLength: undefined },
      { ...rsa, publicExponent: [1, 0, 1] },
      Symbol.iterator,
      { name: Symbol.iterator },
    ])
  })

  it('reads names without regard to case, an exponent with leading zeros, and a hash as an object', async () => {
    await generateCertificate({ name: 'ecdsa', namedCurve: 'P-256' })
    await generateCertificate('ed25519')
    const certificate = await generateCertificate({
      name: 'rsassa-pkcs1-V1_5',
      modulusLength: 2048,
      publicExponent: new Uint8Array([0, 1, 0, 1]),
      hash: { name: 'sha-256' },
    })
    assert.ok(certificate instanceof RTCCertificate)
  })

  it('is an argument that must be there', async () => {
    const generate = RTCPeerConnection.generateCertificate as () => Promise<RTCCertificate>
    await assert.rejects(generate(), { name: 'TypeError', message: /generateCertificate/ })
  })

  it('passes on what a getter of the algorithm throws', async () => {
    const broken = {
      get name(): string {
        throw new RangeError('from the getter')
      },
    }
    await rejectsWith('RangeError', [broken])
  })

  it('cannot be constructed by applications', () => {
    const Illegal = RTCCertificate as unknown as new (...values: unknown[]) => RTCCertificate
    assert.throws(() => new Illegal(), { name: 'TypeError', message: 'Illegal constructor' })
    assert.throws(() => new Illegal(Symbol('constructor token'), { chain: [], pkcs8: new Uint8Array() }, 0), TypeError)
  })

  it('wraps a certificate that exists already', () => {
    const der = Uint8Array.of(1, 2, 3)
    const certificate = makeCertificate([der, Uint8Array.of(4)], Uint8Array.of(9), 77)
    assert.ok(certificate instanceof RTCCertificate)
    assert.equal(certificate.expires, 77)
    assert.deepEqual(certificateSecrets(certificate), { chain: [der, Uint8Array.of(4)], pkcs8: Uint8Array.of(9) })
    const hash = createHash('sha256').update(der).digest('hex').toUpperCase()
    assert.equal(certificate.getFingerprints()[0]?.value?.replaceAll(':', '').toUpperCase(), hash)
  })

  it('shows the private key nowhere', async () => {
    const certificate = await generateCertificate(ecdsa)
    const { pkcs8 } = certificateSecrets(certificate)
    assert.deepEqual(Reflect.ownKeys(certificate), [])
    const members = Reflect.ownKeys(RTCCertificate.prototype).filter(key => typeof key === 'string')
    assert.deepEqual(members.sort(), ['constructor', 'expires', 'getFingerprints'])
    const peer = new RTCPeerConnection({ certificates: [certificate] })
    const everything = { showHidden: true, depth: Number.POSITIVE_INFINITY, getters: true, showProxy: true }
    const shown = [
      ...[certificate, { certificate }, peer, peer.getConfiguration()].map(each => inspect(each, everything)),
      ...[JSON.stringify(certificate), JSON.stringify(peer), String(certificate), `${certificate}`],
      format('%s %o %O %j', certificate, certificate, certificate, certificate),
    ].join()
    peer.close()
    for (const encoding of ['hex', 'base64'] as const) {
      assert.ok(!shown.includes(Buffer.from(pkcs8.slice(40, 60)).toString(encoding)))
    }
    assert.ok(!/pkcs8|chain/.test(shown))
    assert.throws(() => certificateSecrets({} as RTCCertificate), TypeError)
  })

  it('is refused by structuredClone and postMessage, which could not take the key along', () => {
    const certificate = makeCertificate([Uint8Array.of(1)], Uint8Array.of(1), 5)
    const { port1, port2 } = new MessageChannel()
    const refusal = { name: 'DataCloneError' }
    assert.throws(() => structuredClone(certificate), refusal)
    assert.throws(() => structuredClone({ certificates: [certificate] }), refusal)
    assert.throws(() => structuredClone(certificate, { transfer: [certificate as never] }), { name: /Error$/ })
    assert.throws(() => port1.postMessage(certificate), refusal)
    port1.close()
    port2.close()
  })

  it('looks like the interface that WebIDL defines', () => {
    const certificate = makeCertificate([Uint8Array.of(1)], Uint8Array.of(1), 5)
    assert.equal(Object.prototype.toString.call(certificate), '[object RTCCertificate]')
    const keys: string[] = []
    for (const key in certificate) keys.push(key)
    assert.deepEqual(keys.sort(), ['expires', 'getFingerprints'])
  })
})
