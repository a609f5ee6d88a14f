import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { nodeX25519KeyShare } from '../../src/dtls/crypto/node-provider.ts'
import { nodeCryptoProvider } from '../../src/dtls/index.ts'

describe('The share of a new X25519 key', () => {
  it('is what the key says as JWK, and is read without that, which can hang Node 20 in a garbage collection', () => {
    const pair = generateKeyPairSync('x25519')
    const formats: unknown[] = []
    const publicKey = new Proxy(pair.publicKey, {
      get: (key, name) => (name === 'export' ? noting(key, formats) : Reflect.get(key, name)),
    })
    const share = nodeX25519KeyShare({ publicKey, privateKey: pair.privateKey })
    assert.deepEqual(formats, ['der'])
    assert.equal(Buffer.from(share.publicKey).toString('base64url'), pair.publicKey.export({ format: 'jwk' }).x)
    const other = nodeCryptoProvider.generateKeyShare('x25519', length => new Uint8Array(length))
    assert.deepEqual(share.deriveSecret(other.publicKey), other.deriveSecret(share.publicKey))
  })
})

function noting(key: KeyObject, formats: unknown[]): KeyObject['export'] {
  return ((options: { format: 'der'; type: 'spki' }) => {
    formats.push(options.format)
    return key.export(options)
  }) as KeyObject['export']
}
