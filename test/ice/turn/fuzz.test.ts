import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { decodeMessage, encodeMessage, stunMethod } from '../../../src/ice/stun/message.ts'
import { named } from '../../support/named.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { addFingerprint } from '../messages.ts'
import { mutateMessage } from '../mutations.ts'
import { channelData, dataIndication, key } from './scripted-server.ts'
import { bulk, peer, stunLike, TurnLink } from './turn-link.ts'

const mutations = 100_000
const signedMutations = 8_000

describe('A TURN client that is fed mutated messages', () => {
  it(`throws nothing, never spins, and carries data after ${mutations} that are not signed`, function () {
    this.timeout(30_000)
    let count = 0
    for (let seed = 1; count < mutations; seed++) count += named(seed, () => fuzz(seed, unsigned))
  })

  it(`throws nothing and never spins after ${signedMutations} that are signed, whatever they make of it`, function () {
    this.timeout(30_000)
    let count = 0
    for (let seed = 1; count < signedMutations; seed++) count += named(seed, () => fuzzSigned(seed))
  })

  it('ends a data connection at the first nonsense, or takes it for an answer', () => {
    for (let seed = 1; seed <= 3_000; seed++) named(seed, () => fuzzBinding(seed))
  })
})

/** Chunks of mutated answers to a ConnectionBind request. */
function fuzzBinding(seed: number): void {
  const random = prng(seed)
  const { client } = TurnLink.allocated({ reliable: true, requestedTransport: 'tcp' })
  const bind = client.connectionBind(5)
  bind.start(0)
  const { transactionId } = decodeMessage(bind.pollTransmit() ?? assert.fail()) ?? assert.fail()
  for (let i = 0; i < 20; i++) {
    const attributes = { errorCode: { code: 401 + (random.next() % 40), reason: '' }, realm: 'r', nonce: 'n' }
    const answer = encodeMessage({ class: 'error', method: stunMethod.connectionBind, transactionId, attributes })
    bind.receive(mutate(random, answer), 0)
    bind.pollTransmit()
  }
  bind.handleTimeout(40_000)
  bind.handleTimeout(80_000)
  const event = bind.pollEvent()
  assert.equal(event?.type, 'failed')
  assert.equal(bind.pollEvent(), undefined)
  assert.equal(bind.pollTimeout(), undefined)
}

type Finish = (random: Prng, mutated: Uint8Array) => Uint8Array

/** One client with mutations of what its server sends; returns how many. */
function fuzz(seed: number, finish: Finish): number {
  const { link, random, corpus } = prepare(seed)
  let count = 0
  const flood = (number: number) => {
    for (let i = 0; i < number; i++) {
      link.inject(finish(random, mutate(random, corpus[random.next() % corpus.length] ?? assert.fail())))
      count++
    }
  }
  link.start()
  flood(50)
  assert.ok(
    link.run(40_000, () => link.client.state === 'allocated'),
    link.client.state,
  )
  for (let step = 0; step < 40; step++) {
    link.send(step % 3 === 0 ? stunLike() : bulk(), peer(1 + (step % 4)))
    flood(50)
    link.run(random.next() % 30_000)
  }
  assert.equal(link.client.state, 'allocated')
  const delivered = link.server.delivered.length
  link.received.length = 0
  for (let last = 1; last <= 4; last++) {
    link.send(bulk(), peer(last))
    link.peerSends(peer(last), bulk())
  }
  link.run(1_000)
  assert.equal(link.server.delivered.length, delivered + 4)
  assert.equal(link.received.length, 4)
  assert.deepEqual(link.server.violations, [])
  return count
}

