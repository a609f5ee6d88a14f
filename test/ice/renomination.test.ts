import assert from 'node:assert/strict'
import type { IceCandidate } from '../../src/ice/candidate.ts'
import { agentAndPuppet, checkOf, decode, puppet, runAnswering, sentBy, succeed } from './messages.ts'
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
  states,
  type Weather,
} from './network.ts'
import { trickle } from './pairs.ts'

const storm: Weather = { loss: 0.2, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 80 }

describe('Renomination', () => {
  for (const role of ['controlling', 'controlled'] as const) {
    it(`moves both ends to a better pair when a better interface appears at the ${role} end`, () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { network, a, b } = onPoorInterfaces(seed, { a: true, b: true })
        network.weather = seed % 2 === 0 ? calm : storm
        network.run(network.random.next() % 20_000)
        const [host, peer] = role === 'controlling' ? [a, b] : [b, a]
        const better = network.addInterface(host, '203.0.113.7', 65535)
        // A controlled peer need not hear of it. A controlling one takes it for peer-reflexive, and so for worse.
        addCandidate(network, host, better, host === a && seed % 3 === 0 ? undefined : peer)
        const start = network.now
        assert.ok(
          network.run(5000, () => agree(a, b) && host.agent.selectedPair?.local.base === better.base),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        assert.ok(network.now - start < (seed % 2 === 0 ? 200 : 5000), `seed ${seed}: ${network.now - start} ms`)
        network.weather = calm
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
        assert.equal(host.agent.selectedPair?.local.base, better.base)
        for (const one of [a, b]) assert.ok(!states(one).includes('disconnected'), `seed ${seed}`)
      }
    })
  }

  it('does not happen where one end does not know of it', () => {
    for (const knows of [
      { a: true, b: false },
      { a: false, b: true },
    ]) {
      const { network, a, b } = onPoorInterfaces(1, knows)
      const before = a.agent.selectedPair
      addCandidate(network, a, network.addInterface(a, '203.0.113.7', 65535), b)
      network.run(60_000)
      assert.equal(a.agent.selectedPair, before)
      assert.ok(agree(a, b))
      const numbered = sentBy(a, 'request').filter(request => request.attributes.nomination !== undefined)
      assert.deepEqual(numbered, [])
    }
  })

  it('numbers nominations, each greater than the one before, and repeats the number with consent requests', () => {
    const { network, a, b } = onPoorInterfaces(1, { a: true, b: true })
    network.run(12_000)
    const numbers = () => [
      ...new Set(
        sentBy(a, 'request')
          .filter(request => request.attributes.useCandidate)
          .map(request => request.attributes.nomination),
      ),
    ]
    assert.deepEqual(numbers(), [1])
    addCandidate(network, a, network.addInterface(a, '203.0.113.7', 65535), b)
    network.run(12_000)
    assert.deepEqual(numbers(), [1, 2])
    assert.ok(agree(a, b))
  })

  it('leaves worse pairs alone, but takes one when the better is gone', () => {
    const { network, a, b } = onPoorInterfaces(1, { a: true, b: true })
    const better = network.addInterface(a, '203.0.113.7', 65535)
    addCandidate(network, a, better, b)
    assert.ok(network.run(1000, () => agree(a, b) && a.agent.selectedPair?.local.base === better.base))
    const sent = a.sent.length
    const worse = network.addInterface(a, '203.0.113.8', 10)
    addCandidate(network, a, worse, b)
    network.run(1000)
    assert.deepEqual(
      a.sent.slice(sent).filter(({ transmit }) => transmit.local === worse.base),
      [],
    )
    network.removeInterface(a, better)
    assert.ok(network.run(1000, () => agree(a, b)))
  })

  it('back and forth, in any weather, always ends with both on the same pair', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { network, a, b } = onPoorInterfaces(seed, { a: true, b: true })
      network.weather = storm
      for (let round = 0; round < 6; round++) {
        const host = network.random.next() % 2 === 0 ? a : b
        const peer = host === a ? b : a
        if (host.candidates.length < 2) {
          addCandidate(network, host, network.addInterface(host, `203.0.113.${10 + round}`, 65000 + round), peer)
        } else {
          const base = host.agent.selectedPair?.local.base
          const used = host.candidates.find(candidate => candidate.base === base)
          if (used !== undefined) network.removeInterface(host, used)
        }
        network.run(network.random.next() % 4000)
      }
      network.weather = calm
      assert.ok(
        network.run(10_000, () => agree(a, b) && isUp(a) && isUp(b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.run(10_000)
      const before = a.agent.selectedPair
      network.run(60_000)
      assert.ok(agree(a, b), `seed ${seed}: ${describePairs(a, b)}`)
      assert.equal(a.agent.selectedPair, before, `seed ${seed}: it has come to rest`)
    }
  })

  it('that goes unanswered is taken back: the pair in use is nominated again, with a greater number', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, a, b } = onPoorInterfaces(seed, { a: true, b: true })
      const before = a.agent.selectedPair
      const better = network.addInterface(a, '203.0.113.7', 65535)
      // The nomination arrives, but its answer does not, and then the better pair is no more.
      network.filter = ({ data, remote }) =>
        remote.address === '203.0.113.7' && decode(data).class === 'success' && isLate()
      const isLate = () => b.agent.pairs().some(pair => pair.nominated && pair.remote.address.address === '203.0.113.7')
      addCandidate(network, a, better, b)
      assert.ok(network.run(2000, () => b.agent.selectedPair?.remote.address.address === '203.0.113.7'))
      network.run(network.random.next() % 3000)
      if (a.agent.selectedPair === before) network.removeInterface(a, better)
      assert.ok(
        network.run(2000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
    }
  })

  it('by a peer follows the greatest number, in whatever order they arrive, and any number before none', () => {
    const [first, second] = [address('198.51.100.1', 1001), address('198.51.100.2', 1002)]
    for (const [order, expected] of [
      [
        [
          [first, 1],
          [second, 2],
        ],
        second,
      ],
      [
        [
          [second, 2],
          [first, 1],
        ],
        second,
      ],
      [
        [
          [first, 7],
          [second, 3],
        ],
        first,
      ],
      [
        [
          [second, 1],
          [first, undefined],
        ],
        second,
      ],
      [
        [
          [second, undefined],
          [first, 1],
        ],
        first,
      ],
      [
        [
          [first, 5],
          [second, 6],
          [first, 5],
        ],
        second,
      ],
    ] as const) {
      const { network, host } = renominatedByPuppet([first, second])
      for (const [remote, nomination] of order) {
        network.inject(checkOf(host, { useCandidate: true, nomination }), remote, host)
        runAnswering(network, host, 50)
      }
      assert.deepEqual(host.agent.selectedPair?.remote.address, expected, JSON.stringify(order))
    }
  })

  it('by a peer waits until the pair is valid, and is forgotten if a greater number comes meanwhile', () => {
    const [first, second] = [address('198.51.100.1', 1001), address('198.51.100.2', 1002)]
    const { network, host } = renominatedByPuppet([first, second])
    const selected = () => host.agent.selectedPair?.remote.address
    network.inject(checkOf(host, { useCandidate: true, nomination: 4 }), first, host)
    const early = host.sent.at(-1)?.transmit.data
    network.run(25)
    network.inject(checkOf(host, { useCandidate: true, nomination: 9 }), second, host)
    network.run(25)
    succeed(network, host, second)
    assert.deepEqual(selected(), second)
    assert.ok(early)
    runAnswering(network, host, 3000)
    assert.deepEqual(selected(), second)
  })

  it('counts without USE-CANDIDATE too, as libwebrtc takes it', () => {
    const [first, second] = [address('198.51.100.1', 1001), address('198.51.100.2', 1002)]
    const { network, host } = renominatedByPuppet([first, second])
    network.inject(checkOf(host, { nomination: 1 }), second, host)
    runAnswering(network, host, 50)
    assert.deepEqual(host.agent.selectedPair?.remote.address, second)
    assert.equal(host.agent.pairs().find(pair => pair.selected)?.nominated, true)
  })

  it('is no concern of an agent that did not offer it', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host, { nomination: 1 }), puppet.address, host)
    runAnswering(network, host, 50)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
    assert.equal(decode(host.sent.at(-1)?.transmit.data ?? new Uint8Array()).attributes.nomination, undefined)
  })
})

