import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { echoesMedia } from './media-suites.ts'

describe('media with Chromium', function () {
  this.timeout(40_000)
  const browser = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  echoesMedia(browser, ['audio/opus', 'audio/PCMU', 'video/VP8', 'video/VP9', 'video/H264'])
})
