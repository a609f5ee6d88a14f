import assert from 'node:assert/strict'
import { Handshake, handshakeTimeoutMs } from '../../../src/dtls/handshake.ts'
import { DtlsError } from '../../../src/dtls/index.ts'
import { type Prng, prng } from '../../support/prng.ts'
import { mutate, pick } from '../mutations.ts'
import { connectedPair, createPair, type Endpoint, exchange, type Pair, plaintextRecord, start } from '../support.ts'

const options = { maxVersion: '1.3', groups: ['x25519'], srtpProfiles: [1] } as const

/** Every datagram of a good handshake, both ways. */
function recordedHandshake(seed: number): Uint8Array[] {
  const pair = createPair({ seed, options: { ...options, mtu: 400 } })
  const all: Uint8Array[] = []
  for (const endpoint of [pair.client, pair.server]) {
    const transmits = endpoint.transmits.bind(endpoint)
    endpoint.transmits = () => {
      const datagrams = transmits()
      all.push(...datagrams.map(datagram => new Uint8Array(datagram)))
      return datagrams
    }
  }
  start(pair)
  exchange(pair)
  return all
}

function assertWorks({ client, server }: Pair, what: string): void {
  server.receive(client.dtls.seal(Buffer.from('to the server')))
  client.receive(server.dtls.seal(Buffer.from('to the client')))
  assert.deepEqual([client.data.at(-1), server.data.at(-1)], ['to the client', 'to the server'], what)
}

describe('DTLS 1.3 with 100,000 mutated inputs', function () {
  this.timeout(60_000)

  it('goes on working where they come to a connection', () => {
    const seed = 20_013
    const random = prng(seed)
    const handshakes = recordedHandshake(1)
    const pair = connectedPair({ options })
    for (let n = 0; n < 60_000; n++) {
      const victim = pick([pair.client, pair.server], random) ?? pair.client
      const other = victim === pair.client ? pair.server : pair.client
      const kind = random.next() % 4
      const genuine =
        kind === 0
          ? other.dtls.seal(random.bytes(random.next() % 60))
          : kind === 1
            ? plaintextRecord(20 + (random.next() % 7), random.bytes(random.next() % 40), n)
            : pick(handshakes, random)
      const delivered = victim.events.length
      victim.receive(mutate(genuine ?? new Uint8Array(), random), n)
      // A mutation that appends leaves the record as it was: then it is genuine.
      if (kind !== 0) assert.equal(victim.events.length, delivered, `seed ${seed}, input ${n}`)
      victim.transmits()
      victim.events.length = 0
      if (n % 1_000 === 0) assertWorks(pair, `seed ${seed}, input ${n}`)
    }
    assertWorks(pair, `seed ${seed}`)
  })

  it('either connects, with the same keys, or fails with an error of its own where they come to a handshake', () => {
    const recorded = [recordedHandshake(51), recordedHandshake(52), recordedHandshake(53)]
    let connected = 0
    for (let seed = 1; seed <= 600; seed++) {
      const random = prng(seed)
      const pair = createPair({ seed, options: { ...options, peerAddressValidated: seed % 2 === 0 } })
      // In every other handshake the mutations come only after what they were made from.
      const before = seed % 2 === 0 ? (recorded[seed % recorded.length] ?? []) : []
      start(pair)
      for (let round = 0; round < 8; round++) {
        carry(pair.client, pair.server, before, random, round)
        carry(pair.server, pair.client, before, random, round)
      }
      for (const endpoint of [pair.client, pair.server]) finish(endpoint, `seed ${seed}`)
      if (pair.client.dtls.state !== 'connected' || pair.server.dtls.state !== 'connected') continue
      connected++
      assert.deepEqual(
        pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 16),
        pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 16),
        `seed ${seed}`,
      )
      assertWorks(pair, `seed ${seed}`)
    }
    assert.ok(connected > 50, `only ${connected} connected`)
  })

  it('ends with an error of its own where the peer, who has the keys, says something else', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = prng(seed)
      const pair = createPair({ seed, options })
      const genuine = Handshake.prototype.write
      let left = random.next() % 9
      Handshake.prototype.write = function (type: number, body: Uint8Array) {
        genuine.call(this, type, left-- === 0 ? new Uint8Array(mutate(body, random)) : body)
      }
      try {
        start(pair)
        exchange(pair)
      } finally {
        Handshake.prototype.write = genuine
      }
      for (const endpoint of [pair.client, pair.server]) finish(endpoint, `seed ${seed}`)
      if (pair.client.dtls.state === 'connected' && pair.server.dtls.state === 'connected') {
        assertWorks(pair, `seed ${seed}`)
      }
    }
  })
})

/** What one end says, and before and after it what it never said: unauthenticated, and like the genuine messages. */
function carry(from: Endpoint, to: Endpoint, strange: readonly Uint8Array[], random: Prng, round: number): void {
  const now = round * 200
  from.dtls.handleTimeout(now)
  for (const datagram of from.transmits()) {
    for (let n = 0; n < 3 && strange.length > 0; n++) to.receive(mutate(pick(strange, random) ?? datagram, random), now)
    to.receive(datagram, now)
    for (let n = 0; n < 10; n++) to.receive(mutate(datagram, random), now)
  }
}

function finish({ dtls, events }: Endpoint, what: string): void {
  for (let count = 0; dtls.pollTimeout() !== undefined; count++) {
    assert.ok(count < 200, `${what}: no end`)
    dtls.handleTimeout(dtls.pollTimeout() ?? handshakeTimeoutMs)
  }
  for (const event of events) {
    if (event.type !== 'failed') continue
    assert.ok(event.error instanceof DtlsError)
    assert.notEqual(event.error.code, 'internal-error', `${what}: ${event.error.cause}`)
  }
}
