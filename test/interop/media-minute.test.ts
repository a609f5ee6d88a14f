import { withBrowser } from './browser-suites.ts'
import { chromiumSendsFakeMedia, openChromium } from './chromium.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { repairsLoss } from './media-suites.ts'

describe('a minute of media on a bad path', () => {
  const chromium = withBrowser('Chromium', context => openChromium(context, chromiumSendsFakeMedia))
  const firefox = withBrowser('Firefox', context => openFirefox(context, { preferences: firefoxSendsFakeMedia }))
  repairsLoss([chromium, firefox], { seconds: 60, fraction: 0.05, seed: 5 })
})
