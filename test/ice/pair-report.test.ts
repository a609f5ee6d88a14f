import assert from 'node:assert/strict'
import { maxPairHistory, PairHistory } from '../../src/ice/pair-history.ts'
import { explainPairs } from '../../src/ice/pair-report.ts'
import { agentAndPuppet, answerTo, checkOf, lastRequest, puppet } from './messages.ts'
import { addCandidates, address, agree, type Host, Network, signal } from './network.ts'

describe('The history of a pair', () => {
  it('tells how it came to carry data', () => {
    const { a, b } = connected()
    for (const host of [a, b]) {
      const [pair] = host.agent.pairs()
      const what = pair?.history.map(entry => entry.what) ?? []
      for (const happening of ['check-sent', 'answered', 'selected', 'nominated'] as const) {
        assert.ok(what.includes(happening), `${host.name}: ${what.join(', ')}`)
      }
      assert.equal(what.includes('nomination-sent'), host === a)
      const times = pair?.history.map(({ at }) => at) ?? []
      assert.deepEqual(times, times.toSorted())
    }
  })

  it('does not grow while nothing happens but consent', () => {
    const { network, a } = connected()
    const before = a.agent.pairs()[0]?.history
    network.run(600_000)
    assert.deepEqual(a.agent.pairs()[0]?.history, before)
  })

  it('tells of silence, recovery and failure', () => {
    const { network, a } = connected()
    network.filter = () => true
    network.run(60_000)
    const what = a.agent.pairs()[0]?.history.map(entry => entry.what) ?? []
    assert.deepEqual(what.slice(-4), ['probe-sent', 'silent', 'failed: consent-expired', 'deselected'])
  })

  it('is bounded: the middle goes', () => {
    const history = new PairHistory()
    history.note('peer-check', 0)
    for (let at = 1; at <= 1000; at++) history.note('check-sent', at)
    const entries = history.entries()
    assert.equal(entries.length, maxPairHistory)
    assert.deepEqual([entries[0]?.at, entries[1]?.at, entries.at(-1)?.at], [0, 1, 1000])
  })
})

describe('The explanation of pairs', () => {
  it('names the pair in use', () => {
    const { a } = connected()
    const [summary, line, ...others] = explainPairs(a.agent.pairs())
    assert.equal(summary, 'Data goes from host udp 192.0.2.1:5000 to host udp 198.51.100.1:5001.')
    assert.equal(line, 'host udp 192.0.2.1:5000 to host udp 198.51.100.1:5001: works, in use, nominated, 2 ms')
    assert.deepEqual(others, [])
  })

  it('says why nothing works, pair by pair', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
    const b = network.host('b', ['198.51.100.1', '2001:db8::1'], { role: 'controlled' })
    network.addTcp(a, '192.0.2.1', 'active')
    network.filter = () => true
    signal(network, a, b)
    const [early] = explainPairs(a.agent.pairs())
    assert.equal(early, 'No pair carries data; 2 of 2 may yet do so.')
    const [, gone] = a.candidates
    assert.ok(gone)
    network.removeInterface(a, gone)
    network.run(60_000)
    const lines = explainPairs(a.agent.pairs())
    assert.equal(lines[0], 'All 2 pairs have failed, and nothing ever came from the peer.')
    assert.match(lines[1] ?? '', /: failed: no answer \(17 requests sent, 0 answered; 0 came from the peer\)$/)
    assert.match(lines[2] ?? '', /: failed: our own address is gone/)
  })

  it('says that there are no pairs, and why', () => {
    const network = new Network(1)
    const host = network.host('agent', ['192.0.2.1'])
    addCandidates(network, host)
    assert.match(explainPairs(host.agent.pairs()).join(), /^There are no pairs: an end has no candidates/)
  })

  it('tells what came from a peer that did not accept ours', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    const refusal = { errorCode: { code: 400, reason: '' } }
    network.inject(answerTo(lastRequest(host), 'error', refusal), puppet.address, host)
    const [summary, line] = explainPairs(host.agent.pairs())
    assert.equal(summary, 'The only pair has failed, although something came from the peer.')
    assert.match(line ?? '', /: failed: the peer answered with error 400$/)
  })

  it('has words for every failure, and tells no secrets', () => {
    const { network, a, b } = connected()
    const [view] = a.agent.pairs()
    assert.ok(view)
    const failures = [
      'timed-out',
      'asymmetric-response',
      'unusable-response',
      'role-conflict-unresolved',
      'nomination-unanswered',
      'consent-expired',
      'consent-revoked',
      'local-address-lost',
      'unreachable',
      'peer-refused',
    ] as const
    const lines = failures.map(lastFailure => {
      const failed = { ...view, state: 'failed', selected: false, lastFailure } as const
      return explainPairs([failed])[1] ?? ''
    })
    assert.equal(new Set(lines).size, failures.length)
    for (const line of lines) assert.doesNotMatch(line, /undefined/)
    network.inject(checkOf(a, {}), address('203.0.113.66', 1), a)
    const text = [...lines, ...explainPairs(a.agent.pairs()), ...explainPairs(b.agent.pairs())].join()
    for (const { agent } of [a, b]) {
      assert.ok(!text.includes(agent.localParameters.password))
      assert.ok(!text.includes(agent.localParameters.usernameFragment))
    }
  })
})

function connected(): { network: Network; a: Host; b: Host } {
  const network = new Network(1)
  const a = network.host('a', ['192.0.2.1'])
  const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
  signal(network, a, b)
  assert.ok(network.run(1000, () => agree(a, b)))
  network.run(50)
  return { network, a, b }
}
