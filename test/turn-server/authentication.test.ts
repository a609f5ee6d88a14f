import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { encodeMessage, isAuthentic, stunMethod } from '../../src/ice/stun/message.ts'
import { nonceCookie } from '../../src/ice/stun/nonce-cookie.ts'
import { offeredAlgorithms } from '../../src/ice/turn/server/authentication.ts'
import { strangerBuckets } from '../../src/ice/turn/server/rate-limit.ts'
import { allocated, assertSuccess, at, Bench, Client, codeOf, peerAddress, realm, wallTime } from './bench.ts'

const secret = 'a secret of the service'

function temporary(username: string): { username: string; password: string } {
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}

const seconds = wallTime / 1000

describe('The long-term credentials of a TURN server', () => {
  it('work for clients of RFC 5389, which are answered with MESSAGE-INTEGRITY', () => {
    const response = new Client(new Bench()).allocate()
    assertSuccess(response)
    assert.deepEqual(Object.keys(response.integrityAt), ['sha1'])
  })

  for (const algorithm of ['md5', 'sha256'] as const) {
    for (const userhash of [false, true]) {
      it(`work with ${algorithm} keys and ${userhash ? 'USERHASH' : 'USERNAME'}`, () => {
        const response = new Client(new Bench(), undefined, { algorithm, userhash }).allocate()
        assertSuccess(response)
        assert.deepEqual(Object.keys(response.integrityAt), ['sha256'])
      })
    }
  }

  it('refuse a wrong password, an unknown user and another realm alike', () => {
    for (const options of [
      { password: 'wrong' },
      { username: 'mallory', password: 'x' },
      { userhash: true, password: 'y' },
    ]) {
      const bench = new Bench()
      const client = new Client(bench, undefined, options)
      const response = client.allocate()
      assert.equal(codeOf(response), 401)
      assert.equal(response.attributes.realm, realm)
      assert.equal(response.attributes.username, undefined)
      assert.deepEqual(response.integrityAt, {})
      assert.equal(bench.open.size, 0)
    }
    const client = new Client(new Bench())
    client.challenge()
    const attributes = { requestedTransport: 17, username: 'alice', realm: 'elsewhere', nonce: client.nonce ?? '' }
    const transactionId = client.bench.random.bytes(12)
    const request = { class: 'request', method: stunMethod.allocate, transactionId, attributes } as const
    client.send(encodeMessage(request, { key: client.key }))
    assert.equal(codeOf(client.response(transactionId)), 401)
  })

  it('answer 400 to credentials that are not whole, without realm and nonce', () => {
    const client = new Client(new Bench())
    client.challenge()
    const whole = { username: 'alice', realm, nonce: client.nonce ?? '' }
    for (const missing of ['username', 'realm', 'nonce'] as const) {
      const { [missing]: _, ...attributes } = whole
      const transactionId = client.bench.random.bytes(12)
      const request = { class: 'request', method: stunMethod.allocate, transactionId, attributes } as const
      client.send(encodeMessage(request, { key: client.key }))
      const response = client.response(transactionId)
      assert.equal(codeOf(response), 400, missing)
      assert.equal(response?.attributes.nonce, undefined)
      assert.equal(response?.attributes.realm, undefined)
    }
  })

  it('answer 400 where somebody has tampered with the offered algorithms', () => {
    const md5 = offeredAlgorithms.filter(({ id }) => id === 1)
    const none = new Uint8Array()
    const forged = [
      { passwordAlgorithms: md5, passwordAlgorithm: { id: 1, parameters: none } },
      { passwordAlgorithm: { id: 1, parameters: none } },
      { passwordAlgorithms: offeredAlgorithms },
      { passwordAlgorithms: offeredAlgorithms, passwordAlgorithm: { id: 3, parameters: none } },
      { passwordAlgorithms: offeredAlgorithms, passwordAlgorithm: { id: 1, parameters: Uint8Array.of(1, 2, 3, 4) } },
    ]
    for (const attributes of forged) {
      const client = new Client(new Bench())
      client.challenge()
      const transactionId = client.bench.random.bytes(12)
      client.send(client.encode(stunMethod.allocate, { requestedTransport: 17, ...attributes }, transactionId))
      assert.equal(codeOf(client.response(transactionId)), 400)
    }
  })

  it('let a nonce live for an hour, and give another with 438 then', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.challenge()
    bench.now += 3_599_000
    assertSuccess(client.allocate())
    const old = client.nonce
    bench.now += 2_000
    const response = client.permit(peerAddress)
    assert.equal(codeOf(response), 438)
    assert.equal(response.attributes.realm, realm)
    assert.equal(response.attributes.passwordAlgorithms?.length, 2)
    assert.notEqual(client.nonce, old)
  })

  it('answer 438 to a nonce of another client, of another server, with other features, or of nobody', () => {
    const bench = new Bench()
    const other = new Client(bench, at('198.51.100.7', 7))
    other.challenge()
    const samePort = new Client(bench, at('198.51.100.7', 40_000))
    samePort.challenge()
    const samePlace = new Client(bench, at('198.51.100.1', 7))
    samePlace.challenge()
    const elsewhere = new Client(new Bench({}, 99))
    elsewhere.challenge()
    const mine = new Client(bench)
    mine.challenge()
    const cookie = nonceCookie({ passwordAlgorithms: false, usernameAnonymity: true })
    const bidDown = cookie + (mine.nonce ?? '').slice(cookie.length)
    for (const nonce of [
      other.nonce,
      samePort.nonce,
      samePlace.nonce,
      elsewhere.nonce,
      bidDown,
      'x',
      `${mine.nonce}AAAA`,
    ]) {
      const client = new Client(bench)
      client.nonce = nonce
      assert.equal(codeOf(client.allocate()), 438)
      assertSuccess(client.allocate())
      assertSuccess(client.refresh({ lifetime: 0 }))
    }
  })

  it('give no two clients the same nonce', () => {
    const bench = new Bench()
    const nonces = new Set<string | undefined>()
    for (let port = 1; port <= 50; port++) {
      const client = new Client(bench, at('198.51.100.1', port))
      client.challenge()
      nonces.add(client.nonce)
    }
    assert.equal(nonces.size, 50)
  })

  it('belong to their allocation: another user gets 441', () => {
    const bench = new Bench()
    const alice = allocated(bench)
    const bob = new Client(bench, alice.remote, { username: 'bob' })
    for (const response of [bob.refresh({ lifetime: 0 }), bob.permit(peerAddress), bob.bind(0x4000, peerAddress)]) {
      assert.equal(codeOf(response), 441)
    }
    assert.equal(codeOf(bob.allocate()), 437)
    assertSuccess(alice.refresh())
  })

  it('are needed for every request but Binding, and there is no allocation for a stranger', () => {
    const bench = new Bench()
    const alice = allocated(bench)
    const stranger = new Client(bench, alice.remote)
    const { allocate, refresh, createPermission, channelBind, connect, connectionBind } = stunMethod
    for (const method of [allocate, refresh, createPermission, channelBind, connect, connectionBind]) {
      assert.equal(codeOf(stranger.bare(method, { lifetime: 0, xorPeerAddress: [peerAddress] })), 401)
    }
    assert.equal(stranger.bare(stunMethod.binding, {})?.class, 'success')
    assert.equal(bench.core.stats().openAllocations, 1)
    const lost = new Client(bench, at('198.51.100.9', 9))
    for (const response of [lost.refresh(), lost.permit(peerAddress), lost.bind(0x4000, peerAddress)]) {
      assert.equal(codeOf(response), 437)
    }
  })

  it('are followed by 420 for what must be understood and is not', () => {
    const bench = new Bench()
    const client = new Client(bench)
    client.challenge()
    const bytes = client.encode(stunMethod.allocate, { requestedTransport: 17, xorMappedAddress: peerAddress })
    // XOR-MAPPED-ADDRESS becomes a type that nobody knows.
    const at0020 = Buffer.from(bytes).indexOf(Buffer.from([0x00, 0x20, 0x00, 0x08]))
    const altered = Buffer.from(bytes)
    altered[at0020] = 0x7f
    const signed = resign(altered, client)
    client.send(signed)
    const response = client.response(bytes.subarray(8, 20))
    assert.equal(codeOf(response), 420)
    assert.deepEqual(response?.attributes.unknownAttributes, [0x7f20])
    assert.ok(response !== undefined && isAuthentic(response, client.key))
  })

  it('are in no statistics', () => {
    const bench = new Bench({ secret: 'canary-secret', users: { alice: 'canary-password' } })
    const client = new Client(bench, undefined, { password: 'canary-password' })
    assertSuccess(client.allocate())
    assert.doesNotMatch(JSON.stringify(bench.core.stats()), /canary|alice/)
  })
})

