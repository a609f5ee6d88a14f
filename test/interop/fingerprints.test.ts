import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { startPair } from './browser-pair.ts'
import { type BrowserUnderTest, withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { type DtlsRole, dtlsRoles, exchangesBothWays, failsToConnect, withRole } from './dtls-connections.ts'
import { openFirefox } from './firefox.ts'
import { openLibrary } from './library.ts'

/** Given the certificate of the browser and its description: what icefloe gets instead. */
type Change = (sdp: string, der: Uint8Array) => string

const lines = /^a=fingerprint:.*\r\n/gm

function hash(algorithm: string, der: Uint8Array): string {
  const hex = createHash(algorithm.replace('-', '')).update(der).digest('hex').toUpperCase()
  return (hex.match(/../g) ?? []).join(':')
}

/** These lines in place of those there are. */
function replaced(write: (der: Uint8Array) => readonly (readonly [algorithm: string, value: string])[]): Change {
  return (sdp, der) => {
    const written = write(der).map(([algorithm, value]) => `a=fingerprint:${algorithm} ${value}\r\n`)
    return sdp.replace(lines, '').replace(/^a=setup:/m, `${written.join('')}a=setup:`)
  }
}

/** Of another certificate. */
const wrong = Uint8Array.of(1)

const accepted: readonly (readonly [string, Change])[] = [
  ['sha-1', replaced(der => [['sha-1', hash('sha-1', der)]])],
  ['sha-384', replaced(der => [['sha-384', hash('sha-384', der)]])],
  ['sha-512', replaced(der => [['sha-512', hash('sha-512', der)]])],
  ['SHA-256 in lower case', replaced(der => [['SHA-256', hash('sha-256', der).toLowerCase()]])],
  [
    'sha-256 that is right after one that is wrong',
    replaced(der => [
      ['sha-256', hash('sha-256', wrong)],
      ['sha-256', hash('sha-256', der)],
    ]),
  ],
  [
    'sha-256 that is right beside a weaker one that is wrong',
    replaced(der => [
      ['sha-1', hash('sha-1', wrong)],
      ['sha-256', hash('sha-256', der)],
    ]),
  ],
  [
    'sha-256 beside a hash that nobody knows',
    replaced(der => [
      ['sha-999', hash('sha-512', wrong)],
      ['sha-256', hash('sha-256', der)],
    ]),
  ],
]

const refused: readonly (readonly [string, Change])[] = [
  ['sha-256 of another certificate', replaced(() => [['sha-256', hash('sha-256', wrong)]])],
  ['sha-1 of another certificate', replaced(() => [['sha-1', hash('sha-1', wrong)]])],
  [
    'sha-256 that is right beside a stronger one that is wrong',
    replaced(der => [
      ['sha-256', hash('sha-256', der)],
      ['sha-512', hash('sha-512', wrong)],
    ]),
  ],
  ['nothing but hashes that nobody knows', replaced(der => [['sha-999', hash('sha-256', der)]])],
  // RFC 8122 §5: MD5 must not be used.
  ['md5 alone', replaced(der => [['md5', hash('md5', der)]])],
]

/** At the session level, which is in force where a media section has none of its own. */
const atSessionLevel: Change = sdp => {
  const own = sdp.match(lines)?.[0] ?? ''
  return sdp.replace(lines, '').replace(/^m=/m, `${own}m=`)
}

const inLowerCase: Change = sdp => sdp.replace(lines, line => line.toLowerCase())

/** The session level, where the browser may have put it, does not count beside this. */
const wrongAtSessionLevel: Change = sdp => {
  const own = sdp.match(lines)?.[0] ?? ''
  return sdp
    .replace(lines, '')
    .replace(/^m=/m, `a=fingerprint:sha-256 ${hash('sha-256', wrong)}\r\nm=`)
    .replace(/^a=setup:/m, `${own}a=setup:`)
}

function changed(role: DtlsRole, change: Change, der: Uint8Array) {
  const usual = withRole(role)
  const alter = (sdp: string, from: 'browser' | 'icefloe'): string =>
    usual.alter(from === 'browser' ? change(sdp, der) : sdp, from)
  return { ...usual, alter }
}

async function connects(peer: BrowserUnderTest, role: DtlsRole, change: Change): Promise<void> {
  await withPair(peer, changed(role, change, new Uint8Array()), exchangesBothWays)
}

interface Checks {
  readonly accepted: readonly (readonly [string, Change])[]
  readonly refused: readonly (readonly [string, Change])[]
}

/** The fingerprints of a browser that always has the same certificate, in other words. */
function checksFingerprints(browser: BrowserUnderTest, { accepted, refused }: Checks): void {
  const browserConfiguration = { keptCertificate: true }
  let der: Uint8Array

  before(async () => {
    await withPair(browser, { ...withRole('client'), browserConfiguration }, async ({ icefloe }) => {
      const [certificate] = icefloe.sctp?.transport.getRemoteCertificates() ?? []
      assert.ok(certificate)
      der = new Uint8Array(certificate)
    })
  })

  for (const role of dtlsRoles) {
    for (const [title, change] of accepted) {
      it(`take ${title}, icefloe the ${role}`, async () => {
        await withPair(browser, { ...changed(role, change, der), browserConfiguration }, exchangesBothWays)
      })
    }

    it(`take them at the session level, behind those of the section, icefloe the ${role}`, async () => {
      await connects(browser, role, atSessionLevel)
      await connects(browser, role, wrongAtSessionLevel)
    })

    for (const [title, change] of refused) {
      it(`refuse ${title}, icefloe the ${role}`, async () => {
        await failsToConnect(browser, { ...changed(role, change, der), browserConfiguration }, async pair => {
          const [error, ...more] = pair.errors
          assert.deepEqual(more, [])
          assert.equal(error?.errorDetail, 'fingerprint-failure')
          assert.match(error.message, /the certificate of the peer matches no signalled fingerprint/)
          assert.deepEqual(pair.icefloe.sctp?.transport.getRemoteCertificates(), [])
          // The alert has reached the browser, and no channel ever opened there.
          assert.equal((await pair.browser.untilFailed()).dtlsState, 'failed')
          assert.notEqual(await pair.browser.channelState('data'), 'open')
        })
      })
    }

    it(`end the connection where the browser finds ours wrong, icefloe the ${role}`, async () => {
      const usual = withRole(role)
      const alter = (sdp: string, from: 'browser' | 'icefloe'): string =>
        usual.alter(from === 'icefloe' ? replaced(() => [['sha-256', hash('sha-256', wrong)]])(sdp, wrong) : sdp, from)
      await failsToConnect(browser, { ...usual, alter }, async pair => {
        assert.equal(pair.errors[0]?.errorDetail, 'dtls-failure')
        assert.match(pair.errors[0].message, /\((bad_certificate|certificate_unknown)\)$/)
        assert.equal((await pair.browser.untilFailed()).dtlsState, 'failed')
      })
    })
  }

  it('are asked for in a description', async () => {
    const without = { ...withRole('client'), alter: (sdp: string) => sdp.replace(lines, '') }
    await assert.rejects(startPair(browser.page(), without), ({ cause }: Error) => {
      assert.match(String(cause), /InvalidAccessError.*no a=fingerprint/)
      return true
    })
  })
}

describe('Fingerprints of Chromium', function () {
  this.timeout(30_000)
  checksFingerprints(withBrowser('Chromium', openChromium), { accepted, refused })
})

describe('Fingerprints of Firefox', function () {
  this.timeout(30_000)
  checksFingerprints(withBrowser('Firefox', openFirefox), {
    accepted: accepted.slice(0, 4),
    refused: refused.slice(0, 2),
  })
})

describe('Fingerprints of libwebrtc', function () {
  this.timeout(30_000)
  const libwebrtc = withBrowser('libwebrtc', context => openLibrary(context, '@roamhq/wrtc'))

  for (const role of dtlsRoles) {
    it(`are taken in lower case and at the session level, icefloe the ${role}`, async () => {
      for (const change of [inLowerCase, atSessionLevel, wrongAtSessionLevel]) await connects(libwebrtc, role, change)
    })

    it(`are refused where they are those of another certificate, icefloe the ${role}`, async () => {
      const [[, change] = []] = refused
      assert.ok(change)
      await failsToConnect(libwebrtc, changed(role, change, wrong), ({ errors: [error] }) => {
        assert.equal(error?.errorDetail, 'fingerprint-failure')
      })
    })
  }
})
