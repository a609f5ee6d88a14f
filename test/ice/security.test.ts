import assert from 'node:assert/strict'
import { concatBytes } from '../../src/base/bytes.ts'
import { hostCandidate, type IceCandidate } from '../../src/ice/candidate.ts'
import { maxUnauthenticatedAnswersPerSecond } from '../../src/ice/check-server.ts'
import { defaultMaxPairs } from '../../src/ice/checklist.ts'
import { maxEarlyChecks } from '../../src/ice/early-checks.ts'
import { IceSession, maxRemoteCandidates } from '../../src/ice/ice-session.ts'
import { maxChecksPerPair } from '../../src/ice/peer-checks.ts'
import { encodeMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { cpuTime } from './cpu-time.ts'
import {
  agentAndPuppet,
  answerTo,
  checkOf,
  decode,
  lastRequest,
  puppet,
  runAnswering,
  sentBy,
  sign,
  succeed,
  validate,
} from './messages.ts'
import { address, agree, calm, type Host, isUp, Network, signal } from './network.ts'

describe('An ICE agent under attack', () => {
  describe('by someone who does not know its password', () => {
    const forgeries: readonly [string, (host: Host) => Uint8Array, string, number | undefined][] = [
      ['no integrity', host => checkOf(host, {}, { key: undefined }), 'unauthenticated', 400],
      ['the wrong password', host => checkOf(host, {}, { key: 'x'.repeat(24) }), 'unauthenticated', 401],
      [
        'the password of the peer',
        host => checkOf(host, {}, { key: puppet.parameters.password }),
        'unauthenticated',
        401,
      ],
      ['no user name', host => checkOf(host, { username: undefined }), 'unauthenticated', 400],
      ['the user name turned round', host => checkOf(host, { username: turned(host) }), 'unauthenticated', 401],
      ['a user name without a colon', host => checkOf(host, { username: fragment(host) }), 'unauthenticated', 401],
      ['a longer fragment', host => checkOf(host, { username: `${fragment(host)}x:puppet` }), 'unauthenticated', 401],
      [
        'one more letter instead of a colon',
        host => checkOf(host, { username: `${fragment(host)}x` }),
        'unauthenticated',
        401,
      ],
      ['an empty user name', host => checkOf(host, { username: '' }), 'unauthenticated', 401],
    ]
    for (const [name, forge, drop, code] of forgeries) {
      it(`is not moved by a check with ${name}`, () => {
        const { network, host } = agentAndPuppet('controlled')
        const before = snapshot(host)
        assert.deepEqual(network.inject(forge(host), puppet.address, host), { drop })
        network.run(5000)
        assert.deepEqual(snapshot(host), before)
        const [error, ...others] = sentBy(host, 'error')
        assert.equal(error?.attributes.errorCode?.code, code)
        // RFC 8489 §9.1.3: such an answer is not protected, and tells nothing.
        assert.deepEqual(error?.integrityAt, {})
        assert.equal(others.length, 0)
        assert.equal(host.sent.length, 1)
        const { base } = host.candidates[0] ?? assert.fail()
        assert.equal(host.agent.isValidated(base, puppet.address), false)
      })
    }

    it('answers no more than a few forged requests a second', () => {
      const { network, host } = agentAndPuppet('controlled')
      for (let i = 0; i < 1000; i++)
        network.inject(checkOf(host, {}, { key: 'x'.repeat(24) }), address('203.0.113.1', i + 1), host)
      assert.equal(host.sent.length, maxUnauthenticatedAnswersPerSecond)
      const { data } = host.sent[0]?.transmit ?? assert.fail()
      assert.ok(data.length <= checkOf(host).length, 'an answer is no longer than a check')
      network.run(1000)
      network.inject(checkOf(host, {}, { key: 'x'.repeat(24) }), puppet.address, host)
      assert.equal(host.sent.length, maxUnauthenticatedAnswersPerSecond + 1)
      // The real peer is answered nevertheless.
      network.inject(checkOf(host), puppet.address, host)
      assert.equal(sentBy(host, 'success').length, 1)
    })

    it('takes no response that is not protected by the password of the peer', () => {
      const { network, host } = agentAndPuppet('controlled')
      network.inject(checkOf(host), puppet.address, host)
      const request = lastRequest(host)
      const mapped = { xorMappedAddress: puppet.address }
      for (const key of [null, 'x'.repeat(24), host.agent.localParameters.password]) {
        for (const forged of [
          answerTo(request, 'success', mapped, key),
          answerTo(request, 'error', { errorCode: { code: 400, reason: '' } }, key),
          answerTo(request, 'error', { errorCode: { code: 487, reason: '' } }, key),
        ]) {
          assert.deepEqual(network.inject(forged, puppet.address, host), { drop: 'bad-integrity' })
        }
      }
      assert.equal(host.agent.pairs()[0]?.state, 'in-progress')
      assert.equal(host.agent.role, 'controlled')
      succeed(network, host)
      assert.equal(host.agent.pairs()[0]?.state, 'succeeded')
    })

    it('takes no response to a request that it has not made, or whose answer it has', () => {
      const { network, host } = agentAndPuppet('controlled')
      validate(network, host)
      const mapped = { xorMappedAddress: puppet.address }
      assert.deepEqual(succeed(network, host), { drop: 'unknown-transaction' })
      const other = checkOf(host)
      assert.deepEqual(network.inject(answerTo(other, 'success', mapped), puppet.address, host), {
        drop: 'unknown-transaction',
      })
    })

    it('keeps other packets than STUN out until the peer has shown who it is', () => {
      // The ClientHello race: an off-path sender sprays DTLS hellos while the connection is being made.
      const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
      const { base } = host.candidates[0] ?? assert.fail()
      const attacker = address('203.0.113.66', 6666)
      assert.equal(host.agent.isValidated(base, puppet.address), false)
      network.inject(checkOf(host, {}, { key: 'x'.repeat(24) }), attacker, host)
      network.inject(checkOf(host), puppet.address, host)
      assert.equal(host.agent.isValidated(base, puppet.address), true, 'we have answered a check from there')
      assert.equal(host.agent.isValidated(base, attacker), false)
      assert.equal(host.agent.isValidated(base, { ...puppet.address, port: 9001 }), false)
      assert.equal(host.agent.isValidated({ ...base, port: 1 }, puppet.address), false)
      network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
      succeed(network, host)
      assert.equal(host.agent.isValidated(base, { ...puppet.address }), true, 'other objects, same addresses')
      assert.equal(host.agent.isValidated(base, attacker), false)
      network.act(host, (agent, now) => agent.close(now))
      assert.equal(host.agent.isValidated(base, puppet.address), false)
    })
  })

  it('fails a check that is answered from elsewhere, and believes nothing that the answer says', () => {
    // RFC 8445 §7.2.5.2.1
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    succeed(network, host, address('203.0.113.66', 6666))
    assert.equal(host.agent.pairs()[0]?.state, 'failed')
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'asymmetric-response')
    assert.equal(host.agent.selectedPair, undefined)
    assert.equal(
      host.agent.isValidated(host.candidates[0]?.base ?? assert.fail(), address('203.0.113.66', 6666)),
      false,
    )
    // The next check of the peer starts over.
    validate(network, host)
    assert.equal(host.agent.pairs()[0]?.state, 'succeeded')
  })

  it('takes an answer only on the socket that its check left from', () => {
    const network = new Network(1, calm)
    const host = network.host('agent', ['192.0.2.1', '192.0.2.2'], { role: 'controlled' })
    for (const candidate of host.candidates) network.act(host, (agent, now) => agent.addLocalCandidate(candidate, now))
    network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
    network.inject(checkOf(host), puppet.address, host)
    const answer = answerTo(lastRequest(host), 'success', { xorMappedAddress: puppet.address })
    network.inject(answer, puppet.address, host, host.candidates[1]?.base)
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'asymmetric-response')
  })

  it('answers a check from an address that cannot be paired, and leaves it at that', () => {
    const { network, host } = agentAndPuppet('controlled')
    assert.deepEqual(network.inject(checkOf(host), address('127.0.0.1', 9000), host), { handled: true })
    assert.deepEqual(host.agent.pairs(), [])
    assert.equal(host.sent.length, 1)
  })

  it('answers 420 to what it would have to understand, and 400 to a check without PRIORITY', () => {
    const { network, host } = agentAndPuppet('controlled')
    const bare = encodeMessage(
      {
        class: 'request',
        method: stunMethod.binding,
        transactionId: new Uint8Array(12),
        attributes: { username: `${fragment(host)}:puppet` },
      },
      { fingerprint: false },
    )
    const unknown = concatBytes(bare, Uint8Array.of(0x07, 0x77, 0, 0), Uint8Array.of(0x7f, 0xff, 0, 0))
    const forged = sign(unknown, host.agent.localParameters.password)
    assert.deepEqual(network.inject(forged, puppet.address, host), { drop: 'refused' })
    const [error] = sentBy(host, 'error')
    assert.equal(error?.attributes.errorCode?.code, 420)
    assert.deepEqual(error?.attributes.unknownAttributes, [0x0777, 0x7fff])
    assert.ok(error?.integrityAt.sha1)
    network.inject(checkOf(host, { priority: undefined }), puppet.address, host)
    assert.equal(sentBy(host, 'error')[1]?.attributes.errorCode?.code, 400)
    assert.equal(host.agent.pairs().length, 0)
  })

  it('ignores attributes that may be ignored, such as those of libwebrtc', () => {
    const { network, host } = agentAndPuppet('controlled')
    const bare = encodeMessage(
      {
        class: 'request',
        method: stunMethod.binding,
        transactionId: new Uint8Array(12),
        attributes: { username: `${fragment(host)}:puppet`, priority: 1, iceControlling: 1n, useCandidate: true },
      },
      { fingerprint: false },
    )
    const extra = concatBytes(
      bare,
      ...[0xc057, 0xc070, 0xc071, 0xff00].map(type => Uint8Array.of(type >> 8, type & 255, 0, 4, 0, 1, 0, 10)),
    )
    assert.deepEqual(network.inject(sign(extra, host.agent.localParameters.password), puppet.address, host), {
      handled: true,
    })
    succeed(network, host)
    assert.equal(host.agent.pairs()[0]?.nominated, true)
  })

  it('drops what is no check at all', () => {
    const { network, host } = agentAndPuppet('controlled')
    const binding = (attributes: object, options: object) =>
      encodeMessage(
        { class: 'request', method: stunMethod.binding, transactionId: new Uint8Array(12), attributes },
        options,
      )
    assert.deepEqual(network.inject(new Uint8Array(0), puppet.address, host), { drop: 'malformed' })
    assert.deepEqual(network.inject(binding({}, { fingerprint: false }), puppet.address, host), {
      drop: 'no-fingerprint',
    })
    const allocate = encodeMessage({ class: 'request', method: 3, transactionId: new Uint8Array(12), attributes: {} })
    assert.deepEqual(network.inject(allocate, puppet.address, host), { drop: 'unsupported-method' })
    const elsewhere = address('192.0.2.77', 1)
    assert.deepEqual(network.inject(checkOf(host), puppet.address, host, elsewhere), { drop: 'unknown-local' })
    const indication = encodeMessage({
      class: 'indication',
      method: stunMethod.binding,
      transactionId: new Uint8Array(12),
      attributes: {},
    })
    assert.deepEqual(network.inject(indication, puppet.address, host), { handled: true })
    assert.equal(host.sent.length, 0)
  })

  describe('by its own peer', () => {
    it('keeps no more than 100 pairs, however many addresses send checks, and still connects', () => {
      const network = new Network(1, calm)
      const a = network.host('a', ['192.0.2.1'], { role: 'controlled' })
      const b = network.host('b', ['198.51.100.1'])
      signal(network, a, b)
      const { usernameFragment } = b.agent.localParameters
      for (let i = 0; i < 10_000; i++) {
        const username = `${fragment(a)}:${usernameFragment}`
        const flood = checkOf(a, { username, priority: 2 ** 32 - 1 - i })
        network.inject(flood, address(`203.0.${i >> 8}.${i & 255}`, 1000), a)
        assert.ok(a.agent.pairs().length <= defaultMaxPairs)
      }
      assert.equal(a.agent.pairs().length, defaultMaxPairs)
      assert.ok(network.run(10_000, () => agree(a, b)))
      network.run(60_000)
      assert.ok(isUp(a) && isUp(b))
    })

    it('takes no more than 100 signalled candidates', () => {
      const { network, host } = agentAndPuppet('controlling')
      for (const type of ['host', 'prflx'] as const) {
        for (let i = 0; i < 10_000; i++) {
          const candidate: IceCandidate = {
            foundation: String(i),
            component: 1,
            protocol: 'udp',
            priority: i,
            address: address(`198.51.${i >> 8}.${i & 255}`, 1000),
            type,
          }
          const taken = network.act(host, (agent, now) => agent.addRemoteCandidate(candidate, now))
          assert.equal(taken, type === 'host' && i < maxRemoteCandidates)
        }
      }
      assert.equal(host.agent.pairs().length, defaultMaxPairs)
    })

    it('does not leave candidates behind that no pair needs any more', () => {
      const session = new IceSession({ usernameFragment: 'abcd', password: 'a'.repeat(22) }, 10)
      const local = hostCandidate(address('192.0.2.1', 1))
      session.addLocal(local, 'controlled')
      for (let i = 1; i < 1000; i++) session.pairForRequest(local, address('203.0.113.1', i), i, 'controlled')
      assert.equal(session.checklist.pairs.length, 10)
      assert.equal(session.remoteCandidates.length, 10)
    })

    it('may be given a smaller limit of pairs', () => {
      const network = new Network(1, calm)
      const a = network.host('a', ['192.0.2.1'], { maxPairs: 5 })
      signal(
        network,
        a,
        network.host(
          'b',
          Array.from({ length: 20 }, (_, i) => `198.51.100.${i + 1}`),
          { role: 'controlled' },
        ),
      )
      assert.equal(a.agent.pairs().length, 5)
    })

    it('remembers a bounded number of checks before it knows the parameters', () => {
      const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
      for (let i = 0; i < 1000; i++) network.inject(checkOf(host), address('198.51.100.9', 9000 + i), host)
      assert.equal(sentBy(host, 'success').length, 1000, 'all are answered')
      network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
      assert.equal(host.agent.pairs().length, maxEarlyChecks)
    })

    it('remembers two addresses even if the first has sent a thousand checks', () => {
      const { network, host } = agentAndPuppet('controlled', { knowsPeer: false })
      for (let i = 0; i < 1000; i++) network.inject(checkOf(host), puppet.address, host)
      network.inject(checkOf(host), { ...puppet.address, port: 9001 }, host)
      network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
      network.act(host, (agent, now) => agent.setRemoteParameters(puppet.parameters, now))
      assert.equal(host.agent.pairs().length, 2)
      succeed(network, host)
      assert.equal(host.agent.pairs().find(pair => pair.selected)?.nominated, true, 'the nomination is not forgotten')
    })

    it('has a bounded number of checks on their way, however often they are triggered', () => {
      const { network, host } = agentAndPuppet('controlled')
      const requests: Uint8Array[] = []
      for (let i = 0; i < 200; i++) {
        network.inject(checkOf(host), puppet.address, host)
        network.run(25)
        requests.push(lastRequest(host))
      }
      const distinct = new Set(requests.map(request => Buffer.from(decode(request).transactionId).toString('hex')))
      assert.equal(distinct.size, maxChecksPerPair)
      // None of them is forgotten: on a long path their answers are still on their way.
      let known = 0
      for (const request of requests.slice(0, 20)) {
        const error = answerTo(request, 'error', { errorCode: { code: 500, reason: '' } })
        if (JSON.stringify(network.inject(error, puppet.address, host)).includes('handled')) known++
      }
      assert.equal(known, maxChecksPerPair)
    })

    it('does not start over for each retransmission of a check', () => {
      const { network, host } = agentAndPuppet('controlled')
      const check = checkOf(host)
      for (let i = 0; i < 50; i++) {
        network.inject(check, puppet.address, host)
        network.run(1)
      }
      assert.equal(sentBy(host, 'success').length, 50)
      assert.equal(sentBy(host, 'request').length, 1)
    })

    it('sends checks at a bounded rate however many are triggered', () => {
      const { network, host } = agentAndPuppet('controlled')
      for (let i = 0; i < 2000; i++) {
        network.inject(checkOf(host), address('198.51.100.9', 1000 + (i % 50)), host)
        network.run(1)
      }
      const ids = sentBy(host, 'request').map(({ transactionId }) => Buffer.from(transactionId).toString('hex'))
      assert.ok(new Set(ids).size <= 2000 / 20 + 1, `${new Set(ids).size} checks in two seconds`)
    })

    it('is not led to send anything by mapped addresses that are made up', () => {
      const { network, host } = agentAndPuppet('controlled')
      network.inject(checkOf(host), puppet.address, host)
      const victim = address('203.0.113.7', 7)
      network.inject(answerTo(lastRequest(host), 'success', { xorMappedAddress: victim }), puppet.address, host)
      const { local, remote } = host.agent.selectedPair ?? assert.fail()
      assert.deepEqual(local.address, victim)
      assert.equal(local.base, host.candidates[0]?.base, 'data leaves from our own socket')
      assert.deepEqual(remote.address, puppet.address)
      runAnswering(network, host, 60_000)
      assert.ok(host.sent.every(({ transmit }) => transmit.remote.port === puppet.address.port))
    })

    it('takes no time that grows faster than the number of its datagrams', () => {
      const time = (count: number): number => {
        const { network, host } = agentAndPuppet('controlled')
        const { base } = host.candidates[0] ?? assert.fail()
        const checks = Array.from({ length: count }, () => checkOf(host))
        const start = cpuTime()
        for (const [i, check] of checks.entries()) {
          host.agent.receive(check, base, address('203.0.113.1', (i % 60_000) + 1), network.now)
        }
        return cpuTime() - start
      }
      time(1000)
      const ratio = Math.min(time(8000), time(8000)) / Math.min(time(2000), time(2000))
      // Quadratic time would make it 16.
      assert.ok(ratio < 8, `four times the datagrams take ${ratio.toFixed(2)} times as long`)
    })
  })

  it('never tells a password, in errors, events or statistics', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    network.run(1000)
    const told = JSON.stringify([host.events, host.agent.pairs(), host.agent.selectedPair], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    for (const secret of [host.agent.localParameters.password, puppet.parameters.password]) {
      assert.ok(!told.includes(secret))
    }
  })
})

function fragment(host: Host): string {
  return host.agent.localParameters.usernameFragment
}

function turned(host: Host): string {
  return `${puppet.parameters.usernameFragment}:${fragment(host)}`
}

/** Everything about an agent that a forged packet could have changed. */
function snapshot(host: Host): unknown {
  const { agent } = host
  return [agent.state, agent.role, agent.pairs(), agent.selectedPair, host.events.length, agent.remoteParameters]
}
