import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { IceError } from '../../../src/ice/errors.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import {
  type CredentialCheck,
  LongTermCredentials,
  maxChallenges,
  maxRememberedRequests,
} from '../../../src/ice/stun/credentials.ts'
import { longTermKey, userHash } from '../../../src/ice/stun/integrity.ts'
import {
  decodeMessage,
  encodeMessage,
  type ReceivedStunMessage,
  type StunMessage,
} from '../../../src/ice/stun/message.ts'
import { nonceCookie, readNonceCookie } from '../../../src/ice/stun/nonce-cookie.ts'
import { prng } from '../../support/prng.ts'
import { longTermSha256 } from '../../vectors/stun-rfc8489.ts'
import { ModelServer, md5, newServer, oldServer, sha256, user } from './model-server.ts'

const random = prng(1)

describe('The keys of long-term credentials', () => {
  it('are those of RFC 8489 §9.2.2 and of its test vector', () => {
    const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')
    assert.equal(hex(longTermKey('user', 'realm', 'pass')), '8493fbc53ba582fb4c044c456bdc40eb')
    const vector = Buffer.from(longTermSha256.message, 'hex')
    const { username, realm, password } = longTermSha256
    const key = longTermKey(username, realm, password, 'sha256')
    const hmac = createHmac('sha256', key).update(vector.subarray(0, -36)).digest('hex')
    assert.equal(hmac, vector.subarray(-32).toString('hex'))
    // The length that the header ought to say.
    vector.writeUint16BE(0x88, 2)
    const { attributes, integrityAt } = decoded(vector)
    assert.deepEqual(attributes, {
      userhash: Uint8Array.from(userHash(username, realm)),
      nonce: longTermSha256.nonce,
      realm,
    })
    assert.equal(integrityAt.sha256, vector.length - 36)
  })

  it('are made of prepared text, without quotes around it and nulls behind it', () => {
    const key = longTermKey('user', 'realm', 'p\u00e9 s', 'sha256')
    assert.deepEqual(longTermKey('user', '"realm"', 'pe\u0301\u00a0s\0\0', 'sha256'), key)
    assert.deepEqual(longTermKey('"user"\0', 'realm\0', 'p\u00e9 s', 'sha256'), key)
    assert.notDeepEqual(longTermKey('user', 'realm', '"p\u00e9 s"', 'sha256'), key)
  })
})

describe('The nonce cookie', () => {
  it('says in its first bits what a server can do', () => {
    const features = (nonce: string) => readNonceCookie(nonce)
    assert.deepEqual(features('obMatJos2gAAAx'), { passwordAlgorithms: true, usernameAnonymity: false })
    assert.deepEqual(features('obMatJos2QAAA'), { passwordAlgorithms: false, usernameAnonymity: true })
    assert.deepEqual(features('obMatJos2wAAA//'), { passwordAlgorithms: true, usernameAnonymity: true })
    assert.deepEqual(features('obMatJos2P///'), { passwordAlgorithms: false, usernameAnonymity: false })
    for (const none of ['', 'obMatJos2', 'obMatJos2gAA', 'obMatJos1gAAA', ' obMatJos2gAAA', 'obMatJos2gA=A']) {
      assert.equal(features(none), undefined, none)
    }
  })

  it('is read as it was written', () => {
    for (const passwordAlgorithms of [false, true]) {
      for (const usernameAnonymity of [false, true]) {
        const cookie = nonceCookie({ passwordAlgorithms, usernameAnonymity })
        assert.equal(cookie.length, 13)
        assert.deepEqual(readNonceCookie(`${cookie}abc`), { passwordAlgorithms, usernameAnonymity })
      }
    }
  })
})

