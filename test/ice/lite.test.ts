import assert from 'node:assert/strict'
import { agentAndPuppet, checkOf, decode, puppet, sentBy } from './messages.ts'
import {
  addCandidate,
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
  states,
  tellCandidates,
  type Weather,
} from './network.ts'

const storm: Weather = { loss: 0.3, duplicate: 0.3, minDelayMs: 1, maxDelayMs: 80 }

describe('An ICE-lite agent', () => {
  for (const offerer of ['lite', 'full'] as const) {
    it(`is controlled by a full one, whatever role signalling gave, when the ${offerer} one offers`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, lite, full } = liteAndFull(seed, offerer, seed % 2 === 0 ? calm : storm)
        signal(network, lite, full)
        assert.ok(
          network.run(30_000, () => agree(lite, full)),
          `seed ${seed}: ${describePairs(lite, full)}`,
        )
        assert.deepEqual([lite.agent.role, full.agent.role], ['controlled', 'controlling'])
        network.weather = calm
        network.run(60_000)
        assert.ok(agree(lite, full) && isUp(lite) && isUp(full), `seed ${seed}: ${describePairs(lite, full)}`)
        assert.deepEqual(sentBy(lite, 'request'), [], `seed ${seed}: a lite agent sends no checks`)
      }
    })
  }

  it('completes as soon as it has the nomination, and stays so while the peer asks', () => {
    const { network, lite, full } = liteAndFull(1, 'full', calm)
    signal(network, lite, full)
    network.run(600_000)
    assert.deepEqual(states(lite), ['checking', 'completed'])
    assert.deepEqual(states(full), ['checking', 'connected', 'completed'])
  })

  it('takes checks that come before it knows the parameters of the peer', () => {
    const { network, lite, full } = liteAndFull(1, 'lite', calm)
    for (const host of [lite, full]) addCandidates(network, host)
    network.act(full, (agent, now) => agent.setRemoteParameters(lite.agent.localParameters, now))
    tellCandidates(network, lite, full)
    network.run(500)
    assert.equal(full.agent.state, 'completed')
    network.act(lite, (agent, now) => agent.setRemoteParameters(full.agent.localParameters, now))
    assert.ok(agree(lite, full))
  })

  it('has no use for candidates that are not of its host', () => {
    const { network, lite } = liteAndFull(1, 'lite', calm)
    addCandidates(network, lite)
    const relay = network.addRelay(lite, '203.0.113.5')
    addCandidate(network, lite, relay)
    const received = network.inject(checkOf(lite), puppet.address, lite, relay.base)
    assert.deepEqual(received, { drop: 'unknown-local' })
  })

  it('sends nothing before a nomination, and then on the pair that has it', () => {
    const network = new Network(1)
    const host = network.host('agent', ['192.0.2.1'], { role: 'controlled', lite: true })
    addCandidates(network, host)
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    const selected = () => host.agent.selectedPair?.remote.address
    network.inject(checkOf(host), puppet.address, host)
    assert.equal(selected(), undefined)
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.deepEqual(selected(), puppet.address)
  })

  it('insists on its role: a full peer that claims to be controlled gets 487, one that controls is obeyed', () => {
    const network = new Network(1)
    for (const tieBreaker of [0n, 2n ** 64n - 1n]) {
      const host = network.host('agent', ['192.0.2.1'], { role: 'controlled', lite: true })
      addCandidates(network, host)
      const claim = { iceControlling: undefined, iceControlled: tieBreaker }
      network.inject(checkOf(host, claim), puppet.address, host)
      assert.equal(sentBy(host, 'error').at(-1)?.attributes.errorCode?.code, 487)
      assert.equal(host.agent.role, 'controlled')
    }
  })

  it('is disconnected while its peer does not ask for consent, and connected when it does again', () => {
    const { network, lite, full } = liteAndFull(1, 'full', calm)
    signal(network, lite, full)
    network.run(10_000)
    network.filter = () => true
    network.run(12_000)
    assert.equal(lite.agent.state, 'disconnected')
    assert.ok(lite.agent.selectedPair)
    network.filter = () => false
    network.run(12_000)
    assert.ok(isUp(lite) && isUp(full))
    assert.ok(agree(lite, full))
  })

  it('moves with its peer when an interface vanishes, at either end', () => {
    for (const role of ['lite', 'full'] as const) {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, lite, full } = liteAndFull(seed, 'full', calm, 2)
        signal(network, lite, full)
        assert.ok(network.run(1000, () => agree(lite, full)))
        network.run(network.random.next() % 15_000)
        const host = role === 'lite' ? lite : full
        const base = host.agent.selectedPair?.local.base
        network.removeInterface(host, host.candidates.find(candidate => candidate.base === base) ?? assert.fail())
        assert.ok(
          network.run(13_000, () => agree(lite, full) && isUp(lite)),
          `${role}, seed ${seed}: ${describePairs(lite, full)}`,
        )
      }
    }
  })

  it('is controlled after a restart as before', () => {
    const { network, lite, full } = liteAndFull(1, 'full', calm)
    signal(network, lite, full)
    network.run(1000)
    for (const host of [lite, full]) {
      const fresh = { usernameFragment: `fresh${host.name}`, password: `freshPasswordOf${host.name}1234567` }
      network.act(host, (agent, now) => agent.restart(fresh, now))
    }
    assert.equal(lite.agent.localParameters.lite, true)
    signal(network, lite, full)
    assert.ok(network.run(1000, () => agree(lite, full)))
    assert.equal(lite.agent.role, 'controlled')
  })
})

