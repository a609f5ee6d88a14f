import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { StunError } from '../../../src/ice/errors.ts'
import { LongTermCredentials } from '../../../src/ice/stun/credentials.ts'
import { decodeMessage, encodeMessage, stunMethod } from '../../../src/ice/stun/message.ts'
import { ConnectionBind, maxBindResponseBytes } from '../../../src/ice/turn/connection-bind.ts'
import { maxConnects } from '../../../src/ice/turn/connects.ts'
import { defaultTurnTiming } from '../../../src/ice/turn/timing.ts'
import { prng } from '../../support/prng.ts'
import { credentials, indication } from './scripted-server.ts'
import { bulk, only, peer, TurnLink } from './turn-link.ts'

const tcp = { reliable: true, requestedTransport: 'tcp' } as const

describe('A TCP allocation, RFC 6062', () => {
  it('is asked for as one', () => {
    const link = TurnLink.allocated(tcp)
    assert.equal(link.server.of(stunMethod.allocate)[1]?.attributes.requestedTransport, 6)
  })

  it('has the server connect to a peer, once at a time', () => {
    const link = TurnLink.allocated(tcp)
    link.server.script = ({ method }) =>
      method === stunMethod.connect ? { success: { connectionId: 0xfedc_ba98 } } : undefined
    link.client.connect(peer(1), link.now)
    link.client.connect({ address: '::ffff:192.0.2.1', port: 4_000, family: 6 }, link.now)
    link.drain()
    link.run(100)
    assert.deepEqual(link.events, [{ type: 'connected', connectionId: 0xfedc_ba98, peer: peer(1) }])
    assert.deepEqual(link.server.of(stunMethod.connect)[0]?.attributes.xorPeerAddress, [peer(1)])
    assert.equal(link.server.of(stunMethod.connect).length, 1)
  })

  it('waits ten seconds before it tries a peer again that could not be connected to', () => {
    const link = TurnLink.allocated(tcp)
    link.server.script = ({ method }) => (method === stunMethod.connect ? { error: 447 } : undefined)
    const tries = () => link.server.of(stunMethod.connect).length
    for (const [wait, expected] of [
      [0, 1],
      [9_900, 1],
      [200, 2],
    ] as const) {
      link.run(wait)
      link.events.length = 0
      link.client.connect(peer(1), link.now)
      link.drain()
      link.run(100)
      assert.equal(only(link.events, 'connect-failed').error.errorCode, 447)
      assert.equal(tries(), expected)
    }
  })

  for (const code of [400, 403, 446, 508]) {
    it(`says that it failed with ${code}`, () => {
      const link = TurnLink.allocated(tcp)
      link.server.script = ({ method }) => (method === stunMethod.connect ? { error: code } : undefined)
      link.client.connect(peer(1), link.now)
      link.drain()
      link.run(100)
      const { error, peer: to } = only(link.events, 'connect-failed')
      assert.deepEqual([error.errorCode, to], [code, peer(1)])
    })
  }

  it('is gone after 437', () => {
    const link = TurnLink.allocated(tcp)
    link.server.script = ({ method }) => (method === stunMethod.connect ? { error: 437 } : undefined)
    link.client.connect(peer(1), link.now)
    link.drain()
    link.run(100)
    assert.equal(only(link.events, 'lost').error.errorCode, 437)
  })

  it('fails a connection that the server forgets to number', () => {
    const link = TurnLink.allocated(tcp)
    link.server.script = ({ method }) => (method === stunMethod.connect ? { success: {} } : undefined)
    link.client.connect(peer(1), link.now)
    link.drain()
    link.run(100)
    assert.equal(only(link.events, 'connect-failed').error.code, 'malformed')
  })

  it('asks for so many connections at a time and no more', () => {
    const link = TurnLink.allocated(tcp)
    link.server.script = ({ method }) => (method === stunMethod.connect ? 'ignore' : undefined)
    for (let port = 1; port <= maxConnects + 1; port++) link.client.connect(peer(1, port), link.now)
    link.drain()
    const { error, peer: refused } = only(link.events, 'connect-failed')
    assert.deepEqual([error.errorCode, refused.port], [508, maxConnects + 1])
  })

  it('tells who connects, if that peer was permitted', () => {
    const link = TurnLink.allocated(tcp)
    link.client.permit(peer(1, 0), link.now)
    link.drain()
    link.run(100)
    for (const attributes of [
      { xorPeerAddress: [peer(1, 5)], connectionId: 9 },
      { xorPeerAddress: [peer(2, 5)], connectionId: 10 },
      { xorPeerAddress: [peer(1, 5)] },
      { connectionId: 11 },
    ]) {
      link.inject(indication(stunMethod.connectionAttempt, attributes))
    }
    assert.deepEqual(link.events, [{ type: 'connection-attempt', connectionId: 9, peer: peer(1, 5) }])
    assert.deepEqual(link.drops, { 'no-permission': 1, malformed: 2 })
  })

  it('carries no datagrams, and a UDP allocation no connections', () => {
    const link = TurnLink.allocated(tcp)
    link.send(bulk(), peer(1))
    assert.equal(link.client.dropped, 1)
    const udp = TurnLink.allocated()
    udp.client.connect(peer(1), udp.now)
    assert.equal(udp.client.pollTransmit(udp.now), undefined)
    udp.inject(indication(stunMethod.connectionAttempt, { xorPeerAddress: [peer(1)], connectionId: 1 }))
    assert.deepEqual(udp.events, [])
  })
})