describe('Long-term credentials', () => {
  it('are not sent before a server has asked', () => {
    const message = decoded(new LongTermCredentials(user).encode(request({ lifetime: 600 })))
    assert.deepEqual(message.attributes, { lifetime: 600 })
    assert.deepEqual(message.integrityAt, {})
    assert.equal(message.hasFingerprint, true)
  })

  it('answer a server of RFC 5389 with user name, MD5 and MESSAGE-INTEGRITY', () => {
    const { server, kinds } = talk(new LongTermCredentials(user), new ModelServer(oldServer))
    assert.deepEqual(kinds, ['retry', 'authentic'])
    const [, second] = server.requests
    assert.deepEqual(second?.attributes, { lifetime: 600, username: 'alice', nonce: 'nonce-1', realm: 'example.org' })
    assert.ok(second.integrityAt.sha1 !== undefined && second.integrityAt.sha256 === undefined)
    assert.equal(second.hasFingerprint, true)
  })

  it('answer a server of RFC 8489 with USERHASH, SHA-256 and MESSAGE-INTEGRITY-SHA256', () => {
    const { server, kinds } = talk(new LongTermCredentials(user), new ModelServer(newServer))
    assert.deepEqual(kinds, ['retry', 'authentic'])
    const second = server.requests[1]
    assert.deepEqual(second?.attributes, {
      lifetime: 600,
      userhash: Uint8Array.from(userHash('alice', 'example.org')),
      nonce: 'obMatJos2wAAAnonce-1',
      realm: 'example.org',
      passwordAlgorithms: [sha256, md5],
      passwordAlgorithm: sha256,
    })
    assert.ok(second.integrityAt.sha256 !== undefined && second.integrityAt.sha1 === undefined)
  })

  it('take the first algorithm that is supported', () => {
    const unknown = { id: 3, parameters: new Uint8Array(0) }
    const odd = { id: 2, parameters: Uint8Array.of(1) }
    for (const [algorithms, chosen] of [
      [[md5, sha256], 1],
      [[unknown, sha256], 2],
      [[odd, md5], 1],
    ] as const) {
      const { server, kinds } = talk(new LongTermCredentials(user), new ModelServer({ ...newServer, algorithms }))
      assert.deepEqual(kinds, ['retry', 'authentic'])
      assert.equal(server.requests[1]?.attributes.passwordAlgorithm?.id, chosen)
    }
    const kind = { ...newServer, algorithms: [unknown, odd] }
    assert.deepEqual(talk(new LongTermCredentials(user), new ModelServer(kind)).kinds, ['rejected'])
    assert.deepEqual(talk(new LongTermCredentials(user), new ModelServer({ ...newServer, algorithms: [] })).kinds, [
      'rejected',
    ])
  })

  it('use USERHASH only if the nonce says so', () => {
    const kind = { ...newServer, features: [0x80, 0, 0] as const }
    const { server } = talk(new LongTermCredentials(user), new ModelServer(kind))
    assert.equal(server.requests[1]?.attributes.username, 'alice')
    assert.equal(server.requests[1]?.attributes.userhash, undefined)
  })

  it('go on with the nonce that they have, and take a new one when it is stale', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    talk(credentials, server)
    assert.deepEqual(talk(credentials, server).kinds, ['authentic'])
    server.nonce++
    assert.deepEqual(talk(credentials, server).kinds, ['retry', 'authentic'])
    assert.equal(server.requests.at(-1)?.attributes.nonce, 'obMatJos2wAAAnonce-2')
  })

  it('move with a server that takes another realm, or learns RFC 8489', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(oldServer)
    talk(credentials, server)
    server.kind = { realm: 'elsewhere' }
    assert.deepEqual(talk(credentials, server).kinds, ['retry', 'authentic'])
    server.kind = { ...newServer, realm: 'elsewhere' }
    assert.deepEqual(talk(credentials, server).kinds, ['retry', 'authentic'])
    assert.equal(server.requests.at(-1)?.attributes.passwordAlgorithm?.id, 2)
  })

  it('try once more after a 401 that asks for USERHASH instead of the name', () => {
    const { credentials, message } = challenged(oldServer)
    const attributes = new ModelServer({ ...oldServer, features: [0x40, 0, 0] }).challengeAttributes(401)
    assert.equal(respond(credentials, message, attributes).kind, 'retry')
    assert.ok(decoded(credentials.encode(request())).attributes.userhash)
  })

  it('take a 438 without realm for one of the realm that was asked', () => {
    const { credentials, message } = challenged(oldServer)
    const { realm: _, ...attributes } = new ModelServer(oldServer).challengeAttributes(438)
    assert.equal(respond(credentials, message, { ...attributes, nonce: 'fresh' }).kind, 'retry')
    const again = decoded(credentials.encode(request()))
    assert.equal(again.attributes.realm, 'example.org')
    assert.equal(again.attributes.nonce, 'fresh')
  })

  it('give up at once where the server does not take them', () => {
    for (const kind of [oldServer, newServer]) {
      const server = new ModelServer(kind)
      server.password = 'another'
      const { kinds, last } = talk(new LongTermCredentials(user), server)
      assert.deepEqual(kinds, ['retry', 'rejected'])
      assert.ok(last.kind === 'rejected' && last.error.code === 401)
      const stranger = new LongTermCredentials({ username: 'bob', password: 'x' })
      assert.deepEqual(talk(stranger, new ModelServer(kind)).kinds, ['retry', 'rejected'])
    }
  })

  it('try another realm if they are asked to, but not for ever', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(oldServer)
    let rounds = 0
    for (;;) {
      server.kind = { realm: `realm-${rounds}` }
      const bytes = credentials.encode(request())
      const check = credentials.check(decoded(server.challenge(decoded(bytes), 401)))
      if (check.kind === 'rejected') break
      assert.equal(check.kind, 'retry')
      rounds++
    }
    assert.equal(rounds, maxChallenges)
  })

  it('give up on a server that finds each nonce stale', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    const kinds: string[] = []
    do {
      server.nonce++
      const bytes = credentials.encode(request())
      server.nonce++
      kinds.push(credentials.check(decoded(server.answer(bytes))).kind)
    } while (kinds.at(-1) === 'retry')
    assert.deepEqual(kinds, [...Array.from({ length: maxChallenges }, () => 'retry'), 'rejected'])
  })

  it('bear a server whose nonces are good for one request each', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    for (let i = 0; i < 5 * maxChallenges; i++) {
      const { kinds } = talk(credentials, server)
      assert.deepEqual(kinds, ['retry', 'authentic'], `request ${i}`)
      server.nonce++
    }
  })

  it('count one challenge for all requests that were under way when the nonce became stale', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    talk(credentials, server)
    for (let round = 0; round < 3; round++) {
      const flight = Array.from({ length: 10 }, () => credentials.encode(request()))
      server.nonce++
      for (const bytes of flight) assert.equal(credentials.check(decoded(server.answer(bytes))).kind, 'retry')
      for (let i = 0; i < 10; i++) assert.deepEqual(talk(credentials, server).kinds, ['authentic'])
    }
  })

  it('count one challenge for all requests that were sent without credentials', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    const flight = Array.from({ length: 10 }, () => credentials.encode(request()))
    for (const bytes of flight) assert.equal(credentials.check(decoded(server.answer(bytes))).kind, 'retry')
    assert.deepEqual(talk(credentials, server).kinds, ['authentic'])
  })

  it('are bounded even if requests overlap and no nonce is ever good', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    let open = Array.from({ length: 8 }, () => credentials.encode(request()))
    let sent = open.length
    while (open.length > 0) {
      const next: Uint8Array[] = []
      for (const bytes of open) {
        server.nonce++
        if (credentials.check(decoded(server.answer(bytes))).kind === 'retry') next.push(credentials.encode(request()))
      }
      open = next
      sent += open.length
      assert.ok(sent < 8 * (maxChallenges + 2), `${sent} requests`)
    }
  })

  it('verify a response with the key that its request was signed with', () => {
    const { credentials, message } = challenged(oldServer)
    const key = longTermKey('alice', 'example.org', user.password)
    // Meanwhile another request is moved to another realm.
    const other = decoded(credentials.encode(request()))
    const moved = { ...new ModelServer({ realm: 'elsewhere' }).challengeAttributes(401) }
    assert.equal(respond(credentials, other, moved).kind, 'retry')
    const late = encodeMessage({ ...message, class: 'success', attributes: {} }, { key })
    assert.deepEqual(credentials.check(decoded(late)), { kind: 'authentic', verified: true })
  })

  it('remember a bounded number of requests', () => {
    for (const [later, kind] of [
      [maxRememberedRequests - 1, 'authentic'],
      [maxRememberedRequests, 'forged'],
    ] as const) {
      const credentials = new LongTermCredentials(user)
      const bare = decoded(credentials.encode(request()))
      const next = decoded(credentials.encode(request()))
      respond(credentials, next, new ModelServer(oldServer).challengeAttributes(401))
      for (let i = 0; i < later; i++) credentials.encode(request())
      // Once it is forgotten that it had no credentials, it is judged by what is known now.
      assert.equal(respond(credentials, bare, {}).kind, kind)
    }
  })

  it('take what an open server says as it is', () => {
    const credentials = new LongTermCredentials(user)
    for (const attributes of [{}, { errorCode: { code: 400, reason: '' } }, { errorCode: { code: 300, reason: '' } }]) {
      const message = decoded(credentials.encode(request()))
      assert.deepEqual(respond(credentials, message, attributes), { kind: 'authentic', verified: false })
    }
  })

  it('name what they are made of in no error, nor when they are inspected', () => {
    const canary = { username: 'canary-user', password: 'canary-password' }
    const credentials = new LongTermCredentials(canary)
    const server = new ModelServer(oldServer)
    const shown = `${inspect(credentials, { depth: 9, showHidden: true })}${inspect(talk(credentials, server).last)}`
    assert.ok(!shown.includes('canary'), shown)
    assert.throws(
      () => new LongTermCredentials({ username: 'canary\0', password: 'x' }),
      (error: unknown) =>
        error instanceof IceError && error.code === 'invalid-credentials' && !inspect(error).includes('canary\0'),
    )
  })

  it('must be such that RFC 8265 §4.1 and RFC 8489 §14.3 allow', () => {
    for (const [username, password] of [
      ['', 'x'],
      ['x', ''],
      ['a\nb', 'x'],
      ['x', 'a\u0007b'],
      ['x'.repeat(509), 'x'],
      ['ä'.repeat(255), 'x'],
    ] as const) {
      assert.throws(
        () => new LongTermCredentials({ username, password }),
        (error: unknown) => error instanceof IceError && error.code === 'invalid-credentials',
      )
    }
    assert.ok(new LongTermCredentials({ username: 'x'.repeat(508), password: ' ' }))
  })
})

