import assert from 'node:assert/strict'
import type { IceCandidate } from '../../src/ice/candidate.ts'
import { nominationMemoryMs } from '../../src/ice/nomination.ts'
import {
  agentAndPuppet,
  answerTo,
  checkOf,
  decode,
  lastRequest,
  puppet,
  puppetCandidate,
  runAnswering,
  sentBy,
  succeed,
  validate,
} from './messages.ts'
import { addCandidates, address, agree, calm, exchangeParameters, type Host, Network, signal } from './network.ts'

describe('Nomination', () => {
  it('comes with USE-CANDIDATE from the controlling agent alone, on a pair that is valid', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    signal(network, a, b)
    network.run(1000)
    const flags = sentBy(a, 'request').map(request => request.attributes.useCandidate === true)
    assert.deepEqual(flags, [false, true])
    assert.deepEqual(
      sentBy(b, 'request').map(request => request.attributes.useCandidate),
      [undefined],
    )
  })

  it('is not repeated on another pair once it has succeeded', () => {
    const network = new Network(1, { ...calm, maxDelayMs: 60 })
    const a = network.host('a', ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    const b = network.host('b', ['198.51.100.1', '198.51.100.2'], { role: 'controlled' })
    signal(network, a, b)
    network.run(120_000)
    const nominated = a.sent.filter(({ transmit }) => decode(transmit.data).attributes.useCandidate)
    const pairs = new Set(nominated.map(({ transmit }) => `${transmit.local.address} ${transmit.remote.address}`))
    assert.equal(pairs.size, 1)
    assert.ok(nominated.length > 10, 'the consent requests repeat it')
  })

  it('is given to another valid pair if it goes unanswered', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    // The better pair answers all checks but the nomination.
    network.filter = ({ data, local }) => local.address === '192.0.2.1' && decode(data).attributes.useCandidate === true
    signal(network, a, b)
    assert.ok(network.run(4000, () => agree(a, b)))
    assert.equal(a.agent.selectedPair?.local.address.address, '192.0.2.2')
    assert.equal(a.agent.pairs().find(pair => !pair.selected)?.lastFailure, 'nomination-unanswered')
  })

  it('that was given up is not followed when its answer comes after all', () => {
    for (const renomination of [false, true]) {
      const network = new Network(1)
      const host = network.host('agent', ['192.0.2.1'], { renomination })
      addCandidates(network, host)
      network.act(host, (agent, now) => agent.setRemoteParameters({ ...puppet.parameters, renomination }, now))
      const remotes = [puppet.address, address('198.51.100.10', 9000)]
      for (const [index, remote] of remotes.entries()) {
        const candidate = {
          ...puppetCandidate,
          foundation: `${index}`,
          priority: 2_000_000_000 - index,
          address: remote,
        }
        network.act(host, (agent, now) => agent.addRemoteCandidate(candidate, now))
      }
      // All checks are answered, but for nominations.
      const nominations: { readonly data: Uint8Array; readonly remote: typeof puppet.address }[] = []
      const answered = new Set<Uint8Array>()
      const answer = (data: Uint8Array, remote: typeof puppet.address) => {
        const { base } = host.candidates[0] ?? assert.fail()
        network.inject(answerTo(data, 'success', { xorMappedAddress: base }), remote, host)
      }
      while (network.now < 8000 && nominations.length < 2) {
        network.run(10)
        for (const { transmit } of host.sent) {
          const { data, remote } = transmit
          if (answered.has(data)) continue
          answered.add(data)
          if (decode(data).attributes.useCandidate) nominations.push({ data, remote })
          else answer(data, remote)
        }
      }
      const [first, second] = nominations
      assert.ok(first && second)
      assert.deepEqual([first.remote, second.remote], remotes)
      answer(first.data, first.remote)
      assert.equal(
        host.agent.pairs().some(pair => pair.nominated),
        false,
      )
      answer(second.data, second.remote)
      assert.deepEqual(host.agent.selectedPair?.remote.address, second.remote)
    }
  })

  it('is not given up before its answer can be here', () => {
    const network = new Network(1, { ...calm, minDelayMs: 2000, maxDelayMs: 2000 })
    const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    signal(network, a, b)
    assert.ok(network.run(20_000, () => agree(a, b)))
    const nominated = a.sent.filter(({ transmit }) => decode(transmit.data).attributes.useCandidate)
    assert.deepEqual(new Set(nominated.map(({ transmit }) => transmit.local.address)), new Set(['192.0.2.1']))
  })

  it('keeps being tried where no other pair is valid', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    network.filter = ({ data }) => network.now < 11_000 && decode(data).attributes.useCandidate === true
    signal(network, a, b)
    assert.equal(
      network.run(9000, () => agree(a, b)),
      false,
    )
    assert.equal(a.agent.state, 'connected')
    assert.ok(network.run(5000, () => agree(a, b)))
  })

  it('selects at once where the pair is valid already', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.nominated, true)
  })

  it('selects once the check that it triggers is answered', () => {
    // As Chromium does: USE-CANDIDATE in its first check.
    const { network, host } = agentAndPuppet('controlled')
    const selected = () => host.agent.selectedPair?.remote.address
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
    assert.equal(selected(), undefined)
    succeed(network, host)
    assert.equal(host.agent.pairs()[0]?.nominated, true)
    assert.deepEqual(selected(), puppet.address)
  })

  it('is remembered from a check that came before the parameters of the peer', () => {
    const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.equal(sentBy(host, 'request').length, 0)
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    succeed(network, host)
    assert.equal(host.agent.pairs()[0]?.nominated, true)
  })

  it('is of no effect from a controlled peer', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    succeed(network, host)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
  })

  it('by the peer is of no effect once the peer is no longer in control', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    const claim = { iceControlling: undefined, iceControlled: 0n }
    network.inject(checkOf(host, claim), puppet.address, host)
    assert.equal(host.agent.role, 'controlling')
    network.run(25)
    succeed(network, host)
    assert.equal(host.agent.pairs()[0]?.state, 'succeeded')
    assert.equal(host.agent.pairs()[0]?.nominated, false)
  })

  it('of our own is of no effect once we are no longer in control', () => {
    const { network, host } = agentAndPuppet('controlling')
    validate(network, host)
    network.run(80, () => decode(lastRequest(host)).attributes.useCandidate === true)
    const nomination = lastRequest(host)
    network.inject(checkOf(host, { iceControlled: undefined, iceControlling: 2n ** 64n - 1n }), puppet.address, host)
    assert.equal(host.agent.role, 'controlled')
    network.inject(answerTo(nomination, 'success', { xorMappedAddress: puppet.address }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.nominated, false)
  })

  it('is forgotten with the check that failed', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    network.inject(answerTo(lastRequest(host), 'error', { errorCode: { code: 400, reason: '' } }), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.state, 'failed')
    validate(network, host)
    assert.equal(host.agent.pairs()[0]?.state, 'succeeded')
    assert.equal(host.agent.pairs()[0]?.nominated, false)
  })

  it('waits for better candidates where they may yet come, unless both ends are hosts', () => {
    const { network, host } = agentAndPuppet('controlling')
    const isNominating = () => decode(lastRequest(host)).attributes.useCandidate === true
    validate(network, host)
    const valid = network.now
    assert.equal(isNominating(), false, 'the remote candidate is peer-reflexive')
    network.run(1000, isNominating)
    assert.equal(network.now - valid, 75)
  })

  it('does not wait once there is nothing to wait for', () => {
    const { network, host } = agentAndPuppet('controlling')
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    validate(network, host)
    assert.equal(decode(lastRequest(host)).attributes.useCandidate, true)
  })

  it('ends the checks of all other pairs, and the forming of new ones', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1', '192.0.2.2'])
    const b = network.host('b', ['198.51.100.1'], { role: 'controlled' })
    network.filter = ({ local, remote }) => local.address === '192.0.2.1' || remote.address === '192.0.2.1'
    exchangeParameters(network, a, b)
    for (const host of [a, b]) addCandidates(network, host)
    for (const [of, to] of [
      [b, a],
      [a, b],
    ] as const) {
      for (const candidate of of.candidates) network.act(to, (agent, now) => agent.addRemoteCandidate(candidate, now))
    }
    assert.ok(network.run(5000, () => agree(a, b)))
    const concluded = network.now
    network.act(a, (agent, now) => agent.addRemoteCandidate({ ...puppetCandidate, priority: 2 ** 31 - 1 }, now))
    network.run(20_000)
    assert.equal(a.agent.pairs().length, 2)
    const later = a.sent.filter(({ at, transmit }) => at > concluded && transmit.local.address === '192.0.2.1')
    assert.deepEqual(later, [])
  })

  it('is followed by no checks on other pairs, even if the peer makes some', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const before = sentBy(host, 'request').length
    network.inject(checkOf(host), { ...puppet.address, port: 9001 }, host)
    network.run(1000)
    assert.equal(sentBy(host, 'request').length, before)
    assert.equal(sentBy(host, 'success').length, 2, 'they are answered')
  })

  describe('of several pairs by an aggressive peer', () => {
    const better = address('198.51.100.1', 1001)
    const worse = address('198.51.100.2', 1002)

    it('selects the best one, in whatever order they come', () => {
      for (const order of [
        [better, worse],
        [worse, better],
      ]) {
        const { network, host } = withTwoRemotes()
        for (const remote of order) nominate(network, host, remote)
        assert.deepEqual(host.agent.selectedPair?.remote.address, better)
      }
    })

    it('follows a nomination that has moved to a worse pair', () => {
      const { network, host } = withTwoRemotes()
      nominate(network, host, better)
      network.run(nominationMemoryMs + 1)
      nominate(network, host, worse)
      assert.deepEqual(host.agent.selectedPair?.remote.address, worse)
      nominate(network, host, better)
      assert.deepEqual(host.agent.selectedPair?.remote.address, better)
    })

    it('stays where the peer keeps nominating', () => {
      const { network, host } = withTwoRemotes()
      nominate(network, host, better)
      for (let i = 0; i < 10; i++) {
        runAnswering(network, host, 2000)
        nominate(network, host, better)
        nominate(network, host, worse)
        assert.deepEqual(host.agent.selectedPair?.remote.address, better)
      }
    })

    it('follows at once to a worse pair when the better one no longer answers', () => {
      const { network, host } = withTwoRemotes()
      nominate(network, host, worse)
      nominate(network, host, better)
      network.run(14_000)
      assert.equal(host.agent.state, 'disconnected')
      network.inject(checkOf(host, { useCandidate: true }), better, host)
      assert.deepEqual(host.agent.selectedPair?.remote.address, better)
      network.inject(checkOf(host, { useCandidate: true }), worse, host)
      assert.deepEqual(host.agent.selectedPair?.remote.address, worse)
      assert.equal(host.agent.state, 'connected')
    })

    it('checks a pair again that was not heard of for long, before it is used', () => {
      const { network, host } = withTwoRemotes()
      nominate(network, host, worse)
      nominate(network, host, better)
      runAnswering(network, host, 40_000)
      const requests = sentBy(host, 'request').length
      network.inject(checkOf(host, { useCandidate: true }), worse, host)
      assert.deepEqual(host.agent.selectedPair?.remote.address, better)
      assert.equal(sentBy(host, 'request').length, requests + 1)
      succeed(network, host, worse)
      assert.deepEqual(host.agent.selectedPair?.remote.address, worse)
    })

    function withTwoRemotes(): { network: Network; host: Host } {
      const { network, host } = agentAndPuppet('controlled')
      for (const [remote, priority] of [
        [better, 2_000_000_000],
        [worse, 1_000_000_000],
      ] as const) {
        const candidate: IceCandidate = {
          foundation: String(priority),
          component: 1,
          protocol: 'udp',
          priority,
          address: remote,
          type: 'host',
        }
        network.act(host, (agent, now) => agent.addRemoteCandidate(candidate, now))
      }
      return { network, host }
    }

    /** The peer nominates, and answers the check that this makes. */
    function nominate(network: Network, host: Host, remote: typeof better): void {
      network.inject(checkOf(host, { useCandidate: true }), remote, host)
      runAnswering(network, host, 25)
    }
  })

  it('works with a lite peer, which sends no checks', () => {
    const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
    network.act(host, (agent, now) => agent.setRemoteParameters({ ...puppet.parameters, lite: true }, now))
    network.act(host, (agent, now) => agent.addRemoteCandidate(puppetCandidate, now))
    network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
    succeed(network, host)
    assert.equal(decode(lastRequest(host)).attributes.useCandidate, true)
    succeed(network, host)
    assert.equal(host.agent.state, 'completed')
    assert.equal(host.agent.pairs()[0]?.nominated, true)
  })
})