describe('A data connection, RFC 6062', () => {
  const realm = 'relay.example'
  const key = createHash('md5').update(`user:${realm}:${credentials.password}`).digest()

  function binding(): ConnectionBind {
    const random = prng(5)
    return new ConnectionBind({
      random: n => random.bytes(n),
      credentials: new LongTermCredentials(credentials),
      connectionId: 77,
      timing: defaultTurnTiming,
    })
  }

  /** The answer of a server that wants credentials, as bytes of the stream. */
  function answer(request: Uint8Array, nonce = 'n'): Uint8Array {
    const message = decodeMessage(request) ?? assert.fail()
    assert.equal(message.attributes.connectionId, 77)
    const { transactionId, method } = message
    if (message.attributes.nonce === nonce) {
      return encodeMessage({ class: 'success', method, transactionId, attributes: {} }, { key })
    }
    const attributes = { errorCode: { code: 401, reason: '' }, realm, nonce }
    return encodeMessage({ class: 'error', method, transactionId, attributes })
  }

  for (const size of [1, 7, 1_000]) {
    it(`is bound, and begins with what the peer has sent meanwhile, in pieces of ${size} bytes`, () => {
      const bind = binding()
      bind.start(0)
      let received = ''
      const fromServer = [...answer(bind.pollTransmit() ?? assert.fail())]
      for (let answered = 1; fromServer.length > 0; ) {
        const chunk = Uint8Array.from(fromServer.splice(0, size))
        if (bind.state === 'bound') received += Buffer.from(chunk).toString()
        else bind.receive(chunk, 0)
        const request = bind.pollTransmit()
        if (request !== undefined && ++answered === 2)
          fromServer.push(...answer(request), ...Buffer.from('\x00\x01hello'))
        const event = bind.pollEvent()
        if (event?.type === 'bound') received += Buffer.from(event.data).toString()
      }
      assert.equal(bind.state, 'bound')
      assert.equal(received, '\x00\x01hello')
      assert.equal(bind.pollTimeout(), undefined)
    })
  }

  it('takes the credentials, and the nonce, of the control connection', () => {
    const link = TurnLink.allocated(tcp)
    const bind = link.client.connectionBind(5)
    bind.start(0)
    const request = decodeMessage(bind.pollTransmit() ?? assert.fail())
    assert.equal(request?.attributes.nonce, 'nonce-0')
    assert.equal(request?.attributes.username, 'user')
  })

  function failure(bind: ConnectionBind): StunError {
    const event = bind.pollEvent()
    assert.equal(bind.state, 'failed')
    assert.equal(bind.pollEvent(), undefined)
    assert.equal(bind.pollTimeout(), undefined)
    return event?.type === 'failed' ? event.error : assert.fail()
  }

  it('fails if the server refuses, breaks the rules, says nothing, or goes', () => {
    for (const [what, act, code] of [
      ['400', (b: ConnectionBind, r: Uint8Array) => b.receive(error(r, 400), 0), 'error-response'],
      ['no STUN', (b: ConnectionBind) => b.receive(new Uint8Array(20).fill(0xff, 4), 0), 'malformed'],
      [
        'too long',
        (b: ConnectionBind) => b.receive(Uint8Array.of(1, 1, 255, 252, ...new Uint8Array(16)), 0),
        'malformed',
      ],
      ['silence', (b: ConnectionBind) => b.handleTimeout(39_500), 'timeout'],
      ['lost', (b: ConnectionBind) => b.connectionLost(), 'connection-lost'],
    ] as const) {
      const bind = binding()
      bind.start(0)
      act(bind, bind.pollTransmit() ?? assert.fail())
      assert.equal(failure(bind).code, code, what)
      bind.receive(new Uint8Array(100), 0)
      bind.connectionLost()
      bind.start(0)
      assert.equal(bind.pollEvent(), undefined)
      assert.equal(bind.pollTransmit(), undefined)
    }
  })

  it('keeps no more than one response', () => {
    const bind = binding()
    bind.start(0)
    const endless = new Uint8Array(maxBindResponseBytes)
    endless.set([1, 11, 0x7f, 0xfc])
    bind.receive(endless.subarray(0, 20), 0)
    assert.equal(failure(bind).code, 'malformed')
  })

  it('lets pass what is no response, and responses to others', () => {
    const bind = binding()
    bind.start(0)
    const request = bind.pollTransmit() ?? assert.fail()
    bind.receive(indication(stunMethod.data, {}), 0)
    const transactionId = new Uint8Array(12)
    bind.receive(
      encodeMessage({ class: 'success', method: stunMethod.connectionBind, transactionId, attributes: {} }),
      0,
    )
    assert.equal(bind.state, 'binding')
    bind.receive(answer(request), 0)
    bind.receive(answer(bind.pollTransmit() ?? assert.fail()), 0)
    assert.equal(bind.state, 'bound')
  })

  function error(request: Uint8Array, code: number): Uint8Array {
    const { method, transactionId } = decodeMessage(request) ?? assert.fail()
    return encodeMessage({ class: 'error', method, transactionId, attributes: { errorCode: { code, reason: '' } } })
  }
})
