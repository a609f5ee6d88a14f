import assert from 'node:assert/strict'
import type { IceCandidate } from '../../src/ice/candidate.ts'
import { agentAndPuppet, checkOf, puppet, sentBy } from './messages.ts'
import {
  addCandidates,
  address,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  type Host,
  isUp,
  Network,
  signal,
  type Weather,
} from './network.ts'

describe('Over TCP alone', () => {
  for (const active of ['controlling', 'controlled'] as const) {
    it(`two ICE agents connect and agree when the ${active} one connects`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = tcpOnly(seed, active)
        signal(network, a, b)
        const start = network.now
        assert.ok(
          network.run(1000, () => agree(a, b)),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        assert.ok(network.now - start < 600, `${network.now - start} ms`)
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
        const opener = active === 'controlling' ? a : b
        const { local, remote } = opener.agent.selectedPair ?? assert.fail()
        assert.deepEqual([local.type, local.protocol, local.tcpType], ['prflx', 'tcp', 'active'])
        assert.equal(remote.tcpType, 'passive')
        assert.equal(local.base.port, 9)
      }
    })

    it(`they come together again when the connection breaks, opened by the ${active} one`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = tcpOnly(seed, active)
        signal(network, a, b)
        assert.ok(network.run(1000, () => agree(a, b)))
        network.run(network.random.next() % 20_000)
        const before = b.agent.selectedPair
        network.breakConnections(a)
        assert.ok(
          network.run(5000, () => agree(a, b) && b.agent.selectedPair !== before),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      }
    })
  }

  it('nothing is sent twice, as TCP does that itself', () => {
    const { network, a, b } = tcpOnly(1, 'controlling')
    network.filter = (_, from) => from === b
    signal(network, a, b)
    network.run(30_000)
    const [pair] = a.agent.pairs()
    assert.deepEqual([pair?.requestsSent, pair?.retransmissionsSent, pair?.state], [1, 0, 'in-progress'])
    network.run(10_000)
    assert.equal(a.agent.pairs()[0]?.lastFailure, 'timed-out')
  })

  it('a refused connection fails the pair at once', () => {
    const { network, a, b } = tcpOnly(1, 'controlling')
    const [passive] = b.candidates
    assert.ok(passive)
    exchangeParameters(network, a, b)
    addCandidates(network, a)
    const nobody: IceCandidate = { ...passive, address: address('198.51.100.1', 4444) }
    network.act(a, (agent, now) => agent.addRemoteCandidate(nobody, now))
    assert.equal(a.agent.pairs()[0]?.state, 'failed')
    assert.equal(a.agent.pairs()[0]?.lastFailure, 'unreachable')
    network.run(60_000)
    assert.equal(a.agent.pairs()[0]?.requestsSent, 1)
  })
})

describe('TCP candidates', () => {
  it('pair active with passive, and those of ours that are passive wait to be called', () => {
    const network = new Network(1)
    const host = network.host('agent', [])
    network.addTcp(host, '192.0.2.1', 'active')
    network.addTcp(host, '192.0.2.1', 'passive')
    addCandidates(network, host)
    for (const tcpType of ['active', 'passive', 'so'] as const) {
      const remote = { foundation: '1', component: 1, protocol: 'tcp', priority: 1000, type: 'host', tcpType } as const
      const port = tcpType === 'active' ? 9 : 1234
      network.act(host, (agent, now) =>
        agent.addRemoteCandidate({ ...remote, address: address('198.51.100.9', port) }, now),
      )
    }
    const pairs = host.agent.pairs().map(({ local, remote }) => [local.tcpType, remote.tcpType])
    assert.deepEqual(pairs, [['active', 'passive']])
  })

  it('that are passive answer the peer that connects, and check back over the same connection', () => {
    const network = new Network(1)
    const host = network.host('agent', [], { role: 'controlled' })
    const passive = network.addTcp(host, '192.0.2.1', 'passive')
    addCandidates(network, host)
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    const connection = address('198.51.100.9', 50_123)
    network.inject(checkOf(host), connection, host, passive.base)
    assert.equal(sentBy(host, 'success').length, 1)
    const check = host.sent.at(-1)?.transmit
    assert.deepEqual(check?.remote, connection)
    assert.equal(check?.local, passive.base)
    const [pair] = host.agent.pairs()
    assert.deepEqual([pair?.remote.type, pair?.remote.tcpType, pair?.remote.protocol], ['prflx', 'active', 'tcp'])
  })

  it('may share the address and port of a UDP one, on either side', () => {
    const { network, host } = agentAndPuppet('controlled')
    const [udp] = host.candidates
    assert.ok(udp)
    const tcp = network.addTcp(host, '192.0.2.1', 'passive')
    const twin = { ...tcp, address: { ...udp.base }, base: { ...udp.base } }
    network.act(host, (agent, now) => agent.addLocalCandidate(twin, now))
    network.inject(checkOf(host), puppet.address, host, udp.base)
    network.inject(checkOf(host), puppet.address, host, twin.base)
    const protocols = host.agent.pairs().map(pair => [pair.local.protocol, pair.remote.protocol])
    assert.deepEqual(protocols.sort(), [
      ['tcp', 'tcp'],
      ['udp', 'udp'],
    ])
    const bases = sentBy(host, 'success').length
    assert.equal(bases, 2)
    assert.ok(host.agent.isValidated(udp.base, puppet.address) && host.agent.isValidated(twin.base, puppet.address))
  })

  it('are no reason not to use UDP, which wins although TCP answers first', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const weather: Weather = { ...calm, minDelayMs: 1, maxDelayMs: 10 }
      const network = new Network(seed, weather)
      const a = network.host('a', ['192.0.2.1'])
      const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
      for (const [host, ip] of [
        [a, '192.0.2.1'],
        [b, '198.51.100.1'],
      ] as const) {
        network.addTcp(host, ip, 'active')
        network.addTcp(host, ip, 'passive')
      }
      network.detour = ({ local }) => (local.port > 5000 && local.port < 6000 ? 200 : 0)
      signal(network, a, b)
      assert.ok(
        network.run(2000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      assert.equal(a.agent.selectedPair?.local.protocol, 'udp', `seed ${seed}`)
    }
  })

  it('carry the connection where UDP is blocked, soon', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const network = new Network(seed)
      const a = network.host('a', ['192.0.2.1'])
      const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
      network.addTcp(a, '192.0.2.1', 'active')
      network.addTcp(b, '198.51.100.1', seed % 2 === 0 ? 'passive' : 'active')
      if (seed % 2 === 1) network.addTcp(a, '192.0.2.1', 'passive')
      const udp = [a, b].map(host => host.candidates[0]?.base)
      network.filter = ({ local }) => udp.includes(local)
      const start = network.now
      signal(network, a, b)
      network.run(1000, () => a.agent.selectedPair !== undefined && b.agent.selectedPair !== undefined)
      assert.ok(network.now - start < 100, `data may flow after ${network.now - start} ms`)
      assert.ok(
        network.run(1000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      assert.equal(a.agent.selectedPair?.local.protocol, 'tcp')
    }
  })
})

/** Two hosts of which one connects and the other accepts. */
function tcpOnly(seed: number, active: 'controlling' | 'controlled'): { network: Network; a: Host; b: Host } {
  const network = new Network(seed, { ...calm, loss: 0.1 })
  const a = network.host('a', [])
  const b = network.host('b', [], { role: 'controlled' })
  network.addTcp(a, '192.0.2.1', active === 'controlling' ? 'active' : 'passive')
  network.addTcp(b, '198.51.100.1', active === 'controlling' ? 'passive' : 'active')
  return { network, a, b }
}
