import assert from 'node:assert/strict'
import type { LocalCandidate } from '../../src/ice/candidate.ts'
import { checkOf, decode, sentBy } from './messages.ts'
import {
  addCandidate,
  address,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  type Host,
  isUp,
  Network,
  reachedAt,
  states,
  type Weather,
} from './network.ts'
import { connected } from './pairs.ts'

const rainy: Weather = { loss: 0.1, duplicate: 0.1, minDelayMs: 5, maxDelayMs: 50 }

describe('An interface that vanishes', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    it(`from the ${role} end moves both to another pair within seconds`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = connected(seed, 2, seed % 2 === 0 ? calm : rainy)
        network.run(network.random.next() % 20_000)
        const host = role === 'controlling' ? a : b
        const start = network.now
        network.removeInterface(host, selectedCandidate(host))
        assert.ok(
          network.run(500, () => host.agent.selectedPair !== undefined),
          `seed ${seed}: data goes on`,
        )
        assert.ok(
          network.run(4000, () => agree(a, b)),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        network.weather = calm
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
        assert.ok(network.now > start)
      }
    })

    it(`from the ${role} end, which has no other, is made good by one that appears later`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = connected(seed, 1, seed % 2 === 0 ? calm : rainy)
        const [host, peer] = role === 'controlling' ? [a, b] : [b, a]
        network.removeInterface(host, selectedCandidate(host))
        assert.equal(host.agent.selectedPair, undefined)
        assert.equal(host.agent.state, 'disconnected')
        network.run(network.random.next() % 15_000)
        const next = network.addInterface(host, '203.0.113.77')
        addCandidate(network, host, next)
        assert.ok(
          network.run(6000, () => agree(a, b)),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        assert.deepEqual(peer.agent.selectedPair?.remote.address, next.base)
        network.weather = calm
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      }
    })
  }

  it('at both ends at once is survived if each has another', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = connected(seed, 2)
      network.run(network.random.next() % 20_000)
      for (const host of [a, b]) network.removeInterface(host, selectedCandidate(host))
      assert.ok(
        network.run(6000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
    }
  })

  it('for good leads to failure as late as lost consent does, and to silence', () => {
    const { network, a } = connected(1, 1)
    network.removeInterface(a, selectedCandidate(a))
    const start = network.now
    network.run(29_000)
    assert.equal(a.agent.state, 'disconnected')
    network.run(2_000)
    assert.equal(a.agent.state, 'failed')
    assert.equal((reachedAt(a, 'failed') ?? 0) - start, 30_000)
    assert.equal(a.agent.pollTimeout(), undefined)
    const sent = a.sent.length
    network.run(60_000)
    assert.equal(a.sent.length, sent)
  })

  it('that was not in use changes nothing', () => {
    const { network, a, b } = connected(1, 2)
    const before = a.agent.selectedPair
    const [, other] = a.candidates
    assert.ok(other)
    network.removeInterface(a, other)
    network.run(60_000)
    assert.equal(a.agent.selectedPair, before)
    assert.ok(agree(a, b))
    assert.deepEqual(states(a), ['checking', 'connected', 'completed'])
    const gone = a.agent.pairs().filter(pair => pair.local.base === other.base)
    assert.ok(gone.length > 0)
    for (const pair of gone) assert.equal(pair.lastFailure, 'local-address-lost')
  })

  it('can come back with the same address and port', () => {
    const { network, a, b } = connected(1, 1)
    const candidate = selectedCandidate(a)
    network.removeInterface(a, candidate)
    network.run(3000)
    network.rebind(a, candidate.base.address)
    a.candidates.push(candidate)
    network.rebind(a, candidate.base.address)
    addCandidate(network, a, candidate)
    assert.ok(network.run(3000, () => agree(a, b)))
  })
})

describe('A path that dies in mid-call', () => {
  it('is given up for another by both ends, before consent expires', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = connected(seed, 2, seed % 2 === 0 ? calm : rainy)
      network.run(network.random.next() % 20_000)
      const { local, remote } = a.agent.selectedPair ?? assert.fail()
      const ends = [local.base, remote.address]
      network.filter = transmit => ends.includes(transmit.local) && ends.some(end => same(end, transmit.remote))
      const hasMoved = () => {
        const pair = a.agent.selectedPair
        return !same(pair?.local.base, local.base) || !same(pair?.remote.address, remote.address)
      }
      assert.ok(
        network.run(15_000, () => agree(a, b) && hasMoved()),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.filter = () => false
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
    }
  })

  it('in one direction alone is given up by both ends all the same', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = connected(seed, 2)
      network.run(network.random.next() % 20_000)
      const { local, remote } = a.agent.selectedPair ?? assert.fail()
      const [from, to] = seed % 2 === 0 ? [local.base, remote.address] : [remote.address, local.base]
      network.filter = transmit => same(transmit.local, from) && same(transmit.remote, to)
      network.run(25_000)
      assert.ok(agree(a, b), `seed ${seed}: ${describePairs(a, b)}`)
      network.filter = () => false
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
    }
  })

  it('for a while, at any length, leaves both ends on the same pair', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { network, a, b } = connected(seed, 1 + (seed % 3), seed % 2 === 0 ? calm : rainy)
      for (let round = 0; round < 3; round++) {
        network.run(network.random.next() % 10_000)
        const { local, remote } = a.agent.selectedPair ?? assert.fail(`seed ${seed}: ${describePairs(a, b)}`)
        const ends = [local.base, remote.address]
        network.filter = transmit =>
          ends.some(end => same(end, transmit.local)) && ends.some(end => same(end, transmit.remote))
        network.run(network.random.next() % 16_000)
        network.filter = () => false
        assert.ok(
          network.run(20_000, () => agree(a, b) && isUp(a) && isUp(b)),
          `seed ${seed}, round ${round}: ${describePairs(a, b)}`,
        )
      }
      network.weather = calm
      network.run(20_000)
      const before = a.agent.selectedPair
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      assert.equal(a.agent.selectedPair, before, `seed ${seed}: it has come to rest`)
    }
  })
})

