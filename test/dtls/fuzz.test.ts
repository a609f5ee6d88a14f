import assert from 'node:assert/strict'
import { certificatePublicKey } from '../../src/dtls/crypto/certificate.ts'
import { SignatureSchemes } from '../../src/dtls/crypto/signature-schemes.ts'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { DtlsError, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { type Prng, prng } from '../support/prng.ts'
import { mutate, pick } from './mutations.ts'
import {
  clientCertificate,
  connectedPair,
  createPair,
  type Endpoint,
  exchange,
  type Pair,
  plaintextRecord,
  sharedRsaCertificate,
  start,
} from './support.ts'

/** Every datagram of a good handshake, both ways. */
function recordedHandshake(seed: number): Uint8Array[] {
  const pair = createPair({ seed, options: { srtpProfiles: [1], mtu: 400 } })
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
  const before = [client.data.length, server.data.length]
  server.receive(client.dtls.seal(Buffer.from('to the server')))
  client.receive(server.dtls.seal(Buffer.from('to the client')))
  assert.deepEqual([client.data.at(-1), server.data.at(-1)], ['to the client', 'to the server'], what)
  assert.deepEqual([client.data.length, server.data.length], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1], what)
}

describe('DTLS with 100,000 mutated inputs', function () {
  this.timeout(60_000)

  it('goes on working where they come to a connection', () => {
    const seed = 20_001
    const random = prng(seed)
    const handshakes = recordedHandshake(1)
    const pair = connectedPair()
    for (let n = 0; n < 60_000; n++) {
      const victim = pick([pair.client, pair.server], random) ?? pair.client
      const other = victim === pair.client ? pair.server : pair.client
      const kind = random.next() % 4
      const genuine =
        kind === 0
          ? other.dtls.seal(random.bytes(random.next() % 60))
          : kind === 1
            ? plaintextRecord(20 + (random.next() % 5), random.bytes(random.next() % 40), n)
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
    let connected = 0
    for (let seed = 1; seed <= 800; seed++) {
      const random = prng(seed)
      const pair = createPair({ seed, options: { srtpProfiles: [1], peerAddressValidated: seed % 2 === 0 } })
      const strange = recordedHandshakes[seed % recordedHandshakes.length] ?? []
      start(pair)
      for (let round = 0; round < 8; round++) {
        // In every other handshake the mutations come only after what they were made from.
        const before = seed % 2 === 0 ? strange : []
        carry(pair.client, pair.server, before, random, round)
        carry(pair.server, pair.client, before, random, round)
      }
      for (const endpoint of [pair.client, pair.server]) finish(endpoint, `seed ${seed}`)
      if (pair.client.dtls.state === 'connected' && pair.server.dtls.state === 'connected') {
        connected++
        assert.deepEqual(
          pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 16),
          pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 16),
          `seed ${seed}`,
        )
        assertWorks(pair, `seed ${seed}`)
      }
    }
    assert.ok(connected > 50, `only ${connected} connected`)
  })

  it('reads no certificate wrongly', () => {
    const seed = 20_003
    const random = prng(seed)
    const data = Buffer.from('signed')
    const rsa = sharedRsaCertificate()
    const signature = nodeCryptoProvider.importSigningKey(rsa.pkcs8).sign(SignatureSchemes.rsaPkcs1Sha256, data)
    for (let n = 0; n < 8_000; n++) {
      const certificate = pick([rsa.certificate, clientCertificate.certificate], random) ?? new Uint8Array()
      try {
        const key = certificatePublicKey(mutate(certificate, random))
        if (n % 10 === 0) nodeCryptoProvider.verify(SignatureSchemes.rsaPkcs1Sha256, key, data, signature)
      } catch (error) {
        assert.ok(error instanceof DtlsError, `seed ${seed}, input ${n}: ${error}`)
      }
    }
  })
})

const recordedHandshakes = [recordedHandshake(51), recordedHandshake(52), recordedHandshake(53)]

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
  assert.ok(['connected', 'failed', 'closed', 'connecting'].includes(dtls.state), `${what}: ${dtls.state}`)
  for (const event of events) {
    if (event.type !== 'failed') continue
    assert.ok(event.error instanceof DtlsError)
    assert.notEqual(event.error.code, 'internal-error', `${what}: ${event.error.cause}`)
  }
}
