import assert from 'node:assert/strict'
import { concatBytes } from '../../src/base/bytes.ts'
import { type AttributeName, attributeType, maxRepeated, type StunAttributes } from '../../src/ice/stun/attributes.ts'
import { computeIntegrity, messageIntegrity } from '../../src/ice/stun/integrity.ts'
import { encodeMessage, isAuthentic, type StunMessage, stunMethod } from '../../src/ice/stun/message.ts'
import { addFingerprint } from '../ice/messages.ts'
import { allocated, assertSuccess, at, Bench, bytes, Client, codeOf, peerAddress, realm } from './bench.ts'

const { allocate, refresh, createPermission, channelBind, connectionBind } = stunMethod

describe('A request with an attribute that is malformed', () => {
  const cases: readonly [method: number, attributes: StunAttributes, malformed: AttributeName][] = [
    // RFC 8656 §7.2 step 3
    [allocate, { requestedTransport: 17 }, 'requestedTransport'],
    [allocate, { requestedTransport: 17, lifetime: 700 }, 'lifetime'],
    [allocate, { requestedTransport: 17, reservationToken: new Uint8Array(8) }, 'reservationToken'],
    [allocate, { requestedTransport: 17, additionalAddressFamily: 6 }, 'additionalAddressFamily'],
    [refresh, { lifetime: 700 }, 'lifetime'],
    // RFC 8656 §10.2, §12.2
    [createPermission, { xorPeerAddress: [peerAddress] }, 'xorPeerAddress'],
    [channelBind, { channelNumber: 0x4000, xorPeerAddress: [peerAddress] }, 'xorPeerAddress'],
    [channelBind, { channelNumber: 0x4000, xorPeerAddress: [peerAddress] }, 'channelNumber'],
    [connectionBind, { connectionId: 1 }, 'connectionId'],
  ]
  for (const [method, attributes, malformed] of cases) {
    it(`of method ${method} is refused with 400 where it is authentic and ${malformed} lacks a byte`, () => {
      const bench = new Bench()
      const client = method === allocate ? new Client(bench) : allocated(bench)
      if (client.nonce === undefined) client.challenge()
      const allocations = bench.core.stats().openAllocations
      const transactionId = bench.random.bytes(12)
      const named = { username: client.username, realm, nonce: client.nonce ?? assert.fail() }
      const request = { class: 'request', method, transactionId, attributes: { ...attributes, ...named } } as const
      client.send(signed(shortened(request, malformed), client.key))
      const response = client.response(transactionId) ?? assert.fail('no response')
      assert.equal(codeOf(response), 400)
      assert.ok(isAuthentic(response, client.key))
      assert.equal(bench.core.stats().openAllocations, allocations)
      if (method !== allocate) {
        client.fromPeer(bytes(1))
        assert.deepEqual(bench.drops(), { 'no-permission': 1 }, 'nothing was permitted')
      }
    })
  }

  it('is told apart from one that has as many addresses as there may be', () => {
    const client = allocated(new Bench())
    const peers = Array.from({ length: maxRepeated }, (_, index) => at(`8.8.4.${index}`, 1))
    assertSuccess(client.permit(...peers))
    assert.equal(codeOf(client.permit(...peers, at('8.8.8.8', 1))), 400)
  })

  it('gets a challenge like any other where it is not authentic', () => {
    const client = new Client(new Bench())
    const transactionId = client.bench.random.bytes(12)
    const request = {
      class: 'request',
      method: allocate,
      transactionId,
      attributes: { requestedTransport: 17 },
    } as const
    client.send(shortened(request, 'requestedTransport'))
    const response = client.response(transactionId)
    assert.equal(codeOf(response), 401)
    assert.equal(response?.attributes.realm, realm)
  })

  it('for a binding is refused too, as far as strangers are answered', () => {
    const bench = new Bench({ maxUnauthenticatedPerSecond: 3 })
    const client = new Client(bench)
    const codes = Array.from({ length: 5 }, () => {
      const transactionId = bench.random.bytes(12)
      const attributes = { responsePort: 9 }
      const request = { class: 'request', method: stunMethod.binding, transactionId, attributes } as const
      client.send(shortened(request, 'responsePort'))
      return codeOf(client.response(transactionId))
    })
    assert.deepEqual(codes, [400, 400, 400, undefined, undefined])
    assert.deepEqual(bench.drops(), { 'rate-limited': 2 })
  })
})

describe('An indication or response with an attribute that is malformed', () => {
  it('is dropped', () => {
    const bench = new Bench()
    const client = allocated(bench)
    assertSuccess(client.permit(peerAddress))
    const transactionId = bench.random.bytes(12)
    const attributes = { xorPeerAddress: [peerAddress], data: bytes(1, 2, 3) }
    for (const type of ['indication', 'success', 'error'] as const) {
      const message = { class: type, method: stunMethod.send, transactionId, attributes }
      client.send(shortened(message, 'xorPeerAddress'))
    }
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { malformed: 3 })
  })
})

/** The message without integrity and fingerprint, in which an attribute says that it is one byte shorter than it is. */
function shortened(message: StunMessage, name: AttributeName): Uint8Array {
  const encoded = Buffer.from(encodeMessage(message, { fingerprint: false }))
  for (let offset = 20; offset < encoded.length; ) {
    const length = encoded.readUInt16BE(offset + 2)
    if (encoded.readUInt16BE(offset) === attributeType(name)) {
      encoded.writeUInt16BE(length - 1, offset + 2)
      return encoded
    }
    offset += 4 + ((length + 3) & ~3)
  }
  return assert.fail(`there is no ${name}`)
}

function signed(body: Uint8Array, key: Uint8Array): Uint8Array {
  const head = bytes(messageIntegrity.type >> 8, messageIntegrity.type, 0, messageIntegrity.length)
  return addFingerprint(concatBytes(body, head, computeIntegrity(body, body.length, messageIntegrity, key)))
}
