import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { changesCalls } from './media-changes-suites.ts'

describe('changes of a call with Chromium', function () {
  this.timeout(30_000)
  changesCalls(withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia)))
})

describe('changes of a call with Firefox', function () {
  this.timeout(30_000)
  const preferences = firefoxSendsFakeMedia
  changesCalls(withBrowser('Firefox', context => openFirefox(context, { preferences })))
})