/** Makes the integrity of a changed message right again. */
function resign(bytes: Uint8Array, client: Client): Uint8Array {
  const body = Buffer.from(bytes.subarray(0, bytes.length - 8 - 24))
  body.writeUInt16BE(body.length + 24 - 20, 2)
  const mac = createHmac('sha1', client.key).update(body).digest()
  return Buffer.concat([body, Buffer.of(0x00, 0x08, 0x00, 0x14), mac])
}

describe('Credentials for a time', () => {
  it('are valid until the time in the user name', () => {
    const bench = new Bench({ secret })
    for (const username of [`${seconds + 60}:carol`, `${seconds + 60}`, `${seconds + 60}:a:b`]) {
      const client = new Client(bench, at('198.51.100.1', 1), temporary(username))
      assertSuccess(client.allocate())
      assertSuccess(client.refresh({ lifetime: 0 }))
    }
    assertSuccess(new Client(bench).allocate())
  })

  it('are refused afterwards, and where the password or the time is made up', () => {
    const bench = new Bench({ secret })
    const good = temporary(`${seconds + 60}:carol`)
    const refused = [
      temporary(`${seconds - 1}:carol`),
      temporary(`${seconds}:carol`),
      temporary('carol'),
      temporary(`-${seconds}:carol`),
      temporary(`${'9'.repeat(16)}:carol`),
      { username: `${seconds + 61}:carol`, password: good.password },
    ]
    for (const options of refused) {
      assert.equal(codeOf(new Client(bench, at('198.51.100.1', 1), options).allocate()), 401, options.username)
    }
    const none = new Bench()
    assert.equal(codeOf(new Client(none, undefined, good).allocate()), 401)
  })

  it('that expire do not end the allocation that they made, but make no other', () => {
    let time = wallTime
    const bench = new Bench({ secret, wallTime: () => time })
    const client = allocated(bench, undefined, temporary(`${seconds + 60}:carol`))
    time += 120_000
    assertSuccess(client.refresh())
    assertSuccess(client.permit(peerAddress))
    assertSuccess(client.refresh({ lifetime: 0 }))
    assert.equal(codeOf(client.allocate()), 401)
  })

  it('count for the user they name, however often they are renewed', () => {
    const bench = new Bench({ secret, maxAllocationsPerUser: 1 })
    allocated(bench, at('198.51.100.1', 1), temporary(`${seconds + 60}:carol`))
    const again = new Client(bench, at('198.51.100.1', 2), temporary(`${seconds + 90}:carol`))
    assert.equal(codeOf(again.allocate()), 486)
    allocated(bench, at('198.51.100.1', 3), temporary(`${seconds + 60}:dave`))
  })

  it('come without user name anonymity, as they cannot be found by hash', () => {
    const client = new Client(new Bench({ secret }))
    client.challenge()
    assert.match(client.nonce ?? '', /^obMatJos2gAAA/)
  })
})

