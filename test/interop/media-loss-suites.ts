import assert from 'node:assert/strict'
import { createSystemEnvironment } from '../../src/net/system-environment.ts'
import { lossy } from '../support/lossy-environment.ts'
import { type BrowserUnderTest, withPair } from './browser-suites.ts'
import { echoOptions } from './media-suites.ts'
import { count, eventually, ownStats, type Stats, statsOf } from './media-verbs.ts'

const fraction = 0.05
const repairs = 3

/** RFC 4588: what is lost, in either direction, comes again on a stream of its own. */
export function repairsByRtx(browser: BrowserUnderTest, seed: number): void {
  it(`repairs ${fraction * 100} % loss by RTX, to and from ${browser.name}`, async () => {
    const path = lossy(createSystemEnvironment(), { fraction, seed })
    const options = {
      ...echoOptions({ video: true, codec: 'video/VP8', width: 640, height: 480 }, 'browser'),
      icefloeExtensions: { environment: path.environment },
    }
    await withPair(browser, options, async ({ browser: peer, icefloe }) => {
      const told = `seed ${seed}`
      const [own] = await eventually(`${told}: repaired here`, () => ownStats(icefloe, 'inbound-rtp'), isRepaired)
      const [its] = await eventually(`${told}: repaired there`, () => statsOf(peer, 'inbound-rtp'), isRepaired)
      // Several requests may be about one packet, and probes repeat packets that were not lost: these are conditions of their own.
      const hasLost = () => path.lost().sent >= repairs && path.lost().received >= repairs
      const isDone = (stats: readonly Stats[]) => hasLost() && isRepeated(stats)
      const [sent] = await eventually(`${told}: sent again`, () => ownStats(icefloe, 'outbound-rtp'), isDone)
      // They are streams of their own, and the browser decodes what was repaired.
      assert.equal(typeof own?.rtxSsrc, 'number', told)
      assert.notEqual(own?.rtxSsrc, own?.ssrc, told)
      assert.equal(typeof sent?.rtxSsrc, 'number', told)
      if (its?.rtxSsrc !== undefined) assert.equal(its.rtxSsrc, sent?.rtxSsrc, told)
    })
  })
}

function isRepeated([stats]: readonly Stats[]): boolean {
  return count(stats, 'retransmittedPacketsSent') >= repairs
}

/** What Firefox receives that way it does not count: there, what it asks for again and decodes has to do. */
function isRepaired([stats]: readonly Stats[]): boolean {
  if (stats !== undefined && 'retransmittedPacketsReceived' in stats) {
    return count(stats, 'retransmittedPacketsReceived') >= repairs
  }
  return count(stats, 'nackCount') >= repairs && count(stats, 'framesDecoded') > 100
}
