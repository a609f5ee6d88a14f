import assert from 'node:assert/strict'
import type { LocalCandidate } from '../../src/ice/candidate.ts'
import { candidatePriority } from '../../src/ice/candidate-priority.ts'
import { RoundTrip } from '../../src/ice/round-trip.ts'
import {
  agentAndPuppet,
  answerTo,
  checkOf,
  decode,
  lastRequest,
  puppet,
  puppetCandidate,
  runAnswering,
  succeed,
  validate,
} from './messages.ts'
import { address, calm, type Host, Network } from './network.ts'

describe('Local candidates', () => {
  it('that are reflexive share the pairs of their base, in either order', () => {
    for (const order of ['host first', 'reflexive first'] as const) {
      const { network, host } = idle()
      const [own] = host.candidates
      assert.ok(own)
      const reflexive = reflexiveOn(own, address('203.0.113.1', 1234))
      const both = order === 'host first' ? [own, reflexive] : [reflexive, own]
      network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
      for (const candidate of both) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
      assert.equal(host.agent.pairs().length, 1, order)
      assert.equal(host.agent.pairs()[0]?.local.type, 'host', order)
    }
  })

  it('do not change under a check that is on its way', () => {
    // RFC 8838 §10, proviso 5
    const { network, host } = idle()
    const [own] = host.candidates
    assert.ok(own)
    const reflexive = reflexiveOn(own, address('203.0.113.1', 1234))
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.act(host, (agent, now) => agent.addLocalCandidate(reflexive, now))
    network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    network.act(host, (agent, now) => agent.addLocalCandidate(own, now))
    assert.equal(host.agent.pairs()[0]?.state, 'in-progress')
    assert.equal(host.agent.pairs()[0]?.local, reflexive)
  })

  it('that are reflexive alone are checked from their base', () => {
    const { network, host } = idle()
    const [own] = host.candidates
    assert.ok(own)
    const reflexive = reflexiveOn(own, address('203.0.113.1', 1234))
    network.act(host, (agent, now) => agent.addLocalCandidate(reflexive, now))
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    assert.equal(host.sent[0]?.transmit.local, own.base)
    assert.equal(decode(lastRequest(host)).attributes.priority, candidatePriority('prflx', 65535, 1))
  })

  it('are recognised in the address that the peer sees', () => {
    const { network, host } = agentAndPuppet('controlled')
    const [own] = host.candidates
    assert.ok(own)
    const reflexive = reflexiveOn(own, address('203.0.113.1', 1234))
    network.act(host, (agent, now) => agent.addLocalCandidate(reflexive, now))
    network.inject(checkOf(host), puppet.address, host)
    const answer = answerTo(lastRequest(host), 'success', { xorMappedAddress: { ...reflexive.address } })
    network.inject(answer, puppet.address, host)
    assert.equal(host.agent.selectedPair?.local, reflexive)
  })

  it('of another base are not taken for the one that a check left from', () => {
    const network = new Network(1, calm)
    const host = network.host('agent', ['192.0.2.1', '192.0.2.2'], { role: 'controlled' })
    for (const candidate of host.candidates) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.inject(checkOf(host), puppet.address, host)
    const [first, second] = host.candidates
    assert.ok(first && second)
    const answer = answerTo(lastRequest(host), 'success', { xorMappedAddress: second.address })
    network.inject(answer, puppet.address, host)
    assert.equal(host.agent.selectedPair?.local.type, 'prflx')
    assert.equal(host.agent.selectedPair?.local.base, first.base)
  })

  it('with the same address and base are one, with the higher priority', () => {
    const { network, host } = idle()
    const [own] = host.candidates
    assert.ok(own)
    const worse = { ...own, priority: own.priority - 1000 }
    for (const candidate of [worse, own, worse])
      network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
    network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    assert.deepEqual(
      host.agent.pairs().map(pair => pair.local.priority),
      [own.priority],
    )
  })

  it('of another component are not taken, nor are remote ones', () => {
    // Firefox signals candidates for component 2.
    const { network, host } = idle()
    const [own] = host.candidates
    assert.ok(own)
    network.act(host, (agent, now) => agent.addLocalCandidate({ ...own, component: 2 }, now))
    const taken = network.act(host, (agent, now) => agent.addRemoteCandidate({ ...puppetCandidate, component: 2 }, now))
    assert.equal(taken, false)
    assert.deepEqual(host.agent.pairs(), [])
  })
})

