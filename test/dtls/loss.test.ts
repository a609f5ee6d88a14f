import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { Link, type LinkConditions } from './link.ts'
import { createPair, type Pair, sharedRsaCertificate, start } from './support.ts'

function bothConnected({ client, server }: Pair): boolean {
  return client.dtls.state === 'connected' && server.dtls.state === 'connected'
}

/** Connects over the link, and sends something each way. Returns when the client and the server were both connected. */
function connect(pair: Pair, link: Link, title: string): number {
  start(pair)
  link.run(handshakeTimeoutMs + 1, () => bothConnected(pair) || pair.client.failure !== undefined)
  assert.equal(pair.client.failure, undefined, title)
  assert.equal(pair.server.failure, undefined, title)
  assert.ok(bothConnected(pair), `${title}: not connected at ${link.now} ms`)
  assert.deepEqual(
    pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
    pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
    title,
  )
  return link.now
}

describe('A DTLS handshake on a bad link', () => {
  const conditions: readonly (Partial<LinkConditions> & { title: string; seeds: number })[] = [
    { title: 'loses a tenth', loss: 0.1, seeds: 60 },
    { title: 'loses a third', loss: 0.33, seeds: 120 },
    { title: 'reorders everything', jitterMs: 80, seeds: 100 },
    { title: 'doubles half of all datagrams', duplication: 0.5, jitterMs: 20, seeds: 40 },
    { title: 'loses, doubles and reorders', loss: 0.2, duplication: 0.2, jitterMs: 60, seeds: 120 },
  ]
  for (const { title, seeds, ...link } of conditions) {
    it(`connects where the link ${title}`, () => {
      for (let seed = 1; seed <= seeds; seed++) {
        // Small datagrams, so that flights and messages come in pieces; every other time with a cookie.
        const options = { mtu: seed % 3 === 0 ? 1200 : 300, peerAddressValidated: seed % 2 === 0 }
        const pair = createPair({ seed, options })
        connect(pair, new Link(pair, seed, link), `seed ${seed}`)
      }
    })
  }

  it('either connects or fails where bits flip, and delivers nothing wrong', () => {
    let connected = 0
    for (let seed = 1; seed <= 100; seed++) {
      const pair = createPair({ seed, options: { mtu: 400 } })
      const link = new Link(pair, seed, { corruption: 0.1, loss: 0.05 })
      start(pair)
      link.run(handshakeTimeoutMs + 1_000)
      for (const { dtls } of [pair.client, pair.server]) {
        assert.ok(dtls.state === 'connected' || dtls.state === 'failed', `seed ${seed}: ${dtls.state}`)
        assert.equal(dtls.pollTimeout(), undefined, `seed ${seed}`)
      }
      if (!bothConnected(pair)) continue
      connected++
      assert.deepEqual(
        pair.client.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
        pair.server.dtls.exportKeyingMaterial('EXPERIMENTAL', 32),
      )
    }
    assert.ok(connected > 20, `only ${connected} of 100 connected`)
  })

  it('connects with RSA certificates in many small datagrams', () => {
    const rsa = sharedRsaCertificate()
    for (let seed = 1; seed <= 10; seed++) {
      const pair = createPair({ seed, clientCertificate: rsa, serverCertificate: rsa, options: { mtu: 256 } })
      connect(pair, new Link(pair, seed, { loss: 0.1, jitterMs: 30 }), `seed ${seed}`)
    }
  })

  it('takes two round trips, four datagrams and no retransmission where nothing is lost', () => {
    const pair = createPair()
    const link = new Link(pair, 1, { delayMs: 20 })
    assert.equal(connect(pair, link, 'perfect'), 80)
    assert.equal(link.sent, 4)
    link.run(60_000)
    assert.equal(link.sent, 4)
  })

  it('delivers data that overtakes the last flight after connecting, in the order it came', () => {
    const pair = createPair()
    start(pair)
    const [hello = new Uint8Array()] = pair.client.transmits()
    pair.server.receive(hello)
    for (const datagram of pair.server.transmits()) pair.client.receive(datagram)
    for (const datagram of pair.client.transmits()) pair.server.receive(datagram)
    assert.equal(pair.server.dtls.state, 'connected')
    const lastFlight = pair.server.transmits()
    for (const text of ['one', 'two', 'three']) {
      const datagram = pair.server.dtls.seal(Buffer.from(text))
      assert.deepEqual(pair.client.receive(datagram), { handled: true })
      // The datagram belongs to somebody else again.
      datagram.fill(0)
    }
    assert.deepEqual(pair.client.events, [])
    for (const datagram of lastFlight) pair.client.receive(datagram)
    assert.deepEqual(pair.client.types, ['connected', 'data', 'data', 'data'])
    assert.deepEqual(pair.client.data, ['one', 'two', 'three'])
  })

  it('gives up after half a minute of silence, and says which message did not come', () => {
    const pair = createPair()
    pair.client.dtls.start(0)
    const link = new Link(pair, 1, { loss: 1 })
    link.run(handshakeTimeoutMs - 1)
    assert.equal(pair.client.dtls.state, 'connecting')
    link.run(handshakeTimeoutMs)
    assert.equal(pair.client.failure, 'timeout')
    const [event] = pair.client.events
    assert.ok(event?.type === 'failed' && /ServerHello/.test(event.error.message))
    assert.equal(event.error.alert, undefined)
    assert.equal(pair.client.dtls.pollTimeout(), undefined)
    assert.ok(link.sent > 10 && link.sent < 50, `${link.sent} datagrams`)
  })

  it('lets a server wait for its client as long as it takes', () => {
    const { server } = createPair()
    server.dtls.start(0)
    assert.equal(server.dtls.pollTimeout(), undefined)
  })
})
