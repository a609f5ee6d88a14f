import type { RTCConfiguration } from '../../src/index.ts'
import { withBrowser } from './browser-suites.ts'
import { firefoxSendsFakeMedia, openFirefox } from './firefox.ts'
import { openLibrary } from './library.ts'
import { answersTransports, negotiatesTransports, type TransportPlan } from './media-transports-suites.ts'

const policies = ['balanced', 'max-compat', 'max-bundle'] as const
type Policy = (typeof policies)[number]

/** Of audio, two of video, and data: by policy, the sections that bring a transport, and how many of them are for RTP. */
const offered: Readonly<Record<Policy, { readonly all: number; readonly rtp: number }>> = {
  balanced: { all: 3, rtp: 2 },
  'max-compat': { all: 4, rtp: 3 },
  'max-bundle': { all: 1, rtp: 1 },
}

/** Every policy of both kinds towards a peer of each kind, but for those that have to fail. */
const plans: readonly TransportPlan[] = policies.flatMap(bundlePolicy =>
  (['require', 'negotiate'] as const).flatMap(rtcpMuxPolicy =>
    [true, false].flatMap(bundles =>
      [true, false].flatMap(multiplexes => {
        // RFC 9143 §9.3: whoever bundles multiplexes as well.
        if (!multiplexes && (bundles || rtcpMuxPolicy === 'require')) return []
        return [plan({ bundlePolicy, rtcpMuxPolicy }, bundles, multiplexes)]
      }),
    ),
  ),
)

function plan(
  configuration: RTCConfiguration & { bundlePolicy: Policy },
  bundles: boolean,
  multiplexes: boolean,
): TransportPlan {
  const { all, rtp } = offered[configuration.bundlePolicy]
  const kept = bundles ? { all: 1, rtp: 1 } : { all, rtp }
  return {
    configuration,
    bundles,
    multiplexes,
    before: all + (configuration.rtcpMuxPolicy === 'negotiate' ? rtp : 0),
    after: kept.all + (multiplexes ? 0 : kept.rtp),
    tracks: bundles ? 3 : rtp,
  }
}

describe('transports with libwebrtc', function () {
  this.timeout(40_000)
  const browser = withBrowser('libwebrtc', context => openLibrary(context, '@roamhq/wrtc'))
  negotiatesTransports(browser, plans)
  answersTransports(browser)
})

describe('transports with Firefox', function () {
  this.timeout(40_000)
  const preferences = firefoxSendsFakeMedia
  const browser = withBrowser('Firefox', context => openFirefox(context, { preferences }))
  negotiatesTransports(browser, plans)
  answersTransports(browser)
})
