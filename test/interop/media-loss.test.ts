import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { repairsByRtx } from './media-loss-suites.ts'

describe('lost packets of Chromium', function () {
  this.timeout(40_000)
  repairsByRtx(
    withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia)),
    21,
  )
})

describe('lost packets of Firefox', function () {
  this.timeout(40_000)
  const preferences = firefoxSendsFakeMedia
  repairsByRtx(
    withBrowser('Firefox', context => openFirefox(context, { preferences })),
    22,
  )
})
