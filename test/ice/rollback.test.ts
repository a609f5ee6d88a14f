import assert from 'node:assert/strict'
import { sentBy } from './messages.ts'
import {
  addCandidates,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  type Host,
  isUp,
  Network,
  signal,
  states,
  type Weather,
} from './network.ts'
import { connected, restart, trickle } from './pairs.ts'

const rainy: Weather = { loss: 0.1, duplicate: 0.1, minDelayMs: 5, maxDelayMs: 50 }

describe('The rollback of an ICE restart', () => {
  it('returns to the pair, parameters and candidates of before', () => {
    const { network, a, b } = connected(1)
    const [pair, parameters, pairs] = [a.agent.selectedPair, a.agent.localParameters, a.agent.pairs()]
    const remote = a.agent.remoteParameters
    const events = a.events.length
    restart(network, a)
    assert.notDeepEqual(a.agent.localParameters, parameters)
    assert.equal(rollback(network, a), true)
    assert.equal(a.agent.selectedPair, pair)
    assert.equal(a.agent.localParameters, parameters)
    assert.equal(a.agent.remoteParameters, remote)
    assert.deepEqual(a.agent.pairs(), pairs)
    assert.equal(a.agent.state, 'completed')
    const told = a.events.slice(events).map(({ event }) => event)
    assert.deepEqual(told, [
      { type: 'state', state: 'connected' },
      { type: 'state', state: 'completed' },
    ])
    network.run(120_000)
    assert.ok(agree(a, b) && isUp(a) && isUp(b))
  })

  it('leaves nothing behind, at either end or both, however far the restart had come without a pair', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = connected(seed)
      network.weather = seed % 2 === 0 ? calm : rainy
      const before = a.agent.selectedPair
      const who = seed % 3 === 0 ? [a] : seed % 3 === 1 ? [b] : [a, b]
      for (const host of who) restart(network, host)
      network.run(network.random.next() % 10_000)
      // The new session may already have candidates and check in vain.
      for (const host of who) addCandidates(network, host)
      network.run(network.random.next() % 3000)
      for (const host of who) assert.equal(rollback(network, host), true, `seed ${seed}`)
      network.weather = calm
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      assert.equal(a.agent.selectedPair, before)
      // And the next restart works as ever.
      for (const host of [a, b]) restart(network, host)
      signal(network, a, b)
      assert.ok(
        network.run(1000, () => agree(a, b) && a.agent.selectedPair !== before),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
    }
  })

  it('goes on with checks that the restart had interrupted', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    network.filter = () => true
    signal(network, a, b)
    network.run(3000)
    restart(network, a)
    network.run(1000)
    const sent = sentBy(a, 'request').length
    assert.equal(rollback(network, a), true)
    network.filter = () => false
    assert.ok(network.run(4000, () => agree(a, b)))
    assert.ok(sentBy(a, 'request').length > sent)
  })

  it('is refused when nothing was restarted, or the new session is in use already', () => {
    const { network, a, b } = connected(1)
    assert.equal(rollback(network, a), false)
    for (const host of [a, b]) restart(network, host)
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b)))
    const after = a.agent.selectedPair
    assert.equal(rollback(network, a), false)
    assert.equal(a.agent.selectedPair, after)
    network.act(a, (agent, now) => agent.close(now))
    assert.equal(rollback(network, a), false)
  })

  it('of the second of two goes back to the first', () => {
    const { network, a, b } = connected(1)
    const old = a.agent.selectedPair
    restart(network, a)
    const first = a.agent.localParameters
    restart(network, a)
    assert.equal(rollback(network, a), true)
    assert.deepEqual(a.agent.localParameters, first)
    assert.equal(a.agent.selectedPair, old)
    network.run(60_000)
    assert.equal(a.agent.selectedPair, old)
    restart(network, b)
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b) && a.agent.selectedPair !== old))
  })

  it('knows that an interface has vanished since', () => {
    const { network, a, b } = connected(1, 2)
    const base = a.agent.selectedPair?.local.base
    restart(network, a)
    network.removeInterface(a, a.candidates.find(candidate => candidate.base === base) ?? assert.fail())
    assert.equal(rollback(network, a), true)
    assert.ok(
      network.run(5000, () => agree(a, b)),
      describePairs(a, b),
    )
    assert.notEqual(a.agent.selectedPair?.local.base, base)
  })
})

describe('A restart because an interface has vanished', () => {
  it('connects over what is left, whichever end it was, with data on the way as soon as that works', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { network, a, b } = connected(seed, 2)
      network.weather = seed % 2 === 0 ? calm : rainy
      const host = seed % 4 < 2 ? a : b
      for (const one of [a, b]) restart(network, one)
      const base = host.agent.selectedPair?.local.base
      const gone = host.candidates.find(candidate => candidate.base === base) ?? assert.fail()
      network.removeInterface(host, gone)
      assert.equal(host.agent.selectedPair?.local.base === base, false)
      signal(network, a, b)
      assert.ok(
        network.run(10_000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.weather = calm
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      assert.ok(!states(a).includes('failed') && !states(b).includes('failed'), `seed ${seed}`)
    }
  })

  it('is made at one end while the other does not know, which takes the old parameters until it does', () => {
    const { network, a, b } = connected(1)
    const old = a.agent.selectedPair
    restart(network, a)
    network.run(20_000)
    assert.equal(b.agent.state, 'completed')
    restart(network, b)
    exchangeParameters(network, a, b)
    trickle(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b) && a.agent.selectedPair !== old))
  })
})

function rollback(network: Network, host: Host): boolean {
  return network.act(host, (agent, now) => agent.rollbackRestart(now))
}
