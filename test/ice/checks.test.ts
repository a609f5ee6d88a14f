import assert from 'node:assert/strict'
import type { IceCandidate } from '../../src/ice/candidate.ts'
import { shortTermKey } from '../../src/ice/stun/integrity.ts'
import { encodeMessage, isAuthentic, stunMethod } from '../../src/ice/stun/message.ts'
import { agentAndPuppet, answerTo, checkOf, decode, lastRequest, puppet, sentBy, sign, succeed } from './messages.ts'
import { addCandidates, agree, exchangeParameters, Network } from './network.ts'

describe('A connectivity check', () => {
  it('has the attributes of RFC 8445 §7.1, the credentials of §7.2.2, and a fingerprint', () => {
    for (const role of ['controlling', 'controlled'] as const) {
      const { network, host } = agentAndPuppet(role)
      network.inject(checkOf(host), puppet.address, host)
      const request = decode(lastRequest(host))
      const { username, priority, iceControlling, iceControlled, ...others } = request.attributes
      assert.equal(username, `puppet:${host.agent.localParameters.usernameFragment}`)
      assert.equal(priority, 110 * 2 ** 24 + 65535 * 2 ** 8 + 255)
      assert.equal(typeof (role === 'controlling' ? iceControlling : iceControlled), 'bigint')
      assert.equal(role === 'controlling' ? iceControlled : iceControlling, undefined)
      assert.deepEqual(others, {})
      assert.equal(isAuthentic(request, shortTermKey(puppet.parameters.password)), true)
      assert.equal(request.hasFingerprint, true)
    }
  })

  it('of the peer is answered with the address that it came from, protected as it was', () => {
    const { network, host } = agentAndPuppet('controlled')
    const key = shortTermKey(host.agent.localParameters.password)
    const { username, priority } = decode(checkOf(host)).attributes
    for (const integrity of ['sha1', 'sha256'] as const) {
      const request = encodeMessage(
        {
          class: 'request',
          method: stunMethod.binding,
          transactionId: new Uint8Array(12),
          attributes: { username: username ?? '', priority: priority ?? 0 },
        },
        { key, integrity },
      )
      network.inject(request, puppet.address, host)
      const [answer] = sentBy(host, 'success').slice(-1)
      assert.ok(answer)
      assert.deepEqual(answer.attributes, { xorMappedAddress: puppet.address })
      assert.deepEqual(Object.keys(answer.integrityAt), [integrity])
      assert.equal(isAuthentic(answer, key), true)
      assert.equal(host.sent.at(-1)?.transmit.local, host.candidates[0]?.base)
    }
  })

  it('fails on an answer without a mapped address, or with attributes that have to be understood', () => {
    const nothing = (request: Uint8Array) => answerTo(request, 'success', {})
    const noCode = (request: Uint8Array) => answerTo(request, 'error', {})
    for (const answer of [nothing, noCode]) {
      const { network, host } = agentAndPuppet('controlled')
      network.inject(checkOf(host), puppet.address, host)
      network.inject(answer(lastRequest(host)), puppet.address, host)
      assert.equal(host.agent.pairs()[0]?.lastFailure, 'unusable-response')
      assert.equal(host.agent.selectedPair, undefined)
    }
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    const { transactionId } = decode(lastRequest(host))
    const bare = encodeMessage(
      { class: 'success', method: stunMethod.binding, transactionId, attributes: { xorMappedAddress: puppet.address } },
      { fingerprint: false },
    )
    const unknown = Buffer.concat([bare, Buffer.from([0x07, 0x77, 0, 0])])
    network.inject(sign(unknown, puppet.parameters.password), puppet.address, host)
    assert.equal(host.agent.pairs()[0]?.lastFailure, 'unusable-response')
  })

  it('takes no answer that is protected by another algorithm than it was', () => {
    // RFC 8489 §9.1.4
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    const { transactionId } = decode(lastRequest(host))
    const answer = encodeMessage(
      { class: 'success', method: stunMethod.binding, transactionId, attributes: { xorMappedAddress: puppet.address } },
      { key: shortTermKey(puppet.parameters.password), integrity: 'sha256' },
    )
    assert.deepEqual(network.inject(answer, puppet.address, host), { drop: 'bad-integrity' })
    assert.equal(host.agent.pairs()[0]?.state, 'in-progress')
  })

  it('is cancelled for a new one when the peer sends its own, and its answer still counts', () => {
    // RFC 8445 §7.3.1.4
    for (const outcome of ['success', 'error'] as const) {
      const { network, host } = agentAndPuppet('controlled')
      network.inject(checkOf(host), puppet.address, host)
      const first = lastRequest(host)
      network.run(5)
      network.inject(checkOf(host), puppet.address, host)
      assert.equal(host.agent.pairs()[0]?.state, 'waiting')
      network.run(20)
      const second = lastRequest(host)
      assert.notDeepEqual(decode(first).transactionId, decode(second).transactionId)
      network.run(2000)
      const sent = host.sent.map(({ transmit }) => transmit.data)
      assert.equal(sent.filter(data => data === first).length, 1, 'it is not sent again')
      assert.ok(sent.filter(data => data === second).length > 3)
      const attributes =
        outcome === 'success' ? { xorMappedAddress: puppet.address } : { errorCode: { code: 400, reason: '' } }
      network.inject(answerTo(first, outcome, attributes), puppet.address, host)
      assert.equal(host.agent.pairs()[0]?.state, outcome === 'success' ? 'succeeded' : 'in-progress')
    }
  })

  it('is not sent again once another one of its pair was answered', () => {
    const { network, host } = agentAndPuppet('controlled')
    network.inject(checkOf(host), puppet.address, host)
    const first = lastRequest(host)
    network.run(5)
    network.inject(checkOf(host), puppet.address, host)
    network.run(20)
    succeed(network, host)
    const late = answerTo(first, 'success', { xorMappedAddress: puppet.address })
    assert.deepEqual(network.inject(late, puppet.address, host), { drop: 'unknown-transaction' })
    const before = sentBy(host, 'request').length
    network.run(3000)
    assert.equal(sentBy(host, 'request').length, before)
  })

  it('that is not answered holds no other back, even if all candidates have the same foundation', () => {
    const network = new Network(1)
    const a = network.host('a', ['192.0.2.1'])
    const b = network.host('b', ['198.51.100.1', '198.51.100.2', '198.51.100.3'], { role: 'controlled' })
    network.filter = ({ remote, local }) => [remote, local].some(({ address }) => /^198.51.100.[12]$/.test(address))
    exchangeParameters(network, a, b)
    for (const host of [a, b]) addCandidates(network, host)
    const start = network.now
    for (const candidate of b.candidates) {
      const same: IceCandidate = { ...candidate, foundation: '0' }
      network.act(a, (agent, now) => agent.addRemoteCandidate(same, now))
    }
    assert.ok(network.run(5000, () => agree(a, b)))
    assert.ok(network.now - start < 500, `${network.now - start} ms`)
  })
})