describe('Answers to strangers', () => {
  it('are never much larger than the question, whatever the question', () => {
    const shapes: readonly [number, object][] = [
      [stunMethod.binding, {}],
      [stunMethod.binding, { changeRequest: { changeIp: true, changePort: true } }],
      [stunMethod.binding, { padding: 1000 }],
      [stunMethod.allocate, {}],
      [stunMethod.allocate, { requestedTransport: 17 }],
      [stunMethod.refresh, { lifetime: 0 }],
      [stunMethod.connectionBind, {}],
    ]
    for (const from of [at('198.51.100.1', 1), at('2001:db8::99', 1)]) {
      const headers = from.family === 4 ? 28 : 48
      for (const fingerprint of [true, false]) {
        for (const [method, attributes] of shapes) {
          const bench = new Bench()
          const transactionId = bench.random.bytes(12)
          const request = encodeMessage({ class: 'request', method, transactionId, attributes }, { fingerprint })
          bench.receive(request, from)
          const { data } = bench.takeOne()
          const ratio = (data.length + headers) / (request.length + headers)
          assert.ok(ratio <= 3, `${method} ${JSON.stringify(attributes)}: ${data.length} for ${request.length}`)
        }
      }
    }
  })

  it('are not sent at all where they would be', () => {
    const bench = new Bench({ realm: 'r'.repeat(200) })
    bench.receive(
      encodeMessage({
        class: 'request',
        method: stunMethod.allocate,
        transactionId: bench.random.bytes(12),
        attributes: { requestedTransport: 17 },
      }),
      at('198.51.100.1', 1),
    )
    assert.equal(bench.sent.length, 0)
    assert.deepEqual(bench.drops(), { amplification: 1 })
  })

  it('are so many a second and no more to one source, whatever its ports, and others get theirs', () => {
    const bench = new Bench({ maxUnauthenticatedPerSecond: 10 })
    const ask = (address: string, port: number) => new Client(bench, at(address, port)).bare(stunMethod.binding, {})
    for (let i = 1; i <= 50; i++) ask('198.51.100.1', i)
    assert.equal(bench.core.stats().bindings, 10)
    assert.deepEqual(bench.drops(), { 'rate-limited': 40 })
    assert.ok(ask('198.51.100.2', 1))
    bench.now += 1000
    assert.ok(ask('198.51.100.1', 1))
    for (let i = 1; i <= 50; i++) ask(`2001:db8:9:9::${i}`, i)
    assert.equal(bench.core.stats().bindings, 10 + 1 + 1 + 10, 'a /64 is one source')
  })

  it('need no more memory for more forged sources', () => {
    const bench = new Bench({ maxUnauthenticatedPerSecond: 1 })
    let answered = 0
    for (let i = 0; i < 3 * strangerBuckets; i++) {
      const address = `${11 + (i >> 16)}.${(i >> 8) & 0xff}.${i & 0xff}.9`
      if (new Client(bench, at(address, 9)).bare(stunMethod.binding, {}) !== undefined) answered++
    }
    assert.ok(answered <= strangerBuckets, 'the table is full')
    assert.ok(answered > strangerBuckets * 0.9)
  })

  it('are not limited over TCP, where nobody forges an address', () => {
    const bench = new Bench({ maxUnauthenticatedPerSecond: 1 })
    const remote = at('198.51.100.1', 1)
    const socket = bench.core.addConnection('tcp', at('203.0.113.1', 3478), remote, bench.now) ?? assert.fail()
    const client = new Client(bench, remote, { socket })
    for (let i = 0; i < 20; i++) assert.ok(client.bare(stunMethod.binding, {}))
  })
})
