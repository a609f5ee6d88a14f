import { withBrowser } from './browser-suites.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { echoesMedia } from './media-suites.ts'

describe('media with Firefox', function () {
  this.timeout(40_000)
  const preferences = firefoxSendsFakeMedia
  const browser = withBrowser('Firefox', context => openFirefox(context, { preferences }))
  echoesMedia(browser, ['audio/opus', 'audio/PCMU', 'video/VP8', 'video/VP9'])
})
