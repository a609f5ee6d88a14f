import { SrtpProfileId } from '../../src/srtp/index.ts'
import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { negotiatesProfiles } from './media-keys-suites.ts'

const { aes128CmSha1_80, aes128CmSha1_32, aeadAes128Gcm, aeadAes256Gcm } = SrtpProfileId

describe('keys of media with Chromium', function () {
  this.timeout(30_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  // It does not offer the short tags.
  negotiatesProfiles(browser, [aes128CmSha1_80, aeadAes128Gcm, aeadAes256Gcm])
})

describe('keys of media with Firefox', function () {
  this.timeout(30_000)
  const preferences = firefoxSendsFakeMedia
  const browser = withBrowser('Firefox', context => openFirefox(context, { preferences }))
  negotiatesProfiles(browser, [aes128CmSha1_80, aes128CmSha1_32, aeadAes128Gcm, aeadAes256Gcm])
})
