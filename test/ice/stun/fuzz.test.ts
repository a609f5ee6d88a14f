import assert from 'node:assert/strict'
import type { TransportAddress } from '../../../src/base/address.ts'
import { equalBytes } from '../../../src/base/bytes.ts'
import type { StunAttributes } from '../../../src/ice/stun/attributes.ts'
import { BindingClient } from '../../../src/ice/stun/client.ts'
import { LongTermCredentials, maxChallenges } from '../../../src/ice/stun/credentials.ts'
import { decodeMessage, encodeMessage, isAuthentic } from '../../../src/ice/stun/message.ts'
import { maxStreamMessage, StunStream } from '../../../src/ice/stun/stream.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { ModelServer, newServer, user } from './model-server.ts'

const mutations = 100_000
const v4: TransportAddress = { address: '192.0.2.1', port: 3478, family: 4 }
const v6: TransportAddress = { address: '2001:db8::1', port: 3478, family: 6 }
const none = new Uint8Array(0)

/** At least one of every attribute. */
const corpus: readonly StunAttributes[] = [
  { mappedAddress: v4, xorMappedAddress: v6, responseOrigin: v4, otherAddress: v6, software: 'x' },
  { changeRequest: { changeIp: true, changePort: true }, padding: 5, responsePort: 9 },
  { errorCode: { code: 438, reason: 'Stale' }, unknownAttributes: [1, 2, 3], realm: 'r', nonce: 'obMatJos2wAAAn' },
  { errorCode: { code: 300, reason: '' }, alternateServer: v4, alternateDomain: 'a.example' },
  { xorPeerAddress: [v4, v6, v4], channelNumber: 0x4000, lifetime: 600, data: Uint8Array.of(1, 2, 3) },
  { xorRelayedAddress: [v4, v6], reservationToken: new Uint8Array(8), connectionId: 7 },
  { requestedTransport: 17, requestedAddressFamily: 4, evenPort: { reserveNext: true }, dontFragment: true },
  {
    additionalAddressFamily: 6,
    addressErrorCode: { family: 6, code: 440, reason: 'no' },
    icmp: { type: 3, code: 4, data: 9 },
  },
  {
    username: 'alice',
    userhash: new Uint8Array(32),
    passwordAlgorithm: { id: 2, parameters: none },
    passwordAlgorithms: [
      { id: 2, parameters: none },
      { id: 9, parameters: Uint8Array.of(1, 2, 3) },
    ],
  },
  { priority: 1, useCandidate: true, iceControlled: 1n, nomination: 3 },
  { priority: 1, iceControlling: 2n },
]

describe('STUN that is fed 100,000 mutations', () => {
  it('decodes a message or does not, and encodes again what it has decoded', () => {
    const random = prng(1)
    const key = random.bytes(16)
    let decodedCount = 0
    for (let i = 0; i < mutations; i++) {
      try {
        const bytes = mutate(random, anyMessage(random, key))
        const message = decodeMessage(bytes)
        if (message === undefined) continue
        decodedCount++
        isAuthentic(message, key)
        const again = decodeMessage(encodeMessage(message))
        assert.deepEqual(again?.attributes, message.attributes)
      } catch (error) {
        throw named(`seed 1, mutation ${i}`, error)
      }
    }
    assert.ok(decodedCount > mutations / 20, `only ${decodedCount} were messages still`)
  }).timeout(60_000)

  it('is not thrown off as a stream, whatever the stream holds', () => {
    let count = 0
    let broken = 0
    for (let seed = 1; count < mutations; seed++) {
      const random = prng(seed)
      try {
        const stream = new StunStream()
        for (let i = 0; i < 50 && !stream.isBroken; i++) {
          count++
          const bytes = random.float() < 0.9 ? anyMessage(random) : mutate(random, anyMessage(random))
          for (let at = 0; at < bytes.length; ) {
            const size = 1 + (random.next() % 40)
            stream.push(bytes.subarray(at, at + size))
            at += size
            let steps = 0
            while (stream.next() !== undefined) assert.ok(++steps < 20, 'spins')
            assert.ok(stream.bufferedBytes < maxStreamMessage)
          }
        }
        if (stream.isBroken) broken++
      } catch (error) {
        throw named(`seed ${seed}`, error)
      }
    }
    assert.ok(broken > 100, `only ${broken} streams broke`)
  }).timeout(60_000)

  it('finds its address all the same, and asks a bounded number of times', () => {
    let count = 0
    for (let seed = 1; count < mutations; seed++) {
      const random = prng(seed)
      try {
        count += fuzzClient(random)
      } catch (error) {
        throw named(`seed ${seed}`, error)
      }
    }
  }).timeout(60_000)
})

