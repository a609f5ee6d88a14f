import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { stunMethod } from '../../../src/ice/stun/message.ts'
import { maxRetries } from '../../../src/ice/turn/requests.ts'
import { clientAddress, credentials, relayed4, relayed6 } from './scripted-server.ts'
import { only, TurnLink } from './turn-link.ts'

describe('A TURN client that asks for an allocation', () => {
  it('answers the challenge of the server, and tells the relayed and its own address', () => {
    const link = new TurnLink()
    link.start()
    link.run(1_000)
    const { type: _, ...told } = only(link.events, 'allocated')
    assert.deepEqual(told, { relayed: [relayed4], mapped: clientAddress, lifetimeSeconds: 600 })
    assert.deepEqual(link.client.relayed, [relayed4])
    const [bare, signed, ...more] = link.server.of(stunMethod.allocate)
    assert.equal(more.length, 0)
    assert.equal(bare?.attributes.username, undefined)
    assert.deepEqual(
      { ...signed?.attributes, xorPeerAddress: undefined },
      {
        requestedTransport: 17,
        software: 'icefloe',
        username: 'user',
        nonce: 'nonce-0',
        realm: 'relay.example',
        xorPeerAddress: undefined,
      },
    )
    assert.equal(signed?.hasFingerprint, true)
  })

  it('asks for a lifetime and an IPv6 address if told to, but does not name IPv4, which old servers refuse', () => {
    const six = TurnLink.allocated({ family: 6, lifetimeSeconds: 1234, software: 'me' })
    assert.deepEqual(six.client.relayed, [relayed6])
    const { attributes } = six.server.of(stunMethod.allocate)[1] ?? assert.fail()
    assert.equal(attributes.requestedAddressFamily, 6)
    assert.equal(attributes.lifetime, 1234)
    assert.equal(attributes.software, 'me')
    const four = TurnLink.allocated({ family: 4 })
    assert.equal(four.server.of(stunMethod.allocate)[1]?.attributes.requestedAddressFamily, undefined)
  })

  it('gets both families with one request', () => {
    const link = TurnLink.allocated({ additionalFamily: true })
    assert.deepEqual(link.client.relayed, [relayed4, relayed6])
    const { attributes } = link.server.of(stunMethod.allocate)[1] ?? assert.fail()
    assert.equal(attributes.additionalAddressFamily, 6)
    assert.equal(attributes.requestedAddressFamily, undefined)
  })

  for (const [relayed, missing] of [
    [relayed4, 6],
    [relayed6, 4],
  ] as const) {
    it(`makes do with the half of a dual allocation if the server has no IPv${missing}`, () => {
      const link = new TurnLink({ additionalFamily: true })
      link.server.relayed = [relayed]
      link.start()
      link.run(1_000)
      const event = only(link.events, 'allocated')
      assert.deepEqual(event.relayed, [relayed])
      assert.equal(event.refused?.family, missing)
      assert.equal(event.refused?.error.errorCode, 440)
    })
  }

  it('notices that an old server did not understand a dual request', () => {
    const link = new TurnLink({ additionalFamily: true })
    link.server.script = ({ integrityAt }) =>
      integrityAt.sha1 === undefined
        ? undefined
        : { success: { xorRelayedAddress: [relayed4], xorMappedAddress: clientAddress, lifetime: 600 } }
    link.start()
    link.run(1_000)
    const { refused } = only(link.events, 'allocated')
    assert.deepEqual([refused?.family, refused?.error.errorCode], [6, 420])
  })

  for (const [code, asksFor] of [
    [400, undefined],
    [420, undefined],
    [440, 6],
  ] as const) {
    it(`asks for less if a dual request is refused with ${code}`, () => {
      const link = new TurnLink({ additionalFamily: true })
      link.server.script = ({ attributes, integrityAt }) =>
        integrityAt.sha1 !== undefined && attributes.additionalAddressFamily !== undefined ? { error: code } : undefined
      link.start()
      link.run(1_000)
      assert.deepEqual(only(link.events, 'allocated').relayed, [asksFor === 6 ? relayed6 : relayed4])
      const { attributes } = link.server.of(stunMethod.allocate).at(-1) ?? assert.fail()
      assert.equal(attributes.additionalAddressFamily, undefined)
      assert.equal(attributes.requestedAddressFamily, asksFor)
    })
  }

  for (const code of [300, 400, 403, 420, 437, 440, 441, 442, 443, 446, 447, 486, 500, 508, 699]) {
    it(`fails with the code if the server says ${code}, and leaves it alone`, () => {
      const link = new TurnLink()
      link.server.script = ({ integrityAt }) => (integrityAt.sha1 === undefined ? undefined : { error: code })
      link.start()
      link.run(600_000)
      const { error } = only(link.events, 'failed')
      assert.deepEqual([error.code, error.errorCode, error.reason], ['error-response', code, 'No'])
      assert.equal(link.client.state, 'failed')
      assert.equal(link.server.received, 2)
      assert.equal(link.client.pollTimeout(), undefined)
    })
  }

  it('fails if the very first answer is a refusal', () => {
    const link = new TurnLink()
    link.server.script = () => ({ error: 486 })
    link.start()
    link.run(1_000)
    assert.equal(only(link.events, 'failed').error.errorCode, 486)
  })

  it('is redirected, with and without credentials, and with a domain', () => {
    for (const first of [true, false]) {
      const link = new TurnLink()
      const alternateServer = { address: '192.0.2.200', port: 3478, family: 4 } as const
      link.server.script = ({ integrityAt }) =>
        first || integrityAt.sha1 !== undefined
          ? { error: 300, attributes: { alternateServer, alternateDomain: 'other.example' } }
          : undefined
      link.start()
      link.run(60_000)
      assert.deepEqual(link.events, [{ type: 'redirected', server: alternateServer, domain: 'other.example' }])
      assert.equal(link.client.state, 'redirected')
    }
  })

  it('gives up after one try with credentials that the server does not take', () => {
    const link = new TurnLink({ credentials: { username: 'user', password: 'wrong' } })
    link.start()
    link.run(600_000)
    const { error } = only(link.events, 'failed')
    assert.deepEqual([error.code, error.errorCode], ['unauthorized', 401])
    assert.equal(link.server.received, 2)
  })

  for (const code of [401, 438]) {
    it(`gives up on a server that says ${code} to everything, with another nonce and realm each time`, () => {
      const link = new TurnLink()
      let count = 0
      link.server.script = request => ({
        bytes: link.server.respond(
          request,
          'error',
          { errorCode: { code, reason: '' }, realm: `realm-${count}`, nonce: `nonce-${count++}` },
          { signed: false },
        ),
      })
      link.start()
      link.run(600_000)
      assert.equal(only(link.events, 'failed').error.code, 'unauthorized')
      assert.ok(count <= maxRetries + 2, `${count} requests`)
    })
  }

  it('says nothing secret when it fails', () => {
    const link = new TurnLink({ credentials: { ...credentials, password: 'canary-pass-9' } })
    link.start()
    link.run(1_000)
    const { error } = only(link.events, 'failed')
    const text = inspect([error, link.client, link.events], { depth: 10, showHidden: true }) + error.stack
    assert.doesNotMatch(text, /canary/)
    assert.doesNotMatch(JSON.stringify([error, link.client]), /canary/)
  })

  it('sends again over UDP for 39.5 seconds, and not for ever', () => {
    const link = new TurnLink()
    link.server.dead = true
    const before = link.now
    link.start()
    assert.ok(link.run(600_000, () => link.client.state === 'failed'))
    assert.equal(link.now - before, 39_500)
    assert.equal(only(link.events, 'failed').error.code, 'timeout')
    // At 0, 0.5, 1.5, 3.5, 6.7 seconds, and then every 3.2.
    assert.equal(link.server.received, 15)
  })

  it('sends once over TCP, and waits as long', () => {
    const link = new TurnLink({ reliable: true })
    link.server.dead = true
    const before = link.now
    link.start()
    assert.ok(link.run(600_000, () => link.client.state === 'failed'))
    assert.equal(link.now - before, 39_500)
    assert.equal(link.server.received, 1)
  })

  it('fails when the connection to the server is lost', () => {
    const link = new TurnLink({ reliable: true })
    link.start()
    link.client.connectionLost()
    link.drain()
    assert.equal(only(link.events, 'failed').error.code, 'connection-lost')
  })

  it('deletes what it did not ask for or can not use, and fails', () => {
    for (const success of [
      { xorMappedAddress: clientAddress, lifetime: 600 },
      { xorRelayedAddress: [relayed4], lifetime: 600 },
      { xorRelayedAddress: [relayed6], xorMappedAddress: clientAddress, lifetime: 600 },
      { xorRelayedAddress: [relayed4], xorMappedAddress: clientAddress, lifetime: 0 },
    ]) {
      const link = new TurnLink({ family: 4 })
      link.server.script = ({ method, integrityAt }) =>
        method === stunMethod.allocate && integrityAt.sha1 !== undefined ? { success } : undefined
      link.start()
      link.run(10_000)
      assert.equal(only(link.events, 'failed').error.code, 'malformed')
      assert.equal(link.server.of(stunMethod.refresh)[0]?.attributes.lifetime, 0)
      assert.equal(link.client.state, 'failed')
      assert.deepEqual(
        link.events.map(({ type }) => type),
        ['failed', 'closed'],
      )
    }
  })

  it('takes the lifetime for 600 seconds if the server does not say it', () => {
    const link = new TurnLink()
    link.server.script = ({ integrityAt }) =>
      integrityAt.sha1 === undefined
        ? undefined
        : { success: { xorRelayedAddress: [relayed4], xorMappedAddress: clientAddress } }
    link.start()
    link.run(1_000)
    assert.equal(only(link.events, 'allocated').lifetimeSeconds, 600)
  })

  it('refuses to be a TCP allocation over UDP', () => {
    assert.throws(() => new TurnLink({ requestedTransport: 'tcp' }), TypeError)
  })

  it('starts once', () => {
    const link = TurnLink.allocated()
    link.start()
    link.run(1_000)
    assert.equal(link.server.of(stunMethod.allocate).length, 2)
  })
})
