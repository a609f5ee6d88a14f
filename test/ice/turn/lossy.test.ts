import assert from 'node:assert/strict'
import { addressKey } from '../../../src/base/address.ts'
import { stunMethod } from '../../../src/ice/stun/message.ts'
import { bulk, peer, stunLike, TurnLink } from './turn-link.ts'

const bad = { loss: 0.2, duplication: 0.1, minDelayMs: 5, maxDelayMs: 200 } as const
const seeds = 40

describe('A TURN client on a network that loses, doubles and reorders', () => {
  it('gets and keeps its allocation, and its data through, for two hours', function () {
    this.timeout(20_000)
    for (let seed = 1; seed <= seeds; seed++) {
      const link = new TurnLink({ additionalFamily: seed % 2 === 0 }, bad, seed)
      link.start()
      assert.ok(
        link.run(40_000, () => link.client.state === 'allocated'),
        `seed ${seed}: ${link.client.state}`,
      )
      link.events.length = 0
      let sent = 0
      for (let minute = 0; minute < 120; minute++) {
        if (minute % 7 === 0) link.server.nonce = `nonce-${minute}`
        for (let last = 1; last <= 3; last++) {
          link.send(minute < 3 ? stunLike() : bulk(), peer(last))
          link.peerSends(peer(last), bulk())
          sent++
        }
        link.run(60_000)
      }
      const context = `seed ${seed}`
      assert.equal(link.client.state, 'allocated', context)
      assert.deepEqual(link.events, [], context)
      assert.deepEqual(link.server.violations, [], context)
      assert.equal(link.client.dropped, 0, context)
      assert.ok(link.server.delivered.length > 0.7 * sent, `${context}: ${link.server.delivered.length} of ${sent}`)
      assert.ok(link.received.length > 0.6 * sent, `${context}: ${link.received.length} of ${sent}`)
      const objects = new Map(link.received.map(({ peer: from }) => [addressKey(from), from]))
      assert.ok(
        link.received.every(({ peer: from }) => objects.get(addressKey(from)) === from),
        context,
      )
      link.close()
      link.run(5_000)
      assert.equal(link.client.state, 'closed', context)
    }
  })

  it('does not send again before an answer can be there, once it knows how long that takes', () => {
    const slow = new TurnLink({}, { minDelayMs: 400, maxDelayMs: 400 })
    slow.start()
    slow.run(3_000)
    assert.equal(slow.client.state, 'allocated')
    const before = slow.server.received
    slow.send(stunLike(), peer(1))
    slow.run(1_700)
    assert.equal(slow.server.received, before + 2)
    const fast = TurnLink.allocated()
    fast.server.script = ({ method }) => (method === stunMethod.createPermission ? 'ignore' : undefined)
    const start = fast.server.received
    fast.send(stunLike(), peer(1))
    fast.run(800)
    // At 0, 100, 300 and 700 ms, as a round trip takes 20 ms.
    assert.equal(fast.server.received, start + 4)
  })

  it('makes the same run of the same seed', () => {
    const run = () => {
      const link = new TurnLink({}, bad, 7)
      link.start()
      link.run(5_000)
      link.send(bulk(), peer(1))
      link.run(5_000)
      return link.server.requests.map(({ at, message }) => `${at} ${Buffer.from(message.bytes).toString('hex')}`)
    }
    assert.deepEqual(run(), run())
  })
})
