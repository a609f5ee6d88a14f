import assert from 'node:assert/strict'
import { maxOwnConnectionIds, maxSpareConnectionIds } from '../../../src/dtls/connection-id.ts'
import { Handshake } from '../../../src/dtls/handshake.ts'
import type { DtlsConnection } from '../../../src/dtls/index.ts'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import {
  decodeNewConnectionId,
  decodeRequestConnectionId,
  encodeNewConnectionId,
  encodeRequestConnectionId,
  withUpdate,
} from '../../../src/dtls/v13/connection-ids.ts'
import { Link } from '../link.ts'
import { connectedPair, createPair, type Endpoint, exchange, type Pair, start, withTampering } from '../support.ts'

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

function pairWith(client: number | undefined, server: number | undefined, seed = 1): Pair {
  const options = (length: number | undefined) => (length === undefined ? {} : { connectionId: { length } })
  return connectedPair({ seed, options: { maxVersion: '1.3' }, client: options(client), server: options(server) })
}

function own({ connectionIds }: DtlsConnection): readonly string[] {
  return (connectionIds?.own ?? []).map(hex)
}

/** The connection ID on the next record. */
function used({ dtls }: Endpoint): string {
  const length = dtls.connectionIds?.peer.length ?? 0
  return hex(dtls.seal(new Uint8Array()).subarray(1, 1 + length))
}

function assertWorks({ client, server }: Pair, text: string): void {
  server.receive(client.dtls.seal(Buffer.from(text)))
  client.receive(server.dtls.seal(Buffer.from(text)))
  assert.deepEqual([client.data.at(-1), server.data.at(-1)], [text, text])
}

/** Has `from` send a handshake message that it would not send. */
function sendMessage(from: Endpoint, type: number, body: Uint8Array): void {
  const genuine = Handshake.prototype.updateKeys
  Handshake.prototype.updateKeys = function () {
    this.write(type, body)
    this.sendFlight()
  }
  try {
    from.dtls.updateKeys(0)
  } finally {
    Handshake.prototype.updateKeys = genuine
  }
}

