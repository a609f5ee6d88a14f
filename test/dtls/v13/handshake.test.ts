import assert from 'node:assert/strict'
import { connectedPair, createPair, exchange, start } from '../support.ts'

const options = { maxVersion: '1.3', srtpProfiles: [7, 1] } as const

describe('Handshake of DTLS 1.3', () => {
  it('connects a client and a server that both speak it', () => {
    const { client, server } = connectedPair({ options })
    for (const { dtls } of [client, server]) {
      assert.deepEqual(dtls.session, {
        version: 'FEFC',
        cipherSuite: 'TLS_AES_128_GCM_SHA256',
        group: 'x25519mlkem768',
        srtpProfile: 7,
      })
    }
    const label = 'EXTRACTOR-dtls_srtp'
    assert.deepEqual(client.dtls.exportKeyingMaterial(label, 60), server.dtls.exportKeyingMaterial(label, 60))
    client.dtls.seal(Buffer.from('x'))
    server.receive(client.dtls.seal(Buffer.from('to the server')))
    client.receive(server.dtls.seal(Buffer.from('to the client')))
    assert.deepEqual(server.data, ['to the server'])
    assert.deepEqual(client.data, ['to the client'])
    assert.equal(client.dtls.recordOverhead, 22)
  })

  it('leaves nothing to be sent again once it is acknowledged', () => {
    const { client, server } = connectedPair({ options })
    assert.equal(client.dtls.pollTimeout(), undefined)
    assert.equal(server.dtls.pollTimeout(), undefined)
  })

  it('asks for a cookie where the address of the client is not validated', () => {
    const pair = createPair({ options, server: { peerAddressValidated: false } })
    start(pair)
    const hello = pair.client.transmits()
    for (const datagram of hello) pair.server.receive(datagram)
    const [retry, ...others] = pair.server.transmits()
    assert.ok(retry)
    assert.equal(others.length, 0)
    assert.ok(retry.length < 200)
    pair.client.receive(retry)
    exchange(pair)
    assert.equal(pair.client.dtls.session?.version, 'FEFC')
    assert.equal(pair.server.dtls.state, 'connected')
  })
})
