import assert from 'node:assert/strict'
import { addCandidates, agree, calm, type Host, Network, signal, tellCandidates } from './network.ts'
import { restart } from './pairs.ts'

interface Trio {
  readonly network: Network
  readonly a: Host
  readonly b: Host
  /** Knows of `a`, which it checks; not the other way round. */
  readonly c: Host
}

/** Two agents that are connected. The third has heard what the first has told the second. */
function trio(seed: number): Trio {
  const network = new Network(seed, calm)
  const a = network.host('a', ['192.0.2.1'])
  const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
  const c = network.host('c', ['203.0.113.1'], { role: 'controlled' })
  signal(network, a, b)
  assert.ok(network.run(1_000, () => agree(a, b)))
  return { network, a, b, c }
}

function forked({ network, a, c }: Trio): void {
  network.act(c, (agent, now) => agent.setRemoteParameters(a.agent.localParameters, now))
  addCandidates(network, c)
  tellCandidates(network, a, c)
  network.run(100)
}

function takesDataFrom(host: Host, other: Host): boolean {
  const [own, theirs] = [host.candidates[0]?.base, other.candidates[0]?.base]
  assert.ok(own && theirs)
  return host.agent.isValidated(own, theirs)
}

function hasHeardOther(host: Host, other: Host): boolean {
  const [own, theirs] = [host.candidates[0]?.base, other.candidates[0]?.base]
  assert.ok(own && theirs)
  return host.agent.hasHeardOther(own, theirs)
}

describe('An ICE agent whose peer is replaced by another', () => {
  it('takes data of the one that was signalled alone, though the other one is answered', () => {
    const all = trio(1)
    const { a, b, c } = all
    assert.deepEqual([hasHeardOther(a, b), hasHeardOther(a, c)], [false, false])
    forked(all)
    assert.deepEqual([takesDataFrom(a, b), takesDataFrom(a, c)], [true, false])
    assert.deepEqual([hasHeardOther(a, b), hasHeardOther(a, c)], [false, true])
  })

  it('takes data of whoever was answered as long as nobody was signalled', () => {
    const all = trio(2)
    const { network, a, b, c } = all
    restart(network, a)
    for (const candidate of a.candidates) network.act(a, (agent, now) => agent.addLocalCandidate(candidate, now))
    forked(all)
    assert.deepEqual([takesDataFrom(a, b), takesDataFrom(a, c)], [true, true])
    assert.deepEqual([hasHeardOther(a, b), hasHeardOther(a, c)], [false, true])
    // Until it is known to be somebody else.
    network.act(a, (agent, now) => agent.setRemoteParameters(b.agent.localParameters, now))
    assert.deepEqual([takesDataFrom(a, b), takesDataFrom(a, c)], [true, false])
  })

  for (const restarts of [false, true]) {
    it(`leaves the path at once, and takes nothing from there, ${restarts ? 'with' : 'without'} a restart`, () => {
      const all = trio(3)
      const { network, a, b, c } = all
      const old = a.agent.selectedPair
      if (restarts) {
        restart(network, a)
        for (const candidate of a.candidates) network.act(a, (agent, now) => agent.addLocalCandidate(candidate, now))
      }
      assert.equal(a.agent.selectedPair, old)
      forked(all)
      network.act(a, (agent, now) => agent.setRemoteParameters(c.agent.localParameters, now, true))
      assert.deepEqual([a.agent.selectedPair, a.agent.state], [undefined, 'checking'])
      assert.equal(takesDataFrom(a, b), false)
      assert.equal(a.agent.rollbackRestart(network.now), false, 'there is no way back')
      tellCandidates(network, c, a)
      assert.ok(network.run(1_000, () => agree(a, c)))
      // The first one goes on with its checks: they are answered, to no effect.
      network.run(20_000)
      assert.ok(agree(a, c))
      assert.deepEqual([takesDataFrom(a, b), takesDataFrom(a, c)], [false, true])
    })
  }

  it('fails where the other one cannot be reached, whether the first one still can or not', () => {
    const { network, a, c } = trio(4)
    const { usernameFragment } = c.agent.localParameters
    const unknown = { usernameFragment, password: 'ofSomebodyWhoIsNotThereAtAll' }
    network.act(a, (agent, now) => agent.setRemoteParameters(unknown, now, true))
    addCandidates(network, c)
    tellCandidates(network, c, a)
    network.act(a, (agent, now) => agent.endOfRemoteCandidates(now))
    assert.ok(network.run(60_000, () => a.agent.state === 'failed'))
    assert.equal(a.agent.selectedPair, undefined)
  })
})
