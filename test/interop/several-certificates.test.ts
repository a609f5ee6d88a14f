import assert from 'node:assert/strict'
import type { RTCCertificate } from '../../src/index.ts'
import { startPair } from './browser-pair.ts'
import { type BrowserUnderTest, withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { type CertificateKind, certificateOf, dtlsRoles, exchangesBothWays, withRole } from './dtls-connections.ts'
import { openFirefox } from './firefox.ts'
import { openLibrary } from './library.ts'

/** What is configured, and which of it the peer has to be shown. */
type Case = readonly [configured: readonly CertificateKind[], shown: CertificateKind]

/** The first that every peer verifies. */
const cases: readonly Case[] = [
  [['ECDSA P-256', 'RSA PKCS#1'], 'ECDSA P-256'],
  [['RSA PKCS#1', 'ECDSA P-256'], 'RSA PKCS#1'],
  [['Ed25519', 'ECDSA P-256', 'RSA PKCS#1'], 'ECDSA P-256'],
  [['RSA PKCS#1', 'Ed25519', 'ECDSA P-256'], 'RSA PKCS#1'],
]
const casesWithP384: readonly Case[] = [
  [['ECDSA P-384', 'ECDSA P-256'], 'ECDSA P-384'],
  [['a key for RSA-PSS alone', 'Ed25519', 'ECDSA P-384'], 'ECDSA P-384'],
]

/** What the peer gets to see of the fingerprint lines. */
const keep = {
  'all fingerprints': (): boolean => true,
  'the first fingerprint': (index: number): boolean => index === 0,
  'the last fingerprint': (index: number, count: number): boolean => index === count - 1,
} as const

/** Peers keep one fingerprint of ours or all: the order is the configured one, and it connects. */
function connectsWithSeveral(peer: BrowserUnderTest, all: readonly Case[]): void {
  for (const role of dtlsRoles) {
    for (const [configured, shown] of all) {
      it(`shows ${shown} of ${configured.join(', ')} as the ${role}`, () => showsOne(peer, role, configured, shown))
    }
    for (const kept of ['the first fingerprint', 'the last fingerprint'] as const) {
      it(`connects as the ${role} when ${kept} is all that is known`, async () => {
        for (const [configured, shown] of all.slice(2, 4)) await showsOne(peer, role, configured, shown, kept)
      })
    }
  }
}

async function showsOne(
  peer: BrowserUnderTest,
  role: (typeof dtlsRoles)[number],
  configured: readonly CertificateKind[],
  shown: CertificateKind,
  kept: keyof typeof keep = 'all fingerprints',
): Promise<void> {
  const certificates: RTCCertificate[] = []
  for (const kind of configured) certificates.push(await certificateOf(kind))
  const usual = withRole(role)
  const alter = (sdp: string, from: 'browser' | 'icefloe'): string => {
    if (from === 'browser') return usual.alter(sdp, from)
    const lines = /^a=fingerprint:.*\r\n/gm
    const count = sdp.match(lines)?.length ?? 0
    assert.equal(count, configured.length + 1)
    let index = 0
    return usual.alter(
      sdp.replace(lines, line => (keep[kept](index++, count) ? line : '')),
      from,
    )
  }
  await withPair(peer, { ...usual, alter, icefloeConfiguration: { certificates } }, async pair => {
    await exchangesBothWays(pair)
    const report = await pair.icefloe.getStats()
    const transport = [...report.values()].find(({ type }) => type === 'transport')
    assert.equal(transport?.dtlsRole, role)
    const used = report.get(String(transport?.localCertificateId))
    const expected = (await certificateOf(shown)).getFingerprints()[0]?.value
    assert.equal(String(used?.fingerprint).toLowerCase(), expected)
  })
}

describe('Several certificates with Chromium', function () {
  this.timeout(30_000)
  const chromium = withBrowser('Chromium', openChromium)
  connectsWithSeveral(chromium, [...cases, ...casesWithP384])

  it('are taken from Chromium as well, which shows its first', async () => {
    const [ecdsa, rsa] = [
      { name: 'ECDSA', namedCurve: 'P-256' },
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048 },
    ]
    for (const [generateCertificates, keyType] of [
      [[ecdsa, rsa], 'EC'],
      [[rsa, ecdsa], 'RSA'],
    ] as const) {
      for (const role of dtlsRoles) {
        const options = { ...withRole(role), browserConfiguration: { generateCertificates } }
        await withPair(chromium, options, async pair => {
          await exchangesBothWays(pair)
          const [der] = pair.icefloe.sctp?.transport.getRemoteCertificates() ?? []
          assert.ok(der)
          // A certificate with an RSA key holds 256 bytes of modulus and as many of signature.
          assert.equal(der.byteLength > 512 ? 'RSA' : 'EC', keyType)
        })
      }
    }
  })
})

describe('Several certificates with Firefox', function () {
  this.timeout(30_000)
  const firefox = withBrowser('Firefox', openFirefox)
  connectsWithSeveral(firefox, [...cases, ...casesWithP384])

  it('are more than Firefox has itself', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const browserConfiguration = { generateCertificates: [algorithm, algorithm] }
    await assert.rejects(
      startPair(firefox.page(), { ...withRole('client'), browserConfiguration }),
      /does not currently support multiple certificates/,
    )
  })
})

describe('Several certificates with libwebrtc', function () {
  this.timeout(30_000)
  const libwebrtc = withBrowser('libwebrtc', context => openLibrary(context, '@roamhq/wrtc'))
  connectsWithSeveral(libwebrtc, [...cases, ...casesWithP384])
})

// These two verify no ECDSA but that on P-256.
describe('Several certificates with libdatachannel', function () {
  this.timeout(30_000)
  const libdatachannel = withBrowser('libdatachannel', context => openLibrary(context, 'node-datachannel'))
  connectsWithSeveral(libdatachannel, cases)
})

describe('Several certificates with werift', function () {
  this.timeout(30_000)
  const werift = withBrowser('werift', context => openLibrary(context, 'werift'))
  connectsWithSeveral(werift, cases)
})
