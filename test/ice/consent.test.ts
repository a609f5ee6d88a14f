import assert from 'node:assert/strict'
import {
  agentAndPuppet,
  answerTo,
  checkOf,
  decode,
  lastRequest,
  puppet,
  runAnswering,
  sentBy,
  succeed,
  validate,
} from './messages.ts'
import { agree, calm, type Host, isUp, reachedAt, signal, states } from './network.ts'
import { connected } from './pairs.ts'

describe('Consent', () => {
  it('is asked for every 4 to 6 seconds, with a new transaction each time', () => {
    const { network, a } = connected(1)
    network.run(600_000)
    const times = requestTimes(a)
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    assert.ok(gaps.length > 100)
    for (const gap of gaps) assert.ok(gap >= 4000 && gap <= 6000, `${gap} ms`)
    assert.ok(new Set(gaps.map(Math.round)).size > 50, 'the interval is random')
    const ids = sentBy(a, 'request').map(({ transactionId }) => Buffer.from(transactionId).toString('hex'))
    assert.equal(new Set(ids).size, ids.length)
  })

  it('requests are sent once; a probe follows the first that is not answered, and is sent again', () => {
    const { network, a } = connected(1)
    network.filter = () => true
    const start = network.now
    network.run(29_000)
    const times = new Map<string, number[]>()
    for (const { at, transmit } of a.sent) {
      const { class: messageClass, transactionId } = decode(transmit.data)
      if (at < start || messageClass !== 'request') continue
      const id = Buffer.from(transactionId).toString('hex')
      times.set(id, [...(times.get(id) ?? []), at])
    }
    const sendings = [...times.values()]
    const [probe, ...others] = sendings.filter(list => list.length > 1)
    assert.deepEqual(others, [])
    assert.ok(probe && probe.length >= 8)
    assert.equal((probe[0] ?? 0) - (sendings[0]?.[0] ?? 0), 500)
    assert.equal(a.agent.pairs()[0]?.consentRequestsSent, sendings.length - 1)
    assert.ok(sendings.length - 1 >= 4 && sendings.length - 1 <= 7)
  })

  it('is not in doubt when a tenth of all packets is lost', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, a, b } = connected(seed)
      network.weather = { ...calm, loss: 0.1 }
      network.run(600_000)
      assert.deepEqual([states(a).at(-1), states(b).at(-1)], ['completed', 'completed'], `seed ${seed}`)
      assert.deepEqual([states(a).length, states(b).length], [3, 3], `seed ${seed}`)
    }
  })

  it('that goes unanswered leads to disconnected, then to failed 30 s after the last answer, and to silence', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { network, a, b } = connected(seed)
      network.run(20_000)
      network.filter = () => true
      const cut = network.now
      const lastAnswer = [...a.sent].findLast(({ transmit }) => decode(transmit.data).class === 'request')?.at ?? 0
      network.run(60_000)
      assert.deepEqual(states(a).slice(-2), ['disconnected', 'failed'], `seed ${seed}`)
      const disconnected = (reachedAt(a, 'disconnected') ?? 0) - cut
      assert.ok(disconnected >= 5_000 && disconnected <= 11_000, `seed ${seed}: disconnected after ${disconnected} ms`)
      const failed = (reachedAt(a, 'failed') ?? 0) - lastAnswer
      assert.ok(Math.abs(failed - 30_002) < 1, `seed ${seed}: failed after ${failed} ms`)
      assert.equal(a.agent.selectedPair, undefined, `seed ${seed}`)
      assert.equal(a.agent.pollTimeout(), undefined, `seed ${seed}: no timer`)
      assert.ok((a.sent.at(-1)?.at ?? 0) < (reachedAt(a, 'failed') ?? 0), `seed ${seed}: no sound after the failure`)
      // Nothing is said any more, not even when the network is back and the peer asks.
      network.filter = () => false
      const sent = a.sent.length
      for (const { transmit } of b.sent.slice(-3)) {
        const received = network.inject(transmit.data, transmit.local, a)
        if (decode(transmit.data).class === 'request') assert.deepEqual(received, { drop: 'consent-lost' })
      }
      network.run(60_000)
      assert.equal(a.sent.length, sent, `seed ${seed}`)
      assert.equal(a.agent.state, 'failed', `seed ${seed}`)
    }
  })

  it('that is answered again in time leads back to connected', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, a, b } = connected(seed)
      network.filter = () => true
      network.run(20_000)
      assert.equal(a.agent.state, 'disconnected', `seed ${seed}`)
      assert.ok(a.agent.selectedPair, 'the pair may still be used')
      network.filter = () => false
      network.run(3_300)
      assert.deepEqual(states(a), ['checking', 'connected', 'completed', 'disconnected', 'completed'], `seed ${seed}`)
      assert.ok(isUp(b), `seed ${seed}`)
      // The probe ends with the answer.
      const sent = sentBy(a, 'request').length
      network.run(12_000)
      assert.ok(sentBy(a, 'request').length - sent <= 3, `seed ${seed}`)
    }
  })

  it('is renewed by an authenticated answer alone', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const start = network.now
    for (let i = 0; i < 100; i++) {
      const before = sentBy(host, 'request').length
      network.run(6000, () => sentBy(host, 'request').length > before || host.agent.state === 'failed')
      if (host.agent.state === 'failed') break
      const request = lastRequest(host)
      const mapped = { xorMappedAddress: puppet.address }
      network.inject(answerTo(request, 'success', mapped, null), puppet.address, host)
      network.inject(answerTo(request, 'success', mapped, 'someOtherPassword123456'), puppet.address, host)
      network.inject(answerTo(request, 'error', { errorCode: { code: 500, reason: '' } }), puppet.address, host)
      // Requests of the peer do not renew it either.
      network.inject(checkOf(host, { useCandidate: true }), puppet.address, host)
    }
    assert.equal(host.agent.state, 'failed')
    assert.ok(network.now - start <= 30_000)
  })

  it('is not renewed from another address', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const elsewhere = { ...puppet.address, port: 9001 }
    network.run(6000, () => sentBy(host, 'request').length === 2)
    assert.deepEqual(succeed(network, host, elsewhere), { drop: 'unexpected-source' })
    network.run(30_000)
    assert.equal(host.agent.state, 'failed')
  })

  it('that expires before a nomination fails the pair, which is silent from then on', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host)
    const start = network.now
    network.run(120_000)
    assert.equal(host.agent.state, 'disconnected', 'other candidates may yet come')
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'consent-expired')
    assert.ok((host.sent.at(-1)?.at ?? 0) <= start + 30_000)
    assert.deepEqual(network.inject(checkOf(host), puppet.address, host), { drop: 'consent-lost' })
    // Another address of the peer may still be used.
    const other = { ...puppet.address, port: 9001 }
    network.inject(checkOf(host), other, host)
    succeed(network, host, other)
    assert.equal(host.agent.state, 'connected')
  })

  it('that expires on the nominated pair ends the checks of all others', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    const start = network.now
    network.run(29_990)
    // The first is checked at once, the second waits for the pace.
    for (const port of [9001, 9002]) {
      network.inject(checkOf(host, { useCandidate: true }), { ...puppet.address, port }, host)
    }
    network.run(60_000)
    assert.equal(host.agent.state, 'failed')
    assert.ok(host.sent.some(({ transmit }) => transmit.remote.port === 9001))
    assert.ok((host.sent.at(-1)?.at ?? 0) <= start + 30_000)
  })

  it('is revoked at once by 403', () => {
    const { network, host } = agentAndPuppet('controlled')
    validate(network, host, { useCandidate: true })
    network.run(6000, () => sentBy(host, 'request').length === 2)
    const revocation = answerTo(lastRequest(host), 'error', { errorCode: { code: 403, reason: 'Forbidden' } })
    network.inject(revocation, puppet.address, host)
    assert.equal(host.agent.state, 'failed')
    assert.equal(host.agent.selectedPair, undefined)
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'consent-revoked')
  })

  it('comes back with an ICE restart', () => {
    const { network, a, b } = connected(3)
    network.filter = () => true
    network.run(60_000)
    assert.equal(a.agent.state, 'failed')
    network.filter = () => false
    for (const host of [a, b]) {
      const name = host.name.repeat(30)
      network.act(host, (agent, now) => agent.restart({ usernameFragment: `${host.name}+++`, password: name }, now))
    }
    signal(network, a, b)
    assert.ok(network.run(1000, () => agree(a, b)))
    assert.equal(a.agent.state, 'completed')
  })

  it('before a nomination is moved to another valid pair when the first stops answering', () => {
    // Controlled, and the peer never nominates.
    const { network, host } = agentAndPuppet('controlled')
    const other = { ...puppet.address, port: 9001 }
    for (const [remote, priority] of [
      [puppet.address, 2000],
      [other, 1000],
    ] as const) {
      network.inject(checkOf(host, { priority }), remote, host)
      runAnswering(network, host, 30)
    }
    assert.deepEqual(host.agent.selectedPair?.remote.address, puppet.address)
    const silent = (data: Uint8Array) => decode(data).class === 'request'
    for (let i = 0; i < 40; i++) {
      network.run(500)
      const last = host.sent.at(-1)
      if (
        last !== undefined &&
        last.at > network.now - 500 &&
        silent(last.transmit.data) &&
        last.transmit.remote.port === 9001
      ) {
        succeed(network, host, other)
      }
    }
    assert.deepEqual(host.agent.selectedPair?.remote.address, other)
    assert.equal(host.agent.state, 'connected')
  })
})

/** When a host has asked for consent: its requests, without the checks of the beginning. */
function requestTimes(host: Host): number[] {
  const start = host.sent[0]?.at ?? 0
  return host.sent
    .filter(({ at, transmit }) => at > start + 1000 && decode(transmit.data).class === 'request')
    .map(({ at }) => at)
}
