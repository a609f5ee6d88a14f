import {
  agreesOnChannels,
  carriesBulk,
  connects,
  connectsRepeatedly,
  connectsThroughNames,
  offerers,
  withBrowser,
} from './browser-suites.ts'
import { firefoxShowsAddresses, openFirefox } from './firefox.ts'

describe('Firefox, with addresses hidden behind mDNS names', () => {
  const firefox = withBrowser('Firefox', openFirefox)

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(firefox, { offerer, trickle, channels: { data: {} } }, true)
  }
  for (const offerer of offerers) connectsThroughNames(firefox, offerer)
  for (const offerer of offerers) connectsRepeatedly(firefox, offerer, 20)
  for (const offerer of offerers) agreesOnChannels(firefox, offerer)
  carriesBulk(firefox)
})

describe('Firefox, with addresses shown', () => {
  const firefox = withBrowser('Firefox', context => openFirefox(context, { preferences: firefoxShowsAddresses }))

  for (const offerer of offerers) {
    for (const trickle of [true, false]) connects(firefox, { offerer, trickle, channels: { data: {} } }, false)
  }
})
