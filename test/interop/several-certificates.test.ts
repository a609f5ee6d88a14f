import assert from 'node:assert/strict'
import type { RTCCertificate } from '../../src/index.ts'
import { importCertificate } from '../../src/index.ts'
import {
  ecdsaCertificate,
  ed25519Certificate,
  rsaCertificate,
  type TestCertificate,
} from '../support/test-certificate.ts'
import { type BrowserUnderTest, offerers, withBrowser, withPair } from './browser-suites.ts'
import { openChromium } from './chromium.ts'
import { openFirefox } from './firefox.ts'

function imported({ certificate, pkcs8 }: TestCertificate): RTCCertificate {
  return importCertificate({ certificate, privateKey: pkcs8 })
}

/** Browsers keep one fingerprint of ours or all, and verify no Ed25519: whatever is configured, it connects. */
function connectsWithSeveral(browser: BrowserUnderTest): void {
  const p256 = imported(ecdsaCertificate())
  const p384 = imported(ecdsaCertificate({ curve: 'P-384' }))
  const rsa = imported(rsaCertificate())
  const ed25519 = imported(ed25519Certificate())
  const cases: readonly [string, RTCCertificate[]][] = [
    ['ECDSA, RSA', [p256, rsa]],
    ['RSA, ECDSA', [rsa, p256]],
    ['Ed25519, ECDSA, RSA', [ed25519, p256, rsa]],
    ['RSA, Ed25519, P-384', [rsa, ed25519, p384]],
    ['P-384, P-256', [p384, p256]],
  ]
  for (const [title, certificates] of cases) {
    for (const offerer of offerers) {
      it(`connects with ${title} when ${offerer === 'browser' ? browser.name : 'icefloe'} offers`, async () => {
        const options = {
          offerer,
          trickle: true,
          channels: { data: {} },
          icefloeConfiguration: { certificates },
        }
        await withPair(browser, options, async ({ browser: peer, icefloe, channels: { data } }) => {
          data?.addEventListener('message', event => data.send((event as MessageEvent).data))
          assert.equal(await peer.roundTrip('data', title), title)
          assert.equal(icefloe.connectionState, 'connected')
        })
      })
    }
  }
}

describe('Several certificates with Chromium', function () {
  this.timeout(30_000)
  connectsWithSeveral(withBrowser('Chromium', openChromium))
})

describe('Several certificates with Firefox', function () {
  this.timeout(30_000)
  connectsWithSeveral(withBrowser('Firefox', openFirefox))
})
