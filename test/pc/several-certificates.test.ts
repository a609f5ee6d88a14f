import assert from 'node:assert/strict'
import { sdpFingerprints } from '../../src/pc/identities.ts'
import { exportCertificate, importCertificate } from '../../src/pc/portable-certificate.ts'
import type { RTCCertificate } from '../../src/pc/rtc-certificate.ts'
import { certificateFromSeed } from '../../src/pc/seeded-certificate.ts'
import { prng } from '../support/prng.ts'
import { ecdsaCertificate, ed25519Certificate, rsaCertificate, rsaPssCertificate } from '../support/test-certificate.ts'
import { call, connected, fingerprintOf, imported } from './certificate-call.ts'

describe('Several certificates', function () {
  this.timeout(30_000)
  let p256: RTCCertificate
  let p384: RTCCertificate
  let rsa: RTCCertificate
  let rsaPss: RTCCertificate
  let ed25519: RTCCertificate

  before(() => {
    p256 = imported(ecdsaCertificate())
    p384 = imported(ecdsaCertificate({ curve: 'P-384' }))
    rsa = imported(rsaCertificate())
    rsaPss = imported(rsaPssCertificate())
    ed25519 = imported(ed25519Certificate())
  })

  const signalled = (...certificates: RTCCertificate[]): string[] =>
    sdpFingerprints(certificates).map(({ value }) => value)

  it('are signalled in their order, the first once more at the end; a single one is signalled once', () => {
    assert.deepEqual(signalled(rsa), [fingerprintOf(rsa)])
    assert.deepEqual(signalled(rsa, p256, p384), [rsa, p256, p384, rsa].map(fingerprintOf))
    assert.deepEqual(signalled(p256, rsa), [p256, rsa, p256].map(fingerprintOf))
  })

  it('are signalled with the same hash functions each, SHA-256 and those of their signatures', () => {
    const sha384 = imported(ecdsaCertificate({ hash: 'sha384' }))
    const lines = sdpFingerprints([sha384, p256])
    assert.deepEqual(
      lines.map(({ algorithm }) => algorithm),
      ['sha-256', 'sha-384', 'sha-256', 'sha-384', 'sha-256', 'sha-384'],
    )
    assert.deepEqual(lines.slice(4), lines.slice(0, 2))
    assert.equal(lines[1]?.value, sha384.getFingerprints()[1]?.value?.toUpperCase())
    assert.equal(lines[3]?.value.length, lines[1]?.value.length)
    assert.deepEqual(
      sdpFingerprints([p256]).map(({ algorithm }) => algorithm),
      ['sha-256'],
    )
  })

  it('connect where one is signed with SHA-384, whichever is shown', async () => {
    const sha384 = imported(rsaCertificate({ hash: 'sha384' }))
    for (const certificates of [[sha384, p256], [p256, sha384], [sha384]]) {
      const shown = await connected({ alice: certificates, bob: certificates })
      assert.deepEqual(shown, { alice: fingerprintOf(certificates[0]), bob: fingerprintOf(certificates[0]) })
    }
  })

  it('come last where not every peer verifies them', () => {
    assert.deepEqual(signalled(ed25519, p256), [p256, ed25519, p256].map(fingerprintOf))
    assert.deepEqual(signalled(rsaPss, ed25519, rsa, p256), [rsa, p256, rsaPss, ed25519, rsa].map(fingerprintOf))
    assert.deepEqual(signalled(ed25519, rsaPss), [ed25519, rsaPss, ed25519].map(fingerprintOf))
  })

  it('are shown in their order to a peer that verifies all, by client and server', async () => {
    const first = fingerprintOf(rsa)
    assert.deepEqual(await connected({ alice: [rsa, p256], bob: [rsa, p256] }), { alice: first, bob: first })
    const p256First = await connected({ alice: [ed25519, p256, rsa], bob: [ed25519, p256] })
    assert.deepEqual(p256First, { alice: fingerprintOf(p256), bob: fingerprintOf(p256) })
    const alone = await connected({ alice: [ed25519], bob: [p384] })
    assert.deepEqual(alone, { alice: fingerprintOf(ed25519), bob: fingerprintOf(p384) })
  })

  it('connect to peers that keep the first fingerprint alone, and to those that keep the last', async () => {
    const lines = /^a=fingerprint:.*\r\n/gm
    const keep = (at: number) => (sdp: string) => {
      const all = sdp.match(lines) ?? []
      assert.equal(all.length, 4)
      let seen = 0
      return sdp.replace(lines, line => (seen++ === (at < 0 ? all.length + at : at) ? line : ''))
    }
    for (const at of [0, -1]) {
      const certificates = [ed25519, p384, rsa]
      const shown = await connected({
        alice: certificates,
        bob: certificates,
        onOffer: keep(at),
        onAnswer: keep(at),
      })
      assert.deepEqual(shown, { alice: fingerprintOf(p384), bob: fingerprintOf(p384) })
    }
  })

  it('are told by the fingerprints of a description, in any case and at any level', async () => {
    const toSession = (sdp: string): string => {
      const lines = sdp.match(/^a=fingerprint:.*\r\n/gm)?.join('') ?? ''
      return sdp.replace(/^a=fingerprint:.*\r\n/gm, '').replace(/^m=/m, `${lines.toLowerCase()}m=`)
    }
    const upper = (sdp: string): string => sdp.replace(/a=fingerprint:sha-256/g, 'a=fingerprint:SHA-256')
    const shown = await connected({ alice: [p256, rsa], bob: [p256, rsa], onOffer: toSession, onAnswer: upper })
    assert.deepEqual(shown, { alice: fingerprintOf(p256), bob: fingerprintOf(p256) })
  })
})

