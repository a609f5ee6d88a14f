import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { IceError, StunError } from '../../../src/ice/errors.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import {
  BindingClient,
  type BindingClientOptions,
  type BindingEvent,
  defaultBindingTiming,
} from '../../../src/ice/stun/client.ts'
import { decodeMessage, encodeMessage, type StunMessage } from '../../../src/ice/stun/message.ts'
import { prng } from '../../support/prng.ts'
import { ModelServer, newServer, oldServer, user } from './model-server.ts'

const mapped: TransportAddress = { address: '203.0.113.7', port: 40000, family: 4 }
const other: TransportAddress = { address: '203.0.113.7', port: 40001, family: 4 }
const server: TransportAddress = { address: '192.0.2.1', port: 3478, family: 4 }

describe('A Binding client', () => {
  it('asks with nothing but FINGERPRINT, and tells the address and how long it took', () => {
    const client = newClient()
    client.start(1000)
    const request = sent(client)
    assert.equal(decodeMessage(request)?.hasFingerprint, true)
    assert.deepEqual(decodeMessage(request)?.attributes, {})
    assert.equal(client.pollTransmit(), undefined)
    const attributes = { xorMappedAddress: mapped, software: 'x', responseOrigin: server, otherAddress: other }
    assert.deepEqual(client.receive(reply(request, attributes), 1030), { handled: true })
    const { xorMappedAddress: address, ...rest } = attributes
    assert.deepEqual(events(client), [{ type: 'mapped', address, roundTripMs: 30, ...rest }])
    assert.equal(client.pollTimeout(), undefined)
  })

  it('makes do with MAPPED-ADDRESS, and prefers XOR-MAPPED-ADDRESS', () => {
    for (const attributes of [{ mappedAddress: mapped }, { mappedAddress: other, xorMappedAddress: mapped }]) {
      const client = newClient()
      client.start(0)
      client.receive(reply(sent(client), attributes), 1)
      assert.deepEqual(events(client), [{ type: 'mapped', address: mapped, roundTripMs: 1 }])
    }
  })

  it('retransmits the same request over UDP as RFC 8489 §6.2.1 says, and fails after 39.5 seconds', () => {
    const client = newClient()
    client.start(0)
    const requests: [number, string][] = []
    const failed = run(client, 0, 60_000, (bytes, now) => requests.push([now, hex(bytes)]))
    assert.deepEqual(
      requests.map(([at]) => at),
      [0, 500, 1500, 3500, 7500, 15500, 31500],
    )
    assert.equal(new Set(requests.map(([, bytes]) => bytes)).size, 1)
    assert.deepEqual(failed, [[39_500, 'timeout']])
    assert.equal(client.pollTimeout(), undefined)
  })

  it('sends once over TCP, and waits as long', () => {
    const client = newClient({ reliable: true })
    client.start(0)
    let count = 0
    assert.deepEqual(
      run(client, 0, 60_000, () => count++),
      [[39_500, 'timeout']],
    )
    assert.equal(count, 1)
  })

  it('may be given other times', () => {
    const client = newClient({ timing: { rtoMs: 100, timeoutMs: 1000 } })
    client.start(0)
    const at: number[] = []
    assert.deepEqual(
      run(client, 0, 5000, (_, now) => at.push(now)),
      [[1000, 'timeout']],
    )
    assert.deepEqual(at, [0, 100, 300, 700])
    assert.deepEqual(defaultBindingTiming, { rtoMs: 500, timeoutMs: 39_500 })
  })

  it('asks once, however often it is started while it waits', () => {
    const client = newClient()
    client.start(0)
    const request = sent(client)
    client.start(10)
    assert.equal(client.pollTransmit(), undefined)
    client.receive(reply(request, { xorMappedAddress: mapped }), 20)
    assert.equal(events(client).length, 1)
  })

  it('takes an answer to a retransmission', () => {
    const client = newClient()
    client.start(0)
    const request = sent(client)
    client.handleTimeout(500)
    assert.deepEqual(client.pollTransmit(), request)
    client.receive(reply(request, { xorMappedAddress: mapped }), 600)
    assert.deepEqual(events(client), [{ type: 'mapped', address: mapped, roundTripMs: 600 }])
  })

  it('takes one answer, to the request that it sent, and nothing else', () => {
    const client = newClient()
    const early = newClient()
    early.start(0)
    const strange = reply(sent(early), { xorMappedAddress: other })
    assert.deepEqual(client.receive(strange, 0), { drop: 'unknown-transaction' })
    client.start(0)
    const request = sent(client)
    const answer = reply(request, { xorMappedAddress: mapped })
    assert.deepEqual(client.receive(request, 1), { drop: 'not-a-response' })
    assert.deepEqual(client.receive(strange, 1), { drop: 'unknown-transaction' })
    assert.deepEqual(client.receive(answer.subarray(0, -1), 1), { drop: 'malformed' })
    const asTurn = encodeMessage({ ...decodedRequest(request), class: 'success', method: 3, attributes: {} })
    assert.deepEqual(client.receive(asTurn, 1), { drop: 'not-a-response' })
    assert.deepEqual(events(client), [])
    assert.deepEqual(client.receive(answer, 1), { handled: true })
    assert.deepEqual(client.receive(answer, 1), { drop: 'unknown-transaction' })
    assert.equal(events(client).length, 1)
  })

  it('fails if an answer makes no sense', () => {
    const senseless: readonly ((request: Uint8Array) => Uint8Array)[] = [
      request => reply(request, {}),
      request => reply(request, { xorMappedAddress: { ...mapped, port: 0 } }),
      request =>
        encodeMessage({ ...decodedRequest(request), class: 'error', attributes: { xorMappedAddress: mapped } }),
      request => withUnknown(reply(request, { xorMappedAddress: mapped })),
    ]
    for (const make of senseless) {
      const client = newClient()
      client.start(0)
      assert.deepEqual(client.receive(make(sent(client)), 1), { handled: true })
      assert.deepEqual(failures(events(client)), ['malformed'])
    }
  })

  it('says with which code a server refuses', () => {
    const client = newClient()
    client.start(0)
    client.receive(reply(sent(client), { errorCode: { code: 500, reason: 'busy' } }), 1)
    const [event] = events(client)
    assert.ok(event?.type === 'failed' && event.error instanceof StunError)
    assert.deepEqual([event.error.code, event.error.errorCode, event.error.reason], ['error-response', 500, 'busy'])
    assert.equal(event.error.message, 'the server refuses: 500 busy')
  })

  it('tells of a redirection, and leaves it to others to follow', () => {
    const client = newClient()
    client.start(0)
    const attributes = { errorCode: { code: 300, reason: '' }, alternateServer: server, alternateDomain: 'b.example' }
    client.receive(reply(sent(client), attributes), 1)
    assert.deepEqual(events(client), [{ type: 'redirected', server, domain: 'b.example', verified: false }])
    assert.equal(client.pollTimeout(), undefined)
    const lost = newClient()
    lost.start(0)
    lost.receive(reply(sent(lost), { errorCode: { code: 300, reason: '' } }), 1)
    assert.deepEqual(failures(events(lost)), ['error-response'])
  })

  it('fails if the connection is lost, once, and not if there is nothing to lose', () => {
    const client = newClient({ reliable: true, refreshMs: 1000 })
    client.connectionLost()
    assert.deepEqual(events(client), [])
    client.start(0)
    client.connectionLost()
    client.connectionLost()
    assert.deepEqual(failures(events(client)), ['connection-lost'])
    client.start(0)
    client.receive(reply(sent(client), { xorMappedAddress: mapped }), 1)
    events(client)
    client.connectionLost()
    assert.deepEqual(failures(events(client)), ['connection-lost'])
    assert.equal(client.pollTimeout(), undefined)
  })

  it('is silent once it is closed', () => {
    const client = newClient({ refreshMs: 1000 })
    client.start(0)
    const request = sent(client)
    client.close()
    assert.deepEqual(client.receive(reply(request, { xorMappedAddress: mapped }), 1), { drop: 'unknown-transaction' })
    assert.deepEqual(
      run(client, 0, 60_000, () => assert.fail('sent')),
      [],
    )
    client.start(0)
    client.receive(reply(sent(client), { xorMappedAddress: mapped }), 1)
    client.start(2)
    client.close()
    assert.deepEqual(
      [client.pollEvent(), client.pollTransmit(), client.pollTimeout()],
      [undefined, undefined, undefined],
    )
  })
})

