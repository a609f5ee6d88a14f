import assert from 'node:assert/strict'
import { agentAndPuppet, answerTo, checkOf, lastRequest, puppet, puppetCandidate, sentBy, succeed } from './messages.ts'
import {
  addCandidates,
  agree,
  calm,
  exchangeParameters,
  Network,
  reachedAt,
  signal,
  states,
  tellCandidates,
} from './network.ts'

describe('The state of an ICE agent', () => {
  it('is new until there is something to check', () => {
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1'])
    addCandidates(network, a)
    network.run(1000)
    assert.equal(a.agent.state, 'new')
    network.act(a, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.run(1000)
    assert.equal(a.agent.state, 'new')
    network.inject(checkOf(a), puppet.address, a)
    assert.equal(a.agent.state, 'checking', 'a peer-reflexive candidate will do')
  })

  it('is completed only after both sides have told their last candidate', () => {
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    exchangeParameters(network, a, b)
    for (const candidate of a.candidates) network.act(a, (agent, now) => agent.addLocalCandidate(candidate, now))
    addCandidates(network, b)
    for (const candidate of b.candidates) network.act(a, (agent, now) => agent.addRemoteCandidate(candidate, now))
    network.run(1000)
    assert.ok(agree(a, b))
    assert.equal(a.agent.state, 'connected')
    network.act(a, (agent, now) => agent.endOfLocalCandidates(now))
    assert.equal(a.agent.state, 'connected')
    network.act(a, (agent, now) => agent.endOfRemoteCandidates(now))
    assert.equal(a.agent.state, 'completed')
  })

  it('goes straight from checking to completed when everything was told before', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    succeed(network, host)
    assert.deepEqual(states(host), ['checking', 'completed'])
  })

  it('tells the selected pair before the state that follows from it', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    succeed(network, host)
    const types = host.events.map(({ event }) => event.type)
    assert.deepEqual(types, ['remote-candidate', 'state', 'selected-pair', 'state'])
  })

  it('is disconnected when all checks have failed but candidates may yet come, then checking again', () => {
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1', '198.51.100.2'], { role: 'controlled' })
    network.filter = ({ remote }) => remote.address === '198.51.100.1'
    exchangeParameters(network, a, b)
    addCandidates(network, a)
    const [dead, alive] = b.candidates
    assert.ok(dead && alive)
    network.act(a, (agent, now) => agent.addRemoteCandidate(dead, now))
    network.run(60_000)
    assert.deepEqual(states(a), ['checking', 'disconnected'])
    addCandidates(network, b)
    network.act(a, (agent, now) => agent.addRemoteCandidate(alive, now))
    network.run(1000)
    assert.deepEqual(states(a), ['checking', 'disconnected', 'checking', 'connected'])
  })

  it('fails when everything was told and tried, but not before the patience of RFC 8863 is over', () => {
    const { network, host } = agentAndPuppet('controlling')
    const start = network.now
    network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    // An error response fails the only pair at once.
    network.inject(answerTo(lastRequest(host), 'error', { errorCode: { code: 400, reason: '' } }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.state, 'failed')
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'error-400')
    assert.deepEqual(states(host), ['checking'])
    network.run(60_000)
    assert.deepEqual(states(host), ['checking', 'failed'])
    assert.equal((reachedAt(host, 'failed') ?? 0) - start, 39_500)
    assert.equal(host.agent.pollTimeout(), undefined)
  })

  it('fails when the patience is over and nothing was ever told', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    network.run(39_000)
    assert.deepEqual(states(host), [])
    network.run(1000)
    assert.deepEqual(states(host), ['failed'])
  })

  it('connects within the patience through checks of a peer that has told nothing', () => {
    // RFC 8863 §3.1
    const { network, host } = agentAndPuppet('controlled')
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    network.run(39_000)
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    succeed(network, host)
    network.run(1000)
    assert.deepEqual(states(host), ['checking', 'completed'])
  })

  it('fails at once without local candidates, as nobody can reach it', () => {
    const network = new Network(1, calm)
    const a = network.host('a', [])
    network.act(a, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.act(a, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    assert.equal(a.agent.state, 'checking')
    network.act(a, (agent, now) => agent.endOfRemoteCandidates(now))
    network.act(a, (agent, now) => agent.endOfLocalCandidates(now))
    assert.deepEqual(states(a), ['checking', 'failed'])
  })

  it('is not left in failure when a late check of the peer gets through after all', () => {
    // RFC 8445 §7.3.1.4: a pair that goes from Failed to Waiting may change the state of its checklist
    const { network, host } = agentAndPuppet('controlled')
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    network.run(60_000)
    assert.equal(host.agent.state, 'failed')
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.equal(sentBy(host, 'success').length, 1)
    succeed(network, host)
    assert.deepEqual(states(host), ['failed', 'checking', 'completed'])
  })

  it('does not change twice for one input', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const network = new Network(seed, { loss: 0.3, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 100 })
      const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
      const b = network.host('b', ['198.51.100.1', '198.51.100.2'], { role: 'controlled' })
      signal(network, a, b)
      network.run(20_000)
      for (const host of [a, b]) {
        const list = states(host)
        for (let i = 1; i < list.length; i++) assert.notEqual(list[i], list[i - 1], `seed ${seed}`)
        assert.equal(list[0], 'checking', `seed ${seed}`)
      }
    }
  })

  it('ignores candidates after the end of candidates', () => {
    // RFC 8838 §14
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    exchangeParameters(network, a, b)
    addCandidates(network, a)
    network.act(a, (agent, now) => agent.endOfRemoteCandidates(now))
    tellCandidates(network, b, a)
    assert.equal(a.agent.pairs().length, 0)
  })
})
