import assert from 'node:assert/strict'
import { type CryptoProvider, nodeCryptoProvider } from '../../src/dtls/index.ts'
import { nobleCryptoProvider } from '../../src/dtls/noble.ts'
import { connectedPair, createPair, type Pair, type PairOptions, sharedRsaCertificate, start } from './support.ts'

/** Every datagram of a handshake and of a little data after it. */
function conversation(options: PairOptions): string[] {
  const pair = createPair(options)
  const spoken: string[] = []
  start(pair)
  for (let round = 0; round < 10; round++) spoken.push(...turn(pair))
  assert.equal(pair.client.dtls.state, 'connected')
  assert.equal(pair.server.dtls.state, 'connected')
  spoken.push(Buffer.from(pair.client.dtls.seal(Buffer.from('data'))).toString('hex'))
  pair.server.dtls.close(0)
  spoken.push(...turn(pair))
  return spoken
}

function turn({ client, server }: Pair): string[] {
  const toServer = client.transmits()
  for (const datagram of toServer) server.receive(datagram)
  const toClient = server.transmits()
  for (const datagram of toClient) client.receive(datagram)
  return [...toServer, ...toClient].map(datagram => Buffer.from(datagram).toString('hex'))
}

describe('A handshake with the noble provider', () => {
  const cases: readonly (PairOptions & { title: string })[] = [
    { title: 'with ECDSA certificates' },
    { title: 'after a cookie', options: { peerAddressValidated: false } },
    { title: 'in DTLS 1.3', options: { maxVersion: '1.3' } },
    { title: 'in DTLS 1.3 after a cookie', options: { maxVersion: '1.3', peerAddressValidated: false } },
    {
      title: 'with RSA certificates',
      clientCertificate: sharedRsaCertificate(),
      serverCertificate: sharedRsaCertificate(),
    },
  ]
  for (const { title, ...options } of cases) {
    it(`is the same byte for byte for the same seed, ${title}`, () => {
      const crypto = { ...options.options, crypto: nobleCryptoProvider }
      const first = conversation({ ...options, seed: 7, options: crypto })
      assert.deepEqual(conversation({ ...options, seed: 7, options: crypto }), first)
      assert.notDeepEqual(conversation({ ...options, seed: 8, options: crypto }), first)
    })
  }
})

describe('Client and server', () => {
  const providers: readonly CryptoProvider[] = [nodeCryptoProvider, nobleCryptoProvider]
  for (const clientCrypto of providers) {
    for (const serverCrypto of providers) {
      for (const certificates of ['ECDSA', 'RSA', 'mixed'] as const) {
        it(`agree with the ${clientCrypto.name} and the ${serverCrypto.name} provider, certificates ${certificates}`, () => {
          const rsa = sharedRsaCertificate()
          const { client, server } = connectedPair({
            options: { srtpProfiles: [7, 1] },
            client: { crypto: clientCrypto },
            server: { crypto: serverCrypto },
            ...(certificates === 'ECDSA' ? {} : { serverCertificate: rsa }),
            ...(certificates === 'RSA' ? { clientCertificate: rsa } : {}),
          })
          const authentication = certificates === 'ECDSA' ? 'ECDSA' : 'RSA'
          const session = {
            version: 'FEFD',
            cipherSuite: `TLS_ECDHE_${authentication}_WITH_AES_128_GCM_SHA256`,
            group: 'x25519',
            srtpProfile: 7,
          }
          assert.deepEqual(client.dtls.session, session)
          assert.deepEqual(server.dtls.session, session)
          for (const context of [undefined, new Uint8Array(), Buffer.from('context')]) {
            assert.deepEqual(
              client.dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60, context),
              server.dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60, context),
            )
          }
          assert.notDeepEqual(
            client.dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60),
            client.dtls.exportKeyingMaterial('EXTRACTOR-dtls_srtp', 60, new Uint8Array()),
          )
          server.receive(client.dtls.seal(Buffer.from('to the server')))
          client.receive(server.dtls.seal(Buffer.from('to the client')))
          assert.deepEqual([server.data, client.data], [['to the server'], ['to the client']])
        })
      }
    }
  }
})
