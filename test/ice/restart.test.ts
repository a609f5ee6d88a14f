import assert from 'node:assert/strict'
import { IceError } from '../../src/ice/errors.ts'
import { createIceParameters } from '../../src/ice/parameters.ts'
import { agentAndPuppet, answerTo, checkOf, lastRequest, puppet, sentBy, validate } from './messages.ts'
import {
  addCandidates,
  agree,
  calm,
  exchangeParameters,
  isUp,
  Network,
  signal,
  states,
  tellCandidates,
} from './network.ts'
import { connected, restart } from './pairs.ts'

describe('An ICE restart', () => {
  it('keeps data flowing on the old pair until the new one is nominated', () => {
    const { network, a, b } = connected(1)
    const old = a.agent.selectedPair
    restart(network, a)
    assert.equal(a.agent.selectedPair, old)
    assert.equal(a.agent.state, 'connected', 'out of completed')
    network.run(10_000)
    assert.equal(a.agent.selectedPair, old)
    restart(network, b)
    exchangeParameters(network, a, b)
    for (const host of [a, b]) addCandidates(network, host)
    tellCandidates(network, b, a)
    tellCandidates(network, a, b)
    let newPairs = 0
    assert.ok(
      network.run(1000, () => {
        assert.ok(a.agent.selectedPair && b.agent.selectedPair, 'there is a pair at every moment')
        if (a.agent.selectedPair !== old) {
          newPairs++
          assert.ok(a.agent.pairs().some(pair => pair.selected && pair.nominated))
        }
        return agree(a, b) && a.agent.selectedPair !== old
      }),
    )
    assert.ok(newPairs > 0)
    assert.deepEqual(states(a), ['checking', 'connected', 'completed', 'connected', 'completed'])
  })

  it('keeps asking for consent on the old pair, which the peer grants', () => {
    for (const only of ['both', 'one'] as const) {
      const { network, a, b } = connected(2)
      restart(network, a)
      if (only === 'both') restart(network, b)
      network.run(120_000)
      assert.ok(isUp(a) && isUp(b), only)
      assert.ok(a.agent.selectedPair && b.agent.selectedPair, only)
    }
  })

  it('gives the old pair up when consent on it expires', () => {
    const { network, a, b } = connected(2)
    for (const host of [a, b]) restart(network, host)
    network.filter = () => true
    network.run(15_000)
    assert.equal(a.agent.state, 'checking', 'disconnected is forgotten in a restart')
    network.run(60_000)
    assert.equal(a.agent.selectedPair, undefined)
    assert.equal(a.agent.state, 'new')
    network.filter = () => false
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b)))
  })

  it('in the middle of a call, in bad weather, always ends on a new pair', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { network, a, b } = connected(seed)
      network.weather = { loss: 0.2, duplicate: 0.2, minDelayMs: 5, maxDelayMs: 60 }
      for (let round = 0; round < 3; round++) {
        const before = a.agent.selectedPair
        const [first, second] = seed % 2 === 0 ? [a, b] : [b, a]
        restart(network, first)
        network.run(network.random.next() % 3000)
        restart(network, second)
        network.act(second, (agent, now) => agent.setRemoteParameters(first.agent.localParameters, now))
        addCandidates(network, second)
        tellCandidates(network, first, second)
        network.run(network.random.next() % 300)
        network.act(first, (agent, now) => agent.setRemoteParameters(second.agent.localParameters, now))
        addCandidates(network, first)
        network.run(network.random.next() % 300)
        tellCandidates(network, second, first)
        assert.ok(
          network.run(15_000, () => agree(a, b) && a.agent.selectedPair !== before),
          `seed ${seed}, round ${round}`,
        )
      }
      assert.equal(a.agent.role, 'controlling', `seed ${seed}: roles stay as they are`)
    }
  })

  it('answers requests of the session before, to no other effect', () => {
    const { network, host } = agentAndPuppet('controlling')
    validate(network, host)
    const old = checkOf(host)
    const conflicting = checkOf(host, { iceControlled: undefined, iceControlling: 0n })
    restart(network, host)
    network.act(host, (agent, now) =>
      agent.setRemoteParameters({ ...puppet.parameters, usernameFragment: 'puppet2' }, now),
    )
    for (const candidate of host.candidates) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
    const answers = sentBy(host, 'success').length
    const events = host.events.length
    for (const request of [old, conflicting]) network.inject(request, { ...puppet.address, port: 9001 }, host)
    assert.equal(sentBy(host, 'success').length, answers + 2)
    assert.equal(host.events.length, events)
    assert.deepEqual(host.agent.pairs(), [])
  })

  it('takes data from where the peer was answered with the credentials of before', () => {
    const { network, host } = agentAndPuppet('controlling')
    validate(network, host)
    const base = host.candidates[0]?.base
    assert.ok(base)
    const late = checkOf(host)
    restart(network, host)
    const elsewhere = { ...puppet.address, port: 9001 }
    assert.equal(host.agent.isValidated(base, elsewhere), false)
    network.inject(late, elsewhere, host)
    assert.equal(host.agent.isValidated(base, elsewhere), true)
    assert.equal(host.agent.isValidated(base, { ...puppet.address, port: 9002 }), false)
  })

  it('is not answered from the addresses of before when the peer restarts first', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const answers = sentBy(host, 'success').length
    const { usernameFragment } = host.agent.localParameters
    network.inject(checkOf(host, { username: `${usernameFragment}:puppet2` }), { ...puppet.address, port: 9001 }, host)
    assert.equal(sentBy(host, 'success').length, answers)
    network.inject(checkOf(host), puppet.address, host)
    assert.equal(sentBy(host, 'success').length, answers + 1)
  })

  it('lets a controlling peer begin while the old pair works, and begins itself where that does not', () => {
    for (const peerBegins of [true, false]) {
      const { network, host } = agentAndPuppet('controlled')
      validate(network, host, { useCandidate: true })
      restart(network, host)
      const remote = { ...puppet.parameters, usernameFragment: 'puppet2' }
      network.act(host, (agent, now) => agent.setRemoteParameters(remote, now))
      for (const candidate of host.candidates)
        network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
      const signalled = { ...puppet.address, port: 9001 }
      network.act(host, (agent, now) =>
        agent.addRemoteCandidate(
          { foundation: '1', component: 1, protocol: 'udp', priority: 1, address: signalled, type: 'host' },
          now,
        ),
      )
      const checks = () => host.agent.pairs().reduce((sum, { requestsSent }) => sum + requestsSent, 0)
      network.run(300)
      assert.equal(checks(), 0)
      const { usernameFragment } = host.agent.localParameters
      if (peerBegins) network.inject(checkOf(host, { username: `${usernameFragment}:puppet2` }), signalled, host)
      network.run(peerBegins ? 50 : 250)
      assert.ok(checks() > 0, `peer begins: ${peerBegins}`)
    }
  })

  it('ends the checks of the session before', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    assert.equal(sentBy(host, 'request').length, 1)
    restart(network, host)
    network.run(60_000)
    assert.equal(sentBy(host, 'request').length, 1)
    assert.equal(host.agent.state, 'new')
  })

  it('gives the old pair up at once when the peer revokes consent', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    restart(network, host)
    assert.ok(host.agent.selectedPair)
    network.run(6000, () => sentBy(host, 'request').length === 2)
    network.inject(answerTo(lastRequest(host), 'error', { errorCode: { code: 403, reason: '' } }), puppet.address, host)
    assert.equal(host.agent.selectedPair, undefined)
  })

  it('does not return to the old pair when the new one is lost', () => {
    const { network, a, b } = connected(1)
    for (const host of [a, b]) restart(network, host)
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b)))
    network.filter = () => true
    network.run(60_000)
    assert.equal(a.agent.selectedPair, undefined)
    assert.equal(a.agent.state, 'failed')
  })

  it('counts role conflicts anew', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host), puppet.address, host)
    const conflict = () => {
      const answer = answerTo(lastRequest(host), 'error', { errorCode: { code: 487, reason: '' } })
      network.inject(answer, puppet.address, host)
      network.run(20)
    }
    for (let i = 0; i < 20; i++) conflict()
    assert.equal(host.agent.pairs()[0]?.state, 'failed')
    restart(network, host)
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    for (const candidate of host.candidates) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
    network.inject(checkOf(host), puppet.address, host)
    const role = host.agent.role
    conflict()
    assert.notEqual(host.agent.role, role)
  })

  it('twice in a row keeps the pair of before the first', () => {
    const { network, a, b } = connected(4)
    const old = a.agent.selectedPair
    restart(network, a)
    restart(network, a)
    network.run(60_000)
    assert.equal(a.agent.selectedPair, old)
    restart(network, b)
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b) && a.agent.selectedPair !== old))
  })

  it('takes data from the old pair and the new one', () => {
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    signal(network, a, b)
    network.run(1000)
    const [first, second] = a.candidates
    const remote = b.candidates[0]
    assert.ok(first && second && remote)
    assert.equal(a.agent.isValidated(first.base, remote.base), true)
    assert.equal(a.agent.isValidated(second.base, remote.base), false)
    for (const host of [a, b]) restart(network, host)
    exchangeParameters(network, a, b)
    network.act(a, (agent, now) => agent.addLocalCandidate(second, now))
    addCandidates(network, b)
    tellCandidates(network, b, a)
    assert.ok(network.run(1000, () => agree(a, b) && a.agent.selectedPair?.local.base === second.base))
    assert.equal(a.agent.isValidated(first.base, remote.base), true)
    assert.equal(a.agent.isValidated(second.base, remote.base), true)
  })

  it('is refused with a user name fragment or password of before', () => {
    const { network, a } = connected(1)
    const { usernameFragment, password } = a.agent.localParameters
    const fresh = createIceParameters(length => network.random.bytes(length))
    for (const parameters of [
      { usernameFragment, password: fresh.password },
      { usernameFragment: fresh.usernameFragment, password },
    ]) {
      assert.throws(
        () => a.agent.restart(parameters, network.now),
        (error: unknown) => error instanceof IceError && error.code === 'credentials-unchanged',
      )
    }
    assert.equal(a.agent.state, 'completed')
  })

  it('is not needed for another peer that answers with other parameters', () => {
    // RFC 8445 §7.3.1.4: forking
    const network = new Network(1, calm)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    const c = network.host('c', ['203.0.113.1'], { role: 'controlled' })
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b)))
    network.act(c, (agent, now) => agent.setRemoteParameters(a.agent.localParameters, now))
    addCandidates(network, c)
    tellCandidates(network, a, c)
    network.run(100)
    network.act(a, (agent, now) => agent.setRemoteParameters(c.agent.localParameters, now))
    const last = a.sent.at(-1)
    assert.deepEqual(
      [last?.at, last?.transmit.remote.address],
      [network.now, '203.0.113.1'],
      'its checks are remembered',
    )
    tellCandidates(network, c, a)
    assert.ok(network.run(1000, () => agree(a, c)))
    assert.equal(a.agent.state, 'completed')
  })
})