describe('The selected pair', () => {
  it('is one and the same object for as long as it stays selected', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const before = host.agent.selectedPair
    runAnswering(network, host, 60_000)
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.ok(before)
    assert.equal(host.agent.selectedPair, before)
    assert.equal(host.events.filter(({ event }) => event.type === 'selected-pair').length, 1)
  })

  it('is still the same behind a NAT after its nomination, which checks it again', () => {
    const { network, host } = agentAndPuppet('controlling')
    const xorMappedAddress = address('203.0.113.1', 1234)
    const answer = () => {
      network.inject(answerTo(lastRequest(host), 'success', { xorMappedAddress }), puppet.address, host)
    }
    network.inject(checkOf(host), puppet.address, host)
    answer()
    const before = host.agent.selectedPair
    assert.equal(before?.local.type, 'prflx')
    network.run(100, () => decode(lastRequest(host)).attributes.useCandidate === true)
    answer()
    assert.equal(host.agent.pairs()[0]?.nominated, true)
    assert.equal(host.agent.selectedPair, before)
  })

  it('tells the round-trip time as it is measured', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    network.run(30)
    succeed(network, host)
    assert.equal(host.agent.roundTripMs, 30)
    assert.equal(host.agent.selectedPair?.roundTripMs, 30)
    runAnswering(network, host, 60_000)
    assert.ok((host.agent.selectedPair?.roundTripMs ?? 30) < 10)
  })

  it('has no round-trip time where only retransmissions were answered', () => {
    // RFC 8489 §6.2.1: Karn's algorithm
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    network.run(150)
    succeed(network, host)
    assert.ok(host.agent.selectedPair)
    assert.equal(host.agent.roundTripMs, undefined)
  })
})

describe('A round-trip estimate', () => {
  it('follows RFC 6298 §2', () => {
    const estimate = new RoundTrip()
    assert.equal(estimate.rtoMs, undefined)
    estimate.sample(100)
    assert.equal(estimate.smoothedMs, 100)
    assert.equal(estimate.rtoMs, 300)
    estimate.sample(200)
    assert.equal(estimate.smoothedMs, 112.5)
    assert.equal(estimate.rtoMs, 112.5 + 4 * 62.5)
    assert.equal(estimate.latestMs, 200)
    assert.equal(estimate.totalMs, 300)
  })

  it('starts from an upper bound where only retransmissions were answered, and forgets it for a measurement', () => {
    const estimate = new RoundTrip()
    estimate.measure({ startedAt: 1_000, count: 1 }, 4_000)
    assert.equal(estimate.expectedMs, 3000)
    assert.equal(estimate.rtoMs, 3000)
    assert.equal(estimate.smoothedMs, undefined)
    estimate.sample(100)
    assert.equal(estimate.expectedMs, 100)
    assert.equal(estimate.rtoMs, 300)
  })
})

/** An agent without candidates or parameters of the peer. */
function idle(): { network: Network; host: Host } {
  const network = new Network(1, calm)
  return { network, host: network.host('agent', ['192.0.2.1']) }
}

function reflexiveOn(host: LocalCandidate, seen: typeof puppet.address): LocalCandidate {
  return {
    ...host,
    type: 'srflx',
    foundation: 'srflx',
    priority: candidatePriority('srflx', 65535, 1),
    address: seen,
    relatedAddress: host.base.address,
    relatedPort: host.base.port,
  }
}
