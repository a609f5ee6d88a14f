import assert from 'node:assert/strict'
import { maxRoleSwitches } from '../../src/ice/role.ts'
import { agentAndPuppet, answerTo, checkOf, decode, lastRequest, puppet, sentBy } from './messages.ts'
import { agree, calm, type Host, Network, signal } from './network.ts'

describe('A role conflict between ICE agents', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    it(`is settled when both are ${role}, whatever the network does`, () => {
      let firstWon = 0
      for (let seed = 1; seed <= 100; seed++) {
        const network = new Network(seed, {
          loss: seed % 2 === 0 ? 0.2 : 0,
          duplicate: 0.2,
          minDelayMs: 1,
          maxDelayMs: 50,
        })
        const a = network.host('a', ['192.0.2.1', '192.0.2.2'], { role })
        const b = network.host('b', ['198.51.100.1'], { role })
        signal(network, a, b)
        assert.ok(
          network.run(20_000, () => agree(a, b)),
          `seed ${seed}: ${a.agent.state} ${b.agent.state}`,
        )
        network.weather = calm
        network.run(20_000)
        assert.ok(agree(a, b), `seed ${seed}`)
        assert.notEqual(a.agent.role, b.agent.role, `seed ${seed}`)
        // The role that both wanted is kept by one: exactly one of them switched.
        assert.equal(roleEvents(a).length + roleEvents(b).length, 1, `seed ${seed}`)
        if (a.agent.role === role) firstWon++
      }
      assert.ok(firstWon > 20 && firstWon < 80, `the first one won ${firstWon} times of 100`)
    })
  }

  it('is answered with 487 by the controlling agent with the larger tie-breaker, or else it yields', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 0n }), puppet.address, host)
    assert.equal(sentBy(host, 'error')[0]?.attributes.errorCode?.code, 487)
    assert.equal(host.agent.role, 'controlling')
    assert.equal(host.agent.pairs().length, 0, 'a request that was refused has no further effect')
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlled')
    assert.equal(sentBy(host, 'success').length, 1)
    assert.equal(host.agent.pairs().length, 1)
  })

  it('is answered with 487 by the controlled agent with the smaller tie-breaker, or else it takes control', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host, { iceControlling: undefined, iceControlled: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(sentBy(host, 'error')[0]?.attributes.errorCode?.code, 487)
    assert.equal(host.agent.role, 'controlled')
    network.inject(checkOf(host, { iceControlling: undefined, iceControlled: 0n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlling')
    assert.equal(sentBy(host, 'success').length, 1)
  })

  it('is decided for the controlling agent where tie-breakers are equal', () => {
    // RFC 8445 §7.3.1.1: larger than or equal to
    for (const role of ['controlling', 'controlled'] as const) {
      const { network, host } = agentAndPuppet(role)
      network.inject(checkOf(host), puppet.address, host)
      const { iceControlling, iceControlled } = decode(lastRequest(host)).attributes
      const claim =
        role === 'controlling'
          ? { iceControlled: undefined, iceControlling }
          : { iceControlling: undefined, iceControlled }
      network.inject(checkOf(host, claim), puppet.address, host)
      assert.equal(host.agent.role, 'controlling')
    }
  })

  it('changes role, tie-breaker and the next check on a 487', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host), puppet.address, host)
    const first = lastRequest(host)
    network.inject(
      answerTo(first, 'error', { errorCode: { code: 487, reason: 'Role Conflict' } }),
      puppet.address,
      host,
    )
    assert.equal(host.agent.role, 'controlled')
    network.run(20)
    const [before, after] = [decode(first).attributes, decode(lastRequest(host)).attributes]
    assert.equal(after.iceControlling, undefined)
    assert.notEqual(after.iceControlled, undefined)
    assert.notEqual(after.iceControlled, before.iceControlling)
    assert.deepEqual(roleEvents(host), ['controlled'])
  })

  it('is not reopened by a 487 that arrives after a role swap', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host), puppet.address, host)
    const request = lastRequest(host)
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlled')
    network.inject(answerTo(request, 'error', { errorCode: { code: 487, reason: '' } }), puppet.address, host)
    assert.equal(host.agent.role, 'controlled')
    assert.deepEqual(roleEvents(host), ['controlled'])
  })

  it('ends with a failed check if the peer never stops answering 487', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host), puppet.address, host)
    let answered = 0
    for (let i = 0; i < 100; i++) {
      const request = lastRequest(host)
      const answer = answerTo(request, 'error', { errorCode: { code: 487, reason: '' } })
      const received = network.inject(answer, puppet.address, host)
      if (JSON.stringify(received) === '{"handled":true}') answered++
      network.run(20)
    }
    assert.equal(answered, maxRoleSwitches + 1)
    assert.equal(host.agent.pairs()[0]?.state, 'failed')
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'role-conflict-unresolved')
  })

  it('does not arise with a lite peer, whatever it claims', () => {
    const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
    network.act(host, (agent, now) => agent.setRemoteParameters({ ...puppet.parameters, lite: true }, now))
    assert.equal(host.agent.role, 'controlling')
    assert.deepEqual(roleEvents(host), ['controlling'])
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlling')
    assert.equal(sentBy(host, 'error')[0]?.attributes.errorCode?.code, 487)
    network.inject(checkOf(host), puppet.address, host)
    network.inject(answerTo(lastRequest(host), 'error', { errorCode: { code: 487, reason: '' } }), puppet.address, host)
    assert.equal(host.agent.role, 'controlling')
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'role-conflict-unresolved')
  })
})

function roleEvents(host: Host): string[] {
  return host.events.flatMap(({ event }) => (event.type === 'role' ? [event.role] : []))
}
