import assert from 'node:assert/strict'
import { handshakeTimeoutMs } from '../../src/dtls/handshake.ts'
import { Alert, type CryptoProvider, DtlsError, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { MasterSecret } from '../../src/dtls/v12/key-schedule.ts'
import { connectedPair, createPair, exchange, type Pair, start } from './support.ts'

/** Runs with an ear on the keys and master secrets that are made. */
function withCapturedKeys<T>(keys: Uint8Array[], run: () => T): T {
  const derive = MasterSecret.prototype.deriveEpoch
  MasterSecret.prototype.deriveEpoch = function (role) {
    const epoch = derive.call(this, role)
    for (const half of [epoch.sealer, epoch.opener, this]) {
      const { wipe } = half
      const witness = Uint8Array.of(1)
      keys.push(witness)
      half.wipe = () => {
        witness[0] = 0
        wipe.call(half)
      }
    }
    return epoch
  }
  try {
    return run()
  } finally {
    MasterSecret.prototype.deriveEpoch = derive
  }
}

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

  for (const [ending, end] of [
    ['it is closed', ({ client }: Pair) => client.dtls.close(0)],
    [
      'the peer closes it',
      ({ client, server }: Pair) => {
        server.dtls.close(0)
        for (const datagram of server.transmits()) client.receive(datagram)
      },
    ],
  ] as const) {
    it(`overwrites its keys when ${ending}`, () => {
      const keys: Uint8Array[] = []
      const pair = withCapturedKeys(keys, () => connectedPair())
      // Sealer, opener and master secret at each end.
      assert.equal(keys.length, 2 * 3)
      assert.ok(keys.every(key => key.some(byte => byte !== 0)))
      end(pair)
      assert.equal(keys.filter(key => key.every(byte => byte === 0)).length, ending === 'it is closed' ? 3 : 6)
    })
  }

  it('overwrites its keys when the handshake fails or is abandoned', () => {
    for (const abandon of [true, false]) {
      const keys: Uint8Array[] = []
      const pair = withCapturedKeys(keys, () => {
        const made = createPair()
        start(made)
        for (const datagram of made.client.transmits()) made.server.receive(datagram)
        for (const datagram of made.server.transmits()) made.client.receive(datagram)
        return made
      })
      assert.equal(keys.length, 3)
      if (abandon) pair.client.dtls.close(0)
      else pair.client.dtls.handleTimeout(handshakeTimeoutMs)
      assert.ok(pair.client.dtls.state === 'closed' || pair.client.dtls.state === 'failed')
      assert.ok(keys.every(key => key.every(byte => byte === 0)))
    }
  })

  it('overwrites the pre-master secret as soon as the master secret is made', () => {
    const secrets: Uint8Array[] = []
    const crypto: CryptoProvider = {
      ...nodeCryptoProvider,
      generateKeyShare: (group, random) => {
        const share = nodeCryptoProvider.generateKeyShare(group, random)
        return {
          publicKey: share.publicKey,
          deriveSecret: peer => {
            const secret = share.deriveSecret(peer)
            secrets.push(secret)
            return secret
          },
        }
      },
    }
    connectedPair({ options: { crypto } })
    assert.equal(secrets.length, 2)
    assert.ok(secrets.every(secret => secret.every(byte => byte === 0)))
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
    const [event] = pair.server.events
    assert.ok(event?.type === 'failed' && event.error instanceof DtlsError)
    assert.equal(event.error.code, 'internal-error')
  })
})
