import assert from 'node:assert/strict'
import { decodeClientHello, decodeServerHello } from '../../src/dtls/hello.ts'
import { nodeCryptoProvider } from '../../src/dtls/index.ts'
import { HandshakeType } from '../../src/dtls/messages.ts'
import { prf } from '../../src/dtls/v12/key-schedule.ts'
import { connectedPair, withTampering } from './support.ts'

describe('The key log', () => {
  it('has the master secret of DTLS 1.2 under the random of the client, the same at both ends', () => {
    const logs: Record<'client' | 'server', string[]> = { client: [], server: [] }
    const randoms = { client: '', server: '' }
    const { client } = withTampering(
      (type, body) => {
        if (type === HandshakeType.clientHello) randoms.client = hex(decodeClientHello(body).random)
        if (type === HandshakeType.serverHello) randoms.server = hex(decodeServerHello(body).random)
        return body
      },
      () =>
        connectedPair({
          options: { maxVersion: '1.2' },
          client: { keyLog: line => logs.client.push(line) },
          server: { keyLog: line => logs.server.push(line) },
        }),
    )
    const [label, clientRandom, secret = ''] = logs.client[0]?.split(' ') ?? []
    assert.deepEqual([label, clientRandom, secret.length], ['CLIENT_RANDOM', randoms.client, 96])
    // RFC 5705 §4: what the ends export comes from the master secret and both randoms.
    const seed = Buffer.from(randoms.client + randoms.server, 'hex')
    const exported = prf(nodeCryptoProvider, 'sha256', Buffer.from(secret, 'hex'), 'EXPORTER-test', seed, 32)
    assert.equal(hex(exported), hex(client.dtls.exportKeyingMaterial('EXPORTER-test', 32)))
    assert.deepEqual(logs.server, logs.client)
    assert.equal(logs.client.length, 1)
  })

  for (const maxVersion of ['1.2', '1.3'] as const) {
    for (const role of ['client', 'server'] as const) {
      it(`that throws is told of once, at the ${role} of DTLS ${maxVersion}, and ends nothing`, () => {
        const error = new Error('disk full')
        let calls = 0
        const keyLog = (): void => {
          calls++
          throw error
        }
        const pair = connectedPair({ options: { maxVersion }, [role]: { keyLog } })
        assert.deepEqual(pair[role].events, [{ type: 'key-log-failed', error }, { type: 'connected' }])
        assert.equal(calls, 1)
        pair.server.receive(pair.client.dtls.seal(Buffer.from('still here')))
        assert.deepEqual(pair.server.data, ['still here'])
      })
    }
  }
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
