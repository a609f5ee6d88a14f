import assert from 'node:assert/strict'
import { Queue } from '../../src/base/queue.ts'
import type { IceEvent } from '../../src/ice/events.ts'
import { IceSession, maxRemovedPairs } from '../../src/ice/ice-session.ts'
import { hostCandidate } from '../../src/ice/index.ts'

describe('Pairs that the layer above has removed', () => {
  it('are not formed again, as far as they are remembered', () => {
    const events = new Queue<IceEvent>()
    const session = new IceSession({ usernameFragment: 'abcd', password: 'a'.repeat(22) }, 10, events)
    const local = hostCandidate({ address: '192.0.2.1', port: 1000, family: 4 })
    session.addLocal(local, 'controlled')
    const remoteAt = (port: number) => ({ address: '192.0.2.2', port, family: 4 }) as const
    // A peer that checks from ever new ports, and an application that wants none of them.
    for (let port = 1; port <= maxRemovedPairs + 1; port++) {
      const { pair } = session.pairForRequest(local, remoteAt(port), 1, 'controlled')
      assert.ok(pair)
      session.removePair(pair, 0)
    }
    assert.deepEqual([session.checklist.pairs.length, session.remoteCandidates.length], [0, 0])
    assert.equal(session.isRemoved(local, remoteAt(1)), false)
    for (let port = 2; port <= maxRemovedPairs + 1; port++) {
      assert.equal(session.isRemoved(local, remoteAt(port)), true)
      assert.equal(session.pairForRequest(local, remoteAt(port), 1, 'controlled').pair, undefined)
    }
    const told: string[] = []
    for (let event = events.shift(); event !== undefined; event = events.shift()) told.push(event.type)
    assert.equal(told.filter(type => type === 'pair-added').length, maxRemovedPairs + 1)
    assert.equal(told.filter(type => type === 'pair-removed').length, maxRemovedPairs + 1)
  })
})
