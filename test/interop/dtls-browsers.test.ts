import assert from 'node:assert/strict'
import type { TestPage } from './browser.ts'
import { withBrowser } from './browser-suites.ts'
import { chromiumWithoutMlKem, openChromium } from './chromium.ts'
import {
  type DtlsPeer,
  dtlsRoles,
  failsToConnect,
  makesConnections,
  type PlannedConnection,
  refusesCertificates,
  withRole,
} from './dtls-connections.ts'
import { firefoxWithDtls12, firefoxWithoutMlKem, openFirefox } from './firefox.ts'

const plan: readonly PlannedConnection[] = [
  { version: 'DTLS 1.3', certificate: 'ECDSA P-256', dtls: {}, group: 'x25519mlkem768' },
  { version: 'DTLS 1.3', certificate: 'ECDSA P-384', dtls: { groups: ['x25519'] }, group: 'x25519' },
  // Browsers send no share of these: as a server, icefloe has to ask for one.
  { version: 'DTLS 1.3', certificate: 'RSA PKCS#1', dtls: { groups: ['secp256r1'] }, group: 'secp256r1' },
  { version: 'DTLS 1.3', certificate: 'RSA-PSS', dtls: { groups: ['secp384r1'] }, group: 'secp384r1' },
  { version: 'DTLS 1.2', certificate: 'ECDSA P-256', dtls: { maxVersion: '1.2' }, group: 'x25519' },
  {
    version: 'DTLS 1.2',
    certificate: 'ECDSA P-384',
    dtls: { maxVersion: '1.2', groups: ['secp256r1', 'secp384r1'] },
    group: 'secp256r1',
  },
  {
    version: 'DTLS 1.2',
    certificate: 'RSA PKCS#1',
    dtls: { maxVersion: '1.2', groups: ['secp256r1'] },
    group: 'secp256r1',
  },
  { version: 'DTLS 1.2', certificate: 'RSA-PSS', dtls: { maxVersion: '1.2' }, group: 'x25519' },
]

function peer(name: string, open: (context: Mocha.Context) => Promise<TestPage>): DtlsPeer {
  return { ...withBrowser(name, open), statistics: expected => expected, tellsCertificates: true }
}

describe('DTLS with Chromium', function () {
  this.timeout(30_000)
  const chromium = peer('Chromium', openChromium)
  makesConnections(chromium, plan)
  refuses(chromium)

  // RFC 8422 §5.1.1: in DTLS 1.2 the groups are those of certificates as well, and browsers have P-256 ones.
  it('tells that DTLS 1.2 with X25519 alone does not go with a certificate of P-256', async () => {
    const options = {
      ...withRole('client'),
      icefloeExtensions: { dtls: { maxVersion: '1.2', groups: ['x25519'] } as const },
    }
    await failsToConnect(chromium, options, ({ errors: [error] }) => {
      assert.equal(error?.errorDetail, 'dtls-failure')
      assert.match(error.message, /handshake_failure/)
    })
  })
})

describe('DTLS with Firefox', function () {
  this.timeout(30_000)
  const firefox = peer('Firefox', openFirefox)
  makesConnections(firefox, plan)
  refuses(firefox)
})

describe('DTLS with Chromium that has no ML-KEM', function () {
  this.timeout(30_000)
  makesConnections(
    peer('Chromium', context => openChromium(context, [chromiumWithoutMlKem])),
    [{ version: 'DTLS 1.3', certificate: 'ECDSA P-256', dtls: {}, group: 'x25519' }],
  )
})

describe('DTLS with Firefox that has no ML-KEM', function () {
  this.timeout(30_000)
  makesConnections(
    peer('Firefox', context => openFirefox(context, { preferences: firefoxWithoutMlKem })),
    [{ version: 'DTLS 1.3', certificate: 'ECDSA P-256', dtls: {}, group: 'x25519' }],
  )
})

describe('DTLS with Firefox that has no DTLS 1.3', function () {
  this.timeout(30_000)
  const firefox = peer('Firefox', context => openFirefox(context, { preferences: firefoxWithDtls12 }))
  makesConnections(firefox, [{ version: 'DTLS 1.2', certificate: 'ECDSA P-256', dtls: {}, group: 'x25519' }])

  for (const role of dtlsRoles) {
    it(`ends clearly where icefloe, the ${role}, insists on DTLS 1.3`, async () => {
      const options = { ...withRole(role), icefloeExtensions: { dtls: { minVersion: '1.3' } as const } }
      await failsToConnect(firefox, options, async ({ errors: [error], browser }) => {
        assert.equal(error?.errorDetail, 'dtls-failure')
        assert.match(error.message, /version/)
        assert.equal((await browser.untilFailed()).dtlsState, 'failed')
      })
    })
  }
})

/** Neither browser verifies these. */
function refuses(browser: DtlsPeer): void {
  refusesCertificates(browser, [
    { certificate: 'Ed25519', versions: ['1.3', '1.2'] },
    { certificate: 'a key for RSA-PSS alone', versions: ['1.3'] },
  ])
}