/** Two hosts that are connected over interfaces with a low preference. */
function onPoorInterfaces(
  seed: number,
  knows: { readonly a: boolean; readonly b: boolean },
): { network: Network; a: Host; b: Host } {
  const network = new Network(seed, calm)
  const a = network.host('a', [], { renomination: knows.a })
  const b = network.host('b', [], { role: 'controlled', renomination: knows.b })
  network.addInterface(a, '192.0.2.1', 100)
  network.addInterface(b, '198.51.100.1', 100)
  exchangeParameters(network, a, b)
  // Trickling goes on: no end of candidates is told.
  trickle(network, a, b)
  assert.ok(network.run(1000, () => agree(a, b)))
  return { network, a, b }
}

/** A controlled agent with renomination, whose peer has it too. */
function renominatedByPuppet(remotes: readonly ReturnType<typeof address>[]): { network: Network; host: Host } {
  const network = new Network(1)
  const host = network.host('agent', ['192.0.2.1'], { role: 'controlled', renomination: true })
  addCandidates(network, host)
  network.act(host, (agent, now) => agent.setRemoteParameters({ ...puppet.parameters, renomination: true }, now))
  remotes.forEach((remote, index) => {
    const candidate: IceCandidate = {
      foundation: String(index),
      component: 1,
      protocol: 'udp',
      priority: 2_000_000_000 - index,
      address: remote,
      type: 'host',
    }
    network.act(host, (agent, now) => agent.addRemoteCandidate(candidate, now))
  })
  return { network, host }
}
