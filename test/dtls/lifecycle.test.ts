import assert from 'node:assert/strict'
import { Alert, DtlsError } from '../../src/dtls/index.ts'
import { connectedPair, createPair, exchange, start } from './support.ts'

describe('A DTLS connection', () => {
  it('is new until it is started, and takes nothing before', () => {
    const { client, server } = createPair()
    assert.equal(server.dtls.state, 'new')
    client.dtls.start(0)
    const [hello = new Uint8Array()] = client.transmits()
    assert.deepEqual(server.receive(hello), { drop: 'not-open' })
    assert.throws(() => client.dtls.seal(Buffer.from('x')), { name: 'DtlsError', code: 'not-connected' })
    assert.throws(() => client.dtls.exportKeyingMaterial('EXPERIMENTAL', 1), { code: 'not-connected' })
    client.dtls.start(0)
    assert.deepEqual(client.transmits(), [], 'started twice')
  })

  it('says what a record adds to the data in it', () => {
    const { client } = connectedPair()
    assert.equal(client.dtls.seal(new Uint8Array(100)).length, 100 + client.dtls.recordOverhead)
    assert.equal(client.dtls.recordOverhead, 37)
  })

  it('that is closed tells the peer, which answers and tells its owner', () => {
    const { client, server } = connectedPair()
    const last = client.dtls.seal(Buffer.from('last words'))
    client.dtls.close(0)
    assert.equal(client.dtls.state, 'closed')
    const [goodbye = new Uint8Array()] = client.transmits()
    server.receive(last)
    server.receive(goodbye)
    assert.deepEqual(server.types, ['connected', 'data', 'closed'])
    assert.equal(server.dtls.state, 'closed')
    const [answer = new Uint8Array()] = server.transmits()
    assert.deepEqual(client.receive(answer), { drop: 'not-open' })
    assert.deepEqual(client.types, ['connected'])
    client.dtls.close(0)
    assert.deepEqual(client.transmits(), [])
    assert.deepEqual(server.receive(last), { drop: 'not-open' })
  })

  it('that is closed during the handshake says so, unless nobody has called yet', () => {
    const { client, server } = createPair()
    start({ client, server })
    client.transmits()
    client.dtls.close(0)
    const [goodbye = new Uint8Array()] = client.transmits()
    assert.deepEqual([...goodbye.subarray(13)], [1, Alert.closeNotify])
    assert.equal(client.dtls.pollTimeout(), undefined)
    server.dtls.close(0)
    assert.deepEqual(server.transmits(), [])
    assert.equal(server.dtls.state, 'closed')
  })

  it('that is closed before it was started stays closed', () => {
    const { client } = createPair()
    client.dtls.close(0)
    client.dtls.start(0)
    assert.equal(client.dtls.state, 'closed')
    assert.deepEqual(client.transmits(), [])
  })

  it('shows the certificates of the peer, and what was negotiated, only while it is connected', () => {
    const { client, server } = createPair()
    assert.deepEqual(client.dtls.remoteCertificates, [])
    assert.equal(client.dtls.session, undefined)
    start({ client, server })
    exchange({ client, server })
    assert.equal(client.dtls.remoteCertificates.length, 1)
    client.dtls.close(0)
    assert.deepEqual(client.dtls.remoteCertificates, [])
    assert.equal(client.dtls.session, undefined)
    assert.throws(() => client.dtls.exportKeyingMaterial('EXPERIMENTAL', 1), { code: 'not-connected' })
  })

  it('delivers all of a large message in records, and refuses one that does not fit', () => {
    const { client, server } = connectedPair()
    const data = new Uint8Array(2 ** 14).fill(7)
    server.receive(client.dtls.seal(data))
    assert.equal(server.data[0]?.length, data.length)
    assert.throws(() => client.dtls.seal(new Uint8Array(2 ** 14 + 1)), { code: 'record-too-long' })
    assert.equal(client.dtls.state, 'connected')
  })

  it('survives a random source that fails, with an error instead of an exception', () => {
    const pair = createPair({
      server: {
        random: () => {
          throw new Error('no entropy')
        },
      },
    })
    start(pair)
    exchange(pair)
    pair.server.dtls.handleTimeout(10_000)
    pair.server.drainEvents()
    const [event] = pair.server.events
    assert.ok(event?.type === 'failed' && event.error instanceof DtlsError)
    assert.equal(event.error.code, 'internal-error')
  })
})
