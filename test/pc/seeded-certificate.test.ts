import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { inspect } from 'node:util'
import { certificateSecrets } from '../../src/pc/rtc-certificate.ts'
import { certificateFromSeed } from '../../src/pc/seeded-certificate.ts'
import { prng } from '../support/prng.ts'

const seed = prng(7).bytes(32)

async function certificateOf(...from: Parameters<typeof certificateFromSeed>): Promise<X509Certificate> {
  return new X509Certificate(certificateSecrets(await certificateFromSeed(...from)).chain[0] ?? '')
}

describe('A certificate from a seed', () => {
  it('is the same each time, and today as in all versions to come', async () => {
    const [first, second] = [await certificateFromSeed(seed), await certificateFromSeed(new Uint8Array(seed))]
    assert.deepEqual(certificateSecrets(first), certificateSecrets(second))
    assert.equal((await certificateOf(seed)).fingerprint256, expectedFingerprint)
  })

  it('is the same in every process', () => {
    const program = `
      import { certificateFromSeed, exportCertificate } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
      const exported = exportCertificate(await certificateFromSeed(Buffer.from('${Buffer.from(seed).toString('hex')}', 'hex')))
      process.stdout.write(JSON.stringify(exported))
    `
    const run = (): string =>
      execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { encoding: 'utf8' })
    const [first, second] = [run(), run()]
    assert.equal(second, first)
    const { certificate } = JSON.parse(first) as { certificate: string }
    assert.equal(new X509Certificate(certificate).fingerprint256, expectedFingerprint)
  }).timeout(30_000)

  it('is another one for another seed, and for another end', async () => {
    const others = [prng(8).bytes(32), Buffer.concat([seed, Buffer.of(0)])]
    const fingerprints = await Promise.all([
      ...[seed, ...others].map(each => certificateOf(each)),
      certificateOf(seed, { expires: Date.UTC(2040, 0, 1) }),
    ])
    assert.equal(new Set(fingerprints.map(each => each.fingerprint256)).size, 4)
  })

  it('is signed with its own key on P-256, and never expires unless told to', async () => {
    const certificate = await certificateFromSeed(seed)
    const parsed = await certificateOf(seed)
    const key = Buffer.from(certificateSecrets(certificate).pkcs8)
    assert.ok(parsed.verify(parsed.publicKey))
    assert.ok(parsed.checkPrivateKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })))
    assert.equal(parsed.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(parsed.subject, 'CN=WebRTC')
    assert.equal(certificate.expires, Date.UTC(9999, 11, 31, 23, 59, 59))
    assert.equal(Date.parse(parsed.validTo), certificate.expires)
    assert.equal(Date.parse(parsed.validFrom), Date.UTC(2020, 0, 1))
    const expires = Date.UTC(2040, 0, 1)
    assert.equal((await certificateFromSeed(seed, { expires })).expires, expires)
    assert.equal(Date.parse((await certificateOf(seed, { expires })).validTo), expires)
  })

  it('refuses seeds that are too short or no bytes, and ends that no certificate can tell, showing nothing', async () => {
    const text = Buffer.from(seed).toString('hex')
    for (const [bad, options] of [
      [seed.subarray(1), {}],
      [new Uint8Array(), {}],
      [text as unknown as Uint8Array, {}],
      [seed, { expires: 0 }],
      [seed, { expires: Number.NaN }],
      [seed, { expires: Number.MAX_SAFE_INTEGER }],
    ] as const) {
      await assert.rejects(certificateFromSeed(bad, options), (error: Error) => {
        assert.ok(error instanceof RangeError || error instanceof TypeError)
        assert.ok(!inspect(error, { depth: 9 }).includes(text.slice(4, 24)))
        return true
      })
    }
  })

  it('takes the seed at once, so that the caller may overwrite it', async () => {
    const copy = new Uint8Array(seed)
    const pending = certificateFromSeed(copy)
    copy.fill(0)
    assert.deepEqual(certificateSecrets(await pending), certificateSecrets(await certificateFromSeed(seed)))
  })
})

/** Whoever stored a seed counts on it. */
const expectedFingerprint =
  '2C:13:C8:9D:F8:21:3F:2D:39:2B:5B:D1:F4:BB:7C:0F:3C:1A:C1:71:99:B5:30:65:3B:4B:84:71:66:7F:E8:1F'