describe('An identity', function () {
  this.timeout(30_000)

  it('is the same in every call, and after a restart that has only the export or the seed', async () => {
    const own = imported(ecdsaCertificate())
    const peer = imported(ecdsaCertificate())
    const restarted = importCertificate(JSON.parse(JSON.stringify(exportCertificate(own))))
    for (const certificate of [own, own, restarted]) {
      const { alice } = await connected({ alice: [certificate], bob: [peer] })
      assert.equal(alice, fingerprintOf(own))
    }
    const seed = prng(3).bytes(32)
    for (let run = 0; run < 2; run++) {
      const { bob } = await connected({ alice: [peer], bob: [await certificateFromSeed(seed)] })
      assert.equal(bob, fingerprintOf(await certificateFromSeed(seed)))
    }
  })

  it('is another one in every call, by default', async () => {
    const [first, second] = [await connected({}), await connected({})]
    assert.equal(new Set([first.alice, first.bob, second.alice, second.bob]).size, 4)
  })
})

describe('A fingerprint that does not match', function () {
  this.timeout(30_000)
  const wrong = 'AB:'.repeat(31) + 'CD'
  const replace = (line: (algorithm: string, value: string) => string) => (sdp: string) =>
    sdp.replace(/^a=fingerprint:(\S+) (\S+)\r\n/gm, (_, algorithm: string, value: string) => line(algorithm, value))
  const cases: readonly [string, (sdp: string) => string, 'refused at once' | 'refused in the handshake'][] = [
    ['missing', replace(() => ''), 'refused at once'],
    ['empty', replace(algorithm => `a=fingerprint:${algorithm} \r\n`), 'refused at once'],
    [
      'cut off',
      replace((algorithm, value) => `a=fingerprint:${algorithm} ${value.slice(0, -3)}\r\n`),
      'refused at once',
    ],
    ['that of another certificate', replace(() => `a=fingerprint:sha-256 ${wrong}\r\n`), 'refused in the handshake'],
    [
      'right, with the wrong hash beside it that is stronger',
      replace((_, value) => `a=fingerprint:sha-256 ${value}\r\na=fingerprint:sha-512 ${`${wrong}:${wrong}`}\r\n`),
      'refused in the handshake',
    ],
    [
      'of a hash that nobody knows',
      replace((_, value) => `a=fingerprint:sha-3 ${value}\r\n`),
      'refused in the handshake',
    ],
  ]
  for (const [title, change, expected] of cases) {
    for (const [victim, role, key] of [
      ['bob', 'client', 'onOffer'],
      ['alice', 'server', 'onAnswer'],
    ] as const) {
      it(`because it is ${title} leaves the DTLS ${role} without a byte`, async () => {
        if (expected === 'refused at once') {
          const error = { name: title === 'missing' ? 'InvalidAccessError' : 'OperationError' }
          await assert.rejects(call({ [key]: change }), error)
          return
        }
        const ends = await call({ [key]: change })
        await ends.sim.run(() => ends[victim].connectionState === 'failed')
        await ends.sim.runFor(2_000)
        assert.deepEqual(ends.delivered, [])
        assert.equal(ends[victim].sctp?.transport.state, 'failed')
        assert.deepEqual(ends[victim].sctp?.transport.getRemoteCertificates(), [])
        ends.alice.close()
        ends.bob.close()
      })
    }
  }
})
