import {
  agreesOnChannels,
  carriesBulk,
  connects,
  connectsRepeatedly,
  connectsThroughNames,
  offerers,
  withBrowser,
} from './browser-suites.ts'
import { chromiumShowsAddresses, openChromium } from './chromium.ts'

describe('Chromium, with addresses hidden behind mDNS names', () => {
  const chromium = withBrowser('Chromium', openChromium)

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(chromium, { offerer, trickle, channels: { data: {} } }, true)
  }
  for (const offerer of offerers) connectsThroughNames(chromium, offerer)
  for (const offerer of offerers) connectsRepeatedly(chromium, offerer, 20)
  for (const offerer of offerers) agreesOnChannels(chromium, offerer)
  carriesBulk(chromium)
})

describe('Chromium, with addresses shown', () => {
  const chromium = withBrowser('Chromium', context => openChromium(context, [chromiumShowsAddresses]))

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(chromium, { offerer, trickle, channels: { data: {} } }, false)
  }
})
