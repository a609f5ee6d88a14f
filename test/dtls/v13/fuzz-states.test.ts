import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../../src/dtls/handshake.ts'
import { DtlsError } from '../../../src/dtls/index.ts'
import { HandshakeType } from '../../../src/dtls/messages.ts'
import { encodeAck, encodeKeyUpdate } from '../../../src/dtls/v13/messages.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { mutate, pick } from '../mutations.ts'
import { talkingPair } from '../sealers.ts'
import { createPair, type Endpoint, handshakeFragment, type Pair, type PairOptions, start } from '../support.ts'

/** The handshakes that the other fuzz test leaves out: long hellos, and two of them. */
const handshakes: readonly { title: string; count: number; options: PairOptions }[] = [
  { title: 'ML-KEM', count: 60, options: { options: { groups: ['x25519mlkem768'] } } },
  { title: 'a HelloRetryRequest', count: 200, options: { server: { groups: ['secp256r1'] } } },
  {
    title: 'a HelloRetryRequest for ML-KEM',
    count: 40,
    options: { client: { groups: ['x25519', 'x25519mlkem768'] }, server: { groups: ['x25519mlkem768'] } },
  },
]

function assertErrorOfItsOwn({ events }: Endpoint, what: string): void {
  for (const event of events) {
    if (event.type !== 'failed') continue
    assert.ok(event.error instanceof DtlsError, what)
    assert.notEqual(event.error.code, 'internal-error', `${what}: ${event.error.cause}`)
  }
}

/** Lets the time pass that a handshake has. */
function finish(endpoint: Endpoint, what: string): void {
  const { dtls } = endpoint
  for (let n = 0; dtls.state === 'connecting'; n++) {
    assert.ok(n < 200, `${what}: no end`)
    const now = dtls.pollTimeout()
    // A server that never heard a ClientHello it could answer.
    if (now === undefined) break
    dtls.handleTimeout(Math.max(now, handshakeTimeoutMs))
    endpoint.transmits()
  }
  assertErrorOfItsOwn(endpoint, what)
}

/** What one end says, and before and behind it what it never said. */
function carry(from: Endpoint, to: Endpoint, random: Prng, isEager: boolean, now: number): void {
  from.dtls.handleTimeout(now)
  for (const datagram of from.transmits()) {
    const strange = (count: number): void => {
      for (let n = 0; n < count; n++) to.receive(mutate(datagram, random), now)
    }
    strange(isEager ? 1 : 0)
    to.receive(datagram, now)
    strange(random.next() % 3)
  }
}

function sameKeys({ client, server }: Pair): void {
  const keys = [client, server].map(({ dtls }) => dtls.exportKeyingMaterial('EXPERIMENTAL', 16))
  assert.deepEqual(keys[0], keys[1])
}

describe('DTLS 1.3 in the states that are seldom, with mutated inputs', function () {
  this.timeout(60_000)

  for (const { title, count, options } of handshakes) {
    it(`either connects, with the same keys, or fails with an error of its own, in a handshake with ${title}`, () => {
      let connected = 0
      for (let seed = 1; seed <= count; seed++) {
        const random = prng(seed)
        const common = {
          maxVersion: '1.3',
          mtu: 500,
          peerAddressValidated: seed % 2 === 0,
          ...options.options,
        } as const
        const pair = createPair({ ...options, seed, options: common })
        start(pair)
        for (let round = 0; round < 8; round++) {
          carry(pair.client, pair.server, random, seed % 4 === 0, 200 * round)
          carry(pair.server, pair.client, random, seed % 4 === 0, 200 * round)
        }
        for (const endpoint of [pair.client, pair.server]) finish(endpoint, `seed ${seed}`)
        if (pair.client.dtls.state !== 'connected' || pair.server.dtls.state !== 'connected') continue
        connected++
        sameKeys(pair)
      }
      assert.ok(connected > count / 20, `only ${connected} of ${count} connected`)
    })
  }

  it('either goes on or ends with an error of its own where the peer says strange things after the handshake', () => {
    let ended = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = prng(seed)
      const talk = talkingPair({ seed, options: { maxVersion: '1.3', groups: ['x25519'] } })
      const { client, server } = talk.pair
      for (let n = 0; n < 20 && server.dtls.state === 'connected'; n++) {
        const [type, content] = pick(afterHandshake(4 + n, random), random) ?? [22, new Uint8Array()]
        const isChanged = random.next() % 2 === 0
        server.receive(talk.seal('client', type, isChanged ? mutate(content, random) : content), n)
        server.dtls.updateKeys(n, random.next() % 2 === 0)
        server.dtls.handleTimeout(n)
        for (const datagram of server.transmits()) client.receive(datagram, n)
        client.transmits()
        assertErrorOfItsOwn(server, `seed ${seed}`)
        assertErrorOfItsOwn(client, `seed ${seed}`)
        assert.ok(!server.types.includes('data'), `seed ${seed}`)
      }
      if (server.dtls.state !== 'connected') ended++
    }
    assert.ok(ended > 20 && ended < 150, `${ended} ended`)
  })
})

/** Contents of records, by their type, that a client might send once it is connected. */
function afterHandshake(sequence: number, random: Prng): readonly (readonly [number, Uint8Array])[] {
  const numbers = Array.from({ length: 1 + (random.next() % 5) }, () => ({
    epoch: 2 + (random.next() % 3),
    sequence: random.next() % 20,
  }))
  return [
    [22, handshakeFragment(HandshakeType.keyUpdate, sequence, encodeKeyUpdate(random.next() % 2 === 0))],
    [22, handshakeFragment(HandshakeType.newSessionTicket, sequence, random.bytes(30))],
    [22, handshakeFragment(random.next() % 30, sequence, random.bytes(random.next() % 40))],
    [26, encodeAck(numbers)],
    [20, Uint8Array.of(1)],
    [random.next() % 22, random.bytes(random.next() % 4)],
  ]
}