describe('A Binding client that keeps a mapping', () => {
  it('asks again with new transactions, and tells only of another address', () => {
    const client = newClient({ refreshMs: 15_000 })
    client.start(0)
    const seen: string[] = []
    const told: BindingEvent[] = []
    for (let round = 0; round < 4; round++) {
      const request = sent(client)
      const now = round * 15_010
      assert.equal(client.pollTransmit(), undefined)
      seen.push(hex(request))
      client.receive(reply(request, { xorMappedAddress: round < 2 ? mapped : other }), now + 10)
      told.push(...events(client))
      assert.equal(client.pollTimeout(), now + 15_010)
      client.handleTimeout(now + 15_009)
      assert.equal(client.pollTransmit(), undefined)
      client.handleTimeout(now + 15_010)
    }
    assert.equal(new Set(seen).size, 4)
    assert.deepEqual(told, [
      { type: 'mapped', address: mapped, roundTripMs: 10 },
      { type: 'mapped', address: other, roundTripMs: 10 },
    ])
  })

  it('outlives a server that is silent for a while, or refuses for a while', () => {
    const client = newClient({ refreshMs: 1000 })
    client.start(0)
    client.receive(reply(sent(client), { xorMappedAddress: mapped }), 0)
    events(client)
    const sentAt: number[] = []
    assert.deepEqual(
      run(client, 0, 41_000, (_, now) => sentAt.push(now)),
      [],
    )
    assert.equal(sentAt[0], 1000)
    assert.equal(client.pollTimeout(), 41_500)
    client.handleTimeout(41_500)
    client.receive(reply(sent(client), { errorCode: { code: 500, reason: '' } }), 41_600)
    client.handleTimeout(42_600)
    client.receive(reply(sent(client), { xorMappedAddress: other }), 42_700)
    assert.deepEqual(events(client), [{ type: 'mapped', address: other, roundTripMs: 100 }])
  })

  it('is not led elsewhere by a redirection', () => {
    const client = newClient({ refreshMs: 1000 })
    client.start(0)
    client.receive(reply(sent(client), { xorMappedAddress: mapped }), 0)
    events(client)
    client.handleTimeout(1000)
    client.receive(reply(sent(client), { errorCode: { code: 300, reason: '' }, alternateServer: server }), 1001)
    assert.deepEqual(events(client), [])
    assert.equal(client.pollTimeout(), 2001)
  })

  it('waits longer before it retransmits where answers take long', () => {
    const client = newClient({ refreshMs: 1000 })
    client.start(0)
    client.receive(reply(sent(client), { xorMappedAddress: mapped }), 400)
    client.handleTimeout(1400)
    sent(client)
    // RFC 6298 §2.2: SRTT + 4 * RTTVAR, after one sample of 400 ms
    assert.equal(client.pollTimeout(), 1400 + 1200)
  })

  it('learns no more than an upper bound from the answer to a retransmitted request', () => {
    const client = newClient({ refreshMs: 1000 })
    client.start(0)
    const request = sent(client)
    client.handleTimeout(500)
    client.receive(reply(request, { xorMappedAddress: mapped }), 600)
    client.handleTimeout(1600)
    // RFC 8489 §6.2.1: Karn's algorithm takes no sample of it
    assert.equal(client.pollTimeout(), 1600 + 600)
  })
})

