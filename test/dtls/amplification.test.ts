import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { Alert } from '../../src/dtls/index.ts'
import { createPair, type Endpoint, exchange, plaintextRecord, sharedRsaCertificate, start } from './support.ts'

const versions = ['1.2', '1.3'] as const

/** An address that has proved nothing gets at most so much of what came from it. RFC 9000 §8.1 says the same of QUIC. */
const factor = 3

function total(datagrams: readonly Uint8Array[]): number {
  return datagrams.reduce((sum, { length }) => sum + length, 0)
}

/** What the client says first, in datagrams of this size. */
function helloOf(version: '1.2' | '1.3', mtu: number): { server: Endpoint; hello: Uint8Array[] } {
  const rsa = sharedRsaCertificate()
  const options = { maxVersion: version, mtu, peerAddressValidated: false }
  // The longer what the server would say, the better for who wants it said to somebody else.
  const pair = createPair({ options, serverCertificate: rsa })
  start(pair)
  return { server: pair.server, hello: pair.client.transmits() }
}

/** Bytes that the server says until it would give up on any handshake. */
function waitFor(server: Endpoint, from: number): number {
  let sent = total(server.transmits())
  for (let now = server.dtls.pollTimeout(); now !== undefined; now = server.dtls.pollTimeout()) {
    assert.ok(now <= from + handshakeTimeoutMs)
    server.dtls.handleTimeout(now)
    sent += total(server.transmits())
  }
  return sent
}

describe('A server that does not know whether the client is where it says', () => {
  for (const version of versions) {
    for (const mtu of [256, 1200]) {
      it(`answers a lone ClientHello of DTLS ${version} in datagrams of ${mtu} with ${factor} times its length at most`, () => {
        const { server, hello } = helloOf(version, mtu)
        for (const datagram of hello) server.receive(datagram, 0)
        const sent = waitFor(server, 0)
        assert.ok(sent > 0 && sent <= factor * total(hello), `${sent} for ${total(hello)} bytes`)
      })
    }

    it(`answers a ClientHello of DTLS ${version} that comes again and again likewise`, () => {
      const { server, hello } = helloOf(version, 300)
      let sent = 0
      for (let now = 0; now < 200; now++) {
        for (const datagram of hello) {
          server.receive(datagram, now)
          sent += total(server.transmits())
        }
      }
      sent += waitFor(server, 200)
      assert.ok(sent > 0 && sent <= factor * 200 * total(hello), `${sent} bytes`)
    })

    it(`answers no piece of a ClientHello of DTLS ${version}, however often one comes`, () => {
      const { server, hello } = helloOf(version, 256)
      const pieces = hello.length > 1 ? hello : [truncated(hello[0] ?? new Uint8Array())]
      const [last = new Uint8Array()] = pieces.slice(-1)
      for (const piece of pieces.slice(0, -1)) server.receive(piece, 0)
      // Once it is whole, it is answered; and then forgotten, so that the last piece alone is worth nothing.
      server.receive(last, 0)
      server.transmits()
      for (let now = 1; now < 500; now++) server.receive(last, now)
      assert.equal(waitFor(server, 500), 0)
    })

    it(`answers nothing else, in DTLS ${version}`, () => {
      const { server } = helloOf(version, 1200)
      for (let now = 0; now < 500; now++) {
        server.receive(plaintextRecord(21, Uint8Array.of(2, Alert.internalError), now), now)
        server.receive(plaintextRecord(26, Uint8Array.of(0, 0), now), now)
        server.receive(plaintextRecord(22, new Uint8Array(30), now), now)
        server.receive(Buffer.concat([Buffer.of(0x2e, 0, now, 0, 100), Buffer.alloc(100)]), now)
      }
      assert.equal(waitFor(server, 500), 0)
    })

    it(`says more once the cookie came back, in DTLS ${version}`, () => {
      const options = { maxVersion: version, peerAddressValidated: false }
      const pair = createPair({ options, serverCertificate: sharedRsaCertificate() })
      start(pair)
      exchange(pair)
      assert.deepEqual([pair.client.dtls.state, pair.server.dtls.state], ['connected', 'connected'])
    })
  }

  it('is what a server is that was told nothing: a cookie comes first', () => {
    for (const maxVersion of versions) {
      const { client } = createPair({ options: { maxVersion } })
      const { server } = createPair({ options: { maxVersion, ...untold } })
      client.dtls.start(0)
      server.dtls.start(0)
      const hello = client.transmits()
      for (const datagram of hello) server.receive(datagram, 0)
      const answer = server.transmits()
      assert.equal(answer.length, 1)
      assert.ok(total(answer) <= factor * total(hello))
      assert.equal(server.dtls.pollTimeout(), undefined)
    }
  })
})

/** As JavaScript may leave it. */
const untold = { peerAddressValidated: undefined } as unknown as { peerAddressValidated: boolean }

/** The hello in one record, less its last bytes: a fragment. */
function truncated(datagram: Uint8Array): Uint8Array {
  const missing = 10
  const changed = Buffer.from(datagram.subarray(0, datagram.length - missing))
  changed.writeUInt16BE(changed.length - 13, 11)
  changed.writeUIntBE(changed.length - 25, 22, 3)
  return changed
}
