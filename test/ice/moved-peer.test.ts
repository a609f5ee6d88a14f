import assert from 'node:assert/strict'
import type { TransportAddress } from '../../src/base/address.ts'
import { movedPeerRestMs } from '../../src/ice/moved-peer.ts'
import { addCandidate, address, agree, describePairs, type Host, Network, signal } from './network.ts'
import { connected } from './pairs.ts'

const elsewhere = address('203.0.113.77', 4711)

/** What an agent has sent to an address since a time. */
function sentTo({ sent }: Host, to: TransportAddress, since = 0): number {
  return sent.filter(
    ({ at, transmit }) => at >= since && transmit.remote.address === to.address && transmit.remote.port === to.port,
  ).length
}

function selectedBase({ agent }: Host): TransportAddress {
  const base = agent.selectedPair?.local.base
  assert.ok(base)
  return base
}

function hear(network: Network, host: Host, from: TransportAddress): void {
  network.act(host, (agent, now) => agent.heardFrom(selectedBase(host), from, now))
}

describe('An address that the peer was heard from', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    it(`is checked by the ${role} end, and not used where nobody answers`, () => {
      const { network, a, b } = connected(1)
      const [host, peer] = role === 'controlling' ? [a, b] : [b, a]
      const before = host.agent.selectedPair
      hear(network, host, elsewhere)
      assert.equal(sentTo(host, elsewhere), 1)
      assert.equal(host.agent.isValidated(selectedBase(host), elsewhere), false)
      network.run(60_000)
      assert.equal(host.agent.selectedPair, before)
      assert.equal(host.agent.isValidated(selectedBase(host), elsewhere), false)
      assert.ok(agree(a, b), describePairs(a, b))
      assert.deepEqual([host.agent.state, peer.agent.state], ['completed', 'completed'])
      const pair = host.agent.pairs().find(({ remote }) => remote.address.address === elsewhere.address)
      // The nomination that a controlling peer repeats with its requests for consent ends the check of another pair.
      const state = role === 'controlling' ? 'failed' : 'waiting'
      assert.deepEqual([pair?.state, pair?.responsesReceived, pair?.remote.type], [state, 0, 'prflx'])
      // A check and its repetitions, and no more.
      assert.ok(sentTo(host, elsewhere) <= 20, `${sentTo(host, elsewhere)}`)
    })
  }

  it('is not checked more often than once in a while, whatever is heard from how many', () => {
    const { network, a } = connected(1)
    const start = network.now
    for (let n = 0; n < 100; n++) hear(network, a, address('203.0.113.77', 5000 + n))
    network.run(movedPeerRestMs - 1)
    hear(network, a, elsewhere)
    const addresses = (): number =>
      new Set(
        a.sent
          .filter(({ at, transmit }) => at >= start && transmit.remote.address === elsewhere.address)
          .map(({ transmit }) => transmit.remote.port),
      ).size
    assert.equal(addresses(), 1)
    network.run(1)
    hear(network, a, elsewhere)
    assert.equal(addresses(), 2)
  })

  it('is checked again if it did not answer the first time', () => {
    const { network, a } = connected(1)
    hear(network, a, elsewhere)
    network.run(60_000)
    const count = sentTo(a, elsewhere)
    hear(network, a, elsewhere)
    assert.equal(sentTo(a, elsewhere), count + 1)
  })

  it('means nothing before a pair is nominated, to a base that is not ours, and after the end', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'])
    const [candidate] = a.candidates
    assert.ok(candidate)
    addCandidate(network, a, candidate)
    network.act(a, (agent, now) => agent.heardFrom(candidate.base, elsewhere, now))
    assert.equal(a.sent.length, 0)
    const up = connected(2)
    const sent = up.a.sent.length
    up.network.act(up.a, (agent, now) => agent.heardFrom(address('192.0.2.200', 1), elsewhere, now))
    assert.equal(up.a.sent.length, sent)
    const base = selectedBase(up.a)
    up.network.act(up.a, (agent, now) => {
      agent.close(now)
      agent.heardFrom(base, elsewhere, now)
    })
    assert.equal(up.a.sent.length, sent)
  })

  it('is none that a lite agent checks', () => {
    const network = new Network(1)
    const full = network.host('full', ['192.0.2.1'])
    const lite = network.host('lite', ['198.51.100.1'], { role: 'controlled', lite: true })
    signal(network, full, lite)
    assert.ok(network.run(1000, () => agree(full, lite)))
    hear(network, lite, elsewhere)
    network.run(10_000)
    assert.equal(sentTo(lite, elsewhere), 0)
    assert.ok(agree(full, lite))
  })
})