describe('Connection IDs of DTLS 1.3 after the handshake', () => {
  it('are given when the peer asks for them, acknowledged, and used in order', () => {
    const pair = pairWith(8, 4)
    const { client, server } = pair
    client.dtls.updateConnectionIds({ kind: 'request', count: 2 }, 0)
    exchange(pair)
    assert.equal(own(server.dtls).length, 3)
    assert.equal(client.dtls.connectionIds?.spare, 2)
    assert.deepEqual([client.dtls.pollTimeout(), server.dtls.pollTimeout()], [undefined, undefined])
    const before = own(server.dtls)
    assert.equal(used(client), before[0])
    for (const expected of before.slice(1)) {
      assert.equal(client.dtls.useNextConnectionId(), true)
      assert.equal(used(client), expected)
      assertWorks(pair, expected)
    }
    assert.equal(client.dtls.useNextConnectionId(), false)
    assert.deepEqual(own(server.dtls), before, 'records that are late still have them')
  })

  it('are replaced at once where their owner wants it so', () => {
    const pair = pairWith(8, 4)
    const { client, server } = pair
    const [first] = own(server.dtls)
    const late = client.dtls.seal(Buffer.from('late'))
    server.dtls.updateConnectionIds({ kind: 'issue', count: 2, usage: 'immediate' }, 0)
    exchange(pair)
    const [, second] = own(server.dtls)
    assert.notEqual(second, first)
    assert.equal(used(client), second)
    assert.equal(client.dtls.connectionIds?.spare, 1)
    assertWorks(pair, 'with the second')
    server.receive(late)
    assert.equal(server.data.at(-1), 'late')
  })

  it('survive an update of the keys, and both at once', () => {
    const pair = pairWith(8, 4)
    pair.client.dtls.updateKeys(0, true)
    pair.client.dtls.updateConnectionIds({ kind: 'request', count: 1 }, 0)
    pair.client.dtls.updateConnectionIds({ kind: 'issue', count: 1, usage: 'immediate' }, 0)
    pair.server.dtls.updateConnectionIds({ kind: 'issue', count: 1, usage: 'immediate' }, 0)
    exchange(pair)
    assert.deepEqual([own(pair.client.dtls).length, own(pair.server.dtls).length], [2, 3])
    assert.equal(used(pair.server), own(pair.client.dtls)[1])
    assertWorks(pair, 'after')
    assert.equal((pair.client.dtls.seal(new Uint8Array())[0] ?? 0) & 3, 0, 'epoch 4')
  })

  it('are never more than there is room for; those left behind make room', () => {
    const pair = pairWith(0, 4)
    const { client, server } = pair
    client.dtls.updateConnectionIds({ kind: 'request', count: 255 }, 0)
    exchange(pair)
    assert.equal(own(server.dtls).length, maxOwnConnectionIds)
    assert.equal(client.dtls.connectionIds?.spare, maxOwnConnectionIds - 1)
    client.dtls.updateConnectionIds({ kind: 'request', count: 5 }, 0)
    exchange(pair)
    assert.equal(own(server.dtls).length, maxOwnConnectionIds, 'the answer has none')
    const [first, second, third] = own(server.dtls)
    client.dtls.useNextConnectionId()
    client.dtls.useNextConnectionId()
    server.receive(client.dtls.seal(Buffer.from('with the third')))
    client.dtls.updateConnectionIds({ kind: 'request', count: 5 }, 0)
    exchange(pair)
    const now = own(server.dtls)
    assert.equal(now.length, maxOwnConnectionIds)
    assert.deepEqual([now.includes(String(first)), now.includes(String(second)), now[0]], [false, false, third])
    for (let n = 0; n < 50; n++) {
      client.dtls.updateConnectionIds({ kind: 'request', count: 2 }, 0)
      exchange(pair)
      assert.equal(client.dtls.useNextConnectionId(), true)
      server.receive(client.dtls.seal(Buffer.from(`move ${n}`)))
      assert.equal(server.data.at(-1), `move ${n}`)
      assert.ok(own(server.dtls).length <= maxOwnConnectionIds)
    }
  })

  it('that the peer gives in excess are discarded', () => {
    const pair = pairWith(8, 8)
    const ids = Array.from({ length: maxSpareConnectionIds + 3 }, (_, n) => Uint8Array.of(1, 2, n))
    sendMessage(pair.server, HandshakeType.newConnectionId, encodeNewConnectionId({ ids, usage: 'spare' }))
    exchange(pair)
    assert.equal(pair.client.dtls.connectionIds?.spare, maxSpareConnectionIds)
    pair.client.dtls.useNextConnectionId()
    assert.equal(used(pair.client), '010200')
    assert.equal(pair.client.dtls.recordOverhead, 22 + 3)
  })

  it('arrive on a link that loses, repeats and reorders, and never leave the ends apart', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const conditions = { loss: 0.3, jitterMs: 40, duplication: 0.1 }
      const pair = createPair({ seed, options: { maxVersion: '1.3', connectionId: { length: 6 } } })
      start(pair)
      const link = new Link(pair, seed, conditions)
      const connected = () => [pair.client, pair.server].every(({ dtls }) => dtls.state === 'connected')
      link.run(60_000, connected)
      assert.ok(connected(), `seed ${seed}`)
      for (const { dtls } of [pair.client, pair.server]) {
        dtls.updateConnectionIds({ kind: 'request', count: 3 }, link.now)
        dtls.updateConnectionIds({ kind: 'issue', count: 1, usage: 'immediate' }, link.now)
        dtls.updateKeys(link.now, true)
      }
      const done = () => [pair.client, pair.server].every(({ dtls }) => (dtls.connectionIds?.spare ?? 0) >= 3)
      link.run(link.now + 120_000, done)
      assert.ok(done(), `seed ${seed}`)
      link.run(link.now + 120_000)
      assertWorks(pair, `seed ${seed}`)
      for (const [one, other] of [
        [pair.client, pair.server],
        [pair.server, pair.client],
      ] as const) {
        assert.ok(own(other.dtls).includes(used(one)), `seed ${seed}`)
        assert.equal(one.dtls.pollTimeout(), undefined, `seed ${seed}`)
      }
    }
  })

  describe('where there are none', () => {
    for (const [client, server] of [
      [undefined, undefined],
      [8, undefined],
      [0, 0],
    ] as const) {
      it(`are neither asked for nor given: ${client} and ${server} bytes`, () => {
        const pair = pairWith(client, server)
        pair.client.dtls.updateConnectionIds({ kind: 'request', count: 1 }, 0)
        pair.client.dtls.updateConnectionIds({ kind: 'issue', count: 1, usage: 'spare' }, 0)
        assert.deepEqual(pair.client.transmits(), [])
        assert.equal(pair.client.dtls.useNextConnectionId(), false)
      })

      for (const type of [HandshakeType.newConnectionId, HandshakeType.requestConnectionId]) {
        it(`end the connection: ${client} and ${server} bytes, message ${type}`, () => {
          const pair = pairWith(client, server)
          const body = type === HandshakeType.newConnectionId ? bytes('0002010701') : bytes('01')
          sendMessage(pair.client, type, body)
          exchange(pair)
          assert.equal(pair.server.failure, 'unexpected-message')
        })
      }
    }

    it('end the connection in the direction that has none', () => {
      const asked = pairWith(0, 8)
      sendMessage(asked.server, HandshakeType.requestConnectionId, bytes('01'))
      exchange(asked)
      assert.equal(asked.client.failure, 'unexpected-message')
      const given = pairWith(0, 8)
      sendMessage(given.client, HandshakeType.newConnectionId, bytes('0002010701'))
      exchange(given)
      assert.equal(given.server.failure, 'unexpected-message')
    })
  })

  it('that could not be put to use end the connection', () => {
    for (const [body, failure] of [
      ['000000', 'illegal-parameter'],
      ['00010000', 'illegal-parameter'],
      ['0002010702', 'illegal-parameter'],
      ['00020107', 'decode-error'],
      ['000205070700', 'decode-error'],
      ['000201070000', 'decode-error'],
    ] as const) {
      const pair = pairWith(8, 8)
      sendMessage(pair.client, HandshakeType.newConnectionId, bytes(body))
      exchange(pair)
      assert.equal(pair.server.failure, failure, body)
    }
    for (const body of ['', '0101']) {
      const pair = pairWith(8, 8)
      sendMessage(pair.client, HandshakeType.requestConnectionId, bytes(body))
      exchange(pair)
      assert.equal(pair.server.failure, 'decode-error', body)
    }
  })

  it('are not asked for twice: a peer that does so is told', () => {
    const pair = pairWith(8, 8)
    pair.client.dtls.updateConnectionIds({ kind: 'request', count: 1 }, 0)
    const [request] = pair.client.transmits()
    pair.client.dtls.updateConnectionIds({ kind: 'request', count: 1 }, 0)
    assert.deepEqual(pair.client.transmits(), [])
    assert.ok(request)
    // The server's answer to the first is not acknowledged; the second waits behind it; the third is one too many.
    pair.server.receive(request)
    pair.server.transmits()
    for (let n = 0; n < 2; n++) {
      sendMessage(pair.client, HandshakeType.requestConnectionId, bytes('01'))
      for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    }
    assert.equal(pair.server.failure, 'too-many-connection-ids')
    const failed = pair.server.events.find(({ type }) => type === 'failed')
    assert.ok(failed?.type === 'failed')
    assert.equal(failed.error.alert, 52)
  })

  it('take one message of a kind that waits for its turn', () => {
    const spare = { kind: 'issue', count: 1, usage: 'spare' } as const
    const immediate = { kind: 'issue', count: 2, usage: 'immediate' } as const
    const request = { kind: 'request', count: 1 } as const
    assert.deepEqual(withUpdate([spare], request), [spare, request])
    assert.deepEqual(withUpdate([spare, request], immediate), [{ ...immediate, count: 3 }, request])
    assert.deepEqual(withUpdate([immediate], spare), [{ ...immediate, count: 3 }])
    assert.deepEqual(withUpdate([request], { ...request, count: 7 }), [{ ...request, count: 7 }])
  })

  it('have messages as the RFC writes them', () => {
    const message = { ids: [Uint8Array.of(5), Uint8Array.of(1, 0)], usage: 'spare' } as const
    const body = encodeNewConnectionId(message)
    assert.equal(hex(body), '0005010502010001')
    assert.deepEqual(decodeNewConnectionId(body), message)
    assert.deepEqual(decodeNewConnectionId(bytes('000001')), { ids: [], usage: 'spare' })
    assert.equal(decodeRequestConnectionId(bytes('ff')), 255)
    assert.deepEqual(
      [2, 300].map(count => hex(encodeRequestConnectionId(count))),
      ['02', 'ff'],
    )
  })

  it('are not in a HelloRetryRequest, nor in EncryptedExtensions', () => {
    const pair = createPair({ options: { maxVersion: '1.3', connectionId: { length: 4 } } })
    const inEncryptedExtensions = (type: number, body: Uint8Array): Uint8Array =>
      type === HandshakeType.encryptedExtensions ? bytes('000600360002010a') : body
    withTampering(inEncryptedExtensions, () => {
      start(pair)
      exchange(pair)
    })
    assert.equal(pair.client.failure, 'unsolicited-extension')
  })
})