/** One client that gets mutations of its server's answers and of other messages; returns how many. */
function fuzzClient(random: Prng): number {
  const server = new ModelServer(newServer)
  const client = new BindingClient({ random: n => random.bytes(n), reliable: false, credentials: user })
  client.start(0)
  let count = 0
  let requests = 0
  for (let now = 1; now < 100; now++) {
    const request = client.pollTransmit()
    if (request === undefined) break
    requests++
    const answer = server.answer(request, { xorMappedAddress: v4 })
    for (let i = 0; i < 250; i++) {
      count++
      const mutated = mutate(random, random.float() < 0.5 ? answer : anyMessage(random))
      if (!isUnprotected(mutated, request, requests)) client.receive(mutated, now)
    }
    client.receive(answer, now)
  }
  assert.ok(requests <= maxChallenges + 1)
  const event = client.pollEvent()
  assert.ok(event?.type === 'mapped' && event.address.address === v4.address, JSON.stringify(event))
  return count
}

/** Nothing protects the answer to the first request, nor a challenge: who knows the transaction can forge them. */
function isUnprotected(bytes: Uint8Array, request: Uint8Array, requests: number): boolean {
  const message = decodeMessage(bytes)
  if (message === undefined || !equalBytes(message.transactionId, request.subarray(8, 20))) return false
  const code = message.attributes.errorCode?.code
  return requests === 1 || code === 401 || code === 438
}

describe('Long-term credentials that are fed whatever challenges', () => {
  it('answer a bounded number of them', () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = prng(seed)
      const credentials = new LongTermCredentials(user)
      let retries = 0
      for (let i = 0; i < 20; i++) {
        const message = decodeMessage(
          credentials.encode({ class: 'request', method: 3, transactionId: random.bytes(12), attributes: {} }),
        )
        assert.ok(message)
        const response = encodeMessage({ ...message, class: 'error', attributes: anyChallenge(random) })
        const received = decodeMessage(response)
        if (received === undefined) continue
        const { kind } = credentials.check(received)
        if (kind === 'retry') retries++
        assert.notEqual(kind === 'authentic' && i > 0 && retries > 0, true, `seed ${seed}`)
      }
      assert.ok(retries <= maxChallenges, `seed ${seed}: ${retries}`)
    }
  })
})

function anyChallenge(random: Prng): StunAttributes {
  const pick = <T>(...values: readonly T[]): T => values[random.next() % values.length] as T
  const algorithms = pick(undefined, [], [{ id: 1, parameters: none }], [{ id: 2, parameters: none }])
  return {
    errorCode: { code: pick(401, 438), reason: '' },
    nonce: pick('n', 'obMatJos2gAAA', 'obMatJos2QAAA', 'obMatJos2wAAA', '') + String(random.next()),
    realm: pick('a', 'b', 'c', ''),
    ...(algorithms === undefined ? {} : { passwordAlgorithms: algorithms }),
  }
}

function anyMessage(random: Prng, key?: Uint8Array): Uint8Array {
  const attributes = corpus[random.next() % corpus.length] ?? {}
  return encodeMessage(
    {
      class: (['request', 'indication', 'success', 'error'] as const)[random.next() & 3] ?? 'request',
      method: 1 + (random.next() % 12),
      transactionId: random.bytes(12),
      attributes,
    },
    { fingerprint: random.float() < 0.2, ...(key === undefined || random.float() < 0.5 ? {} : { key }) },
  )
}

/** Changes bytes, lengths and the end; never nothing. */
function mutate(random: Prng, message: Uint8Array): Uint8Array {
  let bytes = Uint8Array.from(message)
  const changes = 1 + (random.next() % 3)
  for (let i = 0; i < changes; i++) {
    const at =
      random.float() < 0.8 ? 20 + (random.next() % Math.max(1, bytes.length - 20)) : random.next() % bytes.length
    switch (random.next() % 4) {
      case 0:
        bytes[at] = random.next()
        break
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (random.next() & 7))
        break
      case 2: {
        // Cut or prolonged in multiples of four, with a length that fits again.
        const length = Math.max(20, bytes.length + 4 * ((random.next() % 9) - 4))
        const other = new Uint8Array(length)
        other.set(bytes.subarray(0, length))
        new DataView(other.buffer).setUint16(2, length - 20)
        bytes = other
        break
      }
      default:
        bytes = bytes.slice(0, 1 + (random.next() % bytes.length))
    }
  }
  return bytes
}

function named(where: string, error: unknown): Error {
  return new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
