import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../../src/dtls/handshake.ts'
import { Link, type LinkConditions } from '../link.ts'
import { createPair, type Pair, sharedRsaCertificate, start } from '../support.ts'

const maxVersion = '1.3'

function bothConnected({ client, server }: Pair): boolean {
  return client.dtls.state === 'connected' && server.dtls.state === 'connected'
}

/** Connects over the link. Returns when the client and the server were both connected. */
function connect(pair: Pair, link: Link, title: string): number {
  start(pair)
  link.run(handshakeTimeoutMs + 1, () => bothConnected(pair) || pair.client.failure !== undefined)
  assert.equal(pair.client.failure, undefined, title)
  assert.equal(pair.server.failure, undefined, title)
  assert.ok(bothConnected(pair), `${title}: not connected at ${link.now} ms`)
  assert.equal(pair.client.dtls.session?.version, 'FEFC')
  assert.deepEqual(
    pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
    pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
    title,
  )
  return link.now
}

/** Goes on until nothing waits for an ACK any more. */
function settle(pair: Pair, link: Link, title: string): void {
  link.run(link.now + handshakeTimeoutMs)
  for (const { dtls } of [pair.client, pair.server]) assert.equal(dtls.pollTimeout(), undefined, title)
}

describe('A handshake of DTLS 1.3 on a bad link', function () {
  this.timeout(30_000)
  const conditions: readonly (Partial<LinkConditions> & { title: string; seeds: number })[] = [
    { title: 'loses a tenth', loss: 0.1, seeds: 40 },
    { title: 'loses a third', loss: 0.33, seeds: 60 },
    { title: 'reorders everything', jitterMs: 80, seeds: 40 },
    { title: 'doubles half of all datagrams', duplication: 0.5, jitterMs: 20, seeds: 30 },
    { title: 'loses, doubles and reorders', loss: 0.2, duplication: 0.2, jitterMs: 60, seeds: 60 },
  ]
  for (const { title, seeds, ...link } of conditions) {
    it(`connects where the link ${title}`, () => {
      for (let seed = 1; seed <= seeds; seed++) {
        // Small datagrams, so that flights and messages come in pieces; every other time with a cookie.
        const options = { maxVersion, mtu: seed % 3 === 0 ? 1200 : 300, peerAddressValidated: seed % 2 === 0 } as const
        const pair = createPair({ seed, options })
        connect(pair, new Link(pair, seed, link), `seed ${seed}`)
      }
    })
  }

  it('either connects or fails where bits flip, and delivers nothing wrong', () => {
    let connected = 0
    for (let seed = 1; seed <= 50; seed++) {
      const pair = createPair({ seed, options: { maxVersion, mtu: 400 } })
      const link = new Link(pair, seed, { corruption: 0.1, loss: 0.05 })
      start(pair)
      link.run(handshakeTimeoutMs + 1_000)
      for (const { dtls } of [pair.client, pair.server]) {
        assert.ok(dtls.state === 'connected' || dtls.state === 'failed', `seed ${seed}: ${dtls.state}`)
      }
      if (!bothConnected(pair)) continue
      connected++
      assert.deepEqual(
        pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
        pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
      )
    }
    assert.ok(connected > 10, `only ${connected} of 50 connected`)
  })

  it('connects with RSA certificates in many small datagrams', () => {
    const rsa = sharedRsaCertificate()
    for (let seed = 1; seed <= 10; seed++) {
      const options = { maxVersion, mtu: 256 } as const
      const pair = createPair({ seed, clientCertificate: rsa, serverCertificate: rsa, options })
      connect(pair, new Link(pair, seed, { loss: 0.1, jitterMs: 30 }), `seed ${seed}`)
    }
  })

  it('takes one and a half round trips, and no retransmission where nothing is lost', () => {
    const pair = createPair({ options: { maxVersion } })
    const link = new Link(pair, 1, { delayMs: 20 })
    assert.equal(connect(pair, link, 'perfect'), 60)
    // ClientHello in two, the server's flight in two, the client's, and the ACK.
    settle(pair, link, 'perfect')
    assert.equal(link.sent, 6)
  })

  it('is over for both ends, whatever is lost', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const pair = createPair({ seed, options: { maxVersion, mtu: 400 } })
      const link = new Link(pair, seed, { loss: 0.25, jitterMs: 20 })
      connect(pair, link, `seed ${seed}`)
      settle(pair, link, `seed ${seed}`)
    }
  })

  it('sends again only what was not acknowledged', () => {
    const pair = createPair({ options: { maxVersion, mtu: 300 } })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram, 0)
    const flight = pair.server.transmits()
    assert.ok(flight.length > 5)
    const lost = 6
    for (const [index, datagram] of flight.entries()) if (index !== lost) pair.client.receive(datagram, 0)
    // The client waits a quarter of its timer, and tells what it has.
    const due = pair.client.dtls.pollTimeout()
    assert.equal(due, 25)
    pair.client.dtls.handleTimeout(25)
    const acks = pair.client.transmits()
    assert.equal(acks.length, 1)
    for (const ack of acks) pair.server.receive(ack, 30)
    const repeated = pair.server.transmits()
    assert.equal(repeated.length, 1)
    for (const datagram of repeated) pair.client.receive(datagram, 40)
    assert.equal(pair.client.dtls.state, 'connected')
  })

  it('repeats the ACK of the last flight, and not more', () => {
    const pair = createPair({ options: { maxVersion } })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram, 0)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram, 0)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram, 0)
    assert.equal(pair.server.dtls.state, 'connected')
    assert.ok(pair.server.transmits().length > 0, 'the ACK, which is lost')
    const now = pair.client.dtls.pollTimeout() ?? 0
    pair.client.dtls.handleTimeout(now)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram, now)
    const acks = pair.server.transmits()
    assert.ok(acks.length > 0)
    for (const ack of acks) pair.client.receive(ack, now)
    assert.equal(pair.client.dtls.pollTimeout(), undefined)
    assert.deepEqual(pair.client.transmits(), [])
  })

  it('delivers data that overtakes the last flight after connecting, in the order it came', () => {
    const pair = createPair({ options: { maxVersion } })
    start(pair)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    assert.equal(pair.client.dtls.state, 'connected')
    const lastFlight = pair.client.transmits()
    for (const text of ['one', 'two', 'three']) {
      const datagram = pair.client.dtls.seal(Buffer.from(text))
      assert.deepEqual(pair.server.receive(datagram), { handled: true })
      // The datagram belongs to somebody else again.
      datagram.fill(0)
    }
    assert.deepEqual(pair.server.events, [])
    for (const datagram of lastFlight) pair.server.receive(datagram)
    assert.deepEqual(pair.server.types, ['connected', 'data', 'data', 'data'])
    assert.deepEqual(pair.server.data, ['one', 'two', 'three'])
  })
})
