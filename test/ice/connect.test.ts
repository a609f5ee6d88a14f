import assert from 'node:assert/strict'
import { prng } from '../support/prng.ts'
import { checkOf } from './messages.ts'
import {
  addCandidates,
  address,
  agree,
  calm,
  describePairs,
  exchangeParameters,
  isUp,
  Network,
  reachedAt,
  signal,
  states,
  tellCandidates,
  type Weather,
} from './network.ts'
import { pair } from './pairs.ts'

describe('Two ICE agents', () => {
  it('connect and agree on a pair within two round trips', () => {
    const { network, a, b } = pair(1)
    const start = network.now
    signal(network, a, b)
    assert.ok(network.run(100, () => agree(a, b)))
    assert.ok(network.now - start <= 4, `${network.now - start} ms at 2 ms a round trip`)
    network.run(10)
    assert.deepEqual(states(a), ['checking', 'connected', 'completed'])
    assert.deepEqual(states(b), ['checking', 'connected', 'completed'])
    assert.equal(a.agent.role, 'controlling')
    assert.equal(a.agent.roundTripMs, 2)
  })

  it('have something to send right after a remote candidate is added', () => {
    const { network, a, b } = pair(1)
    exchangeParameters(network, a, b)
    addCandidates(network, a)
    assert.equal(a.sent.length, 0)
    tellCandidates(network, b, a)
    assert.equal(a.sent.length, 1)
    assert.equal(a.sent[0]?.transmit.local, a.candidates[0]?.base, 'the very object of the base')
  })

  it('do not choose anything by the clock but what they are told', () => {
    const course = () => {
      const { network, a, b } = pair(5, { ...calm, loss: 0.3, maxDelayMs: 40 })
      signal(network, a, b)
      network.run(60_000)
      return [a, b].flatMap(host =>
        host.sent.map(({ at, transmit }) => `${at} ${Buffer.from(transmit.data).toString('hex')}`),
      )
    }
    assert.deepEqual(course(), course())
  })

  const weathers: readonly [string, Weather, number][] = [
    ['a calm network', calm, 1_000],
    ['10 % loss', { ...calm, loss: 0.1 }, 5_000],
    ['30 % loss, duplicates and reordering', { loss: 0.3, duplicate: 0.3, minDelayMs: 1, maxDelayMs: 80 }, 30_000],
    ['long delays that reorder', { loss: 0, duplicate: 0.5, minDelayMs: 100, maxDelayMs: 700 }, 10_000],
  ]
  for (const [name, weather, limitMs] of weathers) {
    it(`connect through ${name}, and stay connected, whatever the seed`, () => {
      for (let seed = 1; seed <= 60; seed++) {
        const { network, a, b } = pair(seed, weather, 1 + (seed % 3))
        signal(network, a, b)
        assert.ok(
          network.run(limitMs, () => agree(a, b)),
          `seed ${seed}: ${describePairs(a, b)}`,
        )
        network.weather = calm
        network.run(60_000)
        assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
      }
    })
  }

  it('come to agree soon after a time in which half of everything was lost', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const { network, a, b } = pair(seed, { loss: 0.5, duplicate: 0, minDelayMs: 5, maxDelayMs: 20 }, 1 + (seed % 3))
      signal(network, a, b)
      network.run(20_000)
      network.weather = calm
      assert.ok(
        network.run(15_000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.run(60_000)
      assert.ok(agree(a, b) && isUp(a) && isUp(b), `seed ${seed}: ${describePairs(a, b)}`)
    }
  })

  it('lose little time to a lost check', () => {
    // With an RTO of half a second a lost first check would cost that much.
    for (const lost of [1, 2, 3, 4]) {
      const { network, a, b } = pair(1)
      let count = 0
      network.filter = () => ++count === lost
      const start = network.now
      signal(network, a, b)
      assert.ok(
        network.run(1000, () => agree(a, b)),
        `datagram ${lost} lost`,
      )
      assert.ok(network.now - start <= 110, `datagram ${lost} lost: ${network.now - start} ms`)
    }
  })

  it('connect whatever the order in which parameters and candidates become known', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { network, a, b } = pair(seed, { ...calm, maxDelayMs: 30 }, 1 + (seed % 3))
      const random = prng(seed * 7)
      const steps: (() => unknown)[] = []
      for (const [host, other] of [
        [a, b],
        [b, a],
      ] as const) {
        steps.push(() => network.act(host, (agent, now) => agent.setRemoteParameters(other.agent.localParameters, now)))
        for (const candidate of host.candidates) {
          steps.push(() => network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now)))
          steps.push(() => network.act(other, (agent, now) => agent.addRemoteCandidate(candidate, now)))
        }
      }
      for (let i = steps.length - 1; i > 0; i--) {
        const j = random.next() % (i + 1)
        ;[steps[i], steps[j]] = [steps[j] as () => unknown, steps[i] as () => unknown]
      }
      for (const step of steps) {
        step()
        network.run(random.float() * 100)
      }
      for (const host of [a, b]) {
        network.act(host, (agent, now) => agent.endOfLocalCandidates(now))
        network.act(host, (agent, now) => agent.endOfRemoteCandidates(now))
      }
      assert.ok(
        network.run(5000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      network.run(1000)
      assert.equal(a.agent.state, 'completed', `seed ${seed}`)
      assert.equal(b.agent.state, 'completed', `seed ${seed}`)
    }
  })

  it('connect when only one of them has told its candidates', () => {
    for (const telling of ['controlling', 'controlled'] as const) {
      const { network, a, b } = pair(1)
      exchangeParameters(network, a, b)
      for (const host of [a, b]) addCandidates(network, host)
      const [teller, listener] = telling === 'controlling' ? [a, b] : [b, a]
      tellCandidates(network, teller, listener)
      assert.ok(
        network.run(500, () => agree(a, b)),
        `${telling} tells`,
      )
      const found = teller.events.find(({ event }) => event.type === 'remote-candidate')?.event
      assert.ok(found?.type === 'remote-candidate')
      assert.equal(found.candidate.type, 'prflx')
      assert.deepEqual(found.candidate.address, listener.candidates[0]?.base)
      assert.equal(teller.agent.selectedPair?.remote.type, 'prflx')
    }
  })

  it('upgrade a peer-reflexive candidate when it is signalled after all', () => {
    const { network, a, b } = pair(1)
    exchangeParameters(network, a, b)
    for (const host of [a, b]) addCandidates(network, host)
    tellCandidates(network, b, a)
    network.run(500, () => agree(a, b))
    const before = b.agent.pairs()[0]?.priority
    tellCandidates(network, a, b)
    assert.deepEqual(b.agent.selectedPair?.remote, a.candidates[0] && { ...a.candidates[0] })
    assert.ok((b.agent.pairs()[0]?.priority ?? 0n) > (before ?? 0n))
    const last = b.events.findLast(({ event }) => event.type === 'selected-pair')?.event
    assert.equal(last?.type === 'selected-pair' && last.pair.remote.type, 'host')
    assert.equal(b.agent.pairs().length, 1)
  })

  it('answer checks before the parameters of the peer are here, and use them afterwards', () => {
    // The offerer before the answer arrives.
    const { network, a, b } = pair(1)
    for (const host of [a, b]) addCandidates(network, host)
    network.act(b, (agent, now) => agent.setRemoteParameters(a.agent.localParameters, now))
    tellCandidates(network, a, b)
    network.run(50)
    assert.equal(b.agent.state, 'connected', 'the answers make the pair valid for the other end')
    assert.equal(a.agent.state, 'new')
    assert.equal(a.agent.selectedPair, undefined)
    const [ours, theirs] = [a.candidates[0]?.base, b.candidates[0]?.base]
    assert.ok(ours && theirs)
    assert.equal(a.agent.isValidated(ours, theirs), true)
    const start = network.now
    network.act(a, (agent, now) => agent.setRemoteParameters(b.agent.localParameters, now))
    assert.ok(network.run(1000, () => a.agent.selectedPair !== undefined))
    assert.ok(network.now - start <= 2, 'without any candidate of the peer being told')
    assert.ok(network.run(1000, () => agree(a, b)))
  })

  it('get through two NATs with checks from both sides', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const network = new Network(seed, { ...calm, loss: 0.1, maxDelayMs: 30 })
      const a = network.host('a', ['10.0.0.1'], { publicIp: '198.51.100.1' })
      const b = network.host('b', ['10.0.0.2'], { role: 'controlled', publicIp: '203.0.113.1' })
      exchangeParameters(network, a, b)
      for (const host of [a, b]) addCandidates(network, host)
      // Their addresses outside are known as if a STUN server had told them.
      for (const [host, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const base = host.candidates[0]?.base
        assert.ok(base)
        network.act(other, (agent, now) =>
          agent.addRemoteCandidate(
            {
              foundation: 'srflx',
              component: 1,
              protocol: 'udp',
              priority: 1694498815,
              address: address(host.publicIp ?? '', base.port),
              type: 'srflx',
            },
            now,
          ),
        )
      }
      assert.ok(
        network.run(10_000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      const { local } = a.agent.selectedPair ?? {}
      assert.equal(local?.type, 'prflx')
      assert.deepEqual(local?.address, address('198.51.100.1', local?.base.port ?? 0))
      assert.equal(local?.base, a.candidates[0]?.base)
      assert.equal(local?.relatedAddress, '10.0.0.1')
    }
  })

  it('connect over a path of two seconds, although each check of the peer starts ours anew', () => {
    const { network, a, b } = pair(1, { ...calm, minDelayMs: 1000, maxDelayMs: 1000 })
    signal(network, a, b)
    // As Chromium does: checks every 48 ms until one is answered.
    const { usernameFragment } = a.agent.localParameters
    const username = `${usernameFragment}:${b.agent.localParameters.usernameFragment}`
    const { base } = b.candidates[0] ?? assert.fail()
    const start = network.now
    while (network.now < start + 10_000 && !agree(a, b)) {
      network.inject(checkOf(a, { username }), base, a)
      network.run(48)
    }
    assert.ok(agree(a, b))
    assert.ok(network.now - start < 4200, `${network.now - start} ms`)
  })

  it('choose the best pair that works', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const network = new Network(seed, { ...calm, maxDelayMs: 15 })
      const a = network.host('a', ['2001:db8::1', '192.0.2.1', '10.0.0.1'])
      const b = network.host('b', ['2001:db8::2', '192.0.2.2', '10.0.0.2'], { role: 'controlled' })
      const dead = new Set(['2001:db8::1', '2001:db8::2', seed % 2 === 0 ? '10.0.0.2' : '192.0.2.2'])
      network.filter = ({ local, remote }) => dead.has(local.address) || dead.has(remote.address)
      signal(network, a, b)
      assert.ok(
        network.run(5000, () => agree(a, b)),
        `seed ${seed}: ${describePairs(a, b)}`,
      )
      assert.equal(
        a.agent.selectedPair?.remote.address.address,
        seed % 2 === 0 ? '192.0.2.2' : '10.0.0.2',
        `seed ${seed}`,
      )
    }
  })

  it('wait a little, but no longer, for a better pair before one is nominated', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1', '10.0.0.1'])
    const b = network.host('b', ['192.0.2.2'], { role: 'controlled' })
    // The best pair does not answer, the second best does.
    network.filter = ({ local, remote }) => local.address === '192.0.2.1' || remote.address === '192.0.2.1'
    signal(network, a, b)
    network.run(5000, () => a.agent.selectedPair !== undefined)
    const valid = network.now
    assert.equal(
      a.agent.pairs().some(pair => pair.nominated),
      false,
      'data may flow before the nomination',
    )
    assert.ok(network.run(5000, () => agree(a, b)))
    assert.ok(network.now - valid >= 75 && network.now - valid <= 80, `${network.now - valid} ms`)
  })

  it('keep checks apart by the pace, whatever their number', () => {
    const network = new Network(1)
    const ips = Array.from({ length: 8 }, (_, index) => `192.0.2.${index + 1}`)
    const a = network.host('a', ips)
    const b = network.host(
      'b',
      ips.map(ip => ip.replace('192.0.2', '198.51.100')),
      { role: 'controlled' },
    )
    network.filter = () => true
    signal(network, a, b)
    network.run(64 * 20)
    const firsts = new Map<string, number>()
    for (const { at, transmit } of a.sent) {
      const key = `${transmit.local.address} ${transmit.remote.address}`
      if (!firsts.has(key)) firsts.set(key, at)
    }
    const times = [...firsts.values()]
    assert.equal(times.length, 64)
    for (let i = 1; i < times.length; i++) assert.equal((times[i] ?? 0) - (times[i - 1] ?? 0), 20)
  })

  it('need little to stay connected: one timer every few seconds', () => {
    const { network, a, b } = pair(1)
    signal(network, a, b)
    network.run(1000)
    const before = network.timeouts
    network.run(600_000)
    const perMinute = (network.timeouts - before) / 10 / 2
    assert.ok(perMinute >= 10 && perMinute <= 16, `${perMinute} timers a minute and agent`)
    assert.ok(isUp(a) && isUp(b))
  })

  it('tell what they know of every pair', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1', '10.0.0.1'])
    const b = network.host('b', ['192.0.2.2'], { role: 'controlled' })
    network.filter = ({ local, remote }) => local.address === '10.0.0.1' || remote.address === '10.0.0.1'
    signal(network, a, b)
    network.run(7_000)
    const [good, bad] = a.agent.pairs()
    assert.ok(good && bad)
    assert.deepEqual(
      [
        good.state,
        good.nominated,
        good.selected,
        good.requestsSent,
        good.retransmissionsSent,
        good.consentRequestsSent,
      ],
      ['succeeded', true, true, 2, 0, 1],
    )
    assert.equal(good.responsesReceived, 3)
    assert.equal(good.roundTripMs, 2)
    assert.equal(good.totalRoundTripMs, 6)
    assert.ok(good.requestsReceived >= 1)
    assert.deepEqual([bad.nominated, bad.selected, bad.responsesReceived], [false, false, 0])
  })

  it('tell why a pair failed', () => {
    const { network, a, b } = pair(1)
    network.filter = (_, from) => from === b
    signal(network, a, b)
    network.run(60_000)
    assert.equal(a.agent.pairs()[0]?.state, 'failed')
    assert.equal(a.agent.pairs()[0]?.lastFailure, 'timed-out')
    assert.equal(a.agent.pairs()[0]?.retransmissionsSent, 16)
    assert.ok(reachedAt(a, 'failed'))
  })

  it('are silent and without timers once closed', () => {
    const { network, a, b } = pair(1)
    signal(network, a, b)
    network.run(1000)
    network.act(a, (agent, now) => agent.close(now))
    const sent = a.sent.length
    network.run(60_000)
    assert.equal(a.sent.length, sent)
    assert.equal(a.agent.state, 'closed')
    assert.equal(a.agent.pollTimeout(), undefined)
    assert.equal(a.agent.selectedPair, undefined)
    assert.deepEqual(network.inject(a.sent[0]?.transmit.data ?? new Uint8Array(), address('192.0.2.2', 5001), a), {
      drop: 'closed',
    })
    network.act(a, (agent, now) => {
      agent.addLocalCandidate(a.candidates[0] as (typeof a.candidates)[number], now)
      agent.endOfLocalCandidates(now)
      agent.restart({ usernameFragment: 'abcd', password: 'a'.repeat(22) }, now)
      agent.setRemoteParameters({ usernameFragment: 'abcd', password: 'a'.repeat(22) }, now)
      agent.handleTimeout(now)
      agent.close(now)
    })
    assert.deepEqual(states(a).slice(-2), ['completed', 'closed'])
  })
})