describe('Two ICE-lite agents', () => {
  it('use the pair that both hold to be the best, without any check', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const network = new Network(seed)
      const a = network.host('a', ['192.0.2.1', '2001:db8::1', '192.0.2.2'], { lite: true })
      const b = network.host('b', ['2001:db8::2', '198.51.100.1'], { lite: true, role: 'controlled' })
      signal(network, a, b)
      assert.ok(agree(a, b), describePairs(a, b))
      assert.equal(a.agent.role, 'controlling')
      network.run(120_000)
      assert.deepEqual([a.sent, b.sent], [[], []])
      assert.deepEqual([a.agent.state, b.agent.state], ['completed', 'completed'])
      const [ours, theirs] = [a.agent.selectedPair, b.agent.selectedPair]
      assert.ok(ours && theirs)
      assert.ok(b.agent.isValidated(theirs.local.base, theirs.remote.address))
      assert.equal(b.agent.isValidated(theirs.local.base, address('203.0.113.66', 1)), false)
    }
  })

  it('wait until all candidates are told', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'], { lite: true })
    const b = network.host('b', ['198.51.100.1'], { lite: true, role: 'controlled' })
    exchangeParameters(network, a, b)
    for (const host of [a, b]) addCandidates(network, host)
    tellCandidates(network, b, a)
    assert.ok(a.agent.selectedPair)
    assert.equal(b.agent.selectedPair, undefined)
    tellCandidates(network, a, b)
    assert.ok(agree(a, b))
  })
})

describe('A full agent', () => {
  it('does not let a lite peer claim control', () => {
    const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
    network.act(host, (agent, now) => agent.setRemoteParameters({ ...puppet.parameters, lite: true }, now))
    assert.equal(host.agent.role, 'controlling')
    host.agent.setRole('controlled')
    assert.equal(host.agent.role, 'controlling')
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlling')
    const last = host.sent.at(-1)?.transmit.data
    assert.ok(last)
    assert.equal(decode(last).attributes.errorCode?.code, 487)
  })
})

function liteAndFull(
  seed: number,
  offerer: 'lite' | 'full',
  weather: Weather,
  addresses = 1,
): { network: Network; lite: Host; full: Host } {
  const network = new Network(seed, weather)
  const ips = (prefix: string) => Array.from({ length: addresses }, (_, index) => `${prefix}.${index + 1}`)
  // The role that the offerer gets from signalling, if nobody looks at who is lite.
  const role = (name: string) => (name === offerer ? 'controlling' : 'controlled')
  const lite = network.host('lite', ips('192.0.2'), { lite: true, role: role('lite') })
  const full = network.host('full', ips('198.51.100'), { role: role('full') })
  return { network, lite, full }
}