describe('A Binding client with credentials', () => {
  it('answers a challenge, and verifies what comes then', () => {
    for (const kind of [oldServer, newServer]) {
      const model = new ModelServer(kind)
      const client = newClient({ credentials: user, refreshMs: 1000 })
      client.start(0)
      client.receive(model.answer(sent(client)), 10)
      assert.deepEqual(events(client), [])
      client.receive(model.answer(sent(client), { xorMappedAddress: mapped }), 20)
      assert.deepEqual(events(client), [{ type: 'mapped', address: mapped, roundTripMs: 10 }])
      client.handleTimeout(1020)
      client.receive(model.answer(sent(client), { xorMappedAddress: other }), 1030)
      assert.equal(events(client).length, 1)
      assert.equal(model.requests.length, 3)
    }
  })

  it('drops a retransmission that has not left when the challenge comes', () => {
    const model = new ModelServer(newServer)
    const client = newClient({ credentials: user })
    client.start(0)
    const bare = sent(client)
    client.handleTimeout(500)
    client.receive(model.answer(bare), 501)
    assert.ok(decodeMessage(sent(client))?.integrityAt.sha256)
    assert.equal(client.pollTransmit(), undefined)
  })

  it('fails if they are wrong, after one try', () => {
    const model = new ModelServer(newServer)
    const client = newClient({ credentials: { ...user, password: 'wrong' } })
    client.start(0)
    client.receive(model.answer(sent(client)), 1)
    client.receive(model.answer(sent(client)), 2)
    const [event] = events(client)
    assert.ok(event?.type === 'failed')
    assert.deepEqual([event.error.code, event.error.errorCode], ['unauthorized', 401])
    assert.equal(client.pollTransmit(), undefined)
  })

  it('fails with a 401 if it has none', () => {
    const client = newClient()
    client.start(0)
    client.receive(new ModelServer(newServer).answer(sent(client)), 1)
    const [event] = events(client)
    assert.ok(event?.type === 'failed')
    assert.deepEqual([event.error.code, event.error.errorCode], ['unauthorized', 401])
  })

  it('waits for the right answer over UDP if a forged one comes first', () => {
    const { client, model } = challengedClient(false)
    const request = sent(client)
    assert.deepEqual(client.receive(reply(request, { xorMappedAddress: other }), 2), { drop: 'bad-integrity' })
    client.receive(model.answer(request, { xorMappedAddress: mapped }), 3)
    assert.deepEqual(events(client), [{ type: 'mapped', address: mapped, roundTripMs: 2 }])
  })

  it('says so if there were none but forged answers', () => {
    const { client } = challengedClient(false)
    const request = sent(client)
    client.receive(reply(request, { xorMappedAddress: other }), 2)
    const failed = run(client, 1, 60_000, () => undefined)
    assert.deepEqual(failed, [[39_501, 'unauthorized']])
  })

  it('fails at once over TCP if an answer is forged', () => {
    const { client } = challengedClient(true)
    const request = sent(client)
    assert.deepEqual(client.receive(reply(request, { xorMappedAddress: other }), 2), { drop: 'bad-integrity' })
    assert.deepEqual(failures(events(client)), ['unauthorized'])
  })

  it('says of a redirection whether the server has proved itself', () => {
    const attributes = { errorCode: { code: 300, reason: '' }, alternateServer: server }
    const { client, model } = challengedClient(false)
    client.receive(model.answer(sent(client), attributes), 2)
    assert.deepEqual(events(client), [{ type: 'redirected', server, verified: true }])
    const open = newClient({ credentials: user })
    open.start(0)
    open.receive(reply(sent(open), attributes), 1)
    assert.deepEqual(events(open), [{ type: 'redirected', server, verified: false }])
    const forged = challengedClient(true)
    forged.client.receive(reply(sent(forged.client), attributes), 2)
    assert.deepEqual(failures(events(forged.client)), ['unauthorized'])
  })

  it('must be given ones that are allowed', () => {
    assert.throws(
      () => newClient({ credentials: { username: '', password: 'x' } }),
      (error: unknown) => error instanceof IceError && error.code === 'invalid-credentials',
    )
  })
})

