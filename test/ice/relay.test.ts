import assert from 'node:assert/strict'
import {
  address,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  type Host,
  isUp,
  Network,
  type Weather,
} from './network.ts'

const rainy: Weather = { loss: 0.1, duplicate: 0.1, minDelayMs: 5, maxDelayMs: 40 }

describe('A relay', () => {
  it('does not win against a direct path that takes 300 ms longer, or whose first checks are lost', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = withRelays(seed)
      // The way between the NATs is slow, or its first datagrams are lost.
      const slow = seed % 2 === 0
      network.detour = ({ local }) => (slow && !isRelay(local.port) ? 150 : 0)
      let lost = 0
      network.filter = ({ local }) => !slow && !isRelay(local.port) && lost++ < 3
      connect(network, a, b)
      assert.ok(
        network.run(3000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      const { local, remote } = a.agent.selectedPair ?? assert.fail()
      assert.ok(local.type !== 'relay' && remote.type !== 'relay', `seed ${seed}: ${describePairs(a, b)}`)
    }
  })

  it('carries data at once where there is no direct path, and is nominated half a second later', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = withRelays(seed)
      network.filter = ({ local, remote }) => !isRelay(local.port) && !isRelay(remote.port)
      const start = network.now
      connect(network, a, b)
      const flows = () => a.agent.selectedPair !== undefined && b.agent.selectedPair !== undefined
      assert.ok(network.run(1000, flows))
      assert.ok(network.now - start < 150, `seed ${seed}: data may flow after ${network.now - start} ms`)
      assert.ok(
        network.run(1000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      assert.ok(network.now - start < 700, `seed ${seed}: ${network.now - start} ms`)
    }
  })

  it('is used by both ends alike in bad weather, and for as long as it works', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = withRelays(seed)
      network.weather = rainy
      network.filter = ({ local, remote }) => !isRelay(local.port) && !isRelay(remote.port)
      connect(network, a, b)
      assert.ok(
        network.run(10_000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.run(120_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
    }
  })

  it('that is lost gives way to the other one', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { network, a, b } = withRelays(seed)
      network.filter = ({ local, remote }) => !isRelay(local.port) && !isRelay(remote.port)
      connect(network, a, b)
      assert.ok(network.run(2000, () => agree(a, b)))
      network.run(network.random.next() % 20_000)
      const used = [a, b].find(host => host.agent.selectedPair?.local.type === 'relay') ?? assert.fail()
      const relay = used.candidates.find(({ base }) => base === used.agent.selectedPair?.local.base) ?? assert.fail()
      network.removeInterface(used, relay)
      assert.ok(
        network.run(6000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
    }
  })

  it('that refuses a peer fails that pair alone, at once', () => {
    const { network, a, b } = withRelays(1)
    network.filter = ({ local, remote }) => !isRelay(local.port) && !isRelay(remote.port)
    const relay = a.candidates.find(({ type }) => type === 'relay') ?? assert.fail()
    const peer = b.candidates.find(({ type }) => type === 'relay') ?? assert.fail()
    connect(network, a, b)
    network.act(a, (agent, now) => agent.unreachable(relay.base, peer.base, now, 'peer-refused'))
    const refused = a.agent.pairs().filter(pair => pair.lastFailure === 'peer-refused')
    assert.deepEqual(
      refused.map(pair => [pair.state, pair.local.base === relay.base, pair.remote.address]),
      [['failed', true, peer.base]],
    )
    assert.ok(network.run(2000, () => agree(a, b)))
  })

  it('keeps a place on the checklist of a host with many addresses', () => {
    const network = new Network(1)
    const ips = (prefix: string) => Array.from({ length: 16 }, (_, index) => `${prefix}.${index + 1}`)
    const a = network.host('a', ips('192.0.2'))
    const b = network.host('b', ips('198.51.100'), { role: 'controlled' })
    network.addRelay(a, '203.0.113.50')
    network.addRelay(b, '203.0.113.60')
    network.filter = ({ local, remote }) => !isRelay(local.port) || !isRelay(remote.port)
    connect(network, a, b)
    assert.equal(a.agent.pairs().length, 100)
    assert.ok(
      network.run(10_000, () => agree(a, b)),
      describePairs(a, b),
    )
    assert.equal(a.agent.selectedPair?.local.type, 'relay')
  })
})

describe('An address that cannot be reached', () => {
  it('fails the pair in use, and both ends take another', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const network = new Network(seed, seed % 2 === 0 ? calm : rainy)
      const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
      const b = network.host('b', ['198.51.100.1', '198.51.100.2'], { role: 'controlled' })
      connect(network, a, b)
      assert.ok(network.run(3000, () => agree(a, b)))
      network.run(network.random.next() % 15_000)
      const host = seed % 4 < 2 ? a : b
      const { local, remote } = host.agent.selectedPair ?? assert.fail()
      const ends = [local.base, remote.address].map(({ port }) => port)
      network.filter = transmit => ends.includes(transmit.local.port) && ends.includes(transmit.remote.port)
      network.act(host, (agent, now) => agent.unreachable(local.base, remote.address, now))
      const failed = host.agent.pairs().find(pair => pair.lastFailure === 'unreachable')
      assert.ok(failed)
      assert.ok(
        network.run(6000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
    }
  })

  it('that is none of a pair changes nothing', () => {
    const { network, a, b } = withRelays(1)
    connect(network, a, b)
    network.run(2000)
    const before = a.agent.selectedPair
    const base = a.candidates[0]?.base ?? assert.fail()
    network.act(a, (agent, now) => agent.unreachable(base, address('203.0.113.99', 1), now))
    assert.equal(a.agent.selectedPair, before)
    assert.ok(agree(a, b))
  })
})

/** Two hosts behind NATs that know each other's address outside, with a relay each. */
function withRelays(seed: number): { network: Network; a: Host; b: Host } {
  const network = new Network(seed, { ...calm, minDelayMs: 5, maxDelayMs: 10 })
  const a = network.host('a', ['10.0.0.1'], { publicIp: '198.51.100.1' })
  const b = network.host('b', ['10.0.0.2'], { role: 'controlled', publicIp: '203.0.113.1' })
  network.addRelay(a, '203.0.113.50')
  network.addRelay(b, '203.0.113.60')
  return { network, a, b }
}

function isRelay(port: number): boolean {
  return port >= 7000 && port < 8000
}

function connect(network: Network, a: Host, b: Host): void {
  exchangeParameters(network, a, b)
  for (const [host, peer] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const candidate of host.candidates) {
      network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
      const { publicIp } = host
      const isHidden = candidate.type === 'host' && publicIp !== undefined
      const reflexive = { ...candidate, type: 'srflx', priority: 1694498815, foundation: 'reflexive' } as const
      const told = isHidden ? { ...reflexive, address: address(publicIp, candidate.base.port) } : candidate
      network.act(peer, (agent, now) => agent.addRemoteCandidate(told, now))
    }
  }
  for (const host of [a, b]) {
    network.act(host, (agent, now) => agent.endOfLocalCandidates(now))
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
  }
}