/** A server that answers every request with nonsense that it has signed. */
function fuzzSigned(seed: number): number {
  const { link, random, corpus } = prepare(seed)
  let count = 0
  link.server.script = request => {
    count++
    if (random.float() < 0.6) return undefined
    const template = corpus[random.next() % corpus.length] ?? assert.fail()
    const bytes = Buffer.from(mutate(random, template))
    if (bytes.length < 20) return { bytes }
    // The type of a response to this request, its transaction, and a signature.
    bytes.writeUInt16BE(request.method | (random.float() < 0.5 ? 0x100 : 0x110), 0)
    bytes.set(request.bytes.subarray(4, 20), 4)
    return { bytes: sign(bytes) }
  }
  link.start()
  for (let step = 0; step < 40; step++) {
    link.send(bulk(), peer(random.next() % 20))
    link.run(random.next() % 20_000)
  }
  link.run(1_000_000)
  link.close()
  link.run(10_000)
  assert.ok(['closed', 'lost', 'failed', 'redirected'].includes(link.client.state), link.client.state)
  assert.equal(link.client.pollTimeout(), undefined)
  return count
}

function prepare(seed: number): {
  readonly link: TurnLink
  readonly random: Prng
  readonly corpus: readonly Uint8Array[]
} {
  const link = new TurnLink({ additionalFamily: seed % 2 === 0 }, { maxDelayMs: 30 }, seed)
  const corpus: Uint8Array[] = [
    channelData(0x4000, bulk(40)),
    channelData(0x4001, new Uint8Array(0)),
    dataIndication({ xorPeerAddress: [peer(1)], data: bulk(20) }),
    dataIndication({ xorPeerAddress: [peer(2)], icmp: { type: 3, code: 1, data: 0 } }),
    ...genuine(seed),
  ]
  return { link, random: prng(seed + 5_000), corpus }
}

/** What the server says to a client with the same seed, in the same transactions. */
function genuine(seed: number): readonly Uint8Array[] {
  const link = new TurnLink({ additionalFamily: seed % 2 === 0 }, { maxDelayMs: 30 }, seed)
  const responses: Uint8Array[] = []
  const { receive } = link.server
  link.server.receive = (bytes, now) => {
    const answers = receive.call(link.server, bytes, now)
    responses.push(...answers)
    return answers
  }
  link.start()
  link.run(1_000)
  for (let last = 1; last <= 4; last++) link.send(bulk(), peer(last))
  link.run(460_000)
  // Not the challenges: who answers them with another nonce is not deceived, but does as it is told.
  return responses.filter(bytes => decodeMessage(bytes)?.attributes.errorCode === undefined).map(forge)
}

/** Without FINGERPRINT, and with an integrity that is wrong: everything else is as the server would say it. */
function forge(response: Uint8Array): Uint8Array {
  const bytes = Buffer.from(response.subarray(0, -8))
  bytes.writeUInt16BE(bytes.length - 20, 2)
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  assert.equal(decodeMessage(bytes)?.integrityAt.sha1, bytes.length - 24)
  return bytes
}

function unsigned(random: Prng, mutated: Uint8Array): Uint8Array {
  return random.float() < 0.5 || mutated.length < 20
    ? mutated
    : addFingerprint(mutated.subarray(0, mutated.length & ~3))
}

function sign(bytes: Buffer): Uint8Array {
  const body = Buffer.from(bytes.subarray(0, Math.max(20, (bytes.length - 32) & ~3)))
  body.writeUInt16BE(body.length - 20 + 24, 2)
  const integrity = createHmac('sha1', key).update(body).digest()
  return Buffer.concat([body, Buffer.from('00080014', 'hex'), integrity])
}

function mutate(random: Prng, data: Uint8Array): Uint8Array {
  const bytes = mutateMessage(random, data)
  // A success, unlike a challenge, is never believed without a signature; not even if it was made one by mutation.
  return isChallenge(bytes) ? channelData(0x4000 + (random.next() % 6), bytes) : bytes
}

function isChallenge(bytes: Uint8Array): boolean {
  const message = decodeMessage(bytes)
  return message?.class === 'error' && message.method !== stunMethod.data && bytes.length > 20
}