describe('Long-term credentials under attack', () => {
  it('do not answer a challenge whose list of algorithms was taken out', () => {
    for (const code of [401, 438]) {
      const credentials = new LongTermCredentials(user)
      const message = decoded(credentials.encode(request()))
      const { passwordAlgorithms: _, ...attributes } = new ModelServer(newServer).challengeAttributes(code)
      assert.equal(respond(credentials, message, attributes).kind, 'rejected')
      // Neither is anything signed for it afterwards.
      assert.deepEqual(decoded(credentials.encode(request())).integrityAt, {})
    }
  })

  it('ignore other responses whose list of algorithms was taken out', () => {
    const credentials = new LongTermCredentials(user)
    const message = decoded(credentials.encode(request()))
    assert.equal(respond(credentials, message, { nonce: 'obMatJos2gAAAx' }).kind, 'forged')
  })

  it('notice at the server if the list was shortened', () => {
    const credentials = new LongTermCredentials(user)
    const server = new ModelServer(newServer)
    const message = decoded(credentials.encode(request()))
    const attributes = { ...server.challengeAttributes(401), passwordAlgorithms: [md5] }
    assert.equal(respond(credentials, message, attributes).kind, 'retry')
    const signed = credentials.encode(request())
    assert.equal(decoded(signed).attributes.passwordAlgorithm?.id, 1)
    assert.equal(decoded(server.answer(signed)).attributes.errorCode?.code, 400)
  })

  it('do not get weaker in the course of time', () => {
    const weaker = [
      oldServer,
      { ...newServer, realm: 'other.example', algorithms: [md5] },
      { ...newServer, features: [0x80, 0, 0] as const },
      { ...newServer, features: [0, 0, 0] as const, algorithms: undefined },
    ]
    for (const kind of weaker) {
      for (const code of [401, 438]) {
        const { credentials, message } = challenged(newServer)
        const { passwordAlgorithms, ...rest } = new ModelServer(kind as typeof newServer).challengeAttributes(code)
        const attributes = passwordAlgorithms === undefined ? rest : { ...rest, passwordAlgorithms }
        assert.equal(respond(credentials, message, attributes).kind, 'rejected', JSON.stringify(kind))
        const next = decoded(credentials.encode(request()))
        assert.equal(next.attributes.passwordAlgorithm?.id, 2)
        assert.ok(next.integrityAt.sha256 !== undefined)
      }
    }
  })

  it('do not give up a list of algorithms that they have seen, even if it is but MD5', () => {
    const { credentials, message } = challenged({ ...newServer, features: [0x80, 0, 0], algorithms: [md5] })
    const attributes = new ModelServer({ realm: 'elsewhere' }).challengeAttributes(401)
    assert.equal(respond(credentials, message, attributes).kind, 'rejected')
  })

  it('take no response without integrity, with a wrong one, or with SHA-1 for SHA-256', () => {
    const key = longTermKey('alice', 'example.org', user.password, 'sha256')
    for (const attributes of [
      {},
      ...[300, 400, 403, 420, 437, 500].map(code => ({ errorCode: { code, reason: '' } })),
    ]) {
      const { credentials, message } = challenged(newServer)
      const response: StunMessage = { ...message, class: 'errorCode' in attributes ? 'error' : 'success', attributes }
      const check = (options?: Parameters<typeof encodeMessage>[1]) =>
        credentials.check(decoded(encodeMessage(response, options))).kind
      assert.equal(check(), 'forged')
      assert.equal(check({ key: key.slice(1), integrity: 'sha256' }), 'forged')
      assert.equal(check({ key, integrity: 'sha1' }), 'forged')
      const whole = encodeMessage(response, { key, integrity: 'sha256', fingerprint: false })
      for (let at = 20; at < whole.length; at++) {
        const changed = Uint8Array.from(whole)
        changed[at] = (changed[at] ?? 0) ^ 1
        const message = decodeMessage(changed)
        // A 400 that has become a 401 is a challenge, which has no integrity.
        if (message === undefined || message.attributes.errorCode?.code === 401) continue
        assert.equal(credentials.check(message).kind, 'forged', `byte ${at}`)
      }
      // And the right one is still waited for.
      assert.equal(check({ key, integrity: 'sha256' }), 'authentic')
    }
  })

  it('do not answer a challenge without realm or nonce', () => {
    for (const attributes of [{}, { realm: 'example.org' }, { nonce: 'x' }]) {
      for (const code of [401, 438]) {
        const credentials = new LongTermCredentials(user)
        const message = decoded(credentials.encode(request()))
        const check = respond(credentials, message, { ...attributes, errorCode: { code, reason: 'x' } })
        assert.deepEqual(check, { kind: 'rejected', error: { code, reason: 'x' } })
      }
    }
  })
})

