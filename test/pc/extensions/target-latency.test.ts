import assert from 'node:assert/strict'
import type { RTCConfigurationTargetLatency } from '../../../src/pc/configuration.ts'
import { agree, close, createMediaPair } from '../negotiation/media-pair.ts'

/** The connectivity checks that alice sends in the first second to a peer that never answers. */
async function checksSent(targetLatency: RTCConfigurationTargetLatency | undefined): Promise<number> {
  const alice = targetLatency === undefined ? {} : { targetLatency }
  const pair = createMediaPair({ seed: 18, alice, sections: ['data'] })
  let count = 0
  pair.sim.network.tap(({ data, from }) => {
    if (from.address === '192.0.2.1' && (data[0] ?? 255) <= 3) count++
    return 'drop'
  })
  await agree(pair, pair.alice, pair.bob)
  await pair.sim.runFor(1_000)
  close(pair)
  return count
}

describe('targetLatency (webrtc-extensions §18)', () => {
  it('has ICE ask less often if the application is in no hurry', async () => {
    const lowest = await checksSent('lowest')
    const none = await checksSent('none')
    assert.equal(await checksSent(undefined), lowest)
    // RFC 8445 §14.3: transmissions after 0 and 500 ms, in place of 0, 100, 300 and 700 ms
    assert.deepEqual([lowest, none], [4, 2])
  })

  it('is told by getConfiguration()', () => {
    const pair = createMediaPair({ seed: 1, alice: { targetLatency: 'none' } })
    const told = [pair.alice, pair.bob].map(peer => peer.getConfiguration().targetLatency)
    assert.deepEqual(told, ['none', 'lowest'])
    close(pair)
  })

  it('is a TypeError if it is neither', () => {
    const targetLatency = 'highest' as RTCConfigurationTargetLatency
    assert.throws(() => createMediaPair({ seed: 1, alice: { targetLatency } }), TypeError)
  })
})
