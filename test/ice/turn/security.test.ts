import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { encodeMessage, type ReceivedStunMessage, stunMethod } from '../../../src/ice/stun/message.ts'
import { clientAddress, indication, key, relayed4 } from './scripted-server.ts'
import { bulk, only, peer, stunLike, TurnLink } from './turn-link.ts'

const wrongKey = new Uint8Array(16).fill(1)

/** The request of a method that the client sends next, caught before it reaches anybody. */
function catchRequest(link: TurnLink, method: number): ReceivedStunMessage {
  let caught: ReceivedStunMessage | undefined
  link.server.script = request => {
    if (request.method === method) caught = request
    return request.method === method ? 'ignore' : undefined
  }
  link.run(600_000, () => caught !== undefined)
  return caught ?? assert.fail()
}

describe('A TURN client that somebody wants to deceive', () => {
  it('takes no Allocate response without integrity, or with a wrong one, and then the genuine one', () => {
    const link = new TurnLink()
    link.server.script = request => {
      if (request.integrityAt.sha1 === undefined) return undefined
      const attributes = {
        xorRelayedAddress: [{ ...relayed4, port: 666 }],
        xorMappedAddress: clientAddress,
        lifetime: 600,
      }
      link.inject(link.server.respond(request, 'success', attributes, { signed: false }))
      link.inject(link.server.respond(request, 'success', attributes, { key: wrongKey }))
      link.inject(link.server.respond(request, 'error', { errorCode: { code: 486, reason: '' } }, { signed: false }))
      link.inject(link.server.respond(request, 'error', { errorCode: { code: 400, reason: '' } }, { signed: false }))
      link.inject(link.server.respond(request, 'error', { errorCode: { code: 437, reason: '' } }, { key: wrongKey }))
      return undefined
    }
    link.start()
    link.run(1_000)
    assert.deepEqual(only(link.events, 'allocated').relayed, [relayed4])
    assert.deepEqual(link.drops, { 'bad-integrity': 5 })
  })

  it('says that integrity was violated if nothing else came', () => {
    const link = new TurnLink()
    link.server.script = request =>
      request.integrityAt.sha1 === undefined
        ? undefined
        : { bytes: link.server.respond(request, 'success', {}, { key: wrongKey }) }
    link.start()
    assert.ok(link.run(60_000, () => link.client.state === 'failed'))
    const { error } = only(link.events, 'failed')
    assert.deepEqual([error.code, error.errorCode], ['unauthorized', undefined])
  })

  it('ends the transaction at once over a connection that cannot be written to by others', () => {
    const link = new TurnLink({ reliable: true })
    link.server.script = request =>
      request.integrityAt.sha1 === undefined
        ? undefined
        : { bytes: link.server.respond(request, 'success', {}, { signed: false }) }
    link.start()
    link.run(100)
    assert.equal(only(link.events, 'failed').error.code, 'unauthorized')
  })

  it('takes no response of another transaction, nor for another method', () => {
    const link = TurnLink.allocated()
    const request = catchRequest(link, stunMethod.refresh)
    const { server } = link
    link.inject(server.respond(request, 'success', { lifetime: 0 }, { transactionId: new Uint8Array(12) }))
    link.inject(server.respond({ ...request, method: stunMethod.allocate }, 'success', { lifetime: 0 }))
    link.inject(server.respond({ ...request, method: stunMethod.createPermission }, 'success', {}))
    assert.deepEqual(link.drops, { 'unknown-transaction': 3 })
    assert.equal(link.client.state, 'allocated')
  })

  it('takes each response once', () => {
    const link = TurnLink.allocated()
    const request = catchRequest(link, stunMethod.refresh)
    const response = link.server.respond(request, 'success', { lifetime: 600 })
    link.inject(response)
    link.inject(response)
    link.inject(link.server.respond(request, 'error', { errorCode: { code: 437, reason: '' } }))
    assert.deepEqual(link.drops, { 'unknown-transaction': 2 })
    assert.equal(link.client.state, 'allocated')
  })

  it('does not lose its allocation by a 437 that is not signed', () => {
    const link = TurnLink.allocated()
    const request = catchRequest(link, stunMethod.refresh)
    const attributes = { errorCode: { code: 437, reason: '' } }
    link.inject(link.server.respond(request, 'error', attributes, { signed: false }))
    link.inject(link.server.respond(request, 'error', attributes, { key: wrongKey }))
    link.server.script = () => undefined
    link.run(30_000)
    assert.equal(link.client.state, 'allocated')
    assert.deepEqual(link.events, [])
  })

  it('has no use for a signed response with an attribute that it would have to understand', () => {
    const link = TurnLink.allocated()
    const request = catchRequest(link, stunMethod.refresh)
    const header = link.server.respond(request, 'success', {}, { signed: false }).slice(0, 20)
    const body = Buffer.concat([header, Buffer.from('7abc0000', 'hex')])
    body.writeUInt16BE(4 + 24, 2)
    const integrity = createHmac('sha1', key).update(body).digest()
    link.inject(Buffer.concat([body, Buffer.from('00080014', 'hex'), integrity]))
    assert.deepEqual(link.drops, {})
    // It has ended the transaction, and granted nothing: another one follows soon.
    link.server.script = () => undefined
    link.run(61_000)
    assert.equal(link.server.of(stunMethod.refresh).length, 2)
  })

  it('takes no requests, and no indications but those of a client', () => {
    const link = TurnLink.allocated()
    const attributes = { xorPeerAddress: [peer(1)], data: bulk(), connectionId: 1 }
    link.send(stunLike(), peer(1))
    link.run(100)
    for (const method of Object.values(stunMethod)) {
      if (method !== stunMethod.data) link.inject(indication(method, attributes))
      link.inject(encodeMessage({ class: 'request', method, transactionId: new Uint8Array(12), attributes }))
    }
    const { length } = Object.values(stunMethod)
    assert.deepEqual(link.drops, { 'unsupported-method': 2 * length - 1 })
    assert.deepEqual(link.events, [])
  })

  it('takes nothing before it has an allocation', () => {
    const link = new TurnLink()
    link.inject(indication(stunMethod.data, { xorPeerAddress: [peer(1)], data: bulk() }))
    link.inject(Uint8Array.of(0x40, 0, 0, 0))
    link.send(bulk(), peer(1))
    link.client.permit(peer(1), link.now)
    link.client.connect(peer(1), link.now)
    link.drain()
    assert.deepEqual(link.drops, { 'no-allocation': 2 })
    assert.equal(link.client.dropped, 1)
    assert.equal(link.client.pollTransmit(link.now), undefined)
  })

  it('does not follow a challenge that a stranger sends for a request that was never made', () => {
    const link = TurnLink.allocated()
    const forged = encodeMessage({
      class: 'error',
      method: stunMethod.refresh,
      transactionId: new Uint8Array(12),
      attributes: { errorCode: { code: 438, reason: '' }, realm: 'evil', nonce: 'evil' },
    })
    link.inject(forged)
    link.run(3_600_000)
    assert.equal(link.client.state, 'allocated')
    assert.ok(link.server.requests.every(({ message }) => message.attributes.nonce !== 'evil'))
  })

  it('gets all its requests through when the nonce changes while a hundred are on their way', () => {
    const link = TurnLink.allocated()
    for (let i = 1; i <= 100; i++) link.client.send(stunLike(), peer(i), link.now)
    link.server.nonce = 'new'
    link.drain()
    link.run(1_000)
    assert.equal(link.server.delivered.length, 100)
    assert.deepEqual(link.events, [])
  })
})