function request(attributes: StunAttributes = { lifetime: 600 }): StunMessage {
  return { class: 'request', method: 3, transactionId: random.bytes(12), attributes }
}

function decoded(bytes: Uint8Array): ReceivedStunMessage {
  const message = decodeMessage(bytes)
  assert.ok(message, 'not a STUN message')
  return message
}

/** One request and whatever it takes to have it done; at most as many rounds as there can be. */
function talk(
  credentials: LongTermCredentials,
  server: ModelServer,
): { server: ModelServer; kinds: string[]; last: CredentialCheck } {
  const kinds: string[] = []
  for (let round = 0; round < 10; round++) {
    const last = credentials.check(decoded(server.answer(credentials.encode(request()))))
    kinds.push(last.kind)
    if (last.kind !== 'retry') return { server, kinds, last }
  }
  throw new Error('no end')
}

/** Credentials that have been through a challenge, and a request that is under way. */
function challenged(kind: ModelServer['kind']): { credentials: LongTermCredentials; message: ReceivedStunMessage } {
  const credentials = new LongTermCredentials(user)
  talk(credentials, new ModelServer(kind))
  return { credentials, message: decoded(credentials.encode(request())) }
}

/** Without integrity. */
function respond(
  credentials: LongTermCredentials,
  message: ReceivedStunMessage,
  attributes: StunAttributes,
): CredentialCheck {
  const response: StunMessage = {
    ...message,
    class: attributes.errorCode === undefined ? 'success' : 'error',
    attributes,
  }
  return credentials.check(decoded(encodeMessage(response)))
}