function newClient(options: Partial<BindingClientOptions> = {}): BindingClient {
  const random = prng(seed++)
  return new BindingClient({ random: length => random.bytes(length), reliable: false, ...options })
}

let seed = 1

/** A client that has been asked for its credentials, and is about to send them. */
function challengedClient(reliable: boolean): { client: BindingClient; model: ModelServer } {
  const model = new ModelServer(newServer)
  const client = newClient({ credentials: user, reliable })
  client.start(0)
  client.receive(model.answer(sent(client)), 1)
  return { client, model }
}

function sent(client: BindingClient): Uint8Array {
  return client.pollTransmit() ?? assert.fail('nothing to send')
}

function events(client: BindingClient): BindingEvent[] {
  const all: BindingEvent[] = []
  for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) all.push(event)
  return all
}

function failures(all: readonly BindingEvent[]): string[] {
  return all.map(event => (event.type === 'failed' ? event.error.code : event.type))
}

/** Lets time pass; gives the failures, and when they came. */
function run(
  client: BindingClient,
  from: number,
  until: number,
  transmit: (bytes: Uint8Array, now: number) => void,
): [number, string][] {
  const failed: [number, string][] = []
  let now = from
  for (;;) {
    for (let bytes = client.pollTransmit(); bytes !== undefined; bytes = client.pollTransmit()) transmit(bytes, now)
    for (const code of failures(events(client))) failed.push([now, code])
    const next = client.pollTimeout()
    if (next === undefined || next > until) return failed
    assert.ok(next > now, 'a deadline that does not move')
    now = next
    client.handleTimeout(now)
  }
}

function decodedRequest(request: Uint8Array): StunMessage {
  return decodeMessage(request) ?? assert.fail('not a STUN message')
}

function reply(request: Uint8Array, attributes: StunAttributes): Uint8Array {
  const kind = attributes.errorCode === undefined ? 'success' : 'error'
  return encodeMessage({ ...decodedRequest(request), class: kind, attributes })
}

/** The same with an attribute that would have to be understood. */
function withUnknown(message: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([message.subarray(0, -8), Buffer.from('0777000000000000', 'hex').subarray(0, 4)])
  bytes.writeUint16BE(bytes.length - 20, 2)
  return bytes
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