describe('A NAT that maps anew in mid-call', () => {
  for (const behind of ['controlling', 'controlled'] as const) {
    it(`in front of the ${behind} end is followed, by authenticated checks alone`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = natted(seed, behind)
        network.run(network.random.next() % 20_000)
        const [host, peer] = behind === 'controlled' ? [b, a] : [a, b]
        network.rebind(host, '198.51.100.200')
        const isFollowed = () => peer.agent.selectedPair?.remote.address.address === '198.51.100.200'
        assert.ok(
          network.run(9_000, () => agree(a, b) && isFollowed()),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
        assert.ok(!states(a).includes('failed') && !states(b).includes('failed'), `seed ${seed}`)
      }
    })
  }

  it('cannot be feigned by someone who does not know the password', () => {
    const { network, a, b } = connected(1, 1)
    const before = [a.agent.selectedPair, b.agent.selectedPair]
    for (let i = 0; i < 50; i++) {
      for (const host of [a, b]) {
        const key = 'someOtherPassword123456'
        network.inject(checkOf(host, { useCandidate: true }, { key }), address('203.0.113.66', 1000 + i), host)
        network.run(300)
      }
    }
    assert.deepEqual([a.agent.selectedPair, b.agent.selectedPair], before)
    assert.equal(a.agent.isValidated(a.candidates[0]?.base ?? assert.fail(), address('203.0.113.66', 1000)), false)
    assert.deepEqual(states(a), ['checking', 'connected', 'completed'])
  })
})

describe('A check of a controlled peer on a pair that is not nominated', () => {
  it('makes the controlling end ask about the nominated one, no more than once a second', () => {
    const { network, a, b } = connected(1, 1)
    const before = sentBy(a, 'request').length
    const username = `${a.agent.localParameters.usernameFragment}:${b.agent.localParameters.usernameFragment}`
    for (let i = 0; i < 100; i++) {
      network.inject(checkOf(a, { username }), address('203.0.113.66', 1000 + i), a)
      network.run(100)
    }
    const probes = sentBy(a, 'request').length - before
    assert.ok(probes >= 5 && probes <= 13, `${probes} requests in 10 s`)
    assert.ok(agree(a, b))
    const others = a.sent.filter(({ transmit }) => transmit.remote.address === '203.0.113.66')
    for (const { transmit } of others)
      assert.equal(decode(transmit.data).class, 'success', 'they are answered, not more')
  })
})

describe('A flood of peer-reflexive candidates at the limit of pairs', () => {
  it('does not keep two ends from another pair when the one in use is lost', () => {
    for (const role of ['controlling', 'controlled'] as const) {
      const { network, a, b } = connected(1, 2)
      const [host, peer] = role === 'controlling' ? [a, b] : [b, a]
      const username = `${host.agent.localParameters.usernameFragment}:${peer.agent.localParameters.usernameFragment}`
      let port = 1000
      const flood = (count: number) => {
        for (let i = 0; i < count; i++) {
          const priority = 2 ** 32 - 1 - i
          network.inject(checkOf(host, { username, priority }), address('203.0.113.66', port++), host)
          assert.ok(host.agent.pairs().length <= 100)
        }
      }
      flood(300)
      network.removeInterface(host, selectedCandidate(host))
      flood(300)
      assert.ok(
        network.run(15_000, () => agree(a, b)),
        describePairs(a, b),
      )
      network.run(120_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b))
    }
  })
})

/** Two hosts, one behind a NAT, connected. */
function natted(seed: number, behind: 'controlling' | 'controlled' | 'both'): { network: Network; a: Host; b: Host } {
  const network = new Network(seed, calm)
  const a = network.host('a', ['10.0.0.1'], behind === 'controlled' ? {} : { publicIp: '198.51.100.1' })
  const b = network.host('b', ['10.0.0.2'], {
    role: 'controlled',
    ...(behind === 'controlling' ? {} : { publicIp: '203.0.113.1' }),
  })
  exchangeParameters(network, a, b)
  for (const [host, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const [own] = host.candidates
    assert.ok(own)
    addCandidate(network, host, own)
    const { publicIp } = host
    const reflexive = { ...own, type: 'srflx', priority: 1694498815, foundation: 'reflexive' } as const
    const told = publicIp === undefined ? own : { ...reflexive, address: address(publicIp, own.base.port) }
    network.act(other, (agent, now) => agent.addRemoteCandidate(told, now))
  }
  assert.ok(
    network.run(3000, () => agree(a, b)),
    describePairs(a, b),
  )
  return { network, a, b }
}

function selectedCandidate(host: Host): LocalCandidate {
  const base = host.agent.selectedPair?.local.base
  return host.candidates.find(candidate => candidate.base === base) ?? assert.fail('nothing is selected')
}

function same(
  a: { address: string; port: number } | undefined,
  b: { address: string; port: number } | undefined,
): boolean {
  return a !== undefined && b !== undefined && a.address === b.address && a.port === b.port
}
